import MarsBase
import MarsGraph

/// Running sums and medians that leave NaNs out.
enum IgnoringNaN {
  private static func running(_ name: String, _ of: OpDef, _ neutral: Double, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: of.inputs, attributes: of.attributes, typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        var x = v[0]
        if x.type.dtype.kind >= .floating {
          x = try x.op(FloatingPoint.isnan).op(Selection.`where`, Reductions.constant(Scalar(neutral), x.type.dtype), x)
        }
        return [Value(try of.apply([.value(x)], of.attributes.map { ($0.name, c[$0.name]) }))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"),
      exposure: Exposure(out: .any), samples: of.samples)
  }
  static let nancumsum = running("nancumsum", Scans.cumsum, 0, "The running sum, NaN counted as 0.")
  static let nancumprod = running("nancumprod", Scans.cumprod, 1, "The running product, NaN counted as 1.")

  static let nanmedian = OpDef(
    "nanmedian", inputs: [InputDef("a")], attributes: [Statistics.medianAxis, Reductions.keepdims], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype.kind >= .floating else {
        return [Value(try Statistics.median.apply([.value(v[0])], c.passing("axis", "keepdims")))]
      }
      let r = try Statistics.median(c, v[0]) { (x, n) throws(MarsError) -> Value in
        if n == 0 { return try Statistics.meanOfRows(x) }
        let count = Value(
          try Reductions.countNonzero.apply(
            [.value(try x.op(FloatingPoint.isnan).op(Comparison.logicalNot))], [("axis", .ints([0])), ("keepdims", .bool(true))]))
        let least = Scalar(Int64(0))
        let low = try count.op(Arithmetic.subtract, weak: Scalar(Int64(1))).op(Comparison.maximum, weak: least).op(
          Arithmetic.floorDivide, weak: Scalar(Int64(2)))
        let high = try count.op(Arithmetic.floorDivide, weak: Scalar(Int64(2))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
        let axis: KeyValuePairs<String, AttrValue> = ["axis": .int(0)]
        let places = Value(try Joining.concatenate.apply([.value(low), .value(high)], [("axis", .int(0))]))
        // NaNs are sorted to the end: the middle is that of the elements before them.
        let both =
          x.type.count == n && !x.type.dtype.isComplex
          ? try x.op(Quantiles.statistics.def, places.reshaped([2]), with: axis)
          : try x.op(Sorting.sort, with: axis).op(Indexing.takeAlongAxis, places, with: axis)
        let a = try both.sliced(axis: 0, start: 0, count: 1)
        // One element is its own mean, whatever its size.
        return try low.op(Comparison.equal, high).op(Selection.`where`, a, try Statistics.meanOfRows(both))
      }
      return [r]
    }, cost: Cost(perElement: 80),
    doc: OpDoc("The median over axes, ignoring NaN.", numpy: "numpy.nanmedian", example: "mt.nanmedian([3.0, float('nan'), 2.0])"),
    exposure: Exposure(out: .any, signature: "a axis out overwrite_input=False keepdims"),
    samples: [Sample([[3, 4]], [.integer, .floating]), Sample([[3, 4]], attributes: ["axis": .int(0)])])

  static let family = OpFamily([nancumsum, nancumprod, nanmedian])
}
