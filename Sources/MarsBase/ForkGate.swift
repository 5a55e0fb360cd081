import Glibc

/// Knows the threads inside code that a fork should not cut through, because what it leaves locked or half done cannot be mended.
package final class ForkGate: @unchecked Sendable {
  private struct Visitor {
    let thread: pthread_t
    /// Counts the processor time of the thread.
    let clock: clockid_t

    static var caller: Visitor {
      var clock = CLOCK_THREAD_CPUTIME_ID
      pthread_getcpuclockid(pthread_self(), &clock)
      return Visitor(thread: pthread_self(), clock: clock)
    }
    var isCaller: Bool { pthread_equal(thread, pthread_self()) != 0 }
  }
  /// Guards what follows; held while a fork is being made.
  private let door = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let opened = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var inside: [Visitor] = []
  /// Threads that are about to fork, and wait for those inside.
  private var closing = 0
  private var isCut = false

  package init() {
    door.initialize(to: pthread_mutex_t())
    opened.initialize(to: pthread_cond_t())
    initialise()
  }

  deinit {
    pthread_cond_destroy(opened)
    opened.deallocate()
    pthread_mutex_destroy(door)
    door.deallocate()
  }

  private func initialise() {
    pthread_mutex_init(door, nil)
    pthread_cond_init(opened, nil)
  }

  /// Runs `body`, which does not pass the gate again; waits while a fork is being made.
  package func pass<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    let me = Visitor.caller
    pthread_mutex_lock(door)
    while closing > 0 { pthread_cond_wait(opened, door) }
    inside.append(me)
    pthread_mutex_unlock(door)
    defer {
      pthread_mutex_lock(door)
      if let i = inside.firstIndex(where: \.isCaller) { inside.remove(at: i) }
      pthread_mutex_unlock(door)
    }
    return try body()
  }

  /// Lets nobody in, and waits until all others have left, as long as there is patience for `seconds`.
  ///
  /// Nor is a thread waited for that has worked for `work` seconds since, of processor time: then it is far from the beginning of what it does.
  package func closeForFork(waitingSeconds seconds: Double, workingSeconds work: Double = .infinity) {
    var patience = ForkPatience(seconds: seconds)
    pthread_mutex_lock(door)
    closing += 1
    // Nobody enters any more; whoever forks inside knows what it is at.
    let ends = inside.filter { !$0.isCaller }.map { ($0.thread, ForkPatience.seconds($0.clock) + work) }
    func isAwaited(_ v: Visitor) -> Bool {
      ends.contains { thread, end in pthread_equal(thread, v.thread) != 0 && ForkPatience.seconds(v.clock) < end }
    }
    while inside.contains(where: isAwaited) && !patience.isOver() {
      pthread_mutex_unlock(door)
      usleep(20)
      pthread_mutex_lock(door)
    }
    closing -= 1
  }

  package func openAfterFork() {
    pthread_cond_broadcast(opened)
    pthread_mutex_unlock(door)
  }

  /// In the child of a fork: whoever else was inside does not exist here.
  package func reinitialiseInChild() {
    isCut = isCut || inside.contains { !$0.isCaller }
    inside.removeAll { !$0.isCaller }
    closing = 0
    // Held by this thread since `closeForFork`; who waits for it does not exist here.
    pthread_mutex_unlock(door)
    initialise()
  }

  /// Whether this process, or one that it was forked from, began while another thread was inside.
  package var wasCutThrough: Bool {
    pthread_mutex_lock(door)
    defer { pthread_mutex_unlock(door) }
    return isCut
  }
}
