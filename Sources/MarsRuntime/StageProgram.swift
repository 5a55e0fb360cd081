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
    /// The operand before it that has the same tensor, with which it shares its offsets; -1 for none.
    var twin: Int32
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
  /// Of the iteration space: chunks, and where the chunk offsets begin.  They lie before `offsets`, in one piece of memory.
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
    var offsetCount = 0
    for a in stage.grid.axes { offsetCount += a.offsets.count }
    var axisCount = 0
    var slotted = 0
    var bytesRead = 0
    for k in 0..<operandCount {
      let op = StageProgram.operand(k, firstAxis: axisCount, stage, plan)
      operands[k] = op
      axisCount += Int(op.rank)
      if k < stage.inputs.count {
        if op.leaf == nil { slotted += 1 }
        bytesRead += plan.plan.tensors[stage.inputs[k].tensor].type.byteCount
      }
      if op.twin < 0 { offsetCount += StageProgram.offsetCount(op, ofTensor: StageProgram.tensor(k, stage), plan) }
    }
    axes = .allocate(capacity: max(1, axisCount))
    gridCounts = .allocate(capacity: max(1, 2 * rank + offsetCount))
    gridOffsets = gridCounts + rank
    offsets = gridOffsets + rank
    slottedInputs = slotted
    readsMuch = bytesRead > Processor.sharedCacheBytes / 2
    var end = 0
    for i in 0..<rank {
      gridCounts[i] = stage.grid.axes[i].count
      gridOffsets[i] = end
      append(stage.grid.axes[i].offsets, &end)
    }
    for k in 0..<operandCount { addAxes(k, plan, &end) }
  }

  deinit {
    operands.deallocate()
    axes.deallocate()
    gridCounts.deallocate()
  }

  /// An operand without its axes.
  private static func operand(_ k: Int, firstAxis: Int, _ stage: Stage, _ plan: PlanBox) -> Operand {
    let t = tensor(k, stage)
    let type = plan.plan.tensors[t].type
    var op = Operand(
      leaf: nil, firstSlot: plan.plan.tensors[t].firstSlot, firstAxis: Int32(firstAxis), rank: Int32(type.rank),
      itemSize: Int32(type.dtype.itemSize), isChunked: false, isBoxed: false, twin: -1)
    switch plan.plan.tensors[t].storage {
    case .leaf(let array): op.leaf = array.buffer.base + array.offset
    case .whole: break
    case .chunks, .keptChunks: op.isChunked = true
    }
    if k < stage.inputs.count, case .rule = stage.inputs[k].window { op.isBoxed = true }
    // An operator may read one tensor many times: its offsets are kept once.
    for other in 0..<k where tensor(other, stage) == t {
      op.twin = Int32(other)
      break
    }
    return op
  }

  private static func offsetCount(_ op: Operand, ofTensor t: Int, _ plan: PlanBox) -> Int {
    if !op.isChunked { return 2 * Int(op.rank) }
    var count = 0
    for a in plan.grid(ofTensor: t).axes { count += a.offsets.count }
    return count
  }

  /// Enters chunk offsets; `end` is where they begin, and then where they end.
  private func append(_ list: [Int], _ end: inout Int) {
    for x in list {
      offsets[end] = x
      end += 1
    }
  }

  /// Enters the axes of an operand and their chunk offsets.
  private func addAxes(_ k: Int, _ plan: PlanBox, _ end: inout Int) {
    let op = operands[k]
    let t = StageProgram.tensor(k, stage)
    let grid = op.isChunked && op.twin < 0 ? plan.grid(ofTensor: t).axes : []
    for i in 0..<Int(op.rank) {
      var a = Axis(mode: .whole, iteration: 0, start: 0, step: 1, leafStride: 0, chunks: 1, offsets: end)
      if case .leaf(let array) = plan.plan.tensors[t].storage { a.leafStride = array.strides[i] }
      if op.twin >= 0 {
        let same = axes[Int(operands[Int(op.twin)].firstAxis) + i]
        (a.chunks, a.offsets) = (same.chunks, same.offsets)
      } else if op.isChunked {
        a.chunks = grid[i].count
        append(grid[i].offsets, &end)
      } else {
        offsets[end] = 0
        offsets[end + 1] = plan.plan.tensors[t].type.shape[i]
        end += 2
      }
      StageProgram.place(&a, axis: i, operand: k, stage)
      axes[Int(op.firstAxis) + i] = a
    }
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
