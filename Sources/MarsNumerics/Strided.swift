import Glibc
import MarsBase

/// Walks over strided memory, for routines that compute as they go.  Copies are `StridedCopy`'s.
package enum Strided {
  /// Calls `body` with the byte offset of each view for every index of `shape`, in C order.
  @inline(__always)
  package static func forEach(_ shape: [Int], _ strides: [[Int]], _ body: (UnsafeBufferPointer<Int>) throws(MarsError) -> Void)
    throws(MarsError)
  {
    if shape.contains(0) { return }
    var offsets = [Int](repeating: 0, count: strides.count)
    var index = [Int](repeating: 0, count: shape.count)
    while true {
      let failure: MarsError? = offsets.withUnsafeBufferPointer { p in
        do throws(MarsError) { try body(p) } catch { return error }
        return nil
      }
      if let failure { throw failure }
      var k = shape.count - 1
      while k >= 0 {
        index[k] += 1
        for v in strides.indices { offsets[v] += strides[v][k] }
        if index[k] < shape[k] { break }
        for v in strides.indices { offsets[v] -= strides[v][k] * shape[k] }
        index[k] = 0
        k -= 1
      }
      if k < 0 { return }
    }
  }

  /// Fills with zero bytes.
  package static func zero(_ v: ArrayView) {
    if v.isContiguous {
      memset(v.base, 0, v.count * v.dtype.itemSize)
      return
    }
    try? forEach(v.shape, [v.strides]) { o throws(MarsError) in memset(v.base + o[0], 0, v.dtype.itemSize) }
  }
}

extension ArrayView {
  /// Stores one int64 as the only element.
  package func store(_ v: Int64) { base.storeBytes(of: v, as: Int64.self) }

  /// The elements of an int64 array, in C order.
  package var int64s: [Int] {
    var out: [Int] = []
    out.reserveCapacity(count)
    try? Strided.forEach(shape, [strides]) { o throws(MarsError) in out.append(Int((base + o[0]).loadUnaligned(as: Int64.self))) }
    return out
  }

  /// The sum of an int64 array.
  package func sumOfInt64() -> Int {
    var n = 0
    try? Strided.forEach(shape, [strides]) { o throws(MarsError) in n += Int((base + o[0]).load(as: Int64.self)) }
    return n
  }
}
