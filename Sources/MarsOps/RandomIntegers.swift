import MarsBase
import MarsGraph

/// Random integers.
extension Random {
  static let draw = OpDef(
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
      example: "mt.random.integers(0, 10, size=5) < 10"), exposure: .hidden, samples: integerSamples,
    reshaped: resized)

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
}
