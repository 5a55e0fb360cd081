import MarsBase

/// Sums of products of shifted vectors.
package enum Correlation {
  /// out[k] = a[k] * v[0] + a[k + 1] * v[1] + ..., added in this order whatever the window; vectors of one dtype.
  package static func valid(_ a: ArrayView, _ v: ArrayView, into out: ArrayView) throws(MarsError) {
    try a.dtype.dispatch(Products(a: a, v: v, out: out))
  }

  private struct Products: ElementRoutine {
    let a: ArrayView
    let v: ArrayView
    let out: ArrayView
    /// As many sums as lie in the nearest cache.
    private static var block: Int { 1024 }

    func run<T: Element>(_ type: T.Type) throws(MarsError) {
      let size = MemoryLayout<T>.stride
      let (count, taps) = (out.shape[0], v.shape[0])
      let isDense = a.strides[0] == size && out.strides[0] == size
      var first = 0
      while first < count {
        let n = Swift.min(Products.block, count - first)
        for j in 0..<taps {
          let weight = (v.base + j * v.strides[0]).load(as: T.self)
          let from = a.base + (first + j) * a.strides[0]
          let to = out.base + first * out.strides[0]
          if isDense {
            let x = from.assumingMemoryBound(to: T.self)
            let sums = to.assumingMemoryBound(to: T.self)
            if j == 0 {
              for k in 0..<n { sums[k] = T.product(x[k], weight) }
            } else {
              for k in 0..<n { sums[k] = T.sum(sums[k], T.product(x[k], weight)) }
            }
            continue
          }
          for k in 0..<n {
            let p = T.product((from + k * a.strides[0]).load(as: T.self), weight)
            let at = to + k * out.strides[0]
            at.storeBytes(of: j == 0 ? p : T.sum(at.load(as: T.self), p), as: T.self)
          }
        }
        first += n
      }
    }
  }
}
