import Glibc

/// A lock with the value that it guards.
///
/// A pthread mutex and not `Synchronization.Mutex`: it must be re-initialised in the child of a fork.
package final class Locked<Value>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  fileprivate var value: Value

  package init(_ value: Value) {
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    self.value = value
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Locks without a scope: for fork handlers only.
  package func lockForFork() { pthread_mutex_lock(mutex) }
  package func unlockAfterFork() { pthread_mutex_unlock(mutex) }
  /// In the child of a fork: makes the mutex new, whoever held it.
  package func reinitialiseInChild() { pthread_mutex_init(mutex, nil) }
}

extension Locked {
  /// The value without locking: between `lockForFork` and its end, and when the process exits.
  package func unsafeValue<R>(_ body: (inout Value) -> R) -> R { body(&value) }
}
