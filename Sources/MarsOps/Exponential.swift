import MarsBase
import MarsGraph

/// A function of floating and complex values with one instruction for the real case.
func elementary(_ name: String, _ o: ExprOp, _ summary: String, numpy: String? = nil, cost: Double = 15, complex: Bool = true) -> OpDef {
  unary(name, Loops.same(complex ? .inexact : .floating, 1), summary, numpy: numpy, cost: cost) { b, x in
    b.type(x).isComplex ? b.complexFunction(o, x) : b.op(o, x)
  }
}

/// Exponentials, logarithms and roots.
enum Exponential {
  static let exp = elementary("exp", .exp, "e to the power x.")
  static let exp2 = elementary("exp2", .exp2, "2 to the power x.")
  static let expm1 = elementary("expm1", .expm1, "exp(x) - 1, accurate for small x.")
  static let log = elementary("log", .log, "The natural logarithm.")
  static let log2 = elementary("log2", .log2, "The logarithm to base 2.")
  static let log10 = elementary("log10", .log10, "The logarithm to base 10.")
  static let log1p = elementary("log1p", .log1p, "log(1 + x), accurate for small x.")
  static let sqrt = elementary("sqrt", .sqrt, "The non-negative square root.", cost: 6)
  static let cbrt = elementary("cbrt", .cbrt, "The cube root.", complex: false)

  private static func logOfSum(_ name: String, _ base: String, exp: ExprOp, log: ExprOp, ofTwo: Double) -> OpDef {
    binary(
      name, Loops.same(.floating, 2), "The logarithm to base \(base) of \(base)**x1 + \(base)**x2.", example: "mt.\(name)([0.0, 1.0], 2.0)",
      cost: 40
    ) { b, x, y in
      let t = b.type(x)
      // Equal values first: also infinities of one sign.
      let same = b.eq(x, y)
      let difference = b.sub(x, y)
      let gap = b.neg(b.abs(difference))
      let larger = b.op(.max, x, y)
      let correction: ExprRef
      if log == .log1p {
        correction = b.op(.log1p, b.op(.exp, gap))
      } else {
        let factor = b.constant(t, 1.44269504088896340735992468100)
        correction = b.mul(b.op(.log1p, b.op(exp, gap)), factor)
      }
      let two = b.constant(t, ofTwo)
      return b.select(same, b.add(x, two), b.add(larger, correction))
    }
  }
  static let logaddexp = logOfSum("logaddexp", "e", exp: .exp, log: .log1p, ofTwo: 0.693147180559945309417232121458)
  static let logaddexp2 = logOfSum("logaddexp2", "2", exp: .exp2, log: .log2, ofTwo: 1)

  /// Chebyshev coefficients of exp(-x) I0(x) in [0, 8] and of exp(-x) sqrt(x) I0(x) beyond (S. Moshier, Cephes, i0.c), highest order first.
  private static let besselNear: [Double] = [
    -4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15, -1.1685332877993451e-14,
    7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12, -1.726826291441556e-11, 9.675809035373237e-11,
    -5.189795601635263e-10, 2.6598237246823866e-09, -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07,
    1.1173875391201037e-06, -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
    -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998, -0.02373741480589947,
    0.04930528423967071, -0.09490109704804764, 0.17162090152220877, -0.3046826723431984, 0.6767952744094761,
  ]
  private static let besselFar: [Double] = [
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17, -2.8276239805165836e-16,
    -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15, -9.554846698828307e-15, -4.150569347287222e-14,
    1.54008621752141e-14, 3.8527783827421426e-13, 7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11,
    -3.1499165279632416e-11, 1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
    2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943, 0.8044904110141088,
  ]

  static let i0 = unary(
    "i0", Loops.members([.bool, .integer]).map { UfuncLoop([$0], [.float64]) } + Loops.same(.floating, 1),
    "The modified Bessel function of the first kind, order 0.", cost: 60
  ) { b, given in
    let result: DType = b.type(given).isFloating ? b.type(given) : .float64
    let t: DType = result.isHalf ? .float32 : result
    let x = b.op(.abs, b.cast(given, t))
    func series(_ b: inout ExprBuilder, _ y: ExprRef, _ coefficients: [Double]) -> ExprRef {
      let zero = b.constant(t, 0)
      var (b0, b1, b2) = (b.constant(t, coefficients[0]), zero, zero)
      for k in coefficients.dropFirst() {
        let c = b.constant(t, k)
        let next = b.add(b.sub(b.mul(y, b0), b1), c)
        (b0, b1, b2) = (next, b0, b1)
      }
      let half = b.constant(t, 0.5)
      return b.mul(b.sub(b0, b2), half)
    }
    let (half, two, eight) = (b.constant(t, 0.5), b.constant(t, 2), b.constant(t, 8))
    let thirtyTwo = b.constant(t, 32)
    let near = series(&b, b.sub(b.mul(x, half), two), besselNear)
    let far = b.div(series(&b, b.sub(b.div(thirtyTwo, x), two), besselFar), b.op(.sqrt, x))
    return b.cast(b.mul(b.op(.exp, x), b.select(b.le(x, eight), near, far)), result)
  }

  static let family = OpFamily([exp, exp2, expm1, log, log2, log10, log1p, sqrt, cbrt, logaddexp, logaddexp2, i0])
}
