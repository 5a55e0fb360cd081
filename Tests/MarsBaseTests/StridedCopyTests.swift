import MarsBase
import Testing

/// Copies against a plain loop over all index tuples.
@Suite struct StridedCopyTests {
  /// Fills 64 KiB with a pattern and copies with given strides (in items) on both sides.
  private func check(_ dtype: DType, _ shape: [Int], _ from: [Int], _ to: [Int], fromStart: Int = 0, toStart: Int = 0) {
    let size = dtype.itemSize
    let bytes = 1 << 16
    let source = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    let target = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer {
      source.deallocate()
      target.deallocate()
    }
    for i in 0..<bytes { source.storeBytes(of: UInt8(truncatingIfNeeded: i &* 31 &+ i / 256), toByteOffset: i, as: UInt8.self) }
    target.initializeMemory(as: UInt8.self, repeating: 0xAA, count: bytes)
    var expected = [UInt8](repeating: 0xAA, count: bytes)
    var index = [Int](repeating: 0, count: shape.count)
    let count = shape.reduce(1, *)
    for _ in 0..<count {
      var (s, d) = (fromStart, toStart)
      for k in shape.indices {
        s += index[k] * from[k]
        d += index[k] * to[k]
      }
      for b in 0..<size { expected[d * size + b] = source.load(fromByteOffset: s * size + b, as: UInt8.self) }
      for k in shape.indices.reversed() {
        index[k] += 1
        if index[k] < shape[k] { break }
        index[k] = 0
      }
    }
    StridedCopy.copy(
      from: ArrayView(base: source + fromStart * size, dtype: dtype, shape: shape, strides: from.map { $0 * size }),
      to: ArrayView(base: target + toStart * size, dtype: dtype, shape: shape, strides: to.map { $0 * size }))
    let got = [UInt8](UnsafeRawBufferPointer(start: target, count: bytes))
    #expect(got == expected, "\(dtype) \(shape) \(from) -> \(to)")
  }

  @Test(arguments: [DType.int8, .int16, .float32, .float64, .complex128]) func everyLayout(dtype: DType) {
    check(dtype, [], [], [])
    check(dtype, [0, 3], [3, 1], [3, 1])
    check(dtype, [100], [1], [1])
    check(dtype, [100], [0], [1], fromStart: 5)
    check(dtype, [100], [3], [1])
    check(dtype, [100], [1], [3])
    check(dtype, [100], [-1], [1], fromStart: 99)
    check(dtype, [100], [1], [-1], toStart: 99)
    check(dtype, [10, 20], [20, 1], [20, 1])
    check(dtype, [10, 20], [40, 1], [20, 1])
    check(dtype, [37, 41], [1, 37], [41, 1])
    check(dtype, [37, 41], [41, 1], [1, 37])
    check(dtype, [37, 41], [-1, 50], [45, 1], fromStart: 36)
    check(dtype, [5, 6, 7], [42, 7, 1], [1, 5, 30])
    check(dtype, [5, 6, 7], [1, 35, 5], [42, 7, 1])
    check(dtype, [5, 6, 7], [1, 0, 5], [42, 7, 1])
    check(dtype, [3, 1, 4, 2], [8, 99, 2, 1], [8, 8, 2, 1])
    check(dtype, [7, 9], [0, 0], [9, 1])
    check(dtype, [6, 6], [7, 0], [6, 1])
  }

  @Test func windowsAreCompacted() {
    var v = (0..<24).map(Double.init)
    v.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let window = ArrayView(base: base, dtype: .float64, shape: [2, 2, 3], strides: [96, 32, 8])
      StridedCopy.compact(window, to: ArrayView(base: base, dtype: .float64, shape: [2, 2, 3]))
    }
    #expect(Array(v[..<12]) == [0, 1, 2, 4, 5, 6, 12, 13, 14, 16, 17, 18])
  }
}
