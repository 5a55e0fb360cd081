import Glibc
import MarsOps
import MarsRuntime

/// What a process makes once, at its first call: the registry of operators, and the engine.
///
/// It takes milliseconds.  A child forked meanwhile by another thread would wait for ever for the thread that was at it: forks wait.
package enum FirstUse {
  private static let isDone: Bool = {
    // In this order: of handlers the one that was registered last runs first, before the engine's takes any lock.
    Engine.watchForks()
    pthread_atfork({ FirstUse.finish() }, nil, nil)
    Operators.prepare()
    _ = cpuNatives
    _ = EngineHost.shared
    return true
  }()

  /// Returns when all is there; costs nothing from then on.
  @inline(__always)
  package static func finish() { _ = isDone }
}
