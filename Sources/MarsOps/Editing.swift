import MarsBase
import MarsGraph

/// Tensors with slices chosen, repeated or compared.
enum Editing {
  static let choose = OpDef(
    "choose", inputs: [InputDef("a", alone: true, "which choice"), InputDef("choices", variadic: true)],
    attributes: [AttrDef("mode", .string, default: .string("raise"), "what becomes of numbers of no choice: 'raise', 'wrap' or 'clip'")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let choices = Array(v.dropFirst())
      let n = choices.count
      guard n > 0 else { throw c.error(.value, "choose needs at least one choice") }
      guard n <= 1000 else { throw c.error(.unsupported, "choose of \(n) choices is not supported: at most 1000") }
      guard v[0].type.dtype.kind < .floating && v[0].type.dtype != .uint64 else {
        throw c.error(.type, "Cannot cast array data from dtype('\(v[0].type.dtype.name)') to dtype('int64') according to the rule 'safe'")
      }
      guard v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("choose needs known extents") }
      guard let shape = Shape.broadcast(v.map(\.type.shape)) else {
        throw c.error(.value, "shape mismatch: objects cannot be broadcast to a single shape")
      }
      var which = try v[0].cast(.int64).broadcast(to: shape)
      switch c.string("mode") {
      case "raise":
        let isLow = try which.op(Comparison.less, weak: Scalar(Int64(0)))
        let isWrong = try isLow.op(Comparison.logicalOr, try which.op(Comparison.greaterEqual, weak: Scalar(Int64(n))))
        which = try which.op(Checks.refuse.def, isWrong, with: ["message": .string("invalid entry in choice array")])
      case "wrap": which = try which.op(Arithmetic.remainder, weak: Scalar(Int64(n)))
      case "clip":
        which = try which.op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      default: throw c.error(.value, "clipmode must be one of 'clip', 'raise', or 'wrap' (got '\(c.string("mode"))')")
      }
      let d = choices.dropFirst().reduce(choices[0].type.dtype) { Promotion.common($0, $1.type.dtype) }
      var out = try choices[n - 1].cast(d).broadcast(to: shape)
      for i in (0..<n - 1).reversed() {
        out = try which.op(Comparison.equal, weak: Scalar(Int64(i))).op(Selection.`where`, try choices[i].cast(d), out)
      }
      // Also of one choice the numbers are looked at.
      return [n == 1 ? try which.op(Comparison.equal, weak: Scalar(Int64(0))).op(Selection.`where`, out, out) : out]
    }, cost: Cost(perElement: 4),
    doc: OpDoc(
      "Elements of tensors by the number of the tensor.", numpy: "numpy.choose", example: "mt.choose([0, 1, 0], [[1, 2, 3], [4, 5, 6]])"),
    exposure: Exposure(method: true, out: .any, signature: "a choices out mode"),
    samples: ["wrap", "clip"].map { Sample([[3, 4], [4], [3, 1]], .all, fixed: [0: .int32], attributes: ["mode": .string($0)]) })

  static let resize = OpDef(
    "resize", inputs: [InputDef("a")], attributes: [AttrDef("new_shape", .ints, role: .extent, "extents")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard c.ints("new_shape").allSatisfy({ $0 >= 0 }) else {
        throw c.error(.value, "all elements of `new_shape` must be non-negative")
      }
      let shape = try c.shape("new_shape")
      let flat = try v[0].reshaped([-1])
      let (n, wanted) = (flat.type.shape[0], try c.product(shape, "new_shape \(Shape.text(shape))"))
      guard n != unknownExtent else { throw c.unknownExtents("resize needs known extents") }
      if n == 0 || wanted == 0 {
        return [Value(try Creation.zeros.apply([], [("shape", .ints(shape)), ("dtype", .dtype(v[0].type.dtype))]))]
      }
      let times = wanted / n + (wanted % n == 0 ? 0 : 1)
      let long = try flat.op(Repeating.tile, with: ["reps": .ints([times])])
      return [try long.sliced(axis: 0, start: 0, count: wanted).reshaped(shape)]
    },
    doc: OpDoc(
      "Elements over and over again under other extents.", details: "Taken in C order.", numpy: "numpy.resize",
      example: "mt.resize([1, 2, 3], (2, 2))"),
    exposure: Exposure(signature: "a new_shape"),
    samples: [Sample([[3]], .all, attributes: ["new_shape": .ints([2, 4])]), Sample([[2, 3]], attributes: ["new_shape": .ints([4])])],
    answer: Answer(.never))

  static let arrayEquiv = OpDef(
    "array_equiv", inputs: [InputDef("a1"), InputDef("a2")], typing: .fromExpansion, comparesIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard Shape.broadcast(v.map(\.type.shape)) != nil else { return [Reductions.constant(Scalar(false), .bool)] }
      return [Value(try Reductions.all.apply([.value(try v[0].op(Comparison.equal, v[1]))]))]
    },
    doc: OpDoc(
      "Whether two tensors broadcast to equal ones.", details: "A bool without axes.", numpy: "numpy.array_equiv",
      example: "mt.array_equiv([1, 2], [[1, 2], [1, 2]])"),
    exposure: Exposure(signature: "a1 a2"), samples: [Sample([[3], [2, 3]], .all), Sample([[3], [4]])])

  static let family = OpFamily([choose, resize, arrayEquiv])
}
