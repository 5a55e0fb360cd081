import MarsBase
import MarsJIT
import MarsOps
import MarsRuntime

/// The engine with its compiler, and what the open sessions ask of it.
///
/// A process has one (`shared`), because threads and memory belong to the process.  Its threads end with the last session and start again
/// with the next run.  Of what the open sessions ask for, the smallest memory limit holds; for workers and folders the session opened last
/// decides.  A session may give up what it asks for without being closed, as a client's `with` block does at its end.
package final class EngineHost: Sendable {
  let engine: Engine
  let jit = JIT()
  private struct Wishes: Sendable {
    var opened = 0
    /// Of open sessions, in the order of opening.
    var open: [Wish] = []

    /// Options of the sessions that ask for something.
    var asked: [Options] { open.filter(\.isClaimed).map(\.options) }
  }
  private struct Wish: Sendable {
    let number: Int
    var options: Options
    var isClaimed = true
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
      w.open.append(Wish(number: w.opened, options: options))
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

  fileprivate func claim(_ number: Int, _ isClaimed: Bool) {
    wishes.withLock { w in
      if let i = w.open.firstIndex(where: { $0.number == number }) { w.open[i].isClaimed = isClaimed }
      grant(w)
    }
  }

  /// Whether the memory limit is one that a session did not ask for, but another did.
  fileprivate func isLimitedByOthers(_ number: Int) -> Bool {
    wishes.withLock { w in
      let own = w.open.first { $0.number == number && $0.isClaimed }?.options.memoryLimit ?? 0
      guard let least = w.asked.map(\.memoryLimit).filter({ $0 > 0 }).min() else { return false }
      return own == 0 || own > least
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
    let all = w.asked
    engine.workers = all.last { $0.workers > 0 }?.workers ?? EngineOptions.processors
    engine.memoryLimit = all.map(\.memoryLimit).filter { $0 > 0 }.min() ?? EngineHost.automaticLimit
    let spill = all.last { !$0.spillDirectory.isEmpty }?.spillDirectory ?? Options.environment("TMPDIR") ?? ""
    engine.spill(to: spill.isEmpty ? "/tmp" : spill)
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

  /// Whether what the session asks of the process counts.
  func claim(_ isClaimed: Bool) { host.claim(number, isClaimed) }

  var isLimitedByOthers: Bool { host.isLimitedByOthers(number) }
}
