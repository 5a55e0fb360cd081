/// Views of a view: the same memory under other indices.
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
