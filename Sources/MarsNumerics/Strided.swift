import Glibc
import MarsBase

extension ArrayView {
  /// The window `box` (in elements of this view) of the view.
  package func window(_ box: Box) -> ArrayView {
    var p = base
    for (i, l) in box.lower.enumerated() { p += l * strides[i] }
    return ArrayView(base: p, dtype: dtype, shape: box.extents, strides: strides)
  }

  /// The view with axis `k` taken at index `i`.
  package func dropping(axis k: Int, at i: Int) -> ArrayView {
    var v = self
    v.base += i * strides[k]
    v.shape.remove(at: k)
    v.strides.remove(at: k)
    return v
  }

  /// Every other element: index start + step * i along axis `k`, `count` of them.
  package func sliced(axis k: Int, start: Int, step: Int, count: Int) -> ArrayView {
    var v = self
    v.base += start * strides[k]
    v.strides[k] *= step
    v.shape[k] = count
    return v
  }

  package func permuted(_ axes: [Int]) -> ArrayView {
    ArrayView(base: base, dtype: dtype, shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] })
  }

  /// The view repeated to `shape` by strides of 0; its own shape must broadcast to it.
  package func broadcast(to shape: [Int]) -> ArrayView {
    let pad = shape.count - self.shape.count
    var s = [Int](repeating: 0, count: shape.count)
    for i in self.shape.indices where self.shape[i] == shape[i + pad] { s[i + pad] = strides[i] }
    return ArrayView(base: base, dtype: dtype, shape: shape, strides: s)
  }
}

package enum Strided {
  /// Calls `body` with the byte offset of each view for every index of `shape`, in C order.
  @inline(__always)
  package static func forEach(_ shape: [Int], _ strides: [[Int]], _ body: (UnsafeBufferPointer<Int>) throws(MarsError) -> Void)
    throws(MarsError)
  {
    if shape.contains(0) { return }
    var offsets = [Int](repeating: 0, count: strides.count)
    var index = [Int](repeating: 0, count: shape.count)
    while true {
      let failure: MarsError? = offsets.withUnsafeBufferPointer { p in
        do throws(MarsError) { try body(p) } catch { return error }
        return nil
      }
      if let failure { throw failure }
      var k = shape.count - 1
      while k >= 0 {
        index[k] += 1
        for v in strides.indices { offsets[v] += strides[v][k] }
        if index[k] < shape[k] { break }
        for v in strides.indices { offsets[v] -= strides[v][k] * shape[k] }
        index[k] = 0
        k -= 1
      }
      if k < 0 { return }
    }
  }

  /// Copies elements of one shape and dtype; `into` and `from` must not overlap unless they are the same.
  package static func copy(_ from: ArrayView, to into: ArrayView) {
    precondition(from.shape == into.shape && from.dtype == into.dtype)
    if into.count == 0 || (from.base == into.base && from.strides == into.strides) { return }
    let size = into.dtype.itemSize
    // Order axes by the destination's stride and merge those that are one run in both.
    var axes = into.shape.indices.filter { into.shape[$0] != 1 }
    axes.sort { abs(into.strides[$0]) > abs(into.strides[$1]) }
    var shape: [Int] = []
    var s: [Int] = []
    var d: [Int] = []
    for a in axes {
      if let n = shape.last, s[s.count - 1] == from.strides[a] * into.shape[a], d[d.count - 1] == into.strides[a] * into.shape[a] {
        shape[shape.count - 1] = n * into.shape[a]
        s[s.count - 1] = from.strides[a]
        d[d.count - 1] = into.strides[a]
      } else {
        shape.append(into.shape[a])
        s.append(from.strides[a])
        d.append(into.strides[a])
      }
    }
    let inner = shape.popLast() ?? 1
    let si = s.popLast() ?? size
    let di = d.popLast() ?? size
    try? forEach(shape, [s, d]) { o throws(MarsError) in
      let p = from.base + o[0]
      let q = into.base + o[1]
      if si == size && di == size {
        memcpy(q, p, inner * size)
      } else {
        switch size {
        case 1: run(UInt8.self, p, si, q, di, inner)
        case 2: run(UInt16.self, p, si, q, di, inner)
        case 4: run(UInt32.self, p, si, q, di, inner)
        case 8: run(UInt64.self, p, si, q, di, inner)
        default: run(SIMD2<UInt64>.self, p, si, q, di, inner)
        }
      }
    }
  }

  @inline(__always)
  private static func run<T: BitwiseCopyable>(
    _: T.Type, _ p: UnsafeMutableRawPointer, _ si: Int, _ q: UnsafeMutableRawPointer, _ di: Int, _ n: Int
  ) {
    // Complex values are aligned to their parts only.
    for i in 0..<n { (q + i * di).storeBytes(of: (p + i * si).loadUnaligned(as: T.self), as: T.self) }
  }

  /// Fills with zero bytes.
  package static func zero(_ v: ArrayView) {
    if v.isContiguous {
      memset(v.base, 0, v.count * v.dtype.itemSize)
      return
    }
    try? forEach(v.shape, [v.strides]) { o throws(MarsError) in memset(v.base + o[0], 0, v.dtype.itemSize) }
  }

  /// Copies the elements with C-order positions `start`, `start + 1`, ... of a virtual array of shape `shape`, of which `source` is the
  /// window `box`, into `target` in C order of its own indices.
  ///
  /// Every position that is asked for must lie in the window.
  package static func copyFlat(_ source: ArrayView, box: Box, of shape: [Int], positions: FlatWindow, to target: ArrayView) {
    if target.count == 0 { return }
    let size = target.dtype.itemSize
    let inner = target.rank == 0 ? 1 : target.shape[target.rank - 1]
    let innerStride = target.rank == 0 ? size : target.strides[target.rank - 1]
    let outer = Array(target.shape.dropLast())
    let positionStrides = Shape.rowMajorStrides(positions.shape)
    let rows = Shape.rowMajorStrides(shape)
    var first = 0
    for (i, l) in positions.box.lower.enumerated() { first += l * positionStrides[i] }
    let lastExtent = shape.last ?? 1
    let lastStride = source.rank == 0 ? size : source.strides[source.rank - 1]
    try? forEach(outer, [Array(target.strides.dropLast()), Array(positionStrides.dropLast())]) { o throws(MarsError) in
      var q = target.base + o[0]
      var position = first + o[1]
      var left = inner
      while left > 0 {
        var rest = position
        var p = source.base
        var column = 0
        for k in shape.indices {
          let c = rest / rows[k]
          rest -= c * rows[k]
          p += (c - box.lower[k]) * source.strides[k]
          column = c
        }
        let n = min(left, lastExtent - column)
        copy(
          ArrayView(base: p, dtype: source.dtype, shape: [n], strides: [lastStride]),
          to: ArrayView(base: q, dtype: target.dtype, shape: [n], strides: [innerStride]))
        q += n * innerStride
        position += n
        left -= n
      }
    }
  }

  /// The smallest box of an array of shape `shape` that holds the C-order positions `first...last`.
  package static func boxOfInterval(_ first: Int, _ last: Int, _ shape: [Int]) -> Box {
    var b = Box(whole: shape)
    var (lo, hi) = (first, last)
    let rows = Shape.rowMajorStrides(shape)
    for k in shape.indices {
      let (cl, ch) = (lo / rows[k], hi / rows[k])
      lo -= cl * rows[k]
      hi -= ch * rows[k]
      b.lower[k] = cl
      b.extents[k] = ch - cl + 1
      if cl != ch { break }
    }
    return b
  }
}

/// C-order positions of the elements of a box in an array of shape `shape`.
package struct FlatWindow: Sendable {
  package let shape: [Int]
  package let box: Box
  package init(shape: [Int], box: Box) {
    self.shape = shape
    self.box = box
  }
  /// First and last position; nil when the box is empty.
  package var interval: (Int, Int)? {
    if box.extents.contains(0) { return nil }
    let s = Shape.rowMajorStrides(shape)
    var (lo, hi) = (0, 0)
    for k in shape.indices {
      lo += box.lower[k] * s[k]
      hi += (box.upper(k) - 1) * s[k]
    }
    return (lo, hi)
  }
}

extension ArrayView {
  /// The view of this one through an affine map: per axis the view axis that it follows (-1: fixed), start (or index) and step.
  package func mapped(axes: [Int], starts: [Int], steps: [Int], shape: [Int]) -> ArrayView {
    var v = ArrayView(base: base, dtype: dtype, shape: shape, strides: [Int](repeating: 0, count: shape.count))
    for k in axes.indices {
      v.base += starts[k] * strides[k]
      if axes[k] >= 0 { v.strides[axes[k]] += steps[k] * strides[k] }
    }
    return v
  }
}

extension ArrayView {
  /// Stores one int64 as the only element.
  package func store(_ v: Int64) { base.storeBytes(of: v, as: Int64.self) }

  /// The sum of an int64 array.
  package func sumOfInt64() -> Int {
    var n = 0
    try? Strided.forEach(shape, [strides]) { o throws(MarsError) in n += Int((base + o[0]).load(as: Int64.self)) }
    return n
  }
}
