import MarsBase
import MarsGraph

/// Lets tensors in one piece share a slot where one is written over the other, or is a reshape of it: n writes into a tensor then copy it once at
/// most.
///
/// Chunks are handed over while the plan runs, by whoever reads them last.  Of a tensor in one piece several tasks write and read windows
/// at the same time, so that who is last cannot be known then: here it follows from the plan alone.
enum InPlace {
  /// Goes over the stages from `firstStage` on and the tensors from `firstTensor` on, those of the plan's last part.
  static func share(_ plan: inout Plan, firstStage: Int, firstTensor: Int) {
    var readers = [Int](repeating: 0, count: plan.tensors.count)
    for s in plan.stages { for i in s.inputs { readers[i.tensor] += 1 } }
    for s in plan.stages[firstStage...] {
      guard let number = source(s, plan, readers, firstTensor) else { continue }
      let out = s.outputs[0].tensor
      let (from, to) = (plan.tensors[number].firstSlot, plan.tensors[out].firstSlot)
      plan.tensors[out].firstSlot = from
      plan.slotTensor[Int(from)] = Int32(out)
      // Nobody names it any more.
      plan.slotBytes[Int(to)] = 0
    }
  }

  /// The tensor that a stage may overwrite: only it reads that, each element by the task that writes it.  A reshape leaves every element where
  /// it is.
  private static func source(_ s: Stage, _ plan: Plan, _ readers: [Int], _ firstTensor: Int) -> Int? {
    guard s.mayReuseInput || s.node.op.answer.isReshape, s.outputs.count == 1, s.accumulatedAxis == nil else { return nil }
    let out = plan.tensors[s.outputs[0].tensor]
    guard case .whole = out.storage, !out.hasUnknownExtents, s.outputs[0].axes == s.grid.axes.indices.map({ .iteration($0) }) else {
      return nil
    }
    var inputs = s.inputs
    if case .native = s.kind { inputs = Array(inputs.prefix(1)) }
    for i in inputs {
      let t = plan.tensors[i.tensor]
      guard case .whole = t.storage, i.tensor >= firstTensor, readers[i.tensor] == 1, t.resultIndex == nil, !t.hasUnknownExtents,
        t.type.dtype.itemSize == out.type.dtype.itemSize,
        s.node.op.answer.isReshape
          ? t.type.count == out.type.count && i.orientation == nil
          : t.type.shape == out.type.shape && i.isReadInPlace(rank: s.grid.axes.count)
      else { continue }
      return i.tensor
    }
    return nil
  }
}

extension StageInput {
  /// Whether a task reads just what it writes of an output over the axes of the grid.
  package func isReadInPlace(rank: Int) -> Bool {
    // A body that sees a turned view reads elsewhere than it writes.
    if orientation != nil { return false }
    switch window {
    case .map(let m): return m.axes.count == rank && m.isIdentity
    case .access(let axes): return axes.count == rank && AxisMap(axes).isIdentity
    case .rule: return false
    }
  }
}
