import MarsBase
import MarsGraph

/// Predicts memory before anything runs.
package enum Forecast {
  /// Peak bytes of chunks and workspaces if tasks run one after the other in plan order.
  static func peak(_ plan: Plan, _ patience: Patience = .endless) throws(MarsError) -> Int {
    var left = plan.slotUses
    var isLive = [Bool](repeating: false, count: plan.slotCount)
    var now = 0
    var peak = 0
    for t in 0..<plan.taskCount {
      if t % 65536 == 65535 { try patience.check() }
      for s in plan.slots(ofTask: t) where !isLive[Int(s)] {
        isLive[Int(s)] = true
        now += plan.slotBytes[Int(s)]
      }
      peak = max(peak, now + workspace(plan, t))
      for s in plan.slots(ofTask: t) {
        left[Int(s)] -= 1
        if left[Int(s)] == 0 && !plan.slotHeld[Int(s)] { now -= plan.slotBytes[Int(s)] }
      }
    }
    return peak
  }

  private static func workspace(_ plan: Plan, _ t: Int) -> Int {
    let stage = plan.stages[Int(plan.taskStage[t])]
    guard case .native = stage.kind, case .native(let rule) = stage.node.op.body else { return stage.gatherBytes }
    return rule.workspace(stage.node.context, stage.box(Int(plan.taskChunk[t]))) + stage.gatherBytes
  }

  /// Bytes that the largest of the tasks from `first` on needs at one time: what it reads and writes, and its scratch memory.
  static func largestTask(_ plan: Plan, from first: Int, _ patience: Patience) throws(MarsError) -> Int {
    var largest = 0
    // The last task that named a slot.
    var named = [Int32](repeating: -1, count: plan.slotCount)
    var workspaces = [Int](repeating: -1, count: plan.stages.count)
    for t in first..<max(first, plan.taskCount) {
      if t % 65536 == 65535 { try patience.check() }
      let s = Int(plan.taskStage[t])
      if workspaces[s] < 0 {
        let bytes = Plan.scratchBytes(plan.stages[s].workspaceBytes) + plan.stages[s].gatherBytes
        workspaces[s] = bytes == 0 ? 0 : Buffer.capacity(bytes)
      }
      var bytes = workspaces[s]
      for x in plan.slots(ofTask: t) where named[Int(x)] != Int32(t) {
        named[Int(x)] = Int32(t)
        bytes += Buffer.capacity(plan.slotBytes[Int(x)])
      }
      largest = max(largest, bytes)
    }
    return largest
  }
}

extension Stage {
  /// Scratch bytes that the body of the stage's largest task asks for.
  package var workspaceBytes: Int {
    guard case .native = kind, case .native(let rule) = node.op.body, !node.outputs.isEmpty else { return 0 }
    let rank = min(node.outputs[0].rank, grid.axes.count)
    let extents = grid.axes.prefix(rank).map(\.largest)
    return max(0, rule.workspace(node.context, Box(lower: [Int](repeating: 0, count: rank), extents: extents)))
  }
}
