import MarsBase
import MarsGraph

/// Counting points in the cells of a grid.
enum HistogramGrids {
  /// The number of the bin of each element, and whether it lies in none.
  private static func bins(_ c: OpContext, _ x: Value, _ edges: Value, _ axis: Int) throws(MarsError) -> (number: Value, isOutside: Value) {
    guard edges.type.rank == 1 else { throw c.error(.value, "`bins[\(axis)]` must be a scalar or 1d array") }
    if let known = edges.numbers, zip(known, known.dropFirst()).contains(where: { $0 > $1 }) {
      throw c.error(.value, "`bins[\(axis)]` must be monotonically increasing, when an array")
    }
    let d = Promotion.common(x.type.dtype, edges.type.dtype)
    guard !d.isComplex else { throw c.error(.type, "histograms of complex values are not defined") }
    let (x, e) = (try x.cast(d), try edges.cast(d))
    let n = Swift.max(0, edges.type.shape[0] - 1)
    // The last edge belongs to the last bin.
    var number = try e.op(Sorting.searchsorted, x, with: ["side": .string("right")]).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
    if n > 0 {
      let atEnd = try x.op(Comparison.equal, try e.sliced(axis: 0, start: n, count: 1)).cast(.int64)
      number = try number.op(Arithmetic.subtract, atEnd)
    }
    let below = try number.op(Comparison.less, weak: Scalar(Int64(0)))
    return (number, try below.op(Comparison.logicalOr, try number.op(Comparison.greaterEqual, weak: Scalar(Int64(n)))))
  }

  static let histogram = OpDef(
    "histogram_grid",
    inputs: [
      InputDef("arrays", variadic: true, "the points' places along each axis, edges of each axis, and weights where they are given")
    ],
    attributes: [
      AttrDef("weighted", .bool, default: .bool(false), "whether the last array is what each point counts"),
      AttrDef("density", .bool, default: .bool(false), "whether the histogram is scaled to an integral of 1"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let arrays = c.bool("weighted") ? v.dropLast() : v[...]
      let weights = c.bool("weighted") ? v.last : nil
      let axes = arrays.count / 2
      guard axes > 0, arrays.count % 2 == 0 else {
        throw c.error(.value, "The dimension of bins must be equal to the dimension of the sample x.")
      }
      guard v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("histogram_grid needs known extents") }
      let points = arrays[0].type.shape
      guard points.count == 1, arrays.prefix(axes).allSatisfy({ $0.type.shape == points }), weights?.type.shape ?? points == points else {
        throw c.error(.value, "the points' places along each axis, and their weights, must be vectors of one length")
      }
      let extents = arrays.suffix(axes).map { Swift.max(0, ($0.type.shape.first ?? 0) - 1) }
      let cells = try c.product(extents, "bins \(Shape.text(extents))")
      var flat: Value? = nil
      var isOutside: Value? = nil
      for (axis, (x, edges)) in zip(arrays.prefix(axes), arrays.suffix(axes)).enumerated() {
        let found = try bins(c, x, edges, axis)
        flat = try flat?.op(Arithmetic.multiply, weak: Scalar(Int64(extents[axis]))).op(Arithmetic.add, found.number) ?? found.number
        isOutside = try isOutside?.op(Comparison.logicalOr, found.isOutside) ?? found.isOutside
      }
      guard let flat, let isOutside else { throw c.error(.internal, "a grid has axes") }
      // No bin has the number -1.
      let cell = try isOutside.op(Selection.where, Reductions.constant(Scalar(Int64(-1)), .int64), flat)
      let operands = try [cell] + (weights.map { w throws(MarsError) in [try w.cast(.float64)] } ?? [])
      let counted = Value(try Counting.count.def.apply(operands.map { .value($0) }, [("bins", .int(cells))]))
      var found = try counted.cast(.float64).reshaped(extents)
      guard c.bool("density") else { return [found] }
      let sum = try found.op(Reductions.sum)
      for (axis, edges) in arrays.suffix(axes).enumerated() {
        let width = try edges.cast(.float64).op(Scans.diff)
        found = try found.op(Arithmetic.divide, try width.reshaped(extents.indices.map { $0 == axis ? extents[axis] : 1 }))
      }
      return [try found.op(Arithmetic.divide, sum)]
    }, cost: Cost(perElement: 40),
    doc: OpDoc(
      "How many points lie in each cell of a grid, or the sum of their weights.",
      details: "The edges of an axis ascend; the last one belongs to the last bin.  Points beyond them, and with NaN, lie in no cell.",
      example: "mt.histogram_grid([[0.5, 1.5], [0.5, 0.5], [0, 1, 2], [0, 1]])"),
    samples: [
      Sample([[7], [7], [3], [4]], [.integer, .floating]),
      Sample([[7], [7], [3], [4], [7]], attributes: ["weighted": .bool(true), "density": .bool(true)]),
    ])

  static let family = OpFamily([histogram])
}
