import MarsBase
import MarsGraph

/// Order statistics between the elements of an axis.
enum Quantiles {
  private static let attributes = [
    Reductions.axis, Reductions.keepdims,
    AttrDef("method", .string, default: .string("linear"), "between two elements: 'linear', 'lower', 'higher', 'nearest' or 'midpoint'"),
  ]

  /// `q` is a fraction; elements are interpolated as NumPy does it, from the nearer of the two, so that equal elements give themselves.
  private static func quantile(_ c: OpContext, _ a: Value, _ q: Value) throws(MarsError) -> Value {
    guard !a.type.dtype.isComplex && !q.type.dtype.isComplex else { throw c.error(.type, "a must be an array of real numbers") }
    guard a.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    var axes = Array(0..<a.type.rank)
    if let given = c.optionalInts("axis") { axes = try c.normalisedAxes(given, rank: a.type.rank) }
    let rest = (0..<a.type.rank).filter { !axes.contains($0) }
    let n = axes.reduce(1) { $0 * a.type.shape[$1] }
    let others = rest.map { a.type.shape[$0] }
    // The dtype of fractions counts, unless they are Python's numbers beside floats.
    let d = Promotion.common(
      a.type.dtype.kind >= .floating ? a.type.dtype : .float64, q.type.dtype.kind >= .floating ? q.type.dtype : a.type.dtype)
    var kept = q.type.shape
    kept += c.bool("keepdims") ? a.type.shape.indices.map { axes.contains($0) ? 1 : a.type.shape[$0] } : others
    if n == 0 {
      return Value(
        try Creation.full.apply(
          [.value(Reductions.constant(Scalar(Double.nan), d))], [("shape", .ints(kept)), ("dtype", .dtype(d))]))
    }
    let line = try a.permuted(axes + rest).reshaped([n] + others)
    let sorted = try line.op(Sorting.sort, with: ["axis": .int(0)])
    let place = try q.cast(.float64).op(Arithmetic.multiply, weak: Scalar(Double(n - 1)))
    func element(_ i: Value) throws(MarsError) -> Value {
      try sorted.op(Masks.take, try i.cast(.int64), with: ["axis": .int(0), "mode": .string("clip")]).cast(d)
    }
    let below = try place.op(FloatingPoint.floor)
    let (low, high) = (try element(below), try element(try place.op(FloatingPoint.ceil)))
    let wide = { (x: Value) throws(MarsError) -> Value in
      try x.reshaped(q.type.shape + [Int](repeating: 1, count: others.count))
    }
    var found: Value
    switch c.string("method") {
    case "linear":
      let part = try wide(try place.op(Arithmetic.subtract, below)).cast(d)
      let step = try high.op(Arithmetic.subtract, low)
      let fromLow = try low.op(Arithmetic.add, try step.op(Arithmetic.multiply, part))
      let left = Value(try Arithmetic.subtract.apply([.weak(Scalar(1.0)), .value(part)]))
      let fromHigh = try high.op(Arithmetic.subtract, try step.op(Arithmetic.multiply, left))
      let nearHigh = try part.op(Comparison.greaterEqual, weak: Scalar(0.5))
      found = try nearHigh.op(Selection.where, fromHigh, fromLow)
      // At an element, also an infinite one, it is that element.
      found = try high.op(Comparison.equal, low).op(Selection.where, low, found)
    case "lower": found = low
    case "higher": found = high
    case "nearest": found = try element(try place.op(FloatingPoint.rint))
    case "midpoint":
      let middle = try low.op(Arithmetic.add, try high.op(Arithmetic.subtract, low).op(Arithmetic.multiply, weak: Scalar(0.5)))
      found = try high.op(Comparison.equal, low).op(Selection.where, low, middle)
    default: throw c.error(.value, "'\(c.string("method"))' is not a valid method: there are linear, lower, higher, nearest and midpoint")
    }
    // NaNs were sorted to the end: one there is the answer.  So is it for fractions outside of [0, 1] that are known only when it runs.
    if a.type.dtype.kind == .floating {
      let last = try sorted.sliced(axis: 0, start: n - 1, count: 1).reshaped(others).cast(d)
      found = try last.op(FloatingPoint.isnan).op(Selection.where, last, found)
    }
    let inside = try q.op(Comparison.greaterEqual, weak: Scalar(0.0)).op(
      Comparison.logicalAnd, try q.op(Comparison.lessEqual, weak: Scalar(1.0)))
    found = try wide(inside).op(Selection.where, found, Reductions.constant(Scalar(Double.nan), d))
    return try found.reshaped(kept)
  }

  /// Refuses numbers outside of an interval, where they are known at the call.
  private static func check(_ c: OpContext, _ q: Value, most: Double, _ what: String) throws(MarsError) {
    guard let numbers = q.numbers else { return }
    guard numbers.allSatisfy({ $0 >= 0 && $0 <= most }) else { throw c.error(.value, "\(what) must be in the range [0, \(Int(most))]") }
  }

  private static let details =
    "Result axes: those of q, then those of a that are left.  The axes reduced lie in one chunk.  Values of q out of range are errors where they are known at the call, and give NaN where they are not.  At an element the result is that element, also where its neighbour is infinite and NumPy has NaN."

  static let ofFraction = OpDef(
    "quantile", inputs: [InputDef("a"), InputDef("q", "fractions, 0 to 1")], attributes: attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      try check(c, v[1], most: 1, "Quantiles")
      return [try quantile(c, v[0], v[1])]
    }, cost: Cost(perElement: 60),
    doc: OpDoc("Quantiles over axes.", details: details, numpy: "numpy.quantile", example: "mt.quantile([3.0, 1.0, 2.0], 0.5)"),
    samples: [
      Sample([[3, 4], [2]], [.integer, .floating]), Sample([[3, 4], []], attributes: ["axis": .ints([0]), "keepdims": .bool(true)]),
      Sample([[3, 4], [2]], attributes: ["axis": .ints([1]), "method": .string("midpoint")]),
      Sample([[0], [2]]),
    ])

  static let percentile = OpDef(
    "percentile", inputs: [InputDef("a"), InputDef("q", "percentages, 0 to 100")], attributes: attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      try check(c, v[1], most: 100, "Percentiles")
      let q = try v[1].type.dtype.kind >= .floating ? v[1] : v[1].cast(.float64)
      let isFloat = v[0].type.dtype.kind == .floating && v[1].type.dtype.kind < .floating
      return [try quantile(c, v[0], try (isFloat ? q.cast(v[0].type.dtype) : q).op(Arithmetic.divide, weak: Scalar(100.0)))]
    }, cost: Cost(perElement: 60),
    doc: OpDoc("Percentiles over axes.", details: details, numpy: "numpy.percentile", example: "mt.percentile([3.0, 1.0, 2.0], 50)"),
    samples: [Sample([[3, 4], [2]], [.integer, .floating]), Sample([[3, 4], []], attributes: ["axis": .ints([-1])])])

  static let family = OpFamily([ofFraction, percentile])
}
