import MarsBase
import MarsGraph
import MarsNumerics

/// Joining, repeating and writing into tensors.
enum Joining {
  private static let axis = AttrDef("axis", .int, default: .int(0), "the axis")

  /// Offsets of the parts along the joined axis.
  private static func offsets(_ c: OpContext) -> [Int] {
    var at = [0]
    for t in c.inputs { at.append((at.last ?? 0) + Swift.max(0, t.shape[c.int("axis")])) }
    return at
  }

  private static let join = NativeOp(
    OpDef(
      "join", inputs: [InputDef("arrays", variadic: true)], attributes: [AttrDef("axis", .int, "the axis, 0 or more")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard var out = c.inputs.first else { throw c.error(.value, "need at least one array to concatenate") }
        guard c.int("axis") >= 0 && c.int("axis") < out.rank else {
          throw c.error(.axis, "axis \(c.int("axis")) is out of bounds for array of dimension \(out.rank)")
        }
        guard
          c.inputs.allSatisfy({ t in
            t.dtype == out.dtype && t.rank == out.rank
              && t.shape.indices.allSatisfy {
                $0 == c.int("axis") || t.shape[$0] == out.shape[$0] || t.shape[$0] == unknownExtent || out.shape[$0] == unknownExtent
              }
          })
        else { throw c.error(.value, "arrays to join must have one dtype and agree in all axes but one") }
        let extents = c.inputs.map { $0.shape[c.int("axis")] }
        var sum = 0
        for e in extents where e != unknownExtent {
          let (next, overflow) = sum.addingReportingOverflow(e)
          guard !overflow else { throw c.error(.value, "array is too big: the extents add up to more than an integer holds") }
          sum = next
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
      Strided.copy(v, to: call.outputs[0].sliced(axis: k, start: start, step: 1, count: v.shape[k]))
    }
  }

  private static func castToCommon(_ c: OpContext, _ v: [Value]) throws(MarsError) -> [Value] {
    guard !v.isEmpty else { throw c.error(.value, "need at least one array to concatenate") }
    let d = c.op.attributeIndex("dtype") == nil ? c.commonDType() : c.dtype("dtype") ?? c.commonDType()
    var out: [Value] = []
    for x in v { out.append(try x.cast(d)) }
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
          "all the input array dimensions except for the concatenation axis must match exactly, but along dimension 0, the array at index 0 has \(rank) dimension(s) and the array at index \(i) has \(x.type.rank) dimension(s)"
        )
      }
      for j in 0..<rank where j != k && x.type.shape[j] != v[0].type.shape[j] && x.type.shape[j] >= 0 && v[0].type.shape[j] >= 0 {
        throw c.error(
          .value,
          "all the input array dimensions except for the concatenation axis must match exactly, but along dimension \(j), the array at index 0 has size \(v[0].type.shape[j]) and the array at index \(i) has size \(x.type.shape[j])"
        )
      }
    }
    if v.count == 1 { return v[0] }
    return Value(try join.def.apply(v.map { .value($0) }, [("axis", .int(k))]))
  }

  private static let arrays = [InputDef("arrays", variadic: true)]

  static let concatenate = OpDef(
    "concatenate", inputs: arrays,
    attributes: [
      AttrDef("axis", .int, default: .int(0), allowsNone: true, "the axis; None: flattened arrays"),
      AttrDef("dtype", .dtype, default: AttrValue.none, "dtype of the result"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var parts = try castToCommon(c, v)
      if c.optionalInt("axis") == nil {
        for i in parts.indices { parts[i] = try parts[i].reshaped([-1]) }
      }
      return [try joined(c, parts, axis: c.optionalInt("axis") ?? 0)]
    },
    doc: OpDoc("Joins tensors along an axis.", numpy: "numpy.concatenate", example: "mt.concatenate([[[1, 2]], [[3, 4]]], axis=0)"),
    samples: [Sample([[2, 3], [1, 3]], .all), Sample([[2, 3], [2, 1], [2, 0]], attributes: ["axis": .int(-1)])])

  static let concat = OpDef(
    "concat", inputs: arrays, attributes: concatenate.attributes, typing: .fromExpansion, body: concatenate.body,
    doc: OpDoc("Joins tensors along an axis.", numpy: "numpy.concat", example: "mt.concat([[1, 2], [3]])"), samples: concatenate.samples)

  static let stack = OpDef(
    "stack", inputs: arrays, attributes: [axis], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard !v.isEmpty else { throw c.error(.value, "need at least one array to stack") }
      guard v.allSatisfy({ $0.type.shape == v[0].type.shape }) else { throw c.error(.value, "all input arrays must have the same shape") }
      let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank + 1)
      var parts: [Value] = []
      for x in try castToCommon(c, v) { parts.append(try x.expanded(at: [k])) }
      return [try joined(c, parts, axis: k)]
    }, doc: OpDoc("Joins tensors of one shape along a new axis.", numpy: "numpy.stack", example: "mt.stack([[1, 2], [3, 4]], axis=1)"),
    samples: [Sample([[2, 3], [2, 3]], .all), Sample([[3], [3], [3]], attributes: ["axis": .int(-1)])])

  private static func stacking(
    _ name: String, atLeast: Int, axis: @escaping @Sendable (Int) -> Int, _ summary: String, asColumns: Bool = false
  ) -> OpDef {
    OpDef(
      name, inputs: arrays, typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        var parts: [Value] = []
        for x in try castToCommon(c, v) {
          if asColumns && x.type.rank < 2 {
            parts.append(try (x.type.rank == 0 ? x.expanded(at: [0]) : x).expanded(at: [1]))
          } else {
            guard let def = marsRegistry["atleast_\(atLeast)d"] else { throw c.error(.internal, "atleast_\(atLeast)d is missing") }
            parts.append(try x.op(def))
          }
        }
        return [try joined(c, parts, axis: axis(parts[0].type.rank))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([[1, 2], [3, 4]])"),
      samples: [Sample([[3], [3]], .all), Sample([[2, 3], [2, 3]])])
  }
  static let hstack = stacking("hstack", atLeast: 1, axis: { $0 == 1 ? 0 : 1 }, "Joins tensors side by side.")
  static let vstack = stacking("vstack", atLeast: 2, axis: { _ in 0 }, "Joins tensors as rows.")
  static let dstack = stacking("dstack", atLeast: 3, axis: { _ in 2 }, "Joins tensors along the third axis.")
  static let columnStack = stacking("column_stack", atLeast: 2, axis: { _ in 1 }, "Joins vectors as columns.", asColumns: true)

  // MARK: Splitting

  /// Most parts of a tensor: each is a node and a handle.
  private static let mostParts = 1 << 20

  private static func splitting(_ name: String, uneven: Bool) -> OpDef {
    OpDef(
      name, inputs: [InputDef("ary")],
      attributes: [
        AttrDef("sections", .int, default: AttrValue.none, "number of equal parts; None: cut at indices"),
        AttrDef("indices", .ints, default: .ints([]), "where to cut"), axis,
      ], outputs: ["parts..."], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank)
        let n = v[0].type.shape[k]
        guard n != unknownExtent else { throw c.error(.unsupported, "\(name) needs a known extent") }
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
      }, doc: OpDoc("Cuts a tensor into views along an axis.", numpy: "numpy.\(name)", example: "mt.\(name)([1, 2, 3, 4], 2)[0]"),
      samples: [Sample([[4, 2]], .all, attributes: ["sections": .int(2)]), Sample([[5]], attributes: ["indices": .ints([1, 3])])])
  }
  static let split = splitting("split", uneven: false)
  static let arraySplit = splitting("array_split", uneven: true)

  static let unstack = OpDef(
    "unstack", inputs: [InputDef("x")], attributes: [axis], outputs: ["parts..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank)
      let n = v[0].type.shape[k]
      guard n != unknownExtent else { throw c.error(.unsupported, "unstack needs a known extent") }
      guard n <= mostParts else { throw c.error(.memory, "\(n) parts are more than \(mostParts)") }
      let kept = v[0].type.shape.indices.filter { $0 != k }
      var out: [Value] = []
      for i in 0..<n {
        let map = AxisMap(v[0].type.shape.indices.map { $0 == k ? .fixed(i) : .aligned($0 < k ? $0 : $0 - 1) })
        out.append(try v[0].viewed(map, shape: kept.map { v[0].type.shape[$0] }))
      }
      return out
    }, doc: OpDoc("The slices along an axis, as views.", numpy: "numpy.unstack", example: "mt.unstack([[1, 2], [3, 4]])[1]"),
    samples: [Sample([[2, 3]], .all), Sample([[2, 3]], attributes: ["axis": .int(-1)])])

  static let broadcastArrays = OpDef(
    "broadcast_arrays", inputs: [InputDef("args", variadic: true)], outputs: ["arrays..."], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let shape = Shape.broadcast(v.map(\.type.shape)) else {
        throw c.error(.value, "shape mismatch: objects cannot be broadcast to a single shape.")
      }
      var out: [Value] = []
      for x in v { out.append(try x.broadcast(to: shape)) }
      return out
    },
    doc: OpDoc(
      "Tensors broadcast against each other.", numpy: "numpy.broadcast_arrays", example: "mt.broadcast_arrays([1, 2], [[3], [4]])[0]"),
    exposure: Exposure(separateArguments: true),
    samples: [Sample([[2, 1], [3]], .all)], answersCopies: true)

  // MARK: Repeating

  static let tile = OpDef(
    "tile", inputs: [InputDef("A")], attributes: [AttrDef("reps", .ints, "repetitions per axis")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { throw c.error(.unsupported, "tile needs known extents") }
      let rank = Swift.max(v[0].type.rank, c.ints("reps").count)
      let shape = [Int](repeating: 1, count: rank - v[0].type.rank) + v[0].type.shape
      let reps = [Int](repeating: 1, count: rank - c.ints("reps").count) + c.ints("reps")
      guard reps.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "negative dimensions are not allowed") }
      // (r0, n0, r1, n1, ...) is a broadcast of the array; its axes are then joined in pairs.
      let pad = rank - v[0].type.rank
      let map = AxisMap(v[0].type.shape.indices.map { .aligned(2 * ($0 + pad) + 1) })
      let wide = try v[0].viewed(map, shape: zip(reps, shape).flatMap { [$0, $1] })
      var out: [Int] = []
      for (r, n) in zip(reps, shape) {
        // As many elements as `wide` has: only where one of them is 0 can another product overflow.
        let (product, overflow) = r.multipliedReportingOverflow(by: n)
        guard !overflow else { throw c.error(.value, "array is too big: an axis of \(n) is repeated \(r) times") }
        out.append(product)
      }
      return [try wide.reshaped(out)]
    }, doc: OpDoc("Repeats the whole tensor.", numpy: "numpy.tile", example: "mt.tile([1, 2], (2, 2))"),
    samples: [Sample([[2, 3]], .all, attributes: ["reps": .ints([2])]), Sample([[3]], attributes: ["reps": .ints([2, 2])])],
    answersCopies: true)

  static let `repeat` = OpDef(
    "repeat", inputs: [InputDef("a")],
    attributes: [
      AttrDef("repeats", .ints, "how often each element comes: one number for all or one per element"),
      AttrDef("axis", .int, default: AttrValue.none, "the axis; None: flattened"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let repeats = c.ints("repeats")
      guard repeats.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "repeats may not contain negative values.") }
      let x = c.optionalInt("axis") == nil ? try v[0].reshaped([-1]) : v[0]
      guard x.type.isKnown else { throw c.error(.unsupported, "repeat needs known extents") }
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? 0, rank: x.type.rank)
      var shape = x.type.shape
      guard repeats.count == 1 || repeats.count == shape[k] else {
        throw c.error(.value, "operands could not be broadcast together with shape (\(shape[k]),) (\(repeats.count),)")
      }
      if repeats.count != 1 {
        var total = 0
        for n in repeats {
          let (sum, overflow) = total.addingReportingOverflow(n)
          guard !overflow && sum <= 1 << 40 else { throw c.error(.memory, "no memory for the indices of so many repeats") }
          total = sum
        }
        // Tried first: an array of Swift's that does not fit ends the process.
        guard Buffer.unlimited(byteCount: total * 8) != nil else { throw c.error(.memory, "no memory for \(total) indices") }
        let places = repeats.enumerated().flatMap { i, n in [Int64](repeating: Int64(i), count: n) }
        guard let memory = Buffer.unlimited(places) else { throw c.error(.memory, "no memory for \(places.count) indices") }
        let indices = Leaves.node(DenseArray(buffer: memory, type: TensorType(.int64, [places.count])))
        return [try x.op(Masks.take, Value(indices), with: ["axis": .int(k)])]
      }
      shape.insert(repeats[0], at: k + 1)
      let wide = try x.viewed(AxisMap(x.type.shape.indices.map { .aligned($0 <= k ? $0 : $0 + 1) }), shape: shape)
      var out = x.type.shape
      let (extent, overflow) = out[k].multipliedReportingOverflow(by: repeats[0])
      guard !overflow else { throw c.error(.value, "array is too big: an axis of \(out[k]) is repeated \(repeats[0]) times") }
      out[k] = extent
      return [try wide.reshaped(out)]
    }, doc: OpDoc("Repeats each element.", numpy: "numpy.repeat", example: "mt.repeat([1, 2], 2)"), exposure: Exposure(method: true),
    samples: [
      Sample([[2, 3]], .all, attributes: ["repeats": .ints([2])]), Sample([[2, 3]], attributes: ["repeats": .ints([3]), "axis": .int(0)]),
      Sample([[2, 3]], .all, attributes: ["repeats": .ints([3, 1]), "axis": .int(0)]),
    ], answersCopies: true)

  static let roll = OpDef(
    "roll", inputs: [InputDef("a")],
    attributes: [
      AttrDef("shift", .ints, "places, one per axis"), AttrDef("axis", .ints, default: AttrValue.none, "the axes; None: flattened"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown else { throw c.error(.unsupported, "roll needs known extents") }
      func rolled(_ x: Value, _ k: Int, _ by: Int) throws(MarsError) -> Value {
        let n = x.type.shape[k]
        let s = n == 0 ? 0 : by % n + (by % n < 0 ? n : 0)
        if s == 0 { return x }
        let tail = try x.sliced(axis: k, start: n - s, count: s)
        let head = try x.sliced(axis: k, start: 0, count: n - s)
        return Value(try join.def.apply([.value(tail), .value(head)], [("axis", .int(k))]))
      }
      guard let axes = c.optionalInts("axis") else {
        let flat = try v[0].reshaped([-1])
        let n = Swift.max(1, flat.type.shape[0])
        return [try rolled(flat, 0, c.ints("shift").reduce(0) { ($0 + $1 % n) % n }).reshaped(v[0].type.shape)]
      }
      let shifts = c.ints("shift")
      guard shifts.count == axes.count || shifts.count == 1 || axes.count == 1 else {
        throw c.error(.value, "'shift' and 'axis' should be scalars or 1D sequences")
      }
      var x = v[0]
      if shifts.isEmpty || axes.isEmpty { return [x] }
      for i in 0..<Swift.max(shifts.count, axes.count) {
        let k = try c.normalisedAxis(axes.count == 1 ? axes[0] : axes[i], rank: x.type.rank)
        x = try rolled(x, k, shifts.count == 1 ? shifts[0] : shifts[i])
      }
      return [x]
    }, doc: OpDoc("Shifts elements along axes, around the end.", numpy: "numpy.roll", example: "mt.roll([1, 2, 3], 1)"),
    samples: [
      Sample([[2, 3]], .all, attributes: ["shift": .ints([2])]), Sample([[2, 3]], attributes: ["shift": .ints([-1]), "axis": .ints([1])]),
    ], answersCopies: true)

  // MARK: Writing

  /// The box of region indices whose elements lie in a box of the base; nil when there are none.
  private static func region(_ c: OpContext, in box: Box) -> Box? {
    var out = Box(whole: c.ints("shape"))
    for (k, access) in Shapes.map(c).axes.enumerated() {
      guard case .aligned(let a, let start, let step) = access else {
        if case .fixed(let i) = access, i < box.lower[k] || i >= box.upper(k) { return nil }
        continue
      }
      // lower <= start + step * i < upper
      let (lo, hi) = (box.lower[k] - start, box.upper(k) - 1 - start)
      let (p, q) = step > 0 ? (lo, hi) : (-hi, -lo)
      let t = Swift.abs(step)
      let first = p <= 0 ? 0 : (p + t - 1) / t
      let last = q < 0 ? -1 : q / t
      let from = Swift.max(out.lower[a], first)
      let to = Swift.min(out.upper(a), last + 1)
      if to <= from { return nil }
      out.lower[a] = from
      out.extents[a] = to - from
    }
    return out.extents.contains(0) ? nil : out
  }

  private static let assignRegion = NativeOp(
    OpDef(
      "assign_region", inputs: [InputDef("base"), InputDef("value")], attributes: Shapes.mapAttributes,
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let shape = try Shapes.extents(c, base: c.inputs[0].shape)
        guard shape == c.ints("shape"), c.inputs[0].dtype == c.inputs[1].dtype, Shape.broadcast([c.inputs[1].shape, shape]) == shape else {
          throw c.error(.value, "the value must have the tensor's dtype and broadcast to the region")
        }
        return [c.inputs[0]]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let value = c.inputs[1].shape
            guard let r = region(c, in: box) else { return [box, Box(lower: value.map { _ in 0 }, extents: value.map { _ in 0 })] }
            return [box, AxisMap.broadcast(value, to: c.ints("shape")).box(r)]
          }, reusesInput0: true, leavesInput0: { c, box in region(c, in: box) == nil })),
      doc: OpDoc("A tensor with a strided region replaced; value has its dtype.", example: "mt.zeros(3)"),
      exposure: .hidden,
      samples: [
        Sample(
          [[4, 6], [2, 3]], .all,
          attributes: ["axes": .ints([0, 1]), "starts": .ints([3, 0]), "steps": .ints([-2, 2]), "shape": .ints([2, 3])]),
        Sample(
          [[4, 6], []], attributes: ["axes": .ints([-1, 0]), "starts": .ints([1, 0]), "steps": .ints([1, 1]), "shape": .ints([6])]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    if !call.isInPlace { Strided.copy(call.inputs[0], to: call.outputs[0]) }
    guard let r = region(c, in: call.outputBox) else { return }
    // The part of the output that the region covers, with the region's axes.
    let (axes, starts, steps) = Shapes.lists(Shapes.map(c))
    let target = call.outputs[0].mapped(
      axes: axes, starts: axes.indices.map { starts[$0] + (axes[$0] < 0 ? 0 : steps[$0] * r.lower[axes[$0]]) - call.outputBox.lower[$0] },
      steps: steps, shape: r.extents)
    Strided.copy(call.inputs[1].broadcast(to: r.extents), to: target)
  }

  static let assign = OpDef(
    "assign", inputs: [InputDef("base"), InputDef("value")], attributes: Shapes.mapAttributes,
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      _ = try Shapes.extents(c, base: c.inputs[0].shape)
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let shape = try Shapes.extents(c, base: v[0].type.shape)
      // How the value broadcasts is known with its extents.
      guard v[0].type.isKnown && v[1].type.isKnown else { return [] }
      var value = v[1]
      let map = Shapes.map(c)
      let walked = Set(c.ints("axes"))
      guard shape.contains(0) || shape.indices.allSatisfy({ walked.contains($0) || shape[$0] == 1 }) else {
        throw c.error(.value, "cannot assign to a broadcast view")
      }
      // NumPy drops leading axes of extent 1 of the value.
      while value.type.rank > shape.count && value.type.shape[0] == 1 {
        value = try value.op(Shapes.squeeze, with: ["axis": .ints([0])])
      }
      guard Shape.broadcast([value.type.shape, shape]) == shape else {
        throw c.error(
          .value,
          "could not broadcast input array from shape \(Shape.text(v[1].type.shape).replacing(", ", with: ",")) into shape \(Shape.text(shape).replacing(", ", with: ","))"
        )
      }
      value = try value.cast(v[0].type.dtype)
      if map.isIdentity && shape == v[0].type.shape { return [try value.broadcast(to: shape)] }
      return [Value(try assignRegion.def.apply([.value(v[0]), .value(value)], Shapes.attributes(of: map, shape: shape)))]
    },
    doc: OpDoc(
      "A tensor with a strided region replaced: what a[...] = value stores.",
      details: "The value broadcasts to the region and is cast to the tensor's dtype.",
      example: "mt.zeros(3)"), exposure: .hidden, samples: assignRegion.def.samples)

  static let assignWhere = OpDef(
    "assign_where", inputs: [InputDef("base"), InputDef("mask"), InputDef("value")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard Shape.broadcast([v[0].type.shape, v[1].type.shape, v[2].type.shape]) == v[0].type.shape else {
        throw c.error(.value, "mask and value do not broadcast to shape \(Shape.text(v[0].type.shape))")
      }
      return [try v[1].op(Selection.`where`, try v[2].cast(v[0].type.dtype), v[0])]
    },
    doc: OpDoc("A tensor with the elements under a mask replaced: what a[mask] = scalar stores.", example: "mt.where([True, False], 1, 2)"),
    exposure: .hidden, samples: [Sample([[3, 4], [3, 4], []], .all, fixed: [1: .bool])])

  static let family = OpFamily(
    [
      concatenate, concat, stack, hstack, vstack, dstack, columnStack, split, arraySplit, unstack, broadcastArrays, tile, `repeat`, roll,
      assign, assignWhere,
    ], natives: [join, assignRegion])
}
