import MarsBase
import MarsJIT
import MarsOps
import MarsRuntime

/// A session's hold on the engine of the process, with what the session asks of it.
///
/// There is one engine, because threads and memory belong to the process.  Its threads end with the last session and start again with the
/// next run.  Of what the open sessions ask for, the smallest memory limit holds; for workers and folders the session opened last decides.
final class EngineLease: Sendable {
  private let number: Int

  init(_ options: Options) {
    number = EngineLease.process.withLock { p in
      p.opened += 1
      p.wishes.append((p.opened, options))
      p.grant()
      return p.opened
    }
  }

  deinit {
    EngineLease.process.withLock { p in
      p.wishes.removeAll { $0.number == number }
      if p.wishes.isEmpty { EngineLease.engine.rest() } else { p.grant() }
    }
  }

  /// Asks for something else from now on.
  func change(_ options: Options) {
    EngineLease.process.withLock { p in
      if let i = p.wishes.firstIndex(where: { $0.number == number }) { p.wishes[i].options = options }
      p.grant()
    }
  }

  // MARK: The process

  static let jit = JIT()
  static let engine: Engine = {
    var o = EngineOptions()
    o.memoryLimit = automaticLimit
    return Engine(options: o, devices: [CPUDevice(jit: jit, natives: cpuNatives)])
  }()

  /// Three quarters of the machine's memory.
  private static var automaticLimit: Int { EngineOptions.physicalMemory / 4 * 3 }

  private struct Process: Sendable {
    var opened = 0
    /// Of open sessions, in the order of opening.
    var wishes: [(number: Int, options: Options)] = []

    /// Sets the engine up as the open sessions ask.
    func grant() {
      let all = wishes.map(\.options)
      EngineLease.engine.workers = all.last { $0.workers > 0 }?.workers ?? EngineOptions.processors
      EngineLease.engine.memoryLimit = all.map(\.memoryLimit).filter { $0 > 0 }.min() ?? EngineLease.automaticLimit
      let spill = all.last { !$0.spillDirectory.isEmpty }?.spillDirectory ?? Options.environment("TMPDIR") ?? ""
      EngineLease.engine.spill.move(to: spill.isEmpty ? "/tmp" : spill)
      let cache = all.last { $0.cacheDirectory != nil }?.cacheDirectory ?? Options.defaultCacheDirectory
      EngineLease.jit.cacheDirectory = cache.isEmpty ? nil : cache
    }
  }
  private static let process = Locked(Process(), heldAtForks: true)
}
