import MarsBase
import MarsGraph

/// Writing to places that are counted in C order or along an axis.
extension Writing {
  static let target = "what is written into"

  /// As many elements of a vector as are asked for, over and over again; nil of a vector without elements.
  static func cycled(_ values: Value, _ count: Int) throws(MarsError) -> Value? {
    let given = values.type.shape[0]
    if given == count { return values }
    guard given > 0 else { return nil }
    let times = Swift.max(1, count / given + (count % given == 0 ? 0 : 1))
    return try values.op(Repeating.tile, with: ["reps": .ints([times])]).sliced(axis: 0, start: 0, count: count)
  }

  /// Refuses a number that the tensor's dtype cannot hold.
  static func checkConstant(_ c: OpContext, _ k: Int) throws(MarsError) {
    if let s = c.constant(k) { _ = try s.stored(as: c.inputs[0].dtype) }
  }

  private static func check(mode: String, _ c: OpContext) throws(MarsError) {
    guard ["raise", "wrap", "clip"].contains(mode) else {
      throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(mode)')")
    }
  }

  static let put = OpDef(
    "put",
    inputs: [
      InputDef("a", target), InputDef("ind", alone: true, "places, integers"),
      InputDef("v", stored: true, "values, over and over again if they are fewer"),
    ],
    attributes: [AttrDef("mode", .string, default: .string("raise"), "what places beyond the ends are: 'raise': errors; 'wrap'; 'clip'")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      try check(mode: c.string("mode"), c)
      let places = c.inputs[1]
      guard places.dtype.kind < .floating || places.shape.contains(0) else { throw c.cannotCast(places.dtype, .int64) }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, n, count) = (v[0], v[0].type.count, v[1].type.count)
      guard count == 0 || n > 0 else { throw c.error(.index, "cannot replace elements of an empty array") }
      guard count > 0, let values = try cycled(try v[2].cast(base.type.dtype).reshaped([-1]), count) else { return [base] }
      var places = try v[1].cast(.int64).reshaped([-1])
      switch c.string("mode") {
      case "wrap": places = try places.op(Arithmetic.remainder, weak: Scalar(Int64(n)))
      case "clip":
        places = try places.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      default: break
      }
      let flat = try base.reshaped([-1])
      let written = try assignArrays.apply([.value(flat), .value(values), .value(places)], [("axes", .ints([0]))])
      return [try Value(written).reshaped(base.type.shape)]
    },
    doc: OpDoc(
      "Writes values, over and over again if they are fewer, to places that are counted in C order.",
      details: "Values are cast.  Where a place comes more than once the last value stays.", numpy: "numpy.put",
      example: "a = mt.zeros(5)\nmt.put(a, [0, 3], [7, 8])\na"), exposure: Exposure(writesFirst: true),
    samples: [
      Sample([[3, 4], [5], [2]], .all, fixed: [1: .int64]),
      Sample([[3, 4], [2, 2], []], fixed: [1: .int32], attributes: ["mode": .string("wrap")]),
      Sample([[4], [2], [5]], fixed: [1: .uint8], attributes: ["mode": .string("clip")]),
    ])

  static let assignFlat = OpDef(
    "assign_flat",
    inputs: [
      InputDef("base"), InputDef("value", stored: true, "over and over again if it has fewer elements"),
      InputDef("arrays", variadic: true, "masks and integer arrays, in the order of the items"),
    ], attributes: [IndexItems.attribute],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      _ = try IndexItems(c, arrays: Array(c.inputs.dropFirst(2)))
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, n, arrays) = (v[0], v[0].type.count, Array(v.dropFirst(2)))
      let m = try IndexItems(c, arrays: arrays.map(\.type)).meaning([n])
      guard arrays.isEmpty else {
        let all = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(n))))]))
        let places = Value(try Indexing.index.apply(([all] + arrays).map { .value($0) }, [("items", c["items"])]))
        return [try base.op(put, places, v[1])]
      }
      guard m.shape.count < 2 else {
        throw c.error(.index, "only integers, slices (`:`), ellipsis (`...`) and integer or boolean arrays are valid indices")
      }
      // As NumPy: an element takes no array, but a bool takes the truth of an array of one.
      guard !m.shape.isEmpty || v[1].type.rank == 0 || (base.type.dtype == .bool && v[1].type.count == 1) else {
        throw c.error(.value, "Error setting single item of array.")
      }
      let count = m.shape.reduce(1, *)
      guard count > 0, let values = try cycled(try v[1].reshaped([-1]), count) else { return [base] }
      return [try base.reshaped([-1]).assigning(try values.reshaped(m.shape), m.map, shape: m.shape).reshaped(base.type.shape)]
    },
    doc: OpDoc(
      "A tensor with elements replaced that an index of its elements in C order picks: what a.flat[...] = value stores.",
      details: "The value is cast.", example: "a = mt.zeros((2, 3))\na.flat[1:4] = 7\na"), exposure: .hidden,
    samples: [
      Sample([[3, 4], [2]], .all, attributes: ["items": .ints([2, 7, 1, 11, 3])]),
      Sample([[3, 4], []], attributes: ["items": .ints([0, -2])]),
      Sample([[3, 4], [2], [12]], fixed: [2: .bool], attributes: ["items": .ints([5])]),
    ])

  static let putAlongAxis = OpDef(
    "put_along_axis",
    inputs: [
      InputDef("arr", target), InputDef("indices", alone: true, "integers, as many axes as arr"),
      InputDef("values", stored: true, "what broadcasts to the indices"),
    ],
    attributes: [AttrDef("axis", .int, default: .int(-1), allowsNone: true, "the axis; None: the flattened array")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let (x, indices) = (c.inputs[0], c.inputs[1])
      guard indices.dtype.isInteger else { throw c.error(.index, "`indices` must be an integer array") }
      if let axis = c.optionalInt("axis") {
        _ = try c.normalisedAxis(axis, rank: x.rank)
        guard indices.rank == x.rank else { throw c.error(.value, "`indices` and `arr` must have the same number of dimensions") }
      } else {
        guard indices.rank == 1 else { throw c.error(.value, "when axis=None, `indices` must have a single dimension.") }
      }
      return [x]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
      let (shape, rank) = (x.type.shape, x.type.rank)
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: rank)
      let operands = [x, v[2]] + (try Indexing.along(k, v[1], of: shape))
      let written = Value(try assignArrays.apply(operands.map { .value($0) }, [("axes", .ints(Array(0..<rank)))]))
      return [try written.reshaped(v[0].type.shape)]
    },
    doc: OpDoc(
      "Writes values to places along an axis that are given for each of the other places.", details: "Values are cast.",
      numpy: "numpy.put_along_axis", example: "a = mt.zeros((2, 3))\nmt.put_along_axis(a, [[0], [2]], 5, 1)\na"),
    exposure: Exposure(writesFirst: true))

  static let fillDiagonal = OpDef(
    "fill_diagonal", inputs: [InputDef("a", target), InputDef("val", stored: true, "values, over and over again if they are fewer")],
    attributes: [AttrDef("wrap", .bool, default: .bool(false), "whether the diagonal of a tall matrix begins anew below its end")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let shape = c.inputs[0].shape
      guard shape.count >= 2 else { throw c.error(.value, "array must be at least 2-d") }
      guard shape.count == 2 || Set(shape).subtracting([unknownExtent]).count < 2 else {
        throw c.error(.value, "All dimensions of input must be of equal length")
      }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, shape) = (v[0], v[0].type.shape)
      if base.type.count == 0 { return [base] }
      let wraps = c.bool("wrap") && shape.count == 2 && shape[0] > shape[1]
      // A row of no diagonal lies between its end and where it begins anew.
      let (step, n) = (shape[1] + 1, base.type.count)
      let count = wraps ? n / step + (n % step == 0 ? 0 : 1) : shape.min() ?? 0
      guard count > 0, let values = try cycled(try v[1].reshaped([-1]), count) else { return [base] }
      guard wraps else { return [try base.assigning(values, AxisMap(shape.map { _ in .aligned(0) }), shape: [count])] }
      let map = AxisMap([.aligned(axis: 0, start: 0, step: step)])
      return [try base.reshaped([-1]).assigning(values, map, shape: [count]).reshaped(shape)]
    },
    doc: OpDoc(
      "Writes to the main diagonal; of more than two axes to where all indices are equal.", details: "Values are cast.",
      numpy: "numpy.fill_diagonal", example: "a = mt.zeros((3, 3))\nmt.fill_diagonal(a, 4)\na"), exposure: Exposure(writesFirst: true),
    samples: [
      Sample([[3, 4], []], .all), Sample([[3, 3, 3], [2]]), Sample([[7, 2], [2]], attributes: ["wrap": .bool(true)]),
      Sample([[5, 2], [3]]),
    ])
}

extension OpContext {
  /// NumPy's error for a cast that is not safe.
  func cannotCast(_ from: DType, _ to: DType) -> MarsError {
    error(.type, "Cannot cast array data from dtype('\(from.name)') to dtype('\(to.name)') according to the rule 'safe'")
  }
}
