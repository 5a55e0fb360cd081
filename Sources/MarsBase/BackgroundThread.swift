import Glibc

/// A detached thread; never Swift's cooperative pool, which does not survive a fork.
package enum BackgroundThread {
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Runs `body` in a thread of its own with all signals blocked; false if the system has none.
  package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    var all = sigset_t()
    var old = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &old)
    defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 16 << 20)
    defer { pthread_attr_destroy(&attributes) }
    let start = Unmanaged.passRetained(Start(name, body))
    var thread = pthread_t()
    let failed = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        BackgroundThread.name(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    if failed != 0 { start.release() }
    return failed == 0
  }

  /// Names the calling thread for debuggers and `top`.
  private static func name(_ name: String) {
    let fd = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard fd >= 0 else { return }
    defer { close(fd) }
    var text = name
    text.withUTF8 { _ = write(fd, $0.baseAddress, $0.count) }
  }
}
