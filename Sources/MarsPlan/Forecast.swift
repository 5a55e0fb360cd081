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
      let stage = plan.stages[Int(plan.taskStage[t])]
      var workspace = 0
      if case .native = stage.kind, case .native(let rule) = stage.node.op.body {
        workspace = rule.workspace(stage.node.context, stage.box(Int(plan.taskChunk[t])))
      }
      peak = max(peak, now + workspace)
      for s in plan.slots(ofTask: t) {
        left[Int(s)] -= 1
        if left[Int(s)] == 0 && !plan.slotHeld[Int(s)] { now -= plan.slotBytes[Int(s)] }
      }
    }
    return peak
  }
}
