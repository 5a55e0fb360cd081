import MarsBase
import MarsGraph
import MarsNumerics

/// Running sums and products, differences.
enum Scans {
  private static let kinds: [String: Lanes.Scan] = [
    "sum": .sum, "prod": .product, "max": .largest, "min": .smallest, "and": .and, "or": .or, "xor": .xor,
  ]

  /// The scan, and what all elements of the axis come to: there the next chunk goes on, so that every step is rounded as in one piece.
  static let scan = NativeOp(
    OpDef(
      "scan", inputs: [InputDef("a"), InputDef("before", optional: true, "what precedes the first elements, of extent 1 along the axis")],
      attributes: [AttrDef("axis", .int, "the axis, 0 or more"), AttrDef("kind", .string, "sum, prod, max, min; of bits and, or, xor")],
      outputs: ["out", "last"],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let axis = try c.plainAxis(rank: c.inputs[0].rank)
        guard let kind = kinds[c.string("kind")] else { throw c.error(.value, "unknown kind of scan") }
        guard !kind.isOfBits || c.inputs[0].dtype.kind < .floating else {
          throw c.error(.type, "there are no running results of the bits of \(c.inputs[0].dtype.name): integers and bool have them")
        }
        var last = c.inputs[0].shape
        last[axis] = 1
        let type = TensorType(c.inputs[0].dtype, last)
        guard c.inputs.count == 1 || c.inputs[1] == type else {
          throw c.error(.value, "what precedes a scan must be of type \(type.text), not \(c.inputs[1].text)")
        }
        return [c.inputs[0], type]
      },
      body: .native(
        NativeRule(
          .access { c in
            let all: [AxisAccess] = (0..<c.inputs[0].rank).map { .aligned($0) }
            return c.inputs.indices.map { i in all.indices.map { i > 0 && $0 == c.int("axis") ? .fixed(0) : all[$0] } }
          },
          carriedAxis: { c in c.int("axis") })),
      cost: Cost(perElement: 2), doc: OpDoc("A running sum, product or extreme along one axis.", example: "mt.cumsum([1, 2, 3])"),
      exposure: .hidden,
      samples: ["sum", "prod", "max", "min"].flatMap { kind in
        [Sample([[3, 4]], .all, attributes: ["axis": .int(1), "kind": .string(kind)])]
          + [0, 1].map { axis in
            Sample([[5, 6], axis == 0 ? [1, 6] : [5, 1]], .all, attributes: ["axis": .int(axis), "kind": .string(kind)])
          }
      } + [Sample([[300]], .all, attributes: ["axis": .int(0), "kind": .string("sum")])]
        + ["and", "or", "xor"].map { Sample([[3, 4], [3, 1]], [.bool, .integer], attributes: ["axis": .int(1), "kind": .string($0)]) })
  ) { (call: inout NativeCall) throws(MarsError) in
    guard let kind = kinds[call.context.string("kind")] else { throw call.context.error(.value, "unknown kind of scan") }
    let axis = call.context.int("axis")
    let isFirst = call.outputBox.lower[axis] == 0
    try Lanes.scan(
      kind, call.inputs[0], into: call.outputs[0], axis: axis,
      before: isFirst ? (call.inputs.count > 1 ? call.inputs[1] : nil) : call.outputs[1], last: call.outputs[1])
  }

  private static func cumulative(_ name: String, _ kind: String, of ufunc: String, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [
        AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: the flattened array"),
        AttrDef("dtype", .dtype, default: AttrValue.none, "dtype of the sums"),
      ], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let d = c.dtype("dtype") ?? Reductions.accumulating(v[0].type.dtype)
        var x = try v[0].cast(d)
        var axis = 0
        if let a = c.optionalInt("axis") {
          axis = try c.normalisedAxis(a, rank: max(1, x.type.rank))
        }
        if (c.optionalInt("axis") == nil && x.type.rank != 1) || x.type.rank == 0 { x = try x.reshaped([-1]) }
        return [try x.op(scan.def, with: ["axis": .int(axis), "kind": .string(kind)])]
      },
      doc: OpDoc(
        summary, details: "dtypes as of sum.  Element after element, also from chunk to chunk along the axis.", numpy: "numpy.\(name)",
        example: "mt.\(name)([[1, 2], [3, 4]], axis=1)"), exposure: Exposure(method: true, accumulateOf: ufunc),
      samples: [Sample([[3, 4]], .all), Sample([[3, 4]], .all, attributes: ["axis": .int(0)]), Sample([[3, 0]], .all)])
  }
  static let cumsum = cumulative("cumsum", "sum", of: "add", "The running sum.")
  static let cumprod = cumulative("cumprod", "prod", of: "multiply", "The running product.")

  private static func including(_ name: String, _ of: OpDef, _ first: Double, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("x")],
      attributes: of.attributes + [
        AttrDef("include_initial", .bool, default: .bool(false), "whether what precedes the first element comes first")
      ],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let x = v[0].type.rank == 0 ? try v[0].reshaped([1]) : v[0]
        guard x.type.rank == 1 || c.optionalInt("axis") != nil else {
          throw c.error(.value, "For arrays which have more than one dimension ``axis`` argument is required.")
        }
        let axis = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
        let sums = try x.op(of, with: ["axis": .int(axis), "dtype": c["dtype"]])
        guard c.bool("include_initial") else { return [sums] }
        var shape = sums.type.shape
        shape[axis] = 1
        let start = Value(
          try Creation.full.apply(
            [.value(Reductions.constant(Scalar(first), sums.type.dtype))], [("shape", .ints(shape)), ("dtype", .dtype(sums.type.dtype))]))
        return [Value(try Joining.concatenate.apply([.value(start), .value(sums)], [("axis", .int(axis))]))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1, 2, 3], include_initial=True)"),
      exposure: Exposure(out: .any, signature: "x / * axis dtype out include_initial"),
      samples: [Sample([[4]], .all), Sample([[3, 4]], .all, attributes: ["axis": .int(1), "include_initial": .bool(true)])])
  }
  static let cumulativeSum = including("cumulative_sum", cumsum, 0, "The running sum, with the zero before it where wanted.")
  static let cumulativeProd = including("cumulative_prod", cumprod, 1, "The running product, with the one before it where wanted.")

  static let diff = OpDef(
    "diff",
    inputs: [
      InputDef("a"), InputDef("prepend", optional: true, "what comes before a along the axis: 0-d, or a tensor of the other extents"),
      InputDef("append", optional: true, "the same behind a"),
    ],
    attributes: [
      AttrDef("n", .int, default: .int(1), "how many times"), AttrDef("axis", .int, default: .int(-1), "the axis"),
    ],
    typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var x = v[0]
      if c.int("n") == 0 { return [x] }
      guard x.type.rank > 0 else { throw c.error(.value, "diff requires input that is at least one dimensional") }
      let axis = try c.normalisedAxis(c.int("axis"), rank: x.type.rank)
      if v.count > 1 {
        var shape = x.type.shape
        shape[axis] = 1
        let parts = try [c.input("prepend", of: v), x, c.input("append", of: v)].compactMap { $0 }.map { e throws(MarsError) in
          e.type.rank == 0 ? try e.broadcast(to: shape) : e
        }
        x = Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(axis))]))
      }
      guard c.int("n") >= 0 else { throw c.error(.value, "order must be non-negative but got \(c.int("n"))") }
      guard x.type.shape[axis] != unknownExtent else { throw c.unknownExtents("diff needs a known extent") }
      // Once more than the extent, and there is nothing left that could change.
      let times = min(c.int("n") - 1, x.type.shape[axis]) + 1
      // Every time is a node of its own: the call must end, whatever the number.
      guard times <= 10_000 else { throw c.error(.unsupported, "diff of order \(times) is not supported: at most 10000") }
      for _ in 0..<times {
        let m = max(0, x.type.shape[axis] - 1)
        let later = try x.sliced(axis: axis, start: m == 0 ? 0 : 1, count: m)
        let earlier = try x.sliced(axis: axis, start: 0, count: m)
        x = try later.op(x.type.dtype == .bool ? Comparison.notEqual : Arithmetic.subtract, earlier)
      }
      return [x]
    },
    doc: OpDoc(
      "Differences of neighbours along an axis.",
      details: "Of the dtype of a (bool: whether neighbours differ).  The axis, with what is put before and behind it, becomes n shorter.",
      numpy: "numpy.diff", example: "mt.diff([1, 4, 9, 16])"),
    exposure: Exposure(signature: "a n axis prepend append"),
    samples: [
      Sample([[3, 4], [], [3, 2]], .numeric), Sample([[3, 4], [1, 4]], attributes: ["axis": .int(0)]),
      Sample([[3, 4], [1, 4]], .numeric, absent: [1], attributes: ["axis": .int(0)]),
      Sample([[3, 4]], .all), Sample([[5]], .numeric, attributes: ["n": .int(2)]), Sample([[0]], .numeric),
    ])

  /// The running maximum of a vector.
  static func runningMax(_ x: Value) throws(MarsError) -> Value { try x.op(scan.def, with: ["axis": .int(0), "kind": .string("max")]) }

  static let family = OpFamily(
    [cumsum, cumprod, cumulativeSum, cumulativeProd, diff], natives: [scan])
}
