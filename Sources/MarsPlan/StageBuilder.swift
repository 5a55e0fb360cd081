import MarsBase
import MarsGraph

/// Gives regions their chunk grids and turns them into stages and tensors of the plan.
///
/// Kernels are in `KernelStages.swift`, native bodies in `NativeStages.swift`, rechunks between stages in `Alignment.swift`.
struct StageBuilder {
  let index: GraphIndex
  let demand: Demand
  let options: PlanOptions
  let sizes: ChunkSizes
  let wishes: ChunkWishes
  var plan: Plan
  /// Tensor of each output of each vertex, -1 where it has none.
  var tensors: [[Int]]
  /// Rechunked forms of tensors that were made already.
  var rechunked: [RechunkKey: Int] = [:]
  /// Bytes that results in one piece take so far.
  private var resultBytes = 0
  /// Tasks of the first `countedStages` stages.
  private var taskCount = 0
  private var countedStages = 0

  struct RechunkKey: Hashable {
    let tensor: Int
    let grid: Grid
  }

  /// Intermediates up to this size are one buffer, readable in any window without copies.
  private let smallTensor: Int
  /// The data leaf into whose memory writes may go.
  private let overwriting: Node?
  private let inOnePiece: Set<Val>
  private let results: Set<Val>
  /// Values that nothing but a reshape reads, which is a result: where that lies in one piece they do, and it is in their memory.
  private let reshaped: Set<Val>
  let refinement: Int
  /// Bytes of results that may lie in one piece.
  private let wholeResults: Int

  /// - Parameter refinement: how often tasks were larger than the limit; chunks become smaller each time, and pieces that hold a tensor rarer.
  /// - Parameter inOnePiece: values that are read whole before planning goes on.
  init(
    _ index: GraphIndex, _ demand: Demand, _ regions: [Region], _ options: PlanOptions, plan: Plan, refinement: Int,
    overwriting: Node? = nil, inOnePiece: Set<Val> = []
  ) {
    self.overwriting = overwriting
    self.inOnePiece = inOnePiece
    results = Set(index.results)
    reshaped = StageBuilder.reshaped(index, results)
    self.refinement = refinement
    smallTensor = min(4 << 20, options.memoryLimit / 8) >> (2 * refinement)
    wholeResults = (options.memoryLimit / 2) >> (2 * refinement)
    self.index = index
    self.demand = demand
    self.options = options
    self.plan = plan
    sizes = ChunkSizes(memoryLimit: options.memoryLimit, chunkBytes: options.chunkBytes, refinement: refinement)
    wishes = ChunkWishes(regions, index, demand)
    tensors = index.vertices.map { v in v.tensors.isEmpty ? [Int](repeating: -1, count: v.node.outputs.count) : v.tensors }
  }

  private static func reshaped(_ index: GraphIndex, _ results: Set<Val>) -> Set<Val> {
    let read = results.compactMap { r in
      index.node(r).op.answer.isReshape ? index.vertices[Int(r.vertex)].inputs.first : nil
    }
    guard !read.isEmpty else { return [] }
    var counts: [Val: Int] = [:]
    for v in index.vertices { for x in v.inputs { counts[x, default: 0] += 1 } }
    return Set(read.filter { counts[$0] == 1 && !results.contains($0) })
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
    case .none, .callback, .scope: preconditionFailure("\(node.op.name) is neither placed nor data")
    }
    let preferred = node.preferredChunks
    if !preferred.isEmpty { plan.preferredChunks[t] = preferred }
    tensors[Int(v.vertex)][Int(v.output)] = t
    return t
  }

  mutating func addTensor(_ t: PlanTensor) -> Int {
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
    if reshapedData(region) { return }
    for remark in region.remarks where !plan.remarks.contains(remark) { plan.remarks.append(remark) }
    do throws(MarsError) { try placeStages(region, patience) } catch {
      let node = index.node(region.roots[0])
      throw error.op.isEmpty && error.code == .memory ? error.at(op: node.calledName, origin: node.origin) : error
    }
  }

  private mutating func placeStages(_ region: Region, _ patience: Patience) throws(MarsError) {
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
    let most = ChunkSizes.mostTasks(options.memoryLimit)
    guard taskCount <= most else { throw ChunkSizes.tooMany("the plan needs", taskCount, "tasks", most: most, options.memoryLimit) }
  }

  /// Whether a region is a reshape to the same extents, or of data that lies in one piece in C order: the same memory is then read under the
  /// other extents.
  private mutating func reshapedData(_ region: Region) -> Bool {
    let root = region.roots[0]
    guard index.node(root).op.answer.isReshape, overwriting == nil, !results.contains(root), let input = region.inputs.first,
      input.orientation == nil
    else { return false }
    var t = PlanTensor(
      type: index.type(root), grid: Grid(whole: index.type(root).shape), storage: .chunks, label: index.node(root).op.name)
    guard t.type.isKnown else { return false }
    if index.type(input.value).shape == t.type.shape && !inOnePiece.contains(root) {
      tensors[Int(root.vertex)][Int(root.output)] = tensor(of: input.value)
      return true
    }
    switch index.node(input.value).payload {
    case .dense(let array):
      guard array.view.isContiguous, array.type.byteCount == t.type.byteCount else { return false }
      t.storage = .leaf(DenseArray(buffer: array.buffer, offset: array.offset, type: t.type))
      tensors[Int(root.vertex)][Int(root.output)] = plan.tensors.count
      plan.tensors.append(t)
      return true
    case .chunked(let data):
      guard data.grid.chunkCount == 1, data.type.byteCount == t.type.byteCount else { return false }
      t.storage = .keptChunks(data)
    case .none, .callback, .scope: return false
    }
    tensors[Int(root.vertex)][Int(root.output)] = addTensor(t)
    return true
  }

  /// What a region reads and writes, before its chunks are known.
  struct PendingInput {
    var tensor: Int
    var map: AxisMap
  }
  struct PendingOutput {
    var type: TensorType
    var axes: [Int?]
    /// The value that the tensor holds, or nil for partial results.
    var value: Val?
  }

  /// The memory of a data leaf, or of what was written into it, that only a write to it reads; nil if it is to be kept.
  func overwritten(_ v: Val, by type: TensorType) -> DenseArray? {
    guard let overwriting, case .leaf(let array) = plan.tensors[existingTensor(of: v)].storage, array.type == type else { return nil }
    guard case .dense(let own) = overwriting.payload, own.buffer === array.buffer else { return nil }
    let uses = demand.uses[Int(v.vertex)][Int(v.output)]
    return uses.count == 1 && !uses.isResult ? array : nil
  }

  mutating func addOutput(_ o: PendingOutput, _ grid: Grid) -> Int {
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
      let isReshaped = o.value.map(reshaped.contains) ?? false && resultBytes + bytes <= wholeResults
      storage = bytes <= smallTensor || isReshaped || o.value.map(inOnePiece.contains) ?? false ? .whole : .chunks
    }
    let t = addTensor(PlanTensor(type: o.type, grid: Grid(splits), storage: storage, label: o.value.map { index.node($0).op.name } ?? ""))
    if let v = o.value { tensors[Int(v.vertex)][Int(v.output)] = t }
    return t
  }
}
