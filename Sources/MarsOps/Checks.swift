import MarsBase
import MarsGraph
import MarsNumerics

/// Errors that depend on values: found when they are computed.
enum Checks {
  static let refuse = NativeOp(
    OpDef(
      "refuse_where", inputs: [InputDef("x", "int64"), InputDef("is_wrong", "bool, of the same shape")],
      attributes: [AttrDef("message", .string, "the error; {} stands for the first wrong element of x")],
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
      throw c.error(.value, c.string("message").replacing("{}", with: "\(wrong)"))
    }
    if !call.isInPlace { Strided.copy(call.inputs[0], to: call.outputs[0]) }
  }

  static let family = OpFamily([], natives: [refuse])
}
