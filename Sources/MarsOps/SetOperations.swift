import MarsBase
import MarsGraph

/// Sets as sorted vectors of distinct values.
enum SetOperations {
  private static let unordered = AttrDef(
    "assume_unique", .bool, default: .bool(false), "says that values are distinct, which is not needed")

  /// The elements in order, and which of them are the first of equal ones; NaNs count as equal.
  private static func distinct(_ c: OpContext, _ x: Value) throws(MarsError) -> (sorted: Value, isFirst: Value) {
    guard x.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    let sorted = try x.op(Sorting.sort)
    let n = sorted.type.shape[0]
    let start = Value(try Creation.ones.apply([], [("shape", .ints([Swift.min(n, 1)])), ("dtype", .dtype(.bool))]))
    guard n > 1 else { return (sorted, start) }
    let (later, earlier) = (try sorted.sliced(axis: 0, start: 1, count: n - 1), try sorted.sliced(axis: 0, start: 0, count: n - 1))
    var differs = try later.op(Comparison.notEqual, earlier)
    if x.type.dtype.kind >= .floating {
      differs = try differs.op(Comparison.logicalAnd, try earlier.op(FloatingPoint.isnan).op(Comparison.logicalNot))
    }
    return (sorted, Value(try Joining.concatenate.apply([.value(start), .value(differs)])))
  }

  /// Distinct values of `x` that are, or are not, among those of `y`.
  private static func chosen(_ c: OpContext, _ x: Value, _ y: Value, areMembers: Bool) throws(MarsError) -> Value {
    let (sorted, isFirst) = try distinct(c, x)
    let wanted = try sorted.op(Sorting.isin, y, with: ["invert": .bool(!areMembers)])
    return try Masks.select(c, sorted, try isFirst.op(Comparison.logicalAnd, wanted))
  }

  private static func operation(
    _ name: String, _ summary: String, _ of: @escaping @Sendable (OpContext, Value, Value) throws(MarsError) -> Value
  ) -> OpDef {
    OpDef(
      name, inputs: [InputDef("ar1"), InputDef("ar2")], attributes: name == "union1d" ? [] : [unordered], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        // As NumPy: a difference keeps the dtype of what it is taken from.
        let d = name == "setdiff1d" ? v[0].type.dtype : c.commonDType()
        return [try of(c, try v[0].cast(d).reshaped([-1]), try (name == "setdiff1d" ? v[1] : v[1].cast(d)).reshaped([-1]))]
      }, cost: Cost(perElement: 100), doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([3, 1, 2, 1], [2, 3, 5])"),
      exposure: Exposure(signature: name == "union1d" ? "ar1 ar2" : "ar1 ar2 assume_unique"),
      samples: [Sample([[7], [5]], [.integer, .floating]), Sample([[2, 3], [0]]), Sample([[0], [3]])])
  }

  static let intersect = operation("intersect1d", "Distinct values that are in both, in order.") { c, a, b throws(MarsError) in
    try chosen(c, a, b, areMembers: true)
  }
  static let difference = operation("setdiff1d", "Distinct values of the first that are not in the second, in order.") {
    c, a, b throws(MarsError) in
    try chosen(c, a, b, areMembers: false)
  }
  static let union = operation("union1d", "Distinct values that are in one or the other, in order.") { _, a, b throws(MarsError) in
    Value(try DistinctValues.unique.apply([.value(Value(try Joining.concatenate.apply([.value(a), .value(b)])))]))
  }
  static let symmetricDifference = operation("setxor1d", "Distinct values that are in one of both only, in order.") {
    c, a, b throws(MarsError) in
    let parts = [try chosen(c, a, b, areMembers: false), try chosen(c, b, a, areMembers: false)]
    return try Value(try Joining.concatenate.apply(parts.map { .value($0) })).op(Sorting.sort)
  }

  static let family = OpFamily([intersect, difference, union, symmetricDifference])
}
