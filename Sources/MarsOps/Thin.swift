import MarsBase
import MarsGraph
import MarsNumerics

private func loops(_ set: DTypeSet, _ n: Int, to out: DType? = nil) -> Typing {
  .ufunc(set.members.map { d in UfuncLoop([DType](repeating: d, count: n), [out ?? d]) })
}

func decodeMap(_ c: OpContext) -> AxisMap {
  let (axes, starts, steps) = (c.ints("axes"), c.ints("starts"), c.ints("steps"))
  return AxisMap(axes.indices.map { axes[$0] < 0 ? .fixed(starts[$0]) : .aligned(axis: axes[$0], start: starts[$0], step: steps[$0]) })
}

let thinFamily = Family(ops: thinOps, natives: thinNatives)

private let thinOps: [OpDef] = [
  OpDef("add", inputs: [InputDef("x1"), InputDef("x2")], typing: loops(.all, 2), body: .expr { b, _, x in [b.add(x[0], x[1])] },
    doc: OpDoc("Sum.", numpy: "numpy.add", example: "mt.add(1, 2)"), exposure: Exposure(operators: ["__add__"])),
  OpDef("multiply", inputs: [InputDef("x1"), InputDef("x2")], typing: loops(.all, 2), body: .expr { b, _, x in [b.mul(x[0], x[1])] },
    doc: OpDoc("Product.", numpy: "numpy.multiply", example: "mt.multiply(1, 2)"), exposure: Exposure(operators: ["__mul__"])),
  OpDef("subtract", inputs: [InputDef("x1"), InputDef("x2")], typing: loops(.numeric, 2), body: .expr { b, _, x in [b.sub(x[0], x[1])] },
    doc: OpDoc("Difference.", numpy: "numpy.subtract", example: "mt.subtract(1, 2)"), exposure: Exposure(operators: ["__sub__"])),
  OpDef("less", inputs: [InputDef("x1"), InputDef("x2")], typing: loops(.all, 2, to: .bool), body: .expr { b, _, x in [b.lt(x[0], x[1])] },
    doc: OpDoc("x1 < x2.", numpy: "numpy.less", example: "mt.less(1, 2)"), exposure: Exposure(operators: ["__lt__"])),
  OpDef("sqrt", inputs: [InputDef("x")], typing: loops(.floating, 1), body: .expr { b, _, x in [b.op(.sqrt, x[0])] },
    doc: OpDoc("Root.", numpy: "numpy.sqrt", example: "mt.sqrt(2)"), exposure: Exposure()),
  OpDef("sin", inputs: [InputDef("x")], typing: loops(.floating, 1), body: .expr { b, _, x in [b.op(.sin, x[0])] },
    cost: Cost(perElement: 10), doc: OpDoc("Sine.", numpy: "numpy.sin", example: "mt.sin(2)"), exposure: Exposure()),
  OpDef("astype", inputs: [InputDef("x")], attributes: [AttrDef("dtype", .dtype, "")],
    typing: .rule { c in [TensorType(c.dtype("dtype") ?? .float64, c.inputs[0].shape)] }, body: .expr { b, c, x in [b.cast(x[0], c.dtype("dtype") ?? .float64)] },
    doc: OpDoc("Cast.", example: "")),
  OpDef("rechunk", inputs: [InputDef("x")], attributes: [AttrDef("chunk_size", .ints, "")], typing: .rule { c in [c.inputs[0]] },
    body: .expr { _, _, x in [x[0]] }, cost: Cost(perElement: 0), doc: OpDoc("Chunks.", example: ""),
    pinnedChunks: { c in zip(c.inputs[0].shape, c.ints("chunk_size")).map { AxisSplits(extent: $0, chunk: $1) } }),
  OpDef("view", inputs: [InputDef("x")], attributes: [AttrDef("axes", .ints, ""), AttrDef("starts", .ints, ""), AttrDef("steps", .ints, ""), AttrDef("shape", .ints, "")],
    typing: .rule { c in [TensorType(c.inputs[0].dtype, c.ints("shape"))] }, body: .view { c in decodeMap(c) }, doc: OpDoc("View.", example: "")),
  OpDef("uniform", inputs: [], attributes: [AttrDef("low", .float, default: .float(0), ""), AttrDef("high", .float, default: .float(1), ""),
      AttrDef("size", .ints, default: .ints([]), ""), AttrDef("seed", .scalar, default: .scalar(Scalar(dtype: .uint64, low: 0)), ""), AttrDef("stream", .int, default: .int(0), "")],
    typing: .rule { c in [TensorType(.float64, c.ints("size"))] },
    body: .expr { b, c, _ in
      let key = b.scalar((c.scalar("seed") ?? Scalar(0.0)).cast(to: .uint64))
      let stream = b.scalar(Scalar(Int64(c.int("stream"))).cast(to: .uint32))
      let w = b.philox(key: key, stream: stream, width: 64)
      let eleven = b.constant(.uint64, 11)
      let k = b.op(.shr, w, eleven)
      let f = b.cast(k, .float64)
      let u = b.mul(f, b.constant(.float64, 0x1p-53))
      let low = b.scalar(Scalar(c.float("low")))
      let range = b.scalar(Scalar(c.float("high") - c.float("low")))
      return [b.add(low, b.mul(u, range))]
    }, cost: Cost(perElement: 8, isCheapSource: true), doc: OpDoc("Uniform numbers.", example: ""), exposure: Exposure(namespace: "random")),
  OpDef("sum", inputs: [InputDef("a")], attributes: [AttrDef("axis", .ints, default: AttrValue.none, "")],
    typing: .rule { c throws(MarsError) in
      let r = c.inputs[0].rank
      let axes = try c.normalisedAxes(c.optionalInts("axis") ?? Array(0..<r), rank: r)
      let d = c.inputs[0].dtype
      return [TensorType(d.kind == .bool || d.kind == .signed ? .int64 : d.kind == .unsigned ? .uint64 : d, (0..<r).filter { !axes.contains($0) }.map { c.inputs[0].shape[$0] })]
    },
    body: .reduce(ReduceBody(
      axes: { c in (try? c.normalisedAxes(c.optionalInts("axis") ?? Array(0..<c.inputs[0].rank), rank: c.inputs[0].rank)) ?? [] },
      keepsDimensions: { _ in false },
      map: { b, c, x in
        let d = c.outputs[0].dtype
        return [ReduceBody.Part(.sum, b.cast(x[0], d.isHalf ? .float32 : d))]
      },
      finish: { b, c, s in [b.cast(s[0], c.outputs[0].dtype)] })),
    doc: OpDoc("Sum.", numpy: "numpy.sum", example: ""), exposure: Exposure(method: true)),
]

private let thinNatives: [NativeOp] = [
  NativeOp(
    op: OpDef("reshape", inputs: [InputDef("x")], attributes: [AttrDef("shape", .ints, "")],
      typing: .rule { c in [TensorType(c.inputs[0].dtype, c.ints("shape"))] },
      body: .native(NativeRule(.access { c in [[AxisAccess](repeating: .whole, count: c.inputs[0].rank)] }, wholeOutputAxes: { c in Array(c.outputs[0].shape.indices) })),
      doc: OpDoc("Reshape.", example: "")),
    body: { (call: inout NativeCall) throws(MarsError) in
      var out = call.outputs[0]
      out.shape = call.inputs[0].shape
      out.strides = Shape.rowMajorStrides(out.shape).map { $0 * out.dtype.itemSize }
      StridedCopy.copy(from: call.inputs[0], to: out)
    }),
]
