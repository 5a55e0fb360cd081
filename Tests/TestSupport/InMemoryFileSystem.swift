import MarsBase

/// Files in memory whose operations fail as a script says.
package final class InMemoryFileSystem: FileSystem {
  package struct State {
    package var files: [String: [UInt8]] = [:]
    package var directories: Set<String> = ["/"]
    /// Bytes that all files may hold; beyond, the disk is full.
    package var room = Int.max
    /// A disk that has no room for more.
    package var fullBelow: String? = nil
    package var failReads = 0
    package var failOpens = 0
    /// Flips a byte of what is read.
    package var corruptReads = 0
    /// Writes that succeed before the disk is full.
    package var goodWrites = Int.max
    package var writes = 0
    package var reads = 0
    /// Bytes of the largest read.
    package var largestRead = 0
    package var delayMicroseconds: UInt32 = 0
  }
  package let state = Locked(State())
  package init() {}

  package func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File {
    try state.withLock { s throws(MarsError) in
      if s.failOpens > 0 {
        s.failOpens -= 1
        throw MarsError(.os, "cannot open '\(path)': Permission denied")
      }
      switch mode {
      case .createOrTruncate, .create: s.files[path] = []
      case .read, .readWrite: if s.files[path] == nil { throw MarsError(.os, "cannot open '\(path)': No such file or directory") }
      }
    }
    return MemoryFile(path, self)
  }
  package func remove(_ path: String) throws(MarsError) {
    state.withLock { s in
      s.files[path] = nil
      s.directories.remove(path)
    }
  }
  package func rename(_ from: String, to: String) throws(MarsError) { state.withLock { $0.files[to] = $0.files.removeValue(forKey: from) } }
  package func makeDirectory(_ path: String) throws(MarsError) { state.withLock { _ = $0.directories.insert(path) } }
  package func exists(_ path: String) -> Bool { state.withLock { $0.files[path] != nil || $0.directories.contains(path) } }
  package func list(_ path: String) throws(MarsError) -> [String] {
    state.withLock { s in
      (Array(s.files.keys) + Array(s.directories)).filter { $0.hasPrefix(path + "/") && !$0.dropFirst(path.count + 1).contains("/") }
        .map { String($0.dropFirst(path.count + 1)) }
    }
  }
}

private final class MemoryFile: File {
  let path: String
  private let system: InMemoryFileSystem
  init(_ path: String, _ system: InMemoryFileSystem) {
    self.path = path
    self.system = system
  }
  func size() throws(MarsError) -> Int { system.state.withLock { $0.files[path]?.count ?? 0 } }
  func resize(_ n: Int) throws(MarsError) {
    system.state.withLock { s in
      guard let old = s.files[path]?.count else { return }
      if n < old { s.files[path]?.removeLast(old - n) } else { s.files[path]?.append(contentsOf: [UInt8](repeating: 0, count: n - old)) }
    }
  }
  func read(at offset: Int, into: UnsafeMutableRawBufferPointer) throws(MarsError) {
    try system.state.withLock { s throws(MarsError) in
      s.reads += 1
      s.largestRead = max(s.largestRead, into.count)
      if s.failReads > 0 {
        s.failReads -= 1
        throw MarsError(.os, "cannot read '\(path)': Input/output error")
      }
      guard let f = s.files[path], offset + into.count <= f.count else {
        throw MarsError(.os, "cannot read '\(path)': unexpected end of file")
      }
      f.withUnsafeBytes { into.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + into.count)])) }
      if s.corruptReads > 0 && into.count > 0 {
        s.corruptReads -= 1
        into[into.count / 2] ^= 1
      }
    }
  }
  func write(at offset: Int, from: UnsafeRawBufferPointer) throws(MarsError) {
    try system.state.withLock { s throws(MarsError) in
      s.writes += 1
      let others = s.files.reduce(0) { $0 + ($1.key == path ? 0 : $1.value.count) }
      let size = s.files[path]?.count ?? 0
      let end = max(size, offset + from.count)
      let isFull = s.fullBelow.map { path.hasPrefix($0 + "/") && end > size } ?? false
      if isFull || others + end > s.room || s.writes > s.goodWrites {
        throw MarsError(.os, "cannot write '\(path)': No space left on device")
      }
      if size < end { s.files[path]?.append(contentsOf: [UInt8](repeating: 0, count: end - size)) }
      s.files[path]?.withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[offset..<(offset + from.count)]).copyMemory(from: from)
      }
    }
  }
  func releasePages(at offset: Int, count: Int) {}
  func sync() throws(MarsError) {}
}
