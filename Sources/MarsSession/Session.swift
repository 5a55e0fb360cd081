import MarsBase
import MarsGraph
import MarsJIT
import MarsPlan
import MarsRuntime

/// What a binding opens: options, and an engine that runs graphs.
package final class Session: Sendable {
  private let options: Locked<Options>
  private let lease: EngineLease
  let plans = PlanCache()

  package init(options given: [(String, String)], host: EngineHost = .shared) throws(MarsError) {
    var o = Options()
    for (key, value) in given { try o.set(key, value) }
    if !o.spillDirectory.isEmpty { try SpillFile.check(o.spillDirectory, PosixFileSystem()) }
    options = Locked(o)
    lease = EngineLease(host, o)
  }

  private static let shared = Locked<Session?>(nil, heldAtForks: true)

  /// The process's own session, opened at the first call.
  package static func `default`() throws(MarsError) -> Session {
    try shared.withLock { (s: inout Session?) throws(MarsError) -> Session in
      if let s { return s }
      let made = try Session(options: [])
      s = made
      return made
    }
  }

  /// Whether what the session asks of the process (workers, memory, folders) counts, as it does from its opening on.
  package func claim(_ isClaimed: Bool) { lease.claim(isClaimed) }

  /// An error of a run, which says so where memory ran out that another session limits.
  func told(_ error: MarsError) -> MarsError {
    guard error.code == .memory && lease.isLimitedByOthers else { return error }
    return error.saying("\(error.message); the memory limit is that of another open session: the smallest holds for all")
  }

  package var host: EngineHost { lease.host }
  var engine: Engine { lease.host.engine }

  var planOptions: PlanOptions {
    let limit = engine.memoryLimit
    return options.withLock { o in
      PlanOptions(memoryLimit: limit, chunkBytes: o.chunkBytes > 0 ? o.chunkBytes : nil, fuses: o.fuses, recomputes: o.recomputes)
    }
  }

  var runOptions: RunOptions {
    var r = RunOptions()
    r.trace = options.withLock { $0.traces }
    return r
  }

  // MARK: Options and counters

  package func setOption(_ key: String, _ value: String) throws(MarsError) {
    if key == "spill_dir" && !value.isEmpty { try SpillFile.check(value, PosixFileSystem()) }
    let now = try options.withLock { (o: inout Options) throws(MarsError) -> Options in
      try o.set(key, value)
      return o
    }
    lease.change(now)
  }

  package func optionsText() -> String {
    let o = options.withLock { $0 }
    var w = JSONWriter()
    w.array { w in
      for entry in Options.table {
        w.object { w in
          w.key("name")
          w.string(entry.name)
          w.key("value")
          switch entry.name {
          case "memory_limit": w.string(String(engine.memoryLimit))
          case "workers": w.string(String(engine.workers))
          default: w.string(o.text(entry))
          }
          w.key("doc")
          w.string(entry.doc)
        }
      }
    }
    return w.text
  }

  package func statisticsText() -> String {
    let s = engine.statistics
    let j = lease.host.jit.statistics
    var w = JSONWriter()
    w.object { w in
      let fields: [(String, Int)] = [
        ("tasks", s.tasksRun), ("runs", s.runs), ("inline_runs", s.inlineRuns), ("compiles", j.compiles), ("cache_hits", j.cacheHits),
        ("disk_hits", j.diskHits), ("compile_nanoseconds", Int(j.nanoseconds)), ("spilled_bytes", s.spilledBytes),
        ("unspilled_bytes", s.unspilledBytes), ("clean_evictions", s.cleanEvictions), ("reused_buffers", s.reusedBuffers),
        ("fresh_buffers", s.freshBuffers), ("in_place_tasks", s.inPlaceTasks), ("task_nanoseconds", s.taskNanoseconds),
        ("dispatch_nanoseconds", s.dispatchNanoseconds), ("used_bytes", s.usedBytes), ("pool_bytes", s.poolBytes),
        ("peak_bytes", s.peakBytes), ("memory_limit", s.limit), ("live_nodes", Node.liveCount),
      ]
      for (k, v) in fields {
        w.key(k)
        w.int(v)
      }
    }
    return w.text
  }

  package func traceText() -> String { engine.trace.json() }

  // MARK: Running

  /// Computes tensors and waits; with bindings the results are new tensors and the given ones stay as they are.
  package func execute(_ tensors: [Tensor], bindings: [(String, Tensor)] = []) throws(MarsError) -> [Tensor] {
    let e = try Execution(self, tensors, bindings)
    try e.drive()
    return try e.results()
  }

  /// Starts to compute tensors; a graph that takes long to plan is planned in the background.
  package func start(_ tensors: [Tensor], bindings: [(String, Tensor)] = []) throws(MarsError) -> Execution {
    let e = try Execution(self, tensors, bindings, mayPlanLater: true)
    e.driveInBackground()
    return e
  }

  /// - Parameter goesOn: asked now and then from the calling thread while planning goes on; false is the error `.cancelled`.
  package func explain(_ tensors: [Tensor], while goesOn: (@Sendable () -> Bool)? = nil) throws(MarsError) -> String {
    var values: [Value] = []
    for t in tensors { values.append(try t.value().value) }
    return try Planner(values, bindings: [:], options: planOptions, patience: Session.patience(goesOn)).plan.explain()
  }

  private static func patience(_ goesOn: (@Sendable () -> Bool)?) -> Patience {
    if let goesOn { Patience { !goesOn() } } else { .endless }
  }

  /// JSON of the chunk extents along each axis.
  package func chunksText(_ tensor: Tensor, while goesOn: (@Sendable () -> Bool)? = nil) throws(MarsError) -> String {
    tensor.pin()
    let value = try tensor.value().value
    let plan = try Planner([value], options: planOptions, patience: Session.patience(goesOn)).plan
    var w = JSONWriter()
    w.array { w in
      guard let r = plan.results.first, r >= 0, !plan.tensors[r].hasUnknownExtents else {
        for _ in value.type.shape { w.null() }
        return
      }
      for a in plan.tensors[r].grid.axes { w.array { w in for s in a.sizes { w.int(s) } } }
    }
    return w.text
  }

  // MARK: Fetching

  /// The values of a tensor, computed if they are not there.
  ///
  /// They are those of one moment between the call and its end, whatever other threads write meanwhile.
  package func fetch(_ tensor: Tensor) throws(MarsError) -> FetchedArray {
    if let d = try tensor.dense() { return FetchedArray(try Fetch.aligned(d, engine)) }
    if tensor.type.isKnown { try Fetch.checkRoom(tensor.type.byteCount, within: engine.memoryLimit) }
    switch try compute(tensor) {
    case .dense(let d): return FetchedArray(try Fetch.aligned(d, engine))
    case .chunked(let data): return FetchedArray(try Fetch.array(data))
    }
  }

  package func fetch(_ tensor: Tensor, into target: ArrayView) throws(MarsError) {
    let type = tensor.type
    guard target.dtype == type.dtype && (target.shape == type.shape || !type.isKnown) else {
      throw MarsError(
        .value, "destination is \(target.dtype.name)\(Shape.text(target.shape)) but the tensor is \(type.text)")
    }
    let found: RunResult = if let d = try tensor.dense() { .dense(d) } else { try compute(tensor) }
    guard found.type.shape == target.shape else {
      throw MarsError(.value, "destination has shape \(Shape.text(target.shape)) but the tensor has \(Shape.text(found.type.shape))")
    }
    switch found {
    case .dense(let d): StridedCopy.copy(from: d.view, to: target)
    case .chunked(let data): try Fetch.copy(data, to: target)
    }
  }

  /// What an execution of the tensor alone returns: asking the tensor afterwards would meet what another thread has written to it since.
  private func compute(_ tensor: Tensor) throws(MarsError) -> RunResult {
    let e = try Execution(self, [tensor], [], isFetch: true)
    try e.drive()
    return try e.data()
  }
}
