import Glibc

/// How much longer a fork waits for other threads.
///
/// Time in which the process was stopped, or got no processor, hardly counts: the others did not get on either.
struct ForkPatience {
  private var left: Double
  private var asked: Double

  init(seconds: Double) {
    left = seconds
    asked = ForkPatience.now()
  }

  /// What counts at most between two questions; who waits asks about every 50 microseconds.
  private static let longestStep = 0.001

  /// Whether it is used up; to be asked again and again.
  mutating func isOver() -> Bool {
    let now = ForkPatience.now()
    left -= min(now - asked, ForkPatience.longestStep)
    asked = now
    return left < 0
  }

  private static func now() -> Double { seconds(CLOCK_MONOTONIC) }

  /// Seconds on a clock of the system.
  static func seconds(_ clock: clockid_t) -> Double {
    var t = timespec()
    clock_gettime(clock, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }
}
