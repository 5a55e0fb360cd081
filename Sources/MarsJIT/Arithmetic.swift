import CLLVM
import MarsBase
import MarsGraph

/// Element-wise operations.  Every input is defined as `ExprOp` says: nothing here may reach LLVM's undefined behaviour.
extension Emitter {
  func arithmetic(_ op: ExprOp, _ d: DType, _ operand: DType, _ x: IRValue, _ y: IRValue?, _ z: IRValue?) throws(MarsError) -> IRValue {
    let isFloat = d.isFloating
    let isSigned = d.kind == .signed
    switch op {
    case .add: return isFloat ? x + y! : x &+ y!
    case .sub: return isFloat ? x - y! : x &- y!
    case .mul: return isFloat ? x * y! : x &* y!
    case .div: return x / y!
    case .floorDiv: return isFloat ? floatDivMod(d, x, y!).0 : integerDivMod(d, x, y!).0
    case .mod: return isFloat ? floatDivMod(d, x, y!).1 : integerDivMod(d, x, y!).1
    case .fmod: return isFloat ? floatFmod(d, x, y!) : integerTruncDiv(d, x, y!).1
    case .pow: return isFloat ? viaDouble(d, x, y!) { self.sleef(MARS_SLEEF_POW, [$0, $1]) } : try integerPow(d, x, y!)
    case .neg: return isFloat ? -x : x.int(0) &- x
    case .abs:
      if isFloat { return x.fabs() }
      return isSigned ? b.select(b.icmp(.slt, x, x.int(0)), x.int(0) &- x, x) : x
    case .fma: return MarsJIT.fma(x, y!, z!)
    case .min: return minimum(d, x, y!)
    case .max: return maximum(d, x, y!)
    case .fmin: return b.select(x.isNaN() | b.fcmp(.olt, y!, x), y!, x)
    case .fmax: return b.select(x.isNaN() | b.fcmp(.ogt, y!, x), y!, x)
    case .eq: return operand.isFloating ? b.fcmp(.oeq, x, y!) : b.icmp(.eq, x, y!)
    case .ne: return operand.isFloating ? b.fcmp(.une, x, y!) : b.icmp(.ne, x, y!)
    case .lt: return operand.isFloating ? b.fcmp(.olt, x, y!) : b.icmp(operand.kind == .signed ? .slt : .ult, x, y!)
    case .le: return operand.isFloating ? b.fcmp(.ole, x, y!) : b.icmp(operand.kind == .signed ? .sle : .ule, x, y!)
    case .and: return x & y!
    case .or: return x | y!
    case .xor: return x ^ y!
    case .not: return ~x
    case .shl, .shr:
      let n = y!
      let width = n.int(8 * d.itemSize)
      let inRange = b.icmp(.ult, n, width)
      if op == .shr && isSigned { return x.ashr(b.select(inRange, n, n.int(8 * d.itemSize - 1))) }
      let safe = b.select(inRange, n, n.int(0))
      let r = op == .shl ? x.shl(safe) : x.lshr(safe)
      return b.select(inRange, r, r.int(0))
    case .mulHigh: return mulHigh(d, x, y!)
    case .popcount:
      let magnitude = operand.kind == .signed ? b.select(b.icmp(.slt, x, x.int(0)), x.int(0) &- x, x) : x
      let n = magnitude.popcount()
      return operand.itemSize == 1 ? n : n.trunc(b.i8)
    case .sqrt: return x.sqrt()
    case .floor: return x.floor()
    case .ceil: return x.ceil()
    case .trunc: return x.truncated()
    case .rint: return x.rint()
    case .exp: return d == .float32 ? x.exp32() : x.exp()
    case .exp2: return d == .float32 ? x.exp232() : x.exp2()
    case .expm1: return d == .float32 ? x.expm132() : x.expm1()
    case .log: return d == .float32 ? x.log32() : x.log()
    case .log2: return d == .float32 ? x.log32(base: .two) : x.log(base: .two)
    case .log10: return d == .float32 ? x.log32(base: .ten) : x.log(base: .ten)
    case .log1p: return d == .float32 ? x.log1p32() : x.log1p()
    case .sin: return d == .float32 ? sinCos32(x, cosine: false) : sinCos(x, cosine: false)
    case .cos: return d == .float32 ? sinCos32(x, cosine: true) : sinCos(x, cosine: true)
    case .tanh: return d == .float32 ? x.tanh32() : x.tanh()
    case .sinh: return viaDouble(d, x) { $0.sinh() }
    case .cosh: return viaDouble(d, x) { $0.cosh() }
    case .asinh: return viaDouble(d, x) { $0.asinh() }
    case .acosh: return viaDouble(d, x) { $0.acosh() }
    case .atanh: return viaDouble(d, x) { $0.atanh() }
    case .tan: return viaDouble(d, x) { self.sleef(MARS_SLEEF_TAN, [$0]) }
    case .asin: return viaDouble(d, x) { self.sleef(MARS_SLEEF_ASIN, [$0]) }
    case .acos: return viaDouble(d, x) { self.sleef(MARS_SLEEF_ACOS, [$0]) }
    case .atan: return viaDouble(d, x) { self.sleef(MARS_SLEEF_ATAN, [$0]) }
    case .cbrt: return viaDouble(d, x) { self.sleef(MARS_SLEEF_CBRT, [$0]) }
    case .atan2: return viaDouble(d, x, y!) { self.sleef(MARS_SLEEF_ATAN2, [$0, $1]) }
    case .hypot: return viaDouble(d, x, y!) { $0.hypot($1) }
    case .copysign: return x.copysign(y!)
    case .nextafter: return x.nextafter(y!)
    case .spacing: return x.spacing()
    case .ldexp: return x.ldexp(y!)
    case .frexpFraction: return x.frexp().fraction
    case .frexpExponent: return x.frexp().exponent
    case .isNaN: return x.isNaN()
    case .isInf: return b.fcmp(.oeq, x.fabs(), x.real(.infinity))
    case .isFinite: return b.fcmp(.olt, x.fabs(), x.real(.infinity))
    case .signBit:
      let bits = x.bitcast(x.bits == 32 ? b.i32 : b.i64)
      return b.icmp(.slt, bits, bits.int(0))
    case .input, .scalar, .constant, .element, .reduced, .select, .cast, .bitcast, .makeComplex, .real, .imag, .philox:
      throw MarsError(.internal, "\(op) is not arithmetic")
    }
  }

  func minimum(_ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    if d.isFloating { return b.select(x.isNaN(), x, b.select(b.fcmp(.olt, x, y), x, y)) }
    return b.select(b.icmp(d.kind == .signed ? .slt : .ult, x, y), x, y)
  }
  func maximum(_ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    if d.isFloating { return b.select(x.isNaN(), x, b.select(b.fcmp(.ogt, x, y), x, y)) }
    return b.select(b.icmp(d.kind == .signed ? .sgt : .ugt, x, y), x, y)
  }

  /// The rarer functions of float32 are computed in float64 and rounded: correct but for rare ties.
  private func viaDouble(_ d: DType, _ x: IRValue, _ f: (IRValue) -> IRValue) -> IRValue {
    d == .float64 ? f(x) : f(x.fpext(b.f64)).fptrunc(b.f32)
  }
  private func viaDouble(_ d: DType, _ x: IRValue, _ y: IRValue, _ f: (IRValue, IRValue) -> IRValue) -> IRValue {
    let (x, y) = b.unify(x, y)
    return d == .float64 ? f(x, y) : f(x.fpext(b.f64), y.fpext(b.f64)).fptrunc(b.f32)
  }

  // Integer division.

  /// Quotient rounded towards zero and remainder; 0 and 0 for divisor 0, MIN and 0 for MIN / -1.
  private func integerTruncDiv(_ d: DType, _ x: IRValue, _ y: IRValue) -> (IRValue, IRValue) {
    let (x, y) = b.unify(x, y)
    let isZero = b.icmp(.eq, y, y.int(0))
    let quotient: IRValue
    if d.itemSize <= 4 {
      // Exact in double: the quotient of 32-bit integers never rounds across an integer.
      let safe = b.select(isZero, y.int(1), y)
      if d.kind == .signed {
        // MIN / -1 needs one bit more.
        quotient = (x.sitofp(b.f64) / safe.sitofp(b.f64)).fptosi(b.i64).trunc(b.type(d))
      } else {
        quotient = (x.uitofp(b.f64) / safe.uitofp(b.f64)).fptosi(b.i64).trunc(b.type(d))
      }
    } else {
      quotient = longQuotient(d, x, b.select(isZero, y.int(1), y))
    }
    let q = b.select(isZero, x.int(0), quotient)
    let r = b.select(isZero, x.int(0), x &- q &* y)
    return (q, r)
  }

  /// Quotient of 64-bit integers rounded towards zero, for divisors other than 0.
  ///
  /// Vectors have no such division: where all lanes are small it is that of doubles, which is exact as for 32 bits.
  private func longQuotient(_ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    let isSigned = d.kind == .signed
    let largest = 1 << 52
    func isSmall(_ v: IRValue) -> IRValue {
      isSigned ? b.icmp(.ult, v &+ v.int(largest), v.int(2 * largest)) : b.icmp(.ult, v, v.int(largest))
    }
    let result = b.slot(x.type)
    let (short, long, after) = (b.block(), b.block(), b.block())
    b.branch(b.any(~(isSmall(x) & isSmall(y))), long, short)
    b.position(short)
    let q = isSigned ? x.sitofp(b.f64) / y.sitofp(b.f64) : x.uitofp(b.f64) / y.uitofp(b.f64)
    b.store(q.fptosi(b.i64), result)
    b.branch(after)
    b.position(long)
    if isSigned {
      // MIN / -1 needs one bit more.
      let isMinusOne = b.icmp(.eq, y, y.int(-1))
      b.store(b.select(isMinusOne, x.int(0) &- x, x.sdiv(b.select(isMinusOne, y.int(1), y))), result)
    } else {
      b.store(x.udiv(y), result)
    }
    b.branch(after)
    b.position(after)
    return b.load(x.type, result)
  }

  private func integerDivMod(_ d: DType, _ x: IRValue, _ y: IRValue) -> (IRValue, IRValue) {
    let (q, r) = integerTruncDiv(d, x, y)
    guard d.kind == .signed else { return (q, r) }
    let wrong = b.icmp(.ne, r, r.int(0)) & b.icmp(.slt, r ^ y, r.int(0))
    return (b.select(wrong, q &- q.int(1), q), b.select(wrong, r &+ y, r))
  }

  private func integerPow(_ d: DType, _ x: IRValue, _ y: IRValue) throws(MarsError) -> IRValue {
    let (x, y) = b.unify(x, y)
    let (power, result, rest) = (b.slot(x.type), b.slot(x.type), b.slot(x.type))
    b.store(x, power)
    b.store(x.int(1), result)
    let isNegative = d.kind == .signed ? b.icmp(.slt, y, y.int(0)) : nil
    b.store(isNegative.map { b.select($0, y.int(0), y) } ?? y, rest)
    let (head, body, after) = (b.block(), b.block(), b.block())
    b.branch(head)
    b.position(head)
    let n = b.load(x.type, rest)
    b.branch(b.any(b.icmp(.ne, n, n.int(0))), body, after)
    b.position(body)
    let p = b.load(x.type, power)
    let r = b.load(x.type, result)
    b.store(b.select(b.icmp(.ne, n & n.int(1), n.int(0)), r &* p, r), result)
    b.store(p &* p, power)
    b.store(n.lshr(1), rest)
    b.branch(head)
    b.position(after)
    let whole = b.load(x.type, result)
    guard let isNegative else { return whole }
    let isOdd = b.icmp(.ne, y & y.int(1), y.int(0))
    let one = x.int(1)
    let minus = b.select(b.icmp(.eq, x, x.int(-1)), b.select(isOdd, x.int(-1), one), x.int(0))
    return b.select(isNegative, b.select(b.icmp(.eq, x, one), one, minus), whole)
  }

  private func mulHigh(_ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    if d == .uint32 { return (x.zext(b.i64) &* y.zext(b.i64)).lshr(32).trunc(b.i32) }
    let low = x.word(0xffff_ffff)
    let (x0, x1, y0, y1) = (x & low, x.lshr(32), y & low, y.lshr(32))
    let p00 = x0 &* y0
    let p01 = x0 &* y1
    let p10 = x1 &* y0
    let middle = p00.lshr(32) &+ (p01 & low) &+ (p10 & low)
    return x1 &* y1 &+ p01.lshr(32) &+ p10.lshr(32) &+ middle.lshr(32)
  }

  // Float remainder.

  /// C's fmod.  Exact where the quotient is below 2**53; the rest goes to the C library, which is exact too.
  private func floatFmod(_ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    let (x, y) = b.unify(x, y)
    if d == .float32 { return floatFmod(.float64, x.fpext(b.f64), y.fpext(b.f64)).fptrunc(b.f32) }
    let (p, q) = (x.fabs(), y.fabs())
    let quotient = p / q
    let n = quotient.truncated()
    var r = MarsJIT.fma(-n, q, p)
    r = b.select(b.fcmp(.olt, r, r.real(0)), r + q, r)
    r = b.select(b.fcmp(.oeq, q, q.real(.infinity)) & b.fcmp(.olt, p, p.real(.infinity)), p, r)
    r = r.copysign(x)
    let result = b.slot(r.type)
    b.store(r, result)
    let isHard =
      b.fcmp(.oge, quotient, n.real(0x1p53)) & b.fcmp(.olt, p, p.real(.infinity)) & b.fcmp(.ogt, q, q.real(0))
    b.when(b.any(isHard)) {
      // Only where it is hard: a NaN of the library may have another sign, and lanes must not depend on their neighbours.
      self.b.store(self.b.select(isHard, self.perLane(MARS_MATH_FMOD, [x, y]), r), result)
    }
    return b.load(r.type, result)
  }

  /// NumPy's npy_divmod: floor quotient and remainder with the sign of the divisor.
  private func floatDivMod(_ d: DType, _ x: IRValue, _ y: IRValue) -> (IRValue, IRValue) {
    let (x, y) = b.unify(x, y)
    let m = floatFmod(d, x, y)
    let zero = x.real(0)
    let isDivisorZero = b.fcmp(.oeq, y, zero)
    let q = (x - m) / y
    let isExact = b.fcmp(.oeq, m, zero)
    let differ = ~isExact & (b.fcmp(.olt, y, zero) ^ b.fcmp(.olt, m, zero))
    let mod = b.select(isExact, zero.copysign(y), b.select(differ, m + y, m))
    let div = b.select(differ, q - q.real(1), q)
    var whole = div.floor()
    whole = b.select(b.fcmp(.ogt, div - whole, div.real(0.5)), whole + whole.real(1), whole)
    let quotient = b.select(b.fcmp(.oeq, div, zero), zero.copysign(x / y), whole)
    return (b.select(isDivisorZero, x / y, quotient), b.select(isDivisorZero, m, mod))
  }
}
