import MarsBase
import MarsGraph

/// A small registry with one operator of every kind that files must carry; shared with the fuzz target.
enum TestOperators {
  private static func doc(_ summary: String) -> OpDoc { OpDoc(summary, example: "1") }

  static let add = OpDef(
    "add", inputs: [InputDef("x1"), InputDef("x2")],
    typing: .ufunc([DType.int64, .float32, .float64, .complex128].map { UfuncLoop([$0, $0], [$0]) }),
    body: .expr { b, _, x in [b.add(x[0], x[1])] }, doc: doc("Sum of two."))

  static let sum = OpDef(
    "sum", inputs: [InputDef("a")],
    attributes: [
      AttrDef("axis", .ints, default: AttrValue.none, "axes"), AttrDef("keepdims", .bool, default: .bool(false), "whether axes stay"),
      AttrDef("dtype", .dtype, default: AttrValue.none, "of the result"),
      AttrDef("initial", .scalar, default: AttrValue.none, since: 2, "start"),
      AttrDef("compensate", .bool, default: .bool(false), since: 3, "whether sums are compensated"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let rank = c.inputs[0].rank
      let axes = try c.normalisedAxes(c.optionalInts("axis") ?? Array(0..<rank), rank: rank)
      var shape = c.inputs[0].shape
      for a in axes.reversed() { if c.bool("keepdims") { shape[a] = 1 } else { shape.remove(at: a) } }
      return [TensorType(c.dtype("dtype") ?? c.inputs[0].dtype, shape)]
    },
    body: .reduce(
      ReduceBody(
        axes: { c in (c.optionalInts("axis") ?? Array(0..<c.inputs[0].rank)).sorted() }, keepsDimensions: { $0.bool("keepdims") },
        map: { _, _, x in [.init(.sum, x[0])] }, finish: { _, _, s in s })),
    doc: doc("Sum over axes."))

  static let transpose = OpDef(
    "transpose", inputs: [InputDef("a")], attributes: [AttrDef("axes", .ints, default: AttrValue.none, "order")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let order = try axes(c)
      return [TensorType(c.inputs[0].dtype, order.map { c.inputs[0].shape[$0] })]
    },
    body: .view { c in
      let order = (try? axes(c)) ?? []
      return AxisMap(order.indices.map { k in .aligned(order.firstIndex(of: k) ?? 0) })
    },
    doc: doc("Axes in another order."))

  private static func axes(_ c: OpContext) throws(MarsError) -> [Int] {
    let rank = c.inputs[0].rank
    guard let given = c.optionalInts("axes") else { return Array((0..<rank).reversed()) }
    guard try c.normalisedAxes(given, rank: rank).count == rank else { throw c.error(.value, "axes don't match array") }
    return given.map { $0 < 0 ? $0 + rank : $0 }
  }

  private static func native(_ output: @escaping @Sendable (OpContext) -> [TensorType]) -> (Typing, Body) {
    (
      .rule { (c: OpContext) throws(MarsError) -> [TensorType] in output(c) },
      .native(NativeRule(.access { c in c.inputs.map { $0.shape.map { _ in .whole } } }))
    )
  }
  private static func op(
    _ name: String, inputs: [InputDef] = [], attributes: [AttrDef] = [], outputs: [String] = ["out"], effects: Effects = .pure,
    _ output: @escaping @Sendable (OpContext) -> [TensorType]
  ) -> OpDef {
    let (typing, body) = native(output)
    return OpDef(
      name, inputs: inputs, attributes: attributes, outputs: outputs, typing: typing, body: body, effects: effects, doc: doc("A test."))
  }

  static let split = op("split2", inputs: [InputDef("a")], outputs: ["fraction", "integer"]) { c in
    [TensorType(.float64, c.inputs[0].shape), TensorType(.int64, c.inputs[0].shape)]
  }
  static let stack = op("stack", inputs: [InputDef("arrays", variadic: true)]) { c in
    [TensorType(c.inputs.first?.dtype ?? .float64, [c.inputs.count])]
  }
  /// An attribute of every kind, all with defaults.
  static let kinds = op(
    "kinds",
    attributes: [
      AttrDef("b", .bool, default: .bool(true), ""), AttrDef("i", .int, default: .int(0), ""),
      AttrDef("f", .float, default: .float(0), ""), AttrDef("s", .string, default: .string(""), ""),
      AttrDef("d", .dtype, default: .dtype(.float64), ""), AttrDef("c", .scalar, default: .scalar(Scalar(0.0)), ""),
      AttrDef("is", .ints, default: .ints([]), ""), AttrDef("ss", .strings, default: .strings([]), ""),
      AttrDef("bs", .bytes, default: .bytes([]), ""),
    ]
  ) { c in [TensorType(c.dtype("d") ?? .bool, [])] }

  /// Composed of composed: sum(a + a) + sum(a + a).
  static let doubleSum = OpDef(
    "double_sum", inputs: [InputDef("a")], attributes: [AttrDef("keepdims", .bool, default: .bool(false), "")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let s = try sum(try add(v[0], v[0]), attributes: ["keepdims": .bool(c.bool("keepdims"))])
      return [try twice(s)]
    },
    doc: doc("Sums twice."))
  static let twice = OpDef(
    "twice", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { (_: OpContext, v: [Value]) throws(MarsError) -> [Value] in [try add(v[0], v[0])] }, doc: doc("Twice."))

  /// a, or a + low, high + a, high + (a + low).
  static let between = OpDef(
    "between", inputs: [InputDef("a"), InputDef("low", optional: true), InputDef("high", optional: true)], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var x = v[0]
      if let low = c.input("low", of: v) { x = try add(x, low) }
      if let high = c.input("high", of: v) { x = try add(high, x) }
      return [x]
    },
    doc: doc("Sums of up to three."))

  private static let path = [AttrDef("path", .string, "file")]
  static let load = op("load", attributes: path, effects: .readsExternal) { _ in [TensorType(.float64, [unknownExtent])] }
  static let store = op("store", inputs: [InputDef("a")], attributes: path, effects: .writes) { c in [c.inputs[0]] }
  static let call = op("call", inputs: [InputDef("a")], effects: .callback) { c in [c.inputs[0]] }
  /// Says that it is pure, but expands into `load`.
  static let hiddenLoad = OpDef(
    "hidden_load", inputs: [], typing: .fromExpansion,
    body: .composed { (_: OpContext, _: [Value]) throws(MarsError) -> [Value] in
      [Value(try load.apply([], [("path", .string("/x"))]))]
    },
    doc: doc("Loads."))

  static let registry = OpRegistry([
    add, sum, transpose, split, stack, kinds, doubleSum, twice, between, load, store, call, hiddenLoad,
  ])
}
