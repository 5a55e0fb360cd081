import MarsBase
import MarsGraph

/// Gives regions their chunk grids and turns them into stages and tensors of the plan.
struct Layout {
  let index: GraphIndex
  let demand: Demand
  let options: PlanOptions
  private let sizes: ChunkSizes
  var plan: Plan
  /// Tensor of each output of each vertex, -1 where it has none.
  private var tensors: [[Int]]
  /// Rechunked forms of tensors that were made already.
  private var rechunked: [RechunkKey: Int] = [:]
  /// Bytes that results in one piece take so far.
  private var resultBytes = 0
  /// Tasks of the first `countedStages` stages.
  private var taskCount = 0
  private var countedStages = 0

  private struct RechunkKey: Hashable {
    let tensor: Int
    let grid: Grid
  }

  /// Intermediates up to this size are one buffer, readable in any window without copies.
  private let smallTensor: Int
  /// The data leaf into whose memory writes may go.
  private let overwriting: Node?
  private let refinement: Int
  /// Bytes of results that may lie in one piece.
  private let wholeResults: Int

  /// - Parameter refinement: how often tasks were larger than the limit; chunks become smaller each time, and pieces that hold a tensor rarer.
  init(_ index: GraphIndex, _ demand: Demand, _ options: PlanOptions, plan: Plan, refinement: Int, overwriting: Node? = nil) {
    self.overwriting = overwriting
    self.refinement = refinement
    smallTensor = min(4 << 20, options.memoryLimit / 8) >> (2 * refinement)
    wholeResults = (options.memoryLimit / 2) >> (2 * refinement)
    self.index = index
    self.demand = demand
    self.options = options
    self.plan = plan
    sizes = ChunkSizes(memoryLimit: options.memoryLimit, chunkBytes: options.chunkBytes, refinement: refinement)
    tensors = index.vertices.map { v in v.tensors.isEmpty ? [Int](repeating: -1, count: v.node.outputs.count) : v.tensors }
  }

  /// Tensors whose extents are not known yet.
  var unknownTensors: [Int] { plan.tensors.indices.filter { plan.tensors[$0].hasUnknownExtents } }

  func existingTensor(of v: Val) -> Int { tensors[Int(v.vertex)][Int(v.output)] }

  /// The tensor of a value; leaves get theirs here.
  mutating func tensor(of v: Val) -> Int {
    let have = existingTensor(of: v)
    if have >= 0 { return have }
    let node = index.node(v)
    let t: Int
    switch node.payload {
    case .dense(let array):
      t = plan.tensors.count
      plan.tensors.append(PlanTensor(type: array.type, grid: Grid(whole: array.type.shape), storage: .leaf(array), label: node.op.name))
    case .chunked(let data):
      t = addTensor(PlanTensor(type: data.type, grid: data.grid, storage: .keptChunks(data), label: node.op.name))
    case .none, .callback: preconditionFailure("\(node.op.name) is neither placed nor data")
    }
    tensors[Int(v.vertex)][Int(v.output)] = t
    return t
  }

  private mutating func addTensor(_ t: PlanTensor) -> Int {
    var tensor = t
    let number = plan.tensors.count
    tensor.firstSlot = Int32(plan.slotCount)
    let item = t.type.dtype.itemSize
    let bytes: [Int]
    switch t.storage {
    case .leaf: bytes = []
    case .whole: bytes = [t.grid.shape.reduce(item, *)]
    case .chunks, .keptChunks:
      // Products of chunk extents in C order.
      var all = [item]
      for a in t.grid.axes {
        let s = a.sizes
        if s.count == 1 { all = all.map { $0 * s[0] } } else { all = all.flatMap { b in s.map { b * $0 } } }
      }
      bytes = all
    }
    plan.slotBytes += bytes
    for _ in bytes {
      plan.slotTensor.append(Int32(number))
      plan.slotUses.append(0)
      plan.slotHeld.append(false)
    }
    plan.tensors.append(tensor)
    return number
  }

  // MARK: Placing regions

  mutating func place(_ region: Region, _ patience: Patience) throws(MarsError) {
    try patience.check()
    switch region.kind {
    case .kernel(let spec):
      let node = index.node(region.roots[0])
      let outputs = region.roots.enumerated().map { i, v in
        PendingOutput(type: index.type(v), axes: region.outputAxes[i], value: v)
      }
      let inputs = region.inputs.map { i -> PendingInput in
        guard case .map(let m) = i.window else { preconditionFailure("kernels read through maps") }
        return PendingInput(tensor: tensor(of: i.value), map: m)
      }
      try placeKernel(spec, region, inputs, outputs, node, patience)
    case .native(let rule): try placeNative(rule, region, patience)
    }
    // Positions in a plan are 32 bits, and every task takes memory.
    taskCount += plan.stages[countedStages...].reduce(0) { $0 + $1.grid.chunkCount }
    countedStages = plan.stages.count
    guard taskCount <= 4 * Grid.mostChunks else {
      throw MarsError(.memory, "the plan would have more than \(4 * Grid.mostChunks) tasks")
    }
  }

  private struct PendingInput {
    var tensor: Int
    var map: AxisMap
  }
  private struct PendingOutput {
    var type: TensorType
    var axes: [Int?]
    /// The value that the tensor holds, or nil for partial results.
    var value: Val?
  }

  private mutating func placeKernel(
    _ spec: KernelSpec, _ region: Region, _ inputs: [PendingInput], _ outputs: [PendingOutput], _ node: Node,
    _ patience: Patience
  ) throws(MarsError) {
    var operands: [(axes: Set<Int>, itemSize: Int)] = []
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
    let last = spec.levels.count - 2
    let grid = try sizes.kernelGrid(
      region, operands: operands, suggestions: suggestions, reduced: last >= 0 ? Set(spec.levels[last].reducedAxes) : [])
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
      stage.mayReuseInput = spec.levels.count == 1
      stage.work = region.work
      plan.stages.append(stage)
    } else {
      try placeCutReduction(spec, region, aligned, inputs, outputs, grid, Set(cut), node, patience)
    }
  }

  /// A reduction over axes that are cut: partial states per task, then a second stage that combines and finishes.
  private mutating func placeCutReduction(
    _ spec: KernelSpec, _ region: Region, _ aligned: [StageInput], _ inputs: [PendingInput], _ outputs: [PendingOutput], _ grid: Grid,
    _ cut: Set<Int>, _ node: Node, _ patience: Patience
  ) throws(MarsError) {
    let last = spec.levels.count - 2
    let level = spec.levels[last]
    // Axes that exist above the level, with cut ones replaced by their chunk number.
    let gone = Set(spec.levels.dropLast().flatMap(\.reducedAxes))
    let kept = (0..<spec.axisCount).filter { !gone.contains($0) || cut.contains($0) }
    let partialShape = kept.map { cut.contains($0) ? grid.axes[$0].count : region.shape[$0] }
    var types: [DType] = []
    for r in level.reducers {
      types.append(level.program.insts[Int(r.value)].type)
      if r.stateCount == 2 { types.append(.int64) }
    }
    var partialSpec = spec
    partialSpec.levels[last + 1] = KernelLevel(program: Expr(types.enumerated().map { Inst(.reduced, $1, imm: UInt64($0)) }))
    partialSpec.outputs = types.enumerated().map { KernelOutput(level: last + 1, value: Int32($0), dtype: $1) }
    var stage = Stage(kind: .kernel(partialSpec), grid: grid, inputs: aligned, outputs: [], node: node, labels: region.labels)
    stage.counters = region.counters
    stage.scalars = region.scalars
    stage.work = region.work
    var partials: [Int] = []
    for t in types {
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

    // Combine: same reducers over the chunk numbers, then the program of the last level.
    var newAxis: [Int: Int] = [:]
    for (n, k) in kept.enumerated() { newAxis[k] = n }
    func moved(_ m: AxisMap) -> AxisMap {
      AxisMap(
        m.axes.map { a in
          guard case .aligned(let k, let s, let t) = a, let n = newAxis[k] else { return a }
          return .aligned(axis: n, start: s, step: t)
        })
    }
    let states = types.enumerated().map { Inst(.input, $1, imm: UInt64($0)) }
    var reducers: [Reducer] = []
    var state: Int32 = 0
    for r in level.reducers {
      reducers.append(Reducer(r.kind, value: state, index: r.stateCount == 2 ? state + 1 : -1))
      state += Int32(r.stateCount)
    }
    var top = spec.levels[last + 1].program
    var used: [Int] = []
    for (i, inst) in top.insts.enumerated() where inst.op == .input {
      let old = Int(inst.imm)
      let slot: Int
      if let u = used.firstIndex(of: old) {
        slot = u
      } else {
        slot = used.count
        used.append(old)
      }
      top.insts[i].imm = UInt64(types.count + slot)
    }
    let cutAxes = kept.indices.filter { cut.contains(kept[$0]) }
    let combine = KernelSpec(
      axisCount: kept.count,
      levels: [KernelLevel(program: Expr(states), reducers: reducers, reducedAxes: cutAxes), KernelLevel(program: top)],
      inputs: types + used.map { spec.inputs[$0] }, counterCount: spec.counterCount, scalars: spec.scalars,
      outputs: spec.outputs.map { KernelOutput(level: 1, value: $0.value, dtype: $0.dtype) })
    let counters = region.counters.map { c in Counter(base: c.base, strides: kept.map { cut.contains($0) ? 0 : c.strides[$0] }) }
    let next = Region(
      roots: region.roots, shape: partialShape, kind: .kernel(combine), inputs: [], counters: counters, scalars: region.scalars,
      outputAxes: outputs.map { $0.axes.map { $0.flatMap { newAxis[$0] } } }, labels: ["combine"] + region.labels.suffix(1),
      // One element per chunk: cut again, it could shrink no further and would be combined for ever.
      wholeAxes: Set(cutAxes), work: partialShape.reduce(1.0) { $0 * Double($1) })
    let identity = AxisMap.identity(kept.count)
    let nextInputs =
      partials.map { PendingInput(tensor: $0, map: identity) }
      + used.map { PendingInput(tensor: inputs[$0].tensor, map: moved(inputs[$0].map)) }
    let nextOutputs = outputs.map { PendingOutput(type: $0.type, axes: $0.axes.map { $0.flatMap { newAxis[$0] } }, value: $0.value) }
    try placeKernel(combine, next, nextInputs, nextOutputs, node, patience)
  }

  private mutating func placeNative(_ rule: NativeRule, _ region: Region, _ patience: Patience) throws(MarsError) {
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
      for (k, a) in Layout.accesses(i.window).enumerated() {
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
    // A box of whole rows is one run of what it is read from; a square block may meet all of it.
    let grid = try sizes.nativeGrid(
      shape: region.shape, itemSize: item, whole: region.wholeAxes, prefersBlocks: blocks && selected == nil && !isBoxed,
      suggestions: suggestions, contracted: selected == nil ? contracted : [], periods: { rule.periods(node.context, $0) })
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
    stage.mayReuseInput = rule.reusesInput0
    stage.work = region.work
    plan.stages.append(stage)
  }

  /// The memory of a data leaf, or of what was written into it, that only a write to it reads; nil if it is to be kept.
  private func overwritten(_ v: Val, by type: TensorType) -> DenseArray? {
    guard let overwriting, case .leaf(let array) = plan.tensors[existingTensor(of: v)].storage, array.type == type else { return nil }
    guard case .dense(let own) = overwriting.payload, own.buffer === array.buffer else { return nil }
    let uses = demand.uses[Int(v.vertex)][Int(v.output)]
    return uses.count == 1 && !uses.isResult ? array : nil
  }

  private mutating func addOutput(_ o: PendingOutput, _ grid: Grid) -> Int {
    let splits = o.axes.enumerated().map { j, k in k.map { grid.axes[$0] } ?? AxisSplits(offsets: [0, o.type.shape[j]]) }
    var isResult = false
    if let v = o.value { isResult = demand.uses[Int(v.vertex)][Int(v.output)].isResult }
    let bytes = o.type.byteCount
    let storage: PlanTensor.Storage
    if isResult {
      // A result in one piece is fetched without a copy.
      if resultBytes + bytes <= wholeResults {
        resultBytes += bytes
        storage = .whole
      } else {
        storage = .chunks
        plan.remarks.append("a result of \(bytes) bytes stays in chunks: it does not fit the memory limit in one piece")
      }
    } else {
      storage = bytes <= smallTensor ? .whole : .chunks
    }
    let t = addTensor(PlanTensor(type: o.type, grid: Grid(splits), storage: storage, label: o.value.map { index.node($0).op.name } ?? ""))
    if let v = o.value { tensors[Int(v.vertex)][Int(v.output)] = t }
    return t
  }

  // MARK: Alignment

  private func axis(of a: AxisAccess) -> Int? { if case .aligned(let k, _, _) = a { k } else { nil } }

  /// Whether windows must lie within one chunk.
  private func needsAlignment(_ t: PlanTensor) -> Bool {
    switch t.storage {
    case .leaf, .whole: false
    case .chunks, .keptChunks: true
    }
  }

  private static func accesses(_ w: StageInput.Window) -> [AxisAccess] {
    switch w {
    case .map(let m): m.axes
    case .access(let a): a
    case .rule: []
    }
  }

  private mutating func align(_ i: PendingInput, to grid: Grid, _ node: Node) -> StageInput {
    let t = alignAccess(i.tensor, i.map.axes, to: grid, node)
    return StageInput(tensor: t, window: .map(i.map))
  }

  /// The tensor itself, or its rechunked form in which every task of `grid` reads from one chunk.
  private mutating func alignAccess(_ number: Int, _ access: [AxisAccess], to grid: Grid, _ node: Node) -> Int {
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
}
