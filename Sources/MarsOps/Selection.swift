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

  /// Where floats or complex values change on their way to other ones; NaN is NaN, in each part.
  private static func losesParts(_ x: Value, _ y: Value) throws(MarsError) -> Value {
    func loses(_ x: Value, _ y: Value) throws(MarsError) -> Value {
      let areNaN = try x.op(FloatingPoint.isnan).op(Comparison.logicalAnd, try y.op(FloatingPoint.isnan))
      return try y.cast(x.type.dtype).op(Comparison.notEqual, x).op(Comparison.logicalAnd, try areNaN.op(Comparison.logicalNot))
    }
    if !x.type.dtype.isComplex && !y.type.dtype.isComplex { return try loses(x, y) }
    let real = try loses(try x.op(FloatingPoint.real), try y.op(FloatingPoint.real))
    return try real.op(Comparison.logicalOr, try loses(try x.op(FloatingPoint.imag), try y.op(FloatingPoint.imag)))
  }

  /// The same where either are integers; `back`: what y is in the dtype of x.
  private static func losesIntegers(_ x: Value, _ y: Value, back: Value) throws(MarsError) -> Value {
    let isWrong = try back.op(Comparison.notEqual, x)
    if !x.type.dtype.isInteger || !y.type.dtype.isInteger {
      // The least integer and an infinity may come back as each other.
      let floats = x.type.dtype.isInteger ? y : x
      return try isWrong.op(Comparison.logicalOr, try floats.op(FloatingPoint.isfinite).op(Comparison.logicalNot))
    }
    // Bits that are kept come back, whatever they mean with and without a sign.
    let zero = Scalar(Int64(0))
    let signs = try x.op(Comparison.less, weak: zero).op(Comparison.notEqual, try y.op(Comparison.less, weak: zero))
    return try isWrong.op(Comparison.logicalOr, signs)
  }

  /// The cast of `astype(casting="same_value")`: an error when it is computed where a value does not come back.
  static let astypeSameValue = OpDef(
    "astype_same_value", inputs: [InputDef("x")], attributes: [AttrDef("dtype", .dtype, "element type of the result")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (from, to) = (v[0].type.dtype, c.dtype("dtype") ?? .float64)
      let y = try v[0].cast(to)
      // As NumPy, where every value has a truth.
      if to == .bool || Casting.safe.allows(from, to) && !(from.isInteger && to.kind >= .floating) { return [y] }
      let isWrong =
        from.kind >= .floating && to.kind >= .floating
        ? try losesParts(v[0], y) : try losesIntegers(v[0], y, back: try y.cast(from))
      // Subtracted, zeros leave the sign of a zero.
      let zeros = try isWrong.cast(.int64).op(
        Checks.refuse.def, isWrong, with: ["message": .string("could not cast 'same_value' \(from.name) to \(to.name)")])
      return [try y.op(Arithmetic.subtract, try zeros.cast(to))]
    },
    doc: OpDoc(
      "Converts to another dtype that holds every one of the values.",
      details: "An error when it is computed where one of them is not the same after the way there and back; NaN is NaN.",
      example: "mt.tensor([1.0, 2.0]).astype('int8', casting='same_value')"), exposure: .hidden,
    samples: [
      Sample([[2, 3]], fixed: [0: .int32], attributes: ["dtype": .dtype(.float64)]),
      Sample([[]], fixed: [0: .int8], attributes: ["dtype": .dtype(.float16)]),
    ],
    answer: Answer(rankZero: .asInput))

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

  static let family = OpFamily([astype, astypeSameValue, `where`, clip])
}
