import MarsBase
import MarsGraph

/// Quantiles of elements that count more or less.
extension Quantiles {
  /// Weights in the shape of `axes`, or of all of `a`, as rows beside `a` with those axes first and as one.
  private static func rows(_ c: OpContext, _ w: Value, of a: TensorType, axes: [Int], rest: [Int], n: Int) throws(MarsError) -> Value {
    guard !w.type.dtype.isComplex else { throw c.error(.type, "weights must be an array of real numbers") }
    let others = rest.map { a.shape[$0] }
    if w.type.shape == a.shape { return try w.permuted(axes + rest).reshaped([n] + others) }
    guard let given = c.optionalInts("axis") else {
      throw c.error(.type, "Axis must be specified when shapes of a and weights differ.")
    }
    // Axes of the weights follow the order in which the axes are named.
    let named = given.map { $0 < 0 ? $0 + a.rank : $0 }
    guard w.type.shape == named.map({ a.shape[$0] }) else {
      throw c.error(.value, "Shape of weights must be consistent with shape of a along specified axis.")
    }
    let order = named.indices.sorted { named[$0] < named[$1] }
    return try w.permuted(order).reshaped([n] + others.map { _ in 1 }).broadcast(to: [n] + others)
  }

  /// Refuses weights that cannot be ones: at once where they are known, else when they are computed.
  private static func checked(_ c: OpContext, _ w: Value) throws(MarsError) -> Value {
    let message = "Weights must be non-negative."
    if let numbers = w.numbers {
      guard numbers.allSatisfy({ !($0 < 0) }) else { throw c.error(.value, message) }
      return w
    }
    let isWrong = try w.op(Comparison.less, weak: Scalar(Int64(0)))
    let zeros = try isWrong.cast(.int64).op(Checks.refuse.def, isWrong, with: ["message": .string(message)])
    return try w.op(Arithmetic.add, try zeros.cast(w.type.dtype))
  }

  /// Elements of `line`, n rows of the other axes, at each of `q` of what its elements weigh: the first up to which the weights reach the
  /// fraction, as NumPy's `inverted_cdf`.  Also the last element of all.
  static func weighted(
    _ c: OpContext, _ line: Value, _ q: Value, _ weights: Value, of a: TensorType, axes: [Int], rest: [Int], ignoringNaN: Bool
  ) throws(MarsError) -> (found: Value, last: Value) {
    guard c.string("method") == "inverted_cdf" else {
      throw c.error(.value, "Only method 'inverted_cdf' supports weights. Got: \(c.string("method")).")
    }
    guard weights.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents of the weights") }
    let n = line.type.shape[0]
    let others = Array(line.type.shape.dropFirst())
    let along: KeyValuePairs<String, AttrValue> = ["axis": .int(0)]
    var w = try rows(c, try checked(c, weights), of: a, axes: axes, rest: rest, n: n).cast(.float64)
    var hasElements: Value? = nil
    if ignoringNaN && a.dtype.kind == .floating {
      let isNaN = try line.op(FloatingPoint.isnan)
      w = try isNaN.op(Selection.where, Reductions.constant(Scalar(0.0), .float64), w)
      hasElements = try isNaN.op(Comparison.logicalNot).op(Reductions.any, with: ["axis": .ints([0]), "keepdims": .bool(true)])
    }
    let order = try line.op(Sorting.argsort, with: along)
    let sorted = try line.op(Indexing.takeAlongAxis, order, with: along)
    let sums = try w.op(Indexing.takeAlongAxis, order, with: along).op(Scans.cumsum, with: along)
    let total = try sums.sliced(axis: 0, start: n - 1, count: 1)
    // Weights up to an element, as shares; what weighs nothing comes before any fraction.
    var share = try sums.op(Arithmetic.divide, total)
    if q.type.dtype.kind == .floating { share = try share.cast(q.type.dtype) }
    let isNothing = try share.op(Comparison.equal, weak: Scalar(0.0))
    share = try isNothing.op(Selection.where, Reductions.constant(Scalar(-1.0), share.type.dtype), share)
    let each = q.type.shape.reduce(1, *)
    let fractions = try q.reshaped([1, each] + others.map { _ in 1 })
    var place = try share.expanded(at: [1]).op(Comparison.less, fractions)
      .op(Reductions.sum, with: ["axis": .ints([0]), "dtype": .dtype(.int64)])
    place = try place.op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
    // A sum that is no number, or nothing, has no shares.
    var isWrong = try total.op(FloatingPoint.isfinite).op(Comparison.logicalNot)
      .op(Comparison.logicalOr, try total.op(Comparison.equal, weak: Scalar(0.0)))
    if let hasElements { isWrong = try isWrong.op(Comparison.logicalAnd, hasElements) }
    place = try place.op(
      Checks.refuse.def, try isWrong.broadcast(to: place.type.shape),
      with: ["message": .string("Weights included NaN, inf or were all zero.")])
    let found = try sorted.op(Indexing.takeAlongAxis, place, with: along).reshaped(q.type.shape + others)
    return (found, try sorted.sliced(axis: 0, start: n - 1, count: 1).reshaped(others))
  }
}
