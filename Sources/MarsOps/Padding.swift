import MarsBase
import MarsGraph

/// Making tensors larger: frames around them, values after them.
enum Padding {
  /// Neighbouring indices with one step, or one index several times.
  private struct Piece {
    let start: Int
    let step: Int
    let count: Int
  }

  /// Most slices on one side of an axis: each is a node.
  private static let mostPieces = 10_000

  /// Indices of an axis of `n` elements at places `from` up to `to`, beyond its ends, as slices.
  private static func pieces(_ c: OpContext, _ n: Int, _ from: Int, _ to: Int) throws(MarsError) -> [Piece] {
    let mode = c.string("mode")
    if mode == "edge" || n == 1 { return [Piece(start: from < 0 ? 0 : n - 1, step: 0, count: to - from)] }
    guard (to - from) / n < mostPieces else {
      throw c.error(.unsupported, "pad_width \(to - from) is not supported for an axis of \(n): at most \(mostPieces) times the axis")
    }
    // The axis is walked upwards and, where it is mirrored, downwards again, without or with the ends once more.
    let period = mode == "wrap" ? n : mode == "reflect" ? 2 * (n - 1) : 2 * n
    var out: [Piece] = []
    var i = from
    while i < to {
      let k = (i % period + period) % period
      let left = (k < n ? n : period) - k
      let count = Swift.min(left, to - i)
      out.append(k < n ? Piece(start: k, step: 1, count: count) : Piece(start: left - (mode == "reflect" ? 0 : 1), step: -1, count: count))
      i += count
    }
    return out
  }

  private static func slice(_ x: Value, _ axis: Int, _ p: Piece) throws(MarsError) -> Value {
    if p.step != 0 { return try x.sliced(axis: axis, start: p.start, step: p.step, count: p.count) }
    var shape = x.type.shape
    shape[axis] = p.count
    return try x.sliced(axis: axis, start: p.start, count: 1).broadcast(to: shape)
  }

  private static let statistics: [String: OpDef] = [
    "maximum": Reductions.max, "mean": Reductions.mean, "median": Statistics.median, "minimum": Reductions.min,
  ]
  private static let modes =
    ["constant", "edge", "linear_ramp", "reflect", "symmetric", "wrap", "empty"] + statistics.keys.sorted()

  /// A statistic of the `length` elements at one end of an axis, all of them without a length, `count` times.
  private static func repeated(
    _ c: OpContext, _ x: Value, _ statistic: OpDef, _ axis: Int, fromEnd: Bool, length: Int?, count: Int
  ) throws(MarsError) -> Value {
    let n = x.type.shape[axis]
    let taken = Swift.min(length ?? n, n)
    guard taken > 0 || (statistic !== Reductions.max && statistic !== Reductions.min) else {
      throw c.error(.value, "stat_length of 0 yields no value for padding")
    }
    var found = try x.sliced(axis: axis, start: fromEnd ? n - taken : 0, count: taken)
      .op(statistic, with: ["axis": .ints([axis]), "keepdims": .bool(true)])
    if x.type.dtype.isInteger && !found.type.dtype.isInteger { found = try found.op(FloatingPoint.rint) }
    var shape = x.type.shape
    shape[axis] = count
    return try found.cast(x.type.dtype).broadcast(to: shape)
  }

  /// `count` values on a line between `end`, which is one of them, and the elements at one end of an axis, which are not.
  private static func ramp(_ x: Value, _ axis: Int, fromEnd: Bool, end: Value, count: Int) throws(MarsError) -> Value {
    let edge = try x.sliced(axis: axis, start: fromEnd ? x.type.shape[axis] - 1 : 0, count: 1)
      .op(Shapes.squeeze, with: ["axis": .ints([axis])])
    let line = try end.op(
      Creation.linspace, edge,
      with: ["num": .int(count), "endpoint": .bool(false), "dtype": .dtype(x.type.dtype), "axis": .int(axis)])
    return fromEnd ? try line.op(Shapes.flip, with: ["axis": .ints([axis])]) : line
  }

  /// One number, or two, for all axes, or two for each.
  private static func pairs(_ c: OpContext, _ name: String, _ given: [Int], rank: Int) throws(MarsError) -> [Int] {
    let two = given.count == 1 ? given + given : given
    let all = two.count == 2 ? (0..<rank).flatMap { _ in two } : two
    guard all.count == 2 * rank else { throw c.error(.value, "\(name) must have one entry, two, or two for each of the \(rank) axes") }
    guard all.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "index can't contain negative values") }
    return all
  }

  static let pad = OpDef(
    "pad",
    inputs: [
      InputDef("array"),
      InputDef("constant_values", optional: true, "for 'constant', or at the ends of 'linear_ramp': what broadcasts to (axes, 2)"),
    ],
    attributes: [
      AttrDef("pad_width", .ints, "elements before and after along each axis, one after the other; two, or one, for all axes"),
      AttrDef("mode", .string, default: .string("constant"), "one of NumPy's: 'constant', 'edge', 'reflect', 'mean', ..."),
      AttrDef(
        "stat_length", .ints, default: AttrValue.none, since: 2,
        "how many elements at each end a statistic is of, as pad_width; None: all of the axis"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var x = v[0]
      let width = try pairs(c, "pad_width", c.ints("pad_width"), rank: x.type.rank)
      let lengths = try c.optionalInts("stat_length").map { given throws(MarsError) in
        try pairs(c, "stat_length", given, rank: v[0].type.rank)
      }
      guard x.type.isKnown else { throw c.unknownExtents("pad needs known extents") }
      guard v.count <= 2 else { throw c.error(.type, "pad takes one array of constant values") }
      let mode = c.string("mode")
      guard modes.contains(mode) else {
        throw c.error(.value, "mode '\(mode)' is not supported: there are \(modes.joined(separator: ", "))")
      }
      let isConstant = ["constant", "empty"].contains(mode)
      guard v.count == 1 || mode == "constant" || mode == "linear_ramp" else {
        throw c.error(.value, "unsupported keyword arguments for mode '\(mode)': {'constant_values'}")
      }
      guard lengths == nil || statistics[mode] != nil else {
        throw c.error(.value, "unsupported keyword arguments for mode '\(mode)': {'stat_length'}")
      }
      let given = v.count > 1 ? v[1] : Reductions.constant(Scalar(Int64(0)), x.type.dtype)
      let values = try (isConstant ? given.cast(x.type.dtype) : given).broadcast(to: [x.type.rank, 2])
      for k in 0..<x.type.rank {
        let (before, after, n) = (width[2 * k], width[2 * k + 1], x.type.shape[k])
        _ = try c.sum([n, before, after], "pad_width (\(before), \(after)) around an axis of \(n)")
        if before + after == 0 { continue }
        guard n > 0 || isConstant else {
          throw c.error(.value, "can't extend empty axis \(k) using modes other than 'constant' or 'empty'")
        }
        var parts: [Value] = [x]
        for (side, count) in [before, after].enumerated() where count > 0 {
          var added: [Value] = []
          let value = try values.sliced(axis: 0, start: k, count: 1).sliced(axis: 1, start: side, count: 1).reshaped([])
          if let statistic = statistics[mode] {
            added = [try repeated(c, x, statistic, k, fromEnd: side == 1, length: lengths?[2 * k + side], count: count)]
          } else if mode == "linear_ramp" {
            added = [try ramp(x, k, fromEnd: side == 1, end: value, count: count)]
          } else if isConstant {
            var shape = x.type.shape
            shape[k] = count
            added = [Value(try Creation.full.apply([.value(value)], [("shape", .ints(shape)), ("dtype", .dtype(x.type.dtype))]))]
          } else {
            for p in try pieces(c, n, side == 0 ? -count : n, side == 0 ? 0 : n + count) { added.append(try slice(x, k, p)) }
          }
          parts = side == 0 ? added + parts : parts + added
        }
        x = Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(k))]))
      }
      return [x]
    },
    doc: OpDoc(
      "A tensor with elements added around it.", details: "Axes are padded one after the other, so corners follow from both.",
      numpy: "numpy.pad", example: "mt.pad([1, 2, 3], (1, 2), mode='reflect')"),
    samples: ["constant", "edge", "reflect", "symmetric", "wrap"].map {
      Sample([[3, 4]], .all, attributes: ["pad_width": .ints([1, 2, 0, 7]), "mode": .string($0)])
    }
      + ["linear_ramp", "maximum", "mean", "median", "minimum"].map {
        Sample([[3, 4]], [.integer, .floating], attributes: ["pad_width": .ints([1, 2, 0, 3]), "mode": .string($0)])
      } + [
        Sample([[3, 4]], attributes: ["pad_width": .ints([2]), "mode": .string("mean"), "stat_length": .ints([1, 2])]),
        Sample([[3, 4], [2, 2]], attributes: ["pad_width": .ints([2]), "mode": .string("linear_ramp")]),
        Sample([[3, 4]], attributes: ["pad_width": .ints([2])]), Sample([[3, 4]], attributes: ["pad_width": .ints([2, 0])]),
        Sample([[3, 1], [2, 2]], attributes: ["pad_width": .ints([1, 2, 3, 0])]), Sample([[0]], attributes: ["pad_width": .ints([1, 2])]),
      ])

  static let append = OpDef(
    "append", inputs: [InputDef("arr"), InputDef("values")],
    attributes: [AttrDef("axis", .int, default: AttrValue.none, "the axis; None: both flattened")], typing: .fromExpansion,
    takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let axis = c.optionalInt("axis") else {
        return [
          Value(
            try Joining.concatenate.apply([.value(try v[0].reshaped([-1])), .value(try v[1].reshaped([-1]))], [("axis", .int(0))]))
        ]
      }
      return [Value(try Joining.concatenate.apply(v.map { .value($0) }, [("axis", .int(axis))]))]
    }, doc: OpDoc("A tensor with others behind it.", numpy: "numpy.append", example: "mt.append([1, 2], [[3, 4]])"),
    samples: [Sample([[2, 3], [4]], .all), Sample([[2, 3], [1, 3]], attributes: ["axis": .int(0)])])

  static let select = OpDef(
    "select", inputs: [InputDef("default"), InputDef("arrays", variadic: true, "conditions, then as many choices")],
    attributes: [
      AttrDef("conditions", .int, default: AttrValue.none, since: 2, "how many of the arrays are conditions; None: half of them")
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let n = v.count / 2
      guard v.count % 2 == 1, c.optionalInt("conditions") ?? n == n else {
        throw c.error(.value, "list of cases must be same length as list of conditions")
      }
      guard n > 0 else { throw c.error(.value, "select with an empty condition list is not possible") }
      let (conditions, choices) = (v[1...n], v[(n + 1)...])
      for (i, k) in conditions.enumerated() where k.type.dtype != .bool {
        throw c.error(.type, "invalid entry \(i) in condlist: should be boolean ndarray")
      }
      let d = choices.reduce(v[0].type.dtype) { Promotion.common($0, $1.type.dtype) }
      var out = try v[0].cast(d)
      for (condition, choice) in zip(conditions, choices).reversed() { out = try condition.op(Selection.where, try choice.cast(d), out) }
      return [out]
    },
    doc: OpDoc(
      "The choice of the first condition that holds, else the default.", numpy: "numpy.select",
      example: "x = mt.arange(5)\nmt.select([x < 2, x > 3], [x, x * 10], -1)"),
    samples: [Sample([[], [4], [3, 1], [4], [3, 4]], .all, fixed: [1: .bool, 2: .bool])], answersRankZero: .array)

  static let family = OpFamily([pad, append, select])
}
