import CBLAS
import MarsBase
import MarsNumerics
import Testing

/// Memory of a test, in C order.
final class Memory {
  let view: ArrayView
  init(_ shape: [Int], _ d: DType) {
    let n = max(1, shape.reduce(1, *)) * d.itemSize
    let p = UnsafeMutableRawPointer.allocate(byteCount: n, alignment: 16)
    p.initializeMemory(as: UInt8.self, repeating: 0xCD, count: n)
    view = ArrayView(base: p, dtype: d, shape: shape)
  }
  convenience init<T: BitwiseCopyable>(_ shape: [Int], _ d: DType, _ values: [T]) {
    self.init(shape, d)
    for (i, v) in values.enumerated() { view.base.storeBytes(of: v, toByteOffset: i * d.itemSize, as: T.self) }
  }
  deinit { view.base.deallocate() }
  func values<T: BitwiseCopyable>(_: T.Type) -> [T] {
    (0..<view.count).map { view.base.loadUnaligned(fromByteOffset: $0 * view.dtype.itemSize, as: T.self) }
  }
}

@Suite struct MatrixProductTests {
  private let a: [Double] = [1, 2, 3, 4, 5, 6]
  private let b: [Double] = [1, 0, 2, 1, 3, 1, 0, 2, 1, 1, 1, 1]

  @Test func everyLayoutGivesTheSame() throws {
    let x = Memory([2, 3], .float64, a)
    let y = Memory([3, 4], .float64, b)
    let xt = Memory([3, 2], .float64, [1, 4, 2, 5, 3, 6] as [Double])
    let wide = Memory([2, 6], .float64, a.flatMap { [$0, -1] })
    let layouts = [x.view, xt.view.permuted([1, 0]), wide.view.sliced(axis: 1, start: 0, step: 2, count: 3)]
    let expected = (0..<2).flatMap { i in (0..<4).map { j in (0..<3).reduce(0.0) { $0 + a[i * 3 + $1] * b[$1 * 4 + j] } } }
    for l in layouts {
      let c = Memory([2, 4], .float64)
      try MatrixProduct.multiply(l, y.view, into: c.view, accumulate: false)
      #expect(c.values(Double.self) == expected)
      let t = Memory([4, 2], .float64)
      try MatrixProduct.multiply(l, y.view, into: t.view.permuted([1, 0]), accumulate: false)
      #expect(t.values(Double.self) == [0, 4, 1, 5, 2, 6, 3, 7].map { expected[$0] })
      let s = Memory([2, 8], .float64)
      try MatrixProduct.multiply(l, y.view, into: s.view.sliced(axis: 1, start: 0, step: 2, count: 4), accumulate: false)
      #expect((0..<8).map { s.values(Double.self)[$0 * 2] } == expected)
    }
  }

  @Test func accumulates() throws {
    let x = Memory([1, 2], .float32, [1, 2] as [Float])
    let y = Memory([2, 1], .float32, [3, 4] as [Float])
    let c = Memory([1, 1], .float32, [100] as [Float])
    try MatrixProduct.multiply(x.view, y.view, into: c.view, accumulate: true)
    #expect(c.values(Float.self) == [111])
    try MatrixProduct.multiply(x.view, y.view, into: c.view, accumulate: false)
    #expect(c.values(Float.self) == [11])
  }

  @Test func integersWrapAndBoolIsLogic() throws {
    let x = Memory([1, 2], .int8, [100, 100] as [Int8])
    let y = Memory([2, 1], .int8, [2, 1] as [Int8])
    let c = Memory([1, 1], .int8)
    try MatrixProduct.multiply(x.view, y.view, into: c.view, accumulate: false)
    #expect(c.values(Int8.self) == [Int8(truncatingIfNeeded: 300)])
    let p = Memory([1, 2], .bool, [1, 0] as [UInt8])
    let q = Memory([2, 2], .bool, [0, 1, 1, 1] as [UInt8])
    let r = Memory([1, 2], .bool)
    try MatrixProduct.multiply(p.view, q.view, into: r.view, accumulate: false)
    #expect(r.values(UInt8.self) == [0, 1])
  }

  @Test func halvesRoundOnce() throws {
    // 2048 + 1 + 1 in float16 would stay 2048 if every sum were rounded.
    let x = Memory([1, 3], .float16, [2048, 1, 1] as [Float16])
    let y = Memory([3, 1], .float16, [1, 1, 1] as [Float16])
    let c = Memory([1, 1], .float16)
    try MatrixProduct.multiply(x.view, y.view, into: c.view, accumulate: false)
    #expect(c.values(Float16.self) == [2050])
  }

  @Test func complexProduct() throws {
    let x = Memory([1, 2], .complex128, [ComplexElement<Double>(1, 2), ComplexElement<Double>(0, 1)])
    let y = Memory([2, 1], .complex128, [ComplexElement<Double>(3, -1), ComplexElement<Double>(2, 2)])
    let c = Memory([1, 1], .complex128)
    try MatrixProduct.multiply(x.view, y.view, into: c.view, accumulate: false)
    let v = c.values(ComplexElement<Double>.self)[0]
    #expect(v.re == 3 && v.im == 7)
  }

  @Test func emptyContractionIsZero() throws {
    let c = Memory([2, 2], .float64)
    try MatrixProduct.multiply(Memory([2, 0], .float64).view, Memory([0, 2], .float64).view, into: c.view, accumulate: false)
    #expect(c.values(Double.self) == [0, 0, 0, 0])
  }

  @Test func hostsThreadSettingIsRestored() throws {
    // Other tests may be inside BLAS at the same time.
    let before = BLASThreads.hostThreads
    var inside: Int32 = 0
    BLASThreads.single {
      inside = openblas_get_num_threads()
      #expect(BLASThreads.hostThreads == before)
    }
    #expect(inside == 1)
    #expect(BLASThreads.hostThreads == before)
  }
}
