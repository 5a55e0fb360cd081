import MarsBase
import MarsGraph
import MarsPlan

// MARK: Tiny plans

extension Engine {
  /// Runs a tiny plan on the calling thread; nil if it is not tiny, or memory is short.
  func runInline(_ plan: Plan) -> Run? {
    guard plan.isComplete else { return nil }
    var total = 0
    for b in plan.slotBytes { total += BufferPool.capacity(b) }
    if total > options.inlineBytes { return nil }
    for t in plan.tensors.indices {
      switch plan.tensors[t].storage {
      case .leaf, .whole: break
      case .chunks: if plan.tensors[t].hasUnknownExtents || plan.tensors[t].resultIndex != nil { return nil }
      case .keptChunks: return nil
      }
    }
    for r in plan.results { if case .chunks = plan.tensors[r].storage { return nil } }
    let box = PlanBox(plan)
    if box.hasCallbacks { return nil }
    var workspace = 0
    for i in plan.stages.indices { workspace = max(workspace, box.stages[i].workspace) }
    if total + workspace > options.inlineBytes { return nil }
    return runReserved(box, total, workspace)
  }

  private func runReserved(_ box: PlanBox, _ total: Int, _ workspace: Int) -> Run? {
    let plan = box.plan
    let slots = plan.slotCount
    return withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: slots + 1) { buffers -> Run? in
      let isReserved = locked { s -> Bool in
        if s.isClosed || !s.fits(total + workspace) { return false }
        var isWhole = true
        for i in 0...slots {
          let capacity = i < slots ? BufferPool.capacity(plan.slotBytes[i]) : workspace
          buffers[i] = capacity == 0 ? nil : s.allocate(capacity)
          if buffers[i] == nil && capacity > 0 { isWhole = false }
        }
        if !isWhole { giveBack(&s, box, buffers, workspace) }
        return isWhole
      }
      if !isReserved { return nil }
      let context = inlineContexts.withLock { $0.popLast() } ?? TaskContext(number: TaskContext.caller)
      var failure: MarsError? = nil
      for t in 0..<plan.taskCount {
        do throws(MarsError) { try runInlineTask(context, box, t, buffers, workspace) } catch {
          let stage = plan.stages[Int(plan.taskStage[t])]
          failure = error.at(op: stage.node.calledName, origin: stage.node.origin)
          break
        }
      }
      context.forgetPlan()
      inlineContexts.withLock { $0.append(context) }
      var results: [RunResult] = []
      if failure == nil {
        for r in plan.results {
          let t = plan.tensors[r]
          if case .leaf(let a) = t.storage {
            results.append(.dense(a))
          } else if let base = buffers[Int(t.firstSlot)] {
            let bytes = t.type.byteCount
            results.append(
              .dense(DenseArray(buffer: buffer(base, bytes, BufferPool.capacity(plan.slotBytes[Int(t.firstSlot)])), type: t.type)))
            buffers[Int(t.firstSlot)] = nil
          } else if let k = plan.results.firstIndex(of: r) {
            results.append(results[k])
          }
        }
      }
      locked { s in
        giveBack(&s, box, buffers, workspace)
        s.statistics.runs += 1
        s.statistics.inlineRuns += 1
        s.statistics.tasksRun += plan.taskCount
        for t in 0..<plan.taskCount where box.stages[Int(plan.taskStage[t])].sharesSlot { s.statistics.inPlaceTasks += 1 }
      }
      return Run(engine: self, plan: box, results: results, error: failure)
    }
  }

  private func runInlineTask(
    _ context: TaskContext, _ box: PlanBox, _ t: Int, _ buffers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>, _ workspace: Int
  ) throws(MarsError) {
    let names = box.plan.slots(ofTask: t)
    try withBases(names.count) { (bases: UnsafeMutablePointer<UnsafeMutableRawPointer>) throws(MarsError) in
      for (k, s) in names.enumerated() { bases[k] = buffers[Int(s)] ?? emptyBase }
      _ = try context.execute(self, box, t, bases, workspace > 0 ? buffers[buffers.count - 1] : nil, workspace)
    }
  }

  private func withBases(
    _ count: Int, _ body: (UnsafeMutablePointer<UnsafeMutableRawPointer>) throws(MarsError) -> Void
  ) throws(MarsError) {
    var failure: MarsError? = nil
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: count + 1) { buffer in
      guard let base = buffer.baseAddress else { return }
      do throws(MarsError) { try body(base) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func giveBack(
    _ s: inout EngineState, _ box: PlanBox, _ buffers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>, _ workspace: Int
  ) {
    for i in 0..<buffers.count {
      guard let base = buffers[i] else { continue }
      s.deallocate(base, i < box.plan.slotCount ? BufferPool.capacity(box.plan.slotBytes[i]) : workspace)
    }
  }
}
