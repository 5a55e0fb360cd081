import MarsBase
import MarsGraph

/// Sets as sorted vectors of distinct values.
enum SetOperations {
  private static let unordered = AttrDef(
    "assume_unique", .bool, default: .bool(false), "says that values are distinct, which is not needed")
  private static let ordered = AttrDef(
    "assume_unique", .bool, default: .bool(false), "takes values as they come, all of them and in their order")

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
      name, inputs: [InputDef("ar1"), InputDef("ar2")], attributes: name == "union1d" ? [] : name == "setdiff1d" ? [ordered] : [unordered],
      typing: .fromExpansion, comparesIntegers: name == "setdiff1d", takesArrays: name != "union1d",
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        // As NumPy: a difference keeps the dtype of what it is taken from.
        let d = name == "setdiff1d" ? v[0].type.dtype : c.commonDType()
        return [try of(c, try v[0].cast(d).reshaped([-1]), try (name == "setdiff1d" ? v[1] : v[1].cast(d)).reshaped([-1]))]
      }, cost: Cost(perElement: 100), doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([3, 1, 2, 1], [2, 3, 5])"),
      exposure: Exposure(signature: name == "union1d" ? "ar1 ar2" : "ar1 ar2 assume_unique"),
      samples: [Sample([[7], [5]], [.integer, .floating]), Sample([[2, 3], [0]]), Sample([[0], [3]])])
  }

  /// Where values come first in a vector that holds them all.
  private static func places(of values: Value, in x: Value) throws(MarsError) -> Value {
    let order = try x.op(Sorting.argsort)
    let sorted = try x.op(Masks.take, order)
    return try order.op(Masks.take, try sorted.op(Sorting.searchsorted, values))
  }

  static let intersect = OpDef(
    "intersect1d", inputs: [InputDef("ar1"), InputDef("ar2")],
    attributes: [
      unordered, AttrDef("return_indices", .bool, default: .bool(false), since: 2, "also the places of their first occurrences in both"),
    ], outputs: ["values..."], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = c.commonDType()
      let (a, b) = (try v[0].cast(d).reshaped([-1]), try v[1].cast(d).reshaped([-1]))
      let values = try chosen(c, a, b, areMembers: true)
      return c.bool("return_indices") ? [values, try places(of: values, in: a), try places(of: values, in: b)] : [values]
    }, cost: Cost(perElement: 100),
    doc: OpDoc(
      "Distinct values that are in both, in order.", details: "A vector, whose extent is known when it has run.",
      numpy: "numpy.intersect1d", example: "mt.intersect1d([3, 1, 2, 1], [2, 3, 5])"),
    exposure: Exposure(signature: "ar1 ar2 assume_unique return_indices"),
    samples: [
      Sample([[7], [5]], [.integer, .floating]), Sample([[2, 3], [0]]), Sample([[0], [3]]),
      Sample([[7], [5]], .integer, attributes: ["return_indices": .bool(true)]),
    ])
  static let difference = operation("setdiff1d", "Distinct values of the first that are not in the second, in order.") {
    c, a, b throws(MarsError) in
    guard c.bool("assume_unique") else { return try chosen(c, a, b, areMembers: false) }
    return try Masks.select(c, a, try a.op(Sorting.isin, b, with: ["invert": .bool(true)]))
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
