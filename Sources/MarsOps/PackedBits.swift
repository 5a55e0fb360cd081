import MarsBase
import MarsGraph

/// Bits of bytes as elements of their own, and back.
enum PackedBits {
  private static let axis = AttrDef("axis", .int, default: AttrValue.none, role: .axis, "the axis; None: the flattened array")
  private static let order = AttrDef(
    "bitorder", .string, default: .string("big"), "'big': the first bit of a byte is the highest; 'little': the lowest")

  /// The tensor with the axis along which its bits lie.
  private static func prepared(_ c: OpContext, _ v: Value) throws(MarsError) -> (x: Value, axis: Int) {
    guard v.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    guard ["big", "little"].contains(c.string("bitorder")) else { throw c.error(.value, "'order' must be either 'little' or 'big'") }
    let x = c.optionalInt("axis") == nil || v.type.rank == 0 ? try v.reshaped([-1]) : v
    return (x, try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank))
  }

  /// What each bit of a byte counts, in their order, along axis `k` of `rank`.
  private static func places(_ c: OpContext, _ k: Int, rank: Int) throws(MarsError) -> Value {
    let line = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(8)))), ("dtype", .dtype(.uint8))]))
    let bit = c.string("bitorder") == "little" ? line : try line.op(Shapes.flip)
    return try Reductions.constant(Scalar(Int64(2)), .uint8).op(Arithmetic.power, bit).reshaped((0..<rank).map { $0 == k ? 8 : 1 })
  }

  static let packbits = OpDef(
    "packbits", inputs: [InputDef("a", "integers or bool, of which each is a bit: whether it is not 0")], attributes: [axis, order],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype.kind < .floating else { throw c.error(.type, "Expected an input array of integer or boolean data type") }
      let (x, k) = try prepared(c, v[0])
      var bits = try x.cast(.bool).cast(.uint8)
      let n = x.type.shape[k]
      let bytes = n / 8 + (n % 8 == 0 ? 0 : 1)
      let whole = try c.product([bytes, 8], "\(bytes) bytes of bits")
      if n % 8 != 0 {
        let width = x.type.shape.indices.flatMap { $0 == k ? [0, whole - n] : [0, 0] }
        bits = try bits.op(Padding.pad, with: ["pad_width": .ints(width)])
      }
      var shape = x.type.shape
      shape.replaceSubrange(k...k, with: [bytes, 8])
      let counted = try bits.reshaped(shape).op(Arithmetic.multiply, try places(c, k + 1, rank: shape.count))
      return [try counted.op(Reductions.sum, with: ["axis": .ints([k + 1]), "dtype": .dtype(.uint8)])]
    }, cost: Cost(perElement: 3),
    doc: OpDoc(
      "Bytes of eight bits each.", details: "The last byte is filled up with zeros.", numpy: "numpy.packbits",
      example: "mt.packbits([1, 0, 0, 0, 0, 0, 1, 1])"),
    exposure: Exposure(signature: "a / axis bitorder"),
    samples: [
      Sample([[3, 9]], [.bool, .integer]),
      Sample([[3, 9]], [.bool, .integer], attributes: ["axis": .int(1), "bitorder": .string("little")]),
      Sample([[16, 2]], .integer, attributes: ["axis": .int(0)]),
    ])

  static let unpackbits = OpDef(
    "unpackbits", inputs: [InputDef("a", "uint8")],
    attributes: [
      axis,
      AttrDef(
        "count", .int, default: AttrValue.none, role: .extent, "how many bits there are in the end: zeros fill up; negative: left out there"
      ),
      order,
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.dtype == .uint8 else { throw c.error(.type, "Expected an input array of unsigned byte data type") }
      let (x, k) = try prepared(c, v[0])
      let all = try c.product([x.type.shape[k], 8], "the bits of \(x.type.shape[k]) bytes")
      let wide = try x.expanded(at: [k + 1])
      let set = try wide.op(Bits.bitwiseAnd, try places(c, k + 1, rank: x.type.rank + 1)).op(
        Comparison.notEqual, weak: Scalar(Int64(0)))
      var shape = x.type.shape
      shape[k] = all
      let bits = try set.cast(.uint8).reshaped(shape)
      guard let asked = c.optionalInt("count") else { return [bits] }
      guard asked >= -all else { throw c.error(.value, "-count larger than number of elements") }
      let count = asked < 0 ? all + asked : asked
      if count <= all { return [try bits.sliced(axis: k, start: 0, count: count)] }
      let width = shape.indices.flatMap { $0 == k ? [0, count - all] : [0, 0] }
      return [try bits.op(Padding.pad, with: ["pad_width": .ints(width)])]
    }, cost: Cost(perElement: 3),
    doc: OpDoc(
      "The bits of bytes, each as a uint8 of 0 or 1.",
      details: "The axis (None: all elements, as one) becomes eight times as long, or as long as count says.", numpy: "numpy.unpackbits",
      example: "mt.unpackbits(mt.array([131], dtype='uint8'))"),
    exposure: Exposure(signature: "a / axis count bitorder"),
    samples: [
      Sample([[3, 2]], DTypeSet(.uint8)),
      Sample([[3, 2]], DTypeSet(.uint8), attributes: ["axis": .int(0), "count": .int(-3), "bitorder": .string("little")]),
      Sample([[3]], DTypeSet(.uint8), attributes: ["count": .int(30)]),
    ])

  static let family = OpFamily([packbits, unpackbits])
}
