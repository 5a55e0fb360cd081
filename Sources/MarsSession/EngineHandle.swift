import MarsBase
import MarsJIT
import MarsOps
import MarsRuntime

/// The engine of the process, shared by sessions that ask for the same; its threads end with the last of them.
final class EngineHandle: Sendable {
  let engine: Engine
  let jit: JIT
  private let key: Key

  private struct Key: Equatable, Sendable {
    let workers: Int
    let spillDirectory: String
    let cacheDirectory: String
  }
  private struct WeakHandle { weak var handle: EngineHandle? }
  private static let current = Locked(WeakHandle(), heldAtForks: true)

  private init(_ key: Key, _ options: Options) {
    self.key = key
    var o = EngineOptions()
    o.workers = key.workers
    if !key.spillDirectory.isEmpty {
      o.spillDirectory = key.spillDirectory
    } else if let t = Options.environment("TMPDIR"), !t.isEmpty {
      o.spillDirectory = t
    }
    o.memoryLimit = EngineHandle.limit(options)
    jit = JIT(options: JITOptions(cacheDirectory: key.cacheDirectory.isEmpty ? nil : key.cacheDirectory))
    engine = Engine(options: o, devices: [CPUDevice(jit: jit, natives: cpuNatives)])
  }

  deinit { engine.shutdown(waitingSeconds: 1) }

  static func limit(_ options: Options) -> Int {
    options.memoryLimit > 0 ? options.memoryLimit : EngineOptions.physicalMemory / 4 * 3
  }

  /// The current engine if it fits the options, else a new one that becomes current.  The memory limit is the process's: the last session sets it.
  static func shared(for options: Options) -> EngineHandle {
    let key = Key(
      workers: options.workers > 0 ? options.workers : EngineOptions.processors, spillDirectory: options.spillDirectory,
      cacheDirectory: options.cacheDirectory ?? Options.defaultCacheDirectory)
    let handle = current.withLock { c -> EngineHandle in
      if let h = c.handle, h.key == key { return h }
      let h = EngineHandle(key, options)
      c.handle = h
      return h
    }
    if options.memoryLimit > 0 { handle.engine.memoryLimit = options.memoryLimit }
    return handle
  }
}
