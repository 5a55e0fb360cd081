import CLLVM
import MarsBase

/// Functions of float64 in lanes, by polynomials with fma: the same bits on every processor.
///
/// Coefficients are Chebyshev fits computed in 60 digits; reductions are those of Cody and Waite.  At most 2 ULP.
extension IRValue {
  /// (e**r - 1 - r) / r**2 for |r| <= ln(2)/2.
  static let expTail: [Double] = [
    0x1.0000000000000p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100dcp-7, 0x1.6c16c16c162d4p-10, 0x1.a01a01abe7fe1p-13,
    0x1.a01a01a6d889cp-16, 0x1.71de0231960ebp-19, 0x1.27e4db646b17ep-22, 0x1.af4de97ca4194p-26, 0x1.1f730349868cep-29,
  ]
  /// (2 atanh(s)/s - 2) / s**2 as a polynomial in s**2, |s| <= 0.172.
  static let logTail: [Double] = [
    0x1.5555555555558p-1, 0x1.9999999995273p-2, 0x1.2492492dfd86cp-2, 0x1.c71c62d5e53e0p-3, 0x1.7462b91b8df65p-3, 0x1.39fdcceb4bb45p-3,
    0x1.2b5f68a50d903p-3,
  ]
  /// (tanh(x)/x - 1) / x**2 in x**2, |x| <= 0.5625.
  static let tanhTail: [Double] = [
    -0x1.5555555555555p-2, 0x1.1111111110fbep-3, -0x1.ba1ba1b9f19a0p-5, 0x1.664f48727bbfdp-6, -0x1.226e32212f8e9p-7, 0x1.d6d30f918e945p-9,
    -0x1.7d9545835e3e5p-10, 0x1.34ad2f7abd75ap-11, -0x1.eaf47874aab53p-13, 0x1.616f17dcc6fd8p-14, -0x1.4ffe31971aeb8p-16,
  ]
  static let ln2: (Double, Double) = (0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56)
  /// ln 2 with a head of 32 bits, so that products with exponents are exact.
  static let ln2Split: (Double, Double) = (0x1.62e42fee00000p-1, 0x1.a39ef35793c76p-33)

  private func clamped(_ low: Double, _ high: Double) -> IRValue {
    let x = b.select(b.fcmp(.olt, self, real(low)), real(low), self)
    return b.select(b.fcmp(.ogt, x, real(high)), real(high), x)
  }

  /// An integral double of small magnitude as int64; NaN gives some integer.
  private func smallInteger() -> IRValue {
    // Adding 1.5 * 2**52 leaves the integer in the low bits of the mantissa.
    let shifted = (self + real(0x1.8p52)).bitcast(b.i64)
    return shifted &- shifted.word(0x4338_0000_0000_0000)
  }

  /// p * 2**n in two steps, so that subnormal results round once.
  private func scaled(_ n: IRValue) -> IRValue {
    let first = n.ashr(1)
    return self * first.powerOfTwo(b.f64) * (n &- first).powerOfTwo(b.f64)
  }

  func exp() -> IRValue {
    let x = clamped(-800, 800)
    let n = (x * real(0x1.71547652b82fep+0)).rint()
    let r = fma(-n, real(IRValue.ln2.1), fma(-n, real(IRValue.ln2.0), x))
    let p = fma(r * r, polynomial(r, IRValue.expTail), r) + real(1)
    return p.scaled(n.smallInteger())
  }

  func exp2() -> IRValue {
    let x = clamped(-1200, 1200)
    let n = x.rint()
    let t = x - n
    let r = t * real(IRValue.ln2.0)
    let rest = fma(t, real(IRValue.ln2.1), fma(t, real(IRValue.ln2.0), -r))
    let p = r + fma(r * r, polynomial(r, IRValue.expTail), rest) + real(1)
    return p.scaled(n.smallInteger())
  }

  func expm1() -> IRValue {
    let x = clamped(-60, 800)
    let n = (x * real(0x1.71547652b82fep+0)).rint()
    let high = fma(-n, real(IRValue.ln2.0), x)
    let low = n * real(IRValue.ln2.1)
    let r = high - low
    let lost = (high - r) - low
    let p = fma(r * r, polynomial(r, IRValue.expTail), lost) + r
    // 2**n p + (2**n - 1), halved so that 2**1024 does not occur.
    let k = n.smallInteger()
    let k1 = b.select(b.icmp(.sgt, k, k.int(1025)), k.int(1025), k)
    let h = (k1 &- k1.int(1)).powerOfTwo(b.f64)
    let y = fma(h, p, h - real(0.5))
    let whole = y + y
    let isReduced = b.fcmp(.one, n, real(0))
    let big = b.fcmp(.ogt, self, real(710))
    return b.select(b.fcmp(.oeq, self, real(0)), self, b.select(big, real(.infinity), b.select(isReduced, whole, p)))
      .passingNaN(self)
  }

  private func passingNaN(_ x: IRValue) -> IRValue { b.select(x.isNaN(), x, self) }

  /// self = m * 2**k with m in [sqrt(1/2), sqrt(2)), for positive finite values, subnormals too.
  private func splitExponent() -> (m: IRValue, k: IRValue) {
    let isTiny = b.fcmp(.olt, self, real(0x1p-1022))
    let x = b.select(isTiny, self * real(0x1p54), self)
    let raw = x.bitcast(b.i64)
    let moved = raw &- raw.word(0x3fe6_a09e_667f_3bcd)
    let k = moved.ashr(52)
    let m = (raw &- k.shl(52)).bitcast(b.f64)
    let kd = (k &+ k.word(0x4338_0000_0000_0000)).bitcast(b.f64) - real(0x1.8p52)
    return (m, b.select(isTiny, kd - real(54), kd))
  }

  /// Values of log at 0, below 0, at infinity and NaN.
  private func withLogEdges(_ x: IRValue, zeroAt: Double) -> IRValue {
    var r = b.select(b.fcmp(.oeq, x, x.real(zeroAt)), real(-.infinity), self)
    r = b.select(b.fcmp(.olt, x, x.real(zeroAt)), real(.nan), r)
    return b.select(b.fcmp(.oeq, x, x.real(.infinity)), x, r).passingNaN(x)
  }

  /// log(1 + f) = f - (f*f/2 - tail), with the pieces kept apart.
  private func logPieces() -> (half: IRValue, tail: IRValue) {
    let s = self / (real(2) + self)
    let z = s * s
    let half = real(0.5) * self * self
    return (half, s * fma(z, polynomial(z, IRValue.logTail), half))
  }

  func log() -> IRValue {
    let (m, k) = splitExponent()
    let f = m - real(1)
    let (half, tail) = f.logPieces()
    let (high, low) = IRValue.ln2Split
    let r = fma(k, real(high), f - (half - fma(k, real(low), tail)))
    return r.withLogEdges(self, zeroAt: 0)
  }

  enum LogBase { case two, ten }

  func log(base: LogBase) -> IRValue {
    let (m, k) = splitExponent()
    let f = m - real(1)
    let s = f / (real(2) + f)
    let z = s * s
    let square = real(0.5) * f * f
    let squareLost = fma(real(0.5) * f, f, -square)
    let tail = s * fma(z, polynomial(z, IRValue.logTail), square)
    // log m as high + low.
    let high0 = f - square
    let low0 = ((f - high0) - square) - squareLost + tail
    let high = high0 + low0
    let low = (high0 - high) + low0
    let (c0, c1): (Double, Double)
    switch base {
    case .two: (c0, c1) = (0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56)
    case .ten: (c0, c1) = (0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57)
    }
    let p = high * real(c0)
    let rest = fma(high, real(c0), -p) + fma(low, real(c0), high * real(c1))
    let (e0, e1): (IRValue, IRValue)
    switch base {
    case .two: (e0, e1) = (k, real(0))
    case .ten: (e0, e1) = (k * real(0x1.3441350800000p-2), k * real(0x1.f79fef311f12bp-34))
    }
    let sum = e0 + p
    let lost = (e0 - sum) + p
    // Where k is 0 the order of the two is the other way round, and e0 is nothing.
    let r = sum + (b.select(b.fcmp(.oeq, k, real(0)), real(0), lost) + (e1 + rest))
    return r.withLogEdges(self, zeroAt: 0)
  }

  func log1p() -> IRValue {
    let u = real(1) + self
    let (m0, k0) = u.splitExponent()
    let isNear = b.fcmp(.oeq, k0, real(0))
    // What the addition lost, relative to u.
    let isLarge = b.fcmp(.ogt, self, real(1))
    let lost = b.select(isLarge, real(1) - (u - self), self - (u - real(1)))
    let c = b.select(isNear | b.fcmp(.oge, self, real(0x1p60)), real(0), lost / u)
    let f = b.select(isNear, self, m0 - real(1))
    let (half, tail) = f.logPieces()
    let (high, low) = IRValue.ln2Split
    let r = fma(k0, real(high), f - (half - (fma(k0, real(low), c) + tail)))
    return b.select(b.fcmp(.oeq, self, real(0)), self, r.withLogEdges(self, zeroAt: -1))
  }

  func tanh() -> IRValue {
    let x = fabs()
    let z = x * x
    let near = fma(x * z, polynomial(z, IRValue.tanhTail), x)
    let e = (x + x).exp()
    let far = real(1) - real(2) / (e + real(1))
    return b.select(b.fcmp(.olt, x, real(0.5625)), near, far).copysign(self).passingNaN(self)
  }

  func sinh() -> IRValue {
    let x = fabs()
    let t = x.expm1()
    let near = real(0.5) * (t + t / (t + real(1)))
    // Beyond 709 the exponential overflows before its half does.
    let isFar = b.fcmp(.ogt, x, real(709))
    let e = (x * real(0.5)).exp()
    let far = (real(0.5) * e) * e
    return b.select(isFar, far, near).copysign(self).passingNaN(self)
  }

  func cosh() -> IRValue {
    let x = fabs()
    let e = x.exp()
    let near = fma(real(0.5), e, real(0.5) / e)
    let h = (x * real(0.5)).exp()
    return b.select(b.fcmp(.ogt, x, real(709)), (real(0.5) * h) * h, near).passingNaN(self)
  }

  func asinh() -> IRValue {
    let x = fabs()
    let z = x * x
    let near = (x + z / (real(1) + (z + real(1)).sqrt())).log1p()
    let far = x.log() + real(IRValue.ln2.0)
    return b.select(b.fcmp(.ogt, x, real(0x1p28)), far, near).copysign(self).passingNaN(self)
  }

  func acosh() -> IRValue {
    let t = self - real(1)
    let near = (t + (t * (self + real(1))).sqrt()).log1p()
    let far = log() + real(IRValue.ln2.0)
    let r = b.select(b.fcmp(.ogt, self, real(0x1p28)), far, near)
    return b.select(b.fcmp(.olt, self, real(1)), real(.nan), r).passingNaN(self)
  }

  func atanh() -> IRValue {
    let x = fabs()
    let r = real(0.5) * ((x + x) / (real(1) - x)).log1p()
    return b.select(b.fcmp(.ogt, x, real(1)), real(.nan), r.copysign(self)).passingNaN(self)
  }

  func hypot(_ other: IRValue) -> IRValue {
    let (p, q) = (fabs(), other.fabs())
    let isOrdered = b.fcmp(.oge, p, q)
    let (x, y) = (b.select(isOrdered, p, q), b.select(isOrdered, q, p))
    let isHuge = b.fcmp(.ogt, x, real(0x1p500))
    let isTiny = b.fcmp(.olt, x, real(0x1p-450))
    let down = b.select(isHuge, real(0x1p-600), b.select(isTiny, real(0x1p600), real(1)))
    let up = b.select(isHuge, real(0x1p600), b.select(isTiny, real(0x1p-600), real(1)))
    let (u, v) = (x * down, y * down)
    let r = fma(u, u, v * v).sqrt() * up
    let isInfinite = b.fcmp(.oeq, p, real(.infinity)) | b.fcmp(.oeq, q, real(.infinity))
    let some = b.select(b.fcmp(.uno, self, other), self + other, r)
    return b.select(isInfinite, real(.infinity), some)
  }
}
