import MarsBase

/// Distinct elements of vectors.
package enum Distinct {
  /// Sorts the elements of the vector `source` into `target` and keeps of equal ones the first; returns how many there are.
  ///
  /// - Parameter equalNaN: whether NaNs count as one value; else each is one.
  package static func values(
    _ source: ArrayView, into target: ArrayView, equalNaN: Bool, workspace: Workspace? = nil
  ) throws(MarsError) -> Int {
    try Ordering.sort(source, into: target, axis: 0, workspace: workspace)
    var kept = 0
    try target.dtype.dispatch(Compaction(target: target, equalNaN: equalNaN) { kept = $0 })
    return kept
  }

  /// The place of every element of `x` among `values`, which are sorted and distinct, and hold all of them.
  ///
  /// - Parameters:
  ///   - index: where NaNs are values of their own, the position at which every value comes first; else nil.
  ///   - first: position of the first of these elements.
  package static func places(
    _ x: ArrayView, among values: ArrayView, index: ArrayView?, first: Int, into target: ArrayView
  ) throws(MarsError) {
    try x.dtype.dispatch(
      Places(x: x, values: values, equalNaN: index == nil, needsPositions: true) { place, i in
        index.map { ($0.base + place * $0.strides[0]).load(as: Int64.self) < first + i } ?? false
      } found: { place, i in
        (target.base + i * target.strides[0]).storeBytes(of: Int64(place), as: Int64.self)
      })
  }

  /// What `occurrences` finds of every value.
  package enum Finding: Sendable { case count, first }

  /// Counts of the values among elements, or positions at which they come first; a further part of the elements adds to `target`.
  ///
  /// - Parameter first: position of the first of these elements.
  package static func occurrences(
    _ finding: Finding, of values: ArrayView, in x: ArrayView, first: Int, equalNaN: Bool, further: Bool, into target: ArrayView
  ) throws(MarsError) {
    func cell(_ i: Int) -> UnsafeMutableRawPointer { target.base + i * target.strides[0] }
    let unset: Int64 = finding == .count ? 0 : -1
    if !further { for i in 0..<target.shape[0] { cell(i).storeBytes(of: unset, as: Int64.self) } }
    try x.dtype.dispatch(
      Places(x: x, values: values, equalNaN: equalNaN, needsPositions: finding == .first) { place, _ in
        cell(place).load(as: Int64.self) != unset
      } found: { place, i in
        let p = cell(place)
        switch finding {
        case .count: p.storeBytes(of: p.load(as: Int64.self) + 1, as: Int64.self)
        case .first: if p.load(as: Int64.self) == unset { p.storeBytes(of: Int64(first + i), as: Int64.self) }
        }
      })
  }

  private struct Compaction: ElementRoutine {
    let target: ArrayView
    let equalNaN: Bool
    let done: (Int) -> Void
    init(target: ArrayView, equalNaN: Bool, _ done: @escaping (Int) -> Void) {
      self.target = target
      self.equalNaN = equalNaN
      self.done = done
    }
    func run<T: Element>(_: T.Type) throws(MarsError) {
      var kept = 0
      var last = T.zero
      for i in 0..<target.shape[0] {
        let x = (target.base + i * target.strides[0]).loadUnaligned(as: T.self)
        if i > 0 && (T.same(last, x) || (equalNaN && last.isNotANumber && x.isNotANumber)) { continue }
        (target.base + kept * target.strides[0]).storeBytes(of: x, as: T.self)
        kept += 1
        last = x
      }
      done(kept)
    }
  }

  private struct Places: ElementRoutine {
    let x, values: ArrayView
    let equalNaN: Bool
    /// Whether `found` asks which element it is; else it is told of the right number of them.
    let needsPositions: Bool
    /// Of NaNs that are values of their own, in the order of the elements: whether the one at a place is an earlier one than element i.
    let isEarlier: (_ place: Int, _ i: Int) -> Bool
    let found: (_ place: Int, _ i: Int) -> Void

    /// Elements that are looked up together: sorted first, they are found going on from one place to the next.
    private static var block: Int { 1 << 15 }

    func run<T: Element>(_ type: T.Type) throws(MarsError) {
      let most = Swift.min(Places.block, x.shape[0])
      let sorted = Buffers(most, x.dtype)
      defer { sorted.deallocate() }
      var start = 0
      while start < x.shape[0] {
        let count = Swift.min(most, x.shape[0] - start)
        let part = x.sliced(axis: 0, start: start, step: 1, count: count)
        start += count
        if try !walk(type, part, first: start - count, sorted) {
          for i in 0..<count { try look(type, start - count + i) }
        }
      }
    }

    /// Finds a block in the order of its elements; false, and nothing found, where NaNs of their own are in it.
    private func walk<T: Element>(_: T.Type, _ part: ArrayView, first: Int, _ sorted: Buffers) throws(MarsError) -> Bool {
      let (n, count) = (values.shape[0], part.shape[0])
      let order = sorted.order(count)
      let elements = sorted.elements(count)
      if needsPositions { try Ordering.argsort(part, into: order, axis: 0) } else { try Ordering.sort(part, into: elements, axis: 0) }
      func position(_ k: Int) -> Int { needsPositions ? Int((order.base + 8 * k).load(as: Int64.self)) : k }
      func element(_ k: Int) -> T {
        needsPositions
          ? (part.base + position(k) * part.strides[0]).loadUnaligned(as: T.self)
          : (elements.base + k * elements.strides[0]).loadUnaligned(as: T.self)
      }
      func value(_ i: Int) -> T { (values.base + i * values.strides[0]).loadUnaligned(as: T.self) }
      if !equalNaN && element(count - 1).isNotANumber { return false }
      var place = 0
      for k in 0..<count {
        let e = element(k)
        let isNaN = e.isNotANumber
        func isReached(_ i: Int) -> Bool { isNaN ? value(i).isNotANumber : !T.precedes(value(i), e) }
        guard place < n else { throw MarsError(.value, "x has an element that is not in values") }
        if !isReached(place) {
          // In strides that double, then between the last two of them.
          var step = 1
          while place + step < n && !isReached(place + step) {
            place += step
            step *= 2
          }
          place = Distinct.first(from: place + 1, to: Swift.min(place + step, n), where: isReached)
          guard place < n else { throw MarsError(.value, "x has an element that is not in values") }
        }
        found(place, first + position(k))
      }
      return true
    }

    private func look<T: Element>(_: T.Type, _ i: Int) throws(MarsError) {
      let n = values.shape[0]
      func value(_ i: Int) -> T { (values.base + i * values.strides[0]).loadUnaligned(as: T.self) }
      let e = (x.base + i * x.strides[0]).loadUnaligned(as: T.self)
      let isNaN = e.isNotANumber
      // As one value NaNs have one place, whatever their order is.
      var place = Distinct.first(from: 0, to: n) { isNaN && equalNaN ? value($0).isNotANumber : !T.precedes(value($0), e) }
      if isNaN && !equalNaN {
        let end = Distinct.first(from: place, to: n) { T.precedes(e, value($0)) }
        place = Distinct.first(from: place, to: end) { !isEarlier($0, i) }
      }
      guard place < n else { throw MarsError(.value, "x has an element that is not in values") }
      found(place, i)
    }
  }

  /// Room for a block of elements, and for the order of one.
  private struct Buffers {
    private let bytes: UnsafeMutableRawPointer
    private let dtype: DType
    init(_ count: Int, _ dtype: DType) {
      bytes = .allocate(byteCount: Swift.max(1, count) * Swift.max(8, dtype.itemSize), alignment: 64)
      self.dtype = dtype
    }
    func deallocate() { bytes.deallocate() }
    func order(_ count: Int) -> ArrayView { ArrayView(base: bytes, dtype: .int64, shape: [count], strides: [8]) }
    func elements(_ count: Int) -> ArrayView { ArrayView(base: bytes, dtype: dtype, shape: [count], strides: [dtype.itemSize]) }
  }

  /// The first number in lower..<upper for which `holds`, as for all after it; `upper` if there is none.
  @inline(__always)
  private static func first(from lower: Int, to upper: Int, where holds: (Int) -> Bool) -> Int {
    var (lo, hi) = (lower, upper)
    while lo < hi {
      let mid = (lo + hi) / 2
      if holds(mid) { hi = mid } else { lo = mid + 1 }
    }
    return lo
  }
}
