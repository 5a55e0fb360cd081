import Glibc
import MarsBase
import MarsGraph
import TestSupport
import Testing

@testable import MarsJIT

/// Runs a spec compiled and interpreted on the same random arrays and compares.
struct Harness {
  let jit: JIT
  var random: SplitMix

  enum Order { case c, f, strided, reversed }

  /// A buffer in which `shape` lies somehow; `used` axes have stride 0 otherwise.
  final class Operand {
    let memory: UnsafeMutableRawPointer
    let bytes: Int
    var base: UnsafeMutableRawPointer
    var strides: [Int]
    init(shape: [Int], used: [Bool], item: Int, order: Order, misalign: Int) {
      let gap = order == .strided ? 3 : 1
      strides = [Int](repeating: 0, count: shape.count)
      var s = item * gap
      let axes = order == .f ? Array(shape.indices) : Array(shape.indices.reversed())
      for a in axes where used[a] {
        strides[a] = s
        s *= max(shape[a], 1)
        if order == .strided { s += item }
      }
      bytes = s + 64 + misalign * item
      memory = .allocate(byteCount: bytes, alignment: 64)
      memset(memory, 0xAB, bytes)
      base = memory + misalign * item
      if order == .reversed, let a = shape.indices.first(where: { used[$0] && shape[$0] > 0 }) {
        base += strides[a] * (shape[a] - 1)
        strides[a] = -strides[a]
      }
    }
    deinit { memory.deallocate() }
    func at(_ index: [Int]) -> UnsafeMutableRawPointer {
      var p = base
      for a in index.indices { p += strides[a] * index[a] }
      return p
    }
  }

  static func read(_ p: UnsafeMutableRawPointer, _ d: DType) -> Bits {
    switch d.itemSize {
    case 1:
      let v = UInt64(p.load(as: UInt8.self))
      return Bits(low: d == .bool ? (v != 0 ? 1 : 0) : v)
    case 2: return Bits(low: UInt64(p.loadUnaligned(as: UInt16.self)))
    case 4: return Bits(low: UInt64(p.loadUnaligned(as: UInt32.self)))
    case 8: return Bits(low: p.loadUnaligned(as: UInt64.self))
    default: return Bits(low: p.loadUnaligned(as: UInt64.self), high: (p + 8).loadUnaligned(as: UInt64.self))
    }
  }
  static func write(_ v: Bits, _ p: UnsafeMutableRawPointer, _ d: DType) {
    withUnsafeBytes(of: v.low) { p.copyMemory(from: $0.baseAddress!, byteCount: min(8, d.itemSize)) }
    if d.itemSize == 16 { withUnsafeBytes(of: v.high) { (p + 8).copyMemory(from: $0.baseAddress!, byteCount: 8) } }
  }

  /// Values with a good share of edges.
  mutating func value(_ d: DType) -> Bits {
    switch d {
    case .bool: return Bits(low: [0, 1, 1, 7][random.below(4)])
    case .float16: return Bits(low: random.next() & 0xffff)
    case .bfloat16: return Bits(low: random.next() & 0xffff)
    case .float32: return Bits(low: Scalar(real()).cast(to: .float32).low)
    case .float64: return Bits(low: real().bitPattern)
    case .complex64: return Bits(low: Scalar(real()).cast(to: .float32).low | Scalar(real()).cast(to: .float32).low << 32)
    case .complex128: return Bits(low: real().bitPattern, high: real().bitPattern)
    default:
      let m = Reference.mask(d)
      switch random.below(6) {
      case 0: return Bits(low: [0, 1, m, m >> 1, (m >> 1) + 1, 2][random.below(6)])
      case 1, 2, 3: return Bits(low: UInt64(bitPattern: Int64(random.below(40)) - 20) & m)
      default: return Bits(low: random.next() & m)
      }
    }
  }
  mutating func real() -> Double {
    switch random.below(12) {
    case 0: return [0, -0.0, 1, -1, .infinity, -.infinity, .nan, 0.5, 2, 1e300, Double.leastNonzeroMagnitude, -0x1p-1030][random.below(12)]
    case 1: return Double(random.below(2000) - 1000)
    case 2: return Double(bitPattern: random.next())
    default: return (Double(random.next() >> 11) * 0x1p-53 - 0.5) * [1, 4, 100][random.below(3)]
    }
  }

  struct Result {
    var mismatches = 0
    var worstUlp = 0.0
    var example = ""
  }

  /// Distance in units in the last place; huge where one is NaN and the other not.
  static func ulp(_ a: Bits, _ b: Bits, _ d: DType) -> Double {
    func one(_ x: UInt64, _ y: UInt64, _ d: DType) -> Double {
      let (p, q) = (Scalar(dtype: d, low: x).asDouble, Scalar(dtype: d, low: y).asDouble)
      if p.isNaN || q.isNaN { return p.isNaN && q.isNaN ? 0 : 1e300 }
      if p == q { return (p == 0 && p.sign != q.sign) ? 0.25 : 0 }
      if p.isInfinite || q.isInfinite { return 1e300 }
      let u: Double
      switch d {
      case .float16: u = Double(Float16(q).ulp)
      case .bfloat16: u = Double(Float(q).ulp) * 65536
      case .float32: u = Double(Float(q).ulp)
      default: u = q.ulp
      }
      return Swift.abs(p - q) / u
    }
    switch d {
    case .complex64: return max(one(a.low & 0xffff_ffff, b.low & 0xffff_ffff, .float32), one(a.low >> 32, b.low >> 32, .float32))
    case .complex128: return max(one(a.low, b.low, .float64), one(a.high, b.high, .float64))
    default: return d.isFloating ? one(a.low, b.low, d) : a == b ? 0 : 1e300
    }
  }

  /// `tolerance` in ULP; with `sumScale` the error may also be that many epsilons of the sum of magnitudes.
  mutating func check(
    _ spec: KernelSpec, extents: [Int], tolerance: Double = 0, absolute: Double = 0, order: Order? = nil, broadcast: Bool = true,
    counterBase: Int? = nil, values: ((Int, [Int]) -> Bits)? = nil, stream: Bool = false
  ) throws -> Result {
    let n = spec.axisCount
    let orders: [Order] = [.c, .c, .f, .strided, .reversed]
    var level = [Int](repeating: spec.levels.count - 1, count: n)
    for (l, k) in spec.levels.enumerated() { for a in k.reducedAxes { level[a] = l } }
    // The levels at which an input is used decide which axes it may have.
    var inputLevel = [Int](repeating: 0, count: spec.inputs.count)
    for (l, k) in spec.levels.enumerated() { for i in k.program.insts where i.op == .input { inputLevel[Int(i.imm)] = l } }
    var ins: [Operand] = []
    for (i, d) in spec.inputs.enumerated() {
      let used = (0..<n).map { a in level[a] >= inputLevel[i] && (!broadcast || random.below(5) > 0) }
      let o = Operand(
        shape: extents, used: used, item: d.itemSize, order: order ?? orders[random.below(5)], misalign: stream ? 0 : random.below(4))
      var index = [Int](repeating: 0, count: n)
      fill(o, d, extents, used, 0, &index, i, values)
      ins.append(o)
    }
    let outs = spec.outputs.map { out in
      Operand(
        shape: extents, used: (0..<n).map { level[$0] >= out.level }, item: out.dtype.itemSize, order: order ?? orders[random.below(5)],
        misalign: stream ? 0 : random.below(4))
    }
    var counterStrides: [Int] = []
    var bases: [Int] = []
    for _ in 0..<spec.counterCount {
      bases.append(counterBase ?? random.below(3) * random.below(1 << 40))
      if random.below(4) == 0 && n > 0 {
        counterStrides += (0..<n).map { _ in random.below(100) }
      } else {
        counterStrides += Shape.rowMajorStrides(extents)
      }
    }
    let scalars = spec.scalars.map { d -> Scalar in
      let v = value(d)
      return Scalar(dtype: d, low: v.low & (d == .bool ? 1 : .max), high: v.high)
    }
    let arguments = KernelArguments(
      extents: extents, inputs: ins.map(\.base), outputs: outs.map(\.base), inputStrides: ins.flatMap(\.strides),
      outputStrides: outs.flatMap(\.strides), counterBase: bases, counterStrides: counterStrides, scalars: scalars, streamOutputs: stream)
    let before = outs.map { o in [UInt8](UnsafeRawBufferPointer(start: o.memory, count: o.bytes)) }
    var result = Result()
    // Optimised code and code of the first tier write the same bits.
    try optimisingJIT.kernel(for: spec).run(arguments)
    let optimised = outs.map { o in [UInt8](UnsafeRawBufferPointer(start: o.memory, count: o.bytes)) }
    for (o, bytes) in zip(outs, before) { bytes.withUnsafeBytes { o.memory.copyMemory(from: $0.baseAddress!, byteCount: o.bytes) } }
    try jit.kernel(for: spec).run(arguments)
    for (o, out) in outs.enumerated() where !optimised[o].elementsEqual(UnsafeRawBufferPointer(start: out.memory, count: out.bytes)) {
      // NaNs may differ in sign and payload.
      let d = spec.outputs[o].dtype
      optimised[o].withUnsafeBytes { other in
        var at = out.base - out.memory
        at %= d.itemSize
        while at + d.itemSize <= out.bytes {
          let (x, y) = (Harness.read(out.memory + at, d), Harness.read(UnsafeMutableRawPointer(mutating: other.baseAddress! + at), d))
          if x != y && !(d.isFloating || d.isComplex ? Harness.ulp(x, y, d) == 0 : false) {
            result.mismatches += 1
            result.example = "output \(o) of \(extents): tiers differ at byte \(at)"
          }
          at += d.itemSize
        }
      }
    }
    // Nothing but the elements of the outputs may have changed.
    for (o, out) in outs.enumerated() {
      var after = [UInt8](UnsafeRawBufferPointer(start: out.memory, count: out.bytes))
      let used = (0..<n).map { level[$0] >= spec.outputs[o].level }
      restore(out, spec.outputs[o].dtype.itemSize, extents, used, before[o], &after)
      if after != before[o] {
        result.mismatches += 1
        result.example = "output \(o) of \(extents) was written outside its elements"
      }
    }
    let interpreter = Interpreter(
      spec: spec, extents: extents, input: { Harness.read(ins[$0].at($1), spec.inputs[$0]) },
      counter: { c, index in
        var e = bases[c]
        for a in index.indices { e += index[a] * counterStrides[c * n + a] }
        return e
      }, scalars: scalars,
      output: { o, index, expected in
        let d = spec.outputs[o].dtype
        let got = Harness.read(outs[o].at(index), d)
        let e = Harness.ulp(got, expected, d)
        let near =
          absolute > 0 && d.isFloating
          && Swift.abs(Scalar(dtype: d, low: got.low).asDouble - Scalar(dtype: d, low: expected.low).asDouble) <= absolute
        if e < 1e200 { result.worstUlp = max(result.worstUlp, e) }
        if e > tolerance && !near && !(tolerance > 0 && e == 0.25) {
          if result.mismatches == 0 {
            let inputs = ins.indices.map { i in
              "\(Scalar(dtype: spec.inputs[i], low: Harness.read(ins[i].at(index), spec.inputs[i]).low).wide)"
            }
            result.example =
              "out \(o) at \(index) of \(extents): got \(Scalar(dtype: d, low: got.low, high: got.high).wide), expected \(Scalar(dtype: d, low: expected.low, high: expected.high).wide), inputs \(inputs), scalars \(scalars.map(\.wide))"
          }
          result.mismatches += 1
        }
      })
    interpreter.run()
    return result
  }

  private func restore(_ o: Operand, _ item: Int, _ extents: [Int], _ used: [Bool], _ before: [UInt8], _ after: inout [UInt8]) {
    var index = [Int](repeating: 0, count: extents.count)
    if zip(extents, used).contains(where: { $0 == 0 && $1 }) { return }
    while true {
      let at = o.at(index) - o.memory
      for i in at..<at + item { after[i] = before[i] }
      var a = extents.count - 1
      while a >= 0 {
        index[a] += 1
        if used[a] && index[a] < extents[a] { break }
        index[a] = 0
        a -= 1
      }
      if a < 0 { return }
    }
  }

  private mutating func fill(
    _ o: Operand, _ d: DType, _ extents: [Int], _ used: [Bool], _ axis: Int, _ index: inout [Int], _ number: Int,
    _ values: ((Int, [Int]) -> Bits)?
  ) {
    if axis == extents.count {
      Harness.write(values.map { $0(number, index) } ?? value(d), o.at(index), d)
      return
    }
    for i in 0..<(used[axis] ? extents[axis] : min(1, extents[axis])) {
      index[axis] = i
      fill(o, d, extents, used, axis + 1, &index, number, values)
    }
    index[axis] = 0
  }
}

let sharedJIT = JIT(options: JITOptions(verify: true, optimiseFrom: .max))
let optimisingJIT = JIT(options: JITOptions(verify: true, optimiseFrom: 0))

/// A one-level spec: inputs of the given dtypes, one instruction (or more), result stored.
func map(_ inputs: [DType], axes: Int = 1, scalars: [DType] = [], counters: Int = 0, out: DType, _ insts: [Inst]) -> KernelSpec {
  KernelSpec(
    axisCount: axes, levels: [KernelLevel(program: Expr(insts))], inputs: inputs, counterCount: counters, scalars: scalars,
    outputs: [KernelOutput(level: 0, value: Int32(insts.count - 1), dtype: out)])
}

let sizes: [[Int]] = [[0], [1], [5], [16], [37], [200]]
let shapes: [[Int]] = [[1, 1, 1], [3, 1, 17], [2, 3, 40], [7, 33, 2], [4, 16, 16], [0, 3, 4], [40, 3, 5]]

@Suite struct ElementwiseTests {
  static let integers: [DType] = [.int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64]

  @Test(arguments: integers) func integerOperations(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(UInt64(d.rawValue)))
    var ops: [ExprOp] = [.add, .sub, .mul, .floorDiv, .mod, .fmod, .pow, .min, .max, .and, .or, .xor, .shl, .shr]
    if d == .uint32 || d == .uint64 { ops.append(.mulHigh) }
    for op in ops {
      let spec = map([d, d], out: d, [Inst(.input, d, imm: 0), Inst(.input, d, imm: 1), Inst(op, d, 0, 1)])
      for s in sizes {
        let r = try h.check(spec, extents: s)
        #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
      }
    }
    for op in [ExprOp.neg, .abs, .not] {
      let r = try h.check(map([d], out: d, [Inst(.input, d), Inst(op, d, 0)]), extents: [200])
      #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
    }
    let r = try h.check(map([d], out: .uint8, [Inst(.input, d), Inst(.popcount, .uint8, 0)]), extents: [200])
    #expect(r.mismatches == 0, "popcount \(d): \(r.example)")
  }

  @Test func comparisons() throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(3))
    for d in DType.allCases where !d.isComplex && !d.isHalf {
      for op in [ExprOp.eq, .ne, .lt, .le] {
        let r = try h.check(
          map([d, d], out: .bool, [Inst(.input, d, imm: 0), Inst(.input, d, imm: 1), Inst(op, .bool, 0, 1)]), extents: [200])
        #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
      }
    }
  }

  @Test(arguments: [DType.float32, .float64]) func exactFloatOperations(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(5))
    for op in [ExprOp.add, .sub, .mul, .div, .floorDiv, .mod, .fmod, .min, .max, .fmin, .fmax, .copysign, .nextafter] {
      let spec = map([d, d], out: d, [Inst(.input, d, imm: 0), Inst(.input, d, imm: 1), Inst(op, d, 0, 1)])
      for s in sizes + [[3000]] {
        let r = try h.check(spec, extents: s, tolerance: op == .min || op == .max || op == .fmin || op == .fmax ? 0.3 : 0)
        #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
      }
    }
    for op in [ExprOp.neg, .abs, .sqrt, .floor, .ceil, .trunc, .rint, .spacing, .frexpFraction] {
      let r = try h.check(map([d], out: d, [Inst(.input, d), Inst(op, d, 0)]), extents: [3000])
      #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
    }
    for op in [ExprOp.isNaN, .isInf, .isFinite, .signBit] {
      let r = try h.check(map([d], out: .bool, [Inst(.input, d), Inst(op, .bool, 0)]), extents: [3000])
      #expect(r.mismatches == 0, "\(op) \(d): \(r.example)")
    }
    let exponent = try h.check(map([d], out: .int32, [Inst(.input, d), Inst(.frexpExponent, .int32, 0)]), extents: [3000])
    #expect(exponent.mismatches == 0, "\(exponent.example)")
    let ldexp = map([d, .int32], out: d, [Inst(.input, d), Inst(.input, .int32, imm: 1), Inst(.ldexp, d, 0, 1)])
    let fma = map(
      [d, d, d], out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(.input, d, imm: 2), Inst(.fma, d, 0, 1, 2)])
    for spec in [ldexp, fma] {
      let r = try h.check(spec, extents: [3000])
      #expect(r.mismatches == 0, "\(r.example)")
    }
  }

  @Test(arguments: DType.allCases) func casts(_ from: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(7))
    for to in DType.allCases {
      let r = try h.check(map([from], out: to, [Inst(.input, from), Inst(.cast, to, 0)]), extents: [700])
      #expect(r.mismatches == 0, "\(from) -> \(to): \(r.example)")
    }
  }

  @Test(arguments: DType.allCases) func selectAndLayouts(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(11))
    let spec = map(
      [.bool, d], axes: 3, scalars: [d], out: d,
      [Inst(.input, .bool), Inst(.input, d, imm: 1), Inst(.scalar, d), Inst(.select, d, 0, 1, 2)])
    for s in shapes {
      for _ in 0..<4 {
        let r = try h.check(spec, extents: s)
        #expect(r.mismatches == 0, "\(d): \(r.example)")
      }
    }
  }
}

@Suite struct LayoutTests {
  /// Streaming stores, transposed reads in tiles with ragged edges, and several operands at once.
  @Test(arguments: DType.allCases) func streamsAndTransposes(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(59))
    let spec = map(
      [d, d], axes: 2, out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(.input, .bool, imm: 2), Inst(.select, d, 2, 0, 1)])
    var three = spec
    three.inputs = [d, d, .bool]
    for s in [[64, 64], [70, 45], [9, 100], [100, 9], [8, 8]] {
      let streamed = try h.check(three, extents: s, order: .c, broadcast: false, stream: true)
      #expect(streamed.mismatches == 0, "\(d): \(streamed.example)")
      for _ in 0..<4 {
        let r = try h.check(three, extents: s)
        #expect(r.mismatches == 0, "\(d): \(r.example)")
      }
    }
  }
}

@Suite struct PhiloxTests {
  @Test func knownAnswers() {
    #expect(Reference.block([0, 0, 0, 0], 0) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    let ones = UInt32.max
    #expect(Reference.block([ones, ones, ones, ones], .max) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      Reference.block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], 0x299f_31d0_a409_3822)
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test(arguments: [DType.uint64, .uint32]) func anyRunOfElements(_ d: DType) throws {
    var h = Harness(jit: sharedJIT, random: SplitMix(13))
    let spec = map(
      [], axes: 2, scalars: [.uint64, .uint32], counters: 1, out: d,
      [Inst(.element, .int64), Inst(.scalar, .uint64), Inst(.scalar, .uint32, imm: 1), Inst(.philox, d, 0, 1, 2, imm: 3)])
    for s in [[1, 1], [1, 100], [7, 13], [5, 64], [3, 33], [2, 0]] {
      for base in [0, 1, 15, 16, 31, 12345, 1 << 40] {
        let r = try h.check(spec, extents: s, counterBase: base)
        #expect(r.mismatches == 0, "\(d) base \(base): \(r.example)")
      }
    }
  }
}
