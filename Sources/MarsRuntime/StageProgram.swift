import MarsBase
import MarsGraph
import MarsPlan

/// The geometry of a stage as flat numbers, so that a task's windows are found without touching the heap.
final class StageProgram: @unchecked Sendable {
  enum Mode: UInt8, BitwiseCopyable { case aligned, fixed, chunkNumber, whole }

  /// One axis of an operand's tensor.
  struct Axis: BitwiseCopyable {
    var mode: Mode
    /// Iteration axis; unused for `.fixed` and `.whole`.
    var iteration: Int32
    var start: Int
    var step: Int
    /// Bytes, of a leaf; others are C-contiguous in their chunk.
    var leafStride: Int
    var chunks: Int
    /// Where the axis' chunk offsets begin in `offsets`.
    var offsets: Int
  }

  struct Operand: BitwiseCopyable {
    /// Address of element 0 of a leaf; nil for what lies in slots.
    var leaf: UnsafeMutableRawPointer?
    var firstSlot: Int32
    var firstAxis: Int32
    var rank: Int32
    var itemSize: Int32
    /// Whether slots are chunks, not the whole tensor.
    var isChunked: Bool
    /// Whether the window is computed by `Stage.inputBox`: not affine.
    var isBoxed: Bool
  }

  let stage: Stage
  let number: Int
  let rank: Int
  let inputCount: Int
  /// Inputs, then outputs.
  let operands: UnsafeMutablePointer<Operand>
  let operandCount: Int
  let axes: UnsafeMutablePointer<Axis>
  let offsets: UnsafeMutablePointer<Int>
  /// Of the iteration space: chunks, and where the chunk offsets begin.
  let gridCounts: UnsafeMutablePointer<Int>
  let gridOffsets: UnsafeMutablePointer<Int>
  /// Inputs that have slots.
  let slottedInputs: Int
  /// Whether the tensors that it reads are larger than caches.
  let readsMuch: Bool

  init(_ number: Int, _ plan: PlanBox) {
    let stage = plan.plan.stages[number]
    self.stage = stage
    self.number = number
    rank = stage.grid.axes.count
    inputCount = stage.inputs.count
    operandCount = stage.inputs.count + stage.outputs.count
    operands = .allocate(capacity: max(1, operandCount))
    gridCounts = .allocate(capacity: max(1, rank))
    gridOffsets = .allocate(capacity: max(1, rank))
    var all: [Int] = []
    for (i, a) in stage.grid.axes.enumerated() {
      gridCounts[i] = a.count
      gridOffsets[i] = all.count
      all += a.offsets
    }
    var list: [Axis] = []
    var firstAxis: [Int] = []
    var slotted = 0
    for k in 0..<operandCount {
      let t = StageProgram.tensor(k, stage)
      let tensor = plan.plan.tensors[t]
      var op = Operand(
        leaf: nil, firstSlot: tensor.firstSlot, firstAxis: Int32(list.count), rank: Int32(tensor.type.rank),
        itemSize: Int32(tensor.type.dtype.itemSize), isChunked: false, isBoxed: false)
      var strides: [Int] = []
      switch tensor.storage {
      case .leaf(let array):
        op.leaf = array.buffer.base + array.offset
        strides = array.strides
      case .whole: break
      case .chunks, .keptChunks: op.isChunked = true
      }
      if k < inputCount {
        if op.leaf == nil { slotted += 1 }
        if case .rule = stage.inputs[k].window { op.isBoxed = true }
      }
      // An operator may read one tensor many times: its offsets are kept once.
      let twin = (0..<k).first { StageProgram.tensor($0, stage) == t }
      let grid = op.isChunked ? plan.grid(ofTensor: t) : Grid(whole: tensor.type.shape)
      firstAxis.append(list.count)
      for i in 0..<tensor.type.rank {
        var a = Axis(
          mode: .whole, iteration: 0, start: 0, step: 1, leafStride: strides.isEmpty ? 0 : strides[i], chunks: grid.axes[i].count,
          offsets: twin.map { list[firstAxis[$0] + i].offsets } ?? all.count)
        if twin == nil { all += grid.axes[i].offsets }
        StageProgram.place(&a, axis: i, operand: k, stage)
        list.append(a)
      }
      operands[k] = op
    }
    axes = .allocate(capacity: max(1, list.count))
    offsets = .allocate(capacity: max(1, all.count))
    axes.initialize(from: list, count: list.count)
    offsets.initialize(from: all, count: all.count)
    slottedInputs = slotted
    readsMuch = stage.inputs.reduce(0) { $0 + plan.plan.tensors[$1.tensor].type.byteCount } > Processor.sharedCacheBytes / 2
  }

  deinit {
    operands.deallocate()
    axes.deallocate()
    offsets.deallocate()
    gridCounts.deallocate()
    gridOffsets.deallocate()
  }

  private static func tensor(_ operand: Int, _ stage: Stage) -> Int {
    let n = stage.inputs.count
    return operand < n ? stage.inputs[operand].tensor : stage.outputs[operand - n].tensor
  }

  /// What an axis of an operand has to do with the iteration space.
  private static func place(_ a: inout Axis, axis i: Int, operand k: Int, _ stage: Stage) {
    if k >= stage.inputs.count {
      switch stage.outputs[k - stage.inputs.count].axes[i] {
      case .iteration(let x): (a.mode, a.iteration) = (.aligned, Int32(x))
      case .fixed(let x): (a.mode, a.start) = (.fixed, x)
      case .chunkNumber(let x): (a.mode, a.iteration) = (.chunkNumber, Int32(x))
      }
      return
    }
    switch stage.inputs[k].window {
    case .map(let m): set(&a, m.axes[i])
    case .access(let list): set(&a, list[i])
    case .rule: break
    }
  }

  private static func set(_ a: inout Axis, _ access: AxisAccess) {
    switch access {
    case .aligned(let k, let start, let step): (a.mode, a.iteration, a.start, a.step) = (.aligned, Int32(k), start, step)
    case .fixed(let i): (a.mode, a.start) = (.fixed, i)
    case .contracted(let k): (a.mode, a.iteration) = (.aligned, Int32(k))
    case .whole: a.mode = .whole
    }
  }

  /// Lower corner, extents and chunk coordinates of a task in the iteration space.
  @inline(__always)
  func locate(
    _ chunk: Int, _ lower: UnsafeMutablePointer<Int>, _ extents: UnsafeMutablePointer<Int>, _ coordinates: UnsafeMutablePointer<Int>
  ) {
    var rest = chunk
    var i = rank - 1
    while i >= 0 {
      let n = gridCounts[i]
      let c = n == 1 ? 0 : rest % n
      if n != 1 { rest /= n }
      let at = gridOffsets[i] + c
      coordinates[i] = c
      lower[i] = offsets[at]
      extents[i] = offsets[at + 1] - offsets[at]
      i -= 1
    }
  }

  /// Address of the element that the task's first iteration point names, and the byte stride of every iteration axis.
  ///
  /// Returns nil if the window leaves the chunk that it is said to be in.
  @inline(__always)
  func window(
    _ operand: Int, base: UnsafeMutableRawPointer, chunk: Int, lower: UnsafePointer<Int>, extents: UnsafePointer<Int>,
    coordinates: UnsafePointer<Int>, isEmpty: Bool, strides: UnsafeMutablePointer<Int>
  ) -> UnsafeMutableRawPointer? {
    let op = operands[operand]
    let isOutput = operand >= inputCount
    // Reducing nothing still writes results: an output is empty only if its own axes are.
    var hasNothing = isEmpty && !isOutput
    for i in 0..<rank { strides[i] = 0 }
    var rest = chunk
    var stride = Int(op.itemSize)
    var address = 0
    var i = Int(op.rank) - 1
    while i >= 0 {
      let a = axes[Int(op.firstAxis) + i]
      var at = a.offsets
      if a.chunks != 1 {
        at += rest % a.chunks
        rest /= a.chunks
      }
      let (from, to) = (offsets[at], offsets[at + 1])
      let axisStride = op.leaf != nil ? a.leafStride : stride
      var first = -from
      var last = 0
      switch a.mode {
      case .aligned:
        let k = Int(a.iteration)
        first += a.start + a.step * lower[k]
        last = first + a.step * (extents[k] - 1)
        strides[k] += a.step * axisStride
        if extents[k] == 0 { hasNothing = true }
      case .fixed:
        first += a.start
        last = first
      case .chunkNumber:
        first += coordinates[Int(a.iteration)]
        last = first
      case .whole:
        first = 0
        last = max(0, to - from - 1)
      }
      if !hasNothing && (min(first, last) < 0 || max(first, last) >= to - from) { return nil }
      address += first * axisStride
      stride *= max(to - from, 1)
      i -= 1
    }
    return hasNothing ? base : base + address
  }

  /// The part of the operand's tensor that chunk number `chunk` holds, and its strides in bytes.
  func chunkGeometry(_ operand: Int, chunk: Int) -> (box: Box, strides: [Int]) {
    let op = operands[operand]
    let rank = Int(op.rank)
    var b = Box(lower: [Int](repeating: 0, count: rank), extents: [Int](repeating: 0, count: rank))
    var strides = [Int](repeating: 0, count: rank)
    var rest = chunk
    var stride = Int(op.itemSize)
    var i = rank - 1
    while i >= 0 {
      let a = axes[Int(op.firstAxis) + i]
      let at = a.offsets + rest % a.chunks
      rest /= a.chunks
      b.lower[i] = offsets[at]
      b.extents[i] = offsets[at + 1] - offsets[at]
      strides[i] = op.leaf != nil ? a.leafStride : stride
      stride *= max(b.extents[i], 1)
      i -= 1
    }
    return (b, strides)
  }
}
