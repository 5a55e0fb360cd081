import Glibc
import MarsBase
import MarsGraph
import MarsPlan

/// Runs plans: worker threads, memory and spilled chunks of a process.
///
/// Any method may be called from any thread; those that can wait throw when called by a worker.  `shutdown` ends the threads.
package final class Engine: @unchecked Sendable {
  package let options: EngineOptions
  let devices: [String: any Device]
  /// Guarded by `lock`.
  let state: UnsafeMutablePointer<EngineState>
  let lock: EngineLock
  let spill: SpillFile
  package let trace = Trace()
  /// An address for windows of which nothing is read.
  let emptyBase = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
  /// Scratch of threads that run tiny plans themselves.
  let inlineContexts = Locked<[TaskContext]>([], heldAtForks: true)

  package init(options: EngineOptions, devices: [any Device]) {
    self.options = options
    var table: [String: any Device] = [:]
    for d in devices { table[d.name] = d }
    self.devices = table
    spill = SpillFile(files: options.files, directory: options.spillDirectory)
    state = .allocate(capacity: 1)
    state.initialize(to: EngineState(options: options, spill: spill))
    lock = EngineLock()
    ForkGuard.register(self)
  }

  deinit {
    ForkGuard.unregister(self)
    spill.close()
    state.deinitialize(count: 1)
    state.deallocate()
    emptyBase.deallocate()
  }

  /// Runs `body` under the lock, then wakes who must be woken and lets go of what may not be released under a lock.
  func locked<R, E: Error>(_ body: (inout EngineState) throws(E) -> R) throws(E) -> R {
    lock.lock()
    defer { unlock() }
    return try body(&state.pointee)
  }

  func unlock() {
    let graveyard = takeGarbage()
    let signals = takeSignals()
    lock.unlock()
    lock.send(signals)
    if let graveyard { release(graveyard) }
  }

  struct Garbage {
    var objects: [Unmanaged<AnyObject>]
    var memory: BufferPool.Leaving
  }

  /// What must be released after unlocking; nil, as nearly always, for nothing.
  @inline(__always)
  func takeGarbage() -> Garbage? {
    if state.pointee.graveyard.isEmpty && !state.pointee.pool.hasLeaving { return nil }
    var objects: [Unmanaged<AnyObject>] = []
    while let o = state.pointee.graveyard.popLast() { objects.append(o) }
    state.pointee.releasing += 1
    return Garbage(objects: objects, memory: state.pointee.pool.takeLeaving())
  }

  func release(_ g: Garbage) {
    for o in g.objects { o.release() }
    g.memory.release(to: options.memory)
    lock.lock()
    // A child of a fork made in between has begun anew.
    if state.pointee.releasing > 0 { state.pointee.releasing -= 1 }
    if state.pointee.releasing == 0 && state.pointee.settling > 0 { lock.broadcastChange() }
    lock.unlock()
  }

  /// What the state's flags ask for, to be sent once the lock is free: who wakes takes it at once.  The lock is held.
  @inline(__always)
  func takeSignals() -> EngineLock.Signals {
    var signals: EngineLock.Signals = []
    if state.pointee.mustSignal {
      state.pointee.mustSignal = false
      if state.pointee.busyThreads < state.pointee.workerCount && hasClaimable {
        lock.tellNews()
        // Waking a thread takes longer than most tasks: who looks about takes the work, and wakes others if there is more.
        if state.pointee.idleWorkers > 0 && state.pointee.lookingWorkers == 0 { signals.insert(.work) }
      }
      if state.pointee.waitingReaders > 0 { state.pointee.mustBroadcast = true }
    }
    if state.pointee.mustBroadcast {
      state.pointee.mustBroadcast = false
      signals.insert(.change)
    }
    if !state.pointee.writeQueue.isEmpty || !state.pointee.readQueue.isEmpty {
      startSpillers()
      signals.insert(.io)
    }
    return signals
  }

  // MARK: Running

  /// Starts a plan and returns at once; a tiny plan has run when this returns.
  package func run(_ plan: Plan, options runOptions: RunOptions = RunOptions()) -> Run {
    if runOptions.mayRunInline && !runOptions.trace && plan.taskCount <= options.inlineTasks, let done = runInline(plan) {
      return done
    }
    let base = runOptions.trace ? trace.register(plan) : -1
    let box = PlanBox(plan, traceBase: base)
    let run = Run(engine: self, plan: box, trace: runOptions.trace)
    if !holdsChunks(of: plan) {
      run.core.pointee.outcome = .failed(Engine.foreignChunks)
      run.core.pointee.isRetired = true
      return run
    }
    run.core.pointee.adopt(box)
    lock.noteClient()
    lock.lock()
    state.pointee.submit(run)
    if state.pointee.active.count > 0 { startWorkers() }
    unlock()
    return run
  }

  /// Whether the kept chunks that a plan reads are this engine's: their numbers mean nothing to another.
  func holdsChunks(of plan: Plan) -> Bool {
    plan.tensors.allSatisfy { t in
      if case .keptChunks(let data) = t.storage { (data as? StoredTensor)?.engine === self } else { true }
    }
  }
  static let foreignChunks = MarsError(.internal, "a plan names chunks of another engine")

  /// Tasks, bytes and buffers so far.
  package var statistics: EngineStatistics {
    locked { s in
      var out = s.statistics
      out.usedBytes = s.used
      out.poolBytes = s.pool.freeBytes
      out.peakBytes = s.peak
      out.limit = s.limit
      out.reusedBuffers = s.pool.reused
      out.freshBuffers = s.pool.fresh
      return out
    }
  }

  /// Starts measuring `peakBytes` anew.
  package func resetPeak() { locked { s in s.peak = s.used + s.pool.freeBytes } }

  /// The memory limit in bytes; lowering it evicts when the next task needs memory.
  package var memoryLimit: Int {
    get { locked { s in s.limit } }
    set {
      locked { s in
        s.limit = newValue
        s.idlePool = options.idlePoolBytes ?? min(newValue / 4, 1 << 30)
        s.pool.trim(to: max(0, newValue - s.used))
        s.mustSignal = true
      }
    }
  }

  /// Worker threads; those that are too many end when they have nothing to do.
  package var workers: Int {
    get { locked { s in s.workerCount } }
    set {
      let isChange = locked { s -> Bool in
        if s.workerCount == max(1, newValue) { return false }
        s.workerCount = max(1, newValue)
        if !s.active.isEmpty { startWorkers() }
        return true
      }
      if isChange { lock.wakeAll() }
    }
  }

  /// Ends the threads and gives warm memory back until the next run.
  package func rest() {
    locked { s in
      s.endThreads()
      s.pool.trim(to: 0)
    }
    lock.wakeAll()
  }

  /// Lets chunks that do not fit memory go below another directory from now on.
  package func spill(to directory: String) {
    // Under the lock: a chunk gets its place in the file that is the current one then.
    locked { _ in spill.move(to: directory) }
  }

  /// The directory below which chunks go that do not fit memory.
  package var spillDirectory: String { spill.parent }

  /// Bytes that chunks could still take on disk; nil if that cannot be told.
  package var freeSpillBytes: Int? { options.files.freeBytes(spill.parent) }

  /// Whether the calling thread is one of an engine's workers, which must not wait for runs.
  package static var isWorkerThread: Bool { WorkerMark.isSet }

  static func refuseOnWorker(_ what: String) throws(MarsError) {
    if isWorkerThread { throw MarsError(.value, "\(what) would block a worker of the engine: it must not be called from a callback") }
  }

  /// Wraps memory that counts as used already.
  func buffer(_ base: UnsafeMutableRawPointer, _ byteCount: Int, _ capacity: Int) -> Buffer {
    Buffer(base: base, byteCount: byteCount) { base, _ in
      self.locked { s in s.deallocate(base, capacity) }
    }
  }

  /// Ends all runs and threads; waits at most `seconds` for native calls in progress.
  package func shutdown(waitingSeconds seconds: Double = 10) {
    locked { s in
      s.isClosed = true
      s.endThreads()
      s.failAll(MarsError(.cancelled, "the engine was shut down"))
    }
    lock.wakeAll()
    let end = EngineLock.now() + seconds
    lock.lock()
    while state.pointee.endingThreads > 0 && EngineLock.now() < end && !Engine.isWorkerThread {
      lock.waitForChange(until: min(end, EngineLock.now() + 0.05))
      lock.wakeAll()
    }
    state.pointee.pool.trim(to: 0)
    // Results that lie on disk can still be read; then the file goes with the engine.
    let isUnused = state.pointee.spilled.allSatisfy { $0.live == 0 }
    unlock()
    if isUnused { spill.close() }
  }
}

extension EngineState {
  /// Enters a new run among the active ones.
  mutating func submit(_ run: Run) {
    let core = run.core
    statistics.runs += 1
    if isClosed {
      core.pointee.outcome = .failed(MarsError(.cancelled, "the engine was shut down"))
      core.pointee.isRetired = true
      return
    }
    var index: Int32 = -1
    for i in 0..<runTable.count where runTable[i] == nil {
      index = Int32(i)
      break
    }
    if index < 0 {
      index = Int32(runTable.count)
      runTable.append(core)
    }
    runTable[index] = core
    core.pointee.index = index
    core.pointee.sequenceBase = nextSequence
    core.pointee.expectsHelp = core.pointee.plan.isHelpable
    nextSequence += core.pointee.plan.plan.taskCount
    attachKept(core, firstTensor: 0)
    active.append(core)
    activeRuns.append(run)
    finishIfComplete(core)
    mustSignal = true
  }

  /// Lets the slots of kept chunks name the blocks that hold them.
  mutating func attachKept(_ core: RunCorePointer, firstTensor: Int) {
    let tensors = core.pointee.plan.plan.tensors
    for t in firstTensor..<tensors.count {
      guard case .keptChunks(let data) = tensors[t].storage, let stored = data as? StoredTensor else { continue }
      for (k, b) in stored.blocks.enumerated() {
        let slot = tensors[t].firstSlot + Int32(k)
        if core.pointee.slotBlock[slot] >= 0 { continue }
        core.pointee.slotBlock[slot] = b
        blocks[b].refs += 1
        if blocks[b].owner < 0 {
          blocks[b].owner = core.pointee.index
          blocks[b].slot = slot
        }
      }
    }
  }
}
