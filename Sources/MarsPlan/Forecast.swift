import MarsBase
import MarsGraph

/// Predicts memory before anything runs.
enum Forecast {
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
    guard case .native = stage.kind, case .native(let rule) = stage.node.op.body else { return 0 }
    return rule.workspace(stage.node.context, stage.box(Int(plan.taskChunk[t])))
  }

  /// Bytes of the largest task from `first` on: what it reads, what it writes and its workspace, which must be in memory together.
  static func largestTask(_ plan: Plan, from first: Int) -> (bytes: Int, task: Int) {
    var found = (bytes: 0, task: first)
    var slots = Set<Int32>()
    for t in first..<max(first, plan.taskCount) {
      slots.removeAll(keepingCapacity: true)
      let space = workspace(plan, t)
      var bytes = space > 0 ? Buffer.capacity(space) : 0
      for s in plan.slots(ofTask: t) where slots.insert(s).inserted { bytes += Buffer.capacity(plan.slotBytes[Int(s)]) }
      if bytes > found.bytes { found = (bytes, t) }
    }
    return found
  }
}
