import MarsBase
import MarsGraph

/// Views; reshapes are in `Reshaping.swift`, chunks in `Rechunking.swift`.
enum Shapes {
  // MARK: The general view

  /// How an index map stands in attributes: per base axis the view axis that it follows (-1: a fixed index), where it starts (or the index)
  /// and its step; and the view's extents.
  static let mapAttributes = [
    AttrDef("axes", .ints, "per base axis the view axis that it follows, or -1"),
    AttrDef("starts", .ints, "per base axis the first index, or the only one"), AttrDef("steps", .ints, "per base axis the step; not 0"),
    AttrDef("shape", .ints, "extents of the view"),
  ]

  static func map(_ c: OpContext) -> AxisMap {
    let (axes, starts, steps, shape) = (c.ints("axes"), c.ints("starts"), c.ints("steps"), c.ints("shape"))
    return AxisMap(
      axes.indices.map { k in
        if axes[k] < 0 { return .fixed(starts[k]) }
        // Where there are no two elements a step means nothing and may be of any size.
        switch shape[axes[k]] {
        case 0: return .aligned(axes[k])
        case 1: return .aligned(axis: axes[k], start: starts[k], step: 1)
        default: return .aligned(axis: axes[k], start: starts[k], step: steps[k])
        }
      })
  }

  /// Extents of the view of a tensor of shape `base`; checks that the map is well formed and stays within the base.
  static func extents(_ c: OpContext, base: [Int]) throws(MarsError) -> [Int] {
    let (axes, starts, steps, shape) = (c.ints("axes"), c.ints("starts"), c.ints("steps"), c.ints("shape"))
    guard axes.count == base.count && starts.count == base.count && steps.count == base.count else {
      throw c.error(.value, "axes, starts and steps must have one entry per axis of the base (\(base.count))")
    }
    for k in axes.indices where axes[k] < -1 || axes[k] >= shape.count || steps[k] == 0 {
      throw c.error(.value, "axis \(k) of the view's map is malformed")
    }
    return try map(c).extents(shape, over: base)
  }

  static let view = OpDef(
    "view", inputs: [InputDef("base")], attributes: mapAttributes,
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      [TensorType(c.inputs[0].dtype, try extents(c, base: c.inputs[0].shape))]
    }, body: .view { c in map(c) }, cost: Cost(perElement: 0),
    doc: OpDoc("A strided view: what basic indexing makes.", example: "mt.tensor([1, 2, 3, 4])[::2]"), exposure: .hidden,
    samples: [
      Sample(
        [[4, 6]], .all, attributes: ["axes": .ints([1, 0]), "starts": .ints([3, 0]), "steps": .ints([-1, 2]), "shape": .ints([3, 4])]),
      Sample([[4, 6]], attributes: ["axes": .ints([-1, 1]), "starts": .ints([2, 1]), "steps": .ints([1, 1]), "shape": .ints([2, 5])]),
      Sample([[4]], attributes: ["axes": .ints([0]), "starts": .ints([0]), "steps": .ints([1]), "shape": .ints([0])]),
    ])

  // MARK: Named views

  typealias Rule = @Sendable (OpContext) throws(MarsError) -> (AxisMap, [Int])

  /// An operator whose result is a view of its input: map and shape come from one rule.
  static func viewing(
    _ name: String, _ attributes: [AttrDef], _ summary: String, example: String, numpy: String? = nil, exposure: Exposure = Exposure(),
    readOnly: Bool = false, element: (@Sendable (OpContext) -> Bool)? = nil, as kind: Answer.Element = .scalar, samples: [Sample],
    _ rule: @escaping Rule
  ) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: attributes,
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(c.inputs[0].dtype, try rule(c).1)] },
      body: .view { c in
        // The types of the node come from the same rule.
        do throws(MarsError) { return try rule(c).0 } catch { preconditionFailure("\(name): \(error.message)") }
      }, cost: Cost(perElement: 0),
      doc: OpDoc(
        summary, details: readOnly ? "A view that cannot be written to." : "A view: no copy.", numpy: numpy ?? "numpy.\(name)",
        example: example),
      exposure: exposure, samples: samples, answer: Answer(element: element, as: kind, readOnly: readOnly))
  }

  /// The map of a permutation: output axis j is base axis order[j].
  private static func permutation(_ order: [Int], _ shape: [Int]) -> (AxisMap, [Int]) {
    var axes = [AxisAccess](repeating: .fixed(0), count: shape.count)
    for (j, k) in order.enumerated() { axes[k] = .aligned(j) }
    return (AxisMap(axes), order.map { shape[$0] })
  }

  private static func transposition(_ name: String) -> OpDef {
    viewing(
      name, [AttrDef("axes", .ints, default: AttrValue.none, separateArguments: true, role: .axis, "order of the axes; None: reversed")],
      "Permutes the axes.",
      example: "mt.\(name)([[1, 2], [3, 4]])", exposure: Exposure(method: name == "transpose"),
      samples: [Sample([[2, 3, 4]], .all), Sample([[2, 3, 4]], attributes: ["axes": .ints([1, -1, 0])]), Sample([[]])]
    ) { c throws(MarsError) in
      let shape = c.inputs[0].shape
      guard let axes = c.optionalInts("axes") else { return permutation(Array(shape.indices.reversed()), shape) }
      guard axes.count == shape.count else { throw c.error(.value, "axes don't match array") }
      var order: [Int] = []
      for a in axes {
        let k = try c.normalisedAxis(a, rank: shape.count)
        guard !order.contains(k) else { throw c.error(.value, "repeated axis in transpose") }
        order.append(k)
      }
      return permutation(order, shape)
    }
  }
  static let transpose = transposition("transpose")
  static let permuteDims = transposition("permute_dims")

  static let matrixTranspose = viewing(
    "matrix_transpose", [], "Swaps the last two axes.", example: "mt.matrix_transpose([[1, 2], [3, 4]])",
    exposure: Exposure(alsoIn: ["linalg"]),
    samples: [Sample([[2, 3, 4]])]
  ) { c throws(MarsError) in
    let n = c.inputs[0].rank
    guard n >= 2 else { throw c.error(.value, "Input array must be at least 2-dimensional, but it is \(n)") }
    var order = Array(0..<n)
    order.swapAt(n - 1, n - 2)
    return permutation(order, c.inputs[0].shape)
  }

  static let swapaxes = viewing(
    "swapaxes", [AttrDef("axis1", .int, "first axis"), AttrDef("axis2", .int, "second axis")], "Swaps two axes.",
    example: "mt.swapaxes([[1, 2], [3, 4]], 0, 1)", exposure: Exposure(method: true),
    samples: [Sample([[2, 3, 4]], attributes: ["axis1": .int(0), "axis2": .int(-1)])]
  ) { c throws(MarsError) in
    var order = Array(0..<c.inputs[0].rank)
    order.swapAt(try c.normalisedAxis(c.int("axis1"), rank: order.count), try c.normalisedAxis(c.int("axis2"), rank: order.count))
    return permutation(order, c.inputs[0].shape)
  }

  static let moveaxis = viewing(
    "moveaxis", [AttrDef("source", .ints, "axes to move"), AttrDef("destination", .ints, "where they go")], "Moves axes to other places.",
    example: "mt.moveaxis([[1, 2], [3, 4]], 0, 1)",
    samples: [Sample([[2, 3, 4]], attributes: ["source": .ints([0, 1]), "destination": .ints([-1, 0])])]
  ) { c throws(MarsError) in
    let rank = c.inputs[0].rank
    func axes(_ name: String) throws(MarsError) -> [Int] {
      var out: [Int] = []
      for a in c.ints(name) {
        do throws(MarsError) { out.append(try c.normalisedAxis(a, rank: rank)) } catch { throw c.error(.axis, "\(name): \(error.message)") }
      }
      return out
    }
    let (from, to) = (try axes("source"), try axes("destination"))
    guard Set(from).count == from.count else { throw c.error(.value, "repeated axis in `source` argument") }
    guard Set(to).count == to.count else { throw c.error(.value, "repeated axis in `destination` argument") }
    guard from.count == to.count else {
      throw c.error(.value, "`source` and `destination` arguments must have the same number of elements")
    }
    var order = (0..<rank).filter { !from.contains($0) }
    for (d, s) in zip(to, from).sorted(by: { $0.0 < $1.0 }) { order.insert(s, at: d) }
    return permutation(order, c.inputs[0].shape)
  }

  static let expandDims = viewing(
    "expand_dims", [AttrDef("axis", .ints, "places of the new axes in the result")], "Inserts axes of extent 1.",
    example: "mt.expand_dims([1, 2], 0)",
    samples: [Sample([[3]], .all, attributes: ["axis": .ints([0, 2])]), Sample([[]], attributes: ["axis": .ints([0])])]
  ) { c throws(MarsError) in
    let shape = c.inputs[0].shape
    let rank = shape.count + c.ints("axis").count
    try c.checkRank(rank)
    let new: [Int]
    do throws(MarsError) { new = try c.normalisedAxes(c.ints("axis"), rank: rank) } catch {
      throw error.code == .value ? c.error(.value, "repeated axis") : error
    }
    var (axes, out): ([AxisAccess], [Int]) = ([], [])
    for j in 0..<rank {
      if new.contains(j) {
        out.append(1)
      } else {
        out.append(shape[axes.count])
        axes.append(.aligned(j))
      }
    }
    return (AxisMap(axes), out)
  }

  static let squeeze = viewing(
    "squeeze", [AttrDef("axis", .ints, default: AttrValue.none, role: .axis, "axes of extent 1; None: all of them")],
    "Removes axes of extent 1.",
    example: "mt.squeeze([[1, 2]])", exposure: Exposure(method: true),
    samples: [Sample([[1, 3, 1]], .all), Sample([[1, 3, 1]], attributes: ["axis": .ints([-1])])]
  ) { c throws(MarsError) in
    let shape = c.inputs[0].shape
    let given = c.optionalInts("axis")
    // As NumPy: a value without axes has one to drop.
    if shape.isEmpty, let given, given.count == 1, (-1...0).contains(given[0]) { return (AxisMap([]), []) }
    let drop: [Int] =
      if let a = given { try c.normalisedAxes(a, rank: shape.count) } else { shape.indices.filter { shape[$0] == 1 } }
    for a in drop where shape[a] != 1 && shape[a] != unknownExtent {
      throw c.error(.value, "cannot select an axis to squeeze out which has size not equal to one")
    }
    guard (given == nil ? Array(shape.indices) : drop).allSatisfy({ shape[$0] != unknownExtent }) else {
      throw c.unknownExtents("squeeze needs known extents of the axes that it may remove")
    }
    var next = 0
    var axes: [AxisAccess] = []
    for k in shape.indices {
      axes.append(drop.contains(k) ? .fixed(0) : .aligned(next))
      if !drop.contains(k) { next += 1 }
    }
    return (AxisMap(axes), shape.indices.filter { !drop.contains($0) }.map { shape[$0] })
  }

  private static func flipping(_ name: String, _ fixed: Int?, _ summary: String) -> OpDef {
    viewing(
      name, fixed == nil ? [AttrDef("axis", .ints, default: AttrValue.none, "axes to reverse; None: all")] : [], summary,
      example: "mt.\(name)([[1, 2], [3, 4]])", samples: [Sample([[3, 4]], .all), Sample([[0, 4]])]
    ) { c throws(MarsError) in
      let shape = c.inputs[0].shape
      var turned = Array(shape.indices)
      if let fixed {
        guard shape.count > fixed else { throw c.error(.value, "Input must be >= \(fixed + 1)-d.") }
        turned = [fixed]
      } else if let a = c.optionalInts("axis") {
        turned = try c.normalisedAxes(a, rank: shape.count)
      }
      guard turned.allSatisfy({ shape[$0] != unknownExtent }) else { throw c.unknownExtents("\(name) needs known extents") }
      return (
        AxisMap(
          shape.indices.map { turned.contains($0) ? .aligned(axis: $0, start: Swift.max(0, shape[$0] - 1), step: -1) : .aligned($0) }),
        shape
      )
    }
  }
  static let flip = flipping("flip", nil, "Reverses the order of elements along axes.")
  static let flipud = flipping("flipud", 0, "Reverses the rows.")
  static let fliplr = flipping("fliplr", 1, "Reverses the columns.")

  static let broadcastTo = viewing(
    "broadcast_to", [AttrDef("shape", .ints, role: .extent, "extents of the result")],
    "Repeats along axes of extent 1 and new leading axes.",
    example: "mt.broadcast_to([1, 2], (3, 2))", exposure: Exposure(signature: "a shape subok=False"), readOnly: true,
    samples: [Sample([[3, 1]], .all, attributes: ["shape": .ints([2, 3, 4])]), Sample([[]], attributes: ["shape": .ints([2])])]
  ) { c throws(MarsError) in
    let (from, to) = (c.inputs[0].shape, try c.shape("shape"))
    guard from.count <= to.count, Shape.broadcast([from, to]) == to else {
      throw c.error(
        .value,
        "operands could not be broadcast together with remapped shapes [original->remapped]: \(Shape.text(from)) and requested shape \(Shape.text(to))"
      )
    }
    // The result shares memory by a map, which is another one for an extent of 1.
    guard Shape.isKnown(from) else { throw c.unknownExtents("broadcast_to needs known extents") }
    return (AxisMap.broadcast(from, to: to), to)
  }

  static let diagonal = viewing(
    "diagonal",
    [
      AttrDef("offset", .int, default: .int(0), "positive: above the main diagonal"), AttrDef("axis1", .int, default: .int(0), "rows"),
      AttrDef("axis2", .int, default: .int(1), "columns"),
    ], "The diagonal of two axes, as the last axis.", example: "mt.diagonal([[1, 2], [3, 4]])",
    exposure: Exposure(method: true), readOnly: true,
    samples: [
      Sample([[3, 4]], .all), Sample([[3, 4]], attributes: ["offset": .int(-1)]),
      Sample([[2, 3, 4]], attributes: ["axis1": .int(2), "axis2": .int(0)]),
    ]
  ) { c throws(MarsError) in
    let shape = c.inputs[0].shape
    guard shape.count >= 2 else { throw c.error(.value, "diag requires an array of at least two dimensions") }
    let (r, k) = (try c.normalisedAxis(c.int("axis1"), rank: shape.count), try c.normalisedAxis(c.int("axis2"), rank: shape.count))
    guard r != k else { throw c.error(.value, "axis1 and axis2 cannot be the same") }
    guard shape[r] >= 0 && shape[k] >= 0 else { throw c.unknownExtents("diagonal needs known extents") }
    // A diagonal beyond every extent is one of no elements.
    let offset = Swift.max(-Int.max, c.int("offset"))
    let (row, column) = (Swift.max(0, -offset), Swift.max(0, offset))
    let n = Swift.max(0, Swift.min(shape[r] - row, shape[k] - column))
    let others = shape.indices.filter { $0 != r && $0 != k }
    var axes = [AxisAccess](repeating: .fixed(0), count: shape.count)
    for (j, o) in others.enumerated() { axes[o] = .aligned(j) }
    axes[r] = .aligned(axis: others.count, start: n == 0 ? 0 : row, step: 1)
    axes[k] = .aligned(axis: others.count, start: n == 0 ? 0 : column, step: 1)
    return (AxisMap(axes), others.map { shape[$0] } + [n])
  }

  private static func atLeast(_ n: Int) -> OpDef {
    viewing(
      "atleast_\(n)d", [], "The tensor with at least \(n) dimensions.", example: "mt.atleast_\(n)d(1)",
      exposure: Exposure(separateArguments: true),
      samples: [Sample([[]]), Sample([[2]]), Sample([[2, 3]])]
    ) {
      c throws(MarsError) in
      let shape = c.inputs[0].shape
      if shape.count >= n { return (.identity(shape.count), shape) }
      switch (shape.count, n) {
      case (0, _): return (AxisMap([]), [Int](repeating: 1, count: n))
      case (1, 2): return (AxisMap([.aligned(1)]), [1, shape[0]])
      case (1, _): return (AxisMap([.aligned(1)]), [1, shape[0], 1])
      default: return (AxisMap([.aligned(0), .aligned(1)]), shape + [1])
      }
    }
  }
  /// atleast_1d, atleast_2d, atleast_3d.
  static let atLeasts = [atLeast(1), atLeast(2), atLeast(3)]

  static let rot90 = OpDef(
    "rot90", inputs: [InputDef("m")],
    attributes: [
      AttrDef("k", .int, default: .int(1), "number of quarter turns"), AttrDef("axes", .ints, default: .ints([0, 1]), "the plane"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0]
      guard c.ints("axes").count == 2 else { throw c.error(.value, "len(axes) must be 2.") }
      let p = try c.normalisedAxis(c.ints("axes")[0], rank: x.type.rank)
      let q = try c.normalisedAxis(c.ints("axes")[1], rank: x.type.rank)
      guard p != q else { throw c.error(.value, "Axes must be different.") }
      func swapped(_ v: Value) throws(MarsError) -> Value { try v.op(swapaxes, with: ["axis1": .int(p), "axis2": .int(q)]) }
      switch ((c.int("k") % 4) + 4) % 4 {
      case 0: return [x]
      case 1: return [try swapped(try x.op(flip, with: ["axis": .ints([q])]))]
      case 2: return [try x.op(flip, with: ["axis": .ints([p, q])])]
      default: return [try swapped(x).op(flip, with: ["axis": .ints([q])])]
      }
    }, doc: OpDoc("Rotates by quarter turns.", details: "A view.", numpy: "numpy.rot90", example: "mt.rot90([[1, 2], [3, 4]])"),
    samples: [Sample([[3, 4]]), Sample([[3, 4]], attributes: ["k": .int(3)])])

  static let family = OpFamily(
    [
      view, transpose, permuteDims, matrixTranspose, swapaxes, moveaxis, expandDims, squeeze, flip, flipud, fliplr, broadcastTo, diagonal,
      rot90,
      reshape, ravel, flatten, rechunk,
    ] + atLeasts, natives: [reshapeLoop])
}
