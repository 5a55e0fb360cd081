import MarsBase

/// Counting elements by some bits of their ordinals: how order statistics of more elements than fit memory are narrowed down.
package enum DigitCounts {
  /// Bits of the ordinals of a dtype.
  package static func bits(_ d: DType) -> Int { 8 * d.itemSize }

  /// For each of `prefixes`, which ascend, counts the elements whose ordinal shifted right by `shift + digit` is the prefix, by the `digit` bits
  /// before those that are shifted out; then the NaNs.
  ///
  /// - Parameter target: int64, contiguous, of prefixes.count << digit elements, and one for the NaNs.
  package static func count(
    _ source: ArrayView, prefixes: [UInt64], shift: Int, digit: Int, into target: ArrayView
  ) throws(MarsError) {
    Strided.zero(target)
    try source.dtype.dispatchOrder(Counting(source: source, prefixes: prefixes, shift: shift, digit: digit, target: target))
  }

  /// Copies the elements whose ordinals lie in one of the ranges, which ascend, to the front of `target`; returns how many there are.
  package static func select(_ source: ArrayView, ranges: [ClosedRange<UInt64>], into target: ArrayView) throws(MarsError) -> Int {
    var kept = 0
    try source.dtype.dispatchOrder(Selecting(source: source, ranges: ranges, target: target) { kept = $0 })
    return kept
  }

  /// Writes the elements with given ordinals.
  package static func elements(_ ordinals: [UInt64], into target: ArrayView) throws(MarsError) {
    try target.dtype.dispatchOrder(Naming(ordinals: ordinals, target: target))
  }

  private static func refuse() -> MarsError { MarsError(.type, "order statistics are defined for real numbers only") }

  private struct Counting: OrderRoutine {
    let source: ArrayView
    let prefixes: [UInt64]
    let shift, digit: Int
    let target: ArrayView

    func run<T: Element>(comparing: T.Type) throws(MarsError) { throw refuse() }
    func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError) {
      let counts = target.base.assumingMemoryBound(to: Int64.self)
      let (n, step) = (source.shape[0], source.strides[0])
      let mask = UInt64(1) << UInt64(digit) - 1
      var nans: Int64 = 0
      prefixes.withUnsafeBufferPointer { prefixes in
        for i in 0..<n {
          let x = (source.base + i &* step).loadUnaligned(as: T.self)
          if x.isNotANumber {
            nans &+= 1
            continue
          }
          let w = UInt64(truncatingIfNeeded: x.ordinal) &>> UInt64(truncatingIfNeeded: shift)
          let lead = w >> UInt64(digit)
          var p = 0
          if prefixes.count > 1 {
            p = Search.first(from: 0, to: prefixes.count) { prefixes[$0] >= lead }
            if p == prefixes.count { continue }
          }
          if prefixes[p] != lead { continue }
          counts[p << digit + Int(truncatingIfNeeded: w & mask)] &+= 1
        }
      }
      counts[prefixes.count << digit] = nans
    }
  }

  private struct Selecting: OrderRoutine {
    let source: ArrayView
    let ranges: [ClosedRange<UInt64>]
    let target: ArrayView
    let found: (Int) -> Void

    func run<T: Element>(comparing: T.Type) throws(MarsError) { throw refuse() }
    func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError) {
      let (n, step, to) = (source.shape[0], source.strides[0], target.strides[0])
      var kept = 0
      ranges.withUnsafeBufferPointer { ranges in
        guard ranges.count > 0 else { return }
        for i in 0..<n {
          let x = (source.base + i &* step).loadUnaligned(as: T.self)
          if x.isNotANumber { continue }
          let w = UInt64(truncatingIfNeeded: x.ordinal)
          let r = ranges.count == 1 ? 0 : Search.first(from: 0, to: ranges.count - 1) { ranges[$0].upperBound >= w }
          guard ranges[r].contains(w) else { continue }
          (target.base + kept &* to).storeBytes(of: x, as: T.self)
          kept &+= 1
        }
      }
      found(kept)
    }
  }

  private struct Naming: OrderRoutine {
    let ordinals: [UInt64]
    let target: ArrayView
    func run<T: Element>(comparing: T.Type) throws(MarsError) { throw refuse() }
    func run<T: OrdinalElement>(ordinals type: T.Type) throws(MarsError) {
      for (i, w) in ordinals.enumerated() {
        (target.base + i * target.strides[0]).storeBytes(of: T(ordinal: T.Ordinal(truncatingIfNeeded: w)), as: T.self)
      }
    }
  }
}
