import MarsBase
import MarsGraph

/// Stages of native bodies.
extension StageBuilder {
  mutating func placeNative(_ rule: NativeRule, _ region: Region, _ patience: Patience) throws(MarsError) {
    let node = index.node(region.roots[0])
    let rank = node.outputs[0].rank
    var suggestions: [ChunkSizes.Suggestion] = []
    var tensorOfInput: [Int] = []
    for i in region.inputs {
      let number = tensor(of: i.value)
      tensorOfInput.append(number)
      let t = plan.tensors[number]
      // A client's function sees the chunks that were asked for, also of a tensor in one buffer.
      guard needsAlignment(t) || node.op.effects == .callback else { continue }
      for (k, a) in StageBuilder.accesses(i.window).enumerated() {
        var access = a
        if case .contracted(let axis) = a { access = .aligned(axis) }
        guard let axis = axis(of: access), axis < region.shape.count else { continue }
        if let s = ChunkSizes.carry(t.grid.axes[k], through: access, extent: region.shape[axis]) {
          suggestions.append(.init(axis: s.axis, splits: s.splits, weight: t.type.byteCount))
        }
      }
    }
    let item = max(node.outputs[0].dtype.itemSize, region.inputs.map { index.type($0.value).dtype.itemSize }.max() ?? 1)
    let contracted = Set(region.shape.indices.filter { $0 >= rank })
    let blocks = region.roots.contains { demand.uses[Int($0.vertex)][Int($0.output)].prefersBlocks }
    var selected: Int? = nil
    var isBoxed = false
    switch rule.tiling {
    case .access: break
    case .boxes: isBoxed = true
    case .selecting(let axis): selected = axis
    }
    // What takes long is cut by what it reads, too.
    var operands: [(axes: Set<Int>, bytes: Int)] = []
    for (n, i) in region.inputs.enumerated() where node.op.cost.perElement > Demand.costlyLanes {
      let t = plan.tensors[tensorOfInput[n]].type
      let accesses = StageBuilder.accesses(i.window)
      let walked = Set(accesses.compactMap { axis(of: $0) })
      guard accesses.contains(.whole), !walked.isEmpty else { continue }
      let whole = accesses.indices.filter { accesses[$0] == .whole }
      operands.append((walked, whole.reduce(t.dtype.itemSize) { $0 * max(1, t.shape[$1]) }))
    }
    let read = demand.uses[Int(region.roots[0].vertex)][Int(region.roots[0].output)].laneAxes
    // A box of whole rows is one run of what it is read from; a square block may meet all of it.
    let grid = try sizes.nativeGrid(
      shape: region.shape, itemSize: item, whole: region.wholeAxes, splits: rule.splits(node.context), operands: operands, lanes: read,
      prefersBlocks: blocks && selected == nil && !isBoxed, suggestions: suggestions, contracted: selected == nil ? contracted : [],
      carried: region.carriedAxis,
      periods: { rule.periods(node.context, $0) })
    try patience.check()
    var stage = Stage(kind: .native, grid: grid, inputs: [], outputs: [], node: node, labels: region.labels)
    for (n, i) in region.inputs.enumerated() {
      switch i.window {
      case .map(let m): stage.inputs.append(align(PendingInput(tensor: tensorOfInput[n], map: m), to: grid, node))
      case .access(let axes):
        let t = alignAccess(tensorOfInput[n], axes, to: grid, node)
        stage.inputs.append(StageInput(tensor: t, window: i.window, orientation: i.orientation))
      case .rule:
        // A task reads the chunks that its box meets, and puts them together itself.
        stage.inputs.append(StageInput(tensor: tensorOfInput[n], window: i.window))
      }
    }
    for (o, v) in region.roots.enumerated() {
      let type = index.type(v)
      if !type.isKnown {
        // Capacity: as many as the input chunk has elements.
        let capacity = type.shape.enumerated().map { k, d in
          d == unknownExtent
            ? (selected.map { grid.axes[$0] } ?? AxisSplits(offsets: [0, region.shape.reduce(1, *)])) : AxisSplits(offsets: [0, d])
        }
        let t = addTensor(
          PlanTensor(type: type, grid: Grid(capacity), storage: .chunks, hasUnknownExtents: true, label: node.op.name))
        tensors[Int(v.vertex)][Int(v.output)] = t
        stage.outputs.append(
          StageOutput(
            tensor: t,
            axes: type.shape.indices.map {
              // What is selected keeps the other axes of its input.
              if selected != nil && type.rank == region.shape.count { return .iteration($0) }
              return type.shape[$0] == unknownExtent ? .iteration(selected ?? 0) : .fixed(0)
            }))
        continue
      }
      let t: Int
      if rule.reusesInput0, let array = overwritten(region.inputs[0].value, by: type) {
        t = plan.tensors.count
        plan.tensors.append(
          PlanTensor(
            type: type, grid: Grid(region.outputAxes[o].map { $0.map { grid.axes[$0] } ?? AxisSplits(offsets: [0, 1]) }),
            storage: .leaf(array), label: node.op.name))
        tensors[Int(v.vertex)][Int(v.output)] = t
      } else {
        t = addOutput(PendingOutput(type: type, axes: region.outputAxes[o], value: v), grid)
      }
      stage.outputs.append(StageOutput(tensor: t, axes: region.outputAxes[o].map { $0.map { .iteration($0) } ?? .fixed(0) }))
    }
    if rule.accumulates, let axis = contracted.sorted().first(where: { grid.axes[$0].count > 1 }) { stage.accumulatedAxis = axis }
    if let axis = region.carriedAxis, grid.axes[axis].count > 1 { stage.accumulatedAxis = axis }
    stage.mayReuseInput = rule.reusesInput0
    stage.work = region.work
    plan.stages.append(stage)
  }
}
