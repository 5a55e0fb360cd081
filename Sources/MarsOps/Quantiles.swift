import MarsBase
import MarsGraph
import MarsNumerics

/// Order statistics between the elements of an axis.
enum Quantiles {
  private static let attributes = [
    Statistics.medianAxis, Reductions.keepdims,
    AttrDef("method", .string, default: .string("linear"), "one of NumPy's: 'linear', 'lower', 'higher', 'nearest', 'hazen', ..."),
  ]

  static let statistics = NativeOp(
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
          division: { (c: OpContext, v: [Value], limits: TaskLimits) throws(MarsError) -> [Value] in
            try RunStatistics.divided(c, v, axis: c.int("axis"), limits)
          },
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

  /// Where an element is looked for: an element itself, or a place between two that are `share` apart.
  private enum Place {
    case exact(Value)
    case between(below: Value, above: Value, share: Value)
  }

  /// Methods that look between two elements, at n q + alpha + q (1 - alpha - beta) - 1 (Hyndman and Fan 1996, as NumPy writes it).
  private static let continuous: [String: (alpha: Double, beta: Double)] = [
    "interpolated_inverted_cdf": (0, 1), "hazen": (0.5, 0.5), "weibull": (0, 0), "median_unbiased": (1 / 3.0, 1 / 3.0),
    "normal_unbiased": (3 / 8.0, 3 / 8.0),
  ]

  /// The place of fraction `q` among `n` elements, of which the last has the number `last`; in the dtype of `q`, broadcast against it.
  /// `isWhole`: fractions are 0 or 1.
  private static func place(_ c: OpContext, _ q: Value, among n: Value, last: Value, isWhole: Bool) throws(MarsError) -> Place {
    func weak(_ x: Value, _ op: OpDef, _ y: Double) throws(MarsError) -> Value { try x.op(op, weak: Scalar(y)) }
    func index(_ x: Value) throws(MarsError) -> Value { try weak(x, Comparison.maximum, 0).op(Comparison.minimum, last) }
    func discrete(_ at: Value, _ keeps: (Value, Value) throws(MarsError) -> Value) throws(MarsError) -> Place {
      let below = try at.op(FloatingPoint.floor)
      let stays = try keeps(try at.op(Comparison.equal, below), below)
      return .exact(try index(try stays.op(Selection.where, below, try weak(below, Arithmetic.add, 1))))
    }
    /// Between the element below and the next one; the first or last one where it is outside.
    func between(_ at: Value, _ share: (Value, Value) throws(MarsError) -> Value) throws(MarsError) -> Place {
      let below = try at.op(FloatingPoint.floor)
      let isInside = try weak(at, Comparison.greaterEqual, 0).op(Comparison.logicalAnd, try at.op(Comparison.less, last))
      let above = try isInside.op(Selection.where, try weak(below, Arithmetic.add, 1), below)
      return .between(below: try index(below), above: try index(above), share: try share(try at.op(Arithmetic.subtract, below), at))
    }
    let zero = { (part: Value) throws(MarsError) -> Value in try weak(part, Comparison.equal, 0) }
    func chosen(_ condition: Value, _ x: Double, _ y: Double) throws(MarsError) -> Value {
      try condition.op(Selection.where, Reductions.constant(Scalar(x), q.type.dtype), Reductions.constant(Scalar(y), q.type.dtype))
    }
    let linear = try q.op(Arithmetic.multiply, last)
    let method = c.string("method")
    if let (alpha, beta) = continuous[method] {
      let shift = try weak(try weak(q, Arithmetic.multiply, 1 - alpha - beta), Arithmetic.add, alpha)
      let at = try weak(try n.op(Arithmetic.multiply, q).op(Arithmetic.add, shift), Arithmetic.subtract, 1)
      return try between(at) { part, _ in part }
    }
    switch method {
    // As NumPy: where fractions are integers an element is the answer, in its own dtype.
    case "linear": return isWhole ? .exact(linear) : try between(linear) { part, _ in part }
    case "midpoint":
      let middle = try weak(
        try linear.op(FloatingPoint.floor).op(Arithmetic.add, try linear.op(FloatingPoint.ceil)), Arithmetic.multiply, 0.5)
      return try between(middle) { (part, _) throws(MarsError) -> Value in try chosen(try zero(part), 0, 0.5) }
    case "lower": return .exact(try linear.op(FloatingPoint.floor))
    case "higher": return .exact(try linear.op(FloatingPoint.ceil))
    case "nearest": return .exact(try linear.op(FloatingPoint.rint))
    case "inverted_cdf":
      return try discrete(try weak(try n.op(Arithmetic.multiply, q), Arithmetic.subtract, 1)) { isWhole, _ in isWhole }
    case "averaged_inverted_cdf":
      return try between(try weak(try n.op(Arithmetic.multiply, q), Arithmetic.subtract, 1)) { (part, _) throws(MarsError) -> Value in
        try chosen(try zero(part), 0.5, 1)
      }
    case "closest_observation":
      return try discrete(try weak(try weak(try n.op(Arithmetic.multiply, q), Arithmetic.subtract, 1), Arithmetic.subtract, 0.5)) {
        (isWhole, below) throws(MarsError) -> Value in
        // Halves go to the even one, counted from 1.
        try isWhole.op(Comparison.logicalAnd, try weak(try weak(below, Arithmetic.remainder, 2), Comparison.equal, 1))
      }
    default:
      let names = (Array(continuous.keys) + ["linear", "lower", "higher", "nearest", "midpoint"]).sorted().joined(separator: ", ")
      throw c.error(
        .value, "'\(method)' is not a valid method. Use one of: \(names), inverted_cdf, averaged_inverted_cdf, closest_observation")
    }
  }

  /// `q` is a fraction; elements are interpolated as NumPy does it, from the nearer of the two, so that equal elements give themselves.
  /// `checked`: zeros, int64 and of q's shape, that are an error where q is no fraction; nil where that is known.
  private static func quantile(
    _ c: OpContext, _ a: Value, _ q: Value, isWeak: Bool, isWhole: Bool = false, weights: Value?, checked: Value?, ignoringNaN: Bool
  ) throws(MarsError) -> Value {
    guard a.type.isKnown && q.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    var axes = Array(0..<a.type.rank)
    if let given = c.optionalInts("axis") { axes = try c.normalisedAxes(given, rank: a.type.rank) }
    let rest = (0..<a.type.rank).filter { !axes.contains($0) }
    let n = try c.product(axes.map { a.type.shape[$0] }, "the reduced axes")
    let others = rest.map { a.type.shape[$0] }
    // The dtype of fractions counts, unless they are one number without a dtype of its own.
    let d =
      q.type.dtype.kind >= .floating && !isWeak
      ? Promotion.common(a.type.dtype, q.type.dtype) : a.type.dtype.kind >= .floating ? a.type.dtype : .float64
    let kept = q.type.shape + (c.bool("keepdims") ? a.type.shape.indices.map { axes.contains($0) ? 1 : a.type.shape[$0] } : others)
    if n == 0 {
      return Value(
        try Creation.full.apply(
          [.value(Reductions.constant(Scalar(Double.nan), d))], [("shape", .ints(kept)), ("dtype", .dtype(d))]))
    }
    let isFloat = a.type.dtype.kind == .floating
    let line = try a.permuted(axes + rest).reshaped([n] + others)
    // As NumPy: places are computed in the dtype of the fractions.
    let p = q.type.dtype.kind == .floating ? q.type.dtype : .float64
    if let weights {
      let w = try Statistics.spread(c, weights, over: a).permuted(axes + rest).reshaped([n] + others)
      let shares = try Weighted(line: line, weights: w, ignoringNaN: isFloat && ignoringNaN)
      var asked = try q.cast(p)
      if let checked { asked = try asked.op(Arithmetic.add, try checked.cast(p)) }
      var found = try shares.elements(c, upTo: asked.reshaped([-1])).reshaped(q.type.shape + others)
      if isFloat && !ignoringNaN { found = try shares.last.op(FloatingPoint.isnan).op(Selection.where, shares.last, found) }
      return try found.reshaped(kept)
    }
    // Per line where NaNs are left out: they were sorted to the end.
    let counts = isFloat && ignoringNaN
    var (size, lastPlace) = (Reductions.constant(Scalar(Double(n)), p), Reductions.constant(Scalar(Double(n - 1)), p))
    var end = Reductions.constant(Scalar(Int64(n - 1)), .int64)
    if counts {
      let good = try line.op(FloatingPoint.isnan).op(Comparison.logicalNot)
      let sum = try good.op(Reductions.sum, with: ["axis": .ints([0]), "dtype": .dtype(.int64)])
      let all = try sum.op(Comparison.maximum, weak: Scalar(Int64(1)))
      end = try all.op(Arithmetic.subtract, weak: Scalar(Int64(1)))
      (size, lastPlace) = (try all.cast(p), try end.cast(p))
    }
    let own = q.type.shape + (counts ? [Int](repeating: 1, count: others.count) : [])
    let fractions = try q.cast(p).reshaped(own)
    let wide = { (x: Value) throws(MarsError) -> Value in
      counts ? x : try x.reshaped(q.type.shape + [Int](repeating: 1, count: others.count))
    }
    let zeros = try checked?.reshaped(own)
    /// Elements at each of several places of every line, and the last element of all.
    func elements(_ places: [Value]) throws(MarsError) -> (found: [Value], last: Value?) {
      // Halves do not hold every number: the last place may have been rounded up.
      let indices = try places.map { at throws(MarsError) -> Value in
        let i = try at.cast(.int64).op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, end)
        return if let zeros { try i.op(Arithmetic.add, zeros) } else { i }
      }
      let each = q.type.shape.reduce(1, *)
      // Lines that hold different numbers of elements have places of their own; of one line these are a vector.
      if counts && others.reduce(1, *) != 1 {
        let sorted = try line.op(Sorting.sort, with: ["axis": .int(0)])
        let found = try indices.map { i throws(MarsError) -> Value in
          let rows = try i.broadcast(to: q.type.shape + others).reshaped([each] + others)
          return try sorted.op(Indexing.takeAlongAxis, rows, with: ["axis": .int(0)]).reshaped(q.type.shape + others)
        }
        return (found, nil)
      }
      var asked = try indices.map { i throws(MarsError) -> Value in try i.reshaped([-1]) }
      asked.append(try end.reshaped([1]))
      let all = Value(try Joining.concatenate.apply(asked.map { .value($0) }, [("axis", .int(0))]))
      let rows = try line.op(statistics.def, all, with: ["axis": .int(0)])
      let found = try indices.indices.map { k throws(MarsError) -> Value in
        try rows.sliced(axis: 0, start: k * each, count: each).reshaped(q.type.shape + others)
      }
      return (found, counts ? nil : try rows.sliced(axis: 0, start: indices.count * each, count: 1).reshaped(others))
    }
    var found: Value
    let last: Value?
    switch try place(c, fractions, among: size, last: lastPlace, isWhole: isWhole) {
    case .exact(let at):
      let answer = try elements([at])
      (found, last) = (answer.found[0], answer.last)
    case .between(let below, let above, let share):
      // As NumPy, which subtracts them.
      try Arithmetic.refuseBool(c, a.type.dtype)
      let answer = try elements([below, above])
      last = answer.last
      let (low, high) = (try answer.found[0].cast(d), try answer.found[1].cast(d))
      let part = try wide(share).cast(d)
      let step = try high.op(Arithmetic.subtract, low)
      let fromLow = try low.op(Arithmetic.add, try step.op(Arithmetic.multiply, part))
      let left = Value(try Arithmetic.subtract.apply([.weak(Scalar(1.0)), .value(part)]))
      let fromHigh = try high.op(Arithmetic.subtract, try step.op(Arithmetic.multiply, left))
      let nearHigh = try part.op(Comparison.greaterEqual, weak: Scalar(0.5))
      found = try nearHigh.op(Selection.where, fromHigh, fromLow)
      // At an element, also an infinite one, it is that element.
      let isElement = try high.op(Comparison.equal, low).op(Comparison.logicalOr, try part.op(Comparison.equal, weak: Scalar(0.0)))
      found = try isElement.op(Selection.where, low, found)
    }
    // NaNs come last in order: one there is the answer.
    if isFloat, let end = last {
      let last = try end.cast(found.type.dtype)
      found = try last.op(FloatingPoint.isnan).op(Selection.where, last, found)
    }
    return try found.reshaped(kept)
  }

  /// Refuses numbers outside of an interval: at once where they are known, else by zeros that are an error when they are computed.
  private static func check(_ c: OpContext, _ q: Value, most: Double, _ what: String) throws(MarsError) -> Value? {
    guard !c.inputs[0].dtype.isComplex && !q.type.dtype.isComplex else { throw c.error(.type, "a must be an array of real numbers") }
    let message = "\(what) must be in the range [0, \(Int(most))]"
    if let numbers = q.numbers {
      guard numbers.allSatisfy({ $0 >= 0 && $0 <= most }) else { throw c.error(.value, message) }
      return nil
    }
    let isInside = try q.op(Comparison.greaterEqual, weak: Scalar(0.0)).op(
      Comparison.logicalAnd, try q.op(Comparison.lessEqual, weak: Scalar(most)))
    let isWrong = try isInside.op(Comparison.logicalNot)
    return try isWrong.cast(.int64).op(Checks.refuse.def, isWrong, with: ["message": .string(message)])
  }

  private static let details =
    "Result axes: those of q, then those of a that are left.  Values of q out of range are errors, at the call where they are known.  At an element the result is that element, also where its neighbour is infinite and NumPy has NaN."

  private static let weights = InputDef("weights", optional: true, "of a's shape, or of the axes; with method 'inverted_cdf'")
  private static let exposure = Exposure(signature: "a q axis out overwrite_input=False method keepdims * weights")
  private static let weighted: [String: AttrValue] = ["axis": .ints([1]), "method": .string("inverted_cdf")]

  /// The weights that are given; an error where there is none of a method that knows them.
  private static func givenWeights(_ c: OpContext, _ v: [Value]) throws(MarsError) -> Value? {
    guard v.count > 2 else { return nil }
    guard c.string("method") == "inverted_cdf" else {
      throw c.error(.value, "Only method 'inverted_cdf' supports weights. Got: \(c.string("method")).")
    }
    guard !v[2].type.dtype.isComplex else { throw c.error(.type, "weights must be real numbers") }
    guard v[2].type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    return try Checks.notNegative(c, v[2], "Weights must be non-negative.")
  }

  private static func fractions(_ name: String, _ summary: String, ignoringNaN: Bool) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a"), InputDef("q", alone: true, "fractions, 0 to 1"), weights], attributes: attributes,
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let checked = try check(c, v[1], most: 1, "Quantiles")
        let weights = try givenWeights(c, v)
        let isWeak = v[1].constant != nil
        let isWhole = v[1].type.dtype.kind < .floating
        return [
          try quantile(c, v[0], v[1], isWeak: isWeak, isWhole: isWhole, weights: weights, checked: checked, ignoringNaN: ignoringNaN)
        ]
      }, cost: Cost(perElement: 60),
      doc: OpDoc(
        summary, details: details + (ignoringNaN ? "  One axis of several lies in one chunk." : ""), numpy: "numpy.\(name)",
        example: "mt.\(name)([3.0, 1.0, 2.0], 0.5)"),
      exposure: exposure,
      samples: [
        Sample([[3, 4], [2]], [.integer, .floating]), Sample([[3, 4], []], attributes: ["axis": .ints([0]), "keepdims": .bool(true)]),
        Sample([[3, 4], [2]], attributes: ["axis": .ints([1]), "method": .string("midpoint")]),
        Sample([[3, 4], [2]], attributes: ["method": .string("averaged_inverted_cdf")]),
        Sample([[3, 4], [2]], [.integer, .floating], attributes: ["method": .string("closest_observation")]),
        Sample([[0], [2]]), Sample([[3, 4], [2], [4]], attributes: weighted), Sample([[3, 4], [2], [3, 4]], attributes: weighted),
      ])
  }
  static let ofFraction = fractions("quantile", "Quantiles over axes.", ignoringNaN: false)
  static let nanquantile = fractions("nanquantile", "Quantiles over axes, ignoring NaN.", ignoringNaN: true)

  private static func percentages(_ name: String, _ summary: String, ignoringNaN: Bool) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a"), InputDef("q", alone: true, "percentages, 0 to 100"), weights], attributes: attributes,
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let checked = try check(c, v[1], most: 100, "Percentiles")
        let q = try v[1].type.dtype.kind >= .floating ? v[1] : v[1].cast(.float64)
        let share = try q.op(Arithmetic.divide, weak: Scalar(100.0))
        let weights = try givenWeights(c, v)
        let isWeak = v[1].constant != nil
        return [try quantile(c, v[0], share, isWeak: isWeak, weights: weights, checked: checked, ignoringNaN: ignoringNaN)]
      }, cost: Cost(perElement: 60),
      doc: OpDoc(
        summary, details: details + (ignoringNaN ? "  One axis of several lies in one chunk." : ""), numpy: "numpy.\(name)",
        example: "mt.\(name)([3.0, 1.0, 2.0], 50)"),
      exposure: exposure,
      samples: [Sample([[3, 4], [2]], [.integer, .floating]), Sample([[3, 4], []], attributes: ["axis": .ints([-1])])])
  }
  static let percentile = percentages("percentile", "Percentiles over axes.", ignoringNaN: false)
  static let nanpercentile = percentages("nanpercentile", "Percentiles over axes, ignoring NaN.", ignoringNaN: true)

  static let family = OpFamily([ofFraction, percentile, nanquantile, nanpercentile], natives: [statistics])
}
