import MarsBase
import MarsGraph
import MarsPlan

// MARK: The end of tasks and of runs

extension EngineState {
  /// A task has run: dependents become ready, slots that nobody needs any more are freed.
  mutating func finish(_ run: RunCorePointer, _ t: Int32) {
    running -= 1
    run.pointee.inFlight -= 1
    statistics.tasksRun += 1
    // First of all: blocks that are let go of are asked for their next use.
    run.pointee.state[t] = RunCore.TaskState.done
    run.pointee.done += 1
    releaseSlots(run, t, isDone: true)
    guard run.pointee.outcome.isRunning else {
      if run.pointee.inFlight == 0 { retire(run) }
      return
    }
    var e = run.pointee.firstEdge[t]
    while e >= 0 {
      let d = run.pointee.edgeTask[e]
      run.pointee.pending[d] -= 1
      if run.pointee.pending[d] == 0 {
        run.pointee.state[d] = RunCore.TaskState.ready
        run.pointee.ready.push(d)
      }
      e = run.pointee.nextEdge[e]
    }
    let plan = run.pointee.plan
    if run.pointee.neededLeft > 0 && plan.stages[Int(plan.plan.taskStage[Int(t)])].isNeeded {
      run.pointee.neededLeft -= 1
      if run.pointee.neededLeft == 0 { mustBroadcast = true }
    }
    finishIfComplete(run)
  }

  /// Ends the run if all tasks of a complete plan have run.
  mutating func finishIfComplete(_ run: RunCorePointer) {
    if run.pointee.outcome.isRunning && run.pointee.done == run.pointee.plan.plan.taskCount && run.pointee.plan.plan.isComplete {
      run.pointee.outcome = .finished
      retire(run)
    }
  }

  /// Ends a run early; tasks in flight end in the background.
  mutating func fail(_ run: RunCorePointer, _ error: MarsError) {
    guard run.pointee.outcome.isRunning else { return }
    run.pointee.outcome = .failed(error)
    run.pointee.ready.removeAll()
    // Tasks that have memory but have not started give it back.
    while let t = run.pointee.loading.popLast() { releaseSlots(run, t, isDone: false) }
    while let t = run.pointee.loaded.smallest {
      run.pointee.loaded.popSmallest()
      releaseSlots(run, t, isDone: false)
    }
    mustBroadcast = true
    mustSignal = true
    if run.pointee.inFlight == 0 { retire(run) }
  }

  /// Ends every run; those with tasks in flight stay active until these end.
  mutating func failAll(_ error: MarsError) {
    var i = active.count - 1
    while i >= 0 {
      let run = active[i]
      fail(run, error)
      if run.pointee.inFlight == 0 { retire(run) }
      i -= 1
    }
  }

  private mutating func releaseSlots(_ run: RunCorePointer, _ t: Int32, isDone: Bool) {
    let start = Int(run.pointee.plan.plan.taskSlotStart[Int(t)])
    let end = Int(run.pointee.plan.plan.taskSlotStart[Int(t) + 1])
    let info = run.pointee.plan.stages[Int(run.pointee.plan.plan.taskStage[Int(t)])]
    for k in start..<end {
      let s = run.pointee.plan.plan.taskSlots[k]
      run.pointee.usesLeft[s] -= 1
      unpin(run.pointee.slotBlock[s])
      if isDone && run.pointee.usesLeft[s] == 0 && !run.pointee.held[s] { drop(run, s) }
    }
    if info.workspace > 0 {
      for k in 0..<run.pointee.workspaces.count where run.pointee.workspaces[k].task == t {
        deallocate(run.pointee.workspaces[k].base, run.pointee.workspaces[k].capacity)
        run.pointee.workspaces.swapRemove(at: k)
        break
      }
    }
  }

  /// A slot lets go of its block: one that a stored tensor keeps no longer asks this run when it will be used.
  mutating func drop(_ run: RunCorePointer, _ s: Int32) {
    let b = run.pointee.slotBlock[s]
    run.pointee.slotBlock[s] = -1
    if blocks[b].owner == run.pointee.index && blocks[b].slot == s {
      blocks[b].owner = -1
      blocks[b].slot = -1
    }
    release(b)
  }

  /// Takes a run that has ended out of the active ones and frees everything but its results.
  mutating func retire(_ run: RunCorePointer) {
    if run.pointee.isRetired { return }
    run.pointee.isRetired = true
    var isFinished = false
    if case .finished = run.pointee.outcome { isFinished = true }
    for s in 0..<run.pointee.held.count { run.pointee.held[s] = false }
    if !isFinished {
      let nodes = run.pointee.plan.plan.stages.map(\.node).filter { $0.op.abandon != nil }
      if !nodes.isEmpty { bury(Abandoned(nodes, files)) }
    }
    if isFinished {
      for r in run.pointee.plan.plan.results {
        for s in RunCore.slots(of: run.pointee.plan.plan.tensors[r]) { run.pointee.held[s] = true }
      }
    }
    for s in 0..<run.pointee.slotBlock.count {
      let b = run.pointee.slotBlock[s]
      if b < 0 { continue }
      if blocks[b].owner == run.pointee.index {
        blocks[b].owner = -1
        blocks[b].slot = -1
      }
      if !run.pointee.held[s] {
        run.pointee.slotBlock[s] = -1
        release(b)
      }
    }
    runTable[run.pointee.index] = nil
    for i in 0..<active.count where active[i] == run {
      bury(activeRuns[i])
      activeRuns.remove(at: i)
      let last = active.count - 1
      for k in i..<last { active[k] = active[k + 1] }
      _ = active.popLast()
      break
    }
    if active.isEmpty {
      // The next run decides anew whether memory is short.
      isShort = false
      evictsSmall = false
      candidates.removeAll()
      pool.trim(to: idlePool)
    }
    mustBroadcast = true
    mustSignal = true
  }
}

/// Operators whose effects are taken back: files are not touched under the engine's lock, but when this is released after it.
private final class Abandoned {
  private let nodes: [Node]
  private let files: any FileSystem
  init(_ nodes: [Node], _ files: any FileSystem) {
    self.nodes = nodes
    self.files = files
  }
  deinit { for n in nodes { n.op.abandon?(n.context, files) } }
}

extension RunCore {
  func operatorName(_ t: Int32) -> String { plan.plan.stages[Int(plan.plan.taskStage[Int(t)])].node.calledName }
  func origin(_ t: Int32) -> String { plan.plan.stages[Int(plan.plan.taskStage[Int(t)])].node.origin }
}
