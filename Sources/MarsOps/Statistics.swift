import MarsBase
import MarsGraph

/// Statistics composed of reductions and products.
enum Statistics {
  private static let weights = InputDef("weights", optional: true, "weights of a's shape, or of the axes")

  /// Weights in the shape of what they weigh: given for all of it, or for the reduced axes in the order in which these are given.
  static func spread(_ c: OpContext, _ w: Value, over a: Value) throws(MarsError) -> Value {
    // Unknown extents that turn out otherwise are met when the operator is applied again with the known ones.
    if Shape.mayEqual(w.type.shape, a.type.shape) { return w }
    guard let given = c.optionalInts("axis") else {
      throw c.error(.type, "Axis must be specified when shapes of a and weights differ.")
    }
    _ = try c.normalisedAxes(given, rank: a.type.rank)
    let axes = given.map { $0 < 0 ? $0 + a.type.rank : $0 }
    guard Shape.mayEqual(w.type.shape, axes.map { a.type.shape[$0] }) else {
      throw c.error(.value, "Shape of weights must be consistent with shape of a along specified axis.")
    }
    guard w.type.isKnown && a.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    let map = AxisMap(axes.map { .aligned($0) })
    return try w.viewed(map, shape: a.type.shape.indices.map { axes.contains($0) ? a.type.shape[$0] : 1 }).broadcast(to: a.type.shape)
  }

  /// The dtype in which means are computed: integers ask for float64 whatever the weights.
  private static func meanDType(_ c: OpContext) -> DType {
    c.inputs[0].dtype.kind < .floating ? Promotion.common(c.commonDType(), .float64) : c.commonDType()
  }

  static let average = OpDef(
    "average", inputs: [InputDef("a"), weights],
    attributes: [medianAxis, Reductions.keepdims], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let given = c.passing("axis", "keepdims")
      guard v.count > 1 else { return [Value(try Reductions.mean.apply([.value(v[0])], given))] }
      let d = meanDType(c)
      let (x, weight) = (try v[0].cast(d), try spread(c, v[1], over: v[0]).cast(d))
      let top = Value(try Reductions.sum.apply([.value(try x.op(Arithmetic.multiply, weight))], given))
      let bottom = Value(try Reductions.sum.apply([.value(weight)], given))
      return [try top.op(Arithmetic.divide, bottom)]
    },
    doc: OpDoc(
      "The weighted mean over axes.", details: "Integers give float64.  Weights have the shape of a, or that of the axes.",
      numpy: "numpy.average", example: "mt.average([1.0, 2.0, 4.0])"),
    exposure: Exposure(signature: "a axis weights * keepdims"),
    samples: [Sample([[3, 4]], .numeric), Sample([[3, 4], [3, 4]])])

  static let averageWeights = OpDef(
    "average_weights", inputs: [InputDef("a"), weights], attributes: [medianAxis, Reductions.keepdims], typing: .fromExpansion,
    takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (given, d) = (c.passing("axis", "keepdims"), meanDType(c))
      if v.count > 1 {
        return [Value(try Reductions.sum.apply([.value(try spread(c, v[1], over: v[0]).cast(d))], given))]
      }
      guard v[0].type.isKnown else { throw c.unknownExtents("average_weights needs known extents") }
      let one = try Reductions.constant(Scalar(1.0), d).broadcast(to: v[0].type.shape)
      return [Value(try Reductions.sum.apply([.value(one)], given))]
    },
    doc: OpDoc(
      "The sum of the weights of an average: what that gives beside it where `returned` is set.",
      details: "Without weights every element counts 1.", example: "mt.average([1.0, 2.0, 4.0], returned=True)[1]"),
    exposure: .hidden,
    samples: [Sample([[3, 4]], .numeric, attributes: ["axis": .ints([1])]), Sample([[3, 4], [3, 4]])])

  /// What observations count, as float64: how often each comes, times its weight.
  private struct Weights {
    var all: Value?
    var ofImportance: Value?

    /// None.
    init() {}

    init(_ c: OpContext, _ v: [Value]) throws(MarsError) {
      for (name, isFrequency) in [("aweights", false), ("fweights", true)] {
        guard let given = c.input(name, of: v) else { continue }
        guard given.type.rank == 1 else { throw c.error(.value, "cannot handle multidimensional \(name)") }
        guard !given.type.dtype.isComplex else { throw c.error(.type, "\(name) must be real numbers") }
        var w = try Checks.notNegative(c, try given.cast(.float64), "\(name) cannot be negative")
        if isFrequency && given.type.dtype.kind >= .floating { w = try Checks.whole(c, w, "fweights must be integer") }
        if !isFrequency { ofImportance = w }
        all = try all?.op(Arithmetic.multiply, w) ?? w
      }
    }

    /// Refuses weights that are fewer or more than the observations.
    func check(_ c: OpContext, _ n: Int) throws(MarsError) {
      guard let all else { return }
      guard all.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs a known number of weights") }
      guard all.type.shape[0] == n else { throw c.error(.value, "incompatible numbers of samples and weights") }
    }

    /// What the sum of weighted products is divided by (Fisher's weights for what is less than all observations).
    func divisor(_ ddof: Double) throws(MarsError) -> Value? {
      guard let all else { return nil }
      let sum = try all.op(Reductions.sum)
      guard ddof != 0 else { return sum }
      guard let ofImportance else { return try sum.op(Arithmetic.subtract, weak: Scalar(ddof)) }
      let squares = try all.op(Arithmetic.multiply, ofImportance).op(Reductions.sum).op(Arithmetic.divide, sum)
      return try sum.op(Arithmetic.subtract, try squares.op(Arithmetic.multiply, weak: Scalar(ddof)))
    }
  }

  /// Covariance of the rows of one 2-D value, or of two.
  private static func covariance(_ c: OpContext, _ variables: [Value], _ weights: Weights = Weights()) throws(MarsError) -> Value {
    var rows: [Value] = []
    for (i, given) in variables.enumerated() {
      var x = given.type.rank == 0 ? try given.expanded(at: [0]) : given
      if x.type.rank == 1 { x = try x.expanded(at: [0]) } else if !c.bool("rowvar") { x = try x.op(Shapes.transpose) }
      guard x.type.rank == 2 else { throw c.error(.value, "\(i == 0 ? "m" : "y") has more than 2 dimensions") }
      rows.append(x)
    }
    var x = rows.count == 1 ? rows[0] : Value(try Joining.concatenate.apply(rows.map { .value($0) }))
    // The number of variables decides whether the result is a matrix or a number.
    guard x.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known numbers of variables and observations") }
    x = try x.cast(c.dtype("dtype") ?? Promotion.common(x.type.dtype, .float64))
    let n = x.type.shape[1]
    try weights.check(c, n)
    var ddof = 1.0
    if c.op.attributeIndex("ddof") != nil {
      ddof = c.bool("bias") ? 0 : 1
      if case .int(let d) = c["ddof"] { ddof = Double(d) }
    }
    let mean: Value
    if let w = weights.all {
      let sums = try x.op(Arithmetic.multiply, w).op(Reductions.sum, with: ["axis": .ints([1]), "keepdims": .bool(true)])
      mean = try sums.op(Arithmetic.divide, try w.op(Reductions.sum))
    } else {
      mean = try x.op(Reductions.mean, with: ["axis": .ints([1]), "keepdims": .bool(true)])
    }
    let d = try x.op(Arithmetic.subtract, mean).cast(x.type.dtype)
    let weighted = try weights.all.map { w throws(MarsError) in try d.op(Arithmetic.multiply, w) } ?? d
    let conjugate = try weighted.type.dtype.isComplex ? weighted.op(FloatingPoint.conjugate) : weighted
    let s = try d.cast(weighted.type.dtype).op(LinearAlgebra.matmul, try conjugate.op(Shapes.transpose))
    // As NumPy: by 0 where nothing is left.
    guard let divisor = try weights.divisor(ddof) else {
      return try s.op(Arithmetic.divide, Reductions.constant(Scalar(Swift.max(0, Double(n) - ddof)), s.type.dtype))
    }
    return try s.op(Arithmetic.divide, try divisor.op(Comparison.maximum, weak: Scalar(0.0)).cast(s.type.dtype))
  }

  private static func squeezed(_ v: Value) throws(MarsError) -> Value {
    v.type.shape == [1, 1] ? try v.op(Shapes.squeeze) : v
  }

  private static let more = InputDef("y", optional: true, "more variables of as many observations")
  private static let dtype = AttrDef(
    "dtype", .dtype, default: AttrValue.none, since: 2, "dtype in which to compute; None: float64 at least")
  private static let rowvar = AttrDef("rowvar", .bool, default: .bool(true), "whether rows are the variables")

  private static let divisor = [
    AttrDef("bias", .bool, default: .bool(false), "divide by N instead of N - 1"),
    AttrDef("ddof", .int, default: AttrValue.none, "divide by N - ddof"),
  ]

  static let cov = OpDef(
    "cov",
    inputs: [
      InputDef("m"), more, InputDef("fweights", optional: true, "integers: how often every observation comes"),
      InputDef("aweights", optional: true, "how much every observation weighs"),
    ],
    attributes: [rowvar] + divisor + [dtype], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let variables = [v[0]] + (c.input("y", of: v).map { [$0] } ?? [])
      return [try squeezed(try covariance(c, variables, try Weights(c, v)))]
    },
    doc: OpDoc(
      "The covariance matrix of variables.",
      details:
        "Rows are variables and columns observations, unless rowvar is False.  float64 at least: a matrix, or of one variable a number.",
      numpy: "numpy.cov", example: "mt.cov([[1.0, 2.0, 3.0], [1.0, 4.0, 9.0]])"),
    exposure: Exposure(signature: "m y rowvar bias ddof fweights aweights * dtype"),
    samples: [
      Sample([[3, 5]], .numeric), Sample([[5, 3]], attributes: ["rowvar": .bool(false)]), Sample([[5]]),
      Sample([[3, 5], [5]], attributes: ["dtype": .dtype(.float32)]), Sample([[3, 5], [5]], fixed: [1: .uint8], absent: [1]),
      Sample([[3, 5], [5]], fixed: [1: .uint8], absent: [1, 2]), Sample([[3, 5], [2, 5], [5]], fixed: [2: .uint8], absent: [2]),
      Sample([[3, 5], [2, 5], [5], [5]], fixed: [2: .uint8, 3: .uint8]),
    ])

  static let corrcoef = OpDef(
    "corrcoef", inputs: [InputDef("x"), more], attributes: [rowvar, dtype], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let s = try covariance(c, v)
      let deviation = try s.op(Shapes.diagonal).op(FloatingPoint.real).op(Exponential.sqrt)
      let byRow = try s.op(Arithmetic.divide, try deviation.expanded(at: [1]))
      let r = try byRow.op(Arithmetic.divide, try deviation.expanded(at: [0]))
      guard !r.type.dtype.isComplex else { return [try squeezed(r)] }
      // Rounding may leave [-1, 1].
      let d = r.type.dtype
      let limits = (Reductions.constant(Scalar(-1.0), d), Reductions.constant(Scalar(1.0), d))
      return [try squeezed(try r.op(Selection.clip, limits.0, limits.1))]
    },
    doc: OpDoc(
      "The correlation matrix of variables.",
      details:
        "Rows are variables and columns observations, unless rowvar is False.  float64 at least: a matrix, or of one variable a number.",
      numpy: "numpy.corrcoef", example: "mt.corrcoef([[1.0, 2.0, 3.0], [1.0, 4.0, 9.0]])"),
    exposure: Exposure(signature: "x y rowvar * dtype"),
    samples: [Sample([[3, 5]]), Sample([[5, 3]], attributes: ["rowvar": .bool(false)])])

  static let medianAxis = AttrDef("axis", .ints, default: AttrValue.none, "axes; None: the flattened array")

  /// A median over axes by a median over the first axis of two or more dimensions, which keeps that axis.
  static func median(
    _ c: OpContext, _ x: Value, _ alongFirst: (Value, Int) throws(MarsError) -> Value
  ) throws(MarsError) -> Value {
    guard x.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    let axes =
      try c.optionalInts("axis").map { given throws(MarsError) in try c.normalisedAxes(given, rank: x.type.rank) }
      ?? Array(0..<x.type.rank)
    let rest = (0..<x.type.rank).filter { !axes.contains($0) }
    let others = rest.map { x.type.shape[$0] }
    let n = try c.product(axes.map { x.type.shape[$0] }, "the reduced axes")
    let kept = c.bool("keepdims") ? x.type.shape.indices.map { axes.contains($0) ? 1 : x.type.shape[$0] } : others
    return try alongFirst(try x.permuted(axes + rest).reshaped([n] + others), n).reshaped(kept)
  }

  /// The mean of slices along the first axis, which stays.
  static func meanOfRows(_ x: Value) throws(MarsError) -> Value {
    try x.op(Reductions.mean, with: ["axis": .ints([0]), "keepdims": .bool(true)])
  }

  static let median = OpDef(
    "median", inputs: [InputDef("a")], attributes: [medianAxis, Reductions.keepdims], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let r = try median(c, v[0]) { (x, n) throws(MarsError) -> Value in
        // The mean of nothing.
        if n == 0 { return try meanOfRows(x) }
        let halves = n % 2 == 0 ? 2 : 1
        // NaNs come last in order: one at the end makes the median NaN.
        let found = try Quantiles.elements(x, axis: 0, places: [(n - 1) / 2, n / 2].suffix(halves) + [n - 1])
        let m = try meanOfRows(try found.sliced(axis: 0, start: 0, count: halves))
        guard x.type.dtype.kind >= .floating else { return m }
        // As it is: a complex infinity divided by 1 is half NaN.
        let last = try found.sliced(axis: 0, start: halves, count: 1)
        return try last.op(FloatingPoint.isnan).op(Selection.`where`, last, m)
      }
      return [r]
    }, cost: Cost(perElement: 60), doc: OpDoc("The median over axes.", numpy: "numpy.median", example: "mt.median([3.0, 1.0, 2.0])"),
    exposure: Exposure(out: .any, signature: "a axis out overwrite_input=False keepdims"),
    samples: [
      Sample([[3, 4]], [.integer, .floating]), Sample([[3, 4]], attributes: ["axis": .int(0)]),
      Sample([[2, 3, 4]], attributes: ["axis": .ints([2, 0]), "keepdims": .bool(true)]),
    ])

  static let family = OpFamily([average, averageWeights, cov, corrcoef, median])
}
