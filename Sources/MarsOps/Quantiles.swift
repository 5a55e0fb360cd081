import MarsBase
import MarsGraph
import MarsNumerics

/// Order statistics between the elements of an axis.
enum Quantiles {
  private static let attributes = [
    Reductions.axis, Reductions.keepdims,
    AttrDef("method", .string, default: .string("linear"), "between two elements: 'linear', 'lower', 'higher', 'nearest' or 'midpoint'"),
  ]

  private static let statistics = NativeOp(
    OpDef(
      "order_statistics", inputs: [InputDef("a"), InputDef("places", optional: true, "int64, 1-d; none where `at` says them")],
      attributes: [
        AttrDef("axis", .int, "the axis, 0 or more"), AttrDef("at", .ints, default: AttrValue.none, "the places, where they are known"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let k = try c.plainAxis(rank: c.inputs[0].rank)
        guard (c.optionalInts("at") == nil) == (c.inputs.count == 2) else { throw c.error(.value, "places are either known or a tensor") }
        guard c.inputs.count == 1 || c.inputs[1].dtype == .int64 && c.inputs[1].rank == 1 else {
          throw c.error(.type, "places must be int64, and 1-d")
        }
        guard !c.inputs[0].dtype.isComplex else { throw c.error(.type, "a must be an array of real numbers") }
        let count = c.optionalInts("at")?.count ?? c.inputs[1].shape[0]
        guard c.inputs[0].shape[k] != 0 || count == 0 else { throw c.error(.value, "there are no elements along axis \(k)") }
        var shape = c.inputs[0].shape
        shape[k] = count
        return [TensorType(c.inputs[0].dtype, shape)]
      },
      body: .native(
        NativeRule(
          .access { c in
            [(0..<c.inputs[0].rank).map { $0 == c.int("axis") ? .whole : .aligned($0) }, [.whole]].prefix(c.inputs.count).map { $0 }
          },
          wholeOutputAxes: { c in [c.int("axis")] },
          workspace: { c, box in
            let k = c.int("axis")
            return OrderStatistics.workspace(c.inputs[0].shape[k], box.extents[k], rank: box.rank, c.inputs[0].dtype)
          })),
      cost: Cost(perElement: 20), doc: OpDoc("Elements at places of what a sort would give.", example: "mt.median([3, 1, 2])"),
      exposure: .hidden,
      samples: [
        Sample([[3, 4]], [.integer, .floating], attributes: ["axis": .int(1), "at": .ints([2, 0, 3])]),
        Sample([[3, 4]], attributes: ["axis": .int(0), "at": .ints([1])]),
        Sample([[3, 4], [5]], fixed: [1: .int64], attributes: ["axis": .int(1)]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let places = call.context.optionalInts("at") ?? call.inputs[1].int64s
    try OrderStatistics.find(
      call.inputs[0], places: places, into: call.outputs[0], axis: call.context.int("axis"), workspace: call.workspace)
  }

  /// The elements that a sort along `axis` would put at `places`, in that order along the axis.
  static func elements(_ x: Value, axis: Int, places: [Int]) throws(MarsError) -> Value {
    guard x.type.dtype.isComplex else { return try x.op(statistics.def, with: ["axis": .int(axis), "at": .ints(places)]) }
    let sorted = try x.op(Sorting.sort, with: ["axis": .int(axis)])
    let parts = try places.map { i throws(MarsError) in try sorted.sliced(axis: axis, start: i, count: 1) }
    return Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(axis))]))
  }

  /// `q` is a fraction; elements are interpolated as NumPy does it, from the nearer of the two, so that equal elements give themselves.
  /// `known` are the fractions where they are known at the call.
  private static func quantile(_ c: OpContext, _ a: Value, _ q: Value, known: [Double]?) throws(MarsError) -> Value {
    guard !a.type.dtype.isComplex && !q.type.dtype.isComplex else { throw c.error(.type, "a must be an array of real numbers") }
    guard a.type.isKnown else { throw c.error(.unsupported, "\(c.op.name) needs known extents") }
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
    guard q.type.isKnown else { throw c.error(.unsupported, "\(c.op.name) needs a known number of fractions") }
    let place = try q.cast(.float64).op(Arithmetic.multiply, weak: Scalar(Double(n - 1)))
    let below = try place.op(FloatingPoint.floor)
    let above = try place.op(c.string("method") == "nearest" ? FloatingPoint.rint : FloatingPoint.ceil)
    // NaNs are sorted to the end: whether there are any, the last element tells.
    let found: Value
    if let known {
      let ends = known.map { $0 * Double(n - 1) }
      let upper = ends.map { c.string("method") == "nearest" ? $0.rounded(.toNearestOrEven) : $0.rounded(.up) }
      let places = (ends.map { $0.rounded(.down) } + upper).map { Int(Swift.min($0, 0x1p62)) }
      found = try elements(line, axis: 0, places: places + [n - 1])
    } else {
      var places = try [below, above].map { i throws(MarsError) in try i.cast(.int64).reshaped([-1]) }
      places.append(try Reductions.constant(Scalar(Int64(n - 1)), .int64).reshaped([1]))
      let asked = Value(try Joining.concatenate.apply(places.map { .value($0) }, [("axis", .int(0))]))
      found = try line.op(statistics.def, asked, with: ["axis": .int(0)])
    }
    let each = q.type.count
    func element(_ group: Int) throws(MarsError) -> Value {
      let part = try found.sliced(axis: 0, start: group * each, count: each)
      return try (q.type.rank == 0 ? part.op(Shapes.squeeze, with: ["axis": .ints([0])]) : part.reshaped(q.type.shape + others)).cast(d)
    }
    let (low, high) = (try element(0), try element(1))
    let wide = { (x: Value) throws(MarsError) -> Value in
      try x.reshaped(q.type.shape + [Int](repeating: 1, count: others.count))
    }
    var answer: Value
    switch c.string("method") {
    case "linear":
      let part = try wide(try place.op(Arithmetic.subtract, below)).cast(d)
      let step = try high.op(Arithmetic.subtract, low)
      let fromLow = try low.op(Arithmetic.add, try step.op(Arithmetic.multiply, part))
      let left = Value(try Arithmetic.subtract.apply([.weak(Scalar(1.0)), .value(part)]))
      let fromHigh = try high.op(Arithmetic.subtract, try step.op(Arithmetic.multiply, left))
      let nearHigh = try part.op(Comparison.greaterEqual, weak: Scalar(0.5))
      answer = try nearHigh.op(Selection.where, fromHigh, fromLow)
      // At an element, also an infinite one, it is that element.
      answer = try high.op(Comparison.equal, low).op(Selection.where, low, answer)
    case "lower": answer = low
    case "higher", "nearest": answer = high
    case "midpoint":
      let middle = try low.op(Arithmetic.add, try high.op(Arithmetic.subtract, low).op(Arithmetic.multiply, weak: Scalar(0.5)))
      answer = try high.op(Comparison.equal, low).op(Selection.where, low, middle)
    default: throw c.error(.value, "'\(c.string("method"))' is not a valid method: there are linear, lower, higher, nearest and midpoint")
    }
    // NaNs were sorted to the end: one there is the answer.  So is it for fractions outside of [0, 1] that are known only when it runs.
    if a.type.dtype.kind == .floating {
      let last = try found.sliced(axis: 0, start: 2 * each, count: 1).op(Shapes.squeeze, with: ["axis": .ints([0])]).cast(d)
      answer = try last.op(FloatingPoint.isnan).op(Selection.where, last, answer)
    }
    let inside = try q.op(Comparison.greaterEqual, weak: Scalar(0.0)).op(
      Comparison.logicalAnd, try q.op(Comparison.lessEqual, weak: Scalar(1.0)))
    answer = try wide(inside).op(Selection.where, answer, Reductions.constant(Scalar(Double.nan), d))
    return try answer.reshaped(kept)
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
      return [try quantile(c, v[0], v[1], known: v[1].numbers)]
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
      let share = try (isFloat ? q.cast(v[0].type.dtype) : q).op(Arithmetic.divide, weak: Scalar(100.0))
      // Other dtypes round.
      let known = share.type.dtype == .float64 ? v[1].numbers?.map { $0 / 100 } : nil
      return [try quantile(c, v[0], share, known: known)]
    }, cost: Cost(perElement: 60),
    doc: OpDoc("Percentiles over axes.", details: details, numpy: "numpy.percentile", example: "mt.percentile([3.0, 1.0, 2.0], 50)"),
    samples: [Sample([[3, 4], [2]], [.integer, .floating]), Sample([[3, 4], []], attributes: ["axis": .ints([-1])])])

  static let family = OpFamily([ofFraction, percentile], natives: [statistics])
}
