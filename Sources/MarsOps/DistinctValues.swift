import MarsBase
import MarsGraph
import MarsNumerics

/// Distinct values: of every chunk first, then of what is left of them, so that memory is bounded by how many there are.
enum DistinctValues {
  private static let equalNaN = AttrDef("equal_nan", .bool, default: .bool(true), "whether NaNs count as one value")

  /// The dtype of the first `count` inputs.
  private static func vector(_ c: OpContext, _ count: Int = 1) throws(MarsError) -> DType {
    guard c.inputs.prefix(count).allSatisfy({ $0.rank == 1 && $0.dtype == c.inputs[0].dtype }) else {
      throw c.error(.value, "\(c.op.name) takes vectors of one dtype")
    }
    return c.inputs[0].dtype
  }

  private static let ofChunks = NativeOp(
    OpDef(
      "distinct", inputs: [InputDef("x")],
      attributes: [equalNaN, AttrDef("whole", .bool, default: .bool(true), "whether of all elements, not of each chunk's")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(try vector(c), [unknownExtent])] },
      body: .native(
        NativeRule(
          .selecting(axis: 0), wholeOutputAxes: { c in c.bool("whole") ? [0] : [] },
          division: { (c: OpContext, v: [Value], limits: TaskLimits) throws(MarsError) -> [Value] in
            guard c.bool("whole"), RunSorting.isDivided(v[0], axis: 0, labelled: false, limits) else { return [] }
            return [try ofSorted(c, try v[0].op(Sorting.sortLoop.def, with: ["axis": .int(0)]))]
          },
          workspace: { c, box in Ordering.workspace(box.extents[0], rank: 1, c.inputs[0].dtype, indices: false) })),
      cost: Cost(perElement: 60), doc: OpDoc("The sorted distinct elements of a vector.", example: "mt.unique([3, 1, 3])"),
      exposure: .hidden,
      samples: [Sample([[40]], .all), Sample([[7]], [.floating], attributes: ["equal_nan": .bool(false)]), Sample([[0]], .all)])
  ) { (call: inout NativeCall) throws(MarsError) in
    call.producedShape = [
      try Distinct.values(
        call.inputs[0], into: call.outputs[0], equalNaN: call.context.bool("equal_nan"), workspace: call.workspace)
    ]
  }

  /// The first of equal elements, of a vector in order.
  private static func ofSorted(_ c: OpContext, _ x: Value) throws(MarsError) -> Value {
    let n = x.type.shape[0]
    let (later, earlier) = (try x.sliced(axis: 0, start: 1, count: n - 1), try x.sliced(axis: 0, start: 0, count: n - 1))
    var differs = try later.op(Comparison.notEqual, earlier)
    if c.bool("equal_nan") && x.type.dtype.kind >= .floating {
      differs = try differs.op(Comparison.logicalAnd, try earlier.op(FloatingPoint.isnan).op(Comparison.logicalNot))
    }
    let first = Value(try Creation.ones.apply([], [("shape", .ints([1])), ("dtype", .dtype(.bool))]))
    return try Masks.select(c, x, Value(try Joining.concatenate.apply([.value(first), .value(differs)])))
  }

  /// Vectors up to this length are one piece.
  private static let shortest = 1 << 16
  /// At first so many pieces at most.
  private static let mostPieces = 256
  /// Pieces grow by no more than this at a time.
  private static let growth = 8

  /// From values that are distinct piece by piece to those that are distinct: again and again, as long as they do not fit one piece.
  ///
  /// A piece is to be twice as long as there are distinct values: it then becomes half as long at least.  Of values that come in any order
  /// pieces of p elements lose the share p / 2 / distinct, about, from which the next length follows.
  private static let rest = OpDef(
    "distinct_rest", inputs: [InputDef("x", "the distinct values of every piece")],
    attributes: [
      equalNaN, AttrDef("before", .int, "elements that there were before"),
      AttrDef("piece", .int, default: .int(shortest), "elements of a piece"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(try vector(c), [unknownExtent])] },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let n = v[0].type.shape[0]
      if n == unknownExtent { return [] }
      let asked = c.int("piece")
      guard asked > 0 && c.int("before") >= 0 else { throw c.error(.value, "piece and before must be positive") }
      let lost = Double(Swift.max(c.int("before") - n, 1))
      let wanted = Swift.min(Double(growth), Swift.max(1, Double(n) / lost)) * Double(asked)
      let piece = Swift.max(wanted < Double(n) ? Int(wanted) : n, n / mostPieces)
      // Where few are lost there are too many for pieces, which would not fit memory either: sorting is divided.
      let keepsMost = c.int("before") < Int.max && n > c.int("before") / 2
      if n <= piece || keepsMost { return [try v[0].op(ofChunks.def, with: ["equal_nan": c["equal_nan"]])] }
      let parts = try v[0].op(Shapes.rechunk, with: ["chunk_size": .ints([piece])])
      return [try next(parts, c["equal_nan"], before: n, piece: piece)]
    }, cost: Cost(perElement: 60), doc: OpDoc("The distinct values of pieces that are distinct.", example: "mt.unique([3, 1, 3])"),
    exposure: .hidden,
    samples: [
      Sample([[90]], .all, attributes: ["before": .int(100), "piece": .int(8)]),
      Sample([[90]], .integer, attributes: ["before": .int(400), "piece": .int(8)]),
    ])

  private static func next(_ x: Value, _ equalNaN: AttrValue, before: Int, piece: Int) throws(MarsError) -> Value {
    try x.op(ofChunks.def, with: ["equal_nan": equalNaN, "whole": .bool(false)]).op(
      rest, with: ["equal_nan": equalNaN, "before": .int(before), "piece": .int(piece)])
  }

  private static let places = NativeOp(
    OpDef(
      "distinct_places",
      inputs: [
        InputDef("values"), InputDef("x"),
        InputDef("index", optional: true, "where every NaN is a value: the positions at which values come first"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        _ = try vector(c, 2)
        guard c.inputs.count == 2 || c.inputs[2] == TensorType(.int64, c.inputs[0].shape) else {
          throw c.error(.value, "index must be an int64 vector with an element per value")
        }
        return [TensorType(.int64, c.inputs[1].shape)]
      }, body: .native(NativeRule(.access { c in [[.whole], [.aligned(0)], [.whole]].prefix(c.inputs.count).map { $0 } })),
      cost: Cost(perElement: 60),
      doc: OpDoc("Places of elements among the distinct ones.", example: "mt.unique([3, 1, 3], return_inverse=True)[1]"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    try Distinct.places(
      call.inputs[1], among: call.inputs[0], index: call.inputs.count > 2 ? call.inputs[2] : nil, first: call.outputBox.lower[0],
      into: call.outputs[0])
  }

  private static let occurrences = NativeOp(
    OpDef(
      "distinct_occurrences", inputs: [InputDef("values"), InputDef("x")],
      attributes: [equalNaN, AttrDef("first", .bool, "where they come first, instead of how often they come")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        _ = try vector(c, 2)
        return [TensorType(.int64, c.inputs[0].shape)]
      },
      body: .native(
        NativeRule(.access { _ in [[.whole], [.contracted(id: 0)]] }, wholeOutputAxes: { _ in [0] }, accumulates: true)),
      cost: Cost(perElement: 60),
      doc: OpDoc("How often distinct values come.", example: "mt.unique([3, 1, 3], return_counts=True)[1]"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    try Distinct.occurrences(
      call.context.bool("first") ? .first : .count, of: call.inputs[0], in: call.inputs[1], first: call.inputBoxes[1].lower[0],
      equalNaN: call.context.bool("equal_nan"), further: call.accumulate, into: call.outputs[0])
  }

  static let unique = OpDef(
    "unique", inputs: [InputDef("ar")],
    attributes: [
      AttrDef("return_index", .bool, default: .bool(false), "also the position of each value's first occurrence"),
      AttrDef("return_inverse", .bool, default: .bool(false), "also the place of each element among the values"),
      AttrDef("return_counts", .bool, default: .bool(false), "also how often each value comes"), equalNaN,
      AttrDef("axis", .int, default: AttrValue.none, since: 2, "the axis along which slices are compared; None: the flattened array"),
    ], outputs: ["values..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0]
      if let axis = c.optionalInt("axis") {
        let k = try c.normalisedAxis(axis, rank: x.type.rank)
        if x.type.rank > 1 { return try slices(c, x, k) }
      }
      let flat = x.type.rank == 1 ? x : try x.reshaped([-1])
      let n = flat.type.shape[0]
      let equal = c["equal_nan"]
      let values =
        n != unknownExtent && n <= shortest
        ? try flat.op(ofChunks.def, with: ["equal_nan": equal]) : try next(flat, equal, before: Int.max, piece: shortest)
      func found(first: Bool) throws(MarsError) -> Value {
        try values.op(occurrences.def, flat, with: ["equal_nan": equal, "first": .bool(first)])
      }
      var out = [values]
      if c.bool("return_index") { out.append(try found(first: true)) }
      if c.bool("return_inverse") {
        guard x.type.isKnown || x.type.rank == 1 else { throw c.unknownExtents("unique with return_inverse needs known extents") }
        let hasOwn = !c.bool("equal_nan") && x.type.dtype.kind >= .floating
        let inverse = hasOwn ? try values.op(places.def, flat, try found(first: true)) : try values.op(places.def, flat)
        out.append(x.type.rank == 1 ? inverse : try inverse.reshaped(x.type.shape))
      }
      if c.bool("return_counts") { out.append(try found(first: false)) }
      return out
    }, cost: Cost(perElement: 70),
    doc: OpDoc(
      "The sorted distinct values.",
      details:
        "As many results as are asked for.  Slices along an axis are in the order of their elements; one with a NaN equals no other.",
      numpy: "numpy.unique", example: "mt.unique([3, 1, 3, 2])"
    ),
    samples: [
      Sample([[7]], .all),
      Sample([[3, 4]], .integer, attributes: ["return_index": .bool(true), "return_inverse": .bool(true), "return_counts": .bool(true)]),
      Sample([[0]], .all), Sample([[3, 4]], .all, attributes: ["axis": .int(1)]),
      Sample(
        [[5, 2]], .integer,
        attributes: ["axis": .int(0), "return_index": .bool(true), "return_inverse": .bool(true), "return_counts": .bool(true)]),
    ])

  static let family = OpFamily([unique, rest], natives: [rowOrder, ofChunks, places, occurrences])
}
