import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import Synchronization

/// One execution of tensors: planned in parts as extents become known, run, and put in place of the graphs.
package final class Execution: Sendable {
  private let session: Session
  /// What was asked for, and then storages that have to be known beside it.
  private let tensors: [Tensor]
  private let askedFor: Int
  private let versions: [Int]
  private let isBound: Bool
  /// Whether the one tensor's own data may have been written over.
  private let overwrites: Bool
  /// Whether somebody keeps the memory of the results: no later write may go into it.
  private let isFetch: Bool
  private let run: Run
  /// What planning starts from.
  private struct Request: Sendable {
    let values: [Value]
    let bindings: [String: Value]
    /// Of the graphs that have what is asked for as outputs: their inputs may be bound without being needed.
    let scopes: [InputScope]
    let overwriting: Node?
  }
  private struct State: Sendable {
    /// What is not planned at all yet.
    var request: Request?
    /// Of a plan that is not complete.
    var planner: Planner?
    var failure: MarsError?
    var isPlanned: Bool
    var settled: [Tensor]?
  }
  private let state: Locked<State>
  private let isStopped = Atomic<Bool>(false)

  /// Most time in which `init` plans, where planning may go on in another thread: a client in there does not see its user's Ctrl-C.
  private static let mostPlanning = Duration.milliseconds(20)

  /// - Parameter mayPlanLater: whether a graph that takes long to plan is left to `driveInBackground`.
  init(
    _ session: Session, _ tensors: [Tensor], _ bindings: [(String, Tensor)], isFetch: Bool = false, mayPlanLater: Bool = false
  ) throws(MarsError) {
    var values: [Value] = []
    var versions: [Int] = []
    var overwriting: Node? = nil
    var all = tensors
    if tensors.count == 1, bindings.isEmpty, let own = tensors[0].valueToWrite() {
      values.append(own.value)
      versions.append(own.version)
      overwriting = own.overwriting
    } else if bindings.isEmpty {
      for t in tensors {
        if let base = t.openBase(), !all.contains(where: { $0.storage === base.storage && $0.chain.isWhole }) { all.append(base) }
      }
    }
    for t in all where overwriting == nil {
      let v = try t.value()
      values.append(v.value)
      versions.append(v.version)
    }
    var bound: [String: Value] = [:]
    for (name, t) in bindings {
      guard bound[name] == nil else { throw MarsError(.value, "input '\(name)' is bound twice") }
      bound[name] = try t.value().value
    }
    self.session = session
    self.tensors = all
    askedFor = tensors.count
    self.versions = versions
    isBound = !bindings.isEmpty
    self.isFetch = isFetch
    overwrites = overwriting != nil
    let scopes = bound.isEmpty ? [] : tensors.flatMap { t in t.storage.state.withLock { $0.scopes } }
    let request = Request(values: values, bindings: bound, scopes: scopes, overwriting: overwriting)
    let plan: Plan
    let planner: Planner?
    var left: Request? = nil
    let end = ContinuousClock.now + Execution.mostPlanning
    let patience = mayPlanLater ? Patience { ContinuousClock.now > end } : .endless
    do throws(MarsError) { (plan, planner) = try Execution.plan(request, session, patience) } catch {
      guard mayPlanLater && error.code == .cancelled else { throw error }
      (plan, planner, left) = (.awaited, nil, request)
    }
    state = Locked(State(request: left, planner: planner, failure: nil, isPlanned: plan.isComplete, settled: nil))
    run = session.engine.run(plan, options: session.runOptions)
  }

  /// The plan, or its first part with the planner that goes on.
  private static func plan(
    _ r: Request, _ session: Session, _ patience: Patience
  ) throws(MarsError) -> (plan: Plan, planner: Planner?) {
    do throws(MarsError) { try checkResults(r, session) } catch { throw session.told(error) }
    let made: (plan: Plan, planner: Planner?)
    if r.overwriting == nil && r.bindings.isEmpty {
      made = try session.plans.plan(r.values, options: session.planOptions, patience: patience)
    } else {
      let planner = try Planner(
        r.values, bindings: r.bindings, scopes: r.scopes, overwriting: r.overwriting,
        options: session.planOptions, patience: patience)
      made = (planner.plan, planner.plan.isComplete ? nil : planner)
    }
    do throws(MarsError) { try checkRoom(made.plan.resultBytes, session) } catch { throw session.told(error) }
    return made
  }

  /// Refuses before anything is planned a result that fits nowhere: its chunks alone might fill the memory.
  private static func checkResults(_ r: Request, _ session: Session) throws(MarsError) {
    if r.overwriting != nil { return }
    // Plans of small ones are small, and looked at when they are there.
    for v in r.values where v.type.isKnown && v.type.byteCount >= 1 << 20 {
      if case .leaf = v.node.op.body { continue }
      do throws(MarsError) { try checkRoom(v.type.byteCount, session) } catch {
        throw error.at(op: v.node.calledName, origin: v.node.origin)
      }
    }
  }

  /// Refuses at once results that neither the memory limit nor the disk can hold.
  private static func checkRoom(_ bytes: Int, _ session: Session) throws(MarsError) {
    guard bytes > session.engine.memoryLimit else { return }
    guard let free = session.engine.freeSpillBytes, bytes - session.engine.memoryLimit > free else { return }
    throw MarsError(
      .memory,
      "results of \(bytes) bytes fit neither the memory limit of \(session.engine.memoryLimit) bytes nor the \(free) bytes that are free in '\(session.engine.spillDirectory)'"
    )
  }

  deinit {
    // A run that nobody can ask for any more.
    if run.progress.isEnded == false { run.cancel() }
  }

  /// Plans what is left as soon as extents are known, and waits for the end.
  func drive() throws(MarsError) {
    try finishPlanning()
    do throws(MarsError) { _ = try run.wait(timeoutSeconds: nil) } catch { throw session.told(error) }
  }

  private func finishPlanning() throws(MarsError) {
    do throws(MarsError) {
      if let request = state.withLock({ $0.request }) {
        let made = try Execution.plan(request, session, untilStopped)
        state.withLock { s in (s.request, s.planner, s.isPlanned) = (nil, made.planner, made.plan.isComplete) }
        run.extend(to: made.plan)
      }
      while !state.withLock({ $0.isPlanned }) {
        guard let produced = try run.waitForNeeds(timeoutSeconds: nil) else { continue }
        run.extend(to: try planned(with: produced))
      }
    } catch {
      state.withLock { s in
        s.failure = s.failure ?? error
        (s.request, s.planner, s.isPlanned) = (nil, nil, true)
      }
      run.cancel()
      throw error
    }
  }

  /// The plan with what follows from the extents and values that came out.
  private func planned(with produced: [ProducedTensor]) throws(MarsError) -> Plan {
    var shapes: [Int: [[Int]]] = [:]
    var values: [Int: DenseArray] = [:]
    for p in produced {
      shapes[p.tensor] = p.chunks
      values[p.tensor] = p.values
    }
    guard var planner = state.withLock({ $0.planner.take() }) else { throw MarsError(.internal, "a complete plan goes on") }
    try planner.advance(produced: shapes, values: values, patience: untilStopped)
    let next = planner
    state.withLock { s in
      s.isPlanned = next.plan.isComplete
      if !s.isPlanned { s.planner = next }
    }
    return next.plan
  }

  /// A planner that waits for its next part keeps this, and is kept here: it must not keep the execution in turn.
  private var untilStopped: Patience { Patience { [weak self] in self?.isStopped.load(ordering: .relaxed) ?? true } }

  /// Plans in a thread of its own where planning is not finished; a complete plan needs nobody.
  func driveInBackground() {
    if state.withLock({ $0.isPlanned }) { return }
    if !BackgroundThread.start("mars-plan", { try? self.finishPlanning() }) {
      state.withLock { s in
        s.failure = MarsError(.memory, "no thread to plan the rest of the graph")
        s.isPlanned = true
      }
      run.cancel()
    }
  }

  package var progress: (isDone: Bool, done: Int, total: Int) {
    let p = run.progress
    return (p.isEnded, p.tasksDone, p.tasksTotal)
  }

  /// Waits up to `seconds`, for ever where that is longer than a clock can tell; false if the run is not done by then.  Throws the run's
  /// error.
  package func wait(seconds: Double) throws(MarsError) -> Bool {
    do throws(MarsError) {
      guard try run.wait(timeoutSeconds: seconds < 1e9 ? seconds : nil) else { return false }
    } catch { throw failure(error) }
    _ = try results()
    return true
  }

  /// What a failed run is reported as: where planning failed, the run was only cancelled for it.
  private func failure(_ error: MarsError) -> MarsError { session.told(state.withLock { $0.failure } ?? error) }

  package func cancel() {
    isStopped.store(true, ordering: .relaxed)
    run.cancel()
  }

  /// Waits up to `seconds` until the run has ended and none of its tasks is in progress; false if that takes longer.
  package func settle(seconds: Double) throws(MarsError) -> Bool {
    try run.settle(timeoutSeconds: seconds < 1e9 ? seconds : nil)
  }

  /// The computed tensors of a run that has ended; an error before that.
  package func finishedResults() throws(MarsError) -> [Tensor] {
    guard run.progress.isEnded else { throw MarsError(.value, "the run is not done: wait for it before asking for results") }
    return try results()
  }

  /// What was computed of the first tensor, put in its place unless there was a write in the meantime.
  func data() throws(MarsError) -> RunResult {
    _ = try results()
    return try run.results()[0]
  }

  /// The computed tensors: the given ones, now holding data, or new ones where inputs were bound.
  package func results() throws(MarsError) -> [Tensor] {
    if let done = state.withLock({ $0.settled }) { return done }
    let results: [RunResult]
    do throws(MarsError) { results = try run.results() } catch { throw failure(error) }
    return state.withLock { s in
      if let done = s.settled { return done }
      var out: [Tensor] = []
      for (i, r) in results.enumerated() {
        let node: Node
        let preferred = isBound ? [] : tensors[i].preferredChunks ?? []
        switch r {
        case .dense(let array): node = Leaves.node(array, preferredChunks: preferred)
        case .chunked(let data): node = Leaves.node(data, preferredChunks: preferred)
        }
        if isBound {
          out.append(Tensor(Value(node)))
        } else {
          let isOwn = run.isOwnMemory(i)
          if overwrites && !isOwn {
            tensors[i].settleOverwritten(Value(node), version: versions[i], isSeen: isFetch)
          } else {
            tensors[i].settle(Value(node), version: versions[i], isOwn: isOwn && !isFetch)
          }
          out.append(tensors[i])
        }
      }
      out.removeLast(out.count - askedFor)
      s.settled = out
      return out
    }
  }
}
