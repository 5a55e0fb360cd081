import MarsBase
import MarsGraph
import MarsNumerics

/// Distinct slices along an axis, compared element by element.
extension DistinctValues {
  static let rowOrder = NativeOp(
    OpDef(
      "row_order", inputs: [InputDef("x", "2-d")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].rank == 2 else { throw c.error(.value, "row_order takes a matrix") }
        return [TensorType(.int64, [c.inputs[0].shape[0]])]
      },
      body: .native(
        NativeRule(
          .access { _ in [[.whole, .whole]] }, wholeOutputAxes: { _ in [0] }, workspace: { c, _ in 8 * c.inputs[0].shape[0] })),
      cost: Cost(perElement: 60), doc: OpDoc("Indices that sort rows.", example: "mt.unique([[3, 1], [3, 0]], axis=0)"), exposure: .hidden,
      samples: [Sample([[7, 3]], .all), Sample([[3, 0]]), Sample([[40, 1]], .integer)])
  ) { (call: inout NativeCall) throws(MarsError) in
    try Ordering.rows(call.inputs[0], into: call.outputs[0])
  }

  /// The distinct slices along axis `k`, and what else `unique` is asked for.
  static func slices(_ c: OpContext, _ x: Value, _ k: Int) throws(MarsError) -> [Value] {
    guard x.type.isKnown else { throw c.unknownExtents("unique along an axis needs known extents") }
    let n = x.type.shape[k]
    let front = try x.op(Shapes.moveaxis, with: ["source": .ints([k]), "destination": .ints([0])])
    let size = try c.product(Array(front.type.shape.dropFirst()), "slices of \(Shape.text(x.type.shape))")
    let rows = try front.reshaped([n, size])
    let order = try rows.op(rowOrder.def)
    // A slice that differs from the one before it is the first of its kind.
    var isFirst = Value(try Creation.ones.apply([], [("shape", .ints([Swift.min(n, 1)])), ("dtype", .dtype(.bool))]))
    if n > 1 {
      let sorted = try rows.op(Masks.take, order, with: ["axis": .int(0)])
      let (later, earlier) = (try sorted.sliced(axis: 0, start: 1, count: n - 1), try sorted.sliced(axis: 0, start: 0, count: n - 1))
      let differs = try later.op(Comparison.notEqual, earlier).op(Reductions.any, with: ["axis": .ints([1])])
      isFirst = Value(try Joining.concatenate.apply([.value(isFirst), .value(differs)]))
    }
    let index = try Masks.select(c, order, isFirst)
    var out = [try x.op(Masks.take, index, with: ["axis": .int(k)])]
    if c.bool("return_index") { out.append(index) }
    let number = try isFirst.op(Scans.cumsum).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
    if c.bool("return_inverse") {
      let zeros = Value(try Creation.zeros.apply([], [("shape", .ints([n])), ("dtype", .dtype(.int64))]))
      out.append(try zeros.op(Writing.put, order, number))
    }
    if c.bool("return_counts") { out.append(try number.op(Counting.bincount)) }
    return out
  }
}
