import Glibc
import MarsBase
import MarsGraph
import TestSupport
import Testing

@testable import MarsJIT

/// Sums etc. over `axes` of one input of dtype `d`.
func reduction(_ kind: ReduceKind, _ d: DType, axes n: Int, over: [Int]) -> KernelSpec {
  let isArg = kind == .argmin || kind == .argmax
  var first = [Inst(.input, d)]
  if isArg { first.append(Inst(.element, .int64)) }
  var outputs = [KernelOutput(level: 1, value: 0, dtype: d)]
  var last = [Inst(.reduced, d, imm: 0)]
  if isArg {
    last.append(Inst(.reduced, .int64, imm: 1))
    outputs.append(KernelOutput(level: 1, value: 1, dtype: .int64))
  }
  return KernelSpec(
    axisCount: n,
    levels: [
      KernelLevel(program: Expr(first), reducers: [Reducer(kind, value: 0, index: isArg ? 1 : -1)], reducedAxes: over),
      KernelLevel(program: Expr(last)),
    ], inputs: [d], counterCount: isArg ? 1 : 0, scalars: [], outputs: outputs)
}

/// uniform(n, 2) ** 2 -> sum(axis=1) -> sqrt -> < 1 -> sum.
func piSpec() -> KernelSpec {
  let points: [Inst] = [
    Inst(.element, .int64), Inst(.scalar, .uint64, imm: 0), Inst(.scalar, .uint32, imm: 1), Inst(.philox, .uint64, 0, 1, 2),
    Inst(.constant, .uint64, imm: 11), Inst(.shr, .uint64, 3, 4), Inst(.cast, .float64, 5),
    Inst(.constant, .float64, imm: (0x1p-53).bitPattern), Inst(.mul, .float64, 6, 7), Inst(.mul, .float64, 8, 8),
  ]
  let inside: [Inst] = [
    Inst(.reduced, .float64), Inst(.sqrt, .float64, 0), Inst(.constant, .float64, imm: (1.0).bitPattern), Inst(.lt, .bool, 1, 2),
    Inst(.cast, .int64, 3),
  ]
  return KernelSpec(
    axisCount: 2,
    levels: [
      KernelLevel(program: Expr(points), reducers: [Reducer(.sum, value: 9)], reducedAxes: [1]),
      KernelLevel(program: Expr(inside), reducers: [Reducer(.sum, value: 4)], reducedAxes: [0]),
      KernelLevel(program: Expr([Inst(.reduced, .int64)])),
    ], inputs: [], counterCount: 1, scalars: [.uint64, .uint32], outputs: [KernelOutput(level: 2, value: 0, dtype: .int64)])
}

@Suite struct ReductionTests {
  static let cases: [([Int], [Int])] = [
    ([1000], [0]), ([0], [0]), ([1], [0]), ([5, 300], [1]), ([300, 5], [1]), ([300, 5], [0]), ([17, 2], [1]), ([40, 8], [1]),
    ([33, 3], [1]),
    ([6, 7, 40], [1]), ([6, 70, 4], [0, 2]), ([6, 7, 40], [0, 1, 2]), ([3, 0], [1]), ([0, 3], [1]), ([100, 40], [0]), ([2, 1, 3], [0, 1]),
    ([700, 3], [0, 1]), ([50, 9], [1]), ([37, 20], [1]), ([100, 40], [1]), ([21, 2, 13], [2]), ([3, 90, 7], [1]), ([90, 11], [0]),
    // Blocks of an arg reduction, vectors that overlap, strips of columns.
    ([2100], [0]), ([3, 1100], [1]), ([40, 300], [0]), ([20, 2300], [0]), ([90, 20], [0]),
  ]

  @Test(arguments: [DType.float64, .float32, .int32, .int64, .uint8, .int8, .uint64]) func kinds(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(17))
    var kinds: [ReduceKind] = [.sum, .prod, .min, .max, .argmin, .argmax]
    kinds += d.isFloating ? [.fmin, .fmax] : [.and, .or, .xor]
    for kind in kinds {
      for (extents, over) in Self.cases {
        let isSum = kind == .sum || kind == .prod
        let spec = reduction(kind, d, axes: extents.count, over: over)
        var r = SplitMix(UInt64(extents.reduce(0, +)))
        let tame: ((Int, [Int]) -> Bits)? =
          d.isFloating && isSum
          ? { _, _ in
            Bits(low: Scalar(kind == .sum ? Double(r.next() >> 11) * 0x1p-53 : 1 + Double(r.next() >> 11) * 0x1p-60).cast(to: d).low)
          } : nil
        let result = try h.check(
          spec, extents: extents, tolerance: d.isFloating ? (isSum ? (kind == .sum ? 12 : 800) : 0.3) : 0, values: tame)
        #expect(result.mismatches == 0, "\(kind) \(d) \(extents) over \(over): \(result.example)")
      }
    }
  }

  @Test func specialValuesSpread() throws {
    // NaN, infinities and signed zeros.
    var h = Harness(jit: sharedJIT, random: SplitMix(19))
    let zero = try h.check(reduction(.sum, .float64, axes: 1, over: [0]), extents: [100], values: { _, _ in Bits(low: (-0.0).bitPattern) })
    #expect(zero.mismatches == 0)
    for special in [Double.infinity, -.infinity, .nan] {
      let r = try h.check(
        reduction(.sum, .float64, axes: 1, over: [0]), extents: [5000],
        values: { _, i in
          Bits(low: (i[0] == 4321 ? special : 1).bitPattern)
        })
      #expect(r.mismatches == 0, "\(r.example)")
    }
  }

  /// Arg reductions of nothing but neutral elements name the first element, of NaNs the first NaN, of ties the first.
  @Test func argReductionsOfEqualElements() throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(71))
    for (extents, over) in Self.cases where !extents.contains(0) {
      for kind in [ReduceKind.argmax, .argmin] {
        for x: Double in [.infinity, -.infinity, 0] {
          for other: Double in [x, .nan] {
            let r = try h.check(
              reduction(kind, .float64, axes: extents.count, over: over), extents: extents,
              values: { _, i in Bits(low: (i.reduce(0, +) % 5 == 3 ? other : x).bitPattern) })
            #expect(r.mismatches == 0, "\(kind) of \(x), \(other) in \(extents) over \(over): \(r.example)")
          }
        }
        for edge: UInt64 in [1 << 63, (1 << 63) - 1] {
          let r = try h.check(
            reduction(kind, .int64, axes: extents.count, over: over), extents: extents, values: { _, _ in Bits(low: edge) })
          #expect(r.mismatches == 0, "\(kind) of int64 \(edge) in \(extents) over \(over): \(r.example)")
        }
      }
    }
  }

  /// The first extreme counts, wherever in the blocks it lies, and the first NaN before it.
  @Test func argReductionsFindTheFirst() throws {
    let n = 5000
    let x = UnsafeMutablePointer<Double>.allocate(capacity: n)
    defer { x.deallocate() }
    let k = sharedJIT.kernel(for: reduction(.argmax, .float64, axes: 1, over: [0]))
    var value = 0.0
    var index = -1
    func find() throws -> Int {
      try withUnsafeMutableBytes(of: &value) { v in
        try withUnsafeMutableBytes(of: &index) { i in
          try k.run(
            KernelArguments(
              extents: [n], inputs: [UnsafeMutableRawPointer(x)], outputs: [v.baseAddress!, i.baseAddress!], inputStrides: [8],
              outputStrides: [0, 0], counterBase: [0], counterStrides: [1]))
        }
      }
      return index
    }
    for p in [0, 1, 31, 32, 1023, 1024, 1025, 2047, 4095, 4096, 4967, 4968, 4999] {
      for i in 0..<n { x[i] = Double(i % 7) - 10 }
      x[p] = 5
      if p + 1 < n { x[n - 1] = 5 }
      #expect(try find() == p)
      for q in [0, p, n - 1] {
        let old = x[q]
        x[q] = .nan
        #expect(try find() == q)
        x[q] = old
      }
      for i in 0..<n { x[i] = -.infinity }
      #expect(try find() == 0)
      x[p] = -0.0
      x[n - 1] = 0.0
      #expect(try find() == p)
    }
  }

  /// Sums of rows, of few columns and of many, and of all: where results lie, and whether memory is asked for ahead, is no part of the order.
  @Test(arguments: [([3, 40, 128], [1]), ([3, 40, 600], [1]), ([5000], [0])]) func whereResultsLieChangesNoBit(
    _ shape: [Int], _ over: [Int]
  ) throws {
    let count = shape.reduce(1, *)
    let kept = shape.indices.map { over.contains($0) ? 1 : shape[$0] }
    let results = kept.reduce(1, *)
    let input = UnsafeMutablePointer<Double>.allocate(capacity: count)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8 * results + 64, alignment: 64)
    defer {
      input.deallocate()
      memory.deallocate()
    }
    var random = SplitMix(5)
    for i in 0..<count { input[i] = Double(Int64(bitPattern: random.next())) * 0x1p-40 }
    func strides(_ s: [Int]) -> [Int] { s.indices.map { i in s[i] == 1 ? 0 : 8 * s[(i + 1)...].reduce(1, *) } }
    let kernel = sharedJIT.kernel(for: reduction(.sum, .float64, axes: shape.count, over: over))
    var seen: Set<[UInt64]> = []
    for (offset, stream, ahead) in [(0, false, false), (0, true, false), (8, true, false), (0, false, true), (8, true, true)] {
      let output = (memory + offset).assumingMemoryBound(to: Double.self)
      try kernel.run(
        KernelArguments(
          extents: shape, inputs: [UnsafeMutableRawPointer(input)], outputs: [memory + offset], inputStrides: strides(shape),
          outputStrides: strides(kept), streamOutputs: stream, readAhead: ahead))
      seen.insert((0..<results).map { output[$0].bitPattern })
    }
    #expect(seen.count == 1)
  }

  /// Few columns are summed row by row, many in blocks of rows: a column's sum is the same however many stand beside it.
  @Test func columnsBesideChangeNoBit() throws {
    let (rows, many) = (53, 700)
    let input = UnsafeMutablePointer<Double>.allocate(capacity: rows * many)
    let sums = UnsafeMutablePointer<Double>.allocate(capacity: many)
    defer {
      input.deallocate()
      sums.deallocate()
    }
    var random = SplitMix(6)
    for i in 0..<rows * many { input[i] = Double(Int64(bitPattern: random.next())) * 0x1p-40 }
    let kernel = sharedJIT.kernel(for: reduction(.sum, .float64, axes: 2, over: [0]))
    func bits(_ columns: Int) throws -> [UInt64] {
      try kernel.run(
        KernelArguments(
          extents: [rows, columns], inputs: [UnsafeMutableRawPointer(input)], outputs: [UnsafeMutableRawPointer(sums)],
          inputStrides: [8 * many, 8], outputStrides: [0, 8]))
      return (0..<columns).map { sums[$0].bitPattern }
    }
    let all = try bits(many)
    for columns in [16, 37, 512, 513] { #expect(try bits(columns) == Array(all[..<columns])) }
  }

  @Test func longSumsStayExact() throws {
    // 10^6 values of 0.1 in float32: naive summation is off by thousands of ULP.
    var h = Harness(jit: sharedJIT, random: SplitMix(23))
    let spec = reduction(.sum, .float32, axes: 1, over: [0])
    let r = try h.check(
      spec, extents: [1_000_000], tolerance: 4, order: .c, broadcast: false,
      values: { _, _ in Bits(low: UInt64((0.1 as Float).bitPattern)) })
    #expect(r.mismatches == 0, "\(r.example)")
  }

  @Test func nestsOfThreeLevels() throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(29))
    // max over axis 2 of a*b, plus c, summed over axis 0, doubled; the row maxima are stored too.
    let d = DType.int64
    let spec = KernelSpec(
      axisCount: 3,
      levels: [
        KernelLevel(
          program: Expr([Inst(.input, d), Inst(.input, d, imm: 1), Inst(.mul, d, 0, 1)]),
          reducers: [Reducer(.max, value: 2), Reducer(.sum, value: 0)],
          reducedAxes: [2]),
        KernelLevel(
          program: Expr([Inst(.reduced, d), Inst(.reduced, d, imm: 1), Inst(.input, d, imm: 2), Inst(.add, d, 0, 2), Inst(.xor, d, 3, 1)]),
          reducers: [Reducer(.sum, value: 4)], reducedAxes: [0]),
        KernelLevel(program: Expr([Inst(.reduced, d), Inst(.add, d, 0, 0)])),
      ], inputs: [d, d, d], counterCount: 0, scalars: [],
      outputs: [
        KernelOutput(level: 1, value: 3, dtype: d), KernelOutput(level: 2, value: 1, dtype: d), KernelOutput(level: 0, value: 2, dtype: d),
      ])
    for s in shapes + [[20, 3, 2], [5, 40, 3], [100, 1, 40]] {
      for _ in 0..<6 {
        let r = try h.check(spec, extents: s)
        #expect(r.mismatches == 0, "\(s): \(r.example)")
      }
    }
  }

  @Test func monteCarloPi() throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(31))
    for n in [0, 1, 7, 16, 100, 1001] {
      for base in [0, 2, 6, 30, 13, 1 << 34] {
        let r = try h.check(piSpec(), extents: [n, 2], counterBase: base)
        #expect(r.mismatches == 0, "\(n) \(base): \(r.example)")
      }
    }
  }
}
