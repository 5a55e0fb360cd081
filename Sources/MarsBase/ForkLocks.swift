import Glibc

/// Locks that are taken before a fork, so that the child finds what they guard whole.
///
/// They are tried together, and all are given back when one of them cannot be had: no order among them matters, and a thread that holds one
/// and waits for another gets on.
package enum ForkLocks {
  typealias Lock = UnsafeMutablePointer<pthread_mutex_t>
  nonisolated(unsafe) private static let list: UnsafeMutablePointer<[Lock]> = {
    let p = UnsafeMutablePointer<[Lock]>.allocate(capacity: 1)
    p.initialize(to: [])
    return p
  }()
  nonisolated(unsafe) private static let mutex: Lock = {
    let m = Lock.allocate(capacity: 1)
    m.initialize(to: pthread_mutex_t())
    pthread_mutex_init(m, nil)
    return m
  }()
  /// How many of the list are held for a fork.
  nonisolated(unsafe) private static var held = 0

  static func add(_ lock: Lock) {
    pthread_mutex_lock(mutex)
    list.pointee.append(lock)
    pthread_mutex_unlock(mutex)
  }

  static func remove(_ lock: Lock) {
    pthread_mutex_lock(mutex)
    if let i = list.pointee.firstIndex(of: lock) { list.pointee.remove(at: i) }
    pthread_mutex_unlock(mutex)
  }

  /// Takes all locks.  After `seconds` of patience the fork goes on without: whoever forks while holding one of them must not hang.
  package static func lock(waitingSeconds seconds: Double = 5) {
    var patience = ForkPatience(seconds: seconds)
    pthread_mutex_lock(mutex)
    while true {
      held = 0
      while held < list.pointee.count, pthread_mutex_trylock(list.pointee[held]) == 0 { held += 1 }
      if held == list.pointee.count || patience.isOver() { return }
      for i in 0..<held { pthread_mutex_unlock(list.pointee[i]) }
      // Locks are added and removed while holding others.
      pthread_mutex_unlock(mutex)
      usleep(50)
      pthread_mutex_lock(mutex)
    }
  }

  package static func unlock() {
    for i in 0..<held { pthread_mutex_unlock(list.pointee[i]) }
    pthread_mutex_unlock(mutex)
  }

  package static func reinitialiseInChild() {
    // What could not be taken may be half changed; its lock is made new by the first thread that waits for it.
    for i in 0..<held { pthread_mutex_init(list.pointee[i], nil) }
    pthread_mutex_init(mutex, nil)
  }
}
