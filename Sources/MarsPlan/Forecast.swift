import MarsBase
import MarsGraph

/// Predicts memory before anything runs.
package enum Forecast {
  /// Peak bytes of chunks and workspaces if tasks run one after the other in plan order.
  static func peak(_ plan: Plan) -> Int {
    var left = plan.slotUses
    var isLive = [Bool](repeating: false, count: plan.slotCount)
    var now = 0
    var peak = 0
    for t in 0..<plan.taskCount {
      for s in plan.slots(ofTask: t) where !isLive[Int(s)] {
        isLive[Int(s)] = true
        now += plan.slotBytes[Int(s)]
      }
      let stage = plan.stages[Int(plan.taskStage[t])]
      var workspace = 0
      if case .native = stage.kind, case .native(let rule) = stage.node.op.body {
        workspace = rule.workspace(stage.node.context, stage.box(Int(plan.taskChunk[t])))
      }
      peak = max(peak, now + workspace + stage.gatherBytes)
      for s in plan.slots(ofTask: t) {
        left[Int(s)] -= 1
        if left[Int(s)] == 0 && !plan.slotHeld[Int(s)] { now -= plan.slotBytes[Int(s)] }
      }
    }
    return peak
  }

  /// What a buffer for `byteCount` bytes counts against the limit: small ones are rounded to lines, others to pages.
  package static func capacity(_ byteCount: Int) -> Int {
    if byteCount < pagedFrom { return max(64, (byteCount + 63) & ~63) }
    return (byteCount + 4095) & ~4095
  }
  /// From here on a buffer is pages.
  package static let pagedFrom = 64 << 10

  /// Bytes that the largest of the tasks from `first` on needs at one time: what it reads and writes, and its scratch memory.
  static func largestTask(_ plan: Plan, from first: Int) -> Int {
    var largest = 0
    // The last task that named a slot.
    var named = [Int32](repeating: -1, count: plan.slotCount)
    var workspaces = [Int](repeating: -1, count: plan.stages.count)
    for t in first..<plan.taskCount {
      let s = Int(plan.taskStage[t])
      if workspaces[s] < 0 {
        let bytes = Plan.scratchBytes(plan.stages[s].workspaceBytes) + plan.stages[s].gatherBytes
        workspaces[s] = bytes == 0 ? 0 : capacity(bytes)
      }
      var bytes = workspaces[s]
      for x in plan.slots(ofTask: t) where named[Int(x)] != Int32(t) {
        named[Int(x)] = Int32(t)
        bytes += capacity(plan.slotBytes[Int(x)])
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
