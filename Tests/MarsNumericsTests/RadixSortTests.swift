import MarsBase
import MarsNumerics
import Testing

/// Sorting, order statistics and searches against plain comparisons, for values that are spread in every way that the routines tell apart.
@Suite struct RadixSortTests {
  /// A fixed sequence of numbers that look random.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  static let lengths = [1, 2, 24, 25, 200, 2047, 5000, 70_000]

  /// Values by a name, so that a failure says which.
  static let spreads: [(String, @Sendable (Int, UInt64) -> Double)] = [
    ("even", { _, r in Double(r >> 11) * 0x1p-53 }),
    ("around zero", { _, r in (Double(r >> 11) * 0x1p-53 - 0.5) * (r & 1 == 0 ? 1e-300 : 1) }),
    ("many scales", { _, r in Double(sign: r & 1 == 0 ? .plus : .minus, exponent: Int(r >> 40) % 2000 - 1000, significand: 1.5) }),
    ("one value", { _, _ in 7 }),
    ("few values", { _, r in Double(r >> 32 & 3) }),
    ("zeros of both signs", { _, r in [0.0, -0.0, 1, -1][Int(r >> 32 & 3)] }),
    ("bunches", { _, r in Double(bitPattern: (r >> 63) << 52 | 0x3FE0_0000_0000_0000 | (r >> 40 & 0xFFFFF)) }),
    ("bunches in bunches", { _, r in r >> 40 & 7 == 0 ? Double(r >> 11) : Double(bitPattern: 0x4000_0000_0000_0000 | (r >> 30 & 0xFFF)) }),
    ("ascending", { i, _ in Double(i) }),
    ("descending", { i, _ in -Double(i) }),
    ("with NaN", { _, r in r >> 40 & 7 == 0 ? .nan : Double(r >> 44) }),
    ("NaN only", { _, _ in .nan }),
    ("infinities", { _, r in [.infinity, -.infinity, .nan, 0][Int(r >> 32 & 3)] }),
  ]

  private static func values(_ spread: Int, _ n: Int) -> [Double] {
    var g = Numbers(state: UInt64(spread * 1000 + n))
    return (0..<n).map { spreads[spread].1($0, g.next()) }
  }
  /// NaN last, and stable.
  private static func order(_ x: [Double]) -> [Int] {
    x.indices.sorted { a, b in
      if x[a] < x[b] || (x[b].isNaN && !x[a].isNaN) { return true }
      if x[b] < x[a] || (x[a].isNaN && !x[b].isNaN) { return false }
      return a < b
    }
  }
  private static func bits(_ x: [Double]) -> [UInt64] { x.map { $0.isNaN ? 0 : $0.bitPattern } }

  @Test(arguments: spreads.indices, lengths) func doubles(spread: Int, n: Int) throws {
    let values = Self.values(spread, n)
    let order = Self.order(values)
    let x = Memory([n], .float64, values)
    let (y, i) = (Memory([n], .float64), Memory([n], .int64))
    try Ordering.sort(x.view, into: y.view, axis: 0)
    #expect(Self.bits(y.values(Double.self)) == Self.bits(order.map { values[$0] }), "sort, \(Self.spreads[spread].0)")
    try Ordering.argsort(x.view, into: i.view, axis: 0)
    #expect(i.values(Int64.self).map(Int.init) == order, "argsort, \(Self.spreads[spread].0)")
    let places = [n / 2, 0, n - 1, n / 3, n / 2, n / 2 + 1, -5, n + 5]
    let s = Memory([places.count], .float64)
    try OrderStatistics.find(x.view, places: places, into: s.view, axis: 0, workspace: nil)
    for (place, found) in zip(places, s.values(Double.self)) {
      let expected = values[order[max(0, min(n - 1, place))]]
      #expect(found == expected || (found.isNaN && expected.isNaN), "place \(place), \(Self.spreads[spread].0)")
    }
  }

  @Test(arguments: [(DType.float32, 4), (.float16, 2), (.bfloat16, 2), (.int8, 1), (.uint16, 2), (.int32, 4), (.uint64, 8), (.int64, 8)])
  func otherTypes(dtype: DType, size: Int) throws {
    // Bits of any kind, NaNs of all kinds among them; a generic comparison is the reference.
    let n = 3000
    var g = Numbers(state: UInt64(size))
    let bytes = (0..<n * size).map { _ in UInt8(truncatingIfNeeded: g.next() >> 33) }
    let x = Memory([n], dtype)
    x.view.base.copyMemory(from: bytes, byteCount: bytes.count)
    let (y, i) = (Memory([n], dtype), Memory([n], .int64))
    try Ordering.sort(x.view, into: y.view, axis: 0)
    try Ordering.argsort(x.view, into: i.view, axis: 0)
    let read = try #require(dtype.number)
    let order = i.values(Int64.self).map(Int.init)
    #expect(order.sorted() == Array(0..<n))
    for k in 0..<n {
      let (a, b) = (read(x.view.base + order[k] * size), read(y.view.base + k * size))
      if !a.isNaN { #expect((0..<size).allSatisfy { bytes[order[k] * size + $0] == (y.view.base + k * size + $0).load(as: UInt8.self) }) }
      #expect(a == b || (a.isNaN && b.isNaN))
      if k > 0 {
        let last = read(x.view.base + order[k - 1] * size)
        #expect(last < a || (last == a && order[k - 1] < order[k]) || (a.isNaN && !last.isNaN) || (a.isNaN && order[k - 1] < order[k]))
      }
    }
  }

  @Test func lanesThatLieApart() throws {
    let shape = [37, 5, 19]
    var g = Numbers(state: 5)
    let values = (0..<37 * 5 * 19).map { _ in Double(g.next() >> 50) }
    let x = Memory(shape, .float64, values)
    for axis in 0..<3 {
      let (y, i) = (Memory(shape, .float64), Memory(shape, .int64))
      try Ordering.sort(x.view, into: y.view, axis: axis)
      try Ordering.argsort(x.view, into: i.view, axis: axis)
      var kept = shape
      kept[axis] = 2
      let s = Memory(kept, .float64)
      try OrderStatistics.find(x.view, places: [1, shape[axis] / 2], into: s.view, axis: axis, workspace: nil)
      func lane(_ m: Memory, _ o: Int) -> ArrayView { m.view.permuted([axis] + (0..<3).filter { $0 != axis }) }
      let (a, b, c, d) = (lane(x, 0), lane(y, 0), lane(i, 0), lane(s, 0))
      for j in 0..<a.shape[1] {
        for k in 0..<a.shape[2] {
          func at<T: BitwiseCopyable>(_ v: ArrayView, _ i: Int, _: T.Type) -> T {
            (v.base + i * v.strides[0] + j * v.strides[1] + k * v.strides[2]).load(as: T.self)
          }
          let given = (0..<a.shape[0]).map { at(a, $0, Double.self) }
          let order = Self.order(given)
          #expect((0..<a.shape[0]).map { at(b, $0, Double.self) } == order.map { given[$0] })
          #expect((0..<a.shape[0]).map { Int(at(c, $0, Int64.self)) } == order)
          #expect([at(d, 0, Double.self), at(d, 1, Double.self)] == [given[order[1]], given[order[shape[axis] / 2]]])
        }
      }
    }
  }
}
