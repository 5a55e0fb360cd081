import MarsBase
import MarsGraph

/// A result in chunks that the engine keeps, in memory or on disk, until the last reference dies.
package final class StoredTensor: ChunkedData, @unchecked Sendable {
  package let type: TensorType
  /// Chunks as they came out; each is C-contiguous.
  package let grid: Grid
  package let engine: Engine
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

  /// Whether the tensor lies in one piece.
  package var isOnePiece: Bool { blocks.count == 1 }

  /// The one piece, which stays in memory while the array lives; nil where there are several.
  package func piece() throws(MarsError) -> DenseArray? {
    guard isOnePiece else { return nil }
    let (engine, block) = (engine, blocks[0])
    let base = try engine.acquire(block)
    engine.locked { s in
      s.blocks[block].refs += 1
      // Whoever keeps it may keep it for ever: a run must not wait for that.
      s.readerPins -= 1
    }
    let buffer = Buffer(base: base, byteCount: type.byteCount) { _, _ in
      engine.locked { s in
        s.unpin(block)
        s.release(block)
        s.mustSignal = true
      }
    }
    return DenseArray(buffer: buffer, type: type)
  }
}

// MARK: Data from outside

extension Engine {
  /// A copy of an array in the chunks of `grid`, which count against the limit and can go to disk; waits for memory.
  package func store(_ v: ArrayView, in grid: Grid) throws(MarsError) -> StoredTensor {
    var blocks: [Int32] = []
    do throws(MarsError) {
      for c in 0..<grid.chunkCount {
        let box = grid.box(c)
        var from = v
        from.shape = box.extents
        for k in box.lower.indices { from.base += box.lower[k] * v.strides[k] }
        let (block, base) = try makePinned(BufferPool.capacity(from.count * v.dtype.itemSize))
        blocks.append(block)
        StridedCopy.copy(from: from, to: ArrayView(base: base, dtype: v.dtype, shape: box.extents))
        letGo(block)
      }
    } catch {
      locked { s in for b in blocks { s.release(b) } }
      throw error
    }
    return StoredTensor(engine: self, type: TensorType(v.dtype, v.shape), grid: grid, blocks: blocks)
  }

  /// A new block in memory, pinned for the caller.
  private func makePinned(_ capacity: Int) throws(MarsError) -> (block: Int32, base: UnsafeMutableRawPointer) {
    lock.lock()
    defer { unlock() }
    try waitToFit(capacity)
    let block = state.pointee.makeBlock(capacity)
    guard block >= 0, let base = state.pointee.blocks[block].base else { throw Engine.noMemory(capacity) }
    state.pointee.pin(block, forWriting: true)
    state.pointee.readerPins += 1
    return (block, base)
  }

  /// Memory that counts against the limit and is given back when the buffer is released; waits until it fits.
  package func makeBuffer(byteCount: Int) throws(MarsError) -> Buffer {
    let capacity = BufferPool.capacity(byteCount)
    lock.lock()
    defer { unlock() }
    try waitToFit(capacity)
    guard let base = state.pointee.allocate(capacity) else { throw Engine.noMemory(capacity) }
    return buffer(base, byteCount, capacity)
  }

  /// Such memory for what a client may keep as long as it likes: nil where it would not leave half of the limit to what can go to disk, or
  /// no room can be made for it.
  package func makeKeptBuffer(byteCount: Int) throws(MarsError) -> Buffer? {
    let capacity = BufferPool.capacity(byteCount)
    lock.lock()
    defer { unlock() }
    guard state.pointee.heldBytes + capacity <= state.pointee.limit / 2 else { return nil }
    do throws(MarsError) { try waitToFit(capacity) } catch {
      // Neither a full disk nor a worker that may not wait keeps a client from what it asks for.
      if error.code == .cancelled { throw error }
      return nil
    }
    guard let base = state.pointee.allocate(capacity) else { return nil }
    return buffer(base, byteCount, capacity)
  }

  static func noMemory(_ bytes: Int) -> MarsError { MarsError(.memory, "the system has no memory for \(bytes) bytes") }

  /// Returns when `bytes` more fit into the limit: others are written to disk for them.  The lock is held, also on return.
  private func waitToFit(_ bytes: Int) throws(MarsError) {
    if state.pointee.fits(bytes) { return }
    var isWaiting = false
    defer { if isWaiting { state.pointee.waitingReaders -= 1 } }
    repeat {
      try makeRoom(bytes)
      if state.pointee.fits(bytes) { return }
      try pause(&isWaiting, "waiting for memory")
    } while !state.pointee.fits(bytes)
  }

  /// Starts evictions so that `bytes` more fit; an error if they never will.  The lock is held.
  private func makeRoom(_ bytes: Int) throws(MarsError) {
    if bytes > state.pointee.limit {
      throw MarsError(.memory, "a piece of \(bytes) bytes is larger than the memory limit of \(state.pointee.limit) bytes")
    }
    let isStuck = state.pointee.running == 0 && state.pointee.ioInFlight == 0
    state.pointee.evict(toFit: bytes, beyond: isStuck ? Int.min : state.pointee.nextSequence)
    if isStuck && state.pointee.ioInFlight == 0 && !state.pointee.fits(bytes) {
      let e = state.pointee.spillFailure
      state.pointee.spillFailure = nil
      throw e
        ?? MarsError(
          .memory, "not enough memory for \(bytes) bytes more: \(state.pointee.used) of \(state.pointee.limit) bytes are in use")
    }
  }

  /// Waits for something to change; the lock is held, also on return.
  private func pause(_ isWaiting: inout Bool, _ what: String) throws(MarsError) {
    try Engine.refuseOnWorker(what)
    if !isWaiting {
      isWaiting = true
      state.pointee.waitingReaders += 1
    }
    lock.send(takeSignals())
    let epoch = state.pointee.epoch
    lock.waitForChange(until: EngineLock.now() + 0.5)
    if state.pointee.epoch != epoch { throw MarsError(.cancelled, "the engine was shut down") }
  }
}

// MARK: Readers outside of runs

extension Engine {
  /// Brings a block into memory and pins it; waits for memory and disk.
  func acquire(_ b: Int32) throws(MarsError) -> UnsafeMutableRawPointer {
    lock.lock()
    defer { unlock() }
    var isWaiting = false
    defer { if isWaiting { state.pointee.waitingReaders -= 1 } }
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
        if !state.pointee.fits(block.capacity) { try makeRoom(block.capacity) }
        if state.pointee.fits(block.capacity) {
          if state.pointee.startRestoring(b) { break }
          throw Engine.noMemory(block.capacity)
        }
      case .free: throw MarsError(.internal, "a chunk was freed while it was in use")
      }
      try pause(&isWaiting, "reading a chunk back from disk")
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
