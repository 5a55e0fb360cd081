import MarsBase
import MarsGraph
import MarsPlan

// MARK: Native bodies and gathers

extension TaskContext {
  func runNative(
    _ engine: Engine, _ plan: PlanBox, _ cache: StageCache, _ chunk: Int, _ slots: UnsafeBufferPointer<Int32>,
    _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ workspace: UnsafeMutableRawPointer?, _ workspaceBytes: Int
  ) throws(MarsError) -> Produced? {
    let p = cache.program
    let stage = p.stage
    if cache.body == nil {
      guard let device = engine.devices[stage.device] else { throw noDevice(stage) }
      cache.body = device.nativeBody(for: stage.node.op.name, storage: "dense")
    }
    guard let body = cache.body else {
      throw MarsError(.unsupported, "operator '\(stage.node.op.name)' has no body for device '\(stage.device)'")
    }
    let iteration = stage.box(chunk)
    let reads = slots.count - Int(plan.stages[p.number].outputs)
    var next = 0
    var inputs: [ArrayView] = []
    var inputBoxes: [Box] = []
    inputs.reserveCapacity(p.inputCount)
    inputBoxes.reserveCapacity(p.inputCount)
    var slottedLeft = (0..<p.inputCount).count { p.operands[$0].leaf == nil && !p.operands[$0].isBoxed }
    // Windows put together lie at the end of the scratch memory, the body's own part before them.
    var scratch = workspaceBytes
    let boxes = stage.ruleBoxes(iteration)
    for i in 0..<p.inputCount {
      let tensor = plan.plan.tensors[stage.inputs[i].tensor]
      let box = stage.inputBox(i, iteration, shape: p.tensorShape(i, tensor), boxes: boxes)
      if case .rule(let k, _) = stage.inputs[i].window, let boxes { inputBoxes.append(boxes[k]) } else { inputBoxes.append(box) }
      let op = p.operands[i]
      if op.isBoxed && op.leaf == nil {
        let window = try boxed(engine, plan, p, i, tensor.type.dtype, box, slots, bases, &next, workspace, &scratch)
        inputs.append(stage.inputs[i].orientation?.view(of: window) ?? window)
        continue
      }
      if op.leaf == nil {
        slottedLeft -= 1
        // Inputs of which nothing is read need not name a slot.
        if next >= reads || (box.count == 0 && reads - next <= slottedLeft) {
          let window = ArrayView(base: engine.emptyBase, dtype: tensor.type.dtype, shape: box.extents)
          inputs.append(stage.inputs[i].orientation?.view(of: window) ?? window)
          continue
        }
      }
      let window = try view(engine, p, i, tensor.type.dtype, box, slots, bases, &next)
      inputs.append(stage.inputs[i].orientation?.view(of: window) ?? window)
    }
    guard next == reads else { throw slotCount(p, slots.count) }
    var outputs: [ArrayView] = []
    var outputBox = Box(lower: [], extents: [])
    for o in stage.outputs.indices {
      let box = stage.outputBox(o, iteration, chunk: chunk)
      if o == 0 { outputBox = box }
      outputs.append(try view(engine, p, p.inputCount + o, plan.plan.tensors[stage.outputs[o].tensor].type.dtype, box, slots, bases, &next))
    }
    var accumulate = false
    if let axis = stage.accumulatedAxis { accumulate = stage.grid.coordinates(chunk)[axis] > 0 }
    // Chunks that were handed on, and tensors that share a slot.
    let isInPlace = stage.mayReuseInput && inputs.first?.base == outputs.first?.base
    var call = NativeCall(
      context: stage.node.context, inputs: inputs, inputBoxes: inputBoxes, outputs: outputs, outputBox: outputBox, accumulate: accumulate,
      isInPlace: isInPlace, workspace: Workspace(UnsafeMutableRawBufferPointer(start: workspace, count: scratch)),
      payload: stage.node.payload,
      files: engine.options.files)
    try body(&call)
    guard let shape = call.producedShape, let out = stage.outputs.first, plan.plan.tensors[out.tensor].hasUnknownExtents else { return nil }
    return try pack(plan, p, shape, outputs[0], slots[reads])
  }

  /// The window of an operand that covers `box`; takes the next slot unless the operand is a leaf.
  private func view(
    _ engine: Engine, _ p: StageProgram, _ k: Int, _ dtype: DType, _ box: Box, _ slots: UnsafeBufferPointer<Int32>,
    _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ next: inout Int
  ) throws(MarsError) -> ArrayView {
    let op = p.operands[k]
    var base = engine.emptyBase
    var part = 0
    if let leaf = op.leaf {
      base = leaf
    } else {
      guard next < slots.count else { throw slotCount(p, slots.count) }
      base = bases[next]
      if op.isChunked { part = Int(slots[next] - op.firstSlot) }
      next += 1
    }
    let (held, strides) = p.chunkGeometry(k, chunk: part)
    if box.count > 0 {
      for i in 0..<box.rank {
        let first = box.lower[i] - held.lower[i]
        if first < 0 || first + box.extents[i] > held.extents[i] { throw outside(p, k) }
        base += first * strides[i]
      }
    }
    return ArrayView(base: base, dtype: dtype, shape: box.extents, strides: strides)
  }

  /// The window of an input that covers the box of the operator's rule: in its chunk, or put together where it lies in several.
  private func boxed(
    _ engine: Engine, _ plan: PlanBox, _ p: StageProgram, _ k: Int, _ dtype: DType, _ box: Box, _ slots: UnsafeBufferPointer<Int32>,
    _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ next: inout Int, _ workspace: UnsafeMutableRawPointer?, _ scratch: inout Int
  ) throws(MarsError) -> ArrayView {
    // Of an input of which nothing is read no slot is named.
    if box.extents.contains(0) { return ArrayView(base: engine.emptyBase, dtype: dtype, shape: box.extents) }
    var pieces = 1
    if p.operands[k].isChunked {
      let grid = plan.grid(ofTensor: p.stage.inputs[k].tensor)
      for (i, a) in grid.axes.enumerated() { pieces *= a.chunk(at: box.upper(i) - 1) - a.chunk(at: box.lower[i]) + 1 }
    }
    if pieces == 1 { return try view(engine, p, k, dtype, box, slots, bases, &next) }
    guard next + pieces <= slots.count else { throw slotCount(p, slots.count) }
    scratch -= Plan.scratchBytes(box.count * dtype.itemSize)
    guard let workspace, scratch >= 0 else { throw MarsError(.internal, "a task of stage \(p.number) has no room for its windows") }
    let target = ArrayView(base: workspace + scratch, dtype: dtype, shape: box.extents)
    for n in next..<next + pieces {
      let (held, strides) = p.chunkGeometry(k, chunk: Int(slots[n] - p.operands[k].firstSlot))
      // Between chunks with elements there may be some in which nothing was selected.
      if held.extents.contains(0) { continue }
      var from = ArrayView(base: bases[n], dtype: dtype, shape: box.extents, strides: strides)
      var to = target
      for i in 0..<box.rank {
        let low = max(held.lower[i], box.lower[i])
        let extent = min(held.upper(i), box.upper(i)) - low
        if extent <= 0 { throw outside(p, k) }
        from.shape[i] = extent
        to.shape[i] = extent
        from.base += (low - held.lower[i]) * from.strides[i]
        to.base += (low - box.lower[i]) * to.strides[i]
      }
      StridedCopy.copy(from: from, to: to)
    }
    next += pieces
    return target
  }

  /// Moves what a selecting body wrote into its window together, so that the chunk is C-contiguous.
  private func pack(_ plan: PlanBox, _ p: StageProgram, _ shape: [Int], _ window: ArrayView, _ slot: Int32) throws(MarsError) -> Produced {
    // Without elements there is nothing that the extents would have to hold.
    let isEmpty = shape.contains(0) && window.shape.contains(0)
    guard shape.count == window.rank, zip(shape, window.shape).allSatisfy({ $0 >= 0 && ($0 <= $1 || isEmpty) }) else {
      throw MarsError(.internal, "a body produced shape \(Shape.text(shape)) in a window of shape \(Shape.text(window.shape))")
    }
    let dense = ArrayView(base: window.base, dtype: window.dtype, shape: shape)
    let given = ArrayView(base: window.base, dtype: window.dtype, shape: shape, strides: window.strides)
    if !given.isContiguous { StridedCopy.compact(given, to: dense) }
    return Produced(slot: slot, shape: shape, byteCount: dense.count * dense.dtype.itemSize)
  }

  /// Copies the parts of input 0 that lie in the task's window into its output.
  func runGather(
    _ p: StageProgram, _ chunk: Int, _ slots: UnsafeBufferPointer<Int32>, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) throws(MarsError) {
    let rank = p.rank
    let iteration = p.stage.box(chunk)
    if iteration.count == 0 { return }
    let coordinates = p.stage.grid.coordinates(chunk)
    let output = p.inputCount
    let written = slots.count - 1
    guard written >= 0 else { throw slotCount(p, slots.count) }
    var outStrides = [Int](repeating: 0, count: rank)
    let outPart = p.operands[output].isChunked ? Int(slots[written] - p.operands[output].firstSlot) : 0
    let target = outStrides.withUnsafeMutableBufferPointer { strides -> UnsafeMutableRawPointer? in
      // Rank 0 still needs an address.
      withUnsafeTemporaryAllocation(of: Int.self, capacity: rank + 1) { spare in
        p.window(
          output, base: bases[written], chunk: outPart, lower: iteration.lower, extents: iteration.extents, coordinates: coordinates,
          isEmpty: false, strides: strides.baseAddress ?? spare.baseAddress.unsafelyUnwrapped)
      }
    }
    guard let target else { throw outside(p, output) }
    let op = p.operands[0]
    let sources = op.leaf == nil ? written : 1
    var covered = 0
    for n in 0..<sources {
      let part = op.isChunked ? Int(slots[n] - op.firstSlot) : 0
      let (held, strides) = p.chunkGeometry(0, chunk: part)
      covered += try copyPart(p, iteration, held, strides, op.leaf ?? bases[n], target, outStrides)
    }
    if covered != iteration.count {
      throw MarsError(.internal, "a gather of stage \(p.number) found \(covered) of \(iteration.count) elements")
    }
  }

  /// Copies the iteration points whose source lies in one chunk; returns how many.
  private func copyPart(
    _ p: StageProgram, _ iteration: Box, _ held: Box, _ strides: [Int], _ base: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer,
    _ outStrides: [Int]
  ) throws(MarsError) -> Int {
    let op = p.operands[0]
    var lower = iteration.lower
    var upper = (0..<p.rank).map { iteration.upper($0) }
    var source = [Int](repeating: 0, count: p.rank)
    var address = 0
    for i in 0..<Int(op.rank) {
      let a = p.axes[Int(op.firstAxis) + i]
      let (from, to) = (held.lower[i], held.upper(i))
      switch a.mode {
      case .fixed:
        if a.start < from || a.start >= to { return 0 }
        address += (a.start - from) * strides[i]
      case .aligned, .whole, .chunkNumber:
        let k = a.mode == .whole ? i : Int(a.iteration)
        guard k < p.rank else { throw outside(p, 0) }
        let (start, step) = a.mode == .whole ? (0, 1) : (a.start, a.step)
        // from <= start + step * x < to
        if step > 0 {
          lower[k] = max(lower[k], (from - start).dividedRoundingUp(by: step))
          upper[k] = min(upper[k], (to - start).dividedRoundingUp(by: step))
        } else {
          lower[k] = max(lower[k], (start - to + 1).dividedRoundingUp(by: -step))
          upper[k] = min(upper[k], (start - from + 1).dividedRoundingUp(by: -step))
        }
        source[k] += step * strides[i]
        address += (start - from) * strides[i]
      }
    }
    var out = 0
    for k in 0..<p.rank {
      if upper[k] <= lower[k] { return 0 }
      address += source[k] * lower[k]
      out += outStrides[k] * (lower[k] - iteration.lower[k])
    }
    let extents = (0..<p.rank).map { upper[$0] - lower[$0] }
    source.withUnsafeBufferPointer { s in
      outStrides.withUnsafeBufferPointer { d in
        extents.withUnsafeBufferPointer { e in
          StridedCopy.copy(base + address, s, to: target + out, d, extents: e, itemSize: Int(op.itemSize))
        }
      }
    }
    return extents.reduce(1, *)
  }
}

extension StageProgram {
  /// The shape of input `i`'s tensor as it is in memory.
  func tensorShape(_ i: Int, _ tensor: PlanTensor) -> [Int] {
    if tensor.type.isKnown { return tensor.type.shape }
    let op = operands[i]
    return (0..<Int(op.rank)).map { k in
      let a = axes[Int(op.firstAxis) + k]
      return offsets[a.offsets + a.chunks]
    }
  }
}

extension Engine {
  /// Records the extents that a chunk came out with, and moves it to a smaller buffer where that saves much.
  func recordProduced(_ run: RunCorePointer, _ plan: PlanBox, _ task: Int, _ p: Produced) {
    let capacity = BufferPool.capacity(p.byteCount)
    var smaller: (base: UnsafeMutableRawPointer, old: UnsafeMutableRawPointer)? = nil
    locked { s in
      run.pointee.produced[p.slot] = p.shape
      let b = run.pointee.slotBlock[p.slot]
      guard b >= 0, let old = s.blocks[b].base, capacity * 2 <= s.blocks[b].capacity, s.fits(capacity), s.blocks[b].pins == 1,
        let base = s.allocate(capacity)
      else { return }
      smaller = (base, old)
    }
    guard let smaller else { return }
    smaller.base.copyMemory(from: smaller.old, byteCount: p.byteCount)
    locked { s in
      let b = run.pointee.slotBlock[p.slot]
      let old = s.blocks[b].capacity
      s.blocks[b].base = smaller.base
      s.blocks[b].capacity = capacity
      s.deallocate(smaller.old, old)
    }
  }
}

/// What a body with unknown extents has written.
struct Produced {
  var slot: Int32
  var shape: [Int]
  var byteCount: Int
}
