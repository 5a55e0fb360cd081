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
            division: { (c: OpContext, v: [Value], limits: TaskLimits) throws(MarsError) -> [Value] in
              try RunSorting.divided(c, v[0], axis: c.int("axis"), labelled: indices, limits)
            },
            workspace: { c, box in
              Ordering.workspace(box.extents[c.int("axis")], rank: box.rank, c.inputs[0].dtype, indices: indices)
            })),
        cost: Cost(perElement: 60), doc: OpDoc("Orders one axis.", example: "mt.sort([3, 1, 2])"), exposure: .hidden,
        samples: [Sample([[3, 4]], .all, attributes: ["axis": .int(1)]), Sample([[3, 4]], .all, attributes: ["axis": .int(0)])])
    ) { (call: inout NativeCall) throws(MarsError) in
      if indices {
        try Ordering.argsort(call.inputs[0], into: call.outputs[0], axis: call.context.int("axis"), workspace: call.workspace)
      } else {
        try Ordering.sort(call.inputs[0], into: call.outputs[0], axis: call.context.int("axis"), workspace: call.workspace)
      }
    }
  }
  static let sortLoop = loop("sort_axis", indices: false)
  private static let argsortLoop = loop("argsort_axis", indices: true)

  /// First letters of NumPy's names of methods: it looks at no other.
  private static let methods: [Character] = ["q", "m", "h", "s"]

  private static func ordering(_ name: String, _ of: OpDef, _ summary: String, method: Bool = true) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [
        AttrDef(
          "axis", .int, default: .int(-1), allowsNone: true, role: name == "argsort" ? .axis : .number,
          "the axis; None: the flattened array"),
        AttrDef("kind", .string, default: AttrValue.none, "a method of NumPy's; there is one here, and it is stable"),
        AttrDef("descending", .bool, default: .bool(false), "whether the largest come first"),
        AttrDef("stable", .bool, default: AttrValue.none, "whether equal elements keep their order; they do"),
      ],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if case .string(let kind) = c["kind"] {
          guard let letter = kind.lowercased().first, methods.contains(letter) else {
            throw c.error(.value, "sort kind must be one of 'quick', 'heap', or 'stable' (got '\(kind)')")
          }
          guard c["stable"] == .none else {
            throw c.error(.value, "`kind` and keyword parameters can't be provided at the same time. Use only one of them.")
          }
        }
        // As NumPy: the order of a 0-d array is that of a vector of one element.
        let isVector = c.optionalInt("axis").map { v[0].type.rank == 0 && of === argsortLoop.def && (-1...0).contains($0) } ?? true
        let x = isVector ? try v[0].reshaped([-1]) : v[0]
        let k = try c.normalisedAxis(isVector ? 0 : c.int("axis"), rank: x.type.rank)
        guard c.bool("descending") else { return [try x.op(of, with: ["axis": .int(k)])] }
        let back: KeyValuePairs<String, AttrValue> = ["axis": .ints([k])]
        guard of === argsortLoop.def else { return [try x.op(of, with: ["axis": .int(k)]).op(Shapes.flip, with: back)] }
        // Sorting from the other end keeps equal elements in their order.
        let order = try x.op(Shapes.flip, with: back).op(of, with: ["axis": .int(k)]).op(Shapes.flip, with: back)
        guard x.type.shape[k] != unknownExtent else { throw c.unknownExtents("descending order needs a known extent") }
        return [Value(try Arithmetic.subtract.apply([.weak(Scalar(Int64(x.type.shape[k] - 1))), .value(order)]))]
      },
      doc: OpDoc(
        summary, details: "NaN comes last.", numpy: "numpy.\(name)", example: "mt.\(name)([3, 1, 2])"),
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
    try Search.places(call.inputs[0], call.inputs[1], right: call.context.bool("right"), into: call.outputs[0])
  }

  static let searchsorted = OpDef(
    "searchsorted",
    inputs: [
      InputDef("a"), InputDef("v"), InputDef("sorter", optional: true, alone: true, "indices that sort a; without them a is sorted"),
    ],
    attributes: [AttrDef("side", .string, default: .string("left"), "'left' or 'right'")],
    typing: .fromExpansion, comparesIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "object too deep for desired array") }
      guard ["left", "right"].contains(c.string("side")) else {
        throw c.error(.value, "search side must be 'left' or 'right' (got '\(c.string("side"))')")
      }
      let d = Promotion.common(v[0].type.dtype, v[1].type.dtype)
      var a = v[0]
      if v.count > 2 {
        let sorter = v[2].type
        guard sorter.rank == 1 else { throw c.error(.type, "could not parse sorter argument") }
        guard sorter.dtype.isInteger else { throw c.error(.type, "sorter must only contain integers") }
        guard Set([sorter.shape[0], a.type.shape[0], unknownExtent]).count < 3 else {
          throw c.error(.value, "sorter.size must equal a.size")
        }
        if let known = v[2].fewNumbers, known.contains(where: { $0 < 0 || $0 >= Double(a.type.shape[0]) }), a.type.isKnown {
          throw c.error(.value, "Sorter index out of range.")
        }
        a = try a.op(Masks.take, v[2])
      }
      return [try a.cast(d).op(searchLoop.def, try v[1].cast(d), with: ["right": .bool(c.string("side") == "right")])]
    },
    doc: OpDoc(
      "Where elements would be inserted into a sorted vector.",
      details: "int64, of the shape of v: before equal elements, or behind them where side is 'right'.", numpy: "numpy.searchsorted",
      example: "mt.searchsorted([1, 2, 3], [2, 9])"),
    exposure: Exposure(method: true))

  // MARK: Sets

  private static let membership = NativeOp(
    OpDef(
      "is_in_sorted", inputs: [InputDef("sorted"), InputDef("x")],
      attributes: [AttrDef("invert", .bool, default: .bool(false), "the opposite")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].rank == 1 && c.inputs[0].dtype == c.inputs[1].dtype else {
          throw c.error(.value, "sorted must be a vector of the dtype of x")
        }
        return [TensorType(.bool, c.inputs[1].shape)]
      },
      body: .native(
        NativeRule(
          .access { c in [[.whole], (0..<c.inputs[1].rank).map { .aligned($0) }] },
          workspace: { c, box in Membership.workspace(box.count, c.inputs[1].dtype) })), cost: Cost(perElement: 20),
      doc: OpDoc("Whether each element is in a sorted vector.", example: "mt.isin([1, 2, 3], [2, 5])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    try Membership.find(
      call.inputs[0], call.inputs[1], isOutside: call.context.bool("invert"), into: call.outputs[0], workspace: call.workspace)
  }

  static let isin = OpDef(
    "isin", inputs: [InputDef("element"), InputDef("test_elements")],
    attributes: [AttrDef("invert", .bool, default: .bool(false), "the opposite")],
    typing: .fromExpansion, comparesIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (from, other) = (v[0].type.dtype, v[1].type.dtype)
      let common = c.commonDType()
      // Integers with a sign and without one have no dtype in common that holds them; those that both may hold are of int64.
      let isMixed = from.isInteger && other.isInteger && !common.isInteger
      let d = isMixed ? .int64 : common
      let x = try v[0].cast(d)
      let set = try v[1].cast(d).reshaped([-1])
      guard set.type.isKnown else { throw c.unknownExtents("isin needs known extents of the test elements") }
      let n = set.type.shape[0]
      if n == 0 {
        return [
          Value(try Creation.full.apply([.value(Reductions.constant(Scalar(c.bool("invert")), .bool))], [("shape", .ints(x.type.shape))]))
        ]
      }
      let sorted = try set.op(sortLoop.def, with: ["axis": .int(0)])
      guard isMixed else { return [try sorted.op(membership.def, x, with: ["invert": c["invert"]])] }
      // What is below zero as int64 is below it on one side, and beyond int64 on the other.
      let isShared = try x.op(Comparison.less, weak: Scalar(Int64(0))).op(Comparison.logicalNot)
      let found = try sorted.op(membership.def, x).op(Comparison.logicalAnd, isShared)
      return [c.bool("invert") ? try found.op(Comparison.logicalNot) : found]
    }, cost: Cost(perElement: 70),
    doc: OpDoc(
      "Whether each element is among others.", details: "bool, of the shape of element.", numpy: "numpy.isin",
      example: "mt.isin([1, 2, 3], [2, 5])"),
    exposure: Exposure(signature: "element test_elements assume_unique=False invert * kind=None"),
    samples: [Sample([[3, 4], [5]], .all), Sample([[4], [0]], .all)])

  static let family = OpFamily([sort, argsort, searchsorted, isin], natives: [sortLoop, argsortLoop, searchLoop, membership])
}
