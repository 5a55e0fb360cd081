import MarsBase
import MarsGraph

/// Elementary functions of complex values, written out in real instructions on their parts.
///
/// Parts are computed in float64 (complex64 is rounded once at the end).  Branch cuts and special values follow C99 Annex G, as NumPy does;
/// sources: W. Kahan, "Branch Cuts for Complex Elementary Functions" (1987), for the inverse functions.
extension ExprBuilder {
  private mutating func number(_ v: Double) -> ExprRef { constant(.float64, v) }
  private mutating func parts(_ z: ExprRef) -> (re: ExprRef, im: ExprRef) {
    let (re, im) = (real(z), imag(z))
    return (cast(re, .float64), cast(im, .float64))
  }
  private mutating func join(_ p: (re: ExprRef, im: ExprRef), _ t: DType) -> ExprRef {
    let (re, im) = (cast(p.re, t.realPart), cast(p.im, t.realPart))
    return complex(re, im)
  }
  private mutating func isZero(_ x: ExprRef) -> ExprRef {
    let zero = number(0)
    return op(.eq, as: .bool, x, zero)
  }
  private mutating func above(_ x: ExprRef, _ v: Double) -> ExprRef {
    let bound = number(v)
    return op(.lt, as: .bool, bound, x)
  }
  private mutating func finite(_ x: ExprRef) -> ExprRef { op(.isFinite, as: .bool, x) }
  private mutating func infinite(_ x: ExprRef) -> ExprRef { op(.isInf, as: .bool, x) }
  private mutating func scaled(_ x: ExprRef, _ v: Double) -> ExprRef {
    let f = number(v)
    return op(.mul, x, f)
  }

  // MARK: Exponential and logarithm

  /// e**x (cos y, sin y) for float64 parts; half of e**x is multiplied in twice where it would overflow alone.
  private mutating func polar(_ x: ExprRef, _ cosine: ExprRef, _ sine: ExprRef) -> (re: ExprRef, im: ExprRef) {
    let e = op(.exp, x)
    let h = op(.exp, scaled(x, 0.5))
    let large = op(.and, above(x, 709), finite(x))
    let re = select(large, op(.mul, op(.mul, h, cosine), h), op(.mul, e, cosine))
    let im = select(large, op(.mul, op(.mul, h, sine), h), op(.mul, e, sine))
    return (re, im)
  }

  private mutating func expParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let (c, s) = (op(.cos, z.im), op(.sin, z.im))
    let p = polar(z.re, c, s)
    let e = op(.exp, z.re)
    let imZero = isZero(z.im)
    let wild = op(.and, infinite(z.re), op(.not, finite(z.im)))
    // e is inf or 0 here: (inf, NaN) and (0, 0).
    let re = select(imZero, e, select(wild, e, p.re))
    let vanishing = op(.and, wild, isZero(e))
    let im = select(imZero, z.im, select(vanishing, op(.copysign, e, z.im), p.im))
    return (re, im)
  }

  /// log|z|, accurate near |z| = 1 and for the largest and smallest values.
  private mutating func logModulus(_ z: (re: ExprRef, im: ExprRef)) -> ExprRef {
    let (a, b) = (op(.abs, z.re), op(.abs, z.im))
    let swap = op(.lt, as: .bool, a, b)
    let (x, y) = (select(swap, b, a), select(swap, a, b))
    let big = above(x, 1e300)
    let small = op(.not, above(x, 1e-290))
    let (one, up, down) = (number(1), number(0x1p64), number(0x1p-64))
    let factor = select(big, down, select(small, up, one))
    let shift = number(64 * 0.693147180559945309417232121458)
    let (zero, minus) = (number(0), op(.neg, shift))
    let addend = select(big, shift, select(small, minus, zero))
    let plain = op(.add, op(.log, op(.hypot, op(.mul, x, factor), op(.mul, y, factor))), addend)
    // x*x + y*y - 1 with the rounding errors of the squares carried along.
    let p = op(.mul, x, x)
    let pe = op(.fma, x, x, op(.neg, p))
    let q = op(.mul, y, y)
    let qe = op(.fma, y, y, op(.neg, q))
    let s = op(.sub, p, one)
    let t = op(.add, s, q)
    let v = op(.sub, t, s)
    let te = op(.add, op(.sub, s, op(.sub, t, v)), op(.sub, q, v))
    let near = op(.mul, op(.log1p, op(.add, t, op(.add, te, op(.add, pe, qe)))), number(0.5))
    let h2 = op(.add, p, q)
    let close = op(.and, above(h2, 0.5), op(.not, above(h2, 2)))
    return select(close, near, plain)
  }

  private mutating func logParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let m = logModulus(z)
    return (m, op(.atan2, z.im, z.re))
  }

  package mutating func complexExp(_ z: ExprRef) -> ExprRef {
    let p = parts(z)
    return join(expParts(p), type(z))
  }
  package mutating func complexExp2(_ z: ExprRef) -> ExprRef {
    let p = parts(z)
    let ln2 = 0.693147180559945309417232121458
    return join(expParts((scaled(p.re, ln2), scaled(p.im, ln2))), type(z))
  }
  package mutating func complexExpm1(_ z: ExprRef) -> ExprRef {
    let p = parts(z)
    let a = op(.sin, scaled(p.im, 0.5))
    let re = op(.sub, op(.mul, op(.expm1, p.re), op(.cos, p.im)), op(.mul, scaled(a, 2), a))
    let im = op(.mul, op(.exp, p.re), op(.sin, p.im))
    let imZero = isZero(p.im)
    return join((select(imZero, op(.expm1, p.re), re), select(imZero, p.im, im)), type(z))
  }
  /// The logarithm times `factor` (1 / log of the base).
  package mutating func complexLog(_ z: ExprRef, factor: Double = 1) -> ExprRef {
    let l = logParts(parts(z))
    return join(factor == 1 ? l : (scaled(l.re, factor), scaled(l.im, factor)), type(z))
  }
  package mutating func complexLog1p(_ z: ExprRef) -> ExprRef {
    let p = parts(z)
    let moved = op(.add, p.re, number(1))
    let l = logParts((moved, p.im))
    let square = op(.fma, p.im, p.im, op(.mul, p.re, op(.add, p.re, number(2))))
    let near = scaled(op(.log1p, square), 0.5)
    let small = op(.not, above(op(.hypot, p.re, p.im), 0.5))
    return join((select(small, near, l.re), l.im), type(z))
  }

  // MARK: Powers

  private mutating func sqrtParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let size = op(.fmax, op(.abs, z.re), op(.abs, z.im))
    let big = above(size, 1e307)
    let small = op(.not, above(size, 1e-290))
    let (one, quarter, two) = (number(1), number(0.25), number(2))
    let (up, down) = (number(0x1p108), number(0x1p-54))
    let before = select(big, quarter, select(small, up, one))
    let after = select(big, two, select(small, down, one))
    let (x, y) = (op(.mul, z.re, before), op(.mul, z.im, before))
    let t = op(.sqrt, scaled(op(.add, op(.abs, x), op(.hypot, x, y)), 0.5))
    let other = op(.div, y, scaled(t, 2))
    let negative = op(.signBit, as: .bool, x)
    let re = op(.mul, select(negative, op(.abs, other), t), after)
    let im = op(.mul, select(negative, op(.copysign, t, y), other), after)
    let none = op(.and, isZero(z.re), isZero(z.im))
    let imInf = infinite(z.im)
    let (zero, inf) = (number(0), number(.infinity))
    return (select(none, zero, select(imInf, inf, re)), select(op(.or, none, imInf), z.im, im))
  }

  /// The principal square root of a floating or complex value.
  package mutating func squareRoot(_ x: ExprRef) -> ExprRef {
    guard type(x).isComplex else { return op(.sqrt, x) }
    return join(sqrtParts(parts(x)), type(x))
  }

  /// exp(w log z); the exponents 0, 1, 2 and 3 are products, and 0**w = 0 for positive real w, as NumPy has them.
  package mutating func complexPower(_ z: ExprRef, _ w: ExprRef) -> ExprRef {
    let (p, q) = (parts(z), parts(w))
    let l = logParts(p)
    let re = op(.sub, op(.mul, q.re, l.re), op(.mul, q.im, l.im))
    let im = op(.add, op(.mul, q.re, l.im), op(.mul, q.im, l.re))
    let e = expParts((re, im))
    let baseZero = op(.and, isZero(p.re), isZero(p.im))
    let realExponent = isZero(q.im)
    let exponentZero = op(.and, isZero(q.re), realExponent)
    // As NumPy: whatever the imaginary part.
    let positive = above(q.re, 0)
    let (zero, one, nan) = (number(0), number(1), number(.nan))
    let atZero = select(positive, zero, nan)
    var out = (
      re: select(exponentZero, one, select(baseZero, atZero, e.re)), im: select(exponentZero, zero, select(baseZero, atZero, e.im))
    )
    var product = p
    for n in 1...3 {
      let isExponent = op(.and, realExponent, op(.eq, as: .bool, q.re, number(Double(n))))
      out = (select(isExponent, product.re, out.re), select(isExponent, product.im, out.im))
      product = (
        op(.sub, op(.mul, p.re, product.re), op(.mul, p.im, product.im)), op(.add, op(.mul, p.re, product.im), op(.mul, p.im, product.re))
      )
    }
    return join(out, type(z))
  }

  // MARK: Hyperbolic and trigonometric

  private mutating func sinhParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let (c, s) = (op(.cos, z.im), op(.sin, z.im))
    let (sh, ch) = (op(.sinh, z.re), op(.cosh, z.re))
    let a = op(.abs, z.re)
    let large = op(.and, above(a, 709), finite(a))
    let p = polar(a, scaled(c, 0.5), scaled(s, 0.5))
    let re = select(large, op(.mul, p.re, op(.copysign, number(1), z.re)), op(.mul, sh, c))
    let im = select(large, p.im, op(.mul, ch, s))
    let imZero = isZero(z.im)
    let wildIm = op(.not, finite(z.im))
    let keepRe = op(.and, wildIm, op(.or, isZero(z.re), infinite(z.re)))
    return (select(imZero, sh, select(keepRe, z.re, re)), select(imZero, z.im, im))
  }

  private mutating func coshParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let (c, s) = (op(.cos, z.im), op(.sin, z.im))
    let (sh, ch) = (op(.sinh, z.re), op(.cosh, z.re))
    let a = op(.abs, z.re)
    let large = op(.and, above(a, 709), finite(a))
    let p = polar(a, scaled(c, 0.5), scaled(s, 0.5))
    let one = number(1)
    let re = select(large, p.re, op(.mul, ch, c))
    let im = select(large, op(.mul, p.im, op(.copysign, one, z.re)), op(.mul, sh, s))
    let imZero = isZero(z.im)
    let reZero = op(.and, isZero(z.re), op(.not, finite(z.im)))
    let signedZero = op(.mul, op(.copysign, number(0), z.re), op(.copysign, one, z.im))
    let wild = op(.and, op(.not, finite(z.im)), infinite(z.re))
    let inf = number(.infinity)
    return (select(imZero, ch, select(wild, inf, re)), select(op(.or, imZero, reZero), signedZero, im))
  }

  private mutating func tanhParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let one = number(1)
    let t = op(.tan, z.im)
    let beta = op(.fma, t, t, one)
    let s = op(.sinh, z.re)
    let rho = op(.sqrt, op(.fma, s, s, one))
    let d = op(.fma, op(.mul, beta, s), s, one)
    let re = op(.div, op(.mul, op(.mul, beta, rho), s), d)
    let im = op(.div, t, d)
    let a = op(.abs, z.re)
    let large = above(a, 22)
    let sign = op(.copysign, one, z.re)
    let decay = op(.exp, scaled(a, -2))
    let tail = scaled(op(.mul, op(.mul, op(.sin, z.im), op(.cos, z.im)), decay), 4)
    let wild = op(.and, infinite(a), op(.not, finite(z.im)))
    let zero = number(0)
    let imZero = isZero(z.im)
    let lost = op(.and, op(.and, large, finite(a)), op(.not, finite(z.im)))
    let nan = number(.nan)
    let resultRe = select(large, select(lost, nan, sign), select(imZero, op(.tanh, z.re), select(isZero(z.re), z.re, re)))
    return (resultRe, select(imZero, z.im, select(wild, op(.copysign, zero, z.im), select(large, tail, im))))
  }

  /// z times i.
  private mutating func turned(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) { (op(.neg, z.im), z.re) }
  /// z divided by i.
  private mutating func turnedBack(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) { (z.im, op(.neg, z.re)) }

  // MARK: Inverses

  /// sqrt(1 - z) and sqrt(1 + z).
  private mutating func kahanRoots(_ z: (re: ExprRef, im: ExprRef)) -> (minus: (re: ExprRef, im: ExprRef), plus: (re: ExprRef, im: ExprRef))
  {
    let one = number(1)
    let m = sqrtParts((op(.sub, one, z.re), op(.neg, z.im)))
    let p = sqrtParts((op(.add, one, z.re), z.im))
    return (m, p)
  }

  /// log|2z|: what inverse functions grow like.
  private mutating func logTwice(_ z: (re: ExprRef, im: ExprRef)) -> ExprRef {
    let l = logModulus(z)
    return op(.add, l, number(0.693147180559945309417232121458))
  }
  private mutating func isHuge(_ z: (re: ExprRef, im: ExprRef)) -> ExprRef {
    above(op(.fmax, op(.abs, z.re), op(.abs, z.im)), 1e15)
  }

  private mutating func asinParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let (m, p) = kahanRoots(z)
    let re = op(.atan2, z.re, op(.sub, op(.mul, m.re, p.re), op(.mul, m.im, p.im)))
    let im = op(.asinh, op(.sub, op(.mul, m.re, p.im), op(.mul, m.im, p.re)))
    let huge = isHuge(z)
    let farRe = op(.atan2, z.re, op(.abs, z.im))
    let farIm = op(.copysign, logTwice(z), z.im)
    // On the imaginary axis the real part is a signed zero whatever the rest.
    return (select(huge, farRe, select(isZero(z.re), z.re, re)), select(huge, farIm, im))
  }

  private mutating func acosParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let (m, p) = kahanRoots(z)
    let re = scaled(op(.atan2, m.re, p.re), 2)
    let im = op(.asinh, op(.sub, op(.mul, p.re, m.im), op(.mul, p.im, m.re)))
    let huge = isHuge(z)
    let farRe = op(.atan2, op(.abs, z.im), z.re)
    let farIm = op(.neg, op(.copysign, logTwice(z), z.im))
    let quarter = number(1.5707963267948966)
    return (select(isZero(z.re), quarter, select(huge, farRe, re)), select(huge, farIm, im))
  }

  private mutating func atanhParts(_ z: (re: ExprRef, im: ExprRef)) -> (re: ExprRef, im: ExprRef) {
    let one = number(1)
    let x = op(.abs, z.re)
    let gap = op(.sub, one, x)
    let d = op(.fma, gap, gap, op(.mul, z.im, z.im))
    let re = scaled(op(.log1p, op(.div, scaled(x, 4), d)), 0.25)
    let im = scaled(op(.atan2, scaled(z.im, 2), op(.sub, op(.mul, gap, op(.add, one, x)), op(.mul, z.im, z.im))), 0.5)
    let huge = isHuge(z)
    let h = op(.hypot, x, z.im)
    let farRe = select(infinite(h), number(0), op(.div, op(.div, x, h), h))
    // An infinite imaginary part decides alone; any other NaN is lost.
    let lost = op(.or, op(.isNaN, as: .bool, z.im), op(.and, op(.isNaN, as: .bool, z.re), op(.not, infinite(z.im))))
    let farIm = select(lost, number(.nan), op(.copysign, number(1.5707963267948966), z.im))
    let nearRe = select(isZero(z.re), number(0), re)
    return (op(.copysign, select(huge, farRe, nearRe), z.re), select(huge, farIm, im))
  }

  /// A function of complex values by the name of its real counterpart.
  package mutating func complexFunction(_ o: ExprOp, _ z: ExprRef) -> ExprRef {
    let p = parts(z)
    let t = type(z)
    switch o {
    case .sinh: return join(sinhParts(p), t)
    case .cosh: return join(coshParts(p), t)
    case .tanh: return join(tanhParts(p), t)
    case .sin:
      let w = sinhParts(turned(p))
      return join(turnedBack(w), t)
    case .cos: return join(coshParts(turned(p)), t)
    case .tan:
      let w = tanhParts(turned(p))
      return join(turnedBack(w), t)
    case .asin: return join(asinParts(p), t)
    case .acos: return join(acosParts(p), t)
    case .atan:
      let w = atanhParts(turned(p))
      return join(turnedBack(w), t)
    case .asinh:
      let w = asinParts(turned(p))
      return join(turnedBack(w), t)
    case .acosh:
      let w = acosParts(p)
      return join((op(.abs, w.im), op(.copysign, w.re, p.im)), t)
    case .atanh: return join(atanhParts(p), t)
    case .sqrt: return join(sqrtParts(p), t)
    case .exp: return complexExp(z)
    case .exp2: return complexExp2(z)
    case .expm1: return complexExpm1(z)
    case .log: return complexLog(z)
    case .log2: return complexLog(z, factor: 1.44269504088896340735992468100)
    case .log10: return complexLog(z, factor: 0.434294481903251827651128918917)
    case .log1p: return complexLog1p(z)
    default: preconditionFailure("\(o) has no complex form")
    }
  }
}
