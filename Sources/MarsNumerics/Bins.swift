import MarsBase

/// Counting integers in bins of their own.
package enum Bins {
  /// Adds to the bins first..<first + target's extent how often their numbers come in `x`, or the weights of the elements where they come.
  ///
  /// Elements are added one after the other, so that sums of weights have the bits of a loop over all of them.
  /// - Parameters:
  ///   - x: int64, 1-d; elements below the bins and beyond them are left out.
  ///   - weights: float64, one per element; nil: each counts 1, and `target` is int64.
  ///   - further: whether `target` holds what earlier elements came to.
  package static func add(_ x: ArrayView, weights: ArrayView?, first: Int, further: Bool, to target: ArrayView) {
    let (n, step) = (target.shape[0], target.strides[0])
    if !further { for i in 0..<n { (target.base + i * step).storeBytes(of: UInt64(0), as: UInt64.self) } }
    for i in 0..<x.shape[0] {
      let bin = Int((x.base + i * x.strides[0]).load(as: Int64.self)) - first
      guard bin >= 0 && bin < n else { continue }
      let cell = target.base + bin * step
      if let weights {
        cell.storeBytes(
          of: cell.load(as: Double.self) + (weights.base + i * weights.strides[0]).load(as: Double.self), as: Double.self)
      } else {
        cell.storeBytes(of: cell.load(as: Int64.self) + 1, as: Int64.self)
      }
    }
  }
}
