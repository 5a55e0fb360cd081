import MarsBase
import MarsGraph

/// A result in chunks that the engine keeps, in memory or on disk, until the last reference dies.
package final class StoredTensor: ChunkedData, @unchecked Sendable {
  package let type: TensorType
  /// Chunks as they came out; each is C-contiguous.
  package let grid: Grid
  let engine: Engine
  /// One per chunk of `grid`; each holds a reference.
  let blocks: [Int32]

  init(engine: Engine, type: TensorType, grid: Grid, blocks: [Int32]) {
    self.engine = engine
    self.type = type
    self.grid = grid
    self.blocks = blocks
  }

  deinit {
    engine.locked { s in
      for b in blocks { s.release(b) }
    }
  }

  package var byteCount: Int { type.byteCount }

  /// Calls `body` with chunk `n` in memory, reading it back if necessary; the view ends with the call.
  package func withChunk<R>(_ n: Int, _ body: (ArrayView) throws(MarsError) -> R) throws(MarsError) -> R {
    let block = blocks[n]
    let base = try engine.acquire(block)
    defer { engine.letGo(block) }
    return try body(ArrayView(base: base, dtype: type.dtype, shape: grid.box(n).extents))
  }

  /// Copies a box of the tensor into `target`, whose shape is the box's extents; chunks are read one after the other.
  package func copy(_ box: Box, to target: ArrayView) throws(MarsError) {
    if box.count == 0 { return }
    let first = zip(grid.axes, box.lower).map { $0.chunk(at: $1) }
    let last = grid.axes.indices.map { grid.axes[$0].chunk(at: box.upper($0) - 1) }
    var at = first
    while true {
      let n = grid.index(at)
      let held = grid.box(n)
      try withChunk(n) { (chunk: ArrayView) throws(MarsError) in
        var (from, to) = (chunk, target)
        var isEmpty = false
        for i in 0..<box.rank {
          let low = max(held.lower[i], box.lower[i])
          let extent = min(held.upper(i), box.upper(i)) - low
          if extent <= 0 { isEmpty = true }
          from.shape[i] = extent
          to.shape[i] = extent
          from.base += (low - held.lower[i]) * from.strides[i]
          to.base += (low - box.lower[i]) * to.strides[i]
        }
        if !isEmpty { StridedCopy.copy(from: from, to: to) }
      }
      var i = box.rank - 1
      while i >= 0 {
        at[i] += 1
        if at[i] <= last[i] { break }
        at[i] = first[i]
        i -= 1
      }
      if i < 0 { return }
    }
  }

  /// The whole tensor in one new buffer that counts against the limit.
  package func dense() throws(MarsError) -> DenseArray {
    let out = DenseArray(buffer: try engine.makeBuffer(byteCount: type.byteCount), type: type)
    try copy(Box(whole: type.shape), to: out.view)
    return out
  }
}

// MARK: Readers outside of runs

extension Engine {
  /// Brings a block into memory and pins it; waits for memory and disk.
  func acquire(_ b: Int32) throws(MarsError) -> UnsafeMutableRawPointer {
    lock.lock()
    defer { unlock() }
    var requested = false
    defer {
      if requested { state.pointee.waitingReaders -= 1 }
    }
    while true {
      let block = state.pointee.blocks[b]
      switch block.state {
      case .resident, .spilling:
        guard let base = block.base else { break }
        state.pointee.pin(b, forWriting: false)
        state.pointee.readerPins += 1
        return base
      case .restoring: break
      case .spilled:
        if let e = state.pointee.restoreFailures.removeValue(forKey: b) { throw e }
        if block.isLost { throw MarsError(.os, "a chunk that was on disk when the process was forked cannot be read") }
        if block.capacity > state.pointee.limit {
          throw MarsError(.memory, "a chunk of \(block.capacity) bytes is larger than the memory limit of \(state.pointee.limit) bytes")
        }
        if state.pointee.fits(block.capacity) {
          if state.pointee.startRestoring(b) { break }
          throw MarsError(.memory, "the system has no memory for a chunk of \(block.capacity) bytes")
        }
        let stuck = state.pointee.running == 0 && state.pointee.ioInFlight == 0
        state.pointee.evict(toFit: block.capacity, beyond: stuck ? Int.min : state.pointee.nextSequence)
        if stuck && state.pointee.ioInFlight == 0 && !state.pointee.fits(block.capacity) {
          let e = state.pointee.spillFailure
          state.pointee.spillFailure = nil
          throw e
            ?? MarsError(
              .memory,
              "not enough memory to read back a chunk of \(block.capacity) bytes: \(state.pointee.used) of \(state.pointee.limit) bytes are in use"
            )
        }
        if state.pointee.fits(block.capacity) { continue }
      case .free: throw MarsError(.internal, "a chunk was freed while it was in use")
      }
      try Engine.refuseOnWorker("reading a chunk back from disk")
      if !requested {
        requested = true
        state.pointee.waitingReaders += 1
      }
      notify()
      let epoch = state.pointee.epoch
      lock.waitForChange(until: EngineLock.now() + 0.5)
      if state.pointee.epoch != epoch { throw MarsError(.cancelled, "the engine was shut down") }
    }
  }

  /// Waits until no spill thread reads a pinned block's buffer.
  func waitWhileSpilling(_ b: Int32) {
    lock.lock()
    while state.pointee.blocks[b].state == .spilling { lock.waitForChange() }
    unlock()
  }

  func letGo(_ b: Int32) {
    locked { s in
      s.readerPins -= 1
      s.unpin(b)
      s.freeIfUnused(b)
      s.mustSignal = true
    }
  }
}
