import MarsBase
import MarsGraph

/// Whether elements are true over axes, and how many.
extension Reductions {
  private static func quantifier(_ name: String, _ kind: ReduceKind, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.bool, c.reducedShape(try c.checkReduction()))] },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, _, x in
            let neutral = b.constant(.bool, kind == .and ? 1 : 0)
            return [.init(kind, masked(&b, x, b.truth(x[0]), otherwise: neutral))]
          }, finish: { _, _, s in [s[0]] })),
      doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([[True, False], [True, True]], axis=1)"),
      exposure: Exposure(
        method: true, reduceOf: [kind == .and ? "logical_and" : "logical_or"], signature: "a axis out keepdims * where"),
      samples: samples(.all) + [Sample([[3, 4], [4]], .all, fixed: [1: .bool])])
  }
  static let any = quantifier("any", .or, "Whether any element is true over axes.")
  static let all = quantifier("all", .and, "Whether all elements are true over axes.")

  static let countNonzero = OpDef(
    "count_nonzero", inputs: [InputDef("a")], attributes: [axis, keepdims],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.int64, c.reducedShape(try c.checkReduction()))] },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps, map: { b, _, x in [.init(.sum, b.cast(b.truth(x[0]), .int64))] }, finish: { _, _, s in [s[0]] })
    ),
    doc: OpDoc(
      "The number of elements that are not zero over axes.", details: "int64.", numpy: "numpy.count_nonzero",
      example: "mt.count_nonzero([0, 1, 2])"),
    exposure: Exposure(signature: "a axis * keepdims"),
    samples: samples(.all))

  static let logic = [any, all, countNonzero]
}
