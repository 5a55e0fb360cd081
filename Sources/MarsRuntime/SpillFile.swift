import Glibc
import MarsBase

/// The file in which evicted chunks lie, in a directory of the process that is removed at exit.
///
/// The directory's name holds process number and start time, so that what a crashed process left is known and removed by the next one.
package final class SpillFile: @unchecked Sendable {
  private struct State {
    var file: (any File)? = nil
    var directory: String? = nil
    var owner: pid_t = 0
    var parent: String
    /// Where the next file will lie, once nothing lies in this one.
    var nextParent: String? = nil
  }
  private let files: any FileSystem
  private let number: Int
  private let state: Locked<State>
  private static let count = Locked(0)

  init(files: any FileSystem, directory: String) {
    self.files = files
    state = Locked(State(parent: directory))
    number = SpillFile.count.withLock { n in
      n += 1
      return n
    }
  }

  /// Lets files made from now on lie below another directory; what lies in an open one stays there until nobody needs it.
  package func move(to directory: String) {
    state.withLock { s in
      if s.file == nil {
        s.parent = directory
        s.nextParent = nil
      } else {
        s.nextParent = directory == s.parent ? nil : directory
      }
    }
  }

  /// The open file; made at the first call.
  func open() throws(MarsError) -> any File {
    try state.withLock { s throws(MarsError) in
      if let f = s.file { return f }
      let parent = s.parent
      removeLeftovers(parent)
      let name = "\(parent)/mars-spill-\(getpid())-\(SpillFile.startTime(getpid()) ?? "0")-\(number)"
      if !files.exists(parent) { try files.makeDirectory(parent) }
      try files.makeDirectory(name)
      s.directory = name
      s.owner = getpid()
      let f = try files.open(name + "/chunks", .createOrTruncate)
      s.file = f
      return f
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

  /// Gives disk space back once nothing lies in the file behind `end`.
  func shrink(to end: Int) {
    state.withLock { s in
      if end == 0, let next = s.nextParent {
        remove(&s)
        s.parent = next
        s.nextParent = nil
      } else {
        try? s.file?.resize(end)
      }
    }
  }

  /// Removes file and directory.
  func close() { state.withLock { s in remove(&s) } }

  private func remove(_ s: inout State) {
    s.file = nil
    if let d = s.directory, s.owner == getpid() {
      try? files.remove(d + "/chunks")
      try? files.remove(d)
    }
    s.directory = nil
  }

  /// The directory below which files are made now.
  var parent: String { state.withLock { $0.nextParent ?? $0.parent } }

  var isOpen: Bool { state.withLock { $0.file != nil } }

  /// In the child of a fork: the file belongs to the parent.
  func forgetInChild() {
    state.reinitialiseInChild()
    state.withLock { s in
      s.file = nil
      s.directory = nil
    }
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
    while let b = state.pointee.writeQueue.popLast() { state.pointee.wrote(b, at: -1, checksum: 0, error: error) }
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
    let offset = state.pointee.spillFile.allocate(b.capacity)
    if !state.pointee.writeQueue.isEmpty { lock.send(.io) }
    lock.unlock()
    let begin = EngineLock.nanoseconds()
    var failure: MarsError? = nil
    let sum = SpillFile.checksum(base, b.capacity)
    do throws(MarsError) {
      try spill.open().write(at: offset, from: UnsafeRawBufferPointer(start: base, count: b.capacity))
    } catch { failure = error }
    trace.addIO(.spill, begin: begin, bytes: b.capacity)
    lock.lock()
    state.pointee.wrote(i, at: offset, checksum: sum, error: failure)
    settle()
  }

  private func read(_ i: Int32) {
    let b = state.pointee.blocks[i]
    guard let base = b.base else { return }
    lock.unlock()
    let begin = EngineLock.nanoseconds()
    var failure: MarsError? = nil
    do throws(MarsError) {
      try spill.open().read(at: b.fileOffset, into: UnsafeMutableRawBufferPointer(start: base, count: b.capacity))
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
    let shrink = state.pointee.spillFile.live == 0
    unlock()
    if shrink && spill.isOpen { shrinkSpillFile() }
    lock.lock()
  }

  private func shrinkSpillFile() {
    locked { s in
      // Nothing is allocated while the lock is held, so nothing can be cut off.
      if s.spillFile.live == 0 { spill.shrink(to: 0) }
    }
  }
}

extension EngineState {
  /// The oldest read that waits.
  mutating func takeFirstRead() -> Int32? {
    if readQueue.isEmpty { return nil }
    let b = readQueue[0]
    for i in 1..<readQueue.count { readQueue[i - 1] = readQueue[i] }
    _ = readQueue.popLast()
    return b
  }
}
