import MarsBase
import MarsGraph
import MarsNumerics

/// Selection by masks and positions.
enum Masks {
  /// Rows of x under a 1-D mask; chunk i of the result has as many rows as its mask has ones.
  private static let selectRows = NativeOp(
    OpDef(
      "select_rows", inputs: [InputDef("x"), InputDef("mask")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[1].dtype == .bool && c.inputs[1].rank == 1 else { throw c.error(.type, "the mask must be 1-d and bool") }
        guard let n = c.inputs[0].shape.first, Set([n, c.inputs[1].shape[0], unknownExtent]).count < 3 else {
          throw c.error(.index, "the mask must be as long as axis 0 of the tensor")
        }
        return [TensorType(c.inputs[0].dtype, [unknownExtent] + c.inputs[0].shape.dropFirst())]
      }, body: .native(NativeRule(.selecting(axis: 0))), cost: Cost(perElement: 2),
      doc: OpDoc("Rows of a tensor where a mask holds.", example: "mt.tensor([1, 2, 3])[mt.tensor([True, False, True])]"),
      exposure: .hidden,
      samples: [
        Sample([[5], [5]], .all, fixed: [1: .bool]), Sample([[5, 2], [5]], fixed: [1: .bool]), Sample([[0], [0]], fixed: [1: .bool]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let n = try Lanes.select(call.inputs[0], mask: call.inputs[1], into: call.outputs[0])
    call.producedShape = [n] + call.inputs[0].shape.dropFirst()
  }

  /// Refuses a mask that does not fit the extents of a tensor from `axis` on.
  static func check(_ c: OpContext, _ mask: TensorType, over shape: [Int], axis: Int) throws(MarsError) {
    // NumPy does not look at an extent of 0 in a mask: nothing is selected.
    for (k, n) in mask.shape.enumerated() where n != shape[axis + k] && n > 0 && shape[axis + k] >= 0 {
      throw c.error(
        .index,
        "boolean index did not match indexed array along axis \(axis + k); size of axis is \(shape[axis + k]) but size of corresponding boolean axis is \(n)"
      )
    }
  }

  /// x[mask] for a mask over the leading axes, which fits them.
  static func select(_ c: OpContext, _ x: Value, _ mask: Value) throws(MarsError) -> Value {
    let m = mask.type.rank
    if mask.type.shape.contains(0) && Shape.isKnown(x.type.shape) {
      return try x.sliced(axis: 0, start: 0, count: 0).reshaped([0] + x.type.shape[m...])
    }
    if m == 1 { return try x.op(selectRows.def, mask) }
    guard m > 0 else { return try x.expanded(at: [0]).op(selectRows.def, try mask.expanded(at: [0])) }
    let rest = Array(x.type.shape[m...])
    guard Shape.isKnown(rest) else { throw c.unknownExtents("a mask needs known extents of the axes that it leaves") }
    // Told where it is known: beside an axis without elements it does not follow from the others.
    let masked = Array(x.type.shape[..<m])
    let rows = Shape.isKnown(masked) ? try c.product(masked, "the axes of a mask") : -1
    return try x.reshaped([rows] + rest).op(selectRows.def, try mask.reshaped([-1]))
  }

  static let booleanMask = OpDef(
    "boolean_mask", inputs: [InputDef("x"), InputDef("mask")],
    attributes: [AttrDef("axis", .int, default: .int(0), "the first axis that the mask covers")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (axis, m) = (c.int("axis"), v[1].type.rank)
      guard v[1].type.dtype == .bool else { throw c.error(.index, "the mask must be of dtype bool, not \(v[1].type.dtype.name)") }
      guard axis >= 0 && axis <= v[0].type.rank else { throw c.error(.index, "axis \(axis) is no axis of the array or its end") }
      guard m <= v[0].type.rank - axis else {
        throw c.error(.index, "too many indices for array: array is \(v[0].type.rank)-dimensional, but \(axis + m) were indexed")
      }
      try check(c, v[1].type, over: v[0].type.shape, axis: axis)
      if axis == 0 { return [try select(c, v[0], v[1])] }
      // The masked axes first; the one axis that becomes of them goes back to their place.
      let moved = Array(axis..<axis + m)
      let front = try v[0].permuted(moved + (0..<v[0].type.rank).filter { !moved.contains($0) })
      let r = try select(c, front, v[1])
      return [try r.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([axis])])]
    },
    doc: OpDoc(
      "Elements where a mask over some axes holds: x[mask].", details: "How many there are is known when it has run.",
      example: "mt.tensor([1, 2, 3])[mt.tensor([True, False, True])]"), exposure: .hidden,
    samples: [
      Sample([[5], [5]], .all, fixed: [1: .bool]), Sample([[3, 4], [3, 4]], fixed: [1: .bool]),
      Sample([[3, 4, 2], [3, 4]], fixed: [1: .bool]),
      Sample([[3, 4, 2], [4]], fixed: [1: .bool], attributes: ["axis": .int(1)]),
    ])

  /// Rows of x under a vector that may be shorter, and also longer where no element beyond the rows holds.
  private static func leading(_ c: OpContext, _ x: Value, _ mask: Value) throws(MarsError) -> Value {
    let (m, n) = (mask.type.shape[0], x.type.shape[0])
    guard m >= 0 && n >= 0 else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    if m == n { return try x.op(selectRows.def, mask) }
    if m < n { return try x.sliced(axis: 0, start: 0, count: m).op(selectRows.def, mask) }
    // Whether an element beyond holds is known when it runs.
    return try x.op(takeLoop.def, try positions(c, mask), with: ["axis": .int(0)])
  }

  static let compress = OpDef(
    "compress", inputs: [InputDef("condition", alone: true), InputDef("a")],
    attributes: [AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: the flattened array")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "condition must be a 1-d array") }
      let mask = try v[0].cast(.bool)
      // As NumPy: a value without axes is a vector of one element.
      var x = c.optionalInt("axis") == nil || v[1].type.rank == 0 ? try v[1].reshaped([-1]) : v[1]
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      x = try x.op(Shapes.moveaxis, with: ["source": .ints([k]), "destination": .ints([0])])
      let r = try leading(c, x, mask)
      return [try r.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([k])])]
    },
    doc: OpDoc(
      "Slices along an axis where a condition holds.",
      details: "The condition may be shorter than the axis.  How many slices there are is known when it has run.", numpy: "numpy.compress",
      example: "mt.compress([True, False], [[1, 2], [3, 4]], axis=0)"),
    exposure: Exposure(out: .fitsResult),
    samples: [Sample([[3], [3, 4]], .all, fixed: [0: .bool], attributes: ["axis": .int(0)])])

  static let extract = OpDef(
    "extract", inputs: [InputDef("condition", alone: true), InputDef("arr")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      [try leading(c, try v[1].reshaped([-1]), try v[0].cast(.bool).reshaped([-1]))]
    },
    doc: OpDoc(
      "Elements of the flattened array where a condition holds.", details: "A vector, whose extent is known when it has run.",
      numpy: "numpy.extract", example: "mt.extract([True, False], [1, 2])"),
    samples: [Sample([[3, 4], [3, 4]], .all, fixed: [0: .bool])])

  // MARK: Positions

  /// Where a 1-D mask is set; chunk i of the result has as many positions as its mask has ones.
  private static let markedPositions = NativeOp(
    OpDef(
      "marked_positions", inputs: [InputDef("mask")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .bool && c.inputs[0].rank == 1 else { throw c.error(.type, "the mask must be 1-d and bool") }
        return [TensorType(.int64, [unknownExtent])]
      }, body: .native(NativeRule(.selecting(axis: 0))), cost: Cost(perElement: 2),
      doc: OpDoc("Positions at which a mask is set.", example: "mt.flatnonzero([False, True])"), exposure: .hidden,
      samples: [Sample([[40]], fixed: [0: .bool]), Sample([[0]], fixed: [0: .bool])])
  ) { (call: inout NativeCall) throws(MarsError) in
    call.producedShape = [Lanes.positions(of: call.inputs[0], first: call.inputBoxes[0].lower[0], into: call.outputs[0])]
  }

  private static func positions(_ c: OpContext, _ x: Value) throws(MarsError) -> Value {
    guard x.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    return try x.cast(.bool).reshaped([-1]).op(markedPositions.def)
  }

  /// Indices along every axis from C-order positions.
  private static func unravelled(_ flat: Value, _ shape: [Int], columnsFirst: Bool = false) throws(MarsError) -> [Value] {
    var out: [Value] = []
    let strides = columnsFirst ? Shape.rowMajorStrides(shape.reversed()).reversed() : Shape.rowMajorStrides(shape)
    for (k, s) in strides.enumerated() {
      var v = flat
      if s != 1 { v = try v.op(Arithmetic.floorDivide, weak: Scalar(Int64(s))) }
      if columnsFirst ? k < shape.count - 1 : k > 0 { v = try v.op(Arithmetic.remainder, weak: Scalar(Int64(Swift.max(1, shape[k])))) }
      out.append(v)
    }
    return out
  }

  static let flatnonzero = OpDef(
    "flatnonzero", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in [try positions(c, v[0])] },
    doc: OpDoc(
      "C-order positions of the elements that are not zero.", details: "A vector of int64, whose extent is known when it has run.",
      numpy: "numpy.flatnonzero", example: "mt.flatnonzero([0, 5, 0, 7])"),
    samples: [Sample([[3, 4]], .all), Sample([[0]], .all)])

  static let nonzero = OpDef(
    "nonzero", inputs: [InputDef("a")], outputs: ["indices..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank > 0 else {
        throw c.error(.value, "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.")
      }
      return try unravelled(try positions(c, v[0]), v[0].type.shape)
    },
    doc: OpDoc(
      "Indices of the elements that are not zero, one tensor per axis.",
      details: "Vectors of int64 in C order, whose extent is known when it has run.", numpy: "numpy.nonzero",
      example: "mt.nonzero([0, 5, 0, 7])[0]"),
    exposure: Exposure(method: true), samples: [Sample([[3, 4]], .all), Sample([[4]], .all)])

  static let argwhere = OpDef(
    "argwhere", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0].type.rank == 0 ? try v[0].expanded(at: [0]) : v[0]
      let columns = try unravelled(try positions(c, x), x.type.shape)
      let r = Value(try Joining.stack.apply(columns.map { .value($0) }, [("axis", .int(1))]))
      return [v[0].type.rank == 0 ? try r.sliced(axis: 1, start: 0, count: 0) : r]
    },
    doc: OpDoc(
      "Indices of the elements that are not zero, one row each.",
      details: "int64, of shape (elements found, axes of a), the first of which is known when it has run.", numpy: "numpy.argwhere",
      example: "mt.argwhere([[0, 5], [7, 0]])"),
    samples: [Sample([[3, 4]], .all)])

  private static let order = AttrDef(
    "order", .string, default: .string("C"), since: 2, "'C': the last index runs fastest; 'F': the first one")

  private static func isColumnsFirst(_ c: OpContext) throws(MarsError) -> Bool {
    guard ["C", "F"].contains(c.string("order")) else { throw c.error(.value, "only 'C' or 'F' order is permitted") }
    return c.string("order") == "F"
  }

  static let unravelIndex = OpDef(
    "unravel_index", inputs: [InputDef("indices")], attributes: [AttrDef("shape", .ints, role: .extent, "extents of the array"), order],
    outputs: ["indices..."],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype.isInteger else { throw c.error(.type, "only int indices permitted") }
      let shape = try c.shape("shape")
      guard let size = Shape.count(shape) else {
        throw c.error(.value, "dimensions are too large; arrays and shapes with a total size greater than 'intp' are not supported.")
      }
      guard !shape.isEmpty || v[0].type.rank == 0 else {
        throw c.error(.value, "multiple indices are not supported for 0d array")
      }
      let flat = try v[0].cast(.int64)
      let isLow = try flat.op(Comparison.less, weak: Scalar(Int64(0)))
      let isOutside = try isLow.op(Comparison.logicalOr, try flat.op(Comparison.greaterEqual, weak: Scalar(Int64(size))))
      let message = "index {} is out of bounds for array with size \(size)"
      return try unravelled(
        try flat.op(Checks.refuse.def, isOutside, with: ["message": .string(message)]), shape, columnsFirst: try isColumnsFirst(c))
    },
    doc: OpDoc(
      "Indices along every axis from C-order positions.", details: "A position outside is an error when it runs.",
      numpy: "numpy.unravel_index", example: "mt.unravel_index([5], (2, 3))[0]"))

  static let ravelMultiIndex = OpDef(
    "ravel_multi_index", inputs: [InputDef("multi_index", variadic: true, "indices, one tensor per axis")],
    attributes: [
      AttrDef("dims", .ints, role: .extent, "extents of the array"),
      AttrDef("mode", .strings, default: .strings(["raise"]), "'raise', 'wrap' or 'clip': one for all axes, or one for each"), order,
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let shape = try c.shape("dims")
      guard !v.isEmpty, v.count == shape.count else {
        throw c.error(.value, "parameter multi_index must be a sequence of length \(shape.count)")
      }
      guard Shape.count(shape) != nil else {
        throw c.error(.value, "invalid dims: array size defined by dims is larger than the maximum possible size.")
      }
      guard case .strings(var modes) = c["mode"], modes.count == 1 || modes.count == shape.count else {
        throw c.error(.value, "mode must be one of 'clip', 'raise', or 'wrap', or one of them per axis")
      }
      if modes.count == 1 { modes = shape.map { _ in modes[0] } }
      guard let common = Shape.broadcast(v.map(\.type.shape)) else {
        throw c.error(.value, "shape mismatch: indices cannot be broadcast to a single shape")
      }
      guard !shape.contains(0) || common.contains(0) else {
        throw c.error(.value, "cannot unravel if shape has zero entries (is empty).")
      }
      let strides = try isColumnsFirst(c) ? Shape.rowMajorStrides(shape.reversed()).reversed() : Shape.rowMajorStrides(shape)
      var sum: Value?
      for (k, given) in v.enumerated() {
        guard given.type.dtype.isInteger else { throw c.error(.type, "only int indices permitted") }
        let n = Swift.max(shape[k], 1)
        var i = try given.cast(.int64).broadcast(to: common)
        switch modes[k] {
        case "wrap": i = try i.op(Arithmetic.remainder, weak: Scalar(Int64(n)))
        case "clip": i = try i.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
        case "raise":
          let isLow = try i.op(Comparison.less, weak: Scalar(Int64(0)))
          let isOutside = try isLow.op(Comparison.logicalOr, try i.op(Comparison.greaterEqual, weak: Scalar(Int64(shape[k]))))
          i = try i.op(Checks.refuse.def, isOutside, with: ["message": .string("invalid entry in coordinates array")])
        default: throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(modes[k])')")
        }
        let term = try i.op(Arithmetic.multiply, weak: Scalar(Int64(Array(strides)[k])))
        sum = if let sum { try sum.op(Arithmetic.add, term) } else { term }
      }
      return sum.map { [$0] } ?? []
    },
    doc: OpDoc(
      "Positions of indices along every axis.", details: "An index outside is an error when it runs.", numpy: "numpy.ravel_multi_index",
      example: "mt.ravel_multi_index(([0, 1], [2, 0]), (2, 3))"),
    exposure: Exposure(signature: "multi_index dims mode order"),
    samples: [
      Sample([[3], [2, 1]], .integer, attributes: ["dims": .ints([4, 5]), "mode": .strings(["wrap"])]),
      Sample(
        [[3], [3]], DTypeSet(.int64), attributes: ["dims": .ints([4, 5]), "mode": .strings(["clip", "wrap"]), "order": .string("F")]),
    ])

  // MARK: Take

  private static let takeLoop = NativeOp(
    OpDef(
      "take_axis", inputs: [InputDef("a"), InputDef("indices")], attributes: [AttrDef("axis", .int, "the axis, 0 or more")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let k = try c.plainAxis(rank: c.inputs[0].rank)
        guard c.inputs[1].dtype == .int64 else { throw c.error(.type, "indices must be int64") }
        var s = c.inputs[0].shape
        s.replaceSubrange(k...k, with: c.inputs[1].shape)
        return [TensorType(c.inputs[0].dtype, s)]
      },
      body: .native(
        NativeRule(
          .access { c in
            let (k, r) = (c.int("axis"), c.inputs[1].rank)
            return [
              (0..<c.inputs[0].rank).map { $0 == k ? .whole : .aligned($0 < k ? $0 : $0 + r - 1) }, (0..<r).map { .aligned(k + $0) },
            ]
          })), cost: Cost(perElement: 2), doc: OpDoc("Slices by int64 indices.", example: "mt.take([4, 5, 6], [2, 0])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    try Lanes.take(call.inputs[0], indices: call.inputs[1], axis: call.context.int("axis"), into: call.outputs[0])
  }

  static let take = OpDef(
    "take", inputs: [InputDef("a"), InputDef("indices", alone: true)],
    attributes: [
      AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: the flattened array"),
      AttrDef("mode", .string, default: .string("raise"), "what becomes of indices out of bounds: 'raise', 'wrap' or 'clip'"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[1].type.dtype.isInteger || v[1].type.dtype == .bool else { throw c.cannotCast(v[1].type.dtype, .int64) }
      // As NumPy: a value without axes is a vector of one element.
      let x = c.optionalInt("axis") == nil || v[0].type.rank == 0 ? try v[0].reshaped([-1]) : v[0]
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      if let s = v[1].constant { _ = try s.fitting(.int64) }
      var indices = try v[1].cast(.int64)
      if c.string("mode") == "raise" {
        try Indexing.check(c, indices, axis: k, extent: x.type.shape[k])
      } else {
        let n = x.type.shape[k]
        guard n != unknownExtent else { throw c.unknownExtents("mode '\(c.string("mode"))' of take needs a known extent") }
        guard n > 0 || !indices.type.isKnown || indices.type.count == 0 else {
          throw c.error(.index, "cannot do a non-empty take from an empty axes.")
        }
        switch c.string("mode") {
        case "wrap": indices = try indices.op(Arithmetic.remainder, weak: Scalar(Int64(Swift.max(n, 1))))
        case "clip":
          indices = try indices.op(Comparison.maximum, weak: Scalar(Int64(0))).op(
            Comparison.minimum, weak: Scalar(Int64(Swift.max(n, 1) - 1)))
        default: throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(c.string("mode"))')")
        }
      }
      return [try x.op(takeLoop.def, indices, with: ["axis": .int(k)])]
    },
    doc: OpDoc(
      "Elements or slices by integer indices.", details: "Negative indices count from the end.", numpy: "numpy.take",
      example: "mt.take([4, 5, 6], [2, 0])"),
    exposure: Exposure(method: true, out: .fitsResult, signature: "a indices axis out mode"))

  static let family = OpFamily(
    [booleanMask, compress, extract, flatnonzero, nonzero, argwhere, unravelIndex, ravelMultiIndex, take],
    natives: [selectRows, markedPositions, takeLoop])
}
