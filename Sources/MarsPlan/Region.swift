import MarsBase
import MarsGraph

/// A fused region before it is cut into chunks: the loop nest that computes its roots, or one native operator.
struct Region {
  /// Values that become tensors, all of one vertex.
  var roots: [Val]
  /// Extents of the iteration axes.
  var shape: [Int]
  var kind: Kind
  var inputs: [Input]
  var counters: [Counter] = []
  var scalars: [Scalar] = []
  /// Per scalar, the attribute whose value it is.
  var scalarSources: [ExprBuilder.Source?] = []
  /// Per root: for each tensor axis the iteration axis, or nil for an axis of extent 1 that the nest does not have.
  var outputAxes: [[Int?]]
  var labels: [String]
  /// Iteration axes that may not be cut.
  var wholeAxes: Set<Int> = []
  /// Of a native operator: the axis along which every task goes on from the one before.
  var carriedAxis: Int? = nil
  /// Splits that the user pinned, per iteration axis.
  var pins: [Int: AxisSplits] = [:]
  /// Lines for `explain`: splits that the user pinned and that are not kept.
  var remarks: [String] = []
  var work: Double

  enum Kind {
    case kernel(KernelSpec)
    case native(NativeRule)
  }

  struct Input {
    var value: Val
    var window: StageInput.Window
    var orientation: StageInput.Orientation? = nil
  }
}

/// Writes the loop nest of a root value.
struct RegionBuilder {
  let index: GraphIndex
  let demand: Demand
  /// Values outside the region that it reads, with the map from iteration axes.
  private var inputs: [(value: Val, map: AxisMap)] = []
  private var builder = ExprBuilder(frame: .init(shape: [], map: AxisMap([]), rank: 0))
  private var memo: [MemoKey: ExprRef] = [:]
  /// States of the fused reductions of the level below.
  private var states: [Int32: [ExprRef]] = [:]
  private var labels: [String] = []
  private var rank = 0
  /// Extents of the iteration axes.
  private var extents: [Int] = []
  private var work = 0.0
  private var pins: [Int: AxisSplits] = [:]
  /// Vertices whose pinned splits the region has where it reads them, and remarks on the others.
  private var keeps: Set<Int32> = []
  private var remarks: [Int32: String] = [:]

  private struct MemoKey: Hashable {
    let value: Val
    let map: AxisMap
  }

  init(_ index: GraphIndex, _ demand: Demand) {
    self.index = index
    self.demand = demand
  }

  /// A level of the nest, outermost last found.
  private struct Level {
    var shape: [Int]
    /// Reduce vertices of the level below that this level reads; empty for the innermost.
    var reductions: [Int]
  }

  // MARK: Finding levels

  /// Reduce vertices that are fused into the region of `roots`, seen from expressions only.
  private func reductions(below roots: [Val]) -> [Int] {
    var found: [Int] = []
    var seen: Set<Int32> = []
    var stack = roots
    while let v = stack.popLast() {
      let i = Int(v.vertex)
      if seen.contains(v.vertex) { continue }
      seen.insert(v.vertex)
      let x = index.vertices[i]
      switch x.node.op.body {
      case .reduce: found.append(i)
      case .view:
        let u = demand.behind(view: i).base
        if !demand.isMaterialised[Int(u.vertex)] { stack.append(u) }
      case .expr:
        for u in x.inputs where !demand.isMaterialised[Int(u.vertex)] { stack.append(u) }
      default: break
      }
    }
    return found.sorted()
  }

  enum Attempt {
    case made(Region)
    /// Reduce vertices.
    case loose([Int])
  }

  /// Inner reductions run whole for every outer element: longer ones are cut loose by the caller.
  static let longestInner = 1 << 16

  /// The region whose result is every needed output of vertex `root`.
  ///
  /// Instead of it the reductions that do not fit into one nest with it: they are to become tensors first.
  mutating func kernel(root: Int, outputs: [Int]) -> Attempt {
    let vertex = index.vertices[root]
    // From the outside in.
    var levels: [Level] = []
    var reductions: [Int]
    if case .reduce = vertex.node.op.body {
      levels.append(Level(shape: vertex.node.outputs[0].shape, reductions: [root]))
      reductions = [root]
    } else {
      reductions = self.reductions(below: outputs.map { Val(root, $0) })
      levels.append(Level(shape: vertex.node.outputs[outputs[0]].shape, reductions: reductions))
    }
    var loose: [Int] = []
    var depth = 0
    while !reductions.isEmpty {
      // All reductions of a level share one inner index space; those that do not fit become tensors.
      let first = index.vertices[reductions[0]]
      let inner = index.type(first.inputs[0]).shape
      var kept: [Int] = []
      for r in reductions {
        let x = index.vertices[r]
        guard case .reduce(let body) = x.node.op.body, case .reduce(let lead) = first.node.op.body else { continue }
        let axes = body.axes(x.node.context)
        let reducedCount = axes.reduce(1) { $0 * index.type(x.inputs[0]).shape[$1] }
        let fits = index.type(x.inputs[0]).shape == inner && axes == lead.axes(first.node.context)
        if fits && (depth == 0 || reducedCount <= RegionBuilder.longestInner) { kept.append(r) } else { loose.append(r) }
      }
      levels[levels.count - 1].reductions = kept
      if kept.isEmpty { break }
      let next = self.reductions(below: kept.flatMap { index.vertices[$0].inputs }.filter { !demand.isMaterialised[Int($0.vertex)] })
      levels.append(Level(shape: inner, reductions: next))
      reductions = next
      depth += 1
    }
    return loose.isEmpty ? .made(build(root: root, outputs: outputs, levels: levels)) : .loose(loose)
  }

  private mutating func build(root: Int, outputs: [Int], levels: [Level]) -> Region {
    let vertex = index.vertices[root]
    let deepest = levels[levels.count - 1].shape
    rank = deepest.count
    extents = deepest
    builder = ExprBuilder(frame: .init(shape: deepest, map: .identity(rank), rank: rank))
    // Iteration axis of each axis of each level, from the inside out.
    var axes: [[Int?]] = [Array(0..<rank)]
    for l in stride(from: levels.count - 2, through: 0, by: -1) {
      let x = index.vertices[levels[l].reductions[0]]
      guard case .reduce(let body) = x.node.op.body else { continue }
      let reduced = body.axes(x.node.context)
      let below = axes[axes.count - 1]
      var mine: [Int?] = []
      for (k, a) in below.enumerated() {
        if !reduced.contains(k) { mine.append(a) } else if body.keepsDimensions(x.node.context) { mine.append(nil) }
      }
      axes.append(mine)
    }
    var kernelLevels: [KernelLevel] = []
    for l in stride(from: levels.count - 1, through: 1, by: -1) {
      let mine = axes[levels.count - 1 - l]
      let map = RegionBuilder.map(mine)
      var reducers: [Reducer] = []
      var owners: [(vertex: Int, first: Int, types: [DType])] = []
      var reducedAxes: [Int] = []
      for r in levels[l - 1].reductions {
        let x = index.vertices[r]
        guard case .reduce(let body) = x.node.op.body else { continue }
        let context = x.node.context
        let shape = index.type(x.inputs[0]).shape
        let args = x.inputs.enumerated().map { k, v in
          let m = k == 0 ? map : AxisMap.broadcast(index.type(v).shape, to: shape).after(map)
          return read(v, m)
        }
        builder.frame = .init(shape: shape, map: map, rank: rank)
        builder.owner = Int32(r)
        let parts = body.map(&builder, context, args)
        var types: [DType] = []
        owners.append((r, reducers.reduce(0) { $0 + $1.stateCount }, []))
        for p in parts {
          reducers.append(Reducer(p.kind, value: p.value.number, index: p.index?.number ?? -1))
          types.append(builder.type(p.value))
          if p.index != nil { types.append(.int64) }
        }
        owners[owners.count - 1].types = types
        reducedAxes = body.axes(context).compactMap { mine[$0] }
        work += shape.reduce(1.0) { $0 * Double($1) } * x.node.op.cost.perElement
        labels.append(x.node.op.name)
      }
      kernelLevels.append(KernelLevel(program: builder.takeProgram(), reducers: reducers, reducedAxes: reducedAxes))
      memo = [:]
      states = [:]
      // The states are read, and finished, in the level above.
      for o in owners {
        states[Int32(o.vertex)] = o.types.enumerated().map { builder.reduced(o.first + $0, $1) }
      }
    }
    let top = axes[axes.count - 1]
    let topMap = RegionBuilder.map(top)
    var kernelOutputs: [KernelOutput] = []
    for o in outputs {
      let r = evaluate(Val(root, o), topMap)
      kernelOutputs.append(KernelOutput(level: kernelLevels.count, value: r.number, dtype: vertex.node.outputs[o].dtype))
    }
    kernelLevels.append(KernelLevel(program: builder.takeProgram()))
    var whole: Set<Int> = []
    if kernelLevels.count > 2 { for l in kernelLevels.dropLast(2) { whole.formUnion(l.reducedAxes) } }
    let spec = KernelSpec(
      axisCount: rank, levels: kernelLevels, inputs: inputs.map { index.type($0.value).dtype }, counterCount: builder.counters.count,
      scalars: builder.scalars.map(\.dtype), outputs: kernelOutputs)
    return Region(
      roots: outputs.map { Val(root, $0) }, shape: deepest, kind: .kernel(spec),
      inputs: inputs.map { Region.Input(value: $0.value, window: .map($0.map)) }, counters: builder.counters, scalars: builder.scalars,
      scalarSources: builder.sources, outputAxes: outputs.map { _ in top }, labels: labels, wholeAxes: whole, pins: pins,
      remarks: pinsNotKept(whole), work: work)
  }

  /// Lines on chunks that were asked for and that the region does not have.
  private func pinsNotKept(_ whole: Set<Int>) -> [String] {
    if pins.isEmpty && remarks.isEmpty { return [] }
    var lines = remarks.filter { !keeps.contains($0.key) }.sorted { $0.key < $1.key }.map { $0.value }
    let merged = pins.filter { $1.count > 1 && whole.contains($0) }.keys.sorted()
    if !merged.isEmpty {
      let axes = merged.map(String.init).joined(separator: ", ")
      lines.append("chunks along axis \(axes) of \(Shape.text(extents)) are not kept: an inner reduction is made by one task")
    }
    return lines
  }

  private static func map(_ axes: [Int?]) -> AxisMap { AxisMap(axes.map { $0.map { .aligned($0) } ?? .fixed(0) }) }

  // MARK: Expressions

  /// The value as an input of the kernel, or written out in it.
  private mutating func read(_ v: Val, _ map: AxisMap) -> ExprRef {
    if demand.isMaterialised[Int(v.vertex)] {
      let key = MemoKey(value: v, map: map)
      if let r = memo[key] { return r }
      let slot: Int
      if let i = inputs.firstIndex(where: { $0.value == v && $0.map == map }) {
        slot = i
      } else {
        slot = inputs.count
        inputs.append((v, map))
      }
      let r = builder.input(slot, index.type(v).dtype)
      memo[key] = r
      return r
    }
    return evaluate(v, map)
  }

  /// As deep as expressions are nested: `Demand.mostNested`.
  private mutating func evaluate(_ v: Val, _ map: AxisMap) -> ExprRef {
    let key = MemoKey(value: v, map: map)
    if let r = memo[key] { return r }
    let x = index.vertices[Int(v.vertex)]
    let context = x.node.context
    switch x.node.op.body {
    case .view:
      let b = demand.behind(view: Int(v.vertex))
      return read(b.base, b.map.after(map))
    case .expr(let body):
      let shape = x.node.outputs[0].shape
      // Before its inputs: of several that ask, the last one applied decides.
      if let chunks = x.node.op.pinsChunks?(context) { pin(chunks, shape, map, of: v.vertex) }
      var args: [ExprRef] = []
      for (k, u) in x.inputs.enumerated() {
        let m = AxisMap.broadcast(index.type(u).shape, to: shape).after(map)
        let r = read(u, m)
        if let loop = x.node.loop { args.append(builder.cast(r, loop.inputs[k])) } else { args.append(r) }
      }
      builder.frame = .init(shape: shape, map: map, rank: rank)
      builder.owner = v.vertex
      let results = body(&builder, context, args)
      for (o, r) in results.enumerated() {
        memo[MemoKey(value: Val(Int(v.vertex), o), map: map)] = builder.cast(r, x.node.outputs[o].dtype)
      }
      if x.node.op.cost.perElement > 0 { labels.append(x.node.op.name) }
      work += Double(x.node.outputs[0].count) * x.node.op.cost.perElement
      return memo[key] ?? results[0]
    case .reduce(let body):
      guard let s = states[v.vertex] else { preconditionFailure("a fused reduction is read one level up") }
      builder.frame = .init(shape: x.node.outputs[0].shape, map: map, rank: rank)
      builder.owner = v.vertex
      let results = body.finish(&builder, context, s)
      for (o, r) in results.enumerated() {
        memo[MemoKey(value: Val(Int(v.vertex), o), map: map)] = builder.cast(r, x.node.outputs[o].dtype)
      }
      return memo[key] ?? results[0]
    case .native, .nest, .leaf, .composed: return read(v, map)
    }
  }

  /// Splits asked for along axes of a node, carried over to the iteration axes that walk them one by one.
  private mutating func pin(_ splits: [AxisSplits], _ shape: [Int], _ map: AxisMap, of vertex: Int32) {
    var isViewed = false
    var others = splits
    for (k, a) in map.axes.enumerated() where k < splits.count {
      guard case .aligned(let axis, 0, 1) = a, splits[k].extent == shape[k], shape[k] == extents[axis] else {
        if splits[k].count > 1 { isViewed = true }
        continue
      }
      let pinned = pins[axis] ?? splits[k]
      pins[axis] = pinned
      others[k] = pinned
    }
    if !isViewed && others == splits {
      keeps.insert(vertex)
      return
    }
    func text(_ s: [AxisSplits]) -> String { Shape.text(s.map(\.largest)) }
    let reason =
      isViewed
      ? "they are computed where a view of them is read"
      : "they are computed in one loop with chunks of \(text(others)), which were asked for too"
    remarks[vertex] = "chunks of \(text(splits)) of \(Shape.text(shape)) are not kept: \(reason)"
  }
}
