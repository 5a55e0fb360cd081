import Glibc
import MarsBase
import MarsGraph
import TestSupport
import Testing

@testable import MarsJIT

@Suite struct MathTests {
  static let unary: [ExprOp] = [
    .exp, .exp2, .expm1, .log, .log2, .log10, .log1p, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh, .acosh, .atanh,
    .cbrt,
  ]
  static let specials: [Double] = [
    0, -0.0, 1, -1, 0.5, -0.5, 2, -2, .infinity, -.infinity, .nan, Double.leastNonzeroMagnitude, -Double.leastNonzeroMagnitude,
    Double.leastNormalMagnitude, Double.greatestFiniteMagnitude, -Double.greatestFiniteMagnitude, 709.7, 709.9, 710.4, 711, -708, -745,
    -746, 1024,
    1023.5, -1074, -1075, -1022, 1e-8, -1e-8, 1e-300, 0x1p52, 0x1p53, 0x1p54, 0x1p1023, 3.141592653589793, 1.5707963267948966, 1e22, 0x1p30,
    1e300,
    -1e300, 0.9999999999999999, 1.0000000000000002, -0.9999999999999999, 6_381_956_970_095_103 * 0x1p797, 0.5625, 1e10, 1e155,
  ]

  /// Arguments over the whole range of a function, with more of them where it is interesting.
  static func sample(_ r: inout SplitMix) -> Double {
    let u = Double(r.next() >> 11) * 0x1p-53
    switch r.below(8) {
    case 0: return specials[r.below(specials.count)]
    case 1: return Double(bitPattern: r.next())
    case 2: return (u - 0.5) * 1500
    case 3: return (u - 0.5) * 4
    case 4: return u
    case 5: return 1 + (u - 0.5) * 0.01
    case 6: return Glibc.ldexp(u - 0.5, Int32(r.below(80)) - 40)
    default: return (u - 0.5) * 40
    }
  }

  @Test(arguments: unary) func withinTwoUlp(_ op: ExprOp) throws {
    for d in [DType.float64, .float32] {
      var h = Harness(jit: sharedJIT, random: SplitMix(37))
      var r = SplitMix(41)
      let spec = map([d], out: d, [Inst(.input, d), Inst(op, d, 0)])
      let result = try h.check(spec, extents: [40000], tolerance: 2, values: { _, _ in Bits(low: Scalar(Self.sample(&r)).cast(to: d).low) })
      #expect(result.mismatches == 0, "\(op) \(d): \(result.mismatches) of 40000, \(result.example)")
    }
  }

  @Test(arguments: [ExprOp.pow, .atan2, .hypot]) func withinTwoUlpOfTwo(_ op: ExprOp) throws {
    for d in [DType.float64, .float32] {
      var h = Harness(jit: sharedJIT, random: SplitMix(43))
      var r = SplitMix(47)
      let spec = map([d, d], out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(op, d, 0, 1)])
      let result = try h.check(spec, extents: [40000], tolerance: 2, values: { _, _ in Bits(low: Scalar(Self.sample(&r)).cast(to: d).low) })
      #expect(result.mismatches == 0, "\(op) \(d): \(result.mismatches) of 40000, \(result.example)")
    }
  }

  /// One lane, whole vectors and masked ends give the same bits.
  @Test(arguments: unary) func sameBitsInEveryPath(_ op: ExprOp) throws {
    let d = DType.float64
    let kernel = sharedJIT.kernel(for: map([d], out: d, [Inst(.input, d), Inst(op, d, 0)]))
    var r = SplitMix(53)
    let n = 333
    let x = UnsafeMutablePointer<Double>.allocate(capacity: n)
    let y = UnsafeMutablePointer<Double>.allocate(capacity: n)
    let z = UnsafeMutablePointer<Double>.allocate(capacity: 1)
    defer {
      x.deallocate()
      y.deallocate()
      z.deallocate()
    }
    for i in 0..<n { x[i] = Self.sample(&r) }
    try kernel.run(KernelArguments(extents: [n], inputs: [x], outputs: [y], inputStrides: [8], outputStrides: [8]))
    for i in 0..<n {
      try kernel.run(KernelArguments(extents: [1], inputs: [x + i], outputs: [z], inputStrides: [8], outputStrides: [8]))
      #expect(z[0].bitPattern == y[i].bitPattern || z[0].isNaN && y[i].isNaN, "\(op)(\(x[i]))")
    }
  }

  /// AVX2 code and code for this processor give the same bits.
  @Test(arguments: unary + [.pow, .atan2, .hypot, .mod, .floorDiv, .frexpFraction, .spacing])
  func sameBitsOnEveryProcessor(_ op: ExprOp) throws {
    let baseline = JIT(options: JITOptions(baseline: true))
    for d in [DType.float64, .float32] {
      let spec = map([d, d], out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(op, d, 0, 1)])
      var r = SplitMix(61)
      let n = 3001
      let size = d.itemSize
      let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * n * 8, alignment: 64)
      defer { memory.deallocate() }
      for i in 0..<2 * n { Harness.write(Bits(low: Scalar(Self.sample(&r)).cast(to: d).low), memory + i * size, d) }
      for (k, jit) in [sharedJIT, baseline].enumerated() {
        try jit.kernel(for: spec).run(
          KernelArguments(
            extents: [n], inputs: [memory, memory + n * size], outputs: [memory + (2 + k) * n * size], inputStrides: [size, size],
            outputStrides: [size]))
      }
      for i in 0..<n {
        let (x, y) = (Harness.read(memory + (2 * n + i) * size, d), Harness.read(memory + (3 * n + i) * size, d))
        let isNaN = Scalar(dtype: d, low: x.low).asDouble.isNaN && Scalar(dtype: d, low: y.low).asDouble.isNaN
        #expect(x == y || isNaN, "\(op) \(d) number \(i)")
      }
    }
  }
}
