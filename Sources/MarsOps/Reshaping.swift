import MarsBase
import MarsGraph
import MarsNumerics

/// The same elements in C or F order under other extents.
extension Shapes {
  private static let order = AttrDef(
    "order", .string, default: .string("C"), "'C': last axis fastest; 'F': first axis fastest; 'A', 'K': as the elements lie in memory")

  /// The extents that a reshape means; -1 is what is left.
  static func resolve(_ c: OpContext, _ wanted: [Int], from: [Int]) throws(MarsError) -> [Int] {
    do throws(MarsError) { return try Shape.reshaped(from, wanted) } catch { throw error.at(op: c.op.name, origin: "") }
  }

  /// Where along an axis of the new shape rows of the old one begin: distances, of rows of every depth that begin at places of this axis.
  private static func periods(_ from: [Int], _ to: [Int], _ axis: Int) -> [Int] {
    let step = to[(axis + 1)...].reduce(1, *)
    let all = step * to[axis]
    if all == 0 { return [] }
    return Shape.rowMajorStrides(from).filter { $0 > step && $0 % step == 0 && all % $0 == 0 }.map { $0 / step }
  }

  static let reshapeLoop = NativeOp(
    OpDef(
      "reshape_c", inputs: [InputDef("a")], attributes: [AttrDef("shape", .ints, "extents; one may be -1")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        [TensorType(c.inputs[0].dtype, try resolve(c, c.ints("shape"), from: c.inputs[0].shape))]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let from = c.inputs[0].shape
            guard let (first, last) = FlatWindow(shape: c.outputs[0].shape, box: box).interval else {
              return [Box(lower: from.map { _ in 0 }, extents: from.map { _ in 0 })]
            }
            return [FlatWindow.box(of: from, holding: first, last)]
          }, periods: { c, axis in periods(c.inputs[0].shape, c.outputs[0].shape, axis) })),
      doc: OpDoc("The same elements in C order under other extents.", example: "mt.reshape([1, 2, 3, 4], (2, 2))"),
      exposure: .hidden,
      samples: [
        Sample([[4, 6]], .all, attributes: ["shape": .ints([3, -1])]), Sample([[]], attributes: ["shape": .ints([1, 1])]),
        Sample([[0, 3]], attributes: ["shape": .ints([3, 0])]),
      ], answer: Answer(.reshape))
  ) { (call: inout NativeCall) throws(MarsError) in
    FlatWindow(shape: call.context.outputs[0].shape, box: call.outputBox).copy(
      call.inputs[0], held: call.inputBoxes[0], of: call.context.inputs[0].shape, to: call.outputs[0])
  }

  static let reshape = OpDef(
    "reshape", inputs: [InputDef("a")],
    attributes: [AttrDef("shape", .ints, separateArguments: true, role: .extent, "extents; one may be -1"), order], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0]
      let shape = try resolve(c, c.ints("shape"), from: x.type.shape)
      let isSame = shape == x.type.shape && shape.count(where: { $0 == unknownExtent }) < 2
      switch c.string("order").uppercased() {
      case let o where isSame && ["C", "A", "F"].contains(o): return [x]
      case "C", "A": return [try x.op(reshapeLoop.def, with: ["shape": .ints(shape)])]
      case "F":
        let turned = try x.op(transpose)
        return [try turned.op(reshapeLoop.def, with: ["shape": .ints(shape.reversed())]).op(transpose)]
      case "K": throw c.error(.value, "order 'K' is not permitted for reshaping")
      default: throw c.error(.value, "order must be one of 'C', 'F', 'A', or 'K' (got '\(c.string("order"))')")
      }
    },
    doc: OpDoc(
      "The same elements under other extents.", details: "One extent may be -1: what is left.  A view where strides allow it, else a copy.",
      numpy: "numpy.reshape", example: "mt.reshape([1, 2, 3, 4], (2, 2))"),
    exposure: Exposure(method: true),
    samples: [
      Sample([[4, 6]], .all, attributes: ["shape": .ints([3, -1])]),
      Sample([[4, 6]], attributes: ["shape": .ints([8, 3]), "order": .string("F")]),
    ], answer: Answer(memoryOrders: ["A"]))

  private static func flattening(_ name: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: [order], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        // Where it is not known how memory lies it lies in C order.
        let order = c.string("order") == "K" ? "C" : c.string("order")
        return [try v[0].op(reshape, with: ["shape": .ints([-1]), "order": .string(order)])]
      },
      doc: OpDoc(
        "All elements as one axis.", details: name == "ravel" ? "A view where strides allow it, else a copy." : "A copy.",
        numpy: name == "ravel" ? "numpy.ravel" : "numpy.ndarray.flatten", example: "mt.ravel([[1, 2], [3, 4]])"
      ),
      exposure: Exposure(namespace: name == "ravel" ? "" : nil, method: true),
      samples: [Sample([[3, 4]], .all), Sample([[3, 4]], attributes: ["order": .string("F")])],
      answer: Answer(name == "flatten" ? .never : .contiguousViews, memoryOrders: ["A", "K"]))
  }
  static let ravel = flattening("ravel")
  static let flatten = flattening("flatten")
}
