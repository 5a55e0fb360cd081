import MarsBase
import MarsJIT
import MarsOps
import MarsRuntime

/// The engine with its compiler, and what the open sessions ask of it.
///
/// A process has one (`shared`), because threads and memory belong to the process.  Its threads end with the last session and start again
/// with the next run.  Of what the open sessions ask for, the smallest memory limit holds; for workers and folders the session opened last
/// decides.
package final class EngineHost: Sendable {
  let engine: Engine
  let jit = JIT()
  private struct Wishes: Sendable {
    var opened = 0
    /// Of open sessions, in the order of opening.
    var open: [(number: Int, options: Options)] = []
  }
  private let wishes = Locked(Wishes(), heldAtForks: true)

  package static let shared = EngineHost()

  /// A host of its own is for tests: its budget is not the process's.
  package init() {
    var o = EngineOptions()
    o.memoryLimit = EngineHost.automaticLimit
    engine = Engine(options: o, devices: [CPUDevice(jit: jit, natives: cpuNatives)])
  }

  deinit { engine.shutdown(waitingSeconds: 1) }

  /// Three quarters of the machine's memory.
  private static var automaticLimit: Int { EngineOptions.physicalMemory / 4 * 3 }

  fileprivate func enter(_ options: Options) -> Int {
    wishes.withLock { w in
      w.opened += 1
      w.open.append((w.opened, options))
      grant(w)
      engine.resetPeak()
      return w.opened
    }
  }

  fileprivate func change(_ number: Int, _ options: Options) {
    wishes.withLock { w in
      if let i = w.open.firstIndex(where: { $0.number == number }) { w.open[i].options = options }
      grant(w)
    }
  }

  fileprivate func leave(_ number: Int) {
    wishes.withLock { w in
      w.open.removeAll { $0.number == number }
      if w.open.isEmpty { engine.rest() } else { grant(w) }
    }
  }

  /// Sets the engine up as the open sessions ask.
  private func grant(_ w: Wishes) {
    let all = w.open.map(\.options)
    engine.workers = all.last { $0.workers > 0 }?.workers ?? EngineOptions.processors
    engine.memoryLimit = all.map(\.memoryLimit).filter { $0 > 0 }.min() ?? EngineHost.automaticLimit
    let spill = all.last { !$0.spillDirectory.isEmpty }?.spillDirectory ?? Options.environment("TMPDIR") ?? ""
    engine.spill.move(to: spill.isEmpty ? "/tmp" : spill)
    let cache = all.last { $0.cacheDirectory != nil }?.cacheDirectory ?? Options.defaultCacheDirectory
    jit.cacheDirectory = cache.isEmpty ? nil : cache
  }
}

/// A session's hold on the engine, given back with the session.
final class EngineLease: Sendable {
  let host: EngineHost
  private let number: Int

  init(_ host: EngineHost, _ options: Options) {
    self.host = host
    number = host.enter(options)
  }

  deinit { host.leave(number) }

  /// Asks for something else from now on.
  func change(_ options: Options) { host.change(number, options) }
}
