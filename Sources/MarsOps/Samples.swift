import MarsBase
import MarsGraph
import MarsNumerics

/// Distributions whose values need rejection or more than one word: each element draws from a sequence of words of its own.
extension Random {
  private static func key(_ c: OpContext) -> UInt64 { c.scalar("seed")?.low ?? 0 }

  private static let sampleLoop = NativeOp(
    OpDef(
      "draw_samples", inputs: [InputDef("parameters", variadic: true, "float64, all of the shape of the result")],
      attributes: [AttrDef("kind", .string, "the distribution")] + attributes + [
        AttrDef("dtype", .dtype, default: .dtype(.float64), "float32 or float64; int64 of counts")
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard let kind = Samplers(rawValue: c.string("kind")), let count = distributions[kind]?.count, c.inputs.count == count else {
          throw c.error(.value, "there is no distribution '\(c.string("kind"))' of \(c.inputs.count) parameters")
        }
        let shape = try shape(c)
        guard c.inputs.allSatisfy({ $0 == TensorType(.float64, shape) }) else {
          throw c.error(.value, "parameters must be float64 and of the shape of the result")
        }
        let allowed: [DType] = kind.isDiscrete ? [.int64] : [.float32, .float64]
        guard let d = c.dtype("dtype"), allowed.contains(d) else {
          throw c.error(.type, "Unsupported dtype \(c.dtype("dtype")?.name ?? "None") for \(c.string("kind"))")
        }
        return [TensorType(d, shape)]
      }, body: .native(NativeRule(.access { c in c.inputs.map { (0..<$0.rank).map { .aligned($0) } } })),
      cost: Cost(perElement: 150), doc: OpDoc("Numbers of a distribution.", example: "mt.random.poisson(3, size=4) >= 0"),
      exposure: .hidden,
      samples: [
        Sample([[3, 5], [3, 5]], attributes: sampleAttributes.merging(["kind": .string("vonmises")]) { $1 })
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    guard let kind = Samplers(rawValue: c.string("kind")) else { return }
    let strides = Shape.rowMajorStrides(c.outputs[0].shape)
    try kind.fill(
      call.outputs[0], call.inputs, names: (distributions[kind] ?? []).map(\.name), key: key(c),
      stream: UInt32(truncatingIfNeeded: c.int("stream")), first: zip(call.outputBox.lower, strides).reduce(0) { $0 + $1.0 * $1.1 },
      strides: strides)
  }

  private static let distributions: [Samplers: [InputDef]] = [
    .standardGamma: [InputDef("shape")], .gamma: [InputDef("shape"), InputDef("scale", default: 1)],
    .beta: [InputDef("a"), InputDef("b")], .chisquare: [InputDef("df")], .f: [InputDef("dfnum"), InputDef("dfden")],
    .standardT: [InputDef("df")], .noncentralChisquare: [InputDef("df"), InputDef("nonc")],
    .noncentralF: [InputDef("dfnum"), InputDef("dfden"), InputDef("nonc")], .power: [InputDef("a")],
    .vonmises: [InputDef("mu"), InputDef("kappa")], .wald: [InputDef("mean"), InputDef("scale")],
    .poisson: [InputDef("lam", default: 1)], .negativeBinomial: [InputDef("n"), InputDef("p")], .binomial: [InputDef("n"), InputDef("p")],
    .geometric: [InputDef("p")], .hypergeometric: [InputDef("ngood"), InputDef("nbad"), InputDef("nsample")],
    .logseries: [InputDef("p")], .zipf: [InputDef("a")],
  ]

  /// Draws of a distribution whose parameters broadcast to the size.
  private static func drawn(_ c: OpContext, _ kind: Samplers, _ v: [Value], dtype: DType) throws(MarsError) -> Value {
    for x in v where x.type.dtype.isComplex { throw c.error(.type, "parameters of \(c.op.name) must be real") }
    let known = v.map { $0.constant?.asDouble }
    let names = (distributions[kind] ?? []).map(\.name)
    for rule in kind.rules { if let problem = rule.problem(known, names) { throw c.error(.value, problem) } }
    let size = try shape(c)
    guard Shape.isKnown(size) else { throw c.unknownExtents("\(c.op.name) needs parameters of known extents") }
    var operands: [Operand] = []
    for x in v { operands.append(.value(try x.cast(.float64).broadcast(to: size))) }
    return Value(
      try sampleLoop.def.apply(
        operands,
        [
          ("kind", .string(kind.rawValue)), ("seed", c["seed"]), ("stream", c["stream"]), ("size", .ints(size)), ("dtype", .dtype(dtype)),
        ]))
  }

  private static func sampler(_ kind: Samplers, _ summary: String, _ arguments: String) -> OpDef {
    let inputs = distributions[kind] ?? []
    let takesDType = kind == .standardGamma
    var sample = sampleAttributes
    sample["size"] = .ints([3, 5])
    // The ufunc of that name is another operator.
    let isTaken = kind == .power
    return OpDef(
      isTaken ? "power_distribution" : kind.rawValue, inputs: inputs,
      attributes: attributes + (takesDType ? [AttrDef("dtype", .dtype, default: .dtype(.float64), "float32 or float64")] : []),
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let d = takesDType ? c.dtype("dtype") ?? .float64 : kind.isDiscrete ? .int64 : .float64
        return [try drawn(c, kind, v, dtype: d)]
      }, cost: Cost(perElement: 150),
      doc: OpDoc(
        summary,
        details:
          "Every element draws words of its own until one is accepted, so that values do not depend on chunks.  They are Mars's own, not those of NumPy's generators.",
        numpy: "numpy.random.\(kind.rawValue)", example: "mt.random.\(kind.rawValue)(\(arguments), size=3) > -4"),
      exposure: Exposure(namespace: "random", aliases: isTaken ? [kind.rawValue] : []),
      samples: [Sample(inputs.map { _ in [] }, attributes: sample)])
  }

  private static let samplers: [OpDef] = [
    sampler(.standardGamma, "Gamma numbers of scale 1.", "2"), sampler(.gamma, "Gamma numbers.", "2, 3"),
    sampler(.beta, "Beta numbers.", "2, 3"), sampler(.chisquare, "Sums of the squares of df standard normal numbers.", "2"),
    sampler(.f, "Quotients of two chi-square numbers, each divided by its degrees of freedom.", "2, 3"),
    sampler(.standardT, "Student's t.", "2"),
    sampler(.noncentralChisquare, "Sums of the squares of normal numbers whose means add up, squared, to nonc.", "2, 1"),
    sampler(.noncentralF, "Quotients of a noncentral chi-square number and a chi-square one.", "2, 3, 1"),
    sampler(.power, "Numbers in [0, 1] of density a x**(a - 1).", "2"), sampler(.vonmises, "Angles around mu, in [-pi, pi].", "0, 2"),
    sampler(.wald, "Inverse Gaussian numbers.", "2, 3"), sampler(.poisson, "Counts of events of which lam are expected.", "3"),
    sampler(.negativeBinomial, "Failures before n successes of probability p.", "3, 0.5"),
    sampler(.binomial, "Successes in n trials of probability p.", "10, 0.5"),
    sampler(.geometric, "Trials up to the first success of probability p.", "0.5"),
    sampler(.hypergeometric, "Good ones in a sample without replacement.", "5, 6, 7"),
    sampler(.logseries, "Numbers of the logarithmic series.", "0.5"), sampler(.zipf, "Numbers k of probability k**-a.", "2"),
  ]

  // MARK: Several values at once

  static let dirichlet = OpDef(
    "dirichlet", inputs: [InputDef("alpha", "a positive number per component")], attributes: attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "alpha must be a vector") }
      guard v[0].type.isKnown else { throw c.unknownExtents("dirichlet needs a known number of parameters") }
      if let numbers = v[0].numbers, !numbers.allSatisfy({ $0 > 0 }) { throw c.error(.value, "alpha <= 0") }
      let size = (c.optionalInts("size") == nil ? [] : try c.shape("size")) + v[0].type.shape
      let g = Value(
        try samplers[0].apply([.value(v[0])], [("seed", c["seed"]), ("stream", c["stream"]), ("size", .ints(size))]))
      return [try g.op(Arithmetic.divide, try g.op(Reductions.sum, with: ["axis": .ints([-1]), "keepdims": .bool(true)]))]
    }, cost: Cost(perElement: 160),
    doc: OpDoc(
      "Shares that add up to 1: gamma numbers divided by their sum.", details: "float64, of shape size and then one entry per component.",
      numpy: "numpy.random.dirichlet",
      example: "mt.random.dirichlet([1, 2, 3], size=2).sum(axis=1)"),
    exposure: Exposure(namespace: "random"),
    samples: [Sample([[3]], DTypeSet(.float64), attributes: sampleAttributes.merging(["size": .ints([4])]) { $1 })])

  private static let multinomialLoop = NativeOp(
    OpDef(
      "draw_multinomial", inputs: [InputDef("n", "int64"), InputDef("pvals", "float64, 1-d")], attributes: Array(attributes.dropLast()),
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .int64, c.inputs[1].dtype == .float64, c.inputs[1].rank == 1, c.scalar("seed")?.dtype == .uint64 else {
          throw c.error(.value, "n must be int64 and pvals a vector of float64")
        }
        return [TensorType(.int64, c.inputs[0].shape + c.inputs[1].shape)]
      },
      body: .native(
        NativeRule(
          .access { c in [(0..<c.inputs[0].rank).map { .aligned($0) }, [.whole]] }, wholeOutputAxes: { c in [c.inputs[0].rank] })),
      cost: Cost(perElement: 150), doc: OpDoc("Counts of results of trials.", example: "mt.random.multinomial(5, [0.5, 0.5])"),
      exposure: .hidden, samples: [Sample([[3], [1]], fixed: [0: .int64, 1: .float64], attributes: source)])
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    let (counts, out) = (call.inputs[0], call.outputs[0])
    guard let shares = call.inputs[1].numbers else { return }
    guard shares.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { throw c.error(.value, "pvals < 0, pvals > 1 or pvals contains NaNs") }
    guard shares.dropLast().reduce(0, +) <= 1 + 1e-12 else { throw c.error(.value, "sum(pvals[:-1]) > 1.0") }
    let strides = Shape.rowMajorStrides(c.inputs[0].shape)
    let first = zip(call.outputBox.lower, strides).reduce(0) { $0 + $1.0 * $1.1 }
    try Samplers.multinomial(
      counts, shares, key: key(c), stream: UInt32(truncatingIfNeeded: c.int("stream")), first: first, strides: strides, into: out)
  }

  static let multinomial = OpDef(
    "multinomial", inputs: [InputDef("n"), InputDef("pvals", "probabilities of the results, which add up to 1")], attributes: attributes,
    typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype.kind <= .signed else { throw c.error(.type, "n must be an integer") }
      guard v[1].type.rank == 1 else { throw c.error(.value, "pvals must be a vector") }
      guard v[1].type.isKnown else { throw c.unknownExtents("multinomial needs a known number of probabilities") }
      guard v[1].type.shape[0] > 0 else {
        throw c.error(.value, "pvals must have at least 1 dimension and the last dimension of pvals must be greater than 0.")
      }
      if let n = v[0].constant?.asDouble, n < 0 { throw c.error(.value, "n < 0") }
      if let p = v[1].numbers {
        guard p.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { throw c.error(.value, "pvals < 0, pvals > 1 or pvals contains NaNs") }
        guard p.dropLast().reduce(0, +) <= 1 + 1e-12 else { throw c.error(.value, "sum(pvals[:-1]) > 1.0") }
      }
      let size = c.optionalInts("size") == nil ? v[0].type.shape : try c.shape("size")
      let n = try v[0].cast(.int64).broadcast(to: size)
      return [
        Value(
          try multinomialLoop.def.apply([.value(n), .value(try v[1].cast(.float64))], [("seed", c["seed"]), ("stream", c["stream"])]))
      ]
    }, cost: Cost(perElement: 150),
    doc: OpDoc(
      "How often each of several results comes in n trials.", details: "int64, of shape size and then one entry per result.",
      numpy: "numpy.random.multinomial",
      example: "mt.random.multinomial(5, [0.25, 0.75], size=3).sum(axis=1)"),
    exposure: Exposure(namespace: "random"),
    samples: [Sample([[], [1]], fixed: [0: .int64, 1: .float64], attributes: sampleAttributes)])

  private static let source = sampleAttributes.filter { $0.key != "size" }

  static let permuted = OpDef(
    "permuted", inputs: [InputDef("x")],
    attributes: [AttrDef("axis", .int, default: AttrValue.none, "the axis; None: all elements")] + Array(attributes.dropLast()),
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { throw c.unknownExtents("permuted needs known extents") }
      let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      let keys = Value(
        try words.apply([], [("seed", c["seed"]), ("stream", c["stream"]), ("size", .ints(x.type.shape))]))
      let order = try keys.op(Sorting.argsort, with: ["axis": .int(k)])
      return [try x.op(Indexing.takeAlongAxis, order, with: ["axis": .int(k)]).reshaped(v[0].type.shape)]
    }, cost: Cost(perElement: 90),
    doc: OpDoc(
      "Elements in random order, along an axis each slice in an order of its own.",
      details: "Of the shape and dtype of x; axis None takes all elements, as one axis.", numpy: "numpy.random.Generator.permuted",
      example: "mt.random.permuted([[1, 2, 3], [4, 5, 6]], axis=1).sum(axis=1)"),
    exposure: Exposure(namespace: "random"),
    samples: [
      Sample([[3, 4]], attributes: source.merging(["axis": .int(1)]) { $1 }),
      Sample([[3, 4]], attributes: source),
    ])

  static let samples = OpFamily(
    samplers + [dirichlet, multinomial, permuted], natives: [sampleLoop, multinomialLoop])
}
