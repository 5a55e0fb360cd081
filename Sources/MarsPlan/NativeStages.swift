import MarsBase
import MarsGraph

/// Stages of native bodies.
extension StageBuilder {
  mutating func placeNative(_ rule: NativeRule, _ region: Region, _ patience: Patience) throws(MarsError) {
    let node = index.node(region.roots[0])
    let read = region.inputs.map { tensor(of: $0.value) }
    let grid = try nativeGrid(rule, region, node, read)
    try patience.check()
    var stage = Stage(kind: .native, grid: grid, inputs: [], outputs: [], node: node, labels: region.labels)
    for (t, i) in zip(read, region.inputs) {
      switch i.window {
      case .map(let m): stage.inputs.append(align(PendingInput(tensor: t, map: m), to: grid, node))
      case .access(let axes):
        stage.inputs.append(StageInput(tensor: alignAccess(t, axes, to: grid, node), window: i.window, orientation: i.orientation))
      case .rule:
        // A task reads the chunks that its box meets, and puts them together itself.
        stage.inputs.append(StageInput(tensor: t, window: i.window, orientation: i.orientation))
      }
    }
    for o in region.roots.indices {
      let isFound = !index.type(region.roots[o]).isKnown
      stage.outputs.append(isFound ? foundOutput(o, rule, region, node, grid) : knownOutput(o, rule, region, node, grid))
    }
    if rule.accumulates { stage.accumulatedAxis = (node.outputs[0].rank..<region.shape.count).first { grid.axes[$0].count > 1 } }
    if let axis = region.carriedAxis, grid.axes[axis].count > 1 { stage.accumulatedAxis = axis }
    stage.mayReuseInput = rule.reusesInput0
    stage.work = region.work
    plan.stages.append(stage)
  }

  /// The chunks of a native region, one task each.  `read` are the tensors of its inputs.
  private func nativeGrid(_ rule: NativeRule, _ region: Region, _ node: Node, _ read: [Int]) throws(MarsError) -> Grid {
    let item = max(node.outputs[0].dtype.itemSize, region.inputs.map { index.type($0.value).dtype.itemSize }.max() ?? 1)
    let wish = wishes[region.roots[0]]
    let areSquare = region.roots.contains { wishes[$0].prefersBlocks }
    let takesRows =
      switch rule.tiling {
      case .access: false
      // A box of whole rows is one run of what it is read from; a square block may meet all of it.
      case .boxes, .selecting: true
      }
    return try sizes.nativeGrid(
      shape: region.shape, itemSize: item, whole: region.wholeAxes, splits: rule.splits(node.context),
      operands: costlyOperands(region, node, read), lanes: takesRows ? [] : wish.lanes,
      wished: takesRows || node.op.effects == .callback ? [:] : wish.splits, prefersBlocks: areSquare && !takesRows,
      suggestions: chunkSuggestions(region, node, read),
      contracted: selectedAxis(rule) == nil ? Set(node.outputs[0].rank..<region.shape.count) : [],
      carried: region.carriedAxis, periods: { rule.periods(node.context, $0) })
  }

  /// Chunks that the inputs have, as chunks of the region.
  private func chunkSuggestions(_ region: Region, _ node: Node, _ read: [Int]) -> [ChunkSizes.Suggestion] {
    var out: [ChunkSizes.Suggestion] = []
    for (number, i) in zip(read, region.inputs) {
      let t = plan.tensors[number]
      // A client's function sees the chunks that were asked for, also of a tensor in one buffer.
      guard needsAlignment(t) || node.op.effects == .callback else { continue }
      for (k, a) in StageBuilder.accesses(i.window).enumerated() {
        var access = a
        if case .contracted(let axis) = a { access = .aligned(axis) }
        guard let axis = axis(of: access), axis < region.shape.count else { continue }
        if let s = ChunkSizes.carry(t.grid.axes[k], through: access, extent: region.shape[axis]) {
          out.append(.init(axis: s.axis, splits: s.splits, weight: t.type.byteCount))
        }
      }
    }
    return out
  }

  /// Of what takes long: the axes along which inputs are walked, and the bytes of what is read whole beside them.  It is cut by that, too.
  private func costlyOperands(_ region: Region, _ node: Node, _ read: [Int]) -> [(axes: Set<Int>, bytes: Int)] {
    guard node.op.cost.perElement > Demand.costlyLanes else { return [] }
    return zip(read, region.inputs).compactMap { number, i in
      let t = plan.tensors[number].type
      let accesses = StageBuilder.accesses(i.window)
      let walked = Set(accesses.compactMap { axis(of: $0) })
      guard accesses.contains(.whole), !walked.isEmpty else { return nil }
      let whole = accesses.indices.filter { accesses[$0] == .whole }
      return (walked, whole.reduce(t.dtype.itemSize) { $0 * max(1, t.shape[$1]) })
    }
  }

  private func selectedAxis(_ rule: NativeRule) -> Int? {
    if case .selecting(let axis) = rule.tiling { axis } else { nil }
  }

  /// Output `o`, whose extents the tasks find: a tensor with room for as many elements as the input's chunks have.
  private mutating func foundOutput(_ o: Int, _ rule: NativeRule, _ region: Region, _ node: Node, _ grid: Grid) -> StageOutput {
    let v = region.roots[o]
    let type = index.type(v)
    let selected = selectedAxis(rule)
    let capacity = type.shape.map { d in
      d == unknownExtent
        ? (selected.map { grid.axes[$0] } ?? AxisSplits(offsets: [0, region.shape.reduce(1, *)])) : AxisSplits(offsets: [0, d])
    }
    let t = addTensor(PlanTensor(type: type, grid: Grid(capacity), storage: .chunks, hasUnknownExtents: true, label: node.op.name))
    tensors[Int(v.vertex)][Int(v.output)] = t
    return StageOutput(
      tensor: t,
      axes: type.shape.indices.map {
        // What is selected keeps the other axes of its input.
        if selected != nil && type.rank == region.shape.count { return .iteration($0) }
        return type.shape[$0] == unknownExtent ? .iteration(selected ?? 0) : .fixed(0)
      })
  }

  /// Output `o` of known extents; in the buffer that a write goes into, where nobody else reads that.
  private mutating func knownOutput(_ o: Int, _ rule: NativeRule, _ region: Region, _ node: Node, _ grid: Grid) -> StageOutput {
    let v = region.roots[o]
    let type = index.type(v)
    let axes = region.outputAxes[o]
    let t: Int
    if rule.reusesInput0, let array = overwritten(region.inputs[0].value, by: type) {
      t = plan.tensors.count
      plan.tensors.append(
        PlanTensor(
          type: type, grid: Grid(axes.map { $0.map { grid.axes[$0] } ?? AxisSplits(offsets: [0, 1]) }),
          storage: .leaf(array), label: node.op.name))
      tensors[Int(v.vertex)][Int(v.output)] = t
    } else {
      t = addOutput(PendingOutput(type: type, axes: axes, value: v), grid)
    }
    return StageOutput(tensor: t, axes: axes.map { $0.map { .iteration($0) } ?? .fixed(0) })
  }
}
