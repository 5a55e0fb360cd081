import CVectorSort
import MarsBase

/// Sorting and merging numbers of 4 and 8 bytes by the processor's vectors, where it has those of AVX-512.
enum VectorSort {
  static let isSupported = vector_sort_is_supported()

  /// Sorts the numbers of a lane into `result`; `scratch` has room for `n` elements.
  ///
  /// - Returns: how many elements are not NaN, and whether zeros of both signs may stand where they do not belong: -0.0 comes first.
  static func sort<T: OrdinalElement>(
    _: T.Type, _ kind: vector_sort_numbers, _ lane: UnsafeRawPointer, _ step: Int, _ n: Int, _ scratch: UnsafeMutableRawPointer,
    _ result: UnsafeMutableRawPointer
  ) -> (numbers: Int, mixesZeros: Bool) {
    var from = lane
    if step != MemoryLayout<T>.stride {
      for i in 0..<n {
        (scratch + i &* MemoryLayout<T>.stride).storeBytes(of: (lane + i &* step).loadUnaligned(as: T.self), as: T.self)
      }
      from = UnsafeRawPointer(scratch)
    }
    // Twice as many pivots as good ones would take.
    let depth = Int32(2 * (Int.bitWidth - n.leadingZeroBitCount))
    let found: vector_sort_gathered
    if MemoryLayout<T>.size == 4 {
      let (keys, spare) = (result.assumingMemoryBound(to: Int32.self), scratch.assumingMemoryBound(to: Int32.self))
      found = vector_sort_gather_32(from, n, kind, keys)
      if found.is_sorted { vector_sort_restore_32(keys, n, kind) } else { vector_sort_32(keys, spare, found.count, kind, depth) }
    } else {
      let (keys, spare) = (result.assumingMemoryBound(to: Int64.self), scratch.assumingMemoryBound(to: Int64.self))
      found = vector_sort_gather_64(from, n, kind, keys)
      if found.is_sorted { vector_sort_restore_64(keys, n, kind) } else { vector_sort_64(keys, spare, found.count, kind, depth) }
    }
    return (found.count, found.has_negative_zero && !found.is_sorted)
  }

  /// Whether a sorted run without NaN holds -0.0, of which vectors and a stable order think differently.
  static func hasNegativeZero<T: Element>(_ run: RunPart<T>, _ kind: vector_sort_numbers) -> Bool {
    guard kind == vector_sort_float else { return false }
    var i = Search.first(from: 0, to: run.count) { !T.isLess(run.base[$0], T.zero) }
    while i < run.count && T.same(run.base[i], T.zero) {
      if isNegative(run.base[i]) { return true }
      i += 1
    }
    return false
  }

  private static func isNegative<T: Element>(_ x: T) -> Bool {
    withUnsafeBytes(of: x) { bytes in bytes[bytes.count - 1] & 0x80 != 0 }
  }

  /// Merges two sorted runs of numbers, without NaN and -0.0.
  static func merge<T: Element>(_ p: RunPart<T>, _ q: RunPart<T>, _ kind: vector_sort_numbers, _ to: UnsafeMutablePointer<T>) {
    if MemoryLayout<T>.size == 4 {
      vector_sort_merge_32(p.base, p.count, q.base, q.count, to, kind)
    } else {
      vector_sort_merge_64(p.base, p.count, q.base, q.count, to, kind)
    }
  }
}

extension DType {
  /// What the elements are to sorting by vectors; nil: it has no place for them.
  var vectorNumbers: vector_sort_numbers? {
    switch self {
    case .int32, .int64: vector_sort_signed
    case .uint32, .uint64: vector_sort_unsigned
    case .float32, .float64: vector_sort_float
    case .bool, .int8, .int16, .uint8, .uint16, .float16, .bfloat16, .complex64, .complex128: nil
    }
  }
}
