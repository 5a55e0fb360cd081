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
    let run = target.shape.last ?? 1
    let (from, to) = (source.strides.last ?? size, target.strides.last ?? size)
    let steps = Shape.rowMajorStrides(shape)
    let rows = Shape.rowMajorStrides(whole)
    var first = 0
    for (i, l) in box.lower.enumerated() { first += l * steps[i] }
    let row = whole.last ?? 1
    try? Strided.forEach(Array(target.shape.dropLast()), [Array(target.strides.dropLast()), Array(steps.dropLast())]) {
      o throws(MarsError) in
      var q = target.base + o[0]
      var position = first + o[1]
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
