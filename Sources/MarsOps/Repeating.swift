import MarsBase
import MarsGraph

/// Tensors whose elements come again, or elsewhere.
enum Repeating {
  static let tile = OpDef(
    "tile", inputs: [InputDef("A")], attributes: [AttrDef("reps", .ints, "repetitions per axis")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { throw c.unknownExtents("tile needs known extents") }
      let rank = Swift.max(v[0].type.rank, c.ints("reps").count)
      let shape = [Int](repeating: 1, count: rank - v[0].type.rank) + v[0].type.shape
      let reps = [Int](repeating: 1, count: rank - c.ints("reps").count) + c.ints("reps")
      guard reps.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "negative dimensions are not allowed") }
      // (r0, n0, r1, n1, ...) is a broadcast of the array; its axes are then joined in pairs.
      let pad = rank - v[0].type.rank
      let map = AxisMap(v[0].type.shape.indices.map { .aligned(2 * ($0 + pad) + 1) })
      let wide = try v[0].viewed(map, shape: zip(reps, shape).flatMap { [$0, $1] })
      var out: [Int] = []
      for (r, n) in zip(reps, shape) {
        out.append(try c.product([r, n], "an axis of \(n) is repeated \(r) times"))
      }
      return [try wide.reshaped(out)]
    },
    doc: OpDoc(
      "Repeats the whole tensor.", details: "reps count from the last axis; where they are more than the axes, new ones come in front.",
      numpy: "numpy.tile", example: "mt.tile([1, 2], (2, 2))"),
    samples: [Sample([[2, 3]], .all, attributes: ["reps": .ints([2])]), Sample([[3]], attributes: ["reps": .ints([2, 2])])],
    answer: Answer(.never))

  static let `repeat` = OpDef(
    "repeat", inputs: [InputDef("a")],
    attributes: [
      AttrDef("repeats", .ints, "how often each element comes: one number for all or one per element"),
      AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: flattened"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let repeats = c.ints("repeats")
      guard repeats.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "repeats may not contain negative values.") }
      // As NumPy: a value without axes is a vector of one element.
      let x = c.optionalInt("axis") == nil || v[0].type.rank == 0 ? try v[0].reshaped([-1]) : v[0]
      guard x.type.isKnown else { throw c.unknownExtents("repeat needs known extents") }
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      var shape = x.type.shape
      guard repeats.count == 1 || repeats.count == shape[k] else {
        throw c.error(.value, "operands could not be broadcast together with shape (\(shape[k]),) (\(repeats.count),)")
      }
      if repeats.count != 1 {
        return [try x.op(Masks.take, try IndexLists.repeated(repeats), with: ["axis": .int(k)])]
      }
      shape.insert(repeats[0], at: k + 1)
      let wide = try x.viewed(AxisMap(x.type.shape.indices.map { .aligned($0 <= k ? $0 : $0 + 1) }), shape: shape)
      var out = x.type.shape
      out[k] = try c.product([out[k], repeats[0]], "an axis of \(out[k]) is repeated \(repeats[0]) times")
      return [try wide.reshaped(out)]
    },
    doc: OpDoc(
      "Repeats each element.",
      details:
        "As often as repeats says: one number, or one for each element along the axis.  axis None repeats all elements, as one axis.",
      numpy: "numpy.repeat", example: "mt.repeat([1, 2], 2)"), exposure: Exposure(method: true),
    samples: [
      Sample([[2, 3]], .all, attributes: ["repeats": .ints([2])]), Sample([[2, 3]], attributes: ["repeats": .ints([3]), "axis": .int(0)]),
      Sample([[2, 3]], .all, attributes: ["repeats": .ints([3, 1]), "axis": .int(0)]),
    ], answer: Answer(.never))

  static let roll = OpDef(
    "roll", inputs: [InputDef("a")],
    attributes: [
      AttrDef("shift", .ints, "places, one per axis"), AttrDef("axis", .ints, default: AttrValue.none, "the axes; None: flattened"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { throw c.unknownExtents("roll needs known extents") }
      func rolled(_ x: Value, _ k: Int, _ by: Int) throws(MarsError) -> Value {
        let n = x.type.shape[k]
        let s = n == 0 ? 0 : by % n + (by % n < 0 ? n : 0)
        if s == 0 { return x }
        let tail = try x.sliced(axis: k, start: n - s, count: s)
        let head = try x.sliced(axis: k, start: 0, count: n - s)
        return Value(try Joining.join.def.apply([.value(tail), .value(head)], [("axis", .int(k))]))
      }
      guard let axes = c.optionalInts("axis") else {
        let flat = try v[0].reshaped([-1])
        let n = Swift.max(1, flat.type.shape[0])
        return [try rolled(flat, 0, c.ints("shift").reduce(0) { ($0 + $1 % n) % n }).reshaped(v[0].type.shape)]
      }
      let shifts = c.ints("shift")
      guard shifts.count == axes.count || shifts.count == 1 || axes.count == 1 else {
        throw c.error(.value, "'shift' and 'axis' should be scalars or 1D sequences")
      }
      var x = v[0]
      if shifts.isEmpty || axes.isEmpty { return [x] }
      for i in 0..<Swift.max(shifts.count, axes.count) {
        let k = try c.normalisedAxis(axes.count == 1 ? axes[0] : axes[i], rank: x.type.rank)
        x = try rolled(x, k, shifts.count == 1 ? shifts[0] : shifts[i])
      }
      return [x]
    }, doc: OpDoc("Shifts elements along axes, around the end.", numpy: "numpy.roll", example: "mt.roll([1, 2, 3], 1)"),
    samples: [
      Sample([[2, 3]], .all, attributes: ["shift": .ints([2])]), Sample([[2, 3]], attributes: ["shift": .ints([-1]), "axis": .ints([1])]),
    ], answer: Answer(.never))

  static let family = OpFamily([tile, `repeat`, roll])
}
