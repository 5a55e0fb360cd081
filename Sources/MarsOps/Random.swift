import MarsBase
import MarsGraph

/// Random numbers: Philox words of the global element index, transformed without rejection.
///
/// Every element reads one word of its own (64 bits for float64 and integers, 32 for float32), so the values do not depend on chunking.
enum Random {
  private static let cheap = Cost(perElement: 12, isCheapSource: true)
  private static let attributes = [
    AttrDef("seed", .scalar, "the key: uint64 hash of the seed entropy"),
    AttrDef("stream", .int, default: .int(0), "stream number, 0 to 2**32 - 1"),
    AttrDef("size", .ints, default: AttrValue.none, "extents; None: those of the parameters"),
  ]
  private static let floatDType = AttrDef("dtype", .dtype, default: .dtype(.float64), "float32 or float64")
  private static let sampleAttributes: [String: AttrValue] = [
    "seed": .scalar(Scalar(dtype: .uint64, low: 0x9E37_79B9_7F4A_7C15)), "stream": .int(3), "size": .ints([3, 5]),
  ]

  private static func shape(_ c: OpContext) throws(MarsError) -> [Int] {
    guard let s = c.scalar("seed"), s.dtype == .uint64 else { throw c.error(.type, "attribute 'seed' must be a uint64 scalar") }
    guard c.int("stream") >= 0 && c.int("stream") <= Int(UInt32.max) else { throw c.error(.value, "stream must fit 32 bits") }
    guard let b = Shape.broadcast(c.inputs.map(\.shape)) else { throw c.error(.value, "shape mismatch: parameters cannot be broadcast") }
    guard c.optionalInts("size") != nil else { return b }
    let size = try c.shape("size")
    guard Shape.broadcast([b, size]) == size else {
      throw c.error(.value, "Output size \(Shape.text(size)) is not compatible with broadcast dimensions of inputs \(Shape.text(b)).")
    }
    return size
  }

  private static func floatType(_ c: OpContext) throws(MarsError) -> [TensorType] {
    guard let d = c.dtype("dtype"), d == .float32 || d == .float64 else {
      throw c.error(.type, "Unsupported dtype \(c.dtype("dtype")?.name ?? "") for \(c.op.name)")
    }
    for i in c.inputs where i.dtype.isComplex { throw c.error(.type, "parameters of \(c.op.name) must be real") }
    return [TensorType(d, try shape(c))]
  }

  private static func word(_ b: inout ExprBuilder, _ c: OpContext, width: Int) -> ExprRef {
    let key = b.scalar(c.scalar("seed") ?? Scalar(dtype: .uint64, low: 0))
    let stream = b.scalar(Scalar(dtype: .uint32, low: UInt64(c.int("stream"))))
    return b.philox(key: key, stream: stream, width: width)
  }

  /// Uniform in [0, 1): the upper 53 (24) bits of a word.
  private static func unit(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
    if c.dtype("dtype") == .float32 {
      let eight = b.constant(.uint32, 8)
      let bits = b.op(.shr, word(&b, c, width: 32), eight)
      // 24 bits fit the positive half of int32, whose conversion is one instruction.
      let scale = b.constant(.float32, 0x1p-24)
      return b.op(.mul, b.cast(b.bitcast(bits, .int32), .float32), scale)
    }
    let eleven = b.constant(.uint64, 11)
    let bits = b.op(.shr, word(&b, c, width: 64), eleven)
    let scale = b.constant(.float64, 0x1p-53)
    return b.op(.mul, b.cast(b.bitcast(bits, .int64), .float64), scale)
  }

  /// What parameters must be where they are numbers, which is checked at the call.
  private enum Check: Sendable {
    /// Without a sign, as NumPy has it: -0.0 is refused, NaN passes.
    case notNegative(Int)
    case positive(Int)
    /// The distance from the first to the second is finite.
    case finiteRange
    /// left <= mode <= right, and not all the same.
    case ascending

    func run(_ c: OpContext, _ p: [Double?]) throws(MarsError) {
      switch self {
      case .notNegative(let i):
        if let x = p[i], !x.isNaN, x.sign == .minus { throw c.error(.value, "\(c.op.inputs[i].name) < 0") }
      case .positive(let i):
        if let x = p[i], x <= 0 { throw c.error(.value, "\(c.op.inputs[i].name) <= 0") }
      case .finiteRange:
        if let low = p[0], let high = p[1], !(high - low).isFinite { throw c.error(.overflow, "high - low range exceeds valid bounds") }
      case .ascending:
        if let left = p[0], let mode = p[1], left > mode { throw c.error(.value, "left > mode") }
        if let mode = p[1], let right = p[2], mode > right { throw c.error(.value, "mode > right") }
        if let left = p[0], let right = p[2], left == right { throw c.error(.value, "left == right") }
      }
    }
  }

  private typealias Transform = @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> ExprRef

  private static func distribution(
    _ name: String, _ parameters: [InputDef], aliases: [String] = [], _ summary: String, details: String = "", example: String,
    cost: Double = 40,
    checks: [Check] = [], _ transform: @escaping Transform
  ) -> OpDef {
    OpDef(
      name, inputs: parameters, attributes: attributes + [floatDType],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let given = parameters.indices.map { c.constant($0)?.asDouble }
        for check in checks { try check.run(c, given) }
        return try floatType(c)
      },
      body: .expr { b, c, x in
        let t = c.dtype("dtype") ?? .float64
        return [transform(&b, c, x.map { b.cast($0, t) })]
      }, cost: Cost(perElement: cost, isCheapSource: true),
      doc: OpDoc(
        summary, details: details + (details.isEmpty ? "" : "  ") + "The values are Mars's own, not those of NumPy's generators.",
        numpy: "numpy.random.\(name)", example: example), exposure: Exposure(namespace: "random", aliases: aliases),
      samples: [
        Sample(parameters.map { _ in [] }, attributes: sampleAttributes),
        Sample(parameters.map { _ in [] }, DTypeSet(.float32), attributes: sampleAttributes.merging(["dtype": .dtype(.float32)]) { $1 }),
        Sample(parameters.map { _ in [5] }, attributes: sampleAttributes),
      ])
  }

  static let random = distribution(
    "random", [], aliases: ["random_sample", "ranf", "sample"], "Uniform numbers in [0, 1).",
    details: "Multiples of 2**-53 (float32: 2**-24).", example: "mt.random.random((2, 3)) < 1",
    cost: 12
  ) { b, c, _ in unit(&b, c) }

  static let uniform = distribution(
    "uniform", [InputDef("low", default: 0), InputDef("high", default: 1)], "Uniform numbers in [low, high).",
    details: "low + (high - low) u; rounding may reach high.",
    example: "mt.random.uniform(1, 2, size=3) >= 1", cost: 14,
    checks: [.finiteRange]
  ) { b, c, p in
    let u = unit(&b, c)
    return b.add(p[0], b.mul(b.sub(p[1], p[0]), u))
  }

  // MARK: Normal

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

  // MARK: Other inverse transforms

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

  // MARK: Integers

  private static let draw = OpDef(
    "integers_between", inputs: [InputDef("low"), InputDef("high")],
    attributes: attributes + [
      AttrDef("dtype", .dtype, default: .dtype(.int64), "an integer dtype or bool"),
      AttrDef("endpoint", .bool, default: .bool(false), "whether high is included"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard let d = c.dtype("dtype"), d.isInteger || d == .bool else {
        throw c.error(.type, "Unsupported dtype \(c.dtype("dtype")?.name ?? "") for integers")
      }
      for i in c.inputs where i.dtype.kind > .signed { throw c.error(.type, "low and high must be integers") }
      return [TensorType(d, try shape(c))]
    },
    body: .expr { b, c, x in
      let (low, high) = (b.cast(x[0], .uint64), b.cast(x[1], .uint64))
      var range = b.op(.sub, high, low)
      if c.bool("endpoint") {
        let one = b.constant(.uint64, 1)
        range = b.op(.add, range, one)
      }
      let w = word(&b, c, width: 64)
      let zero = b.constant(.uint64, 0)
      // A range of 2**64 wraps to 0: the word itself.
      let scaled = b.select(b.op(.eq, as: .bool, range, zero), w, b.op(.mulHigh, w, range))
      return [b.cast(b.op(.add, low, scaled), c.dtype("dtype") ?? .int64)]
    }, cost: Cost(perElement: 15, isCheapSource: true),
    doc: OpDoc(
      "Integers in [low, high).",
      details: "The upper half of a 64-bit word times the range (bias at most 2**-64 of it); the values are the same for every dtype.",
      example: "mt.random.integers(0, 10, size=5) < 10"), exposure: .hidden, samples: integerSamples)

  private static let integerSamples = [
    Sample([[], []], DTypeSet(.int64), attributes: sampleAttributes),
    Sample([[5], [5]], DTypeSet(.int32), attributes: sampleAttributes.merging(["dtype": .dtype(.uint8), "endpoint": .bool(true)]) { $1 }),
  ]

  static let integers = OpDef(
    "integers", inputs: draw.inputs, attributes: draw.attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      // Bounds that are numbers are checked at the call.
      let closed = c.bool("endpoint")
      let (low, high) = (v[0].constant?.asInt128, v[1].constant?.asInt128)
      if let d = c.dtype("dtype"), d.isInteger || d == .bool {
        let range = d == .bool ? 0...1 : d.integerRange
        if let low, low < range.lowerBound { throw c.error(.value, "low is out of bounds for \(d.name)") }
        if let high, high > range.upperBound + (closed ? 0 : 1) { throw c.error(.value, "high is out of bounds for \(d.name)") }
      }
      if let low, let high, closed ? low > high : low >= high { throw c.error(.value, closed ? "low > high" : "low >= high") }
      return [Value(try draw.apply(v.map { .value($0) }, zip(c.op.attributes, c.attributes.values).map { ($0.name, $1) }))]
    }, cost: cheap,
    doc: OpDoc(
      "Integers in [low, high).", details: draw.doc.details, numpy: "numpy.random.Generator.integers",
      example: "mt.random.integers(0, 10, size=5) < 10"),
    exposure: Exposure(namespace: "random"), samples: integerSamples)

  static let words = OpDef(
    "random_raw", inputs: [], attributes: attributes,
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.uint64, try shape(c))] },
    body: .expr { b, c, _ in [word(&b, c, width: 64)] }, cost: cheap,
    doc: OpDoc("Raw 64-bit words of the generator.", example: "mt.random.random_raw(size=3)"), exposure: Exposure(namespace: "random"),
    samples: [Sample([], attributes: sampleAttributes)])

  static let family = OpFamily([
    random, uniform, standardNormal, normal, lognormal, standardExponential, exponential, weibull, pareto, rayleigh, gumbel, logistic,
    laplace,
    standardCauchy, triangular, draw, integers, words,
  ])
}
