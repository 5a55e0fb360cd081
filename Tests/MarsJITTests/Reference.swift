import Glibc
import MarsBase
import MarsGraph

/// The scalar meaning of every `ExprOp`, written without regard to speed.
enum Reference {
  static func double(_ x: Bits, _ d: DType) -> Double { Scalar(dtype: d, low: x.low, high: x.high).asDouble }
  static func bits(_ x: Double, _ d: DType) -> Bits { Bits(low: Scalar(x).cast(to: d).low) }
  static func mask(_ d: DType) -> UInt64 { UInt64.max >> UInt64(64 - 8 * d.itemSize) }
  static func signed(_ x: Bits, _ d: DType) -> Int64 {
    let shift = Int64(64 - 8 * d.itemSize)
    return Int64(bitPattern: x.low << UInt64(shift)) >> shift
  }

  static func apply(_ i: Inst, _ operand: DType, _ a: Bits, _ b: Bits, _ c: Bits) -> Bits {
    let d = i.type
    switch i.op {
    case .select: return a.low & 0xff != 0 ? b : c
    case .cast:
      let s = Scalar(dtype: operand, low: a.low, high: a.high).cast(to: d)
      return Bits(low: s.low, high: s.high)
    case .bitcast: return a
    case .makeComplex: return d == .complex64 ? Bits(low: a.low | b.low << 32) : Bits(low: a.low, high: b.low)
    case .real: return operand == .complex64 ? Bits(low: a.low & 0xffff_ffff) : Bits(low: a.low)
    case .imag: return operand == .complex64 ? Bits(low: a.low >> 32) : Bits(low: a.high)
    case .philox: return Bits(low: philox(i, Int64(bitPattern: a.low), b.low, UInt32(c.low)))
    case .eq, .ne, .lt, .le: return Bits(low: compare(i.op, operand, a, b) ? 1 : 0)
    case .popcount:
      let v = operand.kind == .signed ? UInt64(signed(a, operand).magnitude) : a.low
      return Bits(low: UInt64((v & mask(operand)).nonzeroBitCount))
    case .isNaN: return Bits(low: double(a, operand).isNaN ? 1 : 0)
    case .isInf: return Bits(low: double(a, operand).isInfinite ? 1 : 0)
    case .isFinite: return Bits(low: double(a, operand).isFinite ? 1 : 0)
    case .signBit: return Bits(low: a.low >> UInt64(8 * operand.itemSize - 1) & 1)
    case .frexpExponent:
      var e: Int32 = 0
      let x = double(a, operand)
      if x.isFinite { _ = frexp(x, &e) }
      return Bits(low: UInt64(UInt32(bitPattern: e)))
    default: break
    }
    if d == .bool {
      switch i.op {
      case .and, .min, .mul: return Bits(low: a.low & b.low)
      case .or, .max, .add: return Bits(low: a.low | b.low)
      case .xor: return Bits(low: a.low ^ b.low)
      case .not: return Bits(low: a.low ^ 1)
      default: fatalError("\(i.op) of bool")
      }
    }
    if d == .float32 {
      return Bits(
        low: UInt64(
          float(
            i.op, Float(bitPattern: UInt32(a.low)), b, Float(bitPattern: UInt32(truncatingIfNeeded: b.low)),
            Float(bitPattern: UInt32(truncatingIfNeeded: c.low))
          ).bitPattern))
    }
    if d == .float64 {
      return Bits(low: double(i.op, Double(bitPattern: a.low), b, Double(bitPattern: b.low), Double(bitPattern: c.low)).bitPattern)
    }
    return Bits(low: integer(i.op, d, a, b) & mask(d))
  }

  static func compare(_ op: ExprOp, _ d: DType, _ a: Bits, _ b: Bits) -> Bool {
    func with<T: Comparable>(_ x: T, _ y: T) -> Bool {
      switch op {
      case .eq: x == y
      case .ne: x != y
      case .lt: x < y
      default: x <= y
      }
    }
    if d.isFloating { return with(double(a, d), double(b, d)) }
    return d.kind == .signed ? with(signed(a, d), signed(b, d)) : with(a.low, b.low)
  }

  static func integer(_ op: ExprOp, _ d: DType, _ a: Bits, _ b: Bits) -> UInt64 {
    let w = UInt64(8 * d.itemSize)
    let isSigned = d.kind == .signed
    let (x, y) = (signed(a, d), signed(b, d))
    let u = UInt64.init(bitPattern:)
    switch op {
    case .add: return a.low &+ b.low
    case .sub: return a.low &- b.low
    case .mul: return a.low &* b.low
    case .neg: return 0 &- a.low
    case .abs: return isSigned && x < 0 ? 0 &- a.low : a.low
    case .and: return a.low & b.low
    case .or: return a.low | b.low
    case .xor: return a.low ^ b.low
    case .not: return ~a.low
    case .min: return isSigned ? (x < y ? a.low : b.low) : Swift.min(a.low, b.low)
    case .max: return isSigned ? (x > y ? a.low : b.low) : Swift.max(a.low, b.low)
    case .shl: return b.low >= w ? 0 : a.low << b.low
    case .shr:
      if isSigned { return u(x >> Int64(b.low >= w ? 63 : b.low)) }
      return b.low >= w ? 0 : a.low >> b.low
    case .mulHigh: return w == 32 ? (a.low * b.low) >> 32 : a.low.multipliedFullWidth(by: b.low).high
    case .floorDiv, .mod, .fmod:
      if b.low == 0 { return 0 }
      if !isSigned { return op == .floorDiv ? a.low / b.low : a.low % b.low }
      if y == -1 { return op == .floorDiv ? 0 &- a.low : 0 }
      let (q, r) = (x / y, x % y)
      let wrong = op != .fmod && r != 0 && (r < 0) != (y < 0)
      return u(op == .floorDiv ? (wrong ? q - 1 : q) : wrong ? r + y : r)
    case .pow:
      if isSigned && y < 0 { return x == 1 ? 1 : x == -1 ? (y & 1 != 0 ? u(-1) : 1) : 0 }
      var (r, p, n) = (UInt64(1), a.low, b.low)
      while n != 0 {
        if n & 1 != 0 { r = r &* p }
        p = p &* p
        n >>= 1
      }
      return r
    default: fatalError("\(op) of integers")
    }
  }

  static func float(_ op: ExprOp, _ a: Float, _ raw: Bits, _ b: Float, _ c: Float) -> Float {
    switch op {
    case .fma: return fmaf(a, b, c)
    case .nextafter: return nextafterf(a, b)
    case .spacing:
      if !a.isFinite { return .nan }
      return a == 0 ? Float.leastNonzeroMagnitude : nextafterf(a, a < 0 ? -.infinity : .infinity) - a
    case .ldexp: return ldexpf(a, Int32(truncatingIfNeeded: raw.low))
    case .floorDiv: return divMod(a, b, fmodf(a, b), floorf).0
    case .mod: return divMod(a, b, fmodf(a, b), floorf).1
    default: return Float(double(op, Double(a), raw, Double(b), Double(c)))
    }
  }

  static func divMod<T: BinaryFloatingPoint>(_ a: T, _ b: T, _ m: T, _ floor: (T) -> T) -> (T, T) {
    if b == 0 { return (a / b, m) }
    var m = m
    var q = (a - m) / b
    if m != 0 {
      if (b < 0) != (m < 0) {
        m += b
        q -= 1
      }
    } else {
      m = T(signOf: b, magnitudeOf: 0)
    }
    if q != 0 {
      var f = floor(q)
      if q - f > 0.5 { f += 1 }
      return (f, m)
    }
    return (T(signOf: a / b, magnitudeOf: 0), m)
  }

  static func double(_ op: ExprOp, _ a: Double, _ raw: Bits, _ b: Double, _ c: Double) -> Double {
    switch op {
    case .add: return a + b
    case .sub: return a - b
    case .mul: return a * b
    case .div: return a / b
    case .floorDiv: return divMod(a, b, Glibc.fmod(a, b), Glibc.floor).0
    case .mod: return divMod(a, b, Glibc.fmod(a, b), Glibc.floor).1
    case .fmod: return Glibc.fmod(a, b)
    case .pow: return Double(Glibc.powl(Float80(a), Float80(b)))
    case .neg: return -a
    case .abs: return Swift.abs(a)
    case .fma: return Glibc.fma(a, b, c)
    case .min: return a.isNaN ? a : b.isNaN ? b : a < b ? a : b
    case .max: return a.isNaN ? a : b.isNaN ? b : a > b ? a : b
    case .fmin: return a.isNaN || b < a ? b : a
    case .fmax: return a.isNaN || b > a ? b : a
    case .sqrt: return a.squareRoot()
    case .cbrt: return Double(Glibc.cbrtl(Float80(a)))
    case .exp: return Double(Glibc.expl(Float80(a)))
    case .exp2: return Double(Glibc.exp2l(Float80(a)))
    case .expm1: return Double(Glibc.expm1l(Float80(a)))
    case .log: return Double(Glibc.logl(Float80(a)))
    case .log2: return Double(Glibc.log2l(Float80(a)))
    case .log10: return Double(Glibc.log10l(Float80(a)))
    case .log1p: return Double(Glibc.log1pl(Float80(a)))
    case .sin: return Double(Glibc.sinl(Float80(a)))
    case .cos: return Double(Glibc.cosl(Float80(a)))
    case .tan: return Double(Glibc.tanl(Float80(a)))
    case .asin: return Double(Glibc.asinl(Float80(a)))
    case .acos: return Double(Glibc.acosl(Float80(a)))
    case .atan: return Double(Glibc.atanl(Float80(a)))
    case .sinh: return Double(Glibc.sinhl(Float80(a)))
    case .cosh: return Double(Glibc.coshl(Float80(a)))
    case .tanh: return Double(Glibc.tanhl(Float80(a)))
    case .asinh: return Double(Glibc.asinhl(Float80(a)))
    case .acosh: return Double(Glibc.acoshl(Float80(a)))
    case .atanh: return Double(Glibc.atanhl(Float80(a)))
    case .floor: return Glibc.floor(a)
    case .ceil: return Glibc.ceil(a)
    case .trunc: return Glibc.trunc(a)
    case .rint: return Glibc.rint(a)
    case .atan2: return Double(Glibc.atan2l(Float80(a), Float80(b)))
    case .hypot: return Double(Glibc.hypotl(Float80(a), Float80(b)))
    case .copysign: return Glibc.copysign(a, b)
    case .nextafter: return Glibc.nextafter(a, b)
    case .ldexp: return Glibc.ldexp(a, Int32(truncatingIfNeeded: raw.low))
    case .spacing:
      if !a.isFinite { return .nan }
      return a == 0 ? Double.leastNonzeroMagnitude : Glibc.nextafter(a, a < 0 ? -.infinity : .infinity) - a
    case .frexpFraction:
      var e: Int32 = 0
      return a.isFinite ? Glibc.frexp(a, &e) : a
    default: fatalError("\(op) of floats")
    }
  }

  /// Philox4x32-10 by the book.
  static func block(_ counter: [UInt32], _ key: UInt64) -> [UInt32] {
    var c = counter
    var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) * UInt64(c[0])
      let p1 = UInt64(0xCD9E_8D57) * UInt64(c[2])
      c = [UInt32(p1 >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: p1), UInt32(p0 >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: p0)]
      k0 &+= 0x9E37_79B9
      k1 &+= 0xBB67_AE85
    }
    return c
  }

  static func philox(_ i: Inst, _ e: Int64, _ key: UInt64, _ stream: UInt32) -> UInt64 {
    let u = UInt64(e)
    let group: UInt64 = i.type == .uint32 ? 32 : 16
    let n = u / group * 8 + u % 8
    let w = block([UInt32(truncatingIfNeeded: n), UInt32(n >> 32), stream, UInt32(i.imm)], key)
    if i.type == .uint32 { return UInt64(w[Int(u % 32 / 8)]) }
    let h = u % 16 < 8 ? 0 : 2
    return UInt64(w[h]) | UInt64(w[h + 1]) << 32
  }
}
