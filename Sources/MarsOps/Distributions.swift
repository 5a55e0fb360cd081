import MarsBase
import MarsGraph

/// Distributions with inverses that are short formulas of a uniform number.
extension Random {
  /// -log(1 - u): the standard exponential.
  private static func standardExponential(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
    let u = unit(&b, c)
    return b.op(.neg, b.op(.log1p, b.op(.neg, u)))
  }
  static let standardExponential = distribution(
    "standard_exponential", [], "Exponential numbers of mean 1.", example: "mt.random.standard_exponential(3) >= 0"
  ) { b, c, _ in standardExponential(&b, c) }
  static let exponential = distribution(
    "exponential", [InputDef("scale", default: 1)], "Exponential numbers with a mean.", example: "mt.random.exponential(2.0, size=3) >= 0",
    checks: [.notNegative(0)]
  ) { b, c, p in
    let e = standardExponential(&b, c)
    return b.mul(p[0], e)
  }
  static let weibull = distribution(
    "weibull", [InputDef("a")], "Weibull numbers of shape a.", example: "mt.random.weibull(2.0, size=3) >= 0", cost: 60,
    checks: [.notNegative(0)]
  ) {
    b, c, p in
    let (zero, one) = (b.constant(b.type(p[0]), 0), b.constant(b.type(p[0]), 1))
    let e = standardExponential(&b, c)
    // As NumPy: all zeros for a shape of 0.
    return b.select(b.eq(p[0], zero), zero, b.op(.pow, e, b.div(one, p[0])))
  }
  static let pareto = distribution(
    "pareto", [InputDef("a")], "Lomax (Pareto II) numbers of shape a.", example: "mt.random.pareto(2.0, size=3) >= 0", cost: 60,
    checks: [.positive(0)]
  ) {
    b, c, p in
    let e = standardExponential(&b, c)
    return b.op(.expm1, b.div(e, p[0]))
  }
  static let rayleigh = distribution(
    "rayleigh", [InputDef("scale", default: 1)], "Rayleigh numbers.", example: "mt.random.rayleigh(1.0, size=3) >= 0",
    checks: [.notNegative(0)]
  ) {
    b, c, p in
    let two = b.constant(b.type(p[0]), 2)
    let e = standardExponential(&b, c)
    return b.mul(p[0], b.op(.sqrt, b.mul(two, e)))
  }
  static let gumbel = distribution(
    "gumbel", [InputDef("loc", default: 0), InputDef("scale", default: 1)], "Gumbel numbers.",
    example: "mt.random.gumbel(0, 1, size=3) < 100", cost: 60,
    checks: [.notNegative(1)]
  ) {
    b, c, p in
    let e = centredExponential(&b, c)
    return b.sub(p[0], b.mul(p[1], b.op(.log, e)))
  }
  /// -log(1 - u) with u in the middle of its cell: never 0.
  private static func centredExponential(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
    let u = openUnit(&b, c)
    return b.op(.neg, b.op(.log1p, b.op(.neg, u)))
  }
  /// Uniform in (0, 1), symmetric about 1/2.
  private static func openUnit(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
    let single = c.dtype("dtype") == .float32
    let t: DType = single ? .float32 : .float64
    // One bit less, so that the half step is exact.
    let shift = b.constant(single ? .uint32 : .uint64, single ? 9 : 12)
    let bits = b.op(.shr, word(&b, c, width: single ? 32 : 64), shift)
    let scale = b.constant(t, single ? 0x1p-23 : 0x1p-52)
    let half = b.constant(t, 0.5)
    return b.op(.mul, b.op(.add, b.cast(b.bitcast(bits, single ? .int32 : .int64), t), half), scale)
  }
  static let logistic = distribution(
    "logistic", [InputDef("loc", default: 0), InputDef("scale", default: 1)], "Logistic numbers.",
    example: "mt.random.logistic(0, 1, size=3) < 100", cost: 60,
    checks: [.notNegative(1)]
  ) {
    b, c, p in
    let u = openUnit(&b, c)
    let one = b.constant(b.type(u), 1)
    return b.add(p[0], b.mul(p[1], b.op(.log, b.div(u, b.sub(one, u)))))
  }
  static let laplace = distribution(
    "laplace", [InputDef("loc", default: 0), InputDef("scale", default: 1)], "Laplace numbers.",
    example: "mt.random.laplace(0, 1, size=3) < 100",
    checks: [.notNegative(1)]
  ) {
    b, c, p in
    let u = openUnit(&b, c)
    let t = b.type(u)
    let (half, one) = (b.constant(t, 0.5), b.constant(t, 1))
    let below = b.lt(u, half)
    let twice = b.add(u, u)
    let distance = b.op(.neg, b.op(.log, b.select(below, twice, b.add(one, b.sub(one, twice)))))
    return b.add(p[0], b.mul(p[1], b.select(below, b.op(.neg, distance), distance)))
  }
  static let standardCauchy = distribution(
    "standard_cauchy", [], "Standard Cauchy numbers.", example: "mt.random.standard_cauchy(3) < 1e300", cost: 40
  ) {
    b, c, _ in
    let u = openUnit(&b, c)
    let (half, pi) = (b.constant(b.type(u), 0.5), b.constant(b.type(u), .pi))
    return b.op(.tan, b.mul(pi, b.sub(u, half)))
  }
  static let triangular = distribution(
    "triangular", [InputDef("left"), InputDef("mode"), InputDef("right")], "Triangular numbers.",
    example: "mt.random.triangular(0, 1, 3, size=3) >= 0", cost: 40,
    checks: [.ascending]
  ) { b, c, p in
    let u = unit(&b, c)
    let one = b.constant(b.type(u), 1)
    let (base, left, right) = (b.sub(p[2], p[0]), b.sub(p[1], p[0]), b.sub(p[2], p[1]))
    let ratio = b.div(left, base)
    let low = b.add(p[0], b.op(.sqrt, b.mul(b.mul(u, left), base)))
    let high = b.sub(p[2], b.op(.sqrt, b.mul(b.mul(b.sub(one, u), right), base)))
    return b.select(b.le(u, ratio), low, high)
  }
}
