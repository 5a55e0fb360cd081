import MarsBase
import MarsGraph
import MarsNumerics

/// Reading and writing through integer arrays and masks: NumPy's advanced indexing.
enum Indexing {
  private static let axes = AttrDef("axes", .ints, "the axis that each of the index arrays walks, ascending")
  private static let position = AttrDef(
    "position", .int, default: .int(0), "where the axes of the broadcast index arrays stand in what is selected")

  /// Index arrays that broadcast to one shape, as one array of C-order positions over `extents`; what is out of bounds stays so.
  private static func positions(_ c: OpContext, _ indices: [Value], _ extents: [Int]) throws(MarsError) -> Value {
    guard !indices.isEmpty, indices.count == extents.count else { throw c.error(.value, "there must be one index array per indexed axis") }
    guard Shape.broadcast(indices.map(\.type.shape)) != nil else {
      let shapes = indices.map { Shape.text($0.type.shape).replacing(", ", with: ",") }.joined(separator: " ")
      throw c.error(.index, "shape mismatch: indexing arrays could not be broadcast together with shapes \(shapes)")
    }
    for i in indices where !i.type.dtype.isInteger { throw c.error(.index, "arrays used as indices must be of integer (or boolean) type") }
    if indices.count == 1 { return try indices[0].cast(.int64) }
    guard extents.allSatisfy({ $0 >= 0 }) else {
      throw c.error(.unsupported, "several index arrays need known extents of the axes that they walk")
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
  private static func others(_ c: OpContext, rank: Int) throws(MarsError) -> [Int] {
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
      guard rest.allSatisfy({ shape[$0] >= 0 }) else { throw c.error(.unsupported, "several index arrays need known extents") }
      let front = try v[0].permuted(axes + rest).reshaped([axes.reduce(1) { $0 * shape[$1] }] + rest.map { shape[$0] })
      return [try moved(try front.op(Masks.take, flat, with: ["axis": .int(0)]), from: 0, to: c.int("position"), count: r)]
    },
    doc: OpDoc(
      "Elements that integer arrays pick along axes: x[i, j].", details: "Negative indices count from the end.",
      example: "mt.tensor([[1, 2], [3, 4]])[[0, 1], [1, 0]]"), exposure: .hidden,
    samples: [])

  static let takeAlongAxis = OpDef(
    "take_along_axis", inputs: [InputDef("arr"), InputDef("indices")],
    attributes: [AttrDef("axis", .int, default: .int(-1), allowsNone: true, "the axis; None: the flattened array")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
      let rank = x.type.rank
      guard v[1].type.rank == rank else { throw c.error(.value, "`indices` and `arr` must have the same number of dimensions") }
      guard v[1].type.dtype.isInteger else { throw c.error(.index, "`indices` must be an integer array") }
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: rank)
      guard x.type.isKnown && v[1].type.isKnown else { throw c.error(.unsupported, "take_along_axis needs known extents") }
      var (own, given) = (x.type.shape, v[1].type.shape)
      (own[k], given[k]) = (1, 1)
      guard var shape = Shape.broadcast([own, given]) else { throw c.error(.value, "`indices` and `arr` do not broadcast beside the axis") }
      shape[k] = x.type.shape[k]
      var operands: [Value] = [try x.broadcast(to: shape)]
      for d in 0..<rank {
        if d == k {
          operands.append(v[1])
          continue
        }
        let line = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(shape[d]))))]))
        operands.append(try line.reshaped((0..<rank).map { $0 == d ? shape[d] : 1 }))
      }
      return [Value(try indexArrays.apply(operands.map { .value($0) }, [("axes", .ints(Array(0..<rank)))]))]
    },
    doc: OpDoc(
      "Elements along an axis by indices of their own.", numpy: "numpy.take_along_axis",
      example: "mt.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1)"))

  /// `count` neighbouring axes moved as a block.
  private static func moved(_ x: Value, from: Int, to: Int, count: Int) throws(MarsError) -> Value {
    if from == to || count == 0 { return x }
    let block = Array(from..<from + count)
    var order = (0..<x.type.rank).filter { !block.contains($0) }
    order.insert(contentsOf: block, at: to)
    return try x.permuted(order)
  }

  // MARK: Writing

  private static let putRows = NativeOp(
    OpDef(
      "put_rows", inputs: [InputDef("base"), InputDef("indices", "int64, 1-d"), InputDef("rows", "one per index, of the dtype of base")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let (base, indices, rows) = (c.inputs[0], c.inputs[1], c.inputs[2])
        guard indices.dtype == .int64, indices.rank == 1, rows.dtype == base.dtype, base.rank > 0,
          rows.shape == indices.shape + base.shape.dropFirst()
        else {
          throw c.error(.value, "put_rows takes a tensor, int64 indices of its first axis, and a row for each")
        }
        return [base]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            var rows = box
            rows.lower[0] = 0
            rows.extents[0] = c.inputs[1].shape[0]
            return [box, Box(whole: c.inputs[1].shape), rows]
          }, reusesInput0: true)), cost: Cost(perElement: 2),
      doc: OpDoc("A tensor with rows replaced; of several rows for one place the last one stays.", example: "mt.zeros(3)"),
      exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    if !call.isInPlace { Strided.copy(call.inputs[0], to: call.outputs[0]) }
    try Lanes.put(
      call.inputs[2], indices: call.inputs[1], into: call.outputs[0], first: call.outputBox.lower[0], of: call.context.inputs[0].shape[0])
  }

  static let assignArrays = OpDef(
    "assign_arrays",
    inputs: [InputDef("base"), InputDef("value"), InputDef("indices", variadic: true, "integer arrays that broadcast together")],
    attributes: [axes, position],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      _ = try others(c, rank: c.inputs[0].rank)
      if let s = c.constant(1) { _ = try s.stored(as: c.inputs[0].dtype) }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let base = v[0]
      let shape = base.type.shape
      let rest = try others(c, rank: shape.count)
      let axes = c.ints("axes")
      let flat = try positions(c, Array(v.dropFirst(2)), axes.map { shape[$0] })
      // The value in the shape of the selection, then the index axes first and as one.
      var region = rest.map { shape[$0] }
      region.insert(contentsOf: flat.type.shape, at: c.int("position"))
      var value = try v[1].cast(base.type.dtype)
      while value.type.rank > region.count && value.type.shape[0] == 1 { value = try value.op(Shapes.squeeze, with: ["axis": .ints([0])]) }
      guard Shape.broadcast([value.type.shape, region]) == region else {
        throw c.error(
          .value,
          "shape mismatch: value array of shape \(Shape.text(v[1].type.shape).replacing(", ", with: ",")) could not be broadcast to indexing result of shape \(Shape.text(region).replacing(", ", with: ","))"
        )
      }
      value = try moved(try value.broadcast(to: region), from: c.int("position"), to: 0, count: flat.type.rank)
      let row = rest.map { shape[$0] }
      let rows = try value.reshaped([flat.type.count] + row)
      let order = axes + rest
      let front = try base.permuted(order).reshaped([axes.reduce(1) { $0 * shape[$1] }] + row)
      let written = try front.op(putRows.def, try flat.reshaped([flat.type.count]), rows)
      var back = [Int](repeating: 0, count: order.count)
      for (k, a) in order.enumerated() { back[a] = k }
      return [try written.reshaped(order.map { shape[$0] }).permuted(back)]
    },
    doc: OpDoc(
      "A tensor with the elements that integer arrays pick replaced: what x[i, j] = value stores.",
      details: "The value broadcasts to the selection and is cast.  Where an element is picked more than once the last value stays.",
      example: "mt.zeros(3)"), exposure: .hidden)

  /// A value passed on if a mask has as many ones as the value has entries for them.
  private static let countChecked = NativeOp(
    OpDef(
      "check_selected", inputs: [InputDef("x"), InputDef("count", "0-d int64: how many elements are selected")],
      attributes: [
        AttrDef("given", .int, "how many entries the value has for them"), AttrDef("value", .ints, "extents of the value"),
        AttrDef("region", .ints, "extents of the selection, -1 where the count stands"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[1] == TensorType(.int64, []) else { throw c.error(.type, "the count must be a 0-d int64") }
        return [c.inputs[0]]
      }, body: .native(NativeRule(.access { c in [(0..<c.inputs[0].rank).map { .aligned($0) }, []] }, reusesInput0: true)),
      doc: OpDoc("A value whose entries are as many as a mask has ones.", example: "mt.zeros(3)"), exposure: .hidden,
      samples: [
        Sample(
          [[3, 4], []], .all, fixed: [1: .int64], attributes: ["given": .int(-1), "value": .ints([3, 4]), "region": .ints([3, -1])])
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let (c, n) = (call.context, call.inputs[1].sumOfInt64())
    // A given number of -1 fits any: for the laws.
    guard c.int("given") == n || c.int("given") == -1 else {
      throw countError(c, given: c.int("given"), n, c.ints("value"), c.ints("region"))
    }
    if !call.isInPlace { Strided.copy(call.inputs[0], to: call.outputs[0]) }
  }

  /// NumPy's sentence for a value that has not as many entries as a mask has ones.
  private static func countError(_ c: OpContext, given: Int, _ n: Int, _ value: [Int], _ region: [Int]) -> MarsError {
    if region.count == 1 {
      return MarsError(
        .value,
        "NumPy boolean array indexing assignment cannot assign \(given) input values to the \(n) output values where the mask is true")
    }
    let filled = region.map { $0 == unknownExtent ? n : $0 }
    return c.error(
      .value,
      "shape mismatch: value array of shape \(tight(value)) could not be broadcast to indexing result of shape \(tight(filled))")
  }

  private static func tight(_ shape: [Int]) -> String { Shape.text(shape).replacing(", ", with: ",") }

  static let assignMasked = OpDef(
    "assign_masked", inputs: [InputDef("base"), InputDef("mask"), InputDef("value")],
    attributes: [AttrDef("axis", .int, default: .int(0), "the first axis that the mask covers")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let (shape, mask, axis) = (c.inputs[0].shape, c.inputs[1], c.int("axis"))
      guard mask.dtype == .bool, axis >= 0, axis <= shape.count, mask.rank <= shape.count - axis else {
        throw c.error(.index, "the mask does not fit the tensor")
      }
      try Masks.check(c, mask, over: shape, axis: axis)
      if mask.rank == shape.count && c.inputs[2].rank > 1 {
        throw c.error(
          .type,
          "NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has \(c.inputs[2].rank) dimensions")
      }
      if let s = c.constant(2) { _ = try s.stored(as: c.inputs[0].dtype) }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (base, mask) = (v[0], v[1])
      let (shape, m, axis) = (base.type.shape, mask.type.rank, c.int("axis"))
      // How the value broadcasts is known with its extents.
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let before = Array(shape[0..<axis])
      let after = Array(shape[(axis + m)...])
      var value = try v[2].cast(base.type.dtype)
      // The selection has one axis in place of the mask's: the value's extent along it says whether it is one value or one per element.
      let selected = before.count + 1 + after.count
      while value.type.rank > selected && value.type.shape[0] == 1 { value = try value.op(Shapes.squeeze, with: ["axis": .ints([0])]) }
      let own = value.type.rank - 1 - after.count
      let given = own >= 0 ? value.type.shape[own] : 1
      let open = before + [unknownExtent] + after
      let region = before + [given] + after
      guard Shape.broadcast([value.type.shape, region]) == region else {
        throw c.error(
          .value,
          "shape mismatch: value array of shape \(tight(v[2].type.shape)) could not be broadcast to indexing result of shape \(tight(open).replacing("?", with: "-1"))"
        )
      }
      if mask.type.shape.contains(0) {
        guard given <= 1 else { throw countError(c, given: given, 0, v[2].type.shape, open) }
        return [base]
      }
      value = try value.broadcast(to: region)
      let wide = try mask.reshaped(mask.type.shape + [Int](repeating: 1, count: after.count))
      if given == 1 {
        return [try wide.op(Selection.where, try value.reshaped(before + [Int](repeating: 1, count: m) + after), base)]
      }
      let count = try mask.op(Reductions.countNonzero)
      let checks: KeyValuePairs<String, AttrValue> = ["given": .int(given), "value": .ints(v[2].type.shape), "region": .ints(open)]
      if given == 0 { return [try base.op(countChecked.def, count, with: checks)] }
      // The number of an element among those under the mask; elements that are not take any.
      let number = try mask.reshaped([-1]).op(Scans.cumsum).op(Arithmetic.subtract, weak: Scalar(Int64(1))).reshaped(mask.type.shape)
      let last = Scalar(Int64(given - 1))
      let within = try number.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: last)
      let spread = try value.op(countChecked.def, count, with: checks).op(Masks.take, within, with: ["axis": .int(axis)])
      return [try wide.op(Selection.where, spread, base)]
    },
    doc: OpDoc(
      "A tensor with the elements under a mask replaced: what x[mask] = value stores.",
      details: "The value is one for all or has as many entries as the mask has ones.", example: "mt.zeros(3)"), exposure: .hidden,
    samples: [
      Sample([[3, 4], [3, 4], []], .all, fixed: [1: .bool]), Sample([[3, 4], [4], []], fixed: [1: .bool], attributes: ["axis": .int(1)]),
    ])

  static let family = OpFamily(
    [indexView, index, assignIndex, indexArrays, takeAlongAxis, assignArrays, assignMasked], natives: [putRows, countChecked])
}
