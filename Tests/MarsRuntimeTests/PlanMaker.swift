import MarsBase
import MarsGraph
import MarsPlan

/// Writes plans by hand; dependencies follow from who writes the slots.
struct PlanMaker {
  var plan = Plan()
  private var writers: [Int32: Int32] = [:]

  static let node = Node(
    op: Leaves.constant, inputs: [], attributes: Attributes([.scalar(Scalar(0.0))]), outputs: [TensorType(.float64, [])], origin: "here:1")

  static func nativeOp(
    _ name: String, tiling: NativeRule.Tiling = .access({ _ in [] }), effects: Effects = .pure, workspace: Int = 0, shape: [Int] = [],
    dtype: DType = .float64
  ) -> Node {
    let op = OpDef(
      name, inputs: [], typing: .rule { _ throws(MarsError) in [TensorType(dtype, shape)] },
      body: .native(NativeRule(tiling, workspace: { _, _ in workspace })), effects: effects, doc: OpDoc("A test.", example: ""))
    return Node(op: op, inputs: [], attributes: Attributes(), outputs: [TensorType(dtype, shape)], origin: "there:2")
  }

  mutating func tensor(
    _ shape: [Int], chunk: Int? = nil, grid: Grid? = nil, whole: Bool = false, held: Bool = false, unknown: Bool = false,
    dtype: DType = .float64
  ) -> Int {
    let grid = grid ?? Grid(shape.map { AxisSplits(extent: $0, chunk: chunk ?? max($0, 1)) })
    var t = PlanTensor(
      type: TensorType(dtype, shape), grid: grid, storage: whole ? .whole : .chunks, firstSlot: Int32(plan.slotCount),
      hasUnknownExtents: unknown)
    t.label = "t\(plan.tensors.count)"
    let n = plan.tensors.count
    plan.tensors.append(t)
    for c in 0..<(whole ? 1 : grid.chunkCount) {
      plan.slotTensor.append(Int32(n))
      plan.slotBytes.append((whole ? shape.reduce(1, *) : grid.box(c).count) * dtype.itemSize)
      plan.slotUses.append(0)
      plan.slotHeld.append(held)
    }
    return n
  }

  mutating func leaf(_ a: DenseArray) -> Int {
    plan.tensors.append(PlanTensor(type: a.type, grid: Grid(whole: a.type.shape), storage: .leaf(a)))
    return plan.tensors.count - 1
  }

  mutating func kept(_ d: any ChunkedData) -> Int {
    let n = plan.tensors.count
    plan.tensors.append(PlanTensor(type: d.type, grid: d.grid, storage: .keptChunks(d), firstSlot: Int32(plan.slotCount)))
    for c in 0..<d.grid.chunkCount {
      plan.slotTensor.append(Int32(n))
      plan.slotBytes.append(d.grid.box(c).count * d.type.dtype.itemSize)
      plan.slotUses.append(0)
      plan.slotHeld.append(false)
    }
    return n
  }

  mutating func result(_ t: Int) {
    plan.tensors[t].resultIndex = plan.results.count
    plan.results.append(t)
    switch plan.tensors[t].storage {
    case .leaf: break
    case .whole: plan.slotHeld[Int(plan.tensors[t].firstSlot)] = true
    case .chunks, .keptChunks:
      for c in 0..<plan.tensors[t].grid.chunkCount { plan.slotHeld[Int(plan.tensors[t].firstSlot) + c] = true }
    }
  }

  mutating func stage(_ s: Stage) -> Int {
    plan.stages.append(s)
    return plan.stages.count - 1
  }

  /// The slot of tensor `t` that holds chunk `c`.
  func slot(_ t: Int, _ c: Int) -> Int32 {
    if case .whole = plan.tensors[t].storage { return plan.tensors[t].firstSlot }
    return plan.tensors[t].firstSlot + Int32(c)
  }

  mutating func task(_ stage: Int, _ chunk: Int, reads: [Int32], writes: [Int32], after: [Int32] = []) {
    let t = Int32(plan.taskCount)
    var d = Set(after)
    for s in reads { if let w = writers[s] { d.insert(w) } }
    plan.taskStage.append(Int32(stage))
    plan.taskChunk.append(Int32(chunk))
    plan.taskSlots += reads + writes
    plan.taskSlotStart.append(Int32(plan.taskSlots.count))
    plan.dependencies += d.sorted()
    plan.dependencyStart.append(Int32(plan.dependencies.count))
    for s in reads + writes { plan.slotUses[Int(s)] += 1 }
    for s in writes { writers[s] = t }
  }

  // MARK: Kernels over doubles

  /// A kernel stage; `program` gets the values of the inputs and of the element index.
  func mapStage(
    _ inputs: [Int], _ out: Int, grid: Grid? = nil, maps: [AxisMap]? = nil, scalars: [Scalar] = [], counters: [Counter] = [],
    _ program: [Inst]
  ) -> Stage {
    let t = plan.tensors[out]
    let grid = grid ?? t.grid
    let spec = KernelSpec(
      axisCount: grid.axes.count, levels: [KernelLevel(program: Expr(program))], inputs: inputs.map { plan.tensors[$0].type.dtype },
      counterCount: counters.count, scalars: scalars.map(\.dtype),
      outputs: [KernelOutput(level: 0, value: Int32(program.count - 1), dtype: t.type.dtype)])
    var s = Stage(
      kind: .kernel(spec), grid: grid,
      inputs: inputs.enumerated().map { i, x in
        StageInput(tensor: x, window: .map(maps?[i] ?? .identity(grid.axes.count)))
      }, outputs: [StageOutput(tensor: out, axes: grid.axes.indices.map { .iteration($0) })], node: PlanMaker.node, labels: ["map"])
    s.scalars = scalars
    s.counters = counters
    return s
  }

  /// All tasks of a stage whose chunks are those of its inputs and output.
  mutating func addTasks(_ stage: Int, _ chunks: Range<Int>) {
    let s = plan.stages[stage]
    for c in chunks {
      let reads = s.inputs.compactMap { i -> Int32? in
        if case .leaf = plan.tensors[i.tensor].storage { return nil }
        return slot(i.tensor, c)
      }
      task(stage, c, reads: reads, writes: s.outputs.map { slot($0.tensor, c) })
    }
  }

  /// 0, 1, 2, ... in C order.
  mutating func iota(_ shape: [Int], chunk: Int? = nil, whole: Bool = false) -> (tensor: Int, stage: Int) {
    let t = tensor(shape, chunk: chunk, whole: whole)
    let n = stage(iotaStage(t))
    return (t, n)
  }

  func iotaStage(_ t: Int) -> Stage {
    let shape = plan.tensors[t].type.shape
    return mapStage(
      [], t, counters: [Counter(base: 0, strides: Shape.rowMajorStrides(shape))],
      [Inst(.element, .int64, imm: 0), Inst(.cast, .float64, 0)])
  }

  /// input + constant, chunk by chunk.
  mutating func plus(_ a: Int, _ c: Double, whole: Bool = false) -> (tensor: Int, stage: Int) {
    let from = plan.tensors[a]
    let t = tensor(from.type.shape, grid: from.grid, whole: whole)
    var s = mapStage(
      [a], t, grid: from.grid, scalars: [Scalar(c)],
      [Inst(.input, .float64, imm: 0), Inst(.scalar, .float64, imm: 0), Inst(.add, .float64, 0, 1)])
    s.mayReuseInput = true
    return (t, stage(s))
  }

  /// The classic: chunk by chunk iota, then `steps` additions of 1, depth first; the last tensor is the result.
  static func chain(elements: Int, chunk: Int, steps: Int, breadthFirst: Bool = false, whole: Bool = false) -> Plan {
    var m = PlanMaker()
    var stages: [Int] = []
    var (t, s) = m.iota([elements], chunk: chunk)
    stages.append(s)
    for i in 0..<steps {
      (t, s) = m.plus(t, 1, whole: whole && i == steps - 1)
      stages.append(s)
    }
    let n = m.plan.tensors[0].grid.chunkCount
    if breadthFirst {
      for s in stages { m.addTasks(s, 0..<n) }
    } else {
      for c in 0..<n { for s in stages { m.addTasks(s, c..<(c + 1)) } }
    }
    m.result(t)
    return m.plan
  }
}

/// Elements of a result as doubles, in C order.
func doubles(_ a: DenseArray) -> [Double] {
  var out = [Double](repeating: 0, count: a.type.count)
  out.withUnsafeMutableBytes { bytes in
    if let base = bytes.baseAddress, a.type.count > 0 {
      StridedCopy.copy(from: a.view, to: ArrayView(base: base, dtype: a.type.dtype, shape: a.type.shape))
    }
  }
  return out
}

func dense(_ values: [Double], _ shape: [Int]) -> DenseArray {
  let base = UnsafeMutableRawPointer.allocate(byteCount: max(8, values.count * 8), alignment: 64)
  values.withUnsafeBytes { if let p = $0.baseAddress { base.copyMemory(from: p, byteCount: $0.count) } }
  return DenseArray(buffer: Buffer(base: base, byteCount: values.count * 8) { p, _ in p.deallocate() }, type: TensorType(.float64, shape))
}
