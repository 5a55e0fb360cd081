import MarsBase

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

  /// Copies the elements of these positions of a virtual array of shape `whole`, of which `source` is the window `held`, into `target`, whose
  /// elements are those of the box in C order.
  ///
  /// Every position must lie in the window.
  package func copy(_ source: ArrayView, held: Box, of whole: [Int], to target: ArrayView) {
    if target.count == 0 { return }
    let size = target.dtype.itemSize
    let (from, to) = (source.strides.last ?? size, target.strides.last ?? size)
    let steps = Shape.rowMajorStrides(shape)
    let rows = Shape.rowMajorStrides(whole)
    var first = 0
    for (i, l) in box.lower.enumerated() { first += l * steps[i] }
    // Rows of the target that follow each other in memory and in the array are one run.
    var outer = max(0, target.rank - 1)
    var run = target.shape.last ?? 1
    while outer > 0, box.extents[outer] == shape[outer], target.strides[outer - 1] == target.strides[outer] * target.shape[outer] {
      outer -= 1
      run *= target.shape[outer]
    }
    let isFlat = whole.indices.allSatisfy { held.extents[$0] == 1 || source.strides[$0] == rows[$0] * size }
    let origin = zip(held.lower, rows).reduce(0) { $0 + $1.0 * $1.1 }
    // Both are windows of the same memory: each element is where it belongs.
    let isFlatTarget = shape.indices.allSatisfy { box.extents[$0] == 1 || target.strides[$0] == steps[$0] * size }
    if isFlat && isFlatTarget && source.base + (first - origin) * size == target.base { return }
    let row = whole.last ?? 1
    try? Strided.forEach(Array(target.shape.prefix(outer)), [Array(target.strides.prefix(outer)), Array(steps.prefix(outer))]) {
      o throws(MarsError) in
      var q = target.base + o[0]
      var position = first + o[1]
      if isFlat {
        StridedCopy.copy(source.base + (position - origin) * size, stride: size, to: q, stride: to, count: run, itemSize: size)
        return
      }
      var left = run
      while left > 0 {
        var rest = position
        var p = source.base
        var column = 0
        for k in whole.indices {
          column = rest / rows[k]
          rest -= column * rows[k]
          p += (column - held.lower[k]) * source.strides[k]
        }
        let n = min(left, row - column)
        StridedCopy.copy(p, stride: from, to: q, stride: to, count: n, itemSize: size)
        q += n * to
        position += n
        left -= n
      }
    }
  }

  /// The smallest box of an array of shape `shape` that holds the C-order positions `first...last`.
  package static func box(of shape: [Int], holding first: Int, _ last: Int) -> Box {
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
