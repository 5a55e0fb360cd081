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

  // MARK: What goes before and behind an axis

  /// Where an axis is padded: which one, how many elements before and behind, and the row of two-column arguments that belongs to it.
  private struct Frame {
    let axis, before, after: Int
    var counts: [Int] { [before, after] }
  }

  private static func joined(_ parts: [Value], _ axis: Int) throws(MarsError) -> Value {
    parts.count == 1 ? parts[0] : Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(axis))]))
  }

  /// One value over and over again.
  private static func constants(_ x: Value, _ f: Frame, _ values: Value?) throws(MarsError) -> [Value?] {
    var out: [Value?] = []
    for (side, count) in f.counts.enumerated() {
      var shape = x.type.shape
      shape[f.axis] = count
      let value = try values.map { v throws(MarsError) in try cell(v, f.axis, side) } ?? Reductions.constant(Scalar(Int64(0)), x.type.dtype)
      let given: [(String, AttrValue)] = [("shape", .ints(shape)), ("dtype", .dtype(x.type.dtype))]
      out.append(count == 0 ? nil : Value(try Creation.full.apply([.value(value)], given)))
    }
    return out
  }

  /// An element of an array of one row for every axis and one column for every side.
  private static func cell(_ v: Value, _ axis: Int, _ side: Int) throws(MarsError) -> Value {
    try v.sliced(axis: 0, start: axis, count: 1).sliced(axis: 1, start: side, count: 1).reshaped([])
  }

  /// Elements of the axis itself under other indices.
  private static func copies(_ c: OpContext, _ x: Value, _ f: Frame) throws(MarsError) -> [Value?] {
    let n = x.type.shape[f.axis]
    var out: [Value?] = []
    for (side, count) in f.counts.enumerated() {
      var added: [Value] = []
      for p in try pieces(c, n, side == 0 ? -count : n, side == 0 ? 0 : n + count) { added.append(try slice(x, f.axis, p)) }
      out.append(added.isEmpty ? nil : try joined(added, f.axis))
    }
    return out
  }

  /// Both sides at once, mirrored in the points at the ends: as long as there is something to add, what is there is mirrored, in whole
  /// lengths of the axis.
  private static func turned(_ c: OpContext, _ x: Value, _ f: Frame) throws(MarsError) -> Value {
    let (k, n) = (f.axis, x.type.shape[f.axis])
    let withEdge = c.string("mode") == "symmetric" ? 1 : 0
    let d = x.type.dtype
    let wide: DType = d == .bool ? .int64 : d
    var (x, left, right) = (x, f.before, f.after)
    while left > 0 || right > 0 {
      let m = x.type.shape[k]
      let most = withEdge == 1 ? m / n * n : (m - 1) / (n - 1) * (n - 1)
      /// Twice the end less the `count` elements next to it, the farthest first in front and last behind.
      func mirrored(_ count: Int, end: Int, from start: Int) throws(MarsError) -> Value {
        let edge = try x.sliced(axis: k, start: end, count: 1).cast(wide).op(Arithmetic.multiply, weak: Scalar(Int64(2)))
        let near = try x.sliced(axis: k, start: start, step: -1, count: count).cast(wide)
        return try edge.op(Arithmetic.subtract, near).cast(d)
      }
      let (before, after) = (Swift.min(most, left), Swift.min(most, right))
      var parts = [x]
      if before > 0 { parts.insert(try mirrored(before, end: 0, from: before - withEdge), at: 0) }
      if after > 0 { parts.append(try mirrored(after, end: m - 1, from: m - 2 + withEdge)) }
      x = try joined(parts, k)
      left -= before
      right -= after
    }
    return x
  }

  /// A statistic of the elements at each end; integers are rounded to even.
  private static func statistics(_ c: OpContext, _ x: Value, _ f: Frame, _ op: OpDef, _ lengths: [Int]?) throws(MarsError) -> [Value?] {
    let (n, d) = (x.type.shape[f.axis], x.type.dtype)
    let isExtreme = op === Reductions.max || op === Reductions.min
    var out: [Value?] = []
    for (side, count) in f.counts.enumerated() {
      let m = Swift.min(n, lengths.map { $0[2 * f.axis + side] } ?? n)
      guard m > 0 || !isExtreme || x.type.shape.contains(0) else { throw c.error(.value, "stat_length of 0 yields no value for padding") }
      guard count > 0 else {
        out.append(nil)
        continue
      }
      let near = try x.sliced(axis: f.axis, start: side == 0 || m == 0 ? 0 : n - m, count: m)
      var value = try near.op(op, with: ["axis": .ints([f.axis]), "keepdims": .bool(true)])
      if d.isInteger && value.type.dtype != d { value = try value.op(FloatingPoint.rint) }
      var shape = x.type.shape
      shape[f.axis] = count
      out.append(try value.cast(d).broadcast(to: shape))
    }
    return out
  }

  /// Evenly spaced values from `ends` on, up to before the outermost elements.
  private static func ramps(_ x: Value, _ f: Frame, _ ends: Value?) throws(MarsError) -> [Value?] {
    let (n, d) = (x.type.shape[f.axis], x.type.dtype)
    var out: [Value?] = []
    for (side, count) in f.counts.enumerated() {
      let end = try ends.map { v throws(MarsError) in try cell(v, f.axis, side) } ?? Reductions.constant(Scalar(Int64(0)), .int64)
      let edge = try x.sliced(axis: f.axis, start: side == 0 ? 0 : n - 1, count: 1).op(Shapes.squeeze, with: ["axis": .ints([f.axis])])
      let ramp = try end.op(
        Creation.linspace, edge,
        with: ["num": .int(count), "endpoint": .bool(false), "dtype": .dtype(d), "axis": .int(f.axis)])
      out.append(count == 0 ? nil : side == 0 ? ramp : try ramp.op(Shapes.flip, with: ["axis": .ints([f.axis])]))
    }
    return out
  }

  // MARK: pad

  /// Refuses values at hand that the tensor's dtype cannot hold; others are cast.
  private static func checkStored(_ given: Value, as d: DType) throws(MarsError) {
    if let s = given.constant {
      _ = try s.storedAsTyped(as: d)
    } else if !Promotion.canCast(given.type.dtype, d), let all = given.numbers {
      // uint64 is the only integer dtype that int64 need not hold, and doubles would round what they compare.
      guard given.type.dtype.isFloating || d.itemSize < 8 else { return }
      for x in all { _ = try Scalar(x).storedAsTyped(as: d) }
    }
  }

  private static let ofStatistics = [
    "maximum": Reductions.max, "minimum": Reductions.min, "mean": Reductions.mean, "median": Statistics.median,
  ]
  private static let modes =
    ["constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap", "empty"]

  /// Two numbers for every axis, of one, two, or as many.
  private static func pairs(_ c: OpContext, _ name: String, rank: Int) throws(MarsError) -> [Int]? {
    guard var all = c.optionalInts(name) else { return nil }
    if all.count == 1 { all += all }
    if all.count == 2 { all = (0..<rank).flatMap { _ in all } }
    guard all.count == 2 * rank else {
      throw c.error(.value, "\(name) must have one entry, two, or two for each of the \(rank) axes")
    }
    guard all.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "index can't contain negative values") }
    return all
  }

  /// Refuses what does not belong to the mode.
  private static func checkArguments(_ c: OpContext, constants: Value?, ends: Value?) throws(MarsError) {
    let mode = c.string("mode")
    guard modes.contains(mode) else {
      throw c.error(.value, "mode '\(mode)' is not supported: there are \(modes.joined(separator: ", "))")
    }
    let given = [
      ("constant_values", constants != nil, mode == "constant"), ("end_values", ends != nil, mode == "linear_ramp"),
      ("stat_length", c["stat_length"] != .none, ofStatistics[mode] != nil),
      ("reflect_type", c["reflect_type"] != .none, ["reflect", "symmetric"].contains(mode)),
    ]
    for (name, isGiven, belongs) in given where isGiven && !belongs {
      throw c.error(.value, "unsupported keyword arguments for mode '\(mode)': {'\(name)'}")
    }
    if case .string(let type) = c["reflect_type"], type != "even" && type != "odd" {
      throw c.error(.value, "reflect_type must be 'even' or 'odd', not '\(type)'")
    }
  }

  static let pad = OpDef(
    "pad",
    inputs: [
      InputDef("array"),
      InputDef("constant_values", optional: true, "of mode 'constant': the values, which broadcast to (axes, 2); else 0"),
      InputDef("end_values", optional: true, "of mode 'linear_ramp': where it ends, broadcast in the same way; else 0"),
    ],
    attributes: [
      AttrDef("pad_width", .ints, "elements before and after along each axis, one after the other; two, or one, for all axes"),
      AttrDef("mode", .string, default: .string("constant"), modes.map { "'\($0)'" }.joined(separator: ", ")),
      AttrDef(
        "stat_length", .ints, default: AttrValue.none, since: 2,
        "of statistics: how many elements at each end they are of, as pad_width; None: all of the axis"),
      AttrDef("reflect_type", .string, default: AttrValue.none, since: 2, "'even', or 'odd': mirrored in the points at the ends"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var x = v[0]
      let (given, ends) = (c.input("constant_values", of: v), c.input("end_values", of: v))
      let rank = x.type.rank
      let width = try pairs(c, "pad_width", rank: rank) ?? []
      guard x.type.isKnown else { throw c.unknownExtents("pad needs known extents") }
      try checkArguments(c, constants: given, ends: ends)
      let mode = c.string("mode")
      let lengths = try pairs(c, "stat_length", rank: rank)
      let isConstant = ["constant", "empty"].contains(mode)
      if mode == "constant", let given { try checkStored(given, as: x.type.dtype) }
      let values = try (given?.cast(x.type.dtype) ?? ends)?.broadcast(to: [rank, 2])
      for k in 0..<rank {
        let (f, n) = (Frame(axis: k, before: width[2 * k], after: width[2 * k + 1]), x.type.shape[k])
        _ = try c.sum([n, f.before, f.after], "pad_width (\(f.before), \(f.after)) around an axis of \(n)")
        guard n > 0 || isConstant || f.before + f.after == 0 else {
          throw c.error(.value, "can't extend empty axis \(k) using modes other than 'constant' or 'empty'")
        }
        let added: [Value?]
        if isConstant {
          added = try constants(x, f, values)
        } else if let op = ofStatistics[mode] {
          added = try statistics(c, x, f, op, lengths)
        } else if f.before + f.after == 0 {
          continue
        } else if mode == "linear_ramp" {
          added = try ramps(x, f, values)
        } else if c["reflect_type"] == .string("odd") && n > 1 {
          x = try turned(c, x, f)
          continue
        } else {
          added = try copies(c, x, f)
        }
        x = try joined([added[0], x, added[1]].compactMap { $0 }, k)
      }
      return [x]
    },
    doc: OpDoc(
      "A tensor with elements added around it.", details: "Axes are padded one after the other, so corners follow from both.",
      numpy: "numpy.pad", example: "mt.pad([1, 2, 3], (1, 2), mode='reflect')"),
    samples: ["constant", "edge", "reflect", "symmetric", "wrap", "maximum", "minimum", "mean", "linear_ramp"].map {
      Sample([[3, 4]], .all, attributes: ["pad_width": .ints([1, 2, 0, 7]), "mode": .string($0)])
    } + [
      Sample([[3, 4]], attributes: ["pad_width": .ints([2])]), Sample([[3, 4]], attributes: ["pad_width": .ints([2, 0])]),
      Sample([[3, 1], [2, 2]], attributes: ["pad_width": .ints([1, 2, 3, 0])]), Sample([[0]], attributes: ["pad_width": .ints([1, 2])]),
      Sample(
        [[3, 4], [2]], [.integer, .floating], absent: [1], attributes: ["pad_width": .ints([2, 1]), "mode": .string("linear_ramp")]),
      Sample(
        [[3, 4]], [.integer, .floating],
        attributes: ["pad_width": .ints([2, 1]), "mode": .string("median"), "stat_length": .ints([1, 2, 3, 2])]),
      Sample(
        [[3, 4]], .all,
        attributes: ["pad_width": .ints([2, 9]), "mode": .string("reflect"), "reflect_type": .string("odd")]),
    ], answer: Answer(.never))

  static let append = OpDef(
    "append", inputs: [InputDef("arr"), InputDef("values")],
    attributes: [AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: both flattened")], typing: .fromExpansion,
    takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let axis = c.optionalInt("axis") else {
        return [
          Value(
            try Joining.concatenate.apply([.value(try v[0].reshaped([-1])), .value(try v[1].reshaped([-1]))], [("axis", .int(0))]))
        ]
      }
      return [Value(try Joining.concatenate.apply(v.map { .value($0) }, [("axis", .int(axis))]))]
    },
    doc: OpDoc(
      "A tensor with others behind it.", details: "axis None joins all elements, as one axis.  Of the dtype to which both can be cast.",
      numpy: "numpy.append", example: "mt.append([1, 2], [[3, 4]])"),
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
      "The choice of the first condition that holds, else the default.", details: "Conditions are bool; all broadcast.",
      numpy: "numpy.select",
      example: "x = mt.arange(5)\nmt.select([x < 2, x > 3], [x, x * 10], -1)"),
    samples: [Sample([[], [4], [3, 1], [4], [3, 4]], .all, fixed: [1: .bool, 2: .bool])], answer: Answer(rankZero: .array))

  static let family = OpFamily([pad, append, select])
}
