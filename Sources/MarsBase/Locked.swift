import Glibc
import Synchronization

/// A lock with the value that it guards.
///
/// A pthread mutex and not `Synchronization.Mutex`: in the child of a fork a lock may be held by a thread that does not exist there.  Such a
/// lock is made new by the first thread that waits for it.
package final class Locked<Value>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// Number of forks between the first process and the one in which the lock was last taken.
  private let generation: Atomic<UInt32>
  private let isHeldAtForks: Bool
  /// The value beside a byte of its own: a field without size (Void) would lie on the object's header, where sanitizers see other threads read.
  fileprivate struct Kept {
    var value: Value
    let size: UInt8 = 0
  }
  fileprivate var kept: Kept

  /// A lock that is `heldAtForks` is never cut through by a fork: for values that live long and are changed in steps.
  package init(_ value: Value, heldAtForks: Bool = false) {
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    AdaptiveMutex.initialise(mutex)
    generation = Atomic(ForkGeneration.current)
    isHeldAtForks = heldAtForks
    kept = Kept(value: value)
    if heldAtForks { ForkLocks.add(mutex) }
  }

  deinit {
    if isHeldAtForks { ForkLocks.remove(mutex) }
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    if pthread_mutex_trylock(mutex) != 0 { waitForLock() }
    generation.store(ForkGeneration.current, ordering: .relaxed)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&kept.value)
  }

  private func waitForLock() {
    var tries = 0
    while generation.load(ordering: .relaxed) != ForkGeneration.current {
      // Taken before the fork, or by a thread that has not come to say so yet; the latter is a matter of microseconds.
      if pthread_mutex_trylock(mutex) == 0 { return }
      tries += 1
      if tries < 20 {
        usleep(500)
        continue
      }
      ForkGeneration.recover {
        if generation.load(ordering: .relaxed) == ForkGeneration.current { return }
        AdaptiveMutex.initialise(mutex)
        generation.store(ForkGeneration.current, ordering: .relaxed)
      }
    }
    pthread_mutex_lock(mutex)
  }

  /// Locks without a scope: for fork handlers only.
  package func lockForFork() {
    if pthread_mutex_trylock(mutex) != 0 { waitForLock() }
  }
  package func unlockAfterFork() { pthread_mutex_unlock(mutex) }
  /// In the child of a fork: makes the mutex new, whoever held it.
  package func reinitialiseInChild() { AdaptiveMutex.initialise(mutex) }
}

extension Locked {
  /// The value without locking: between `lockForFork` and its end, and when the process exits.
  package func unsafeValue<R>(_ body: (inout Value) -> R) -> R { body(&kept.value) }
}

/// Counts the forks that led to this process.
private enum ForkGeneration {
  private static let count = Atomic<UInt32>(0)
  nonisolated(unsafe) private static let recovery = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Registers the handler once; nothing is counted before the first lock is made.
  private static let isWatching: Bool = {
    recovery.initialize(to: pthread_mutex_t())
    pthread_mutex_init(recovery, nil)
    pthread_atfork(
      nil, nil,
      {
        pthread_mutex_init(ForkGeneration.recovery, nil)
        ForkGeneration.count.add(1, ordering: .relaxed)
      })
    return true
  }()

  static var current: UInt32 {
    @inline(__always) get { isWatching ? count.load(ordering: .relaxed) : 0 }
  }

  static func recover(_ body: () -> Void) {
    pthread_mutex_lock(recovery)
    body()
    pthread_mutex_unlock(recovery)
  }
}
