import MarsBase
import MarsGraph

/// The first elements of what a sort would give.
enum TopElements {
  private struct Found {
    let values: Value
    /// Their places along the axis, int64.
    let places: Value
  }

  /// An axis of four blocks or more is searched block by block: blocks are cut over tasks, and what they leave is searched again.
  private static let block = 1 << 16

  private static func first(_ x: Value, axis: Int, count: Int) throws(MarsError) -> Value {
    try x.sliced(axis: axis, start: 0, count: count)
  }

  private static func joined(_ parts: Value..., axis: Int) throws(MarsError) -> Value {
    Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(axis))]))
  }

  /// The first `k` of the last axis, in order; of equal elements those that stand first.
  private static func find(_ x: Value, k: Int, descending: Bool) throws(MarsError) -> Found {
    let (axis, n) = (x.type.rank - 1, x.type.shape[x.type.rank - 1])
    let size = k > n / 8 ? n : Swift.max(block, 8 * k)
    let order: KeyValuePairs<String, AttrValue> = ["axis": .int(-1), "descending": .bool(descending)]
    guard n / 4 >= size else {
      return Found(
        values: try first(try x.op(Sorting.sort, with: order), axis: axis, count: k),
        places: try first(try x.op(Sorting.argsort, with: order), axis: axis, count: k))
    }
    let outer = Array(x.type.shape.dropLast())
    let blocks = n / size
    let rows = try x.sliced(axis: axis, start: 0, count: blocks * size).reshaped(outer + [blocks, size])
    let best = try find(rows, k: k, descending: descending)
    let starts = Value(
      try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(blocks * size)))), ("step", .scalar(Scalar(Int64(size))))]))
    var values = try best.values.reshaped(outer + [blocks * k])
    var places = try best.places.op(Arithmetic.add, try starts.reshaped([blocks, 1])).reshaped(outer + [blocks * k])
    if n > blocks * size {
      let last = try find(
        try x.sliced(axis: axis, start: blocks * size, count: n - blocks * size), k: Swift.min(k, n - blocks * size), descending: descending
      )
      values = try joined(values, last.values, axis: axis)
      places = try joined(places, try last.places.op(Arithmetic.add, weak: Scalar(Int64(blocks * size))), axis: axis)
    }
    // Candidates stand in the order of their places, so that equal ones stay in it.
    let chosen = try find(values, k: k, descending: descending)
    return Found(
      values: chosen.values, places: try places.op(Indexing.takeAlongAxis, chosen.places, with: ["axis": .int(axis)]))
  }

  private static func top(_ name: String, _ summary: String, places: Bool) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [
        AttrDef("k", .int, "how many elements; negative: as many of the other end"),
        AttrDef("axis", .int, default: .int(-1), allowsNone: true, "the axis; None: the flattened array"),
        AttrDef("largest", .bool, default: .bool(true), "whether the largest come first, or the smallest"),
      ], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
        guard x.type.isKnown else { throw c.unknownExtents("\(name) needs known extents") }
        let axis = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
        let k = Int(Swift.min(c.int("k").magnitude, x.type.shape[axis].magnitude))
        let line = try x.op(Shapes.moveaxis, with: ["source": .ints([axis]), "destination": .ints([-1])])
        let found = try find(line, k: k, descending: c.bool("largest") == (c.int("k") >= 0))
        return [
          try (places ? found.places : found.values).op(Shapes.moveaxis, with: ["source": .ints([-1]), "destination": .ints([axis])])
        ]
      }, cost: Cost(perElement: 60),
      doc: OpDoc(
        summary,
        details: "Along the axis they stand in the order of a sort, in which NaN is the largest.  An axis that has fewer is given whole.",
        example: "mt.\(name)([3, 1, 2], 2)"),
      exposure: Exposure(method: true),
      samples: [
        Sample([[3, 4]], .all, attributes: ["k": .int(2)]), Sample([[5]], .all, attributes: ["k": .int(-3), "axis": .none]),
        Sample([[3, 4]], attributes: ["k": .int(9), "axis": .int(0), "largest": .bool(false)]), Sample([[0]], attributes: ["k": .int(1)]),
        Sample([[5]], attributes: ["k": .int(0)]),
      ])
  }
  static let topk = top("topk", "The k largest elements along an axis, the largest first.", places: false)
  static let argtopk = top("argtopk", "Indices of the k largest elements along an axis, that of the largest first.", places: true)

  static let family = OpFamily([topk, argtopk])
}
