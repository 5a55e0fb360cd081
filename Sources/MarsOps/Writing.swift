import MarsBase
import MarsGraph
import MarsNumerics

/// Tensors with elements replaced: what assignments store.
enum Writing {
  // MARK: Regions

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
    if !call.isInPlace { StridedCopy.copy(from: call.inputs[0], to: call.outputs[0]) }
    guard let r = region(c, in: call.outputBox) else { return }
    // The part of the output that the region covers, with the region's axes.
    let (axes, starts, steps) = Shapes.map(c).lists
    let target = call.outputs[0].mapped(
      axes: axes, starts: axes.indices.map { starts[$0] + (axes[$0] < 0 ? 0 : steps[$0] * r.lower[axes[$0]]) - call.outputBox.lower[$0] },
      steps: steps, shape: r.extents)
    StridedCopy.copy(from: call.inputs[1].broadcast(to: r.extents), to: target)
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
      var value = try v[1].droppingLeadingOnes(to: shape.count)
      let map = Shapes.map(c)
      let walked = Set(c.ints("axes"))
      guard shape.contains(0) || shape.indices.allSatisfy({ walked.contains($0) || shape[$0] == 1 }) else {
        throw c.error(.value, "cannot assign to a broadcast view")
      }
      guard Shape.broadcast([value.type.shape, shape]) == shape else {
        throw Shape.cannotBroadcast(v[1].type.shape, into: shape)
      }
      value = try value.cast(v[0].type.dtype)
      if map.isIdentity && shape == v[0].type.shape { return [try value.broadcast(to: shape)] }
      return [Value(try assignRegion.def.apply([.value(v[0]), .value(value)], map.attributes(shape: shape)))]
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

  // MARK: Integer arrays and masks

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
    if !call.isInPlace { StridedCopy.copy(from: call.inputs[0], to: call.outputs[0]) }
    try Lanes.put(
      call.inputs[2], indices: call.inputs[1], into: call.outputs[0], first: call.outputBox.lower[0], of: call.context.inputs[0].shape[0])
  }

  static let assignArrays = OpDef(
    "assign_arrays",
    inputs: [InputDef("base"), InputDef("value"), InputDef("indices", variadic: true, "integer arrays that broadcast together")],
    attributes: [Indexing.axes, Indexing.position],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      _ = try Indexing.others(c, rank: c.inputs[0].rank)
      if let s = c.constant(1) { _ = try s.stored(as: c.inputs[0].dtype) }
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let base = v[0]
      let shape = base.type.shape
      let rest = try Indexing.others(c, rank: shape.count)
      let axes = c.ints("axes")
      let flat = try Indexing.positions(c, Array(v.dropFirst(2)), axes.map { shape[$0] })
      // The value in the shape of the selection, then the index axes first and as one.
      var region = rest.map { shape[$0] }
      region.insert(contentsOf: flat.type.shape, at: c.int("position"))
      var value = try v[1].cast(base.type.dtype).droppingLeadingOnes(to: region.count)
      guard Shape.broadcast([value.type.shape, region]) == region else {
        throw c.error(
          .value,
          "shape mismatch: value array of shape \(Shape.tight(v[1].type.shape)) could not be broadcast to indexing result of shape \(Shape.tight(region))"
        )
      }
      value = try Indexing.moved(try value.broadcast(to: region), from: c.int("position"), to: 0, count: flat.type.rank)
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
    if !call.isInPlace { StridedCopy.copy(from: call.inputs[0], to: call.outputs[0]) }
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
      "shape mismatch: value array of shape \(Shape.tight(value)) could not be broadcast to indexing result of shape \(Shape.tight(filled))"
    )
  }

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
      // The selection has one axis in place of the mask's: the value's extent along it says whether it is one value or one per element.
      var value = try v[2].cast(base.type.dtype).droppingLeadingOnes(to: before.count + 1 + after.count)
      let own = value.type.rank - 1 - after.count
      let given = own >= 0 ? value.type.shape[own] : 1
      let open = before + [unknownExtent] + after
      let region = before + [given] + after
      guard Shape.broadcast([value.type.shape, region]) == region else {
        throw c.error(
          .value,
          "shape mismatch: value array of shape \(Shape.tight(v[2].type.shape)) could not be broadcast to indexing result of shape \(Shape.tight(open).replacing("?", with: "-1"))"
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
      if let known = mask.fewNumbers {
        let n = known.count { $0 != 0 }
        guard given == n else { throw countError(c, given: given, n, v[2].type.shape, open) }
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
    [
      assign, assignWhere, assignArrays, assignMasked, assignFlat, put, putAlongAxis, fillDiagonal, putmask, place, copyto,
    ], natives: [assignRegion, putRows, countChecked])
}
