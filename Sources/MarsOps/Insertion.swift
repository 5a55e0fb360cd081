import MarsBase
import MarsGraph

/// Tensors with slices put in or taken out.
enum Insertion {
  private static let axis = AttrDef("axis", .int, default: AttrValue.none, "the axis; None: the flattened array")
  /// What both take for their places: one of these three.
  private static let attributes = [
    AttrDef("obj", .ints, default: AttrValue.none, "places along the axis; negative ones count from the end"), axis,
    AttrDef(
      "slice", .ints, default: AttrValue.none, since: 2,
      "places as a slice: which bounds are given (1 start, 2 stop, 4 step), start, stop, step"),
  ]
  private static let places = InputDef("places", optional: true, alone: true, "places as integers, or a mask")

  /// From this number of pieces on elements are gathered by their indices; fewer are slices of their own, which need no indices.
  private static let mostPieces = 1000

  private enum Places {
    /// Not negative; may lie beyond the end.
    case known([Int])
    /// Where a mask holds that has yet to be computed.
    case mask(Value)
    /// More than are written out one by one.
    case slice(first: Int, step: Int, count: Int)
    /// A vector of int64.
    case computed(Value)
  }

  /// The tensor and its axis.
  private static func prepared(_ c: OpContext, _ v: Value) throws(MarsError) -> (x: Value, axis: Int) {
    let x = c.optionalInt("axis") == nil ? try v.reshaped([-1]) : v
    let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
    guard x.type.shape[k] != unknownExtent else { throw c.unknownExtents("\(c.op.name) needs a known extent") }
    return (x, k)
  }

  /// The places along an axis of `n` elements, of which `beyond` more may be meant than there are.
  private static func places(_ c: OpContext, _ given: Value?, _ k: Int, _ n: Int, beyond: Int) throws(MarsError) -> Places {
    guard [c["obj"] != .none, c["slice"] != .none, given != nil].count(where: { $0 }) == 1 else {
      throw c.error(.type, "\(c.op.name)() takes its places as one of obj, slice and places")
    }
    if let s = c.optionalInts("slice") {
      guard s.count == 4, (0...7).contains(s[0]) else { throw c.error(.value, "the slice is malformed") }
      let step = s[0] & 4 == 0 ? 1 : s[3]
      guard step != 0 else { throw c.error(.value, "slice step cannot be zero") }
      let (first, count) = IndexItems.walk(s[0] & 1 == 0 ? nil : s[1], s[0] & 2 == 0 ? nil : s[2], Swift.max(step, -Int.max), n)
      return count > mostPieces
        ? .slice(first: first, step: step, count: count) : .known((0..<count).map { first + $0 * step })
    }
    func checked(_ all: [Int]) throws(MarsError) -> Places {
      for i in all where i < -n || i - beyond >= n {
        throw c.error(.index, "index \(i) is out of bounds for axis \(k) with size \(n)")
      }
      return .known(all.map { $0 < 0 ? $0 + n : $0 })
    }
    guard let given else { return try checked(c.ints("obj")) }
    let (type, isMask) = (given.type, given.type.dtype == .bool)
    guard isMask || type.dtype.isInteger else {
      throw c.error(.index, "arrays used as indices must be of integer (or boolean) type")
    }
    if type.shape.contains(0) && !isMask { return .known([]) }
    // Booleans at hand and integers that doubles hold.
    if let at = given.numbers, at.allSatisfy({ $0.magnitude < 0x1p53 }) {
      return isMask ? .known(at.indices.filter { at[$0] != 0 }) : try checked(at.map { Int($0) })
    }
    if isMask { return .mask(given) }
    let flat = try given.cast(.int64).reshaped([-1])
    let isLow = try flat.op(Comparison.less, weak: Scalar(Int64(-n)))
    let isWrong = try isLow.op(Comparison.logicalOr, try flat.op(Comparison.greater, weak: Scalar(Int64(n - 1 + beyond))))
    let message = "index {} is out of bounds for axis \(k) with size \(n)"
    let good = try flat.op(Checks.refuse.def, isWrong, with: ["message": .string(message), "is_index": .bool(true)])
    let isNegative = try good.op(Comparison.less, weak: Scalar(Int64(0)))
    return .computed(try isNegative.op(Selection.where, try good.op(Arithmetic.add, weak: Scalar(Int64(n))), good))
  }

  /// first, first + step, ...
  private static func range(_ first: Int, _ step: Int, _ count: Int) throws(MarsError) -> Value {
    let steps = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(count))))]))
    return try steps.op(Arithmetic.multiply, weak: Scalar(Int64(step))).op(Arithmetic.add, weak: Scalar(Int64(first)))
  }

  private static func constant(_ value: Int64, _ d: DType, _ n: Int) throws(MarsError) -> Value {
    try Reductions.constant(Scalar(value), d).op(Creation.full, with: ["shape": .ints([n]), "dtype": .dtype(d)])
  }

  // MARK: delete

  static let delete = OpDef(
    "delete", inputs: [InputDef("arr"), places], attributes: attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (x, k) = try prepared(c, v[0])
      let n = x.type.shape[k]
      if v.count > 1, v[1].type.dtype == .bool {
        guard v[1].type.rank == 1, [n, unknownExtent].contains(v[1].type.shape[0]) else {
          throw c.error(.value, "boolean array argument obj to delete must be one dimensional and match the axis length of \(n)")
        }
      }
      func kept(_ mask: Value) throws(MarsError) -> Value {
        try x.op(Masks.booleanMask, mask, with: ["axis": .int(k)])
      }
      /// What is left without places that ascend.
      func left(_ gone: Value, _ count: Int) throws(MarsError) -> Value {
        // Before an element that is left lie those that are gone whose places, without one another, are not behind it.
        let before = try gone.op(Arithmetic.subtract, try range(0, 1, count))
        let order = try range(0, 1, n - count)
        let skipped = try before.op(Sorting.searchsorted, order, with: ["side": .string("right")])
        return try x.op(Masks.take, try order.op(Arithmetic.add, skipped), with: ["axis": .int(k)])
      }
      switch try places(c, v.count > 1 ? v[1] : nil, k, n, beyond: 0) {
      case .slice(let first, let step, let count):
        return [try left(try range(step > 0 ? first : first + (count - 1) * step, Swift.abs(step), count), count)]
      case .mask(let mask): return [try kept(try mask.op(Comparison.logicalNot))]
      case .computed(let places):
        return [try kept(try constant(1, .bool, n).op(Writing.put, places, Reductions.constant(Scalar(false), .bool)))]
      case .known(let given):
        let gone = Set(given)
        guard gone.count <= mostPieces else { return [try left(try IndexLists.values(gone.sorted()), gone.count)] }
        var pieces: [Value] = []
        var from = 0
        for i in gone.sorted() {
          if i > from { pieces.append(try x.sliced(axis: k, start: from, count: i - from)) }
          from = i + 1
        }
        if n > from { pieces.append(try x.sliced(axis: k, start: from, count: n - from)) }
        if pieces.isEmpty { pieces = [try x.sliced(axis: k, start: 0, count: 0)] }
        return [Value(try Joining.concatenate.apply(pieces.map { .value($0) }, [("axis", .int(k))]))]
      }
    },
    doc: OpDoc(
      "A tensor without some of its slices.",
      details: "Of places that have yet to be computed it is known when they are how many slices are left.", numpy: "numpy.delete",
      example: "mt.delete([1, 2, 3], 1)"), exposure: Exposure(signature: "arr obj axis"),
    samples: [
      Sample([[5]], .all, attributes: ["obj": .ints([1, -1])]), Sample([[3, 4]], attributes: ["obj": .ints([0]), "axis": .int(1)]),
      Sample([[2]], attributes: ["obj": .ints([0, 1])]), Sample([[9]], .all, attributes: ["slice": .ints([5, 1, 0, 3])]),
      Sample([[3, 4], [4]], .all, fixed: [1: .bool], attributes: ["axis": .int(1)]),
    ], answer: Answer(.never))

  // MARK: insert

  /// Values in the tensor's dtype and rank, broadcast beside the axis; along it as many as there are places, or of one place any number.
  private static func aligned(_ c: OpContext, _ v: Value, _ x: Value, _ k: Int, places: Int, isSingle: Bool) throws(MarsError) -> Value {
    let rank = x.type.rank
    var values = try v.cast(x.type.dtype)
    if values.type.rank < rank { values = try values.expanded(at: Array(0..<rank - values.type.rank)) }
    // As NumPy: the values of one place lie along the first axis.
    if isSingle { values = try values.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([k])]) }
    var shape = x.type.shape
    shape[k] = places == 1 ? values.type.shape[k] : places
    // As in any assignment, axes of one element in front are left out.
    while values.type.rank > rank, values.type.shape[0] == 1 { values = try values.reshaped(Array(values.type.shape.dropFirst())) }
    guard Shape.broadcast([values.type.shape, shape]) == shape else {
      guard places == 1 else {
        throw c.error(
          .value,
          "shape mismatch: value array of shape \(Shape.tight(v.type.shape)) could not be broadcast to indexing result of shape \(Shape.tight(shape))"
        )
      }
      throw Shape.cannotBroadcast(values.type.shape, into: shape)
    }
    return try values.broadcast(to: shape)
  }

  /// Values put in where a vector of places says, which has yet to be computed.
  private static let insertAt = OpDef(
    "insert_at",
    inputs: [InputDef("arr"), InputDef("values"), InputDef("places", "1-d: int64, none of them negative, or a mask")],
    attributes: [
      AttrDef("axis", .int, "the axis, 0 or more"), AttrDef("single", .bool, default: .bool(false), "one place for all the values"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let k = try c.plainAxis(rank: c.inputs[0].rank)
      guard [.int64, .bool].contains(c.inputs[2].dtype), c.inputs[2].rank == 1 else {
        throw c.error(.value, "places must be a vector of int64 or bool")
      }
      var shape = c.inputs[0].shape
      shape[k] = unknownExtent
      return [TensorType(c.inputs[0].dtype, shape)]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      if v[2].type.dtype == .bool {
        let places = Value(try Masks.flatnonzero.apply([.value(v[2])]))
        return [Value(try c.op.apply([.value(v[0]), .value(v[1]), .value(places)], [("axis", c["axis"]), ("single", c["single"])]))]
      }
      let (x, k, count) = (v[0], c.int("axis"), v[2].type.count)
      let values = try aligned(c, v[1], x, k, places: count, isSingle: c.bool("single") && count == 1)
      if count == 0 { return [x] }
      let (n, m) = (x.type.shape[k], values.type.shape[k])
      let total = try c.sum([n, m], "\(m) values for an axis of \(n)")
      // Equal places keep their order; every value moves those behind it by one.
      let given = try v[2].broadcast(to: [m])
      let order = try given.op(Sorting.argsort)
      let steps = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(m))))]))
      let targets = try given.op(Masks.take, order).op(Arithmetic.add, steps)
      // From where every element of the result comes: the tensor with the values behind it.
      let isOld = try constant(1, .int64, total).op(Writing.put, targets, Reductions.constant(Scalar(Int64(0)), .int64))
      let old = try isOld.op(Scans.cumsum).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
      let from = try old.op(Writing.put, targets, try order.op(Arithmetic.add, weak: Scalar(Int64(n))))
      let all = Value(try Joining.concatenate.apply([.value(x), .value(values)], [("axis", .int(k))]))
      return [try all.op(Masks.take, from, with: ["axis": .int(k)])]
    }, doc: OpDoc("A tensor with values put in at computed places.", example: "mt.insert([1, 2], mt.tensor([0, 2]), 7)"),
    exposure: .hidden)

  static let insert = OpDef(
    "insert", inputs: [InputDef("arr"), InputDef("values", stored: true, "what goes in; cast to the dtype of arr"), places],
    attributes: attributes + [AttrDef("single", .bool, default: .bool(false), "one place for all the values, as of an integer")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (x, k) = try prepared(c, v[0])
      let n = x.type.shape[k]
      if v.count > 2, v[2].type.rank != 1 {
        guard v[2].type.dtype != .bool else {
          throw c.error(.value, "boolean array argument obj to insert must be one dimensional")
        }
        guard v[2].type.rank == 0 else {
          throw c.error(.value, "index array argument obj to insert must be one dimensional or scalar")
        }
      }
      let isSingle = c.bool("single") || (v.count > 2 && v[2].type.rank == 0)
      func computed(_ places: Value) throws(MarsError) -> [Value] {
        [Value(try insertAt.apply([.value(x), .value(v[1]), .value(places)], [("axis", .int(k)), ("single", .bool(isSingle))]))]
      }
      let given: [Int]
      switch try places(c, v.count > 2 ? v[2] : nil, k, n, beyond: 1) {
      case .mask(let places), .computed(let places): return try computed(places)
      case .slice(let first, let step, let count): return try computed(try range(first, step, count))
      case .known(let all):
        if let i = all.first(where: { $0 > n }) {
          throw c.error(.index, "index \(i) is out of bounds for axis \(k) with size \(n)")
        }
        guard all.count <= mostPieces, v[1].type.isKnown else { return try computed(try IndexLists.values(all)) }
        given = all
      }
      let values = try aligned(c, v[1], x, k, places: given.count, isSingle: isSingle && given.count == 1)
      if given.isEmpty { return [x] }
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
      try copy(upTo: n)
      return [Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(k))]))]
    },
    doc: OpDoc("A tensor with values put in before places of it.", numpy: "numpy.insert", example: "mt.insert([1, 2, 3], 1, 9)"),
    exposure: Exposure(signature: "arr obj values axis"),
    samples: [
      Sample([[3], []], .all, attributes: ["obj": .ints([1]), "single": .bool(true)]),
      Sample([[3], [2]], attributes: ["obj": .ints([2, 0])]),
      Sample([[2, 3], [2]], attributes: ["obj": .ints([1, 3]), "axis": .int(1)]),
      Sample([[4], []], .all, attributes: ["slice": .ints([4, 0, 0, 2])]), Sample([[4], [], [3]], .all, fixed: [2: .int64]),
      Sample([[4], [], [4]], fixed: [2: .bool]),
    ], answer: Answer(.never))

  static let family = OpFamily([delete, insert, insertAt])
}
