import MarsBase
import MarsGraph

/// Writing to places that are counted in C order.
extension Writing {
  static let assignPlaces = OpDef(
    "assign_places",
    inputs: [InputDef("base"), InputDef("places", "integers"), InputDef("values", "over and over again if they are fewer")],
    attributes: [AttrDef("mode", .string, default: .string("raise"), "what places beyond the ends are: 'raise': errors; 'wrap'; 'clip'")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard ["raise", "wrap", "clip"].contains(c.string("mode")) else {
        throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(c.string("mode"))')")
      }
      let places = c.inputs[1]
      guard places.dtype.kind < .floating || places.shape.contains(0) else {
        throw c.error(.type, "Cannot cast array data from dtype('\(places.dtype.name)') to dtype('int64') according to the rule 'safe'")
      }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let (base, n, count, given) = (v[0], v[0].type.count, v[1].type.count, v[2].type.count)
      if count == 0 || given == 0 { return [base] }
      guard n > 0 else { throw c.error(.index, "cannot replace elements of an empty array") }
      var places = try v[1].cast(.int64).reshaped([-1])
      switch c.string("mode") {
      case "wrap": places = try places.op(Arithmetic.remainder, weak: Scalar(Int64(n)))
      case "clip":
        places = try places.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      default: break
      }
      var values = try v[2].cast(base.type.dtype).reshaped([-1])
      if given < count {
        let times = (count - 1) / given + 1
        values = try values.expanded(at: [0]).broadcast(to: [times, given]).reshaped([-1])
      }
      values = try values.sliced(axis: 0, start: 0, count: count)
      let flat = try base.reshaped([-1])
      let written = try assignArrays.apply([.value(flat), .value(values), .value(places)], [("axes", .ints([0]))])
      return [try Value(written).reshaped(base.type.shape)]
    },
    doc: OpDoc(
      "A tensor with elements replaced whose places are counted in C order: what NumPy's put stores.",
      details: "Values are cast.  Where a place comes more than once the last value stays.", example: "mt.zeros(3)"), exposure: .hidden,
    samples: [
      Sample([[3, 4], [5], [2]], .all, fixed: [1: .int64]),
      Sample([[3, 4], [2, 2], []], fixed: [1: .int32], attributes: ["mode": .string("wrap")]),
      Sample([[4], [2], [5]], fixed: [1: .uint8], attributes: ["mode": .string("clip")]),
    ])
}
