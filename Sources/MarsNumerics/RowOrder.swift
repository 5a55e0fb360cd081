import MarsBase

/// The order of the rows of a matrix.
extension Ordering {
  /// Indices (int64) that sort the rows of a matrix, compared element by element; equal rows keep their order.
  package static func rows(_ source: ArrayView, into target: ArrayView) throws(MarsError) {
    try source.dtype.dispatch(RowOrder(source: source, target: target))
  }
}

private struct RowOrder: ElementRoutine {
  let source, target: ArrayView
  func run<T: Element>(_: T.Type) throws(MarsError) {
    let (n, m) = (source.shape[0], source.shape[1])
    let (down, right, base) = (source.strides[0], source.strides[1], source.base)
    var order = UnsafeMutableBufferPointer<Int>.allocate(capacity: n)
    defer { order.deallocate() }
    for i in 0..<n { order.initializeElement(at: i, to: i) }
    order.sort { a, b in
      for j in 0..<m {
        let x = (base + a * down + j * right).loadUnaligned(as: T.self)
        let y = (base + b * down + j * right).loadUnaligned(as: T.self)
        if T.precedes(x, y) { return true }
        if T.precedes(y, x) { return false }
      }
      return a < b
    }
    for i in 0..<n { (target.base + i * target.strides[0]).storeBytes(of: Int64(order[i]), as: Int64.self) }
  }
}
