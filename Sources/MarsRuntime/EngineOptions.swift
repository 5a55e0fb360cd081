import Glibc
import MarsBase

/// How an engine is set up.
package struct EngineOptions: Sendable {
  /// Worker threads at first.
  package var workers: Int
  /// Bytes that chunks, workspaces and results may take.
  package var memoryLimit: Int
  /// Directory below which the engine makes its own; created when first needed.
  package var spillDirectory: String
  /// Threads that write and read spilled chunks.
  package var spillThreads = 2
  /// Most bytes of unused warm buffers that are kept after a run; nil: a quarter of the limit, at most 1 GiB.
  package var idlePoolBytes: Int? = nil
  /// A task whose outputs have this many bytes asks for non-temporal stores.
  package var streamBytes = 8 << 20
  /// Plans with at most so many tasks and bytes run on the calling thread.
  package var inlineTasks = 4
  package var inlineBytes = 256 << 10
  package var files: any FileSystem
  package var memory: any MemorySource

  package init(
    workers: Int = EngineOptions.processors, memoryLimit: Int = EngineOptions.physicalMemory / 2, spillDirectory: String = "/tmp",
    files: any FileSystem = PosixFileSystem(), memory: any MemorySource = SystemMemory()
  ) {
    self.workers = max(1, workers)
    self.memoryLimit = memoryLimit
    self.spillDirectory = spillDirectory
    self.files = files
    self.memory = memory
  }

  /// Processors on which the process may run.
  package static var processors: Int {
    let online = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return online }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 16384)
    let n = read(fd, &bytes, bytes.count)
    for line in bytes[..<max(n, 0)].split(separator: 10) where line.starts(with: Array("Cpus_allowed:".utf8)) {
      let mask = line.drop { $0 != 58 }
      let allowed = mask.reduce(0) { $0 + (Int(String(UnicodeScalar($1)), radix: 16) ?? 0).nonzeroBitCount }
      if allowed > 0 { return min(allowed, online) }
    }
    return online
  }
  /// Bytes that can be taken without others being swapped out, as the system estimates it (MemAvailable); all of the memory if it does not.
  package static var availableMemory: Int {
    let fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return physicalMemory }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let n = read(fd, &bytes, bytes.count)
    for line in bytes[..<max(n, 0)].split(separator: 10) where line.starts(with: Array("MemAvailable:".utf8)) {
      let digits = line.filter { $0 >= 48 && $0 <= 57 }
      if let k = Int(String(decoding: digits, as: UTF8.self)) { return k * 1024 }
    }
    return physicalMemory
  }
  package static var physicalMemory: Int { max(1, sysconf(Int32(_SC_PHYS_PAGES))) * max(1, sysconf(Int32(_SC_PAGESIZE))) }
}
