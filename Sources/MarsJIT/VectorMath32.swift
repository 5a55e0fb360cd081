import CLLVM
import MarsBase

/// Functions of float32 in lanes of float32.
///
/// Coefficients are weighted minimax fits, rounded one after the other to float32.  At most 2 ULP, special values as for float64.
extension IRValue {
  /// (e**r - 1 - r) / r**2 for |r| <= ln(2)/2.
  private static let expTail32: [Double] = [0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558b0p-5, 0x1.123986p-7, 0x1.6a4d46p-10]
  /// (2**t - 1) / t for |t| <= 1/2.
  private static let exp2Tail32: [Double] = [
    0x1.62e430p-1, 0x1.ebfbdcp-3, 0x1.c6af7ap-5, 0x1.3b2dd2p-7, 0x1.5f094ap-10, 0x1.417abap-13,
  ]
  /// (log(1 + f) - f + f**2/2) / f**3 for 1 + f between sqrt(1/2) and sqrt(2).
  private static let logTail32: [Double] = [
    0x1.555548p-2, -0x1.000006p-2, 0x1.99a478p-3, -0x1.555c4ep-3, 0x1.233b78p-3, -0x1.fc26acp-4, 0x1.e6c040p-4, -0x1.de1008p-4,
    0x1.1484e6p-4,
  ]
  /// (sin(r)/r - 1) / r**2 and (cos(r) - 1 + r**2/2) / r**4 in r**2, |r| <= pi/4.
  private static let sinTail32: [Double] = [-0x1.555556p-3, 0x1.111176p-7, -0x1.a05bb6p-13, 0x1.7cd642p-19]
  private static let cosTail32: [Double] = [0x1.555556p-5, -0x1.6c1762p-10, 0x1.a075e4p-16, -0x1.372256p-22]
  /// (tanh(x)/x - 1) / x**2 in x**2, |x| <= 0.5625.
  private static let tanhTail32: [Double] = [-0x1.555554p-2, 0x1.111082p-3, -0x1.b9f3c2p-5, 0x1.63beb8p-6, -0x1.0cc8aap-7, 0x1.1b07c8p-9]
  private static let ln2Single: (Double, Double) = (0x1.62e430p-1, -0x1.05c610p-29)
  /// ln 2 with a head of 16 bits, so that products with exponents are exact.
  private static let ln2Split32: (Double, Double) = (0x1.62e4p-1, 0x1.7f7d1cp-20)

  private func clamped32(_ low: Double, _ high: Double) -> IRValue {
    let x = b.select(b.fcmp(.olt, self, real(low)), real(low), self)
    return b.select(b.fcmp(.ogt, x, real(high)), real(high), x)
  }

  /// An integral float of small magnitude as int32; NaN gives some integer.
  private func smallInteger32() -> IRValue {
    let shifted = (self + real(0x1.8p23)).bitcast(b.i32)
    return shifted &- shifted.int(0x4b40_0000)
  }

  /// self * 2**n in two steps, so that subnormal results round once.
  private func scaled32(_ n: IRValue) -> IRValue {
    let first = n.ashr(1)
    return self * first.powerOfTwo(b.f32) * (n &- first).powerOfTwo(b.f32)
  }

  private func passingNaN32(_ x: IRValue) -> IRValue { b.select(x.isNaN(), x, self) }

  func exp32() -> IRValue {
    let x = clamped32(-120, 100)
    let n = (x * real(0x1.715476p+0)).rint()
    let r = fma(-n, real(IRValue.ln2Single.1), fma(-n, real(IRValue.ln2Single.0), x))
    let p = fma(r * r, polynomial(r, IRValue.expTail32), r) + real(1)
    return p.scaled32(n.smallInteger32())
  }

  func exp232() -> IRValue {
    let x = clamped32(-180, 140)
    let n = x.rint()
    let t = x - n
    return fma(t, polynomial(t, IRValue.exp2Tail32), real(1)).scaled32(n.smallInteger32())
  }

  func expm132() -> IRValue {
    let x = clamped32(-30, 100)
    let n = (x * real(0x1.715476p+0)).rint()
    let high = fma(-n, real(IRValue.ln2Single.0), x)
    let low = n * real(IRValue.ln2Single.1)
    let r = high - low
    let lost = (high - r) - low
    let p = fma(r * r, polynomial(r, IRValue.expTail32), lost) + r
    // 2**n p + (2**n - 1), halved so that 2**128 does not occur.
    let k = n.smallInteger32()
    let k1 = b.select(b.icmp(.sgt, k, k.int(128)), k.int(128), k)
    let h = (k1 &- k1.int(1)).powerOfTwo(b.f32)
    let y = fma(h, p, h - real(0.5))
    let r1 = b.select(b.fcmp(.one, n, real(0)), y + y, p)
    let r2 = b.select(b.fcmp(.ogt, self, real(89)), real(.infinity), r1)
    return b.select(b.fcmp(.oeq, self, real(0)), self, r2).passingNaN32(self)
  }

  /// self = m * 2**k with m in [sqrt(1/2), sqrt(2)), for positive finite values, subnormals too.
  private func splitExponent32() -> (m: IRValue, k: IRValue) {
    let isTiny = b.fcmp(.olt, self, real(0x1p-126))
    let x = b.select(isTiny, self * real(0x1p24), self)
    let raw = x.bitcast(b.i32)
    let k = (raw &- raw.int(0x3f35_04f3)).ashr(23)
    let m = (raw &- k.shl(23)).bitcast(b.f32)
    let kd = k.sitofp(b.f32)
    return (m, b.select(isTiny, kd - real(24), kd))
  }

  private func withLogEdges32(_ x: IRValue, zeroAt: Double) -> IRValue {
    var r = b.select(b.fcmp(.oeq, x, x.real(zeroAt)), real(-.infinity), self)
    r = b.select(b.fcmp(.olt, x, x.real(zeroAt)), real(.nan), r)
    return b.select(b.fcmp(.oeq, x, x.real(.infinity)), x, r).passingNaN32(x)
  }

  /// f**3 times the tail of log(1 + f) = f - f*f/2 + ...
  private func logRest32() -> IRValue { (self * self) * (self * polynomial(self, IRValue.logTail32)) }

  func log32() -> IRValue {
    let (m, k) = splitExponent32()
    let f = m - real(1)
    let half = (real(0.5) * f) * f
    let rest = fma(k, real(IRValue.ln2Split32.1), f.logRest32())
    return fma(k, real(IRValue.ln2Split32.0), f - (half - rest)).withLogEdges32(self, zeroAt: 0)
  }

  func log32(base: LogBase) -> IRValue {
    let (m, k) = splitExponent32()
    let f = m - real(1)
    let halfF = real(0.5) * f
    let square = halfF * f
    let squareLost = fma(halfF, f, -square)
    // log m as high + low.
    let high0 = f - square
    let low0 = ((f - high0) - square) - squareLost + f.logRest32()
    let high = high0 + low0
    let low = (high0 - high) + low0
    let (c0, c1): (Double, Double)
    switch base {
    case .two: (c0, c1) = (0x1.715476p+0, 0x1.4ae0c0p-26)
    case .ten: (c0, c1) = (0x1.bcb7b2p-2, -0x1.5b235ep-27)
    }
    let p = high * real(c0)
    let rest = fma(high, real(c0), -p) + fma(low, real(c0), high * real(c1))
    let (e0, e1): (IRValue, IRValue)
    switch base {
    case .two: (e0, e1) = (k, real(0))
    case .ten: (e0, e1) = (k * real(0x1.344p-2), k * real(0x1.3509f8p-18))
    }
    let sum = e0 + p
    let lost = (e0 - sum) + p
    // Where k is 0 the order of the two is the other way round, and e0 is nothing.
    let r = sum + (b.select(b.fcmp(.oeq, k, real(0)), real(0), lost) + (e1 + rest))
    return r.withLogEdges32(self, zeroAt: 0)
  }

  func log1p32() -> IRValue {
    let u = real(1) + self
    let (m, k) = u.splitExponent32()
    let isNear = b.fcmp(.oeq, k, real(0))
    // What the addition lost, relative to u.
    let lost = b.select(b.fcmp(.ogt, self, real(1)), real(1) - (u - self), self - (u - real(1)))
    let c = b.select(isNear | b.fcmp(.oge, self, real(0x1p30)), real(0), lost / u)
    let f = b.select(isNear, self, m - real(1))
    let half = (real(0.5) * f) * f
    let rest = fma(k, real(IRValue.ln2Split32.1), c) + f.logRest32()
    let r = fma(k, real(IRValue.ln2Split32.0), f - (half - rest))
    return b.select(b.fcmp(.oeq, self, real(0)), self, r.withLogEdges32(self, zeroAt: -1))
  }

  func tanh32() -> IRValue {
    let x = fabs()
    let z = x * x
    let near = fma(x * z, polynomial(z, IRValue.tanhTail32), x)
    let far = real(1) - real(2) / ((x + x).exp32() + real(1))
    return b.select(b.fcmp(.olt, x, real(0.5625)), near, far).copysign(self).passingNaN32(self)
  }

  /// sin (or cos) of a reduced argument h + l in quadrant q, an int32.
  func sinCosReduced32(_ l: IRValue, _ quadrant: IRValue, cosine: Bool) -> IRValue {
    let h = self
    let q = cosine ? quadrant &+ quadrant.int(1) : quadrant
    let z = h * h
    let s0 = h + fma(h * z, polynomial(z, IRValue.sinTail32), l)
    let s = b.select(b.fcmp(.oeq, h, h.real(0)), h, s0)
    let half = z * z.real(0.5)
    let w = z.real(1) - half
    let c = w + (((z.real(1) - w) - half) + fma(z * z, polynomial(z, IRValue.cosTail32), -(h * l)))
    let r = b.select(b.icmp(.ne, q & q.int(1), q.int(0)), c, s)
    return (r.bitcast(b.i32) ^ (q & q.int(2)).shl(30)).bitcast(b.f32)
  }
}

extension Emitter {
  /// sin or cos of float32: up to 2**20 the argument is reduced by pi/2 in three parts; lanes beyond as for float64.
  func sinCos32(_ x: IRValue, cosine: Bool) -> IRValue {
    let isHuge = b.fcmp(.oge, x.fabs(), x.real(0x1p20)) & b.fcmp(.olt, x.fabs(), x.real(.infinity))
    let inner = b.select(isHuge, x.real(0), x)
    let n = (inner * x.real(0x1.45f306p-1)).rint()
    let r0 = MarsJIT.fma(-n, x.real(0x1.921fb6p+0), inner)
    let p = n * x.real(-0x1.777a5cp-25)
    let pLost = MarsJIT.fma(n, x.real(-0x1.777a5cp-25), -p)
    let r1 = r0 - p
    let other = r1 - r0
    let lost = (r0 - (r1 - other)) - (p + other)
    let tail = (lost - pLost) - n * x.real(-0x1.ee59dap-50)
    let q0 = (n + x.real(0x1.8p23)).bitcast(b.i32)
    let (high, low, quadrant) = (b.slot(x.type), b.slot(x.type), b.slot(q0.type))
    b.store(r1, high)
    b.store(tail, low)
    b.store(q0, quadrant)
    b.when(b.any(isHuge)) {
      let wide = x.fpext(self.b.f64)
      let wideQuadrant = q0.sext(self.b.i64)
      let (h, l, q) = (self.b.slot(wide.type), self.b.slot(wide.type), self.b.slot(wideQuadrant.type))
      self.b.store(r1.fpext(self.b.f64), h)
      self.b.store(tail.fpext(self.b.f64), l)
      self.b.store(wideQuadrant, q)
      self.reduceHuge(wide, isHuge, h, l, q)
      let exact = self.b.load(wide.type, h)
      let rounded = exact.fptrunc(self.b.f32)
      let rest = (exact - rounded.fpext(self.b.f64)).fptrunc(self.b.f32)
      self.b.store(self.b.select(isHuge, rounded, r1), high)
      self.b.store(self.b.select(isHuge, rest, tail), low)
      self.b.store(self.b.load(wideQuadrant.type, q).trunc(self.b.i32), quadrant)
    }
    let result = b.load(x.type, high).sinCosReduced32(b.load(x.type, low), b.load(q0.type, quadrant), cosine: cosine)
    // The reduction loses the sign of zero.
    return cosine ? result : b.select(b.fcmp(.oeq, x, x.real(0)), x, result)
  }
}
