import Glibc
import Synchronization

/// A mutex that is made new in the child of a fork by the first thread that waits for it, where a thread holds it that does not exist there.
@usableFromInline
struct ForkSafeMutex: ~Copyable, @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// Number of forks between the first process and the one in which the mutex was last taken.
  private let generation: Atomic<UInt32>
  private let isHeldAtForks: Bool

  /// A mutex that is `heldAtForks` is never cut through by a fork.
  @usableFromInline
  init(heldAtForks: Bool) {
    mutex = .allocate(capacity: 1)
    AdaptiveMutex.initialise(mutex)
    ForkGeneration.watch()
    generation = Atomic(ForkGeneration.current)
    isHeldAtForks = heldAtForks
    if heldAtForks { ForkLocks.add(mutex) }
  }

  deinit {
    if isHeldAtForks { ForkLocks.remove(mutex) }
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  @usableFromInline
  func lock() {
    if pthread_mutex_trylock(mutex) != 0 { waitForLock() }
    generation.store(ForkGeneration.current, ordering: .relaxed)
  }

  @usableFromInline
  func unlock() { pthread_mutex_unlock(mutex) }

  /// Locks without a scope, and without saying in which process: for fork handlers only.
  func lockForFork() {
    if pthread_mutex_trylock(mutex) != 0 { waitForLock() }
  }

  /// In the child of a fork: makes the mutex new, whoever held it.
  func reinitialiseInChild() { AdaptiveMutex.initialise(mutex) }

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
}

/// Counts the forks that led to this process.
private enum ForkGeneration {
  private static let count = Atomic<UInt32>(0)
  nonisolated(unsafe) private static let recovery = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Registers the handler once.
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

  /// Nothing is counted before this: whoever makes a mutex asks for it.
  static func watch() { _ = isWatching }

  static var current: UInt32 {
    @inline(__always) get { count.load(ordering: .relaxed) }
  }

  static func recover(_ body: () -> Void) {
    pthread_mutex_lock(recovery)
    body()
    pthread_mutex_unlock(recovery)
  }
}
