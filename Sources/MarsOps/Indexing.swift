import MarsBase
import MarsGraph

/// Reading through integer arrays: NumPy's advanced indexing.
enum Indexing {
  static let axes = AttrDef("axes", .ints, "the axis that each of the index arrays walks, ascending")
  static let position = AttrDef(
    "position", .int, default: .int(0), "where the axes of the broadcast index arrays stand in what is selected")

  /// Refuses indices that are known to lie beyond an axis; those of others are found when they are read.
  static func check(_ c: OpContext, _ index: Value, axis: Int, extent: Int) throws(MarsError) {
    guard extent != unknownExtent, let known = index.fewNumbers else { return }
    guard let wrong = known.first(where: { $0 < -Double(extent) || $0 >= Double(extent) }) else { return }
    throw c.error(.index, "index \(Int128(wrong)) is out of bounds for axis \(axis) with size \(extent)")
  }

  /// Index arrays that broadcast to one shape, as one array of C-order positions over `extents`; what is out of bounds stays so.
  static func positions(_ c: OpContext, _ indices: [Value], _ extents: [Int]) throws(MarsError) -> Value {
    guard !indices.isEmpty, indices.count == extents.count else { throw c.error(.value, "there must be one index array per indexed axis") }
    guard Shape.broadcast(indices.map(\.type.shape)) != nil else {
      let shapes = indices.map { Shape.tight($0.type.shape) }.joined(separator: " ")
      throw c.error(.index, "shape mismatch: indexing arrays could not be broadcast together with shapes \(shapes)")
    }
    for i in indices where !i.type.dtype.isInteger { throw c.error(.index, "arrays used as indices must be of integer (or boolean) type") }
    let axes = c.optionalInts("axes") ?? Array(indices.indices)
    for ((i, axis), extent) in zip(zip(indices, axes), extents) { try check(c, i, axis: axis, extent: extent) }
    if indices.count == 1 { return try indices[0].cast(.int64) }
    guard extents.allSatisfy({ $0 >= 0 }) else {
      throw c.unknownExtents("several index arrays need known extents of the axes that they walk")
    }
    let total = Scalar(Int64(extents.reduce(1, *)))
    var flat: Value? = nil
    var isOutside: Value? = nil
    for ((i, n), stride) in zip(zip(indices, extents), Shape.rowMajorStrides(extents)) {
      let index = try i.cast(.int64)
      let isNegative = try index.op(Comparison.less, weak: Scalar(Int64(0)))
      let counted = try isNegative.op(Selection.where, try index.op(Arithmetic.add, weak: Scalar(Int64(n))), index)
      let low = try counted.op(Comparison.less, weak: Scalar(Int64(0)))
      let outside = try low.op(Comparison.logicalOr, try counted.op(Comparison.greaterEqual, weak: Scalar(Int64(n))))
      let part = try counted.op(Arithmetic.multiply, weak: Scalar(Int64(stride)))
      flat = try flat?.op(Arithmetic.add, part) ?? part
      isOutside = try isOutside?.op(Comparison.logicalOr, outside) ?? outside
    }
    guard let flat, let isOutside else { throw c.error(.internal, "there are index arrays") }
    return Value(try Selection.where.apply([.value(isOutside), .weak(total), .value(flat)]))
  }

  /// Checks the indexed axes and gives the others.
  static func others(_ c: OpContext, rank: Int) throws(MarsError) -> [Int] {
    let axes = try c.normalisedAxes(c.ints("axes"), rank: rank)
    guard axes == c.ints("axes") else { throw c.error(.value, "axes must ascend") }
    let rest = (0..<rank).filter { !axes.contains($0) }
    guard c.int("position") >= 0 && c.int("position") <= rest.count else { throw c.error(.value, "position is out of bounds") }
    return rest
  }

  static let indexArrays = OpDef(
    "index_arrays", inputs: [InputDef("x"), InputDef("indices", variadic: true, "integer arrays that broadcast together")],
    attributes: [axes, position], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let shape = v[0].type.shape
      let rest = try others(c, rank: shape.count)
      let axes = c.ints("axes")
      let flat = try positions(c, Array(v.dropFirst()), axes.map { shape[$0] })
      let r = flat.type.rank
      if axes.count == 1 {
        // Along its own axis nothing has to move.
        let taken = try v[0].op(Masks.take, flat, with: ["axis": .int(axes[0])])
        return [try moved(taken, from: axes[0], to: c.int("position"), count: r)]
      }
      guard rest.allSatisfy({ shape[$0] >= 0 }) else { throw c.unknownExtents("several index arrays need known extents") }
      let front = try v[0].permuted(axes + rest).reshaped([axes.reduce(1) { $0 * shape[$1] }] + rest.map { shape[$0] })
      return [try moved(try front.op(Masks.take, flat, with: ["axis": .int(0)]), from: 0, to: c.int("position"), count: r)]
    },
    doc: OpDoc(
      "Elements that integer arrays pick along axes: x[i, j].", details: "Negative indices count from the end.",
      example: "mt.tensor([[1, 2], [3, 4]])[[0, 1], [1, 0]]"), exposure: .hidden,
    samples: [])

  /// Index arrays of all axes that go through the places of a shape, except along axis k, where `indices` says which.
  static func along(_ k: Int, _ indices: Value, of shape: [Int]) throws(MarsError) -> [Value] {
    var out: [Value] = []
    for d in shape.indices {
      if d == k {
        out.append(indices)
        continue
      }
      let line = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(shape[d]))))]))
      out.append(try line.reshaped(shape.indices.map { $0 == d ? shape[d] : 1 }))
    }
    return out
  }

  static let takeAlongAxis = OpDef(
    "take_along_axis", inputs: [InputDef("arr"), InputDef("indices", alone: true)],
    attributes: [AttrDef("axis", .int, default: .int(-1), allowsNone: true, "the axis; None: the flattened array")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
      let rank = x.type.rank
      guard v[1].type.rank == rank else { throw c.error(.value, "`indices` and `arr` must have the same number of dimensions") }
      guard v[1].type.dtype.isInteger else { throw c.error(.index, "`indices` must be an integer array") }
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: rank)
      guard x.type.isKnown && v[1].type.isKnown else { throw c.unknownExtents("take_along_axis needs known extents") }
      var (own, given) = (x.type.shape, v[1].type.shape)
      (own[k], given[k]) = (1, 1)
      guard var shape = Shape.broadcast([own, given]) else { throw c.error(.value, "`indices` and `arr` do not broadcast beside the axis") }
      shape[k] = x.type.shape[k]
      let operands = [try x.broadcast(to: shape)] + (try along(k, v[1], of: shape))
      return [Value(try indexArrays.apply(operands.map { .value($0) }, [("axes", .ints(Array(0..<rank)))]))]
    },
    doc: OpDoc(
      "Elements along an axis by indices of their own.",
      details:
        "Indices are integers, with as many axes as arr, and broadcast against it along the other axes; negative ones count from the end.",
      numpy: "numpy.take_along_axis",
      example: "mt.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1)"))

  /// `count` neighbouring axes moved as a block.
  static func moved(_ x: Value, from: Int, to: Int, count: Int) throws(MarsError) -> Value {
    if from == to || count == 0 { return x }
    let block = Array(from..<from + count)
    var order = (0..<x.type.rank).filter { !block.contains($0) }
    order.insert(contentsOf: block, at: to)
    return try x.permuted(order)
  }

  static let family = OpFamily([indexView, basicIndex, index, assignIndex, indexArrays, takeAlongAxis])
}
