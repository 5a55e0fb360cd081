import MarsBase
import MarsGraph

/// Stages of fused loop nests; a reduction over axes that are cut becomes two, or more where partial results are combined in groups first.
extension StageBuilder {
  mutating func placeKernel(
    _ spec: KernelSpec, _ region: Region, _ inputs: [PendingInput], _ outputs: [PendingOutput], _ node: Node,
    _ patience: Patience
  ) throws(MarsError) {
    var operands: [ChunkSizes.Operand] = []
    var suggestions: [ChunkSizes.Suggestion] = []
    for i in inputs {
      let t = plan.tensors[i.tensor]
      var axes: Set<Int> = []
      for (k, a) in i.map.axes.enumerated() {
        if case .aligned(let axis, _, _) = a { axes.insert(axis) }
        guard needsAlignment(t), let walked = axis(of: a) else { continue }
        if let s = ChunkSizes.carry(t.grid.axes[k], through: a, extent: region.shape[walked]) {
          suggestions.append(.init(axis: s.axis, splits: s.splits, weight: t.type.byteCount))
        }
      }
      operands.append((axes, t.type.dtype.itemSize))
    }
    for o in outputs { operands.append((Set(o.axes.compactMap { $0 }), o.type.dtype.itemSize)) }
    var lanes: Set<Int> = []
    var wished: [Int: AxisSplits] = [:]
    var prefersBlocks = false
    for o in outputs {
      guard let v = o.value else { continue }
      let wish = wishes[v]
      for k in wish.lanes where k < o.axes.count { if let axis = o.axes[k] { lanes.insert(axis) } }
      for (k, s) in wish.splits { if let axis = o.axes[k], s.extent == region.shape[axis], wished[axis] == nil { wished[axis] = s } }
      if wish.prefersBlocks { prefersBlocks = true }
    }
    let last = spec.levels.count - 2
    let grid = try sizes.kernelGrid(
      region, operands: operands, suggestions: suggestions, reduced: last >= 0 ? Set(spec.levels[last].reducedAxes) : [], lanes: lanes,
      wished: wished, prefersBlocks: prefersBlocks)
    try patience.check()
    let cut = last >= 0 ? spec.levels[last].reducedAxes.filter { grid.axes[$0].count > 1 } : []
    let aligned = inputs.map { align($0, to: grid, node) }
    if cut.isEmpty {
      var stage = Stage(kind: .kernel(spec), grid: grid, inputs: aligned, outputs: [], node: node, labels: region.labels)
      for o in outputs {
        let t = addOutput(o, grid)
        stage.outputs.append(StageOutput(tensor: t, axes: o.axes.map { $0.map { .iteration($0) } ?? .fixed(0) }))
      }
      stage.counters = region.counters
      stage.scalars = region.scalars
      stage.scalarSources = sources(of: region)
      stage.mayReuseInput = spec.levels.count == 1
      stage.work = region.work
      plan.stages.append(stage)
    } else {
      try placeCutReduction(spec, region, aligned, inputs, outputs, grid, Set(cut), node, patience)
    }
  }

  private func sources(of region: Region) -> [ScalarSource?] {
    region.scalarSources.map { $0.map { ScalarSource(node: index.vertices[Int($0.owner)].node, attribute: $0.attribute) } }
  }

  /// A reduction over axes that are cut: partial states per task, then a second stage that combines and finishes.
  private mutating func placeCutReduction(
    _ spec: KernelSpec, _ region: Region, _ aligned: [StageInput], _ inputs: [PendingInput], _ outputs: [PendingOutput], _ grid: Grid,
    _ cut: Set<Int>, _ node: Node, _ patience: Patience
  ) throws(MarsError) {
    let reduction = CutReduction(spec, cut: cut)
    let kept = reduction.kept
    let partialShape = kept.map { cut.contains($0) ? grid.axes[$0].count : region.shape[$0] }
    var stage = Stage(kind: .kernel(reduction.partial), grid: grid, inputs: aligned, outputs: [], node: node, labels: region.labels)
    stage.counters = region.counters
    stage.scalars = region.scalars
    stage.scalarSources = sources(of: region)
    stage.work = region.work
    var partials: [Int] = []
    for t in reduction.states {
      let splits = kept.map { cut.contains($0) ? AxisSplits(extent: grid.axes[$0].count, chunk: 1) : grid.axes[$0] }
      let bytes = partialShape.reduce(t.itemSize, *)
      let few = min(4 << 20, options.memoryLimit / 4) >> (2 * refinement)
      let storage: PlanTensor.Storage = bytes <= max(few, options.memoryLimit / 16) ? .whole : .chunks
      let number = addTensor(
        PlanTensor(type: TensorType(t, partialShape), grid: Grid(splits), storage: storage, label: "partial " + node.op.name))
      partials.append(number)
      stage.outputs.append(StageOutput(tensor: number, axes: kept.map { cut.contains($0) ? .chunkNumber($0) : .iteration($0) }))
    }
    plan.stages.append(stage)
    try patience.check()

    // Regions, inputs and outputs over the axes that are left.
    var newAxis: [Int: Int] = [:]
    for (n, k) in kept.enumerated() { newAxis[k] = n }
    func moved(_ m: AxisMap) -> AxisMap {
      AxisMap(
        m.axes.map { a in
          guard case .aligned(let k, let s, let t) = a, let n = newAxis[k] else { return a }
          return .aligned(axis: n, start: s, step: t)
        })
    }
    let outputAxes = outputs.map { $0.axes.map { $0.flatMap { newAxis[$0] } } }
    let perPartial = kept.reduce(reduction.states.reduce(0) { $0 + $1.itemSize }) {
      cut.contains($1) ? $0 : $0 * max(1, grid.axes[$1].largest)
    }
    let isOnePiece = partials.allSatisfy { if case .whole = plan.tensors[$0].storage { true } else { false } }
    let groups = isOnePiece ? [:] : sizes.groups(reduction.cutAxes.map { ($0, partialShape[$0]) }, bytes: perPartial)
    let next = Region(
      roots: region.roots, shape: partialShape, kind: .kernel(reduction.combine), inputs: [],
      counters: region.counters.map { c in Counter(base: c.base, strides: kept.map { cut.contains($0) ? 0 : c.strides[$0] }) },
      scalars: region.scalars, scalarSources: region.scalarSources, outputAxes: outputAxes, labels: ["combine"] + region.labels.suffix(1),
      // One element per chunk: cut into single ones again, it could shrink no further and would be combined for ever.
      wholeAxes: Set(reduction.cutAxes).subtracting(groups.keys), pins: groups, work: partialShape.reduce(1.0) { $0 * Double($1) })
    let nextInputs =
      partials.map { PendingInput(tensor: $0, map: .identity(kept.count)) }
      + reduction.used.map { PendingInput(tensor: inputs[$0].tensor, map: moved(inputs[$0].map)) }
    let nextOutputs = zip(outputs, outputAxes).map { PendingOutput(type: $0.type, axes: $1, value: $0.value) }
    try placeKernel(reduction.combine, next, nextInputs, nextOutputs, node, patience)
  }
}
