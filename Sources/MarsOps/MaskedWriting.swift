import MarsBase
import MarsGraph

/// Writing where a mask holds.
extension Writing {
  /// The tensor's type; checks a mask of as many elements, and values beside it.
  private static func masked(_ c: OpContext) throws(MarsError) -> [TensorType] {
    let (x, mask, values) = (c.inputs[0], c.inputs[1], c.inputs[2])
    guard !x.isKnown || !mask.isKnown || x.count == mask.count else {
      throw c.error(.value, "\(c.op.name): mask and data must be the same size")
    }
    // As NumPy, to which a tensor without axes may be a scalar: those it stores.
    let isScalar = values.rank == 0 && (x.dtype.isComplex || !values.dtype.isComplex)
    guard isScalar || Casting.safe.allows(values.dtype, x.dtype) else { throw c.cannotCast(values.dtype, x.dtype) }
    return [x]
  }

  /// The mask in the shape of the tensor; checks its size again where that was not known before.
  private static func mask(_ c: OpContext, _ v: [Value]) throws(MarsError) -> Value {
    _ = try masked(OpContext(op: c.op, inputs: v.map(\.type), attributes: c.attributes))
    return try v[1].cast(.bool).reshaped(v[0].type.shape)
  }

  static let putmask = OpDef(
    "putmask",
    inputs: [
      InputDef("a", target), InputDef("mask", alone: true, "as many elements as a"),
      InputDef("values", stored: true, "over and over again if they are fewer"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in try masked(c) },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, holds) = (v[0], try mask(c, v))
      let flat = try v[2].cast(base.type.dtype).reshaped([-1])
      // One value needs no place of its own everywhere.
      if v[2].type.count == 1 { return [try holds.op(Selection.where, try flat.reshaped([]), base)] }
      guard let values = try cycled(flat, base.type.count) else { return [base] }
      return [try holds.op(Selection.where, try values.reshaped(base.type.shape), base)]
    },
    doc: OpDoc(
      "Writes the values that stand at the same places, in C order and over and over again, where the mask holds.",
      details: "Values are cast.", numpy: "numpy.putmask", example: "a = mt.arange(5)\nmt.putmask(a, a > 2, [10, 20, 30, 40, 50])\na"),
    exposure: Exposure(writesFirst: true),
    samples: [
      Sample([[3, 4], [3, 4], [5]], .all, fixed: [1: .bool]), Sample([[3, 4], [12], []], fixed: [1: .int32]),
      Sample([[4], [4], [9]], fixed: [1: .bool]),
    ])

  static let place = OpDef(
    "place",
    inputs: [
      InputDef("arr", target), InputDef("mask", alone: true, "as many elements as arr"),
      InputDef("vals", stored: true, "over and over again if they are fewer"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in try masked(c) },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, holds, given) = (v[0], try mask(c, v), v[2].type.count)
      if given == 0 {
        // Whether something is to be written is known when the mask is.
        let zero = Value(try Creation.zeros.apply([], [("shape", .ints(base.type.shape)), ("dtype", .dtype(.int64))]))
        let looked = try zero.op(Checks.refuse.def, holds, with: ["message": .string("Cannot insert from an empty array!")])
        return [try looked.op(Comparison.equal, weak: Scalar(Int64(0))).op(Selection.where, base, base)]
      }
      let values = try v[2].cast(base.type.dtype).reshaped([-1])
      if given == 1 { return [try holds.op(Selection.where, try values.reshaped([]), base)] }
      // The number of an element among those under the mask; elements that are not take any.
      let number = try holds.reshaped([-1]).op(Scans.cumsum).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
      let which = try number.op(Arithmetic.remainder, weak: Scalar(Int64(given)))
      return [try holds.op(Selection.where, try values.op(Masks.take, which).reshaped(base.type.shape), base)]
    },
    doc: OpDoc(
      "Writes values, one after the other and over and over again, to the places where the mask holds.", details: "Values are cast.",
      numpy: "numpy.place", example: "a = mt.arange(5)\nmt.place(a, a > 2, [10, 20])\na"), exposure: Exposure(writesFirst: true),
    samples: [
      Sample([[3, 4], [3, 4], [5]], .all, fixed: [1: .bool]), Sample([[3, 4], [12], []], fixed: [1: .int32]),
    ])

  static let copyto = OpDef(
    "copyto",
    inputs: [
      InputDef("dst", target), InputDef("src", "what broadcasts to dst"),
      InputDef("where", optional: true, alone: true, "a mask that broadcasts to dst"),
    ],
    attributes: [
      AttrDef(
        "casting", .string, default: .string(Casting.sameKind.rawValue), "what may be cast: 'no', 'equiv', 'safe', 'same_kind' or 'unsafe'")
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let (from, to) = (c.inputs[1].dtype, c.inputs[0].dtype)
      guard try Casting(named: c.string("casting")).allows(from, to) else {
        let what = c.inputs[1].rank == 0 ? "scalar" : "array data"
        throw c.error(
          .type, "Cannot cast \(what) from dtype('\(from.name)') to dtype('\(to.name)') according to the rule '\(c.string("casting"))'")
      }
      try checkConstant(c, 1)
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, shape) = (v[0], v[0].type.shape)
      let values = try v[1].fitted(to: shape).cast(base.type.dtype)
      guard v.count > 2 else { return [values] }
      guard Shape.broadcast([v[2].type.shape, shape]) == shape else {
        throw c.error(
          .value, "could not broadcast where mask from shape \(Shape.tight(v[2].type.shape)) into shape \(Shape.tight(shape))")
      }
      return [try v[2].cast(.bool).op(Selection.where, values, base)]
    },
    doc: OpDoc(
      "Writes values into a tensor: dst[...] = src, where the mask holds.",
      details: "src and the mask broadcast to dst.  A cast that `casting` does not allow is an error.", numpy: "numpy.copyto",
      example: "a = mt.arange(4)\nmt.copyto(a, -1, where=[True, False, True, False])\na"),
    exposure: Exposure(writesFirst: true, signature: "dst src casting where"),
    samples: [
      Sample([[3, 4], [4]], .all), Sample([[3, 4], [4], [3, 1]], .all, fixed: [2: .bool]),
      Sample([[4], [4]], fixed: [0: .int32], attributes: ["casting": .string("unsafe")]),
    ])
}
