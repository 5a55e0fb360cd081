import MarsBase

extension DType {
  /// The values of an integer dtype.
  package var integerRange: ClosedRange<Int128> {
    let bits = Int128(8 * itemSize)
    return kind == .unsigned ? 0...((1 << bits) - 1) : -(1 << (bits - 1))...((1 << (bits - 1)) - 1)
  }
}

extension Scalar {
  /// The value of an integer or bool, nil for other kinds.
  package var asInt128: Int128? {
    switch wide {
    case .bool(let b): b ? 1 : 0
    case .signed(let i): Int128(i)
    case .unsigned(let u): Int128(u)
    case .floating, .complex: nil
    }
  }

  /// A value of an integer dtype's range.
  package init(_ value: Int128, as d: DType) {
    self = Scalar(dtype: .uint64, low: UInt64(truncatingIfNeeded: value)).cast(to: d)
  }

  /// Whether this is no integer that an integer dtype `d` cannot hold.
  package func fits(_ d: DType) -> Bool {
    guard d.isInteger, dtype.isInteger, let x = asInt128 else { return true }
    return d.integerRange.contains(x)
  }

  /// The scalar in dtype `d`, as NumPy takes a Python scalar: an integer must be representable in an integer dtype.
  package func fitting(_ d: DType) throws(MarsError) -> Scalar {
    if !fits(d), let x = asInt128 {
      // As NumPy, which asks whether 64 bits with a sign hold it before it asks for the dtype.
      guard d == .uint64 || DType.int64.integerRange.contains(x) else { throw Scalar.tooLarge }
      throw MarsError(.overflow, "Python integer \(x) out of bounds for \(d.name)")
    }
    return cast(to: d)
  }

  /// The error for an integer that no integer dtype holds, or none that is wanted.
  package static var tooLarge: MarsError { MarsError(.overflow, "Python int too large to convert to C long") }

  /// An integer that 64 bits do not hold, given as the nearest double, in a dtype of floats; an infinity: no double is near it.
  package static func rounded(big x: Double, to d: DType) throws(MarsError) -> Scalar {
    guard x.isFinite else { throw MarsError(.overflow, "int too large to convert to float") }
    return Scalar(x).cast(to: d)
  }

  /// Such an integer as NumPy stores it in an array.
  package static func stored(big x: Double, as d: DType) throws(MarsError) -> Scalar {
    if d.isInteger { throw tooLarge }
    return d == .bool ? Scalar(true) : try rounded(big: x, to: d)
  }

  /// The scalar in dtype `d`, as NumPy stores a Python scalar in an array: also floats must have a value there, and complex ones none.
  package func stored(as d: DType) throws(MarsError) -> Scalar {
    if d.isInteger {
      if dtype.isComplex {
        throw MarsError(.type, "int() argument must be a string, a bytes-like object or a real number, not 'complex'")
      }
      if dtype.isFloating {
        let x = asDouble
        if x.isNaN { throw MarsError(.value, "cannot convert float NaN to integer") }
        if x.isInfinite { throw MarsError(.overflow, "cannot convert float infinity to integer") }
        guard let whole = Int128(exactly: x.rounded(.towardZero)),
          DType.int64.integerRange.contains(whole) || (d == .uint64 && d.integerRange.contains(whole))
        else {
          throw Scalar.tooLarge
        }
        guard d.integerRange.contains(whole) else {
          throw MarsError(.overflow, "Python integer \(whole) out of bounds for \(d.name)")
        }
      }
    } else if d.isFloating && dtype.isComplex {
      throw MarsError(.type, "float() argument must be a string or a real number, not 'complex'")
    }
    return try fitting(d)
  }

  /// The scalar in dtype `d`, as NumPy stores a scalar that has a dtype: signed integers must hold it, others take what a cast gives.
  package func storedAsTyped(as d: DType) throws(MarsError) -> Scalar {
    d.kind == .signed && !dtype.isComplex ? try stored(as: d) : cast(to: d)
  }
}
