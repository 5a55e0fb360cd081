import MarsBase

/// Counting integers in bins of their own.
package enum Bins {
  /// Adds to the bins first..<first + target's extent how often their numbers come in `x`, or the weights of the elements where they come.
  ///
  /// Elements are added one after the other, so that sums of weights have the bits of a loop over all of them.
  /// - Parameters:
  ///   - x: int64, 1-d; elements below the bins and beyond them are left out.
  ///   - weights: float64 or int64, as `target`, one per element; nil: each counts 1, and `target` is int64.
  ///   - further: whether `target` holds what earlier elements came to.
  package static func add(_ x: ArrayView, weights: ArrayView?, first: Int, further: Bool, to target: ArrayView) {
    let (n, step) = (target.shape[0], target.strides[0])
    if !further { for i in 0..<n { (target.base + i * step).storeBytes(of: UInt64(0), as: UInt64.self) } }
    if let weights { return sum(x, weights, first, target) }
    guard step == MemoryLayout<Int>.stride else {
      return eachBin(x, first, n) { (_, bin) in
        let cell = target.base + bin * step
        cell.storeBytes(of: cell.load(as: Int.self) &+ 1, as: Int.self)
      }
    }
    let counts = target.base.assumingMemoryBound(to: Int.self)
    guard n <= mostInTables && x.shape[0] >= 4 * tables * n else { return count(x, first, n, counts, apart: 0) }
    withUnsafeTemporaryAllocation(of: Int.self, capacity: tables * n) { some in
      guard let some = some.baseAddress else { return }
      some.initialize(repeating: 0, count: tables * n)
      count(x, first, n, some, apart: n)
      for bin in 0..<n { for t in 0..<tables { counts[bin] &+= some[t * n + bin] } }
    }
  }

  /// One number after the other is often the same, and its count waits for the last: each of four neighbours has a table of its own.
  private static let tables = 4
  /// Tables of more bins than this fill the nearest cache, which costs more than the waiting.
  private static let mostInTables = 256

  /// Counts every element that has one of n bins in one of the tables, which lie `apart` from one another.
  @inline(never)
  private static func count(_ x: ArrayView, _ first: Int, _ n: Int, _ counts: UnsafeMutablePointer<Int>, apart: Int) {
    let (length, stride) = (x.shape[0], x.strides[0])
    let (a, b, c, d) = (counts, counts + apart, counts + 2 &* apart, counts + 3 &* apart)
    var p = x.base
    @inline(__always) func one(_ k: Int, _ counts: UnsafeMutablePointer<Int>) {
      let bin = (p + k &* stride).load(as: Int.self) &- first
      if UInt(bitPattern: bin) < UInt(bitPattern: n) { counts[bin] &+= 1 }
    }
    for _ in 0..<length / tables {
      one(0, a)
      one(1, b)
      one(2, c)
      one(3, d)
      p += tables &* stride
    }
    for k in 0..<length % tables { one(k, a) }
  }

  private static func sum(_ x: ArrayView, _ weights: ArrayView, _ first: Int, _ target: ArrayView) {
    let (w, stride, step) = (weights.base, weights.strides[0], target.strides[0])
    if target.dtype == .int64 {
      eachBin(x, first, target.shape[0]) { (i, bin) in
        let cell = target.base + bin * step
        cell.storeBytes(of: cell.load(as: Int.self) &+ (w + i * stride).load(as: Int.self), as: Int.self)
      }
    } else {
      eachBin(x, first, target.shape[0]) { (i, bin) in
        let cell = target.base + bin * step
        cell.storeBytes(of: cell.load(as: Double.self) + (w + i * stride).load(as: Double.self), as: Double.self)
      }
    }
  }

  /// Calls `body` with the position and the bin of every element that has one of n bins.
  @inline(__always)
  private static func eachBin(_ x: ArrayView, _ first: Int, _ n: Int, _ body: (_ position: Int, _ bin: Int) -> Void) {
    let (base, stride) = (x.base, x.strides[0])
    for i in 0..<x.shape[0] {
      let bin = (base + i &* stride).load(as: Int.self) &- first
      if UInt(bitPattern: bin) < UInt(bitPattern: n) { body(i, bin) }
    }
  }
}
