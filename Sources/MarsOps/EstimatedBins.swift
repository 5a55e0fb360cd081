import MarsBase
import MarsGraph

/// Histograms whose number of bins follows from the values.
enum EstimatedBins {
  /// NumPy's estimators of the width of bins, of `n` values x: n is at least 1.  A width of 0 stands for one bin.
  private static func width(_ c: OpContext, _ x: Value) throws(MarsError) -> Value {
    let n = Double(x.type.count)
    func real(_ v: Value) throws(MarsError) -> Value { try v.cast(.float64) }
    func number(_ v: Double) -> Value { Reductions.constant(Scalar(v), .float64) }
    func divided(_ v: Value, _ by: Double) throws(MarsError) -> Value { try v.op(Arithmetic.divide, weak: Scalar(by)) }
    let spread = try real(try x.op(Reductions.max)).op(Arithmetic.subtract, try real(try x.op(Reductions.min)))
    let log = number(n)
    let bits = try log.op(Exponential.log2)
    let root = number(1 / 3.0)
    /// n to the power of a third, or of what is left of it.
    func cubeRoot() throws(MarsError) -> Value { try number(n).op(Arithmetic.power, root) }
    func sturges() throws(MarsError) -> Value { try spread.op(Arithmetic.divide, try bits.op(Arithmetic.add, weak: Scalar(1.0))) }
    func freedmanDiaconis() throws(MarsError) -> Value {
      let q = Reductions.constant(Scalar(0.75), .float64)
      let p = Reductions.constant(Scalar(0.25), .float64)
      let between = try real(try x.op(Quantiles.ofFraction, q)).op(Arithmetic.subtract, try real(try x.op(Quantiles.ofFraction, p)))
      return try between.op(Arithmetic.multiply, weak: Scalar(2.0)).op(Arithmetic.divide, try cubeRoot())
    }
    let estimator = c.string("estimator")
    switch estimator {
    case "sqrt": return try divided(spread, n.squareRoot())
    case "sturges": return try sturges()
    case "rice": return try divided(spread.op(Arithmetic.divide, try cubeRoot()), 2)
    case "scott":
      let factor = try number(24 * 3.141592653589793238.squareRoot() / n).op(Arithmetic.power, root)
      return try factor.op(Arithmetic.multiply, try real(try x.op(Reductions.std)))
    case "doane":
      guard n > 2 else { return number(0) }
      let deviation = (6 * (n - 2) / ((n + 1) * (n + 3))).squareRoot()
      let sigma = try real(try x.op(Reductions.std))
      let z = try real(x).op(Arithmetic.subtract, try real(try x.op(Reductions.mean))).op(Arithmetic.divide, sigma)
      let skew = try z.op(Arithmetic.multiply, z).op(Arithmetic.multiply, z).op(Reductions.mean).op(Arithmetic.absolute)
      let extra = try divided(skew, deviation).op(Arithmetic.add, weak: Scalar(1.0)).op(Exponential.log2)
      let bins = try bits.op(Arithmetic.add, extra).op(Arithmetic.add, weak: Scalar(1.0))
      let isSpread = try sigma.op(Comparison.greater, weak: Scalar(0.0))
      return try isSpread.op(Selection.where, try spread.op(Arithmetic.divide, bins), number(0))
    case "fd": return try freedmanDiaconis()
    case "auto":
      // As NumPy: few quartiles apart must not make bins without number.
      let relaxed = try freedmanDiaconis().op(Comparison.maximum, try divided(spread, 2 * n.squareRoot()))
      return try relaxed.op(Comparison.minimum, try sturges())
    case "stone": throw c.error(.unsupported, "bins='stone' is not supported: it compares a hundred histograms and more")
    default: throw c.error(.value, "'\(estimator)' is not a valid estimator for `bins`")
    }
  }

  private static let estimator = AttrDef("estimator", .string, "'auto', 'doane', 'fd', 'rice', 'scott', 'sqrt' or 'sturges'")

  /// A tensor without elements of as many rows as there are bins.
  private static let extent = OpDef(
    "histogram_extent", inputs: [InputDef("a", "1-d"), InputDef("low", "0-d"), InputDef("high", "0-d")], attributes: [estimator],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[0].rank == 1, c.inputs[1].rank == 0, c.inputs[2].rank == 0 else {
        throw c.error(.value, "histogram_extent takes a vector and two numbers")
      }
      return [TensorType(.bool, [unknownExtent, 0])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { return [] }
      let one = Reductions.constant(Scalar(1.0), .float64)
      var bins = one
      if v[0].type.count > 0 {
        var w = try width(c, v[0])
        // Bins of integers are 1 wide at least.
        if v[0].type.dtype.isInteger {
          let isNarrow = try w.op(Comparison.less, one).op(Comparison.logicalAnd, try w.op(Comparison.greater, weak: Scalar(0.0)))
          w = try isNarrow.op(Selection.where, one, w)
        }
        let all = try v[2].cast(.float64).op(Arithmetic.subtract, try v[1].cast(.float64)).op(Arithmetic.divide, w)
        let isSome = try w.op(Comparison.notEqual, weak: Scalar(0.0))
        bins = try isSome.op(Selection.where, try all.op(FloatingPoint.ceil), one)
      }
      let isWrong = try bins.op(FloatingPoint.isfinite).op(Comparison.logicalNot)
      let most = try bins.op(Arithmetic.subtract, weak: Scalar(1.0)).op(Comparison.maximum, weak: Scalar(0.0)).cast(.int64).op(
        Checks.refuse.def, isWrong, with: ["message": .string("autodetected range of values is not finite")])
      return [try Counting.extent(most: try most.cast(.uint64))]
    }, doc: OpDoc("How many bins values ask for.", example: "mt.histogram([1, 2, 4], bins='auto')[0]"), exposure: .hidden)

  private static let edges = OpDef(
    "histogram_edges", inputs: [InputDef("low", "0-d"), InputDef("high", "0-d"), InputDef("extent", "its rows count")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[2].rank == 2, c.inputs[0].rank == 0, c.inputs[0] == c.inputs[1] else {
        throw c.error(.value, "histogram_edges takes two numbers and a tensor whose rows count")
      }
      let n = c.inputs[2].shape[0]
      return [TensorType(c.inputs[0].dtype, [n == unknownExtent ? n : try c.sum([n, 1], "there cannot be \(n) bins")])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[2].type.isKnown else { return [] }
      return [
        try v[0].op(Creation.linspace, v[1], with: ["num": .int(v[2].type.shape[0] + 1), "dtype": .dtype(v[0].type.dtype)])
      ]
    }, doc: OpDoc("The edges of as many bins as there are rows.", example: "mt.histogram([1, 2, 4], bins='auto')[1]"), exposure: .hidden)

  private static let counts = OpDef(
    "histogram_counts_found", inputs: [InputDef("a"), InputDef("bins", "1-d")], attributes: [Histograms.density],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[1].rank == 1, c.inputs[1].shape[0] != 0 else { throw c.error(.value, "there must be edges of bins") }
      let n = c.inputs[1].shape[0]
      return [TensorType(c.bool("density") ? .float64 : .int64, [n == unknownExtent ? n : n - 1])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      return [Value(try Histograms.binCounts.apply(v.map { .value($0) }, c.passing("density")))]
    }, doc: OpDoc("How many values lie in bins that have been found.", example: "mt.histogram([1, 2, 4], bins='auto')[0]"),
    exposure: .hidden)

  /// Values as numbers in a vector, those of the range only; and the edges of their bins.
  private static func found(_ c: OpContext, _ v: [Value]) throws(MarsError) -> (values: Value, edges: Value) {
    guard v.count == 1 else {
      throw c.error(.type, "Automated estimation of the number of bins is not supported for weighted data")
    }
    let a = try (v[0].type.dtype == .bool ? v[0].cast(.uint8) : v[0]).reshaped([-1])
    let (low, high) = try Histograms.ends(c, a)
    var x = a
    if c["low"] != .none || c["high"] != .none {
      let isIn = try a.op(Comparison.greaterEqual, low).op(Comparison.logicalAnd, try a.op(Comparison.lessEqual, high))
      x = try a.op(Masks.booleanMask, isIn)
    }
    let bins = try x.op(extent, low, high, with: ["estimator": c["estimator"]])
    return (a, try low.op(edges, high, bins))
  }

  private static let inputs = [InputDef("a"), InputDef("weights", optional: true, "refused: there are no estimates of weighted values")]
  private static let samples = ["auto", "doane", "fd", "rice", "scott", "sqrt", "sturges"].map {
    Sample([[9]], [.floating], attributes: ["estimator": .string($0)])
  }

  static let binEdges = OpDef(
    "histogram_bin_edges_estimated", inputs: inputs, attributes: [estimator] + Histograms.range, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in [try found(c, v).edges] },
    doc: OpDoc(
      "The edges of as many bins as an estimator finds good for the values.",
      example: "mt.histogram_bin_edges([1.0, 2.0, 4.0], bins='auto')"),
    exposure: Exposure(namespace: nil), samples: samples)

  static let histogram = OpDef(
    "histogram_estimated", inputs: inputs, attributes: [estimator] + Histograms.range + [Histograms.density],
    outputs: ["hist", "bin_edges"],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (values, edges) = try found(c, v)
      return [try values.op(counts, edges, with: ["density": c["density"]]), edges]
    }, cost: Cost(perElement: 20),
    doc: OpDoc(
      "How many values lie in each of as many bins as an estimator finds good, and the edges of these.",
      details: "The number of bins is known when it has run.", example: "mt.histogram([1.0, 2.0, 4.0], bins='auto')[0]"),
    exposure: Exposure(namespace: nil), samples: samples)

  static let family = OpFamily([binEdges, histogram, extent, edges, counts])
}
