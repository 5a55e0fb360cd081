import Glibc
import MarsBase
import Synchronization

/// The engine's mutex and the conditions on which its threads wait.
final class EngineLock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let work = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let io = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Counts the times that there was something new for workers, for those who look without the lock.
  private let news = Atomic<Int>(0)
  /// Where the client's thread was when it started, or began to help with, the last run: not the place for a worker.
  private let clientProcessor = Atomic<Int32>(-1)

  init() {
    mutex.initialize(to: pthread_mutex_t())
    for c in [work, change, io] { c.initialize(to: pthread_cond_t()) }
    reinitialise()
  }
  deinit {
    pthread_mutex_destroy(mutex)
    for c in [work, change, io] {
      pthread_cond_destroy(c)
      c.deallocate()
    }
    mutex.deallocate()
  }

  /// Makes everything new, whoever held or waited: at the start and in the child of a fork.
  func reinitialise() {
    AdaptiveMutex.initialise(mutex)
    var a = pthread_condattr_t()
    pthread_condattr_init(&a)
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC)
    for c in [work, change, io] { pthread_cond_init(c, &a) }
    pthread_condattr_destroy(&a)
  }

  @inline(__always) func lock() { pthread_mutex_lock(mutex) }
  @inline(__always) func unlock() { pthread_mutex_unlock(mutex) }
  /// Whom to wake: one worker, all who wait for a change, one thread that spills.
  struct Signals: OptionSet {
    let rawValue: UInt8
    static let work = Signals(rawValue: 1)
    static let change = Signals(rawValue: 2)
    static let io = Signals(rawValue: 4)
  }
  @inline(__always)
  func send(_ signals: Signals) {
    if signals.isEmpty { return }
    if signals.contains(.work) { pthread_cond_signal(work) }
    if signals.contains(.change) { pthread_cond_broadcast(change) }
    if signals.contains(.io) { pthread_cond_signal(io) }
  }
  func broadcastChange() { pthread_cond_broadcast(change) }
  func waitForWork() { pthread_cond_wait(work, mutex) }
  var newsCount: Int { news.load(ordering: .relaxed) }
  func tellNews() { news.add(1, ordering: .relaxed) }
  func noteClient() { clientProcessor.store(Processor.current, ordering: .relaxed) }
  /// Whether the calling thread is where the client's is.
  @inline(__always)
  var isBesideClient: Bool { clientProcessor.load(ordering: .relaxed) == Processor.current }
  /// Leaves the processor to the client's thread; without the lock.
  func leaveClient() { Processor.leave(clientProcessor.load(ordering: .relaxed)) }
  /// Returns when there is news since `count`, or at the time `end` (in nanoseconds); without the lock.
  func lookForNews(since count: Int, until end: Int) {
    repeat {
      // Only a thread with a processor of its own is ready when there is news.
      leaveClient()
      for _ in 0..<100 where news.load(ordering: .relaxed) != count { return }
      // Whoever has something to do comes first.
      sched_yield()
    } while EngineLock.nanoseconds() < end
  }
  func waitForIO() { pthread_cond_wait(io, mutex) }
  func wakeAll() {
    pthread_cond_broadcast(work)
    pthread_cond_broadcast(io)
    pthread_cond_broadcast(change)
  }

  /// Waits for a change, or until a time on the monotonic clock; nil waits without end.
  func waitForChange(until end: Double? = nil) {
    guard let end else {
      pthread_cond_wait(change, mutex)
      return
    }
    var t = timespec()
    t.tv_sec = Int(end)
    t.tv_nsec = Int((end - Double(Int(end))) * 1e9)
    pthread_cond_timedwait(change, mutex, &t)
  }

  /// Seconds on the monotonic clock.
  @inline(__always)
  static func now() -> Double { Double(nanoseconds()) * 1e-9 }

  @inline(__always)
  static func nanoseconds() -> Int {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return t.tv_sec * 1_000_000_000 + t.tv_nsec
  }
}

/// Marks the threads that are workers.
enum WorkerMark {
  private static let key: pthread_key_t = {
    var k = pthread_key_t()
    pthread_key_create(&k, nil)
    return k
  }()
  static var isSet: Bool { pthread_getspecific(key) != nil }
  static func set() { pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1)) }
}
