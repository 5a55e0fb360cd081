import MarsBase
import MarsGraph
import MarsNumerics

/// Joining tensors, and cutting them apart.
enum Joining {
  private static let axis = AttrDef("axis", .int, default: .int(0), "the axis")

  /// Offsets of the parts along the joined axis.
  private static func offsets(_ c: OpContext) -> [Int] {
    var at = [0]
    for t in c.inputs { at.append((at.last ?? 0) + Swift.max(0, t.shape[c.int("axis")])) }
    return at
  }

  static let join = NativeOp(
    OpDef(
      "join", inputs: [InputDef("arrays", variadic: true)], attributes: [AttrDef("axis", .int, "the axis, 0 or more")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard var out = c.inputs.first else { throw c.error(.value, "need at least one array to concatenate") }
        guard c.int("axis") >= 0 && c.int("axis") < out.rank else {
          throw c.error(.axis, "axis \(c.int("axis")) is out of bounds for array of dimension \(out.rank)")
        }
        let (rank, k) = (out.rank, c.int("axis"))
        guard
          c.inputs.allSatisfy({ $0.dtype == out.dtype && $0.rank == rank }),
          (0..<rank).allSatisfy({ j in j == k || Set(c.inputs.map { $0.shape[j] }).subtracting([unknownExtent]).count <= 1 })
        else { throw c.error(.value, "arrays to join must have one dtype and agree in all axes but one") }
        let extents = c.inputs.map { $0.shape[c.int("axis")] }
        let sum = try c.sum(extents.filter { $0 != unknownExtent }, "the extents add up to more than an integer holds")
        for k in out.shape.indices where out.shape[k] == unknownExtent {
          // The parts agree: one that is known tells of all.
          out.shape[k] = c.inputs.lazy.map { $0.shape[k] }.first { $0 != unknownExtent } ?? unknownExtent
        }
        out.shape[c.int("axis")] = extents.contains(unknownExtent) ? unknownExtent : sum
        return [out]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let k = c.int("axis")
            let at = offsets(c)
            return c.inputs.indices.map { i in
              var b = box
              let lower = Swift.max(box.lower[k], at[i])
              let upper = Swift.min(box.upper(k), at[i + 1])
              if upper <= lower { return Box(lower: box.lower.map { _ in 0 }, extents: box.extents.map { _ in 0 }) }
              b.lower[k] = lower - at[i]
              b.extents[k] = upper - lower
              return b
            }
          })), doc: OpDoc("Tensors of one dtype one after the other.", example: "mt.concatenate([[1], [2]])"), exposure: .hidden,
      samples: [Sample([[2, 3], [2, 1], [2, 0]], .all, attributes: ["axis": .int(1)])])
  ) { (call: inout NativeCall) throws(MarsError) in
    let k = call.context.int("axis")
    let at = offsets(call.context)
    for (i, v) in call.inputs.enumerated() where !call.inputBoxes[i].extents.contains(0) {
      let start = at[i] + call.inputBoxes[i].lower[k] - call.outputBox.lower[k]
      StridedCopy.copy(from: v, to: call.outputs[0].sliced(axis: k, start: start, step: 1, count: v.shape[k]))
    }
  }

  private static func castToCommon(_ c: OpContext, _ v: [Value]) throws(MarsError) -> [Value] {
    guard !v.isEmpty else { throw c.error(.value, "need at least one array to concatenate") }
    let isChosen = c.op.attributeIndex("dtype") != nil
    let d = (isChosen ? c.dtype("dtype") : nil) ?? c.commonDType()
    let casting = isChosen ? try Casting(named: c.string("casting")) : .sameKind
    var out: [Value] = []
    for x in v {
      guard casting.allows(x.type.dtype, d) else {
        throw c.error(
          .type,
          "Cannot cast array data from dtype('\(x.type.dtype.name)') to dtype('\(d.name)') according to the rule '\(casting.rawValue)'")
      }
      out.append(try x.cast(d))
    }
    return out
  }

  private static func joined(_ c: OpContext, _ v: [Value], axis: Int) throws(MarsError) -> Value {
    let rank = v[0].type.rank
    guard rank > 0 else { throw c.error(.value, "zero-dimensional arrays cannot be concatenated") }
    let k = try c.normalisedAxis(axis, rank: rank)
    for (i, x) in v.enumerated() {
      guard x.type.rank == rank else {
        throw c.error(
          .value,
          "all the input arrays must have same number of dimensions, but the array at index 0 has \(rank) dimension(s) and the array at index \(i) has \(x.type.rank) dimension(s)"
        )
      }
      for j in 0..<rank where j != k && x.type.shape[j] != unknownExtent {
        // Unknown extents agree with any; those that are known agree with each other.
        guard let first = v[..<i].firstIndex(where: { $0.type.shape[j] != unknownExtent }) else { continue }
        guard x.type.shape[j] == v[first].type.shape[j] else {
          throw c.error(
            .value,
            "all the input array dimensions except for the concatenation axis must match exactly, but along dimension \(j), the array at index \(first) has size \(v[first].type.shape[j]) and the array at index \(i) has size \(x.type.shape[j])"
          )
        }
      }
    }
    if v.count == 1 { return v[0] }
    return Value(try join.def.apply(v.map { .value($0) }, [("axis", .int(k))]))
  }

  private static let arrays = [InputDef("arrays", variadic: true)]
  private static let casting = AttrDef(
    "casting", .string, default: .string(Casting.sameKind.rawValue), since: 2, "what may be cast to dtype, as of astype")
  private static let castsTo = AttrDef("dtype", .dtype, default: AttrValue.none, since: 2, "dtype of the result")
  private static let joins = Exposure(signature: "arrays / axis out * dtype casting")

  static let concatenate = OpDef(
    "concatenate", inputs: arrays,
    attributes: [
      AttrDef("axis", .int, default: .int(0), allowsNone: true, role: .axis, "the axis; None: flattened arrays"),
      AttrDef("dtype", .dtype, default: AttrValue.none, "dtype of the result"), casting,
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var parts = try castToCommon(c, v)
      if c.optionalInt("axis") == nil {
        for i in parts.indices { parts[i] = try parts[i].reshaped([-1]) }
      }
      return [try joined(c, parts, axis: c.optionalInt("axis") ?? 0)]
    },
    doc: OpDoc(
      "Joins tensors along an axis.",
      details: "Extents along the other axes are equal; axis None joins all elements, as one axis.  Of the dtype to which all can be cast.",
      numpy: "numpy.concatenate", example: "mt.concatenate([[[1, 2]], [[3, 4]]], axis=0)"),
    exposure: joins,
    samples: [Sample([[2, 3], [1, 3]], .all), Sample([[2, 3], [2, 1], [2, 0]], attributes: ["axis": .int(-1)])], answer: Answer(.never))

  static let concat = OpDef(
    "concat", inputs: arrays, attributes: concatenate.attributes, typing: .fromExpansion, body: concatenate.body,
    doc: OpDoc(
      "Joins tensors along an axis.",
      details: "Extents along the other axes are equal; axis None joins all elements, as one axis.  Of the dtype to which all can be cast.",
      numpy: "numpy.concat", example: "mt.concat([[1, 2], [3]])"), exposure: joins,
    samples: concatenate.samples, answer: Answer(.never))

  static let stack = OpDef(
    "stack", inputs: arrays, attributes: [axis, castsTo, casting], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard !v.isEmpty else { throw c.error(.value, "need at least one array to stack") }
      guard v.allSatisfy({ Shape.mayEqual($0.type.shape, v[0].type.shape) }) else {
        throw c.error(.value, "all input arrays must have the same shape")
      }
      let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank + 1)
      var parts: [Value] = []
      for x in try castToCommon(c, v) { parts.append(try x.expanded(at: [k])) }
      return [try joined(c, parts, axis: k)]
    },
    doc: OpDoc(
      "Joins tensors of one shape along a new axis.", details: "Of the dtype to which all can be cast.", numpy: "numpy.stack",
      example: "mt.stack([[1, 2], [3, 4]], axis=1)"),
    exposure: Exposure(signature: "arrays axis out * dtype casting"),
    samples: [Sample([[2, 3], [2, 3]], .all), Sample([[3], [3], [3]], attributes: ["axis": .int(-1)])], answer: Answer(.never))

  private static func stacking(
    _ name: String, atLeast: Int, axis: @escaping @Sendable (Int) -> Int, _ summary: String, asColumns: Bool = false,
    isPlain: Bool = false
  ) -> OpDef {
    OpDef(
      name, inputs: [InputDef("tup", variadic: true)], attributes: isPlain ? [castsTo, casting] : [], typing: .fromExpansion,
      takesArrays: true,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        var parts: [Value] = []
        for x in try castToCommon(c, v) {
          if asColumns && x.type.rank < 2 {
            parts.append(try (x.type.rank == 0 ? x.expanded(at: [0]) : x).expanded(at: [1]))
          } else {
            parts.append(try x.op(Shapes.atLeasts[atLeast - 1]))
          }
        }
        return [try joined(c, parts, axis: axis(parts[0].type.rank))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([[1, 2], [3, 4]])"),
      exposure: Exposure(signature: isPlain ? "tup * dtype casting" : "tup"),
      samples: [Sample([[3], [3]], .all), Sample([[2, 3], [2, 3]])], answer: Answer(.never))
  }
  static let hstack = stacking("hstack", atLeast: 1, axis: { $0 == 1 ? 0 : 1 }, "Joins tensors side by side.", isPlain: true)
  static let vstack = stacking("vstack", atLeast: 2, axis: { _ in 0 }, "Joins tensors as rows.", isPlain: true)
  static let dstack = stacking("dstack", atLeast: 3, axis: { _ in 2 }, "Joins tensors along the third axis.")
  static let columnStack = stacking("column_stack", atLeast: 2, axis: { _ in 1 }, "Joins vectors as columns.", asColumns: true)

  // MARK: Splitting

  /// Most parts of a tensor: each is a node and a handle.
  private static let mostParts = 1 << 20

  /// `along`: the axis of a tensor of a rank, and the least rank; nil: an attribute says it.
  private static func splitting(
    _ name: String, uneven: Bool, along: (least: Int, axis: @Sendable (Int) -> Int)? = nil, example: String = "[1, 2, 3, 4]"
  ) -> OpDef {
    OpDef(
      name, inputs: [InputDef("ary")],
      attributes: [
        AttrDef("sections", .int, default: AttrValue.none, "number of equal parts; None: cut at indices"),
        AttrDef("indices", .ints, default: .ints([]), "where to cut"),
      ] + (along == nil ? [axis] : []), outputs: ["parts..."], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let rank = v[0].type.rank
        if let along, rank < along.least {
          throw c.error(.value, "\(name) only works on arrays of \(along.least) or more dimensions")
        }
        let k = if let along { along.axis(rank) } else { try c.normalisedAxis(c.int("axis"), rank: rank) }
        let n = v[0].type.shape[k]
        guard n != unknownExtent else { throw c.unknownExtents("\(name) needs a known extent") }
        var cuts: [Int] = [0]
        if let sections = c.optionalInt("sections") {
          guard sections > 0 else { throw c.error(.value, "number sections must be larger than 0.") }
          let (size, extra) = n.quotientAndRemainder(dividingBy: sections)
          guard uneven || extra == 0 else { throw c.error(.value, "array split does not result in an equal division") }
          guard sections <= mostParts else { throw c.error(.memory, "\(sections) parts are more than \(mostParts)") }
          for i in 0..<sections { cuts.append(cuts[i] + size + (i < extra ? 1 : 0)) }
        } else {
          cuts += c.ints("indices").map { Swift.min(n, Swift.max(0, $0 < 0 ? $0 + n : $0)) } + [n]
        }
        var out: [Value] = []
        for (a, b) in zip(cuts, cuts.dropFirst()) { out.append(try v[0].sliced(axis: k, start: b > a ? a : 0, count: Swift.max(0, b - a))) }
        return out
      }, doc: OpDoc("Cuts a tensor into views along an axis.", numpy: "numpy.\(name)", example: "mt.\(name)(\(example), 2)[0]"),
      samples: [
        Sample([[4, 2, 2]], .all, attributes: ["sections": .int(2)]), Sample([[2, 5, 5]], attributes: ["indices": .ints([1, 3])]),
      ])
  }
  static let split = splitting("split", uneven: false)
  static let arraySplit = splitting("array_split", uneven: true)
  static let hsplit = splitting("hsplit", uneven: false, along: (1, { $0 > 1 ? 1 : 0 }))
  static let vsplit = splitting("vsplit", uneven: false, along: (2, { _ in 0 }), example: "[[1, 2], [3, 4]]")
  static let dsplit = splitting("dsplit", uneven: false, along: (3, { _ in 2 }), example: "[[[1, 2], [3, 4]]]")

  static let unstack = OpDef(
    "unstack", inputs: [InputDef("x")], attributes: [axis], outputs: ["parts..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank)
      let n = v[0].type.shape[k]
      guard n != unknownExtent else { throw c.unknownExtents("unstack needs a known extent") }
      guard n <= mostParts else { throw c.error(.memory, "\(n) parts are more than \(mostParts)") }
      let kept = v[0].type.shape.indices.filter { $0 != k }
      var out: [Value] = []
      for i in 0..<n {
        let map = AxisMap(v[0].type.shape.indices.map { $0 == k ? .fixed(i) : .aligned($0 < k ? $0 : $0 - 1) })
        out.append(try v[0].viewed(map, shape: kept.map { v[0].type.shape[$0] }))
      }
      return out
    },
    doc: OpDoc(
      "The slices along an axis, as views.", details: "As many as the axis is long, with one axis less.", numpy: "numpy.unstack",
      example: "mt.unstack([[1, 2], [3, 4]])[1]"),
    samples: [Sample([[2, 3]], .all), Sample([[2, 3]], attributes: ["axis": .int(-1)])])

  static let broadcastArrays = OpDef(
    "broadcast_arrays", inputs: [InputDef("args", variadic: true)], outputs: ["arrays..."], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let shape = Shape.broadcast(v.map(\.type.shape)) else {
        throw c.error(.value, "shape mismatch: objects cannot be broadcast to a single shape.")
      }
      // A result without new axes is the operand itself, which would run without the others.
      guard v.count == 1 || v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("broadcast_arrays needs known extents") }
      var out: [Value] = []
      for x in v { out.append(try x.broadcast(to: shape)) }
      return out
    },
    doc: OpDoc(
      "Tensors broadcast against each other.", numpy: "numpy.broadcast_arrays", example: "mt.broadcast_arrays([1, 2], [[3], [4]])[0]"),
    exposure: Exposure(separateArguments: true),
    samples: [Sample([[2, 1], [3]], .all)], answer: Answer(.never))

  static let family = OpFamily(
    [concatenate, concat, stack, hstack, vstack, dstack, columnStack, split, arraySplit, hsplit, vsplit, dsplit, unstack, broadcastArrays],
    natives: [join])
}
