import MarsBase
import MarsGraph

/// Operators of the planner's tests: the planner knows no names, so these stand for whole families.
enum TestOps {
  static let real: [UfuncLoop] = [DType.int64, .float32, .float64].map { UfuncLoop([$0, $0], [$0]) }
  static let real1: [UfuncLoop] = [DType.float32, .float64].map { UfuncLoop([$0], [$0]) }
  static func doc(_ s: String) -> OpDoc { OpDoc(s, example: "") }

  static let add = OpDef(
    "add", inputs: [InputDef("a"), InputDef("b")], typing: .ufunc(real), body: .expr { b, _, x in [b.add(x[0], x[1])] }, doc: doc("sum"))
  static let mul = OpDef(
    "mul", inputs: [InputDef("a"), InputDef("b")], typing: .ufunc(real), body: .expr { b, _, x in [b.mul(x[0], x[1])] }, doc: doc("product")
  )
  static let sqrt = OpDef(
    "sqrt", inputs: [InputDef("a")], typing: .ufunc(real1), body: .expr { b, _, x in [b.op(.sqrt, x[0])] }, doc: doc("root"))
  static let heavy = OpDef(
    "heavy", inputs: [InputDef("a")], typing: .ufunc(real1), body: .expr { b, _, x in [b.op(.sin, x[0])] }, cost: Cost(perElement: 20),
    doc: doc("sine"))
  static let source = OpDef(
    "source", inputs: [], attributes: [AttrDef("shape", .ints, "")],
    typing: .rule { c in [TensorType(.float64, c.ints("shape"))] },
    body: .expr { b, _, _ in
      [
        {
          let i = b.elementIndex()
          return b.cast(i, .float64)
        }()
      ]
    }, cost: Cost(isCheapSource: true), doc: doc("arange"), reshaped: shaped)
  /// A vector that depends on an argument.
  static let noise = OpDef(
    "noise", inputs: [], attributes: [AttrDef("seed", .int, isArgument: true, "")],
    typing: .rule { _ in [TensorType(.float64, [100])] },
    body: .expr { b, c, _ in [b.argument("seed", c, as: .float64)] }, cost: Cost(isCheapSource: true), doc: doc("noise"))
  /// Any shape of the same elements.
  private static let shaped: OpDef.Reshaping = { c, shape in (c.op, c.attributes(with: "shape", .ints(shape))) }
  static let transpose = OpDef(
    "transpose", inputs: [InputDef("a")], typing: .rule { c in [TensorType(c.inputs[0].dtype, c.inputs[0].shape.reversed())] },
    body: .view { c in AxisMap((0..<c.inputs[0].rank).reversed().map { .aligned($0) }) }, doc: doc("transpose"))
  static let everyTenth = OpDef(
    "every_tenth", inputs: [InputDef("a")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, [c.inputs[0].shape[0] / 10, c.inputs[0].shape[1]])] },
    body: .view { _ in AxisMap([.aligned(axis: 0, start: 0, step: 10), .aligned(1)]) }, doc: doc("every tenth row"))
  /// All rows but the first, backwards.
  static let rows = OpDef(
    "rows", inputs: [InputDef("a")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, [c.inputs[0].shape[0] - 1, c.inputs[0].shape[1]])] },
    body: .view { c in AxisMap([.aligned(axis: 0, start: c.inputs[0].shape[0] - 1, step: -1), .aligned(1)]) }, doc: doc("rows"))
  static let sum = OpDef(
    "sum", inputs: [InputDef("a")], attributes: [AttrDef("axis", .ints, default: AttrValue.none, "")],
    typing: .rule { c in
      let axes = c.optionalInts("axis") ?? Array(0..<c.inputs[0].rank)
      return [TensorType(c.inputs[0].dtype, c.inputs[0].shape.indices.filter { !axes.contains($0) }.map { c.inputs[0].shape[$0] })]
    },
    body: .reduce(
      ReduceBody(
        axes: { c in c.optionalInts("axis") ?? Array(0..<c.inputs[0].rank) }, keepsDimensions: { _ in false },
        map: { _, _, x in [ReduceBody.Part(.sum, x[0])] }, finish: { _, _, s in s })), doc: doc("sum"))
  static let matmul = OpDef(
    "matmul", inputs: [InputDef("a"), InputDef("b")],
    typing: .rule { c in [TensorType(.float64, [c.inputs[0].shape[0], c.inputs[1].shape[1]])] },
    body: .native(
      NativeRule(.access { _ in [[.aligned(0), .contracted(id: 0)], [.contracted(id: 0), .aligned(1)]] }, accumulates: true)),
    doc: doc("product"))
  /// A number made of all of a vector, part by part.
  static let tally = OpDef(
    "tally", inputs: [InputDef("a")], typing: .rule { c in [TensorType(.float64, [8])] },
    body: .native(NativeRule(.access { _ in [[.contracted(id: 0)]] }, accumulates: true)), doc: doc("tally"))
  /// Products of two stacks of matrices.
  static let products = OpDef(
    "products", inputs: [InputDef("a"), InputDef("b")],
    typing: .rule { c in [TensorType(.float64, [c.inputs[0].shape[0], c.inputs[0].shape[1], c.inputs[1].shape[2]])] },
    body: .native(
      NativeRule(
        .access { _ in [[.aligned(0), .aligned(1), .contracted(id: 0)], [.aligned(0), .contracted(id: 0), .aligned(2)]] }, accumulates: true
      )),
    doc: doc("products"))
  static let select = OpDef(
    "select", inputs: [InputDef("a"), InputDef("m")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, [unknownExtent])] },
    body: .native(NativeRule(.selecting(axis: 0))), doc: doc("mask"))
  static let selectColumns = OpDef(
    "select_columns", inputs: [InputDef("a"), InputDef("m")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, [c.inputs[0].shape[0], unknownExtent])] },
    body: .native(NativeRule(.selecting(axis: 1))), doc: doc("mask of columns"))
  static let step = OpDef(
    "step", inputs: [InputDef("a")], typing: .rule { c in [c.inputs[0]] },
    body: .native(NativeRule(.access { c in [c.inputs[0].shape.indices.map { .aligned($0) }] })), doc: doc("never fused"))
  /// The same elements as one axis.
  private static func flattening(_ name: String, _ answer: Answer) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], typing: .rule { c in [TensorType(c.inputs[0].dtype, [c.inputs[0].count])] },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let row = c.inputs[0].shape[1]
            let (first, last) = (box.lower[0] / row, (box.upper(0) - 1) / row)
            if first < last { return [Box(lower: [first, 0], extents: [last - first + 1, row])] }
            return [Box(lower: [first, box.lower[0] % row], extents: [1, box.extents[0]])]
          })), doc: doc(name), answer: answer)
  }
  static let flat = flattening("flat", Answer())
  /// As `flat`, and says that no element changes its place.
  static let reshaped = flattening("reshaped", Answer(.reshape))
  /// The first rows replaced.
  static let write = OpDef(
    "write", inputs: [InputDef("base"), InputDef("rows")], typing: .rule { c in [c.inputs[0]] },
    body: .native(
      NativeRule(
        .boxes { c, box in
          let n = max(0, min(box.upper(0), c.inputs[1].shape[0]) - box.lower[0])
          return [box, Box(lower: [n == 0 ? 0 : box.lower[0], box.lower[1]], extents: [n, box.extents[1]])]
        }, reusesInput0: true, leavesInput0: { c, box in box.lower[0] >= c.inputs[1].shape[0] })), doc: doc("write"))
  static let read = OpDef(
    "read", inputs: [], attributes: [AttrDef("shape", .ints, "")], typing: .rule { c in [TensorType(.float64, c.ints("shape"))] },
    body: .native(NativeRule(.access { _ in [] })), effects: .readsExternal, doc: doc("file"), reshaped: shaped)
  static let reshape = OpDef(
    "reshape", inputs: [InputDef("a")], attributes: [AttrDef("shape", .ints, "")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, c.ints("shape"))] },
    body: .native(
      NativeRule(
        .boxes { c, box in
          // Of two axes from one.
          let row = c.outputs[0].shape.last ?? 1
          if box.lower.count == 1 { return [box] }
          let first = box.lower[0] * row + box.lower[1]
          let last = (box.upper(0) - 1) * row + box.upper(1) - 1
          return [Box(lower: [first], extents: [last - first + 1])]
        })), doc: doc("reshape"), answer: Answer(.reshape))
  /// Every run in order.
  static let runs = OpDef(
    "runs", inputs: [InputDef("a")], attributes: [AttrDef("run", .int, "")], typing: .rule { c in [c.inputs[0]] },
    body: .native(
      NativeRule(
        .access { _ in [[.aligned(0)]] }, splits: { c in [0: AxisSplits(extent: c.inputs[0].shape[0], chunk: c.int("run"))] })),
    cost: Cost(perElement: 60), doc: doc("runs"))
  static let rechunk = OpDef(
    "rechunk", inputs: [InputDef("a")], attributes: [AttrDef("chunk", .ints, "")], typing: .rule { c in [c.inputs[0]] },
    body: .expr { _, _, x in [x[0]] }, cost: Cost(perElement: 0), doc: doc("chunks"),
    pinsChunks: { c in zip(c.inputs[0].shape, c.ints("chunk")).map { AxisSplits(extent: $0, chunk: $1) } })
  /// The larger of a and low, or the smaller of a and high.
  static let bounded = OpDef(
    "bounded", inputs: [InputDef("a"), InputDef("low", optional: true), InputDef("high", optional: true)],
    typing: .rule { c in [c.inputs[0]] },
    body: .expr { b, c, x in
      if let low = c.input("low", of: x) { return [b.op(.max, x[0], low)] }
      return [c.input("high", of: x).map { b.op(.min, x[0], $0) } ?? x[0]]
    }, doc: doc("bounded"))
  static let mean = OpDef(
    "mean", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { c, v throws(MarsError) in
      let s = try sum(v[0])
      return [try mul(s, Value(Leaves.node(Scalar(1 / Double(c.inputs[0].count)))))]
    }, doc: doc("mean"))

  static func data(_ shape: [Int], _ dtype: DType = .float64, preferredChunks: [Int] = []) -> Value {
    let n = max(shape.reduce(dtype.itemSize, *), 1)
    // Never read by the planner: address space only.
    let p = UnsafeMutableRawPointer(bitPattern: 4096)!
    return Value(
      Leaves.node(
        DenseArray(buffer: Buffer(base: p, byteCount: n, isBorrowed: true) { _, _ in }, type: TensorType(dtype, shape)),
        preferredChunks: preferredChunks))
  }
  static func weak(_ x: Double) -> Operand { .weak(Scalar(x)) }
}
