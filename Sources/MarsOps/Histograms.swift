import MarsBase
import MarsGraph

/// Counting values in bins.
enum Histograms {
  private static let bins = AttrDef("bins", .int, default: .int(10), "number of bins of equal width")
  static let range = [
    AttrDef("low", .scalar, default: AttrValue.none, "lower end of the range; None: the smallest value"),
    AttrDef("high", .scalar, default: AttrValue.none, "upper end of the range, included; None: the largest value"),
  ]
  private static let weights = InputDef("weights", optional: true, "what each value counts")
  static let density = AttrDef("density", .bool, default: .bool(false), "whether the histogram is scaled to an integral of 1")

  /// The dtype of the edges of bins.
  private static func dtypeOfEdges(_ a: Value) -> DType { a.type.dtype.kind == .floating ? a.type.dtype : .float64 }

  /// The ends of the range that is given, or of the values; 0-d.  `d`: their dtype; nil: that of the edges.
  static func ends(_ c: OpContext, _ a: Value, as d: DType? = nil) throws(MarsError) -> (low: Value, high: Value) {
    guard !a.type.dtype.isComplex else { throw c.error(.type, "histograms of complex values are not defined") }
    let d = d ?? dtypeOfEdges(a)
    for s in [c.scalar("low"), c.scalar("high")] where s?.dtype.isComplex == true {
      throw c.error(.type, "the ends of a range must be real numbers, not complex")
    }
    let (below, above) = (c.scalar("low")?.asDouble, c.scalar("high")?.asDouble)
    if let below, let above, below > above { throw c.error(.value, "max must be larger than min in range parameter.") }
    guard below?.isFinite ?? true, above?.isFinite ?? true else {
      let ends = [below, above].map { $0.map { "\($0)" } ?? "None" }
      throw c.error(.value, "supplied range of [\(ends[0]), \(ends[1])] is not finite")
    }
    func end(_ given: Double?, _ extreme: OpDef, ofNone: Double) throws(MarsError) -> Value {
      if let given { return Reductions.constant(Scalar(given), d) }
      if a.type.shape.contains(0) { return Reductions.constant(Scalar(ofNone), d) }
      let found = try a.op(extreme).cast(d)
      return a.type.dtype.kind < .floating ? found : try Checks.finite(c, found, "autodetected range is not finite")
    }
    var low = try end(below, Reductions.min, ofNone: above.map { $0 - 1 } ?? 0)
    var high = try end(above, Reductions.max, ofNone: below.map { $0 + 1 } ?? 1)
    // All values may lie beyond the one end that is given.
    if below != nil && above == nil { high = try high.op(Comparison.maximum, low) }
    if above != nil && below == nil { low = try low.op(Comparison.minimum, high) }
    // As NumPy: bins around a point are 1 wide together.
    if below == nil || above == nil || below == above {
      let isPoint = try low.op(Comparison.equal, high)
      let wide = (try low.op(Arithmetic.subtract, weak: Scalar(0.5)), try high.op(Arithmetic.add, weak: Scalar(0.5)))
      (low, high) = (try isPoint.op(Selection.where, wide.0, low), try isPoint.op(Selection.where, wide.1, high))
    }
    return (low, high)
  }

  private static func edges(_ c: OpContext, _ a: Value) throws(MarsError) -> Value {
    // As NumPy, where the ends of a range are numbers of Python's: edges between them are rounded once.
    let isGiven = c["low"] != .none && c["high"] != .none
    let (low, high) = try ends(c, a, as: isGiven ? .float64 : nil)
    guard c.int("bins") > 0 else { throw c.error(.value, "`bins` must be positive, when an integer") }
    let count = try c.sum([c.int("bins"), 1], "there cannot be \(c.int("bins")) `bins`")
    let edges = try low.op(Creation.linspace, high, with: ["num": .int(count), "dtype": .dtype(dtypeOfEdges(a))])
    // Ends may lie too close to one another for edges between them.
    let isStuck = try edges.sliced(axis: 0, start: 0, count: count - 1).op(
      Comparison.greaterEqual, try edges.sliced(axis: 0, start: 1, count: count - 1)
    ).op(Reductions.any)
    return try Checks.refused(
      edges, isStuck, "Too many bins for data range. Cannot create \(c.int("bins")) finite-sized bins.")
  }

  /// Refuses edges that do not ascend, where they are known.
  static func checkAscending(_ c: OpContext, _ edges: Value, _ name: String) throws(MarsError) {
    guard let known = edges.numbers, zip(known, known.dropFirst()).contains(where: { $0 > $1 }) else { return }
    throw c.error(.value, "`\(name)` must increase monotonically, when an array")
  }

  /// Up to this number of bins every value is compared with every edge, which fuses and needs no memory.
  private static let mostCompared = 12

  /// For each value of a vector how many of the ascending edges lie below it or at it; the last edge belongs to the bin before it.  NaN is
  /// beyond all.
  static func places(_ x: Value, _ edges: Value) throws(MarsError) -> Value {
    let isLast = try x.op(Comparison.equal, try edges.sliced(axis: 0, start: edges.type.shape[0] - 1, count: 1).reshaped([]))
    return try edges.op(Sorting.searchsorted, x, with: ["side": .string("right")]).op(Arithmetic.subtract, try isLast.cast(.int64))
  }

  private static func counts(_ c: OpContext, _ a: Value, _ edges: Value, _ weights: Value?) throws(MarsError) -> Value {
    guard edges.type.rank == 1 else { throw c.error(.value, "`bins` must be 1d, when an array") }
    guard edges.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs a known number of edges") }
    try checkAscending(c, edges, "bins")
    if let weights, !Shape.mayEqual(weights.type.shape, a.type.shape) { throw c.error(.value, "weights should have the same shape as a.") }
    // One edge, or none, is the end of no bin.
    let n = Swift.max(0, edges.type.shape[0] - 1)
    let d = Promotion.common(a.type.dtype, edges.type.dtype)
    guard !d.isComplex else { throw c.error(.type, "histograms of complex values are not defined") }
    let (x, e) = (try a.reshaped([-1]).cast(d), try edges.cast(d))
    let (low, high) = (try e.sliced(axis: 0, start: 0, count: n), try e.sliced(axis: 0, start: Swift.min(1, n), count: n))
    var found: Value
    if n > mostCompared && weights?.type.dtype.isComplex != true {
      let w = try weights.map { w throws(MarsError) in
        try w.reshaped([-1]).cast(w.type.dtype.kind < .floating ? .int64 : .float64)
      }
      // With a bin below the first edge and one beyond the last.
      found = try Counting.counts(try places(x, e), weights: w, bins: n + 2).sliced(axis: 0, start: 1, count: n)
      if let weights { found = try found.cast(weights.type.dtype) }
    } else {
      let column = try x.expanded(at: [1])
      let number = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(n))))]))
      let atEnd = try column.op(Comparison.equal, high).op(
        Comparison.logicalAnd, try number.op(Comparison.equal, weak: Scalar(Int64(n - 1))))
      let isIn = try column.op(Comparison.greaterEqual, low).op(
        Comparison.logicalAnd, try column.op(Comparison.less, high).op(Comparison.logicalOr, atEnd))
      if let weights {
        let w = try weights.reshaped([-1]).expanded(at: [1])
        let taken = try isIn.op(Selection.where, w, Reductions.constant(Scalar(Int64(0)), w.type.dtype))
        found = try taken.op(Reductions.sum, with: ["axis": .ints([0]), "dtype": .dtype(w.type.dtype)])
      } else {
        found = try isIn.op(Reductions.sum, with: ["axis": .ints([0]), "dtype": .dtype(.int64)])
      }
    }
    guard c.bool("density") else { return found }
    let width = try high.op(Arithmetic.subtract, low).cast(.float64)
    return try found.op(Arithmetic.divide, width).op(Arithmetic.divide, try found.op(Reductions.sum))
  }

  static let binEdges = OpDef(
    "histogram_bin_edges",
    inputs: [InputDef("a"), InputDef("edges", optional: true, alone: true, "edges that ascend: they are the answer")],
    attributes: [bins] + range, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.count > 1 else { return [try edges(c, v[0])] }
      guard v[1].type.rank == 1 else { throw c.error(.value, "`bins` must be 1d, when an array") }
      try checkAscending(c, v[1], "bins")
      return [v[1]]
    },
    doc: OpDoc(
      "The edges of the bins of a histogram.",
      details: "A vector of bins + 1 floats, evenly spaced from low to high (None: from the smallest element to the largest).",
      numpy: "numpy.histogram_bin_edges",
      example: "mt.histogram_bin_edges([1.0, 2.0, 4.0], bins=3)"),
    samples: [Sample([[7]], [.integer]), Sample([[0]], attributes: ["bins": .int(3)])])

  static let binCounts = OpDef(
    "histogram_counts", inputs: [InputDef("a"), InputDef("bins", "edges that ascend; the last one belongs to the last bin"), weights],
    attributes: [density], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in [try counts(c, v[0], v[1], v.count > 2 ? v[2] : nil)] },
    cost: Cost(perElement: 20),
    doc: OpDoc(
      "How many values lie in each of the bins of given edges.",
      details: "int64, or the dtype of the weights; as a density float64.  The last bin has its upper edge too.",
      example: "mt.histogram([1.0, 2.0, 4.0], [0, 2, 5])[0]"),
    exposure: .hidden,
    samples: [
      Sample([[3, 5], [4]], [.integer, .floating]), Sample([[5], [3], [5]]), Sample([[40], [200]]), Sample([[5], [1]]), Sample([[5], [0]]),
    ])

  static let histogram = OpDef(
    "histogram", inputs: [InputDef("a"), weights], attributes: [bins] + range + [density], outputs: ["hist", "bin_edges"],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let e = try edges(c, v[0])
      return [try counts(c, v[0], e, v.count > 1 ? v[1] : nil), e]
    }, cost: Cost(perElement: 20),
    doc: OpDoc(
      "How many values lie in each of a number of bins, and the edges of these.",
      details: "NaN lies in no bin.",
      numpy: "numpy.histogram", example: "mt.histogram([1.0, 2.0, 4.0], bins=3)[0]"),
    samples: [
      Sample([[3, 5]], [.integer]), Sample([[9]], DTypeSet(.int32), attributes: ["bins": .int(200)]),
      Sample([[9]], attributes: ["low": .scalar(Scalar(-1.0)), "high": .scalar(Scalar(1.0)), "density": .bool(true)]),
    ])

  static let family = OpFamily([binEdges, binCounts, histogram])
}
