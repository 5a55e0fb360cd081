import MarsBase
import MarsGraph
import MarsNumerics

/// Sorting, searching and sets.
enum Sorting {
  private static func loop(_ name: String, indices: Bool) -> NativeOp {
    NativeOp(
      OpDef(
        name, inputs: [InputDef("a")], attributes: [AttrDef("axis", .int, "the axis, 0 or more")],
        typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
          _ = try c.plainAxis(rank: c.inputs[0].rank)
          return [TensorType(indices ? .int64 : c.inputs[0].dtype, c.inputs[0].shape)]
        },
        body: .native(
          NativeRule(
            .access { c in [(0..<c.inputs[0].rank).map { $0 == c.int("axis") ? .whole : .aligned($0) }] },
            wholeOutputAxes: { c in [c.int("axis")] },
            workspace: { c, box in Ordering.workspace(box.extents[c.int("axis")], c.inputs[0].dtype, indices: indices) })),
        cost: Cost(perElement: 60), doc: OpDoc("Orders one axis.", example: "mt.sort([3, 1, 2])"), exposure: .hidden,
        samples: [Sample([[3, 4]], .all, attributes: ["axis": .int(1)]), Sample([[3, 4]], .all, attributes: ["axis": .int(0)])])
    ) { (call: inout NativeCall) throws(MarsError) in
      if indices {
        try Ordering.argsort(call.inputs[0], into: call.outputs[0], axis: call.context.int("axis"))
      } else {
        try Ordering.sort(call.inputs[0], into: call.outputs[0], axis: call.context.int("axis"))
      }
    }
  }
  private static let sortLoop = loop("sort_axis", indices: false)
  private static let argsortLoop = loop("argsort_axis", indices: true)

  /// NumPy's names of methods.
  private static let methods = ["quicksort", "mergesort", "heapsort", "stable"]

  private static func ordering(_ name: String, _ of: OpDef, _ summary: String, method: Bool = true) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [
        AttrDef("axis", .int, default: .int(-1), allowsNone: true, "the axis; None: the flattened array"),
        AttrDef("kind", .string, default: AttrValue.none, "a method of NumPy's; there is one here, and it is stable"),
        AttrDef("descending", .bool, default: .bool(false), "whether the largest come first"),
        AttrDef("stable", .bool, default: AttrValue.none, "whether equal elements keep their order; they do"),
      ],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if case .string(let kind) = c["kind"], !methods.contains(kind) {
          throw c.error(.value, "sort kind must be one of 'quick', 'heap', or 'stable' (got '\(kind)')")
        }
        let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
        let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
        guard c.bool("descending") else { return [try x.op(of, with: ["axis": .int(k)])] }
        let back: KeyValuePairs<String, AttrValue> = ["axis": .ints([k])]
        guard of === argsortLoop.def else { return [try x.op(of, with: ["axis": .int(k)]).op(Shapes.flip, with: back)] }
        // Sorting from the other end keeps equal elements in their order.
        let order = try x.op(Shapes.flip, with: back).op(of, with: ["axis": .int(k)]).op(Shapes.flip, with: back)
        guard x.type.shape[k] != unknownExtent else { throw c.error(.unsupported, "descending order needs a known extent") }
        return [Value(try Arithmetic.subtract.apply([.weak(Scalar(Int64(x.type.shape[k] - 1))), .value(order)]))]
      },
      doc: OpDoc(
        summary, details: "NaN comes last.  The axis lies in one chunk.", numpy: "numpy.\(name)", example: "mt.\(name)([3, 1, 2])"),
      exposure: Exposure(method: method, signature: "a axis kind order=None * stable descending"),
      samples: [
        Sample([[3, 4]], .all), Sample([[3, 4]], .all, attributes: ["axis": .int(0)]), Sample([[0]], .all),
        Sample([[7]], attributes: ["descending": .bool(true)]),
      ])
  }
  static let sort = ordering("sort", sortLoop.def, "A sorted copy.", method: false)
  static let argsort = ordering("argsort", argsortLoop.def, "Indices that sort; equal elements keep their order.")

  private static let searchLoop = NativeOp(
    OpDef(
      "search_sorted", inputs: [InputDef("a"), InputDef("v")],
      attributes: [AttrDef("right", .bool, "after equal elements instead of before them")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].rank == 1 && c.inputs[0].dtype == c.inputs[1].dtype else {
          throw c.error(.value, "object too deep for desired array")
        }
        return [TensorType(.int64, c.inputs[1].shape)]
      },
      body: .native(NativeRule(.access { c in [[.whole], (0..<c.inputs[1].rank).map { .aligned($0) }] })), cost: Cost(perElement: 60),
      doc: OpDoc("Places in a sorted vector of the same dtype.", example: "mt.searchsorted([1, 2, 3], 2)"), exposure: .hidden,
      samples: [Sample([[0], [3]], .all, attributes: ["right": .bool(true)])])
  ) { (call: inout NativeCall) throws(MarsError) in
    try Ordering.search(call.inputs[0], call.inputs[1], right: call.context.bool("right"), into: call.outputs[0])
  }

  static let searchsorted = OpDef(
    "searchsorted", inputs: [InputDef("a"), InputDef("v")],
    attributes: [AttrDef("side", .string, default: .string("left"), "'left' or 'right'")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "object too deep for desired array") }
      guard ["left", "right"].contains(c.string("side")) else {
        throw c.error(.value, "search side must be 'left' or 'right' (got '\(c.string("side"))')")
      }
      let d = c.commonDType()
      return [try v[0].cast(d).op(searchLoop.def, try v[1].cast(d), with: ["right": .bool(c.string("side") == "right")])]
    },
    doc: OpDoc(
      "Where elements would be inserted into a sorted vector.", numpy: "numpy.searchsorted", example: "mt.searchsorted([1, 2, 3], [2, 9])"),
    exposure: Exposure(method: true))

  // MARK: Sets

  /// The sorted elements and a mask of those that differ from their predecessor; NaNs count as equal.
  private static func firsts(_ c: OpContext, _ x: Value, equalNaN: Bool = true) throws(MarsError) -> (sorted: Value, mask: Value) {
    guard x.type.isKnown else { throw c.error(.unsupported, "\(c.op.name) needs known extents") }
    let sorted = try x.reshaped([-1]).op(sortLoop.def, with: ["axis": .int(0)])
    let n = sorted.type.shape[0]
    let one = Value(try Creation.ones.apply([], [("shape", .ints([Swift.min(n, 1)])), ("dtype", .dtype(.bool))]))
    guard n > 1 else { return (sorted, one) }
    let (later, earlier) = (try sorted.sliced(axis: 0, start: 1, count: n - 1), try sorted.sliced(axis: 0, start: 0, count: n - 1))
    var differs = try later.op(Comparison.notEqual, earlier)
    if equalNaN && x.type.dtype.kind >= .floating {
      let bothNaN = try later.op(FloatingPoint.isnan).op(Comparison.logicalAnd, try earlier.op(FloatingPoint.isnan))
      differs = try differs.op(Comparison.logicalAnd, try bothNaN.op(Comparison.logicalNot))
    }
    return (sorted, Value(try Joining.concatenate.apply([.value(one), .value(differs)])))
  }

  static let unique = OpDef(
    "unique", inputs: [InputDef("ar")],
    attributes: [
      AttrDef("return_index", .bool, default: .bool(false), "also the position of each value's first occurrence"),
      AttrDef("return_inverse", .bool, default: .bool(false), "also the place of each element among the values"),
      AttrDef("return_counts", .bool, default: .bool(false), "also how often each value comes"),
      AttrDef("equal_nan", .bool, default: .bool(true), "whether NaNs count as one value"),
    ], outputs: ["values..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (sorted, mask) = try firsts(c, v[0], equalNaN: c.bool("equal_nan"))
      var out = [try Masks.select(c, sorted, mask)]
      let flat = try v[0].reshaped([-1])
      if c.bool("return_index") || c.bool("return_inverse") {
        let order = try flat.op(argsortLoop.def, with: ["axis": .int(0)])
        if c.bool("return_index") { out.append(try Masks.select(c, order, mask)) }
        if c.bool("return_inverse") {
          let group = try mask.op(Scans.cumsum).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
          let rank = try order.op(argsortLoop.def, with: ["axis": .int(0)])
          out.append(try group.op(Masks.take, rank).reshaped(v[0].type.shape))
        }
      }
      if c.bool("return_counts") {
        // Ends of runs less their beginnings: a run ends where the next element is a first.
        let n = sorted.type.shape[0]
        let index = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(n))))]))
        let begins = try Masks.select(c, index, mask)
        let one = Value(try Creation.ones.apply([], [("shape", .ints([Swift.min(n, 1)])), ("dtype", .dtype(.bool))]))
        let lastMask =
          n > 1 ? Value(try Joining.concatenate.apply([.value(try mask.sliced(axis: 0, start: 1, count: n - 1)), .value(one)])) : one
        let ends = try Masks.select(c, index, lastMask)
        out.append(try ends.op(Arithmetic.subtract, begins).op(Arithmetic.add, weak: Scalar(Int64(1))))
      }
      return out
    }, cost: Cost(perElement: 70),
    doc: OpDoc(
      "The sorted distinct values.", details: "As many results as are asked for.", numpy: "numpy.unique", example: "mt.unique([3, 1, 3, 2])"
    ),
    samples: [
      Sample([[7]], .all),
      Sample([[3, 4]], .integer, attributes: ["return_index": .bool(true), "return_inverse": .bool(true), "return_counts": .bool(true)]),
      Sample([[0]], .all),
    ])

  static let isin = OpDef(
    "isin", inputs: [InputDef("element"), InputDef("test_elements")],
    attributes: [AttrDef("invert", .bool, default: .bool(false), "the opposite")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = c.commonDType()
      let x = try v[0].cast(d)
      let set = try v[1].cast(d).reshaped([-1])
      guard set.type.isKnown else { throw c.error(.unsupported, "isin needs known extents of the test elements") }
      let n = set.type.shape[0]
      if n == 0 {
        return [
          Value(try Creation.full.apply([.value(Reductions.constant(Scalar(c.bool("invert")), .bool))], [("shape", .ints(x.type.shape))]))
        ]
      }
      let sorted = try set.op(sortLoop.def, with: ["axis": .int(0)])
      let place = try sorted.op(searchLoop.def, x, with: ["right": .bool(false)]).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      let found = try sorted.op(Masks.take, place).op(Comparison.equal, x)
      return [c.bool("invert") ? try found.op(Comparison.logicalNot) : found]
    }, cost: Cost(perElement: 70),
    doc: OpDoc("Whether each element is among others.", numpy: "numpy.isin", example: "mt.isin([1, 2, 3], [2, 5])"),
    exposure: Exposure(signature: "element test_elements assume_unique=False invert * kind=None"),
    samples: [Sample([[3, 4], [5]], .all), Sample([[4], [0]], .all)])

  static let family = OpFamily([sort, argsort, searchsorted, unique, isin], natives: [sortLoop, argsortLoop, searchLoop])
}
