import MarsBase
import MarsGraph

/// Normal numbers and what is made of them.
extension Random {
  /// The quantile of the standard normal distribution from one word.
  ///
  /// M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988), routine PPND16,
  /// relative accuracy 1e-16; PPND7 for float32.  All bits of the word count, so tails reach 9.2 (float32: 6.3) standard deviations.
  private static func standardNormal(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
    let single = c.dtype("dtype") == .float32
    let (t, unsigned, signed): (DType, DType, DType) = single ? (.float32, .uint32, .int32) : (.float64, .uint64, .int64)
    let w = word(&b, c, width: single ? 32 : 64)
    let half = b.constant(t, 0.5)
    let unit = b.constant(t, single ? 0x1p-32 : 0x1p-64)
    // q = p - 1/2 from the word seen as signed, and min(p, 1 - p) from the smaller of the word and its complement: both without cancellation.
    let top = b.constant(unsigned, bits: single ? 0x8000_0000 : 0x8000_0000_0000_0000)
    let centred = b.bitcast(b.op(.xor, w, top), signed)
    let q = b.op(.mul, b.op(.add, b.cast(centred, t), half), unit)
    let zero = b.constant(signed, 0)
    let negative = b.op(.lt, as: .bool, centred, zero)
    let small = b.select(negative, w, b.op(.not, w))
    let tail = b.op(.mul, b.op(.add, b.cast(b.bitcast(small, signed), t), half), unit)

    func polynomial(_ b: inout ExprBuilder, _ x: ExprRef, _ coefficients: [Double]) -> ExprRef {
      var r = b.constant(t, coefficients[0])
      for k in coefficients.dropFirst() {
        let next = b.constant(t, k)
        r = b.op(.fma, r, x, next)
      }
      return r
    }
    func polynomial(_ b: inout ExprBuilder, _ x: ExprRef, _ far: ExprRef, _ near: [Double], _ beyond: [Double]) -> ExprRef {
      func pick(_ b: inout ExprBuilder, _ i: Int) -> ExprRef {
        let (n, f) = (b.constant(t, near[i]), b.constant(t, beyond[i]))
        return b.select(far, f, n)
      }
      var r = pick(&b, 0)
      for i in 1..<near.count { r = b.op(.fma, r, x, pick(&b, i)) }
      return r
    }

    let bound = b.constant(t, 0.425)
    let isCentral = b.op(.le, as: .bool, b.op(.abs, q), bound)
    let square = b.constant(t, 0.180625)
    let r = b.op(.sub, square, b.op(.mul, q, q))
    let s = b.op(.sqrt, b.op(.neg, b.op(.log, tail)))
    let five = b.constant(t, 5)
    let far = b.op(.lt, as: .bool, five, s)
    let shift = b.select(far, five, b.constant(t, 1.6))
    let y = b.op(.sub, s, shift)
    let centre: ExprRef
    let outer: ExprRef
    if single {
      centre = b.op(.mul, q, b.op(.div, polynomial(&b, r, Wichura.a7), polynomial(&b, r, Wichura.b7)))
      outer = b.op(
        .div, polynomial(&b, y, far, Wichura.c7, Wichura.e7), polynomial(&b, y, far, Wichura.d7, Wichura.f7))
    } else {
      centre = b.op(.mul, q, b.op(.div, polynomial(&b, r, Wichura.a), polynomial(&b, r, Wichura.b)))
      outer = b.op(.div, polynomial(&b, y, far, Wichura.c, Wichura.e), polynomial(&b, y, far, Wichura.d, Wichura.f))
    }
    return b.select(isCentral, centre, b.select(negative, b.op(.neg, outer), outer))
  }

  /// Coefficients of AS 241, highest power first.
  private enum Wichura {
    static let a = [
      2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
      1971.5909503065514427,
      133.14166789178437745, 3.387132872796366608,
    ]
    static let b = [
      5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
      42.313330701600911252, 1.0,
    ]
    static let c = [
      7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
      5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
    ]
    static let d = [
      1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455,
      1.6763848301838038494, 2.05319162663775882187, 1.0,
    ]
    static let e = [
      2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093, 0.29656057182850489123,
      1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
    ]
    static let f = [
      2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4, 0.0148753612908506148525,
      0.13692988092273580531, 0.59983220655588793769, 1.0,
    ]
    static let a7 = [59.109374720, 159.29113202, 50.434271938, 3.3871327179]
    static let b7 = [67.187563600, 78.757757664, 17.895169469, 1.0]
    static let c7 = [0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777]
    static let d7 = [0.0, 0.12021132975, 0.73700164250, 1.0]
    static let e7 = [0.017337203997, 0.42868294337, 3.0812263860, 6.6579051150]
    static let f7 = [0.0, 0.012258202635, 0.24197894225, 1.0]
  }

  static let standardNormal = distribution(
    "standard_normal", [], "Standard normal numbers.", example: "mt.random.standard_normal((2, 3)) < 10"
  ) {
    b, c, _ in standardNormal(&b, c)
  }
  static let normal = distribution(
    "normal", [InputDef("loc", default: 0), InputDef("scale", default: 1)], "Normal numbers with a mean and a standard deviation.",
    example: "mt.random.normal(0, 1, size=3) < 10",
    checks: [.notNegative(1)]
  ) { b, c, p in
    let z = standardNormal(&b, c)
    return b.add(p[0], b.mul(p[1], z))
  }
  static let lognormal = distribution(
    "lognormal", [InputDef("mean", default: 0), InputDef("sigma", default: 1)], "Exponentials of normal numbers.",
    example: "mt.random.lognormal(0, 1, size=3) > 0", cost: 55,
    checks: [.notNegative(1)]
  ) { b, c, p in
    let z = standardNormal(&b, c)
    return b.op(.exp, b.add(p[0], b.mul(p[1], z)))
  }
}
