import Glibc
import MarsBase

/// A session's options.  An option is a property and its entry in `table`.
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

  /// One option: all that is known of it.
  struct Entry: Sendable {
    let name: String
    let doc: String
    fileprivate let value: Value
    fileprivate init(_ name: String, _ value: Value, _ doc: String) {
      self.name = name
      self.value = value
      self.doc = doc
    }
  }

  /// Where an option is kept, and so how its text is read and written.
  fileprivate enum Value: Sendable {
    case count(any WritableKeyPath<Options, Int> & Sendable, most: Int)
    case bytes(any WritableKeyPath<Options, Int> & Sendable)
    case flag(any WritableKeyPath<Options, Bool> & Sendable)
    case folder(any WritableKeyPath<Options, String> & Sendable)
    /// A folder that is another one as long as none is named.
    case folderOr(any WritableKeyPath<Options, String?> & Sendable, @Sendable () -> String)
  }

  static let table: [Entry] = [
    Entry(
      "workers", .count(\.workers, most: 1024),
      "threads that compute, of a pool that all sessions share: the one opened last decides; 0: one per processor"),
    Entry(
      "memory_limit", .bytes(\.memoryLimit),
      "bytes that chunks, workspaces and results of the process may take, or a number with a unit as in 1.5GiB, 2GB or 2G: of open sessions the smallest holds; 0: most of the machine's memory"
    ),
    Entry(
      "spill_dir", .folder(\.spillDirectory), "directory for chunks that do not fit; empty: below the system's temporary directory"),
    Entry(
      "cache_dir", .folderOr(\.cacheDirectory) { defaultCacheDirectory }, "directory of compiled kernels; empty: no disk cache"),
    Entry("trace", .flag(\.traces), "1: record trace events"),
    Entry("chunk_bytes", .bytes(\.chunkBytes), "wanted bytes per chunk, as memory_limit; 0: automatic"),
    Entry("fuse", .flag(\.fuses), "0: every operator writes its result to memory, to compare with"),
    Entry(
      "recompute", .flag(\.recomputes),
      "0: a value with several users is kept for them even where computing it again is cheaper"),
  ]

  mutating func set(_ key: String, _ text: String) throws(MarsError) {
    guard let entry = Options.table.first(where: { $0.name == key }) else {
      let known = Options.table.map(\.name).joined(separator: ", ")
      throw MarsError(.value, "unknown option '\(key)': options are \(known)")
    }
    switch entry.value {
    case .count(let path, let most): self[keyPath: path] = try Options.count(key, text, most: most)
    case .bytes(let path): self[keyPath: path] = try Options.bytes(key, text)
    case .flag(let path): self[keyPath: path] = try Options.flag(key, text)
    case .folder(let path): self[keyPath: path] = text
    case .folderOr(let path, _): self[keyPath: path] = text
    }
  }

  func text(_ entry: Entry) -> String {
    switch entry.value {
    case .count(let path, _), .bytes(let path): String(self[keyPath: path])
    case .flag(let path): self[keyPath: path] ? "1" : "0"
    case .folder(let path): self[keyPath: path]
    case .folderOr(let path, let other): self[keyPath: path] ?? other()
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
