import Glibc
import MarsBase

extension Lanes {
  /// target[..., i, ...] = source[..., indices[i], ...] along `axis`; negative indices count from the end.
  ///
  /// `indices` are int64 and of any rank r; axes axis..<axis+r of the target run over them.
  package static func take(_ source: ArrayView, indices: ArrayView, axis: Int, into target: ArrayView) throws(MarsError) {
    let r = indices.rank
    let outer = Array(source.shape[..<axis])
    let row = ArrayView(
      base: source.base, dtype: source.dtype, shape: Array(source.shape[(axis + 1)...]), strides: Array(source.strides[(axis + 1)...]))
    let given = ArrayView(base: target.base, dtype: target.dtype, shape: row.shape, strides: Array(target.strides[(axis + r)...]))
    // Where nothing is read indices are checked all the same.
    guard row.isContiguous && given.isContiguous && !outer.contains(0) else {
      return try takeSlices(source, indices: indices, axis: axis, into: target)
    }
    let walk = Gather.Walk(indices, Array(target.strides[axis..<axis + r]))
    let gather = Gather(
      extent: source.shape[axis], step: source.strides[axis], axis: axis, row: row.count * source.dtype.itemSize, count: walk.count,
      indexStep: walk.indexStep, targetStep: walk.targetStep)
    let none = [Int](repeating: 0, count: axis)
    try Strided.forEach(
      outer + walk.shape,
      [
        Array(source.strides[..<axis]) + [Int](repeating: 0, count: walk.shape.count), none + walk.indexStrides,
        Array(target.strides[..<axis]) + walk.targetStrides,
      ]
    ) { o throws(MarsError) in
      try gather.run(source.base + o[0], indices.base + o[1], target.base + o[2])
    }
  }

  /// The same where elements of a slice lie apart: a strided copy for each index.
  private static func takeSlices(_ source: ArrayView, indices: ArrayView, axis: Int, into target: ArrayView) throws(MarsError) {
    let n = source.shape[axis]
    let rest = source.dropping(axis: axis, at: 0)
    let r = indices.rank
    let targetStrides = Array(target.strides[axis..<axis + r])
    let others = Array(target.strides[0..<axis]) + Array(target.strides[(axis + r)...])
    try Strided.forEach(indices.shape, [indices.strides, targetStrides]) { o throws(MarsError) in
      let given = Int((indices.base + o[0]).loadUnaligned(as: Int64.self))
      guard given >= -n && given < n else { throw Gather.outside(given, axis: axis, extent: n) }
      let i = given < 0 ? given + n : given
      StridedCopy.copy(
        from: ArrayView(base: source.base + i * source.strides[axis], dtype: source.dtype, shape: rest.shape, strides: rest.strides),
        to: ArrayView(base: target.base + o[1], dtype: target.dtype, shape: rest.shape, strides: others))
    }
  }
}

/// Copies rows that are runs of memory to places one after the other, by index.
private struct Gather {
  /// Extent, byte stride and number of the axis that is indexed.
  let extent, step, axis: Int
  /// Bytes of a row.
  let row: Int
  /// Number of indices in a walk, and byte strides of indices and of places.
  let count, indexStep, targetStep: Int

  static func outside(_ index: Int, axis: Int, extent: Int) -> MarsError {
    MarsError(.index, "index \(index) is out of bounds for axis \(axis) with size \(extent)")
  }

  func run(_ source: UnsafeRawPointer, _ indices: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) throws(MarsError) {
    switch row {
    case 1: try cells(UInt8.self, source, indices, target)
    case 2: try cells(UInt16.self, source, indices, target)
    case 4: try cells(UInt32.self, source, indices, target)
    case 8: try cells(UInt64.self, source, indices, target)
    case 16: try cells(SIMD2<UInt64>.self, source, indices, target)
    default: try each(indices) { i, place in memcpy(target + place, source + i &* step, row) }
    }
  }

  @inline(__always)
  private func cells<C: BitwiseCopyable>(
    _: C.Type, _ source: UnsafeRawPointer, _ indices: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) throws(MarsError) {
    if step == MemoryLayout<C>.size {
      let size = MemoryLayout<C>.size
      return try each(indices) { i, place in
        (target + place).storeBytes(of: (source + i &* size).loadUnaligned(as: C.self), as: C.self)
      }
    }
    try each(indices) { i, place in (target + place).storeBytes(of: (source + i &* step).loadUnaligned(as: C.self), as: C.self) }
  }

  /// Calls `body` with every index, counted from the start, and the offset of its place.
  @inline(__always)
  private func each(_ indices: UnsafeRawPointer, _ body: (_ index: Int, _ place: Int) -> Void) throws(MarsError) {
    let n = extent
    var place = 0
    var at = indices
    for _ in 0..<count {
      let given = Int(at.loadUnaligned(as: Int64.self))
      // The sign bit spread out: no branch for negative indices.
      let i = given &+ (n & (given >> 63))
      guard UInt(bitPattern: i) < UInt(bitPattern: n) else { throw Gather.outside(given, axis: axis, extent: n) }
      body(i, place)
      place &+= targetStep
      at += indexStep
    }
  }

  /// Indices as walks of one stride each: the last axes, as far as they are one, and what remains before them.
  struct Walk {
    private(set) var count = 1
    private(set) var indexStep = 0
    private(set) var targetStep = 0
    private(set) var shape: [Int]
    private(set) var indexStrides: [Int]
    private(set) var targetStrides: [Int]

    init(_ indices: ArrayView, _ target: [Int]) {
      (shape, indexStrides, targetStrides) = (indices.shape, indices.strides, target)
      while let n = shape.last, let i = indexStrides.last, let t = targetStrides.last {
        if count == 1 {
          (indexStep, targetStep) = (i, t)
        } else if n != 1 && (i != indexStep * count || t != targetStep * count) {
          return
        }
        count *= n
        shape.removeLast()
        indexStrides.removeLast()
        targetStrides.removeLast()
      }
    }
  }
}
