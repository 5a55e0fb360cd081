import MarsBase
import MarsGraph

/// Indices of diagonals and triangles, and grids of sequences.
enum IndexGrids {
  private static func diagonal(_ n: Int, _ count: Int) throws(MarsError) -> [Value] {
    let line = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(n))))]))
    return [Value](repeating: line, count: count)
  }

  private static let mostAxes = 1 << 20

  static let diagIndices = OpDef(
    "diag_indices", inputs: [], attributes: [AttrDef("n", .int, "extent of every axis"), AttrDef("ndim", .int, default: .int(2), "axes")],
    outputs: ["indices..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, _: [Value]) throws(MarsError) -> [Value] in
      guard c.int("ndim") > 0 else { throw c.error(.value, "diag_indices needs at least one axis, not \(c.int("ndim"))") }
      // They are vectors, of which there may be more than a tensor has axes.
      guard c.int("ndim") <= mostAxes else {
        throw c.error(.memory, "diag_indices of \(c.int("ndim")) axes is not supported: at most \(mostAxes)")
      }
      return try diagonal(c.int("n"), c.int("ndim"))
    },
    doc: OpDoc(
      "Indices of the main diagonal of a tensor of equal extents.", details: "ndim vectors of int64.", numpy: "numpy.diag_indices",
      example: "mt.diag_indices(3)[0]"),
    exposure: Exposure(source: false),
    samples: [Sample([], attributes: ["n": .int(3)]), Sample([], attributes: ["n": .int(2), "ndim": .int(3)])])

  static let diagIndicesFrom = OpDef(
    "diag_indices_from", inputs: [InputDef("arr")], outputs: ["indices..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let shape = v[0].type.shape
      guard shape.count >= 2 else { throw c.error(.value, "input array must be at least 2-d") }
      guard v[0].type.isKnown else { throw c.unknownExtents("diag_indices_from needs known extents") }
      guard Set(shape).count == 1 else { throw c.error(.value, "All dimensions of input must be of equal length") }
      return try diagonal(shape[0], shape.count)
    },
    doc: OpDoc(
      "Indices of the main diagonal of a tensor.", details: "A vector of int64 for each axis, all of which have the same extent.",
      numpy: "numpy.diag_indices_from", example: "mt.diag_indices_from(mt.zeros((3, 3)))[0]"),
    samples: [Sample([[3, 3]], .all), Sample([[2, 2, 2]])])

  private static func triangle(_ name: String, _ of: OpDef, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("arr", "2-d")],
      attributes: [AttrDef("k", .int, default: .int(0), "the diagonal; positive: above the main one")], outputs: ["rows", "columns"],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let shape = v[0].type.shape
        guard shape.count == 2 else { throw c.error(.value, "input array must be 2-d") }
        guard v[0].type.isKnown else { throw c.unknownExtents("\(name) needs known extents") }
        let made = try of.apply([], [("n", .int(shape[0])), ("k", c["k"]), ("columns", .int(shape[1]))])
        return [Value(made, 0), Value(made, 1)]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)(mt.zeros((2, 3)))[0]"),
      exposure: Exposure(source: false, signature: "arr k"),
      samples: [Sample([[3, 4]], .all), Sample([[4, 2]], attributes: ["k": .int(-1)])])
  }
  static let trilIndicesFrom = triangle(
    "tril_indices_from", Patterns.trilIndices, "Indices of the elements of a matrix at and below a diagonal.")
  static let triuIndicesFrom = triangle(
    "triu_indices_from", Patterns.triuIndices, "Indices of the elements of a matrix at and above a diagonal.")

  static let ix = OpDef(
    "ix_", inputs: [InputDef("args", variadic: true, "integers, or masks")], outputs: ["grid..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var out: [Value] = []
      for (k, given) in v.enumerated() {
        guard given.type.rank == 1 else { throw c.error(.value, "Cross index must be 1 dimensional") }
        var x = given
        if x.type.dtype == .bool {
          x = Value(try Masks.flatnonzero.apply([.value(x)]))
        } else if x.type.shape[0] == unknownExtent && !x.type.dtype.isInteger {
          throw c.unknownExtents("ix_ needs a known extent of indices that are no integers")
        } else if x.type.shape[0] == 0 {
          // A list without elements has no dtype of its own.
          x = try x.cast(.int64)
        }
        out.append(v.count == 1 ? x : try x.expanded(at: v.indices.filter { $0 != k }))
      }
      return out
    },
    doc: OpDoc(
      "Sequences as indices of a grid: each along an axis of its own.", details: "A mask stands for the positions where it holds.",
      numpy: "numpy.ix_", example: "mt.ix_([0, 1], [2, 4])[0]"),
    exposure: Exposure(separateArguments: true),
    samples: [Sample([[2], [3]], .integer), Sample([[2], [3], [4]], fixed: [0: .int64, 1: .bool, 2: .int32])])

  static let family = OpFamily([diagIndices, diagIndicesFrom, trilIndicesFrom, triuIndicesFrom, ix])
}
