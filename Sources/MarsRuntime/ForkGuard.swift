import Glibc
import MarsBase
import MarsJIT
import MarsNumerics

/// Keeps engines usable in both processes after a fork.
///
/// All locks are taken before the fork, and code is not being compiled during it.  The child has none of the threads: there in-flight runs fail, locks are made anew, and threads are
/// started again when the next run needs them.
enum ForkGuard {
  private struct Entry {
    let engine: Unmanaged<Engine>
  }
  private static let engines: Locked<[Entry]> = {
    pthread_atfork({ ForkGuard.prepare() }, { ForkGuard.parent() }, { ForkGuard.child() })
    atexit { ForkGuard.atExit() }
    return Locked([])
  }()

  static func watch() { _ = engines }

  static func register(_ e: Engine) { engines.withLock { $0.append(Entry(engine: .passUnretained(e))) } }

  static func unregister(_ e: Engine) {
    let pointer = Unmanaged.passUnretained(e).toOpaque()
    engines.withLock { list in list.removeAll { $0.engine.toOpaque() == pointer } }
  }

  private static func prepare() {
    // Made by whoever comes first: a child would wait for ever for a thread that was at it.
    _ = Processor.current
    _ = WorkerMark.isSet
    // What takes longest first, while everybody else still gets on.
    JIT.lockForFork()
    BLASThreads.lockForFork()
    ForkLocks.lock()
    engines.lockForFork()
    engines.unsafeValue { list in
      for e in list {
        e.engine._withUnsafeGuaranteedRef {
          $0.lock.lock()
          $0.spill.lockForFork()
          $0.trace.lockForFork()
        }
      }
    }
  }

  private static func parent() {
    engines.unsafeValue { list in
      for e in list {
        e.engine._withUnsafeGuaranteedRef {
          $0.trace.unlockAfterFork()
          $0.spill.unlockAfterFork()
          $0.lock.unlock()
        }
      }
    }
    engines.unlockAfterFork()
    ForkLocks.unlock()
    BLASThreads.unlockAfterFork()
    JIT.unlockAfterFork()
  }

  private static func child() {
    engines.unsafeValue { list in
      for e in list { e.engine._withUnsafeGuaranteedRef { $0.reviveInChild() } }
    }
    engines.reinitialiseInChild()
    ForkLocks.reinitialiseInChild()
    BLASThreads.reinitialiseInChild()
    JIT.reinitialiseInChild()
  }

  private static func atExit() {
    // A lock held by a thread that is gone must not keep the process from ending.
    engines.unsafeValue { list in
      for e in list { e.engine._withUnsafeGuaranteedRef { $0.spill.close() } }
    }
  }
}

extension Engine {
  /// Has forks prepared for from here on, also before there is an engine.
  package static func watchForks() { ForkGuard.watch() }

  /// Makes locks new, forgets threads, fails runs that were in flight, and lets their memory go.
  func reviveInChild() {
    lock.reinitialise()
    trace.reinitialiseInChild()
    spill.forgetInChild()
    state.pointee.reviveInChild()
  }
}

extension EngineState {
  mutating func reviveInChild() {
    epoch += 1
    forks += 1
    liveWorkers = 0
    liveSpillers = 0
    endingThreads = 0
    idleWorkers = 0
    lookingWorkers = 0
    waitingReaders = 0
    releasing = 0
    settling = 0
    running = 0
    busyThreads = 0
    readerPins = 0
    ioInFlight = 0
    evictingBytes = 0
    writeQueue.removeAll()
    readQueue.removeAll()
    candidates.removeAll()
    isShort = false
    spillFailure = nil
    restoreFailures = [:]
    for i in 0..<blocks.count {
      switch blocks[i].state {
      case .spilling: blocks[i].state = .resident
      case .restoring:
        blocks[i].state = .spilled
        if let base = blocks[i].base { deallocate(base, blocks[i].capacity) }
        blocks[i].base = nil
      case .free, .resident, .spilled: break
      }
      if blocks[i].state == .spilled { blocks[i].isLost = true }
      if blocks[i].state == .resident { blocks[i].fileOffset = -1 }
      blocks[i].pins = 0
    }
    spilled = []
    // Tasks of the dead threads will never end.
    for i in 0..<active.count {
      let run = active[i]
      run.pointee.inFlight = 0
      run.pointee.loading.removeAll()
      run.pointee.loaded.removeAll()
      for k in 0..<run.pointee.workspaces.count { deallocate(run.pointee.workspaces[k].base, run.pointee.workspaces[k].capacity) }
      run.pointee.workspaces.removeAll()
    }
    failAll(MarsError(.cancelled, "the process was forked while this ran: run it again"))
    for i in 0..<blocks.count { freeIfUnused(Int32(i)) }
  }
}
