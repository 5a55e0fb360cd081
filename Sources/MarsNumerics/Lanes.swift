import MarsBase

/// Routines that walk along one axis or pick elements by position.  Reading by positions and masks is in `Gather.swift` and `Compress.swift`.
package enum Lanes {
  /// The first element of an int64 array, in C order, for which `mask` (bool, of the same shape) is set.
  package static func firstMarked(_ x: ArrayView, by mask: ArrayView) -> Int? {
    var found: Int? = nil
    try? Strided.forEach(x.shape, [x.strides, mask.strides]) { o throws(MarsError) in
      guard found == nil, (mask.base + o[1]).load(as: UInt8.self) != 0 else { return }
      found = Int((x.base + o[0]).load(as: Int64.self))
    }
    return found
  }

  /// Sum, whether one is below 0, and how many are not 0, of the elements of an array; nil of complex dtypes.
  package static func summary(_ x: ArrayView) -> (sum: Double, hasNegative: Bool, nonZero: Int)? {
    guard let read = x.dtype.number else { return nil }
    var (sum, lost) = (0.0, 0.0)
    var hasNegative = false
    var nonZero = 0
    try? Strided.forEach(x.shape, [x.strides]) { o throws(MarsError) in
      let v = read(x.base + o[0])
      // Kahan's summation, as NumPy adds probabilities.
      let (y, before) = (v - lost, sum)
      sum = before + y
      lost = (sum - before) - y
      hasNegative = hasNegative || v < 0
      nonZero += v == 0 ? 0 : 1
    }
    return (sum, hasNegative, nonZero)
  }

  /// Writes `rows` (along axis 0) to the places of `indices` that lie in `target`: rows first..< of an axis of `extent`.
  ///
  /// `indices` are int64 and 1-d; negative ones count from the end.  Of several rows for one place the last one stays.
  package static func put(_ rows: ArrayView, indices: ArrayView, into target: ArrayView, first: Int, of extent: Int) throws(MarsError) {
    let row = target.dropping(axis: 0, at: 0)
    let given = rows.dropping(axis: 0, at: 0)
    for j in 0..<indices.shape[0] {
      let index = Int((indices.base + j * indices.strides[0]).load(as: Int64.self))
      guard index >= -extent && index < extent else {
        throw MarsError(.index, "index \(index) is out of bounds for axis 0 with size \(extent)")
      }
      let i = (index < 0 ? index + extent : index) - first
      guard i >= 0 && i < target.shape[0] else { continue }
      StridedCopy.copy(
        from: ArrayView(base: rows.base + j * rows.strides[0], dtype: rows.dtype, shape: given.shape, strides: given.strides),
        to: ArrayView(base: target.base + i * target.strides[0], dtype: target.dtype, shape: row.shape, strides: row.strides))
    }
  }

  /// Greatest common divisor of two integer arrays of one dtype and shape; the result is not negative (but gcd(MIN, 0) == MIN).
  package static func gcd(_ a: ArrayView, _ b: ArrayView, into c: ArrayView, least: Bool) throws(MarsError) {
    try Strided.forEach(c.shape, [a.strides, b.strides, c.strides]) { o throws(MarsError) in
      let (p, q, r) = (a.base + o[0], b.base + o[1], c.base + o[2])
      switch c.dtype {
      case .int8: one(Int8.self, p, q, r, least)
      case .int16: one(Int16.self, p, q, r, least)
      case .int32: one(Int32.self, p, q, r, least)
      case .int64: one(Int64.self, p, q, r, least)
      case .uint8: one(UInt8.self, p, q, r, least)
      case .uint16: one(UInt16.self, p, q, r, least)
      case .uint32: one(UInt32.self, p, q, r, least)
      case .uint64: one(UInt64.self, p, q, r, least)
      case .bool, .float16, .bfloat16, .float32, .float64, .complex64, .complex128:
        throw MarsError(.type, "gcd is defined for integers only")
      }
    }
  }

  @inline(__always)
  private static func one<T: FixedWidthInteger>(
    _: T.Type, _ p: UnsafeMutableRawPointer, _ q: UnsafeMutableRawPointer, _ r: UnsafeMutableRawPointer, _ least: Bool
  ) {
    let (a, b) = (p.loadUnaligned(as: T.self).magnitude, q.loadUnaligned(as: T.self).magnitude)
    var (x, y) = (a, b)
    while y != 0 { (x, y) = (y, x % y) }
    let g = least ? (x == 0 ? 0 : (a / x) &* b) : x
    r.storeBytes(of: T(truncatingIfNeeded: g), as: T.self)
  }

  package static let negativePower = "Integers to negative integer powers are not allowed."

  /// Copies integers, none of which may be negative: exponents of integer powers.
  package static func copyExponents(_ source: ArrayView, to target: ArrayView) throws(MarsError) {
    try source.dtype.dispatch(ExponentCopy(source: source, target: target))
  }

  private struct ExponentCopy: ElementRoutine {
    let source, target: ArrayView
    func run<T: Element>(_: T.Type) throws(MarsError) {
      try Strided.forEach(source.shape, [source.strides, target.strides]) { o throws(MarsError) in
        let x = (source.base + o[0]).loadUnaligned(as: T.self)
        if T.precedes(x, T.zero) { throw MarsError(.value, negativePower) }
        (target.base + o[1]).storeBytes(of: x, as: T.self)
      }
    }
  }

  /// Reduces the axes of a complex array: what scalar kernels cannot hold in one accumulator.
  package enum ComplexReduction: Sendable { case product, min, max, argmin, argmax }

  /// `source` has the reduced axes last, all of the others shaped as `target`.  Index results count along the reduced axes in C order.
  package static func reduceComplex(_ kind: ComplexReduction, _ source: ArrayView, reduced: Int, into target: ArrayView) throws(MarsError) {
    if source.dtype == .complex64 {
      try reduce(ComplexElement<Float>.self, kind, source, reduced, target)
    } else {
      try reduce(ComplexElement<Double>.self, kind, source, reduced, target)
    }
  }

  private static func reduce<F>(
    _: ComplexElement<F>.Type, _ kind: ComplexReduction, _ source: ArrayView, _ reduced: Int, _ target: ArrayView
  ) throws(MarsError) {
    let keep = source.rank - reduced
    let inner = Array(source.shape[keep...])
    let innerStrides = Array(source.strides[keep...])
    func lexicographic(_ a: ComplexElement<F>, _ b: ComplexElement<F>) -> Bool { a.re < b.re || (a.re == b.re && a.im < b.im) }
    try Strided.forEach(Array(source.shape[0..<keep]), [Array(source.strides[0..<keep]), target.strides]) { o throws(MarsError) in
      var acc = ComplexElement<F>.one
      var best = 0
      var number = 0
      try Strided.forEach(inner, [innerStrides]) { p throws(MarsError) in
        let x = (source.base + o[0] + p[0]).loadUnaligned(as: ComplexElement<F>.self)
        switch kind {
        case .product: acc = ComplexElement<F>.product(acc, x)
        case .min, .argmin, .max, .argmax:
          let smaller = kind == .min || kind == .argmin
          if number == 0 || (!acc.isNotANumber && (x.isNotANumber || (smaller ? lexicographic(x, acc) : lexicographic(acc, x)))) {
            acc = x
            best = number
          }
        }
        number += 1
      }
      let q = target.base + o[1]
      if kind == .argmin || kind == .argmax {
        q.storeBytes(of: Int64(best), as: Int64.self)
      } else {
        q.storeBytes(of: acc, as: ComplexElement<F>.self)
      }
    }
  }
}
