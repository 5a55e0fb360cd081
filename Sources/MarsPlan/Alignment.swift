import MarsBase
import MarsGraph

/// Tensors in chunks from which the tasks of a stage can read: rechunked where theirs do not fit.
extension StageBuilder {
  func axis(of a: AxisAccess) -> Int? { if case .aligned(let k, _, _) = a { k } else { nil } }

  /// Whether windows must lie within one chunk.
  func needsAlignment(_ t: PlanTensor) -> Bool {
    switch t.storage {
    case .leaf, .whole: false
    case .chunks, .keptChunks: true
    }
  }

  static func accesses(_ w: StageInput.Window) -> [AxisAccess] {
    switch w {
    case .map(let m): m.axes
    case .access(let a): a
    case .rule: []
    }
  }

  mutating func align(_ i: PendingInput, to grid: Grid, _ node: Node) -> StageInput {
    let t = alignAccess(i.tensor, i.map.axes, to: grid, node)
    return StageInput(tensor: t, window: .map(i.map))
  }

  /// The tensor itself, or its rechunked form in which every task of `grid` reads from one chunk.
  mutating func alignAccess(_ number: Int, _ access: [AxisAccess], to grid: Grid, _ node: Node) -> Int {
    let t = plan.tensors[number]
    guard needsAlignment(t), t.grid.chunkCount > 1 || refinement > 0 else { return number }
    var axes = t.grid.axes
    var differs = false
    for (k, a) in access.enumerated() where axes[k].count > 1 || refinement > 0 {
      var boundaries: [Int] = []
      switch a {
      case .fixed: continue
      case .whole: boundaries = []
      case .aligned, .contracted:
        var (axis, start, step) = (0, 0, 1)
        if case .aligned(let x, let s, let p) = a { (axis, start, step) = (x, s, p) }
        if case .contracted(let x) = a { axis = x }
        var fits = true
        let splits = grid.axes[axis]
        for c in 0..<splits.count {
          let n = splits.offsets[c + 1] - splits.offsets[c]
          if n == 0 { continue }
          let first = start + step * splits.offsets[c]
          let last = start + step * (splits.offsets[c + 1] - 1)
          if axes[k].chunk(at: min(first, last)) != axes[k].chunk(at: max(first, last)) { fits = false }
          boundaries.append(min(first, last))
        }
        // Tasks were too large: none is to hold a chunk for a small part of it.
        if fits && !(refinement > 0 && axes[k].largest > 2 * splits.largest * abs(step)) { continue }
      }
      differs = true
      axes[k] = AxisSplits(offsets: Set(boundaries).union([0, t.type.shape[k]]).sorted())
    }
    return differs && axes != t.grid.axes ? rechunk(number, Grid(axes), node) : number
  }

  private mutating func rechunk(_ number: Int, _ grid: Grid, _ node: Node) -> Int {
    let key = RechunkKey(tensor: number, grid: grid)
    if let t = rechunked[key] { return t }
    var number = number
    if let blocks = blocks(plan.tensors[number], grid) {
      let count = plan.stages.count
      number = rechunk(number, blocks, node)
      if plan.stages.count > count { plan.stages[count].cutsChunks = true }
    }
    let source = plan.tensors[number]
    let t = addTensor(PlanTensor(type: source.type, grid: grid, storage: .chunks, label: "rechunk"))
    var stage = Stage(
      kind: .gather, grid: grid, inputs: [StageInput(tensor: number, window: .map(.identity(source.type.rank)))],
      outputs: [StageOutput(tensor: t, axes: (0..<source.type.rank).map { .iteration($0) })], node: node, labels: ["rechunk"])
    stage.work = Double(source.type.count)
    plan.stages.append(stage)
    rechunked[key] = t
    return t
  }

  /// Blocks that lie in one chunk both of a tensor and of `grid`, where the chunks that one of `grid` meets take a large part of the limit: a
  /// task that read them all would hold them all.  nil where that is not so.
  private func blocks(_ source: PlanTensor, _ grid: Grid) -> Grid? {
    var bytes = source.type.dtype.itemSize
    for (from, to) in zip(source.grid.axes, grid.axes) {
      var most = 0
      for c in 0..<to.count where to.offsets[c] < to.offsets[c + 1] {
        let (first, last) = (from.chunk(at: to.offsets[c]), from.chunk(at: to.offsets[c + 1] - 1))
        most = max(most, from.offsets[last + 1] - from.offsets[first])
      }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: most)
      bytes = overflow ? Int.max : product
    }
    if bytes <= options.memoryLimit / 8 { return nil }
    let axes = zip(source.grid.axes, grid.axes).map { AxisSplits(offsets: Set($0.offsets).union($1.offsets).sorted()) }
    let count = axes.reduce(1.0) { $0 * Double($1.count) }
    return axes == source.grid.axes || axes == grid.axes || count > StageBuilder.mostBlocks ? nil : Grid(axes)
  }
  private static let mostBlocks = 1e6
}
