import MarsBase

/// Lanes along an axis of two views, brought together into runs of memory where they are none.
struct LaneBlocks {
  let source, target: ArrayView
  let axis: Int

  /// Lanes that lie side by side are brought together so many at a time: a cache line's worth, as far as the cache holds them.
  private static func lanes(_ laneBytes: Int) -> Int { max(1, min(16, (1 << 20) / max(1, laneBytes))) }

  /// Bytes of scratch that lanes of `n` elements to `m` elements take at most.
  static func bytes(_ n: Int, _ from: DType, _ m: Int, _ to: DType) -> Int {
    lanes(n * from.itemSize) * (aligned(n * from.itemSize) + aligned(m * to.itemSize))
  }
  static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  /// Whether lanes need not be brought together: a lone one is read with its stride.
  private var isDirect: Bool {
    let (from, to) = (source.dtype.itemSize, target.dtype.itemSize)
    return (source.rank == 1 || source.strides[axis] == from)
      && (target.strides[axis] == to || target.shape[axis] <= 1)
      && (Int(bitPattern: target.base) | target.strides.reduce(0, |)) % min(8, to) == 0
  }
  var scratchBytes: Int { isDirect ? 0 : Self.bytes(source.shape[axis], source.dtype, target.shape[axis], target.dtype) }

  /// Calls `body` with every lane and its byte stride, and the run of memory to which its result goes.
  @inline(__always)
  func forEach(
    _ scratch: UnsafeMutableRawPointer,
    _ body: (_ lane: UnsafeRawPointer, _ step: Int, _ result: UnsafeMutableRawPointer) throws(MarsError) -> Void
  ) throws(MarsError) {
    var (s, t) = (source.dropping(axis: axis, at: 0), target.dropping(axis: axis, at: 0))
    let (ds, dt) = (source.strides[axis], target.strides[axis])
    if isDirect {
      try Strided.forEach(s.shape, [s.strides, t.strides]) { o throws(MarsError) in try body(s.base + o[0], ds, t.base + o[1]) }
      return
    }
    let (n, m) = (source.shape[axis], target.shape[axis])
    let (laneBytes, resultBytes) = (Self.aligned(n * source.dtype.itemSize), Self.aligned(m * target.dtype.itemSize))
    // Lanes beside each other are those whose elements are nearest.
    var (beside, across, over) = (1, 0, 0)
    if let k = s.shape.indices.filter({ s.shape[$0] > 1 }).min(by: { abs(s.strides[$0]) < abs(s.strides[$1]) }) {
      (beside, across, over) = (s.shape[k], s.strides[k], t.strides[k])
      (s, t) = (s.dropping(axis: k, at: 0), t.dropping(axis: k, at: 0))
    }
    let group = Self.lanes(n * source.dtype.itemSize)
    let results = scratch + group * laneBytes
    try Strided.forEach(s.shape, [s.strides, t.strides]) { o throws(MarsError) in
      var first = 0
      while first < beside {
        let lanes = min(group, beside - first)
        StridedCopy.copy(
          from: ArrayView(base: s.base + o[0] + first * across, dtype: source.dtype, shape: [lanes, n], strides: [across, ds]),
          to: ArrayView(base: scratch, dtype: source.dtype, shape: [lanes, n], strides: [laneBytes, source.dtype.itemSize]))
        for k in 0..<lanes { try body(scratch + k * laneBytes, source.dtype.itemSize, results + k * resultBytes) }
        StridedCopy.copy(
          from: ArrayView(base: results, dtype: target.dtype, shape: [lanes, m], strides: [resultBytes, target.dtype.itemSize]),
          to: ArrayView(base: t.base + o[1] + first * over, dtype: target.dtype, shape: [lanes, m], strides: [over, dt]))
        first += lanes
      }
    }
  }
}

/// Scratch memory: the task's, where that is enough, else memory of its own.
enum Scratch {
  static func with(
    _ given: Workspace?, byteCount: Int, _ body: (UnsafeMutableRawPointer) throws(MarsError) -> Void
  ) throws(MarsError) {
    if let base = given?.bytes.baseAddress, let bytes = given?.bytes.count, bytes >= byteCount, Int(bitPattern: base) % 64 == 0 {
      return try body(base)
    }
    let own = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 1), alignment: 64)
    defer { own.deallocate() }
    try body(own)
  }
}
