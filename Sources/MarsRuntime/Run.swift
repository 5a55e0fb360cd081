import MarsBase
import MarsGraph
import MarsPlan

/// How one run is made.
package struct RunOptions: Sendable {
  /// Whether events of this run are recorded in `Engine.trace`.
  package var trace = false
  /// Whether a tiny plan may run on the calling thread.
  package var mayRunInline = true
  package init() {}
}

/// A result of a run.
package enum RunResult: Sendable {
  /// One piece of memory.
  case dense(DenseArray)
  /// Chunks that stay with the engine.
  case chunked(any ChunkedData)

  package var type: TensorType {
    switch self {
    case .dense(let array): array.type
    case .chunked(let data): data.type
    }
  }
}

/// How far a run is.
package struct RunProgress: Sendable {
  package var tasksDone: Int
  /// Of the plan as far as it is known.
  package var tasksTotal: Int
  package var usedBytes: Int
  package var isEnded: Bool
}

/// What `Plan.needs` asked for: the extents with which the chunks of a tensor came out, or its values.
package struct ProducedTensor: Sendable {
  /// Number of the tensor in the plan.
  package var tensor: Int
  /// Extents of every chunk, in the order of the tensor's grid.
  package var chunks: [[Int]]
  /// The chunks as they are, from which offsets follow.
  package var grid: Grid
  /// The values, of one of `Plan.neededValues`.
  package var values: DenseArray? = nil
}

/// A plan that is being run, or has been.
package final class Run: @unchecked Sendable {
  package let engine: Engine
  /// Guarded by the engine's lock.
  let core: RunCorePointer
  private let taken: Locked<[RunResult]?>

  init(engine: Engine, plan: PlanBox, trace: Bool) {
    self.engine = engine
    core = .allocate(capacity: 1)
    core.initialize(to: RunCore(plan: plan, trace: trace))
    taken = Locked(nil)
  }

  /// A run that ended on the calling thread.
  init(engine: Engine, plan: PlanBox, results: [RunResult], error: MarsError?) {
    self.engine = engine
    core = .allocate(capacity: 1)
    core.initialize(to: RunCore(plan: plan, trace: false))
    core.pointee.outcome = error.map { .failed($0) } ?? .finished
    core.pointee.done = plan.plan.taskCount
    core.pointee.isRetired = true
    taken = Locked(error == nil ? results : nil)
  }

  deinit {
    if core.pointee.slotBlock.count > 0 {
      engine.locked { s in
        for i in 0..<core.pointee.slotBlock.count where core.pointee.slotBlock[i] >= 0 { s.release(core.pointee.slotBlock[i]) }
      }
    }
    core.deinitialize(count: 1)
    core.deallocate()
  }

  // MARK: Waiting

  /// Waits until the run has ended; false if that takes longer than `seconds`.  Throws what made the run fail.
  @discardableResult
  package func wait(timeoutSeconds seconds: Double? = nil) throws(MarsError) -> Bool {
    try waitUntil(seconds, "waiting for a run") { $0.outcome.isRunning == false }
  }

  /// Waits until what `Plan.needs` names has run; nil if that takes longer than `seconds`.  Throws what made the run fail.
  package func waitForNeeds(timeoutSeconds seconds: Double? = nil) throws(MarsError) -> [ProducedTensor]? {
    let reached = try waitUntil(seconds, "waiting for extents and values") { !$0.outcome.isRunning || $0.neededLeft == 0 }
    if !reached { return nil }
    var out = engine.locked { _ in
      let plan = core.pointee.plan.plan
      return plan.needs.map { producedTensor($0) }
    }
    let plan = core.pointee.plan.plan
    for i in out.indices where plan.neededValues.contains(out[i].tensor) {
      out[i].values = try values(of: plan.tensors[out[i].tensor])
    }
    return out
  }

  /// A copy of a tensor in one piece, in memory of its own: it is small.
  private func values(of t: PlanTensor) throws(MarsError) -> DenseArray {
    guard let copy = Buffer.unlimited(byteCount: t.type.byteCount) else { throw Engine.noMemory(t.type.byteCount) }
    if t.type.byteCount > 0 {
      let b = engine.locked { _ in core.pointee.slotBlock[Int(t.firstSlot)] }
      guard b >= 0 else { throw MarsError(.internal, "values that planning waits for were not kept") }
      copy.base.copyMemory(from: try engine.acquire(b), byteCount: t.type.byteCount)
      engine.letGo(b)
    }
    return DenseArray(buffer: copy, type: t.type)
  }

  private func waitUntil(
    _ seconds: Double?, _ what: String, _ condition: (borrowing RunCore) -> Bool
  ) throws(MarsError) -> Bool {
    let end = seconds.map { EngineLock.now() + $0 }
    var hasHelped = false
    engine.lock.lock()
    defer { engine.unlock() }
    while !condition(core.pointee) {
      try Engine.refuseOnWorker(what)
      // A task takes up to 50 ms: who waits for less wants to look at something else soon.
      if !hasHelped && (seconds ?? 1) >= 0.05 {
        hasHelped = true
        engine.help(core, until: end)
        continue
      }
      if let end, EngineLock.now() >= end { return false }
      engine.lock.waitForChange(until: end)
    }
    if case .failed(let e) = core.pointee.outcome { throw e }
    return true
  }

  /// Waits until the run has ended, in whatever way, none of its tasks is in progress, and what it left behind has been taken back; false
  /// if that takes longer than `seconds`.
  package func settle(timeoutSeconds seconds: Double? = nil) throws(MarsError) -> Bool {
    let end = seconds.map { EngineLock.now() + $0 }
    engine.lock.lock()
    defer { engine.unlock() }
    while core.pointee.outcome.isRunning || core.pointee.inFlight > 0 || engine.state.pointee.releasing > 0 {
      try Engine.refuseOnWorker("waiting for the tasks of a run")
      if let end, EngineLock.now() >= end { return false }
      engine.state.pointee.settling += 1
      engine.lock.waitForChange(until: end)
      engine.state.pointee.settling -= 1
    }
    return true
  }

  /// Extents of a tensor's chunks; the lock is held.
  private func producedTensor(_ t: Int) -> ProducedTensor {
    let tensor = core.pointee.plan.plan.tensors[t]
    let grid = core.pointee.plan.grid(ofTensor: t)
    var chunks: [[Int]] = []
    for c in 0..<grid.chunkCount {
      chunks.append(core.pointee.produced[tensor.firstSlot + Int32(c)] ?? grid.box(c).extents)
    }
    return ProducedTensor(tensor: t, chunks: chunks, grid: grid.resolved(chunks))
  }

  // MARK: Control

  /// Goes on with a plan that has the old one as its beginning: what was awaited, or what `Plan.needs` asked for, has been planned.
  package func extend(to plan: Plan) {
    let base: Int32 = core.pointee.trace ? engine.trace.register(plan) : -1
    let grids = engine.locked { _ in
      var out: [Int: Grid] = [:]
      let old = core.pointee.plan.plan
      for (t, tensor) in old.tensors.enumerated() where tensor.hasUnknownExtents && tensor.firstSlot >= 0 {
        if (0..<tensor.grid.chunkCount).allSatisfy({ core.pointee.produced[tensor.firstSlot + Int32($0)] != nil }) {
          out[t] = producedTensor(t).grid
        }
      }
      return out
    }
    let box = PlanBox(plan, actualGrids: grids, traceBase: base)
    let isOwn = engine.holdsChunks(of: plan)
    // Lists of millions of tasks are made without the lock, which whoever cancels needs.
    let isBlank = engine.locked { _ in core.pointee.isBlank && core.pointee.outcome.isRunning }
    var whole = RunCore(plan: box, trace: core.pointee.trace)
    if isBlank { whole.adopt(box) }
    engine.locked { s in
      if !isOwn { s.fail(core, Engine.foreignChunks) }
      s.bury(core.pointee.plan)
      guard core.pointee.outcome.isRunning else { return }
      let firstTensor = core.pointee.plan.plan.tensors.count
      if isBlank { core.pointee.begin(with: &whole) } else { core.pointee.adopt(box) }
      s.nextSequence = max(s.nextSequence, core.pointee.sequenceBase + plan.taskCount)
      s.attachKept(core, firstTensor: firstTensor)
      s.dropUnheld(core)
      s.finishIfComplete(core)
      s.mustSignal = true
      s.mustBroadcast = true
    }
  }

  /// Ends the run; tasks in flight end in the background.  Waiting calls throw `.cancelled`.
  package func cancel() {
    engine.locked { s in s.fail(core, MarsError(.cancelled, "the run was cancelled")) }
  }

  package var progress: RunProgress {
    engine.locked { s in
      let box = core.pointee.plan
      return RunProgress(
        tasksDone: core.pointee.done, tasksTotal: box.plan.taskCount, usedBytes: s.used, isEnded: !core.pointee.outcome.isRunning)
    }
  }

  /// Why the run failed, or nil.
  package var error: MarsError? {
    engine.locked { _ in
      if case .failed(let e) = core.pointee.outcome { e } else { nil }
    }
  }

  // MARK: Results

  /// One per entry of `Plan.results`; waits for the run.  Equal every time it is called.
  package func results() throws(MarsError) -> [RunResult] {
    try wait()
    return try taken.withLock { t throws(MarsError) in
      if let done = t { return done }
      let made = try makeResults()
      t = made
      return made
    }
  }

  /// Whether result `i` lies in memory that the run allocated for it alone.
  package func isOwnMemory(_ i: Int) -> Bool {
    // The box, of which what is looked at is not copied.
    let box = core.pointee.plan
    let t = box.plan.results[i]
    guard case .whole = box.plan.tensors[t].storage else { return false }
    return box.plan.results.count { $0 == t } == 1
  }

  private func makeResults() throws(MarsError) -> [RunResult] {
    let box = core.pointee.plan
    var made: [Int: RunResult] = [:]
    var out: [RunResult] = []
    for t in box.plan.results {
      if let r = made[t] {
        out.append(r)
        continue
      }
      let r = try makeResult(t, box)
      made[t] = r
      out.append(r)
    }
    return out
  }

  private func makeResult(_ t: Int, _ box: PlanBox) throws(MarsError) -> RunResult {
    let tensor = box.plan.tensors[t]
    switch tensor.storage {
    case .leaf(let array): return .dense(array)
    case .keptChunks(let data): return .chunked(data)
    case .whole:
      let slot = Int(tensor.firstSlot)
      let b = engine.locked { _ in core.pointee.slotBlock[slot] }
      guard b >= 0 else {
        if tensor.type.byteCount == 0 { return .dense(DenseArray(buffer: try engine.makeBuffer(byteCount: 0), type: tensor.type)) }
        throw MarsError(.internal, "a result was not written")
      }
      let base = try engine.acquire(b)
      engine.waitWhileSpilling(b)
      let capacity = engine.locked { s in
        // The buffer leaves the store: from now on it belongs to who holds the array, and still counts as used.
        let capacity = s.blocks[b].capacity
        core.pointee.slotBlock[slot] = -1
        s.readerPins -= 1
        s.detach(b)
        return capacity
      }
      return .dense(DenseArray(buffer: engine.buffer(base, tensor.type.byteCount, capacity), type: tensor.type))
    case .chunks:
      let (blocks, grid) = engine.locked { s in
        let grid = tensor.hasUnknownExtents ? producedTensor(t).grid : box.grid(ofTensor: t)
        var blocks: [Int32] = []
        for slot in RunCore.slots(of: tensor) {
          blocks.append(core.pointee.slotBlock[slot])
          core.pointee.slotBlock[slot] = -1
        }
        return (blocks, grid)
      }
      if blocks.contains(-1) {
        engine.locked { s in for b in blocks where b >= 0 { s.release(b) } }
        throw MarsError(.internal, "a chunk of a result was not written")
      }
      return .chunked(StoredTensor(engine: engine, type: TensorType(tensor.type.dtype, grid.shape), grid: grid, blocks: blocks))
    }
  }
}

extension EngineState {
  /// Frees what an extended plan does not hold any more.
  mutating func dropUnheld(_ run: RunCorePointer) {
    for s in 0..<run.pointee.slotBlock.count where run.pointee.usesLeft[s] == 0 && !run.pointee.held[s] && run.pointee.slotBlock[s] >= 0 {
      drop(run, Int32(s))
    }
  }

  /// Frees a pinned block without its buffer, which goes to the caller.
  mutating func detach(_ b: Int32) {
    blocks[b].pins -= 1
    blocks[b].refs -= 1
    dropFileCopy(b)
    blocks[b].state = .free
    blocks[b].base = nil
    freeBlocks.append(b)
  }
}
