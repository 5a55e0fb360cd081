import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime

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
  private let run: Run
  private struct State: Sendable {
    /// Of a plan that is not complete.
    var planner: Planner?
    var failure: MarsError?
    var isPlanned: Bool
    var settled: [Tensor]?
  }
  private let state: Locked<State>

  init(_ session: Session, _ tensors: [Tensor], _ bindings: [(String, Tensor)]) throws(MarsError) {
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
    overwrites = overwriting != nil
    let plan: Plan
    var planner: Planner? = nil
    if let overwriting {
      let made = try Planner(values, overwriting: overwriting, options: session.planOptions)
      plan = made.plan
      if !plan.isComplete { planner = made }
    } else if bindings.isEmpty {
      (plan, planner) = try session.plans.plan(values, options: session.planOptions)
    } else {
      let made = try Planner(values, bindings: bound, options: session.planOptions)
      plan = made.plan
      if !plan.isComplete { planner = made }
    }
    try Execution.checkRoom(plan, session)
    state = Locked(State(planner: planner, failure: nil, isPlanned: plan.isComplete, settled: nil))
    run = session.engine.run(plan, options: session.runOptions)
  }

  /// Refuses at once results that neither the memory limit nor the disk can hold.
  private static func checkRoom(_ plan: Plan, _ session: Session) throws(MarsError) {
    let bytes = plan.resultBytes
    guard bytes > session.engine.memoryLimit else { return }
    guard let free = session.engine.freeSpillBytes, bytes - session.engine.memoryLimit > free else { return }
    throw MarsError(
      .memory,
      "results of \(bytes) bytes fit neither the memory limit of \(session.engine.memoryLimit) bytes nor the \(free) bytes that are free in '\(session.engine.options.spillDirectory)'"
    )
  }

  deinit {
    // A run that nobody can ask for any more.
    if run.progress.isEnded == false { run.cancel() }
  }

  /// Plans what is left as soon as extents are known, and waits for the end.
  func drive() throws(MarsError) {
    try finishPlanning()
    _ = try run.wait(timeoutSeconds: nil)
  }

  private func finishPlanning() throws(MarsError) {
    while !state.withLock({ $0.isPlanned }) {
      guard let produced = try run.waitForNeeds(timeoutSeconds: nil) else { continue }
      var shapes: [Int: [[Int]]] = [:]
      for p in produced { shapes[p.tensor] = p.chunks }
      let known = shapes
      let plan: Plan
      do throws(MarsError) {
        plan = try state.withLock { (s: inout State) throws(MarsError) -> Plan in
          guard var planner = s.planner.take() else { throw MarsError(.internal, "a complete plan goes on") }
          try planner.advance(produced: known)
          s.isPlanned = planner.plan.isComplete
          let plan = planner.plan
          if !s.isPlanned { s.planner = planner }
          return plan
        }
      } catch {
        state.withLock { s in
          s.failure = error
          s.isPlanned = true
        }
        run.cancel()
        throw error
      }
      run.extend(to: plan)
    }
  }

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
    } catch { throw state.withLock { $0.failure } ?? error }
    _ = try results()
    return true
  }

  package func cancel() { run.cancel() }

  /// The computed tensors of a run that has ended; an error before that.
  package func finishedResults() throws(MarsError) -> [Tensor] {
    guard run.progress.isEnded else { throw MarsError(.value, "the run is not done: wait for it before asking for results") }
    return try results()
  }

  /// The computed tensors: the given ones, now holding data, or new ones where inputs were bound.
  package func results() throws(MarsError) -> [Tensor] {
    if let done = state.withLock({ $0.settled }) { return done }
    let results: [RunResult]
    do throws(MarsError) { results = try run.results() } catch { throw state.withLock { $0.failure } ?? error }
    return state.withLock { s in
      if let done = s.settled { return done }
      var out: [Tensor] = []
      for (i, r) in results.enumerated() {
        let node: Node
        switch r {
        case .dense(let array): node = Leaves.node(array)
        case .chunked(let data): node = Leaves.node(data)
        }
        if isBound {
          out.append(Tensor(Value(node)))
        } else {
          let isOwn = run.isOwnMemory(i)
          if overwrites && !isOwn {
            tensors[i].settleOverwritten(Value(node), version: versions[i])
          } else {
            tensors[i].settle(Value(node), version: versions[i], isOwn: isOwn)
          }
          out.append(tensors[i])
        }
      }
      s.settled = Array(out.prefix(askedFor))
      return Array(out.prefix(askedFor))
    }
  }
}
