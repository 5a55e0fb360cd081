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
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"), samples: of.samples)
  }
  static let nancumsum = running("nancumsum", Scans.cumsum, 0, "The running sum, NaN counted as 0.")
  static let nancumprod = running("nancumprod", Scans.cumprod, 1, "The running product, NaN counted as 1.")

  static let nanmedian = OpDef(
    "nanmedian", inputs: [InputDef("a")],
    attributes: [AttrDef("axis", .int, default: AttrValue.none, "the axis; None: the flattened array"), Reductions.keepdims],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype.kind >= .floating else {
        return [Value(try Statistics.median.apply([.value(v[0])], c.passing("axis", "keepdims")))]
      }
      let isFlat = c.optionalInt("axis") == nil
      let x = isFlat ? try v[0].reshaped([-1]) : v[0]
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      guard x.type.isKnown else { throw c.unknownExtents("nanmedian needs known extents") }
      let n = x.type.shape[k]
      guard n > 0 else { return [Value(try Statistics.median.apply([.value(v[0])], c.passing("axis", "keepdims")))] }
      // NaNs are sorted to the end: the middle is that of the elements before them.
      let sorted = try x.op(Sorting.sort, with: ["axis": .int(k)])
      let count = Value(
        try Reductions.countNonzero.apply(
          [.value(try x.op(FloatingPoint.isnan).op(Comparison.logicalNot))], [("axis", .ints([k])), ("keepdims", .bool(true))]))
      let least = Scalar(Int64(0))
      let low = try count.op(Arithmetic.subtract, weak: Scalar(Int64(1))).op(Comparison.maximum, weak: least).op(
        Arithmetic.floorDivide, weak: Scalar(Int64(2)))
      let high = try count.op(Arithmetic.floorDivide, weak: Scalar(Int64(2))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      let axis: KeyValuePairs<String, AttrValue> = ["axis": .int(k)]
      let (a, b) = (try sorted.op(Indexing.takeAlongAxis, low, with: axis), try sorted.op(Indexing.takeAlongAxis, high, with: axis))
      let both = Value(try Joining.concatenate.apply([.value(a), .value(b)], [("axis", .int(k))]))
      // One element is its own mean, whatever its size.
      let middle = Value(try Reductions.mean.apply([.value(both)], [("axis", .ints([k])), ("keepdims", .bool(true))]))
      let r = try low.op(Comparison.equal, high).op(Selection.`where`, a, middle)
      if c.bool("keepdims") { return [isFlat ? try r.reshaped(v[0].type.shape.map { _ in 1 }) : r] }
      return [try r.op(Shapes.squeeze, with: ["axis": .ints([k])])]
    }, cost: Cost(perElement: 80),
    doc: OpDoc("The median over an axis, ignoring NaN.", numpy: "numpy.nanmedian", example: "mt.nanmedian([3.0, float('nan'), 2.0])"),
    exposure: Exposure(signature: "a axis out overwrite_input=False keepdims"),
    samples: [Sample([[3, 4]], [.integer, .floating]), Sample([[3, 4]], attributes: ["axis": .int(0)])])

  static let family = OpFamily([nancumsum, nancumprod, nanmedian])
}
