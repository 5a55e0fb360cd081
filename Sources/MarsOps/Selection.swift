import MarsBase
import MarsGraph

/// Casts and choices, element by element.
enum Selection {
  static let astype = OpDef(
    "astype", inputs: [InputDef("x")],
    attributes: [
      AttrDef("dtype", .dtype, "element type of the result"),
      AttrDef(
        "casting", .string, default: .string(Casting.unsafe.rawValue), since: 2,
        "what may be cast: 'no', 'equiv', 'safe', 'same_kind' or 'unsafe'"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let (from, to) = (c.inputs[0].dtype, c.dtype("dtype") ?? .float64)
      guard try Casting(named: c.string("casting")).allows(from, to) else {
        throw c.error(
          .type, "Cannot cast array data from dtype('\(from.name)') to dtype('\(to.name)') according to the rule '\(c.string("casting"))'")
      }
      return [TensorType(to, c.inputs[0].shape)]
    },
    body: .expr { b, c, x in [b.cast(x[0], c.dtype("dtype") ?? .float64)] },
    doc: OpDoc(
      "Converts to another dtype.",
      details:
        "Floats are truncated towards zero, integers wrap, complex values lose their imaginary part; bool is whether the value is not 0.",
      numpy: "numpy.ndarray.astype", example: "mt.tensor([1.5, -2.7]).astype('int32')"), exposure: Exposure(method: true),
    samples: DType.allCases.map { Sample([[2, 3]], .all, attributes: ["dtype": .dtype($0)]) }, answer: Answer(rankZero: .asInput))

  static let `where` = OpDef(
    "where", inputs: [InputDef("condition", condition: true), InputDef("x"), InputDef("y")],
    typing: .ufunc(Loops.order.map { UfuncLoop([.bool, $0, $0], [$0]) }), body: .expr { b, _, x in [b.select(x[0], x[1], x[2])] },
    doc: OpDoc(
      "x where the condition holds, else y.", details: "All three broadcast; the condition counts as true where it is not zero.",
      numpy: "numpy.where", example: "mt.where([True, False], [1, 2], 0)"),
    samples: [Sample([[2, 3], [3], [2, 1]], .all, fixed: [0: .bool]), Sample([[4], [4], []], .floating, fixed: [0: .int32])],
    answer: Answer(rankZero: .array))

  static let clip = OpDef(
    "clip",
    inputs: [
      InputDef("a"), InputDef("a_min", optional: true, limit: .lower, "the least value"),
      InputDef("a_max", optional: true, limit: .upper, "the largest value"),
    ],
    typing: .ufunc(Loops.same(.all, 3)),
    body: .expr { b, c, x in
      var v = x[0]
      if let least = c.input("a_min", of: x) { v = Comparison.extreme(&b, .max, v, least, ignoring: false) }
      if let largest = c.input("a_max", of: x) { v = Comparison.extreme(&b, .min, v, largest, ignoring: false) }
      return [v]
    }, cost: Cost(perElement: 2),
    doc: OpDoc(
      "Limits values to an interval.",
      details: "min(max(a, a_min), a_max).  Integers beyond what the dtype can hold limit nothing.",
      numpy: "numpy.clip", example: "mt.clip([1, 5, 9], 2, 6)"), exposure: Exposure(method: true))

  static let family = OpFamily([astype, `where`, clip])
}
