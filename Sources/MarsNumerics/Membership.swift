import MarsBase

/// Whether values are among others.
package enum Membership {
  /// Whether every element of `values` is in the sorted 1-D `sorted`, or (`isOutside`) is not; NaN is in nothing.
  package static func find(
    _ sorted: ArrayView, _ values: ArrayView, isOutside: Bool, into target: ArrayView, workspace: Workspace
  ) throws(MarsError) {
    if sorted.count == 0 {
      try Strided.forEach(target.shape, [target.strides]) { o throws(MarsError) in
        (target.base + o[0]).storeBytes(of: isOutside ? 1 : 0, as: UInt8.self)
      }
      return
    }
    if values.dtype.isInteger {
      let table = TableLookup(
        sorted: sorted, values: values, isOutside: isOutside, target: target, bits: workspace.bytes.baseAddress,
        bytes: workspace.bytes.count)
      if try table.find() { return }
    }
    try Search.contained(sorted, values, isOutside: isOutside, into: target)
  }

  /// Bytes of scratch for so many values: a bit for every integer that could be meant, where that is less than what is searched through.
  package static func workspace(_ values: Int, _ d: DType) -> Int { d.isInteger ? min(1 << 22, (values + 63) / 64 * 64) : 0 }
}

/// A bit for every integer between the least and the largest one.
private struct TableLookup {
  let sorted, values: ArrayView
  let isOutside: Bool
  let target: ArrayView
  let bits: UnsafeMutableRawPointer?
  let bytes: Int

  /// Returns false where the bits do not fit.
  func find() throws(MarsError) -> Bool {
    switch sorted.dtype {
    case .int8: try run(Int8.self)
    case .int16: try run(Int16.self)
    case .int32: try run(Int32.self)
    case .int64: try run(Int64.self)
    case .uint8: try run(UInt8.self)
    case .uint16: try run(UInt16.self)
    case .uint32: try run(UInt32.self)
    case .uint64: try run(UInt64.self)
    case .bool, .float16, .bfloat16, .float32, .float64, .complex64, .complex128: false
    }
  }

  @inline(__always)
  private func run<T: OrdinalElement & FixedWidthInteger>(_: T.Type) throws(MarsError) -> Bool {
    let n = sorted.shape[0]
    func member(_ i: Int) -> UInt64 {
      UInt64(truncatingIfNeeded: (sorted.base + i * sorted.strides[0]).loadUnaligned(as: T.self).ordinal)
    }
    var (least, most) = (UInt64.max, UInt64.min)
    for i in 0..<n {
      least = min(least, member(i))
      most = max(most, member(i))
    }
    let words = bytes / 8
    guard let bits, (most &- least) / 64 < UInt64(words) else { return false }
    let table = bits.bindMemory(to: UInt64.self, capacity: words)
    table.update(repeating: 0, count: Int((most - least) / 64) + 1)
    for i in 0..<n {
      let k = member(i) &- least
      table[Int(truncatingIfNeeded: k >> 6)] |= 1 << (k & 63)
    }
    let (range, first) = (most &- least, least)
    let outer = max(0, values.rank - 1)
    let row = values.shape.last ?? 1
    let (ds, dt) = (values.strides.last ?? 0, target.strides.last ?? 0)
    let turned: UInt64 = isOutside ? 1 : 0
    try Strided.forEach(Array(values.shape[..<outer]), [Array(values.strides[..<outer]), Array(target.strides[..<outer])]) {
      o throws(MarsError) in
      let (s, t) = (values.base + o[0], target.base + o[1])
      for i in 0..<row {
        let k = UInt64(truncatingIfNeeded: (s + i &* ds).loadUnaligned(as: T.self).ordinal) &- first
        // A value outside reads some bit, which does not count: no branch.
        let bit = table[Int(truncatingIfNeeded: min(k, range) >> 6)] >> (k & 63)
        (t + i &* dt).storeBytes(of: UInt8(truncatingIfNeeded: (bit & (k <= range ? 1 : 0)) ^ turned), as: UInt8.self)
      }
    }
    return true
  }
}
