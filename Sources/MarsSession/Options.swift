import Glibc
import MarsBase

/// A session's options: listable, each with its text.
struct Options: Sendable {
  /// 0: one per processor.
  var workers = 0
  /// 0: most of the machine's memory.
  var memoryLimit = 0
  var spillDirectory = ""
  /// nil: the user's cache directory; "": no disk cache.
  var cacheDirectory: String? = nil
  var traces = false
  /// 0: automatic.
  var chunkBytes = 0
  var fuses = true
  var recomputes = true

  static let table: [(name: String, doc: String)] = [
    ("workers", "threads that compute, of a pool that all sessions share: the one opened last decides; 0: one per processor"),
    (
      "memory_limit",
      "bytes that chunks, workspaces and results of the process may take, or a number with a unit as in 1.5GiB, 2GB or 2G: of open sessions the smallest holds; 0: most of the machine's memory"
    ),
    ("spill_dir", "directory for chunks that do not fit; empty: below the system's temporary directory"),
    ("cache_dir", "directory of compiled kernels; empty: no disk cache"),
    ("trace", "1: record trace events"),
    ("chunk_bytes", "wanted bytes per chunk, as memory_limit; 0: automatic"),
    ("fuse", "0: every operator writes its result to memory, to compare with"),
    ("recompute", "0: a value with several users is kept for them even where computing it again is cheaper"),
  ]

  mutating func set(_ key: String, _ value: String) throws(MarsError) {
    switch key {
    case "workers": workers = try Options.count(key, value, most: 1024)
    case "memory_limit": memoryLimit = try Options.bytes(key, value)
    case "spill_dir": spillDirectory = value
    case "cache_dir": cacheDirectory = value
    case "trace": traces = try Options.flag(key, value)
    case "chunk_bytes": chunkBytes = try Options.bytes(key, value)
    case "fuse": fuses = try Options.flag(key, value)
    case "recompute": recomputes = try Options.flag(key, value)
    default:
      let known = Options.table.map(\.name).joined(separator: ", ")
      throw MarsError(.value, "unknown option '\(key)': options are \(known)")
    }
  }

  func get(_ key: String) -> String {
    switch key {
    case "workers": String(workers)
    case "memory_limit": String(memoryLimit)
    case "spill_dir": spillDirectory
    case "cache_dir": cacheDirectory ?? Options.defaultCacheDirectory
    case "trace": traces ? "1" : "0"
    case "chunk_bytes": String(chunkBytes)
    case "fuse": fuses ? "1" : "0"
    case "recompute": recomputes ? "1" : "0"
    default: ""
    }
  }

  private static func count(_ key: String, _ value: String, most: Int) throws(MarsError) -> Int {
    guard let n = Int(value), n >= 0, n <= most else {
      throw MarsError(.value, "option '\(key)' must be a number between 0 and \(most) but is '\(value)'")
    }
    return n
  }

  private static func flag(_ key: String, _ value: String) throws(MarsError) -> Bool {
    switch value {
    case "0", "false": return false
    case "1", "true": return true
    default: throw MarsError(.value, "option '\(key)' must be 0 or 1 but is '\(value)'")
    }
  }

  /// Longer suffixes before those that they end in.  A letter alone is a power of 1024, as in most programs that take sizes.
  private static let units: [(suffix: String, bytes: Double)] = [
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9),
    ("TB", 1e12), ("K", 1024), ("M", 1_048_576), ("G", 1_073_741_824), ("T", 1_099_511_627_776),
  ]

  private static func bytes(_ key: String, _ value: String) throws(MarsError) -> Int {
    var digits = value
    var factor = 1.0
    for (suffix, f) in units where value.hasSuffix(suffix) {
      digits = String(value.dropLast(suffix.count))
      factor = f
      break
    }
    while digits.hasSuffix(" ") { digits.removeLast() }
    // Without letters that numbers of other kinds have: 0x10, inf.
    let isDecimal = !digits.isEmpty && digits.utf8.allSatisfy { (48...57).contains($0) || ".eE+-".utf8.contains($0) }
    guard isDecimal, let n = Double(digits), n >= 0, n * factor < 9e18 else {
      let known = units.map(\.suffix).joined(separator: ", ")
      throw MarsError(.value, "option '\(key)' must be a decimal number of bytes, or one followed by \(known), but is '\(value)'")
    }
    guard n == 0 || n * factor >= 1, factor > 1 || n == n.rounded() else {
      throw MarsError(.value, "option '\(key)' must be a whole number of bytes but is '\(value)': name a unit, as in 1.5GiB")
    }
    return Int(n * factor)
  }

  static func environment(_ name: String) -> String? {
    guard let p = getenv(name) else { return nil }
    return String(cString: p)
  }

  static var defaultCacheDirectory: String {
    if let d = environment("MARS_CACHE_DIR") { return d }
    if let x = environment("XDG_CACHE_HOME"), !x.isEmpty { return x + "/mars" }
    if let h = environment("HOME"), !h.isEmpty { return h + "/.cache/mars" }
    return ""
  }
}
