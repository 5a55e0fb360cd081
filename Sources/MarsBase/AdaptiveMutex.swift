import Glibc

/// Mutexes for which a thread tries again for a moment before it sleeps.
///
/// The locks of Mars are held for about a microsecond, a thread that sleeps comes back after ten or more.
package enum AdaptiveMutex {
  /// Makes the mutex new, whatever it was before.
  package static func initialise(_ mutex: UnsafeMutablePointer<pthread_mutex_t>) {
    var kind = pthread_mutexattr_t()
    pthread_mutexattr_init(&kind)
    pthread_mutexattr_settype(&kind, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
    pthread_mutex_init(mutex, &kind)
    pthread_mutexattr_destroy(&kind)
  }
}
