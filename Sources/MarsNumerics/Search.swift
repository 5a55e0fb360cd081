import MarsBase

/// Searching in what is sorted.
package enum Search {
  /// For every element of `values` the first (`right`: one past the last) place in the sorted 1-D `sorted` that keeps the order.
  package static func places(_ sorted: ArrayView, _ values: ArrayView, right: Bool, into target: ArrayView) throws(MarsError) {
    try Sorted.with(sorted) { run throws(MarsError) in
      try run.dtype.dispatch(Places(sorted: run, values: values, right: right, target: target))
    }
  }

  /// Whether every element of `values` is in the sorted 1-D `sorted`, or (`isOutside`) is not.
  package static func contained(_ sorted: ArrayView, _ values: ArrayView, isOutside: Bool, into target: ArrayView) throws(MarsError) {
    try Sorted.with(sorted) { run throws(MarsError) in
      try run.dtype.dispatch(Containment(sorted: run, values: values, isOutside: isOutside, target: target))
    }
  }

  /// The first number in lower..<upper for which `holds`, as for all after it; `upper` if there is none.
  @inline(__always)
  static func first(from lower: Int, to upper: Int, where holds: (Int) -> Bool) -> Int {
    var (lo, hi) = (lower, upper)
    while lo < hi {
      let mid = (lo + hi) / 2
      if holds(mid) { hi = mid } else { lo = mid + 1 }
    }
    return lo
  }
}

/// A sorted vector as a run of memory.
private enum Sorted {
  static func with(_ v: ArrayView, _ body: (ArrayView) throws(MarsError) -> Void) throws(MarsError) {
    let size = v.dtype.itemSize
    if v.isContiguous && Int(bitPattern: v.base) % min(8, size) == 0 { return try body(v) }
    try Scratch.with(nil, byteCount: v.count * size) { memory throws(MarsError) in
      let run = ArrayView(base: memory, dtype: v.dtype, shape: v.shape)
      StridedCopy.copy(from: v, to: run)
      try body(run)
    }
  }
}

/// A sorted run, with the numbers before the NaNs.
private struct SortedRun<T: Element> {
  let base: UnsafePointer<T>
  let count, numbers: Int
  /// The first number, and how many there are to a distance of 1; 0: they are not spaced evenly.
  private let origin, density: Double

  init(_ v: ArrayView) {
    let p = UnsafePointer(v.pointer(as: T.self))
    let n = Search.first(from: 0, to: v.shape[0]) { p[$0].isNotANumber }
    base = p
    count = v.shape[0]
    numbers = n
    guard n > 4 else {
      (origin, density) = (0, 0)
      return
    }
    let first = p[0].nearest
    let step = (p[n - 1].nearest - first) / Double(n - 1)
    // A look at some of them is enough: it decides where to look first, not what is found.
    let isEven = (1..<16).allSatisfy { k in
      let i = k * (n - 1) / 16
      return abs(p[i].nearest - (first + Double(i) * step)) <= step / 4
    }
    (origin, density) = (first, isEven && step > 0 && (1 / step).isFinite ? 1 / step : 0)
  }

  /// The place of a NaN.
  private func placeOfNaN(_ x: T, right: Bool) -> Int {
    Search.first(from: numbers, to: count) { right ? T.precedes(x, base[$0]) : !T.precedes(base[$0], x) }
  }

  /// So many searches go on together, each waiting for memory of its own.
  static var together: Int { 16 }

  @inline(__always)
  private func comes(_ i: Int, before x: T, _ right: Bool) -> Bool { right ? !T.isLess(x, base[i]) : T.isLess(base[i], x) }

  /// The place of a value among numbers that are spaced evenly: what arithmetic says, if it is right.
  @inline(__always)
  private func placeByDistance(_ x: T, right: Bool) -> Int {
    let steps = (x.nearest - origin) * density
    // NaN is neither.
    let i = steps > 0 ? (steps < Double(numbers &- 1) ? Int(steps) : numbers &- 1) : 0
    if comes(i, before: x, right) {
      if i &+ 1 == numbers || !comes(i &+ 1, before: x, right) { return i &+ 1 }
    } else if i == 0 || comes(i &- 1, before: x, right) {
      return i
    }
    return Search.first(from: 0, to: numbers) { !comes($0, before: x, right) }
  }

  /// The places of up to `together` values, but of NaNs, which come out anyhow.  In what is not sorted they depend on the value only.
  @inline(__always)
  private func places(_ x: UnsafePointer<T>, _ values: Int, right: Bool, into lower: UnsafeMutablePointer<Int>) {
    if numbers == 0 {
      for k in 0..<values { lower[k] = 0 }
      return
    }
    if density > 0 {
      for k in 0..<values { lower[k] = placeByDistance(x[k], right: right) }
      return
    }
    @inline(__always) func isBefore(_ i: Int, _ x: T) -> Int { comes(i, before: x, right) ? 1 : 0 }
    // The first step leaves a power of two: what is added by the others is a bit shifted, which is no branch to mispredict.
    var bit = Int.bitWidth - 1 - numbers.leadingZeroBitCount
    let half = 1 << bit
    for k in 0..<values { lower[k] = isBefore(half - 1, x[k]) &* (numbers - half) }
    while bit > 0 {
      bit &-= 1
      let ahead = (1 &<< bit) &- 1
      for k in 0..<values { lower[k] &+= isBefore(lower[k] &+ ahead, x[k]) &<< bit }
    }
    for k in 0..<values { lower[k] &+= isBefore(lower[k], x[k]) }
  }

  /// Calls `found` with the place of every value, and the offset of its result.
  @inline(__always)
  func search(
    _ values: ArrayView, right: Bool, _ target: ArrayView, _ found: (_ x: T, _ place: Int, _ result: UnsafeMutableRawPointer) -> Void
  ) throws(MarsError) {
    let rank = values.rank
    let n = values.shape.last ?? 1
    let (ds, dt) = (values.strides.last ?? 0, target.strides.last ?? 0)
    let outer = max(0, rank - 1)
    let together = Self.together
    try Strided.forEach(Array(values.shape[..<outer]), [Array(values.strides[..<outer]), Array(target.strides[..<outer])]) {
      o throws(MarsError) in
      let (s, t) = (values.base + o[0], target.base + o[1])
      withUnsafeTemporaryAllocation(of: T.self, capacity: together) { group in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: together) { numbers in
          guard let x = group.baseAddress, let lower = numbers.baseAddress else { return }
          var i = 0
          while i < n {
            // A full group has a number of its own, for which the loops are written out.
            let values = min(together, n &- i)
            for k in 0..<values { x[k] = (s + (i &+ k) &* ds).loadUnaligned(as: T.self) }
            if values == together { places(x, together, right: right, into: lower) } else { places(x, values, right: right, into: lower) }
            for k in 0..<values {
              if x[k].isNotANumber { lower[k] = placeOfNaN(x[k], right: right) }
              found(x[k], lower[k], t + (i &+ k) &* dt)
            }
            i &+= values
          }
        }
      }
    }
  }
}

private struct Places: ElementRoutine {
  let sorted, values: ArrayView
  let right: Bool
  let target: ArrayView
  func run<T: Element>(_: T.Type) throws(MarsError) {
    let run = SortedRun<T>(sorted)
    if right {
      try run.search(values, right: true, target) { _, place, p in p.storeBytes(of: Int64(place), as: Int64.self) }
    } else {
      try run.search(values, right: false, target) { _, place, p in p.storeBytes(of: Int64(place), as: Int64.self) }
    }
  }
}

private struct Containment: ElementRoutine {
  let sorted, values: ArrayView
  let isOutside: Bool
  let target: ArrayView
  func run<T: Element>(_: T.Type) throws(MarsError) {
    let run = SortedRun<T>(sorted)
    let (last, numbers) = (run.numbers - 1, run.numbers)
    try run.search(values, right: false, target) { x, place, p in
      // NaN equals nothing.
      let isIn = numbers > 0 && T.same(run.base[min(place, max(last, 0))], x)
      p.storeBytes(of: isIn != isOutside ? 1 : 0, as: UInt8.self)
    }
  }
}
