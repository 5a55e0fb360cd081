import Glibc

/// Mutexes for which a thread tries again for a moment before it sleeps.
///
/// The locks of Mars are held for about a microsecond, a thread that sleeps comes back after ten or more.
package enum AdaptiveMutex {
  /// Read only once it is made, so that any threads may make mutexes by it at the same time.
  nonisolated(unsafe) private static let kind: UnsafeMutablePointer<pthread_mutexattr_t> = {
    let kind = UnsafeMutablePointer<pthread_mutexattr_t>.allocate(capacity: 1)
    pthread_mutexattr_init(kind)
    pthread_mutexattr_settype(kind, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
    return kind
  }()

  /// Makes the mutex new, whatever it was before.
  package static func initialise(_ mutex: UnsafeMutablePointer<pthread_mutex_t>) { pthread_mutex_init(mutex, kind) }
}
