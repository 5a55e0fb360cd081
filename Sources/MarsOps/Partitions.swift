import MarsBase
import MarsGraph

/// Orders that follow from sorting: partitions, and sorting by several keys.
enum Partitions {
  private static func partition(_ name: String, _ of: OpDef, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [
        AttrDef("kth", .ints, "places that are to hold what a sort would put there"),
        AttrDef(
          "axis", .int, default: .int(-1), allowsNone: true, role: name == "argpartition" ? .axis : .number,
          "the axis; None: the flattened array"),
        AttrDef("kind", .string, default: .string("introselect"), "NumPy's method"),
      ], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        guard c.string("kind") == "introselect" else {
          throw c.error(.value, "select kind must be 'introselect' (got '\(c.string("kind"))')")
        }
        let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
        let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
        let n = x.type.shape[k]
        // As NumPy: where there are no elements, there is nothing to look for.
        for place in c.ints("kth") where n != unknownExtent && !x.type.shape.contains(0) && (place < -n || place >= n) {
          throw c.error(.value, "kth(=\(place < 0 ? place + n : place)) out of bounds (\(n))")
        }
        return [try x.op(of, with: ["axis": .int(k)])]
      }, cost: Cost(perElement: 60),
      doc: OpDoc(
        summary, details: "All of the axis is sorted, which puts every place right.", numpy: "numpy.\(name)",
        example: "mt.\(name)([3, 1, 2], 1)"),
      exposure: Exposure(method: name == "argpartition", signature: "a kth axis kind order=None"),
      samples: [
        Sample([[3, 4]], .all, attributes: ["kth": .ints([1, -1])]), Sample([[5]], attributes: ["kth": .ints([0]), "axis": .none]),
      ])
  }
  static let partition = partition(
    "partition", Sorting.sort, "A copy in which smaller elements stand before the k-th, larger ones after it.")
  static let argpartition = partition("argpartition", Sorting.argsort, "Indices that partition.")

  static let lexsort = OpDef(
    "lexsort", inputs: [InputDef("keys", variadic: true, "the last one counts first")],
    attributes: [AttrDef("axis", .int, default: .int(-1), "the axis")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let first = v.first else { throw c.error(.type, "need sequence of keys with len > 0 in lexsort") }
      guard v.count == 1 || v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("lexsort needs known extents") }
      guard v.allSatisfy({ $0.type.shape == first.type.shape }) else { throw c.error(.value, "all keys need to be the same shape") }
      let k = try c.normalisedAxis(c.int("axis"), rank: first.type.rank)
      var order = try first.op(Sorting.argsort, with: ["axis": .int(k)])
      // Sorting keeps the order of equal elements: what later keys leave open, earlier ones have decided.
      for key in v.dropFirst() {
        let next = try key.op(Indexing.takeAlongAxis, order, with: ["axis": .int(k)]).op(Sorting.argsort, with: ["axis": .int(k)])
        order = try order.op(Indexing.takeAlongAxis, next, with: ["axis": .int(k)])
      }
      return [order]
    }, cost: Cost(perElement: 120),
    doc: OpDoc(
      "Indices that sort by several keys.", details: "int64, of the shape of a key.  The last key counts most.", numpy: "numpy.lexsort",
      example: "mt.lexsort(([2, 1, 1], [5, 5, 3]))"),
    exposure: Exposure(signature: "keys axis"),
    samples: [Sample([[4], [4]], .all), Sample([[3, 4], [3, 4]], attributes: ["axis": .int(0)])])

  static let family = OpFamily([partition, argpartition, lexsort])
}
