import MarsBase
import MarsGraph

/// Random numbers: Philox words of the global element index, transformed without rejection.
///
/// Every element reads one word of its own (64 bits for float64 and integers, 32 for float32), so the values do not depend on chunking.
enum Random {
  static let cheap = Cost(perElement: 12, isCheapSource: true)
  static let attributes = [
    AttrDef("seed", .scalar, isArgument: true, "the key, a uint64: an integer seed as it is, other entropy as its hash"),
    AttrDef("stream", .int, default: .int(0), isArgument: true, "stream number, 0 to 2**32 - 1"),
    AttrDef("size", .ints, default: AttrValue.none, role: .extent, "extents; None: those of the parameters"),
  ]
  private static let floatDType = AttrDef("dtype", .dtype, default: .dtype(.float64), "float32 or float64")
  static let sampleAttributes: [String: AttrValue] = [
    "seed": .scalar(Scalar(dtype: .uint64, low: 0x9E37_79B9_7F4A_7C15)), "stream": .int(3), "size": .ints([3, 5]),
  ]

  static func shape(_ c: OpContext) throws(MarsError) -> [Int] {
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

  /// The words are those of the element's position in C order, whatever the extents.
  static let resized: OpDef.Reshaping = { c, shape in
    c.inputs.allSatisfy { $0.rank == 0 } ? (c.op, c.attributes(with: "size", .ints(shape))) : nil
  }

  private static func floatType(_ c: OpContext) throws(MarsError) -> [TensorType] {
    guard let d = c.dtype("dtype"), d == .float32 || d == .float64 else {
      throw c.error(.type, "Unsupported dtype \(c.dtype("dtype")?.name ?? "") for \(c.op.name)")
    }
    for i in c.inputs where i.dtype.isComplex { throw c.error(.type, "parameters of \(c.op.name) must be real") }
    return [TensorType(d, try shape(c))]
  }

  static func word(_ b: inout ExprBuilder, _ c: OpContext, width: Int) -> ExprRef {
    let key = b.argument("seed", c)
    let stream = b.argument("stream", c, as: .uint32)
    return b.philox(key: key, stream: stream, width: width)
  }

  /// Uniform in [0, 1): the upper 53 (24) bits of a word.
  static func unit(_ b: inout ExprBuilder, _ c: OpContext) -> ExprRef {
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
  enum Check: Sendable {
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

  typealias Transform = @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> ExprRef

  static func distribution(
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
      ], reshaped: resized)
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

  static let words = OpDef(
    "random_raw", inputs: [], attributes: attributes,
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.uint64, try shape(c))] },
    body: .expr { b, c, _ in [word(&b, c, width: 64)] }, cost: cheap,
    doc: OpDoc("Raw 64-bit words of the generator.", example: "mt.random.random_raw(size=3)"), exposure: Exposure(namespace: "random"),
    samples: [Sample([], attributes: sampleAttributes)], reshaped: resized)

  static let family = OpFamily([
    random, uniform, standardNormal, normal, lognormal, standardExponential, exponential, weibull, pareto, rayleigh, gumbel, logistic,
    laplace,
    standardCauchy, triangular, draw, integers, words,
  ])
}
