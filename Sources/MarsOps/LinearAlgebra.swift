import MarsBase
import MarsGraph
import MarsNumerics

/// Matrix products and what is composed of them.
enum LinearAlgebra {
  private static let bodyOf2D: NativeBody = { (call: inout NativeCall) throws(MarsError) in
    try MatrixProduct.multiply(call.inputs[0], call.inputs[1], into: call.outputs[0], accumulate: call.accumulate)
  }

  /// Operands of the internal products: one dtype, one rank of 2 or more, agreeing extents.
  private static func checkMatrices(_ c: OpContext) throws(MarsError) {
    let (x, y) = (c.inputs[0], c.inputs[1])
    guard x.dtype == y.dtype && x.rank == y.rank && x.rank >= 2, agree(x.shape[x.rank - 1], y.shape[y.rank - 2]) else {
      throw c.error(.value, "operands must be matrices of one dtype that can be multiplied, not \(x.text) and \(y.text)")
    }
  }

  /// The core: two matrices of one dtype, cut along all three axes.
  private static let product2D = NativeOp(
    OpDef(
      "matmul_2d", inputs: [InputDef("a"), InputDef("b")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try checkMatrices(c)
        guard c.inputs[0].rank == 2 else { throw c.error(.value, "operands must be matrices") }
        return [TensorType(c.inputs[0].dtype, [c.inputs[0].shape[0], c.inputs[1].shape[1]])]
      },
      body: .native(
        NativeRule(.access { _ in [[.aligned(0), .contracted(id: 0)], [.contracted(id: 0), .aligned(1)]] }, accumulates: true)),
      cost: Cost(perElement: 2), doc: OpDoc("The product of two matrices of one dtype.", example: "mt.matmul([[1, 2]], [[3], [4]])"),
      exposure: .hidden, samples: [Sample([[3, 4], [4, 5]], .all), Sample([[3, 0], [0, 5]], .all)]), cpu: bodyOf2D)

  /// Stacks of matrices of one rank: leading axes are aligned, or of extent 1 and broadcast.
  private static let productBatch = NativeOp(
    OpDef(
      "matmul_batch", inputs: [InputDef("a"), InputDef("b")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try checkMatrices(c)
        let (x, y) = (c.inputs[0].shape, c.inputs[1].shape)
        guard let batch = Shape.broadcast([Array(x.dropLast(2)), Array(y.dropLast(2))]) else {
          throw c.error(.value, "operands could not be broadcast together with shapes \(Shape.text(x)) \(Shape.text(y))")
        }
        return [TensorType(c.inputs[0].dtype, batch + [x[x.count - 2], y[y.count - 1]])]
      },
      body: .native(
        NativeRule(
          .access { c in
            let rank = c.inputs[0].rank
            let out = c.outputs.first?.shape ?? c.inputs[0].shape
            func batch(_ t: TensorType) -> [AxisAccess] {
              (0..<rank - 2).map { t.shape[$0] == 1 && out[$0] != 1 ? .fixed(0) : .aligned($0) }
            }
            return [
              batch(c.inputs[0]) + [.aligned(rank - 2), .contracted(id: 0)], batch(c.inputs[1]) + [.contracted(id: 0), .aligned(rank - 1)],
            ]
          }, accumulates: true)), cost: Cost(perElement: 2),
      doc: OpDoc("Products of stacks of matrices of one dtype.", example: "mt.matmul(mt.ones((2, 3, 4)), mt.ones((2, 4, 5)))"),
      exposure: .hidden,
      samples: [Sample([[2, 3, 4], [2, 4, 5]], .all), Sample([[1, 3, 4], [2, 4, 5]])])
  ) { (call: inout NativeCall) throws(MarsError) in
    let shape = call.outputs[0].shape
    let batch = Array(shape.dropLast(2))
    var index = [Int](repeating: 0, count: batch.count)
    if shape.contains(0) { return }
    while true {
      func matrix(_ v: ArrayView) -> ArrayView {
        var m = v
        for (k, i) in index.enumerated() { m = m.dropping(axis: 0, at: v.shape[k] == 1 ? 0 : i) }
        return m
      }
      try MatrixProduct.multiply(matrix(call.inputs[0]), matrix(call.inputs[1]), into: matrix(call.outputs[0]), accumulate: call.accumulate)
      var k = batch.count - 1
      while k >= 0 {
        index[k] += 1
        if index[k] < batch[k] { break }
        index[k] = 0
        k -= 1
      }
      if k < 0 { return }
    }
  }

  /// Runs a product in the common dtype; half types in float32, rounded once.
  private static func inCommon(
    _ c: OpContext, _ v: [Value], _ body: (Value, Value) throws(MarsError) -> Value
  ) throws(MarsError) -> Value {
    let d = Promotion.common(v[0].type.dtype, v[1].type.dtype)
    let t: DType = d.isHalf ? .float32 : d
    return try body(try v[0].cast(t), try v[1].cast(t)).cast(d)
  }

  private static func mismatch(_ c: OpContext, _ n: Int, _ k: Int, axis: Int) -> MarsError {
    c.error(
      .value,
      "\(c.op.name): Input operand 1 has a mismatch in its core dimension \(axis), with gufunc signature (n?,k),(k,m?)->(n?,m?) (size \(k) is different from \(n))"
    )
  }
  private static func agree(_ a: Int, _ b: Int) -> Bool { a == b || a == unknownExtent || b == unknownExtent }

  static let matmul = OpDef(
    "matmul", inputs: [InputDef("x1"), InputDef("x2")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      for (i, x) in v.enumerated() where x.type.rank == 0 {
        throw c.error(
          .value,
          "matmul: Input operand \(i) does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
        )
      }
      let (r, s) = (v[0].type.rank, v[1].type.rank)
      let (n, k) = (v[0].type.shape[r - 1], v[1].type.shape[Swift.max(0, s - 2)])
      guard agree(n, k) else { throw mismatch(c, n, k, axis: 0) }
      return [
        try inCommon(c, v) { x, y throws(MarsError) in
          if r == 1 && s == 1 { return try x.op(Arithmetic.multiply, y).op(Reductions.sum, with: ["dtype": .dtype(x.type.dtype)]) }
          let a = r == 1 ? try x.expanded(at: [0]) : x
          let b = s == 1 ? try y.expanded(at: [1]) : y
          var out: Value
          if a.type.rank == 2 && b.type.rank == 2 {
            out = try a.op(product2D.def, b)
          } else {
            let rank = Swift.max(a.type.rank, b.type.rank)
            let stacked = { (m: Value) throws(MarsError) -> Value in
              m.type.rank == rank ? m : try m.expanded(at: Array(0..<rank - m.type.rank))
            }
            out = try stacked(a).op(productBatch.def, try stacked(b))
          }
          var drop: [Int] = []
          if r == 1 { drop.append(out.type.rank - 2) }
          if s == 1 { drop.append(out.type.rank - 1) }
          return drop.isEmpty ? out : try out.op(Shapes.squeeze, with: ["axis": .ints(drop)])
        }
      ]
    }, cost: Cost(perElement: 2),
    doc: OpDoc(
      "The matrix product; leading axes are stacks and broadcast.",
      details:
        "Vectors are rows or columns.  float32, float64 and complex through BLAS with one thread per chunk; half types in float32; integers wrap.",
      numpy: "numpy.matmul", example: "mt.matmul([[1, 2], [3, 4]], [[1, 0], [0, 1]])"),
    exposure: Exposure(alsoIn: ["linalg"], operators: ["__matmul__"]),
    samples: [
      Sample([[3, 4], [4, 5]], .all), Sample([[4], [4, 5]], .numeric), Sample([[3, 4], [4]], .numeric), Sample([[4], [4]], .numeric),
      Sample([[2, 3, 4], [4, 5]], .numeric), Sample([[2, 1, 3, 4], [6, 4, 5]]), Sample([[3, 0], [0, 5]], .all),
    ])

  /// Sums over `axesA` of a and `axesB` of b: free axes of a, then those of b.
  private static func contract(_ c: OpContext, _ a: Value, _ b: Value, _ axesA: [Int], _ axesB: [Int]) throws(MarsError) -> Value {
    guard a.type.isKnown && b.type.isKnown else { throw c.unknownExtents("\(c.op.name) needs known extents") }
    for (i, j) in zip(axesA, axesB) where a.type.shape[i] != b.type.shape[j] {
      throw c.error(
        .value,
        c.op.name == "tensordot"
          ? "shape-mismatch for sum"
          : "shapes \(Shape.tight(a.type.shape)) and \(Shape.tight(b.type.shape)) not aligned: \(a.type.shape[i]) (dim \(i)) != \(b.type.shape[j]) (dim \(j))"
      )
    }
    let freeA = (0..<a.type.rank).filter { !axesA.contains($0) }
    let freeB = (0..<b.type.rank).filter { !axesB.contains($0) }
    let k = axesA.reduce(1) { $0 * a.type.shape[$1] }
    let (shapeA, shapeB) = (freeA.map { a.type.shape[$0] }, freeB.map { b.type.shape[$0] })
    let x = try a.permuted(freeA + axesA).reshaped([shapeA.reduce(1, *), k])
    let y = try b.permuted(axesB + freeB).reshaped([k, shapeB.reduce(1, *)])
    return try x.op(product2D.def, y).reshaped(shapeA + shapeB)
  }

  static let dot = OpDef(
    "dot", inputs: [InputDef("a"), InputDef("b")], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (r, s) = (v[0].type.rank, v[1].type.rank)
      if r == 0 || s == 0 { return [try v[0].op(Arithmetic.multiply, v[1])] }
      let (k, j) = (r - 1, Swift.max(0, s - 2))
      guard agree(v[0].type.shape[k], v[1].type.shape[j]) else {
        func text(_ v: Value) -> String { Shape.tight(v.type.shape) }
        throw c.error(
          .value, "shapes \(text(v[0])) and \(text(v[1])) not aligned: \(v[0].type.shape[k]) (dim \(k)) != \(v[1].type.shape[j]) (dim \(j))"
        )
      }
      if r <= 2 && s <= 2 { return [try v[0].op(matmul, v[1])] }
      return [try inCommon(c, v) { x, y throws(MarsError) in try contract(c, x, y, [k], [j]) }]
    }, cost: Cost(perElement: 2),
    doc: OpDoc("The dot product of two tensors.", numpy: "numpy.dot", example: "mt.dot([1, 2], [3, 4])"),
    exposure: Exposure(method: true, out: .equal),
    samples: [
      Sample([[3, 4], [4, 5]], .all), Sample([[4], [4]], .numeric), Sample([[2, 3, 4], [2, 4, 3]]), Sample([[], [3]], .numeric),
    ])

  static let vdot = OpDef(
    "vdot", inputs: [InputDef("a"), InputDef("b")], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let a = try v[0].type.dtype.isComplex ? v[0].op(FloatingPoint.conjugate) : v[0]
      return [try a.reshaped([-1]).op(matmul, try v[1].reshaped([-1]))]
    },
    doc: OpDoc(
      "The dot product of flattened tensors, the first one conjugated.", details: "A number.  Both have the same number of elements.",
      numpy: "numpy.vdot", example: "mt.vdot([1j, 2], [1j, 2])"),
    samples: [Sample([[3], [3]], .numeric), Sample([[2, 3], [2, 3]], .complex)])

  static let inner = OpDef(
    "inner", inputs: [InputDef("a"), InputDef("b")], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      if v[0].type.rank == 0 || v[1].type.rank == 0 { return [try v[0].op(Arithmetic.multiply, v[1])] }
      if v[0].type.rank == 1 && v[1].type.rank == 1 { return [try v[0].op(dot, v[1])] }
      return [try inCommon(c, v) { x, y throws(MarsError) in try contract(c, x, y, [x.type.rank - 1], [y.type.rank - 1]) }]
    },
    doc: OpDoc(
      "Sums of products over the last axes.", details: "Shape: the axes of a and then those of b, each without the last.",
      numpy: "numpy.inner", example: "mt.inner([1, 2], [3, 4])"),
    samples: [Sample([[3], [3]], .numeric), Sample([[2, 3], [4, 3]])])

  static let outer = OpDef(
    "outer", inputs: [InputDef("a"), InputDef("b")], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let a = try v[0].reshaped([-1]).expanded(at: [1])
      let b = try v[1].reshaped([-1]).expanded(at: [0])
      return [try a.op(Arithmetic.multiply, b)]
    },
    doc: OpDoc(
      "All products of two flattened tensors.", details: "Shape: (size of a, size of b).", numpy: "numpy.outer",
      example: "mt.outer([1, 2], [3, 4])"),
    exposure: Exposure(alsoIn: ["linalg"]),
    samples: [Sample([[3], [4]], .all), Sample([[2, 2], [3]])])

  static let vecdot = OpDef(
    "vecdot", inputs: [InputDef("x1"), InputDef("x2")],
    attributes: [AttrDef("axis", .int, default: .int(-1), role: .axis, "the axis that is summed over")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = c.commonDType()
      var last: [Value] = []
      for x in v {
        let k = try c.normalisedAxis(c.int("axis"), rank: x.type.rank)
        last.append(try x.cast(d).op(Shapes.moveaxis, with: ["source": .ints([k]), "destination": .ints([-1])]))
      }
      let (n, m) = (last[0].type.shape.last, last[1].type.shape.last)
      guard n == m || n == unknownExtent || m == unknownExtent else {
        throw c.error(
          .value,
          "vecdot: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n),(n)->() (size \(m ?? 0) is different from \(n ?? 0))"
        )
      }
      let products = try (d.isComplex ? last[0].op(FloatingPoint.conjugate) : last[0]).op(Arithmetic.multiply, last[1])
      return [try products.op(Reductions.sum, with: ["axis": .ints([-1]), "dtype": .dtype(d)])]
    },
    doc: OpDoc(
      "Inner products of vectors along an axis; the first is conjugated.",
      details: "The axis has the same extent in both; the others broadcast.", numpy: "numpy.vecdot",
      example: "mt.vecdot([[1, 2], [3, 4]], [5, 6])"),
    exposure: Exposure(alsoIn: ["linalg"], signature: "x1 x2 / out * axis"),
    samples: [Sample([[2, 3], [3]], .numeric), Sample([[3, 2], [3, 2]], attributes: ["axis": .int(0)])])

  static let tensordot = OpDef(
    "tensordot", inputs: [InputDef("a"), InputDef("b")],
    attributes: [
      AttrDef("axes", .int, default: .int(2), "how many last axes of a and first axes of b to sum over"),
      AttrDef("axes_a", .ints, default: AttrValue.none, "axes of a to sum over, instead"),
      AttrDef("axes_b", .ints, default: AttrValue.none, "axes of b to sum over, in the same order"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var (p, q): ([Int], [Int]) = ([], [])
      if let a = c.optionalInts("axes_a"), let b = c.optionalInts("axes_b") {
        guard a.count == b.count else { throw c.error(.value, "shape-mismatch for sum") }
        for (i, j) in zip(a, b) {
          p.append(try c.normalisedAxis(i, rank: v[0].type.rank))
          q.append(try c.normalisedAxis(j, rank: v[1].type.rank))
          guard Set(p).count == p.count && Set(q).count == q.count else { throw c.error(.value, "duplicate axes not allowed in tensordot") }
        }
      } else {
        // As NumPy, where less than none is none.
        let n = Swift.max(0, c.int("axes"))
        guard n <= v[0].type.rank && n <= v[1].type.rank else { throw c.error(.value, "shape-mismatch for sum") }
        p = Array(v[0].type.rank - n..<v[0].type.rank)
        q = Array(0..<n)
      }
      return [try inCommon(c, v) { x, y throws(MarsError) in try contract(c, x, y, p, q) }]
    },
    doc: OpDoc(
      "Sums of products over chosen axes.",
      details:
        "Either the last axes of a and as many first of b, or pairs of axes that are named.  What is left of a and then of b are the axes of the result.",
      numpy: "numpy.tensordot", example: "mt.tensordot(mt.ones((2, 3)), mt.ones((3, 4)), axes=1)"),
    exposure: Exposure(alsoIn: ["linalg"]),
    samples: [
      Sample([[2, 3, 4], [3, 4, 5]]), Sample([[2, 3, 4], [4, 2]], attributes: ["axes_a": .ints([2, 0]), "axes_b": .ints([0, 1])]),
    ])

  static let trace = OpDef(
    "trace", inputs: [InputDef("a")], attributes: Shapes.diagonal.attributes + [Reductions.dtype], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = Value(try Shapes.diagonal.apply([.value(v[0])], c.passing("offset", "axis1", "axis2")))
      return [try d.op(Reductions.sum, with: ["axis": .ints([-1]), "dtype": c["dtype"]])]
    }, doc: OpDoc("The sum of the diagonal.", numpy: "numpy.trace", example: "mt.trace([[1, 2], [3, 4]])"),
    exposure: Exposure(method: true, out: .any),
    samples: [Sample([[3, 3]], .all), Sample([[3, 4]], attributes: ["offset": .int(1)])])

  static let norm = OpDef(
    "norm", inputs: [InputDef("x")],
    attributes: [
      AttrDef("ord", .scalar, default: AttrValue.none, "order of the norm; None: 2 of vectors, Frobenius of matrices"),
      AttrDef("axis", .ints, default: AttrValue.none, "the axis of vectors, or two of matrices; None: all of a vector or a matrix"),
      Reductions.keepdims, AttrDef("kind", .string, default: .string(""), "'fro' or 'nuc' in place of ord"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0].type.dtype.kind < .floating ? try v[0].cast(.float64) : v[0]
      let (rank, kind) = (x.type.rank, c.string("kind"))
      let order = c.scalar("ord")?.asDouble
      let isPlain = order == nil && kind.isEmpty
      let axes: [Int]
      if let given = c.optionalInts("axis") {
        guard given.count == 1 || given.count == 2 else { throw c.error(.value, "Improper number of dimensions to norm.") }
        var found: [Int] = []
        for a in given { found.append(try c.normalisedAxis(a, rank: rank)) }
        guard Set(found).count == found.count else { throw c.error(.value, "Duplicate axes given.") }
        axes = found
      } else {
        guard isPlain || rank == 1 || rank == 2 else { throw c.error(.value, "Improper number of dimensions to norm.") }
        axes = Array(0..<rank)
      }
      func over(_ x: Value, _ axes: [Int], _ op: OpDef) throws(MarsError) -> Value {
        try x.op(op, with: ["axis": .ints(axes), "keepdims": .bool(true)])
      }
      // Vectors: over one axis, or over all of them for the plain norm.
      func vector(_ x: Value, _ axes: [Int], _ order: Double) throws(MarsError) -> Value {
        switch order {
        case 2: return try over(try x.op(Reductions.absoluteSquare), axes, Reductions.sum).op(Exponential.sqrt)
        case .infinity:
          // The norm of no elements is 0.
          return try x.op(Arithmetic.absolute).op(
            Reductions.max, with: ["axis": .ints(axes), "keepdims": .bool(true), "initial": .scalar(Scalar(0.0))])
        case -.infinity: return try over(try x.op(Arithmetic.absolute), axes, Reductions.min)
        case 0:
          let isThere = try x.op(Comparison.notEqual, Reductions.constant(Scalar(0.0), x.type.dtype))
          return try over(try isThere.cast(x.type.dtype.realPart), axes, Reductions.sum)
        case 1: return try over(try x.op(Arithmetic.absolute), axes, Reductions.sum)
        default:
          let t = x.type.dtype.realPart
          let power = Reductions.constant(Scalar(order), t)
          let s = try over(try x.op(Arithmetic.absolute).op(Arithmetic.power, power), axes, Reductions.sum)
          return try s.op(Arithmetic.power, Reductions.constant(Scalar(1 / order), t))
        }
      }
      let r: Value
      if isPlain {
        r = try vector(x, axes, 2)
      } else if axes.count == 1 {
        guard let order else { throw c.error(.value, "Invalid norm order '\(kind)' for vectors") }
        r = try vector(x, axes, order)
      } else if let order {
        let (rows, columns) = ([axes[0]], [axes[1]])
        switch order {
        case 1: r = try over(try vector(x, rows, 1), columns, Reductions.max)
        case -1: r = try over(try vector(x, rows, 1), columns, Reductions.min)
        case .infinity: r = try over(try vector(x, columns, 1), rows, Reductions.max)
        case -.infinity: r = try over(try vector(x, columns, 1), rows, Reductions.min)
        case 2, -2: throw c.error(.unsupported, "norm: ord=\(Int(order)) of matrices needs singular values, which are not supported yet")
        default: throw c.error(.value, "Invalid norm order for matrices.")
        }
      } else {
        switch kind {
        case "fro", "f": r = try vector(x, axes, 2)
        case "nuc": throw c.error(.unsupported, "norm: ord='nuc' needs singular values, which are not supported yet")
        default: throw c.error(.value, "Invalid norm order for matrices.")
        }
      }
      return [c.bool("keepdims") ? r : try r.op(Shapes.squeeze, with: ["axis": .ints(axes)])]
    },
    doc: OpDoc(
      "Norms of vectors and matrices.", details: "Those of matrices that need singular values (2, -2, 'nuc') are not there yet.",
      numpy: "numpy.linalg.norm", example: "mt.linalg.norm([3.0, 4.0])"),
    exposure: Exposure(namespace: "linalg"),
    samples: [
      Sample([[3, 4]], .numeric), Sample([[3, 4]], attributes: ["axis": .ints([1])]),
      Sample([[3, 4]], attributes: ["ord": .scalar(Scalar(1.0))]),
      Sample([[3, 4]], .numeric, attributes: ["ord": .scalar(Scalar(.infinity)), "axis": .ints([0]), "keepdims": .bool(true)]),
      Sample([[3, 4]], attributes: ["ord": .scalar(Scalar(3.0)), "axis": .ints([-1])]),
    ])

  static let family = OpFamily([matmul, dot, vdot, inner, outer, vecdot, tensordot, trace, norm], natives: [product2D, productBatch])
}
