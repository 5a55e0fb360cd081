import CVectorSort
import Glibc
import MarsBase
import MarsNumerics
import Testing

/// Sorting by vectors against sorting by digits: every bit is the same, NaNs and zeros of both signs included.
@Suite(.enabled(if: Ordering.hasVectors, "this processor has no AVX-512")) struct VectorSortTests {
  /// Bits of element i of n from random bits.
  static let spreads: [(String, @Sendable (Int, Int, UInt64) -> UInt64)] = [
    ("any bits", { _, _, r in r }),
    // Of floats: numbers around one, and no NaN.
    ("numbers", { _, _, r in (r & 0x800F_FFFF_807F_FFFF) | 0x3FF0_0000_3F80_0000 }),
    ("one value", { _, _, _ in 0x4000_0000_4000_0000 }),
    ("ascending", { i, _, _ in UInt64(i) << 32 | UInt64(i) }),
    ("descending", { i, n, _ in UInt64(n - i) << 32 | UInt64(n - i) }),
    ("few values", { _, _, r in (r >> 32 & 3) << 32 | (r >> 32 & 3) }),
    ("one among others", { i, n, r in i == n / 2 ? 5 << 32 | 5 : 0x3FF0_0000_3F80_0000 | (r & 1) }),
    // NaN, both infinities, zeros of both signs, the least and the largest integer.
    (
      "extremes",
      { _, _, r in
        [0x7FF8_0000_7FC0_0000, 0x7FF0_0000_7F80_0000, 0xFFF0_0000_FF80_0000, 0, 0x8000_0000_8000_0000, .max, 0x7FFF_FFFF_7FFF_FFFF, 1][
          Int(r >> 40 & 7)]
      }
    ),
    ("zeros of both signs", { _, _, r in [0, 0x8000_0000_8000_0000, 0x3FF0_0000_3F80_0000][Int(r >> 40) % 3] }),
    ("saw", { i, _, _ in UInt64(i % 129) << 32 | UInt64(i % 129) }),
  ]
  static let dtypes: [DType] = [.float64, .int64, .uint64, .float32, .int32, .uint32]

  /// All lengths of networks and tails of vectors, and some of which pivots are chosen in other ways.
  private static let lengths = Array(1...300) + [511, 1023, 1024, 5000, 20_021]

  @Test(arguments: dtypes, spreads.indices) func everyBitIsThatOfDigits(dtype: DType, spread: Int) throws {
    let size = dtype.itemSize
    let most = try #require(Self.lengths.max())
    let x = Memory([most], dtype)
    let (a, b) = (Memory([most], dtype), Memory([most], dtype))
    var state = UInt64(spread + 1)
    for n in Self.lengths {
      for i in 0..<n {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let bits = Self.spreads[spread].1(i, n, state ^ (state >> 29))
        (x.view.base + i * size).storeBytes(of: bits, as: UInt64.self, size: size)
      }
      func part(_ m: Memory) -> ArrayView { m.view.sliced(axis: 0, start: 0, step: 1, count: n) }
      try Ordering.sort(part(x), into: part(a), axis: 0, byVectors: true)
      try Ordering.sort(part(x), into: part(b), axis: 0, byVectors: false)
      #expect(memcmp(a.view.base, b.view.base, n * size) == 0, "\(n) elements, \(Self.spreads[spread].0)")
    }
  }

  @Test(arguments: [0, 1, 3]) func whatPivotsDoNotDivideIsSortedToo(depth: Int32) {
    for n in [0, 1, 128, 129, 1000, 5003] {
      let values = (0..<n).map { Int64(bitPattern: UInt64($0) &* 0x9E37_79B9_7F4A_7C15) >> Int64($0 % 3 * 20) }
      var keys = values
      var scratch = [Int64](repeating: 0, count: n)
      vector_sort_64(&keys, &scratch, n, vector_sort_signed, depth)
      #expect(keys == values.sorted())
      var short = values.map { Int32(truncatingIfNeeded: $0) }
      var rest = [Int32](repeating: 0, count: n)
      vector_sort_32(&short, &rest, n, vector_sort_signed, depth)
      #expect(short == values.map { Int32(truncatingIfNeeded: $0) }.sorted())
    }
  }

  @Test(arguments: dtypes) func lanesWithStrides(dtype: DType) throws {
    let size = dtype.itemSize
    let x = Memory([3 * 700], dtype)
    for i in 0..<3 * 700 { (x.view.base + i * size).storeBytes(of: UInt64(i * 7919 % 2100) &* 0x1_0000_0001, as: UInt64.self, size: size) }
    let (a, b) = (Memory([700], dtype), Memory([700], dtype))
    let every = x.view.sliced(axis: 0, start: 2, step: 3, count: 700)
    try Ordering.sort(every, into: a.view, axis: 0, byVectors: true)
    try Ordering.sort(every, into: b.view, axis: 0, byVectors: false)
    #expect(memcmp(a.view.base, b.view.base, 700 * size) == 0)
  }
}

extension UnsafeMutableRawPointer {
  /// Stores the low half of 64 bits, or all of them.
  fileprivate func storeBytes(of bits: UInt64, as _: UInt64.Type, size: Int) {
    if size == 4 {
      storeBytes(of: UInt32(truncatingIfNeeded: bits), as: UInt32.self)
    } else {
      storeBytes(of: bits, as: UInt64.self)
    }
  }
}
