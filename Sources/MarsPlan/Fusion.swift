import MarsBase
import MarsGraph

/// The pass that makes regions, each a loop nest or one operator, of the vertices that must be in memory.
enum Fusion {
  /// Regions in an order in which inputs come first.
  static func regions(
    _ index: GraphIndex, _ demand: inout Demand, _ waits: [Val], _ patience: Patience
  ) throws(MarsError) -> [Region] {
    var needed = firstNeeded(index, demand, waits)
    var regions: [Region] = []
    for i in index.vertices.indices.reversed() where needed[i].contains(true) {
      try patience.check()
      let v = index.vertices[i]
      if !v.tensors.isEmpty { continue }
      let region: Region
      switch v.node.op.body {
      case .leaf: continue
      case .native(let rule): region = native(i, rule, index, &demand)
      case .nest(let rule):
        try check(v)
        guard let nest = rule(v.node.context) else { throw MarsError(.format, "a loop nest cannot be read", op: v.node.op.name) }
        region = finished(i, nest, index)
      case .expr, .reduce, .view, .composed:
        try check(v)
        region = kernel(i, needed[i].indices.filter { needed[i][$0] }, index, &demand)
      }
      for x in region.inputs { needed[Int(x.value.vertex)][Int(x.value.output)] = true }
      regions.append(region)
    }
    return regions.reversed()
  }

  /// Per vertex, which outputs must be in memory before their readers are looked at: results, and what later parts wait for.
  private static func firstNeeded(_ index: GraphIndex, _ demand: Demand, _ waits: [Val]) -> [[Bool]] {
    var isReachable = [Bool](repeating: false, count: index.vertices.count)
    var needed = index.vertices.map { [Bool](repeating: false, count: $0.node.outputs.count) }
    for r in index.results {
      isReachable[Int(r.vertex)] = true
      if !demand.isDeferred[Int(r.vertex)] { needed[Int(r.vertex)][Int(r.output)] = true }
    }
    for x in waits { needed[Int(x.vertex)][Int(x.output)] = true }
    for i in index.vertices.indices.reversed() where isReachable[i] {
      for x in index.vertices[i].inputs { isReachable[Int(x.vertex)] = true }
      if demand.isDeferred[i] || !index.vertices[i].tensors.isEmpty { continue }
      // Its extents are needed before anything that follows can be planned.
      for (o, t) in index.vertices[i].node.outputs.enumerated() where !t.isKnown { needed[i][o] = true }
    }
    return needed
  }

  /// - Throws: where extents could not be inferred although those of the inputs are known.
  private static func check(_ v: Vertex) throws(MarsError) {
    guard v.node.outputs.contains(where: { !$0.isKnown }) else { return }
    throw MarsError(.internal, "the extents of \(v.node.op.name) do not follow from those of its inputs", op: v.node.calledName)
  }

  private static func kernel(_ i: Int, _ outputs: [Int], _ index: GraphIndex, _ demand: inout Demand) -> Region {
    while true {
      var builder = RegionBuilder(index, demand)
      switch builder.kernel(root: i, outputs: outputs) {
      case .made(let region): return region
      case .loose(let reductions): for r in reductions { demand.isMaterialised[r] = true }
      }
    }
  }

  /// A loop nest that another plan made: one task.
  private static func finished(_ i: Int, _ nest: LoopNest, _ index: GraphIndex) -> Region {
    let v = index.vertices[i]
    return Region(
      roots: v.node.outputs.indices.map { Val(i, $0) }, shape: nest.shape, kind: .kernel(nest.spec),
      inputs: zip(v.inputs, nest.maps).map { x, map in
        let (base, view) = index.stripViews(x)
        return Region.Input(value: base, window: .map(view.after(map)))
      }, counters: nest.counters, scalars: nest.scalars, outputAxes: nest.outputAxes.map { $0.map { $0 < 0 ? nil : $0 } },
      labels: [v.node.op.name], wholeAxes: Set(nest.shape.indices), work: nest.shape.reduce(1.0) { $0 * Double($1) })
  }

  private static func native(_ i: Int, _ rule: NativeRule, _ index: GraphIndex, _ demand: inout Demand) -> Region {
    let v = index.vertices[i]
    let context = v.node.context
    let out = v.node.outputs[0]
    var shape = out.shape
    var whole = Set(rule.wholeOutputAxes(context))
    let inputs: [Region.Input]
    switch rule.tiling {
    case .access(let f):
      inputs = walked(v, context, f(context), &shape, index, &demand)
      if !rule.accumulates { whole.formUnion(out.rank..<shape.count) }
    case .boxes: inputs = v.inputs.indices.map { boxed($0, v, context, rule, index, &demand) }
    case .selecting(let axis):
      shape = context.inputs[0].shape
      whole.formUnion(shape.indices.filter { $0 != axis })
      inputs = v.inputs.enumerated().map { k, x in
        demand.isMaterialised[Int(x.vertex)] = true
        // A vector beside input 0 (its mask) runs along the axis.
        let isBeside = k > 0 && context.inputs[k].rank == 1
        return Region.Input(value: x, window: .map(isBeside ? AxisMap([.aligned(axis)]) : .broadcast(context.inputs[k].shape, to: shape)))
      }
    }
    let axes: [Int?] = out.shape.indices.map { $0 }
    let carried = rule.carriedAxis(context)
    return Region(
      roots: v.node.outputs.indices.map { Val(i, $0) }, shape: shape, kind: .native(rule), inputs: inputs,
      outputAxes: v.node.outputs.enumerated().map { n, o in
        if n > 0, let carried { return axes.map { $0 == carried ? nil : $0 } }
        return o.rank == out.rank ? axes : Array(axes.prefix(o.rank))
      }, labels: [v.node.op.name], wholeAxes: whole, carriedAxis: carried,
      work: shape.reduce(1.0) { $0 * Double($1) } * v.node.op.cost.perElement)
  }

  /// Inputs of an operator that says what each of their axes has to do with its output.  Contracted axes are put behind those of `shape`.
  private static func walked(
    _ v: Vertex, _ context: OpContext, _ accesses: [[AxisAccess]], _ shape: inout [Int], _ index: GraphIndex, _ demand: inout Demand
  ) -> [Region.Input] {
    var contracted: [Int: Int] = [:]
    return accesses.enumerated().map { k, axes in
      var (base, map) = index.stripViews(v.inputs[k])
      var orientation: StageInput.Orientation? = nil
      if base != v.inputs[k] {
        orientation = StageInput.Orientation(map, rank: axes.count)
        if orientation == nil || narrows(map, axes, base: index.type(base).shape, view: context.inputs[k].shape) {
          orientation = nil
          // A view that no window of memory is: it becomes a tensor.
          (base, map) = (v.inputs[k], .identity(axes.count))
          demand.isMaterialised[Int(base.vertex)] = true
        }
      }
      let resolved = axes.enumerated().map { a, access in
        guard case .contracted(let id) = access else { return access }
        if let known = contracted[id] { return .contracted(id: known) }
        contracted[id] = shape.count
        shape.append(context.inputs[k].shape[a])
        return .contracted(id: shape.count - 1)
      }
      return Region.Input(value: base, window: .access(compose(map, resolved)), orientation: orientation)
    }
  }

  /// Input `k` of an operator that says which boxes it reads.
  private static func boxed(
    _ k: Int, _ v: Vertex, _ context: OpContext, _ rule: NativeRule, _ index: GraphIndex, _ demand: inout Demand
  ) -> Region.Input {
    let (base, map) = index.stripViews(v.inputs[k])
    let seen = context.inputs[k].shape
    let isSame = map.isIdentity && index.type(base).shape == seen
    let isWritten = k == 0 && rule.reusesInput0
    if !isSame && !isWritten, index.type(base).isKnown,
      let orientation = StageInput.Orientation(map, rank: seen.count, single: Set(seen.indices.filter { seen[$0] == 1 })),
      isOnePiece(base, index) || orientation.isDense && isInMemory(base, index, demand)
    {
      return Region.Input(value: base, window: .rule(input: k, through: map), orientation: orientation)
    }
    let read = isSame ? base : v.inputs[k]
    demand.isMaterialised[Int(read.vertex)] = true
    return Region.Input(value: read, window: isWritten ? .access(seen.indices.map { .aligned($0) }) : .rule(input: k))
  }

  /// Whether a value is data that any box may be read of without more of it in memory: a row of a transposed tensor meets all its chunks.
  private static func isOnePiece(_ v: Val, _ index: GraphIndex) -> Bool {
    guard index.vertices[Int(v.vertex)].tensors.isEmpty else { return false }
    switch index.node(v).payload {
    case .dense: return true
    case .chunked(let data): return data.grid.chunkCount == 1
    case .none, .callback, .scope: return false
    }
  }

  /// Whether a value is a tensor in memory whoever reads it; others are computed where they are read, and only as far as that is needed.
  private static func isInMemory(_ v: Val, _ index: GraphIndex, _ demand: Demand) -> Bool {
    if demand.isMaterialised[Int(v.vertex)] || !index.vertices[Int(v.vertex)].tensors.isEmpty { return true }
    switch index.node(v).op.body {
    case .native, .leaf: return true
    case .expr, .reduce, .view, .composed, .nest: return false
    }
  }

  /// Whether an axis that is read whole is only a part of the base's.
  private static func narrows(_ map: AxisMap, _ access: [AxisAccess], base: [Int], view: [Int]) -> Bool {
    for (axis, a) in map.axes.enumerated() {
      guard case .aligned(let k, let start, let step) = a, access[k] == .whole else { continue }
      if start != 0 || step != 1 || base[axis] != view[k] { return true }
    }
    return false
  }

  /// Access of the base of a view: the view's map followed by what the operator does with the view.
  private static func compose(_ map: AxisMap, _ access: [AxisAccess]) -> [AxisAccess] {
    if map.isIdentity { return access }
    return map.axes.map { a in
      guard case .aligned(let k, let start, let step) = a else { return a }
      switch access[k] {
      case .aligned(let j, let s, let t): return .aligned(axis: j, start: start + step * s, step: step * t)
      case .fixed(let i): return .fixed(start + step * i)
      case .contracted(let axis): return .aligned(axis: axis, start: start, step: step)
      case .whole: return .whole
      }
    }
  }
}
