import MarsBase
import MarsGraph

/// Statistics composed of reductions and products.
enum Statistics {
  private static let weights = InputDef("weights", optional: true, "weights of a's shape, or of one axis")

  /// Weights in the shape of what they weigh.
  private static func spread(_ c: OpContext, _ w: Value, over a: Value) throws(MarsError) -> Value {
    if w.type.shape == a.type.shape { return w }
    guard w.type.rank == 1, let axes = c.optionalInts("axis"), axes.count == 1 else {
      throw c.error(.type, "Axis must be specified when shapes of a and weights differ.")
    }
    let k = try c.normalisedAxis(axes[0], rank: a.type.rank)
    guard w.type.shape[0] == a.type.shape[k] else {
      throw c.error(.value, "Shape of weights must be consistent with shape of a along specified axis.")
    }
    return try w.viewed(AxisMap([.aligned(k)]), shape: a.type.shape.indices.map { $0 == k ? w.type.shape[0] : 1 }).broadcast(
      to: a.type.shape)
  }

  /// The dtype in which means are computed.
  private static func meanDType(_ c: OpContext) -> DType { c.commonDType().kind < .floating ? .float64 : c.commonDType() }

  static let average = OpDef(
    "average", inputs: [InputDef("a"), weights],
    attributes: [Reductions.axis, Reductions.keepdims], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let given = c.passing("axis", "keepdims")
      guard v.count > 1 else { return [Value(try Reductions.mean.apply([.value(v[0])], given))] }
      let d = meanDType(c)
      let (x, weight) = (try v[0].cast(d), try spread(c, v[1], over: v[0]).cast(d))
      let top = Value(try Reductions.sum.apply([.value(try x.op(Arithmetic.multiply, weight))], given))
      let bottom = Value(try Reductions.sum.apply([.value(weight)], given))
      return [try top.op(Arithmetic.divide, bottom)]
    }, doc: OpDoc("The weighted mean over axes.", numpy: "numpy.average", example: "mt.average([1.0, 2.0, 4.0])"),
    exposure: Exposure(signature: "a axis weights * keepdims"),
    samples: [Sample([[3, 4]], .numeric), Sample([[3, 4], [3, 4]])])

  static let averageWeights = OpDef(
    "average_weights", inputs: [InputDef("a"), weights], attributes: [Reductions.axis, Reductions.keepdims], typing: .fromExpansion,
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
      details: "Without weights every element counts 1.", example: "mt.average_weights([1.0, 2.0, 4.0])"),
    exposure: Exposure(signature: "a axis weights * keepdims"),
    samples: [Sample([[3, 4]], .numeric, attributes: ["axis": .ints([1])]), Sample([[3, 4], [3, 4]])])

  /// How often each of `n` observations was made, or what it counts, as float64.
  private static func counted(_ c: OpContext, _ w: Value, _ name: String, n: Int, whole: Bool) throws(MarsError) -> Value {
    guard w.type.rank == 1 else { throw c.error(.value, "cannot handle multidimensional \(name)") }
    guard w.type.shape[0] == n else { throw c.error(.value, "incompatible numbers of samples and \(name)") }
    guard !w.type.dtype.isComplex else { throw c.error(.type, "\(name) must be real numbers") }
    guard !whole || w.type.dtype.kind < .floating || (w.numbers?.allSatisfy { $0 == $0.rounded() } ?? false) else {
      throw c.error(.type, "fweights must be integer")
    }
    let message = "\(name) cannot be negative"
    if let known = w.numbers {
      guard known.allSatisfy({ !($0 < 0) }) else { throw c.error(.value, message) }
      return try w.cast(.float64)
    }
    let isWrong = try w.op(Comparison.less, weak: Scalar(Int64(0)))
    let zeros = try isWrong.cast(.int64).op(Checks.refuse.def, isWrong, with: ["message": .string(message)])
    return try w.cast(.float64).op(Arithmetic.add, try zeros.cast(.float64))
  }

  /// Covariance of the rows of a 2-D value; `frequencies` and `weights` say what an observation counts.
  private static func covariance(
    _ c: OpContext, _ v: [Value], frequencies: Value? = nil, weights: Value? = nil
  ) throws(MarsError) -> Value {
    var rows: [Value] = []
    for (i, given) in v.enumerated() {
      var x = given.type.rank == 0 ? try given.expanded(at: [0]) : given
      if x.type.rank == 1 { x = try x.expanded(at: [0]) } else if !c.bool("rowvar") { x = try x.op(Shapes.transpose) }
      guard x.type.rank == 2 else { throw c.error(.value, "\(i == 0 ? "m" : "y") has more than 2 dimensions") }
      rows.append(x)
    }
    var x = rows.count == 1 ? rows[0] : Value(try Joining.concatenate.apply(rows.map { .value($0) }))
    guard x.type.shape[1] != unknownExtent else { throw c.unknownExtents("\(c.op.name) needs a known number of observations") }
    x = try x.cast(c.dtype("dtype") ?? Promotion.common(x.type.dtype, .float64))
    let n = x.type.shape[1]
    var ddof = 1.0
    if c.op.attributeIndex("ddof") != nil {
      ddof = c.bool("bias") ? 0 : 1
      if case .int(let d) = c["ddof"] { ddof = Double(d) }
    }
    let perRow: KeyValuePairs<String, AttrValue> = ["axis": .ints([1]), "keepdims": .bool(true)]
    let times = try frequencies.map { w throws(MarsError) in try counted(c, w, "fweights", n: n, whole: true) }
    let counts = try weights.map { w throws(MarsError) in try counted(c, w, "aweights", n: n, whole: false) }
    if let first = times ?? counts {
      let w = try times == nil ? first : counts.map { other throws(MarsError) in try first.op(Arithmetic.multiply, other) } ?? first
      let sum = try w.op(Reductions.sum)
      let total = try x.op(Arithmetic.multiply, w).op(Reductions.sum, with: perRow)
      let d = try x.op(Arithmetic.subtract, try total.op(Arithmetic.divide, sum))
      let conjugate = try d.type.dtype.isComplex ? d.op(FloatingPoint.conjugate) : d
      let s = try d.op(LinearAlgebra.matmul, try conjugate.op(Arithmetic.multiply, w).op(Shapes.transpose))
      // What one observation counts is taken off once for each degree of freedom.
      var lost = Reductions.constant(Scalar(ddof), .float64)
      if let counts {
        lost = try lost.op(Arithmetic.multiply, try w.op(Arithmetic.multiply, counts).op(Reductions.sum)).op(Arithmetic.divide, sum)
      }
      let rest = try ddof == 0 ? sum : sum.op(Arithmetic.subtract, lost)
      return try s.op(Arithmetic.divide, try rest.op(Comparison.maximum, weak: Scalar(0.0)).cast(s.type.dtype))
    }
    let mean = try x.op(Reductions.mean, with: perRow)
    let d = try x.op(Arithmetic.subtract, mean)
    let conjugate = try d.type.dtype.isComplex ? d.op(FloatingPoint.conjugate) : d
    let s = try d.op(LinearAlgebra.matmul, try conjugate.op(Shapes.transpose))
    let divisor = Reductions.constant(Scalar(Swift.max(0, Double(n) - ddof)), s.type.dtype)
    return try s.op(Arithmetic.divide, divisor)
  }

  private static func squeezed(_ v: Value) throws(MarsError) -> Value {
    v.type.shape == [1, 1] ? try v.op(Shapes.squeeze) : v
  }

  private static let more = InputDef("y", optional: true, "more variables of as many observations")
  private static let dtype = AttrDef(
    "dtype", .dtype, default: AttrValue.none, since: 2, "dtype in which to compute; None: float64 at least")
  private static let rowvar = AttrDef("rowvar", .bool, default: .bool(true), "whether rows are the variables")

  static let cov = OpDef(
    "cov", inputs: [InputDef("m"), InputDef("others", variadic: true, "more variables y, fweights and aweights, those that are given")],
    attributes: [
      rowvar, AttrDef("bias", .bool, default: .bool(false), "divide by N instead of N - 1"),
      AttrDef("ddof", .int, default: AttrValue.none, "divide by N - ddof"), dtype,
      AttrDef("fweights", .bool, default: .bool(false), since: 3, "whether others have how often each observation was made"),
      AttrDef("aweights", .bool, default: .bool(false), since: 3, "whether others have, last, what each observation counts"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var variables = v
      let given = (c.bool("fweights") ? 1 : 0) + (c.bool("aweights") ? 1 : 0)
      guard v.count > given, v.count - given <= 2 else { throw c.error(.type, "cov takes one or two arrays of variables, and weights") }
      let weights = c.bool("aweights") ? variables.removeLast() : nil
      let frequencies = c.bool("fweights") ? variables.removeLast() : nil
      return [try squeezed(try covariance(c, variables, frequencies: frequencies, weights: weights))]
    },
    doc: OpDoc("The covariance matrix of variables.", numpy: "numpy.cov", example: "mt.cov([[1.0, 2.0, 3.0], [1.0, 4.0, 9.0]])"),
    samples: [
      Sample([[3, 5], [5]], fixed: [1: .int32], attributes: ["fweights": .bool(true)]),
      Sample([[3, 5], [5], [5]], fixed: [1: .int32], attributes: ["fweights": .bool(true), "aweights": .bool(true)]),
      Sample([[3, 5]], .numeric), Sample([[5, 3]], attributes: ["rowvar": .bool(false)]), Sample([[5]]),
      Sample([[3, 5], [5]], attributes: ["dtype": .dtype(.float32)]),
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
    doc: OpDoc("The correlation matrix of variables.", numpy: "numpy.corrcoef", example: "mt.corrcoef([[1.0, 2.0, 3.0], [1.0, 4.0, 9.0]])"),
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
        let last = try meanOfRows(try found.sliced(axis: 0, start: halves, count: 1))
        return try last.op(FloatingPoint.isnan).op(Selection.`where`, last, m)
      }
      return [r]
    }, cost: Cost(perElement: 60), doc: OpDoc("The median over axes.", numpy: "numpy.median", example: "mt.median([3.0, 1.0, 2.0])"),
    exposure: Exposure(castsOut: true, signature: "a axis out overwrite_input=False keepdims"),
    samples: [
      Sample([[3, 4]], [.integer, .floating]), Sample([[3, 4]], attributes: ["axis": .int(0)]),
      Sample([[2, 3, 4]], attributes: ["axis": .ints([2, 0]), "keepdims": .bool(true)]),
    ])

  static let family = OpFamily([average, averageWeights, cov, corrcoef, median])
}
