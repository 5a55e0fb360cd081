import MarsBase
import MarsGraph

/// Tensors with slices put in, taken out or chosen: insert, delete, choose, resize, trimming.
enum Editing {
  /// Most places of one call: each is a node.
  private static let mostPlaces = 10_000
  private static let places = AttrDef("obj", .ints, "places along the axis; negative ones count from the end")
  private static let axis = AttrDef("axis", .int, default: AttrValue.none, "the axis; None: the flattened array")

  /// The tensor, its axis, and the places along it, not negative.
  private static func prepared(_ c: OpContext, _ v: Value, beyond: Int) throws(MarsError) -> (Value, Int, [Int]) {
    let x = c.optionalInt("axis") == nil ? try v.reshaped([-1]) : v
    let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
    let n = x.type.shape[k]
    guard n != unknownExtent else { throw c.error(.unsupported, "\(c.op.name) needs a known extent") }
    let given = c.ints("obj")
    guard given.count <= mostPlaces else {
      throw c.error(.unsupported, "\(c.op.name) at \(given.count) places is not supported: at most \(mostPlaces)")
    }
    for i in given where i < -n || i - beyond >= n {
      throw c.error(.index, "index \(i) is out of bounds for axis \(k) with size \(n)")
    }
    return (x, k, given.map { $0 < 0 ? $0 + n : $0 })
  }

  static let delete = OpDef(
    "delete", inputs: [InputDef("arr")], attributes: [places, axis], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (x, k, given) = try prepared(c, v[0], beyond: 0)
      var kept: [Value] = []
      var from = 0
      for i in Set(given).sorted() {
        if i > from { kept.append(try x.sliced(axis: k, start: from, count: i - from)) }
        from = i + 1
      }
      let n = x.type.shape[k]
      if n > from { kept.append(try x.sliced(axis: k, start: from, count: n - from)) }
      if kept.isEmpty { kept = [try x.sliced(axis: k, start: 0, count: 0)] }
      return [Value(try Joining.concatenate.apply(kept.map { .value($0) }, [("axis", .int(k))]))]
    }, doc: OpDoc("A tensor without some of its slices.", numpy: "numpy.delete", example: "mt.delete([1, 2, 3], 1)"),
    exposure: Exposure(signature: "arr obj axis"),
    samples: [
      Sample([[5]], .all, attributes: ["obj": .ints([1, -1])]), Sample([[3, 4]], attributes: ["obj": .ints([0]), "axis": .int(1)]),
      Sample([[2]], attributes: ["obj": .ints([0, 1])]),
    ], answersCopies: true)

  static let insert = OpDef(
    "insert", inputs: [InputDef("arr"), InputDef("values", "what goes in; cast to the dtype of arr")],
    attributes: [places, axis, AttrDef("single", .bool, default: .bool(false), "one place for all the values, as of an integer")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (x, k, given) = try prepared(c, v[0], beyond: 1)
      let rank = x.type.rank
      var values = try v[1].cast(x.type.dtype)
      if given.isEmpty { return [x] }
      if values.type.rank < rank { values = try values.expanded(at: Array(0..<rank - values.type.rank)) }
      // As NumPy: the values of one place lie along the first axis.
      if c.bool("single") && given.count == 1 {
        values = try values.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([k])])
      }
      guard values.type.rank == rank else {
        throw c.error(
          .value, "could not broadcast input array from shape \(Shape.text(v[1].type.shape)) into shape \(Shape.text(x.type.shape))")
      }
      var shape = x.type.shape
      shape[k] = given.count == 1 ? values.type.shape[k] : given.count
      guard shape[k] != unknownExtent else { throw c.error(.unsupported, "insert needs a known number of values") }
      values = try values.broadcast(to: shape)
      var parts: [Value] = []
      var from = 0
      func copy(upTo end: Int) throws(MarsError) {
        if end > from { parts.append(try x.sliced(axis: k, start: from, count: end - from)) }
        from = end
      }
      if given.count == 1 {
        try copy(upTo: given[0])
        parts.append(values)
      } else {
        // Equal places keep their order.
        for (place, j) in given.enumerated().map({ ($0.element, $0.offset) }).sorted(by: { $0 < $1 }) {
          try copy(upTo: place)
          parts.append(try values.sliced(axis: k, start: j, count: 1))
        }
      }
      try copy(upTo: x.type.shape[k])
      return [Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(k))]))]
    },
    doc: OpDoc("A tensor with values put in before places of it.", numpy: "numpy.insert", example: "mt.insert([1, 2, 3], 1, 9)"),
    exposure: Exposure(signature: "arr obj values axis"),
    samples: [
      Sample([[3], []], .all, attributes: ["obj": .ints([1]), "single": .bool(true)]),
      Sample([[3], [2]], attributes: ["obj": .ints([2, 0])]),
      Sample([[2, 3], [2]], attributes: ["obj": .ints([1, 3]), "axis": .int(1)]),
    ])

  static let choose = OpDef(
    "choose", inputs: [InputDef("a", "which choice"), InputDef("choices", variadic: true)],
    attributes: [AttrDef("mode", .string, default: .string("raise"), "what becomes of numbers of no choice: 'raise', 'wrap' or 'clip'")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let choices = Array(v.dropFirst())
      let n = choices.count
      guard n > 0 else { throw c.error(.value, "choose needs at least one choice") }
      guard n <= 1000 else { throw c.error(.unsupported, "choose of \(n) choices is not supported: at most 1000") }
      guard v[0].type.dtype.kind < .floating && v[0].type.dtype != .uint64 else {
        throw c.error(.type, "Cannot cast array data from dtype('\(v[0].type.dtype.name)') to dtype('int64') according to the rule 'safe'")
      }
      guard let shape = Shape.broadcast(v.map(\.type.shape)), Shape.isKnown(shape) else {
        throw c.error(.value, "shape mismatch: objects cannot be broadcast to a single shape")
      }
      var which = try v[0].cast(.int64).broadcast(to: shape)
      switch c.string("mode") {
      case "raise":
        let isLow = try which.op(Comparison.less, weak: Scalar(Int64(0)))
        let isWrong = try isLow.op(Comparison.logicalOr, try which.op(Comparison.greaterEqual, weak: Scalar(Int64(n))))
        which = try which.op(Checks.refuse.def, isWrong, with: ["message": .string("invalid entry in choice array")])
      case "wrap": which = try which.op(Arithmetic.remainder, weak: Scalar(Int64(n)))
      case "clip":
        which = try which.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      default: throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(c.string("mode"))')")
      }
      let d = choices.dropFirst().reduce(choices[0].type.dtype) { Promotion.common($0, $1.type.dtype) }
      var out = try choices[n - 1].cast(d).broadcast(to: shape)
      for i in (0..<n - 1).reversed() {
        out = try which.op(Comparison.equal, weak: Scalar(Int64(i))).op(Selection.`where`, try choices[i].cast(d), out)
      }
      // Also of one choice the numbers are looked at.
      return [n == 1 ? try which.op(Comparison.equal, weak: Scalar(Int64(0))).op(Selection.`where`, out, out) : out]
    }, cost: Cost(perElement: 4),
    doc: OpDoc(
      "Elements of tensors by the number of the tensor.", numpy: "numpy.choose", example: "mt.choose([0, 1, 0], [[1, 2, 3], [4, 5, 6]])"),
    exposure: Exposure(method: true, castsOut: true, signature: "a choices out mode"),
    samples: ["wrap", "clip"].map { Sample([[3, 4], [4], [3, 1]], .all, fixed: [0: .int32], attributes: ["mode": .string($0)]) })

  static let resize = OpDef(
    "resize", inputs: [InputDef("a")], attributes: [AttrDef("new_shape", .ints, "extents")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard c.ints("new_shape").allSatisfy({ $0 >= 0 }) else {
        throw c.error(.value, "all elements of `new_shape` must be non-negative")
      }
      let shape = try c.shape("new_shape")
      let flat = try v[0].reshaped([-1])
      let (n, wanted) = (flat.type.shape[0], try c.product(shape, "new_shape \(Shape.text(shape))"))
      guard n != unknownExtent else { throw c.error(.unsupported, "resize needs known extents") }
      if n == 0 || wanted == 0 {
        return [Value(try Creation.zeros.apply([], [("shape", .ints(shape)), ("dtype", .dtype(v[0].type.dtype))]))]
      }
      let times = wanted / n + (wanted % n == 0 ? 0 : 1)
      let long = try flat.op(Repeating.tile, with: ["reps": .ints([times])])
      return [try long.sliced(axis: 0, start: 0, count: wanted).reshaped(shape)]
    }, doc: OpDoc("Elements over and over again under other extents.", numpy: "numpy.resize", example: "mt.resize([1, 2, 3], (2, 2))"),
    exposure: Exposure(signature: "a new_shape"),
    samples: [Sample([[3]], .all, attributes: ["new_shape": .ints([2, 4])]), Sample([[2, 3]], attributes: ["new_shape": .ints([4])])],
    answersCopies: true)

  static let arrayEquiv = OpDef(
    "array_equiv", inputs: [InputDef("a1"), InputDef("a2")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard Shape.broadcast(v.map(\.type.shape)) != nil else { return [Reductions.constant(Scalar(false), .bool)] }
      return [Value(try Reductions.all.apply([.value(try v[0].op(Comparison.equal, v[1]))]))]
    },
    doc: OpDoc(
      "Whether two tensors broadcast to equal ones.", numpy: "numpy.array_equiv", example: "mt.array_equiv([1, 2], [[1, 2], [1, 2]])"),
    exposure: Exposure(signature: "a1 a2"), samples: [Sample([[3], [2, 3]], .all), Sample([[3], [4]])])

  static let family = OpFamily([delete, insert, choose, resize, arrayEquiv])
}
