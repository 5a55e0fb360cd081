import MarsBase
import MarsGraph
import MarsNumerics

/// Extents that attributes ask for may be of any size: what is computed from them is checked here, before a node is.
extension OpContext {
  /// A shape attribute; negative extents, more axes than there can be and more elements than can be counted are errors.
  func shape(_ name: String) throws(MarsError) -> [Int] {
    let s = ints(name)
    guard s.allSatisfy({ $0 >= 0 }) else { throw error(.value, "negative dimensions are not allowed") }
    try checkRank(s.count)
    _ = try product(s, "\(name) \(Shape.text(s))")
    return s
  }

  /// A product of extents; an error that says what is too big where 64 bits do not hold it.
  func product(_ extents: [Int], _ what: @autoclosure () -> String) throws(MarsError) -> Int {
    guard let n = Shape.count(extents) else { throw error(.value, "array is too big: \(what())") }
    return n
  }

  /// A sum of extents; an error that says what is too big where 64 bits do not hold it.
  func sum(_ extents: [Int], _ what: @autoclosure () -> String) throws(MarsError) -> Int {
    var n = 0
    for e in extents {
      let (next, overflow) = n.addingReportingOverflow(e)
      guard !overflow else { throw error(.value, "array is too big: \(what())") }
      n = next
    }
    return n
  }
}

/// Errors that depend on values: found when they are computed.
enum Checks {
  static let refuse = NativeOp(
    OpDef(
      "refuse_where", inputs: [InputDef("x", "int64"), InputDef("is_wrong", "bool, of the same shape")],
      attributes: [
        AttrDef("message", .string, "the error; {} stands for the first wrong element of x"),
        AttrDef("is_index", .bool, default: .bool(false), since: 2, "whether the error is one of an index, not of a value"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .int64, c.inputs[1].dtype == .bool, c.inputs[1].rank == c.inputs[0].rank,
          zip(c.inputs[0].shape, c.inputs[1].shape).allSatisfy({ $0 == $1 || $0 == unknownExtent || $1 == unknownExtent })
        else { throw c.error(.value, "there must be one bool for each element") }
        return [c.inputs[0]]
      },
      body: .native(
        NativeRule(.access { c in c.inputs.map { (0..<$0.rank).map { .aligned($0) } } }, reusesInput0: true)),
      doc: OpDoc("Values of which none may be wrong.", example: "mt.unravel_index([3], (2, 2))[0]"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    if let wrong = Lanes.firstMarked(call.inputs[0], by: call.inputs[1]) {
      let c = call.context
      throw c.error(c.bool("is_index") ? .index : .value, c.string("message").replacing("{}", with: "\(wrong)"))
    }
    if !call.isInPlace { StridedCopy.copy(from: call.inputs[0], to: call.outputs[0]) }
  }

  /// Real values, where one below 0 is an error.
  static func notNegative(_ c: OpContext, _ x: Value, _ message: String) throws(MarsError) -> Value {
    let isWrong = try x.op(Comparison.less, weak: Scalar(Int64(0)))
    return try checked(c, x, message, isWrong) { $0 < 0 }
  }

  /// Floats, where one that is no integer is an error.
  static func whole(_ c: OpContext, _ x: Value, _ message: String) throws(MarsError) -> Value {
    // As NumPy, which would look at the dtype alone: known numbers are of the wrong type.
    if let known = x.numbers, known.contains(where: { $0 != $0.rounded() }) { throw c.error(.type, message) }
    let isWrong = try x.op(Comparison.notEqual, try x.op(FloatingPoint.rint))
    return try checked(c, x, message, isWrong) { $0 != $0.rounded() }
  }

  /// Floats, where one that is infinite or NaN is an error.
  static func finite(_ c: OpContext, _ x: Value, _ message: String) throws(MarsError) -> Value {
    try checked(c, x, message, try x.op(FloatingPoint.isfinite).op(Comparison.logicalNot)) { !$0.isFinite }
  }

  /// Values that are looked at now where they are known, else when they are computed.
  private static func checked(
    _ c: OpContext, _ x: Value, _ message: String, _ wrong: Value, _ isWrong: (Double) -> Bool
  ) throws(MarsError) -> Value {
    if let numbers = x.numbers {
      guard !numbers.contains(where: isWrong) else { throw c.error(.value, message) }
      return x
    }
    return try refused(x, wrong, message)
  }

  /// Values that are an error when they are computed where `wrong`, which broadcasts to them, holds anywhere.
  static func refused(_ x: Value, _ wrong: Value, _ message: String) throws(MarsError) -> Value {
    let zeros = try wrong.cast(.int64).op(refuse.def, wrong, with: ["message": .string(message)])
    return try x.op(Arithmetic.add, try zeros.cast(x.type.dtype))
  }

  static let family = OpFamily([], natives: [refuse])
}
