import Glibc
import MarsBase

/// The files in which evicted chunks lie, each in a directory of the process that is removed when nothing lies there any more, and at exit.
///
/// A directory's name holds process number and start time, so that what a crashed process left is known and removed by the next one.  There
/// is one file, of which chunks take parts, per directory that was asked for: new chunks go where it was asked for last.
package final class SpillFile: @unchecked Sendable {
  private struct Volume {
    /// The directory below which the file lies once it is open.
    var parent: String
    var open: OpenSpillFile? = nil
  }
  private struct State {
    var volumes: [Volume]
    /// Where new chunks go.
    var current = 0
    /// Directories in which dead processes have left nothing.
    var clean: Set<String> = []
  }
  private let files: any FileSystem
  private let state: Locked<State>
  private static let count = Locked(0)

  init(files: any FileSystem, directory: String) {
    self.files = files
    state = Locked(State(volumes: [Volume(parent: directory)]))
  }

  /// Lets chunks go below another directory from now on; what lies on disk stays where it is until nobody needs it.
  func move(to directory: String) {
    state.withLock { s in
      let known = s.volumes.firstIndex { $0.parent == directory } ?? s.volumes.firstIndex { $0.open == nil }
      if let known {
        s.volumes[known].parent = directory
        s.current = known
      } else {
        s.current = s.volumes.count
        s.volumes.append(Volume(parent: directory))
      }
    }
  }

  /// Number of the file to which new chunks go.
  var current: Int { state.withLock { $0.current } }

  /// The file of a number; made at the first call.
  func open(_ volume: Int) throws(MarsError) -> any File {
    try state.withLock { s throws(MarsError) in
      if let f = s.volumes[volume].open { return f.file }
      let parent = s.volumes[volume].parent
      if s.clean.insert(parent).inserted { removeLeftovers(parent) }
      let number = SpillFile.count.withLock { n in
        n += 1
        return n
      }
      let name = "\(parent)/mars-spill-\(getpid())-\(SpillFile.startTime(getpid()) ?? "0")-\(number)"
      if !files.exists(parent) { try files.makeDirectory(parent) }
      try files.makeDirectory(name)
      let file: any File
      do throws(MarsError) { file = try files.open(name + "/chunks", .createOrTruncate) } catch {
        try? files.remove(name)
        throw error
      }
      s.volumes[volume].open = OpenSpillFile(file, in: name, files)
      return file
    }
  }

  /// Tells whether chunks could be written below a directory, by writing there; throws an error that names it.
  package static func check(_ directory: String, _ files: any FileSystem) throws(MarsError) {
    let wasThere = files.exists(directory)
    do throws(MarsError) {
      if !wasThere { try files.makeDirectory(directory) }
      let probe = "\(directory)/mars-spill-probe-\(getpid())"
      _ = try files.open(probe, .createOrTruncate)
      try files.remove(probe)
      if !wasThere { try files.remove(directory) }
    } catch { throw error.saying("spill_dir '\(directory)' cannot be used: \(error.message)") }
  }

  /// Lets go of a file in which nothing lies: it is removed with the last reference to what this returns.
  func letGo(_ volume: Int) -> AnyObject? { state.withLock { $0.volumes[volume].open.take() } }

  /// Removes files and directories.
  func close() {
    // They go when the array does, after unlocking.
    let all = state.withLock { s in s.volumes.indices.map { s.volumes[$0].open.take() } }
    withExtendedLifetime(all) {}
  }

  /// The directory below which new chunks go.
  var parent: String { state.withLock { $0.volumes[$0.current].parent } }

  /// In the child of a fork: the files belong to the parent.
  func forgetInChild() {
    state.reinitialiseInChild()
    state.withLock { s in for i in s.volumes.indices { s.volumes[i].open = nil } }
  }
  func lockForFork() { state.lockForFork() }
  func unlockAfterFork() { state.unlockAfterFork() }

  /// Removes the directories of processes that are no more.
  private func removeLeftovers(_ parent: String) {
    guard let names = try? files.list(parent) else { return }
    for name in names where name.hasPrefix("mars-spill-") {
      let parts = name.split(separator: "-")
      guard parts.count == 5, let pid = pid_t(parts[2]), SpillFile.startTime(pid) != String(parts[3]) else { continue }
      let directory = parent + "/" + name
      for f in (try? files.list(directory)) ?? [] { try? files.remove(directory + "/" + f) }
      try? files.remove(directory)
    }
  }

  /// When a process was started, in clock ticks since boot (field 22 of /proc/<pid>/stat); nil if there is none.
  static func startTime(_ pid: pid_t) -> String? {
    let fd = Glibc.open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { Glibc.close(fd) }
    var bytes = [UInt8](repeating: 0, count: 2048)
    let n = read(fd, &bytes, bytes.count)
    guard n > 0, let close = bytes[..<n].lastIndex(of: UInt8(ascii: ")")) else { return nil }
    // After the name in brackets, which may hold anything, follow fields 3 and up.
    let fields = bytes[(close + 1)..<n].split(separator: UInt8(ascii: " "))
    return fields.count > 19 ? String(decoding: fields[19], as: UTF8.self) : nil
  }

  /// A checksum that runs at memory speed: four multiplicative hashes over interleaved words.
  static func checksum(_ p: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var a: SIMD4<UInt64> = [0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB, 0xD6E8_FEB8_6659_FD93]
    var i = 0
    while i + 32 <= count {
      let w = (p + i).loadUnaligned(as: SIMD4<UInt64>.self)
      a = (a ^ w) &* SIMD4(repeating: 0xFF51_AFD7_ED55_8CCD)
      a ^= a &>> 29
      i += 32
    }
    var tail: UInt64 = UInt64(count)
    while i < count {
      tail = (tail ^ UInt64((p + i).load(as: UInt8.self))) &* 0x100_0000_01B3
      i += 1
    }
    var h = tail
    for k in 0..<4 { h = (h ^ a[k]) &* 0xC4CE_B9FE_1A85_EC53 }
    return h ^ (h >> 32)
  }
}

/// An open file of chunks, removed with its directory when nobody has it any more.
private final class OpenSpillFile: Sendable {
  let file: any File
  private let directory: String
  private let files: any FileSystem
  /// The process that made it: in a child of that the deinitialiser removes nothing.
  private let owner = getpid()

  init(_ file: any File, in directory: String, _ files: any FileSystem) {
    self.file = file
    self.directory = directory
    self.files = files
  }

  deinit {
    guard owner == getpid() else { return }
    try? files.remove(directory + "/chunks")
    try? files.remove(directory)
  }
}

// MARK: Threads that write and read

extension Engine {
  /// Starts the spill threads if there are none; the lock is held.
  func startSpillers() {
    while state.pointee.liveSpillers < max(1, options.spillThreads) {
      let epoch = state.pointee.epoch
      state.pointee.liveSpillers += 1
      if !BackgroundThread.start("mars-spill", { self.serveIO(epoch: epoch) }) {
        state.pointee.liveSpillers -= 1
        if state.pointee.liveSpillers == 0 { failQueuedIO(MarsError(.os, "cannot start a thread for moving chunks to disk")) }
        return
      }
    }
  }

  private func failQueuedIO(_ error: MarsError) {
    while let b = state.pointee.writeQueue.popLast() { state.pointee.wrote(b, in: 0, at: -1, checksum: 0, error: error) }
    while let b = state.pointee.readQueue.popLast() { state.pointee.restored(b, error: error) }
  }

  private func serveIO(epoch: Int) {
    WorkerMark.set()
    lock.lock()
    while state.pointee.epoch == epoch {
      // Reads first: a task waits for each of them.
      if let b = state.pointee.takeFirstRead() {
        read(b)
      } else if let b = state.pointee.writeQueue.popLast() {
        write(b)
      } else {
        lock.waitForIO()
      }
    }
    failQueuedIO(MarsError(.cancelled, "the engine was shut down"))
    state.pointee.threadEnded(epoch: epoch) { $0.liveSpillers -= 1 }
    unlock()
  }

  /// Writes one block; the lock is held before and after, but not during.
  private func write(_ i: Int32) {
    let b = state.pointee.blocks[i]
    guard let base = b.base else { return }
    let volume = spill.current
    let offset = state.pointee.allocateOnDisk(volume, b.capacity)
    if !state.pointee.writeQueue.isEmpty { lock.send(.io) }
    lock.unlock()
    let begin = EngineLock.nanoseconds()
    var failure: MarsError? = nil
    let sum = SpillFile.checksum(base, b.capacity)
    do throws(MarsError) {
      try spill.open(volume).write(at: offset, from: UnsafeRawBufferPointer(start: base, count: b.capacity))
    } catch { failure = error }
    trace.addIO(.spill, begin: begin, bytes: b.capacity)
    lock.lock()
    state.pointee.wrote(i, in: volume, at: offset, checksum: sum, error: failure)
    settle()
  }

  private func read(_ i: Int32) {
    let b = state.pointee.blocks[i]
    guard let base = b.base else { return }
    lock.unlock()
    let begin = EngineLock.nanoseconds()
    var failure: MarsError? = nil
    do throws(MarsError) {
      try spill.open(Int(b.volume)).read(at: b.fileOffset, into: UnsafeMutableRawBufferPointer(start: base, count: b.capacity))
      if SpillFile.checksum(base, b.capacity) != b.checksum {
        throw MarsError(.os, "a chunk that was moved to disk came back changed: its checksum is wrong")
      }
    } catch { failure = error }
    trace.addIO(.unspill, begin: begin, bytes: b.capacity)
    lock.lock()
    state.pointee.restored(i, error: failure)
    settle()
  }

  /// Wakes and releases as after unlocking; the lock is held again when this returns.
  private func settle() {
    unlock()
    lock.lock()
  }
}

extension EngineState {
  /// Room for a chunk in a spill file.
  mutating func allocateOnDisk(_ volume: Int, _ count: Int) -> Int {
    while spilled.count <= volume { spilled.append(ExtentList()) }
    return spilled[volume].allocate(count)
  }

  /// Gives room in a spill file back, and the file once nothing lies in it.
  mutating func freeOnDisk(_ volume: Int, _ offset: Int, _ count: Int) {
    spilled[volume].free(offset, count)
    // Nothing is allocated while the lock is held, so nothing can lie in it; removing a large file may take long.
    if spilled[volume].live == 0, let file = spill.letGo(volume) { bury(file) }
  }

  /// The oldest read that waits.
  mutating func takeFirstRead() -> Int32? {
    if readQueue.isEmpty { return nil }
    let b = readQueue[0]
    for i in 1..<readQueue.count { readQueue[i - 1] = readQueue[i] }
    _ = readQueue.popLast()
    return b
  }
}
