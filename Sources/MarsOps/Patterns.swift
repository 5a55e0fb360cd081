import MarsBase
import MarsGraph

/// Matrices and indices that follow a pattern, and products by blocks.
enum Patterns {
  static let diagflat = OpDef(
    "diagflat", inputs: [InputDef("v")], attributes: [AttrDef("k", .int, default: .int(0), "the diagonal; positive: above the main one")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      [try v[0].reshaped([-1]).op(Creation.diag, with: ["k": .int(c.int("k"))])]
    },
    doc: OpDoc(
      "A matrix with all elements on a diagonal.", details: "As many rows and columns as v has elements, and |k| more.",
      numpy: "numpy.diagflat", example: "mt.diagflat([[1, 2], [3, 4]])"),
    exposure: Exposure(signature: "v k"), samples: [Sample([[2, 2]], .all), Sample([[3]], attributes: ["k": .int(-1)])])

  private static func triangle(_ name: String, lower: Bool) -> OpDef {
    OpDef(
      name, inputs: [],
      attributes: [
        AttrDef("n", .int, "rows"), AttrDef("k", .int, default: .int(0), "the diagonal; positive: above the main one"),
        AttrDef("columns", .int, default: AttrValue.none, "None: as many as rows"),
      ], outputs: ["rows", "columns"], typing: .fromExpansion,
      body: .composed { (c: OpContext, _: [Value]) throws(MarsError) -> [Value] in
        let k = lower ? c.int("k") : Swift.max(c.int("k"), -Int.max) - 1
        let below = Value(
          try Creation.tri.apply([], [("N", .int(c.int("n"))), ("M", c["columns"]), ("k", .int(k)), ("dtype", .dtype(.bool))]))
        let mask = lower ? below : try below.op(Comparison.logicalNot)
        let found = try Masks.nonzero.apply([.value(mask)])
        return [Value(found, 0), Value(found, 1)]
      },
      doc: OpDoc(
        "Rows and columns of the elements \(lower ? "at and below" : "at and above") a diagonal.", numpy: "numpy.\(name)",
        example: "mt.\(name)(3)[0]"), exposure: Exposure(source: false),
      samples: [Sample([], attributes: ["n": .int(3)]), Sample([], attributes: ["n": .int(3), "k": .int(-1), "columns": .int(5)])])
  }
  static let trilIndices = triangle("tril_indices", lower: true)
  static let triuIndices = triangle("triu_indices", lower: false)

  static let geomspace = OpDef(
    "geomspace", inputs: [InputDef("start"), InputDef("stop")],
    attributes: [
      AttrDef("num", .int, default: .int(50), "number of values"),
      AttrDef("endpoint", .bool, default: .bool(true), "whether stop is the last one"),
      AttrDef("dtype", .dtype, default: AttrValue.none, "element type; None: that of the values"),
      AttrDef("axis", .int, default: .int(0), since: 2, "where the values lie among the axes of the ends"),
    ], typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      // As NumPy: at least float64 where no dtype is given, and complex where that is.
      let common = Promotion.common(c.commonDType(), c.dtype("dtype") ?? .float64)
      let d = common.kind < .floating ? .float64 : common
      for x in v {
        if let s = x.constant, s.asDouble == 0, x.type.dtype.isComplex == false {
          throw c.error(.value, "Geometric sequence cannot include zero")
        }
      }
      let n = c.int("num")
      // Both ends are turned to where the first one is positive.
      let (start, stop) = (try v[0].cast(d), try v[1].cast(d))
      let sign = try start.op(Arithmetic.sign)
      let (from, to) = (try start.op(Arithmetic.divide, sign), try stop.op(Arithmetic.divide, sign))
      let exponents = Value(
        try Creation.linspace.apply(
          [.value(try from.op(Exponential.log10)), .value(try to.op(Exponential.log10))], c.passing("num", "endpoint")))
      var r = try Reductions.constant(Scalar(10.0), d).op(Arithmetic.power, exponents)
      // The ends themselves are exact.
      let index = try Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(n))))])).reshaped(
        [n] + exponents.type.shape.dropFirst().map { _ in 1 })
      r = try index.op(Comparison.equal, weak: Scalar(Int64(0))).op(Selection.`where`, from, r)
      if n > 1 && c.bool("endpoint") { r = try index.op(Comparison.equal, weak: Scalar(Int64(n - 1))).op(Selection.`where`, to, r) }
      r = try r.op(Arithmetic.multiply, sign).cast(c.dtype("dtype") ?? r.type.dtype)
      return [try r.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([c.int("axis")])])]
    },
    doc: OpDoc(
      "Values with one ratio from start to stop.", details: "Of the shape and dtype of linspace.  start and stop may not be 0.",
      numpy: "numpy.geomspace", example: "mt.geomspace(1, 1000, num=4)"),
    exposure: Exposure(source: true, signature: "start stop num endpoint dtype axis"),
    samples: [
      Sample([[], []], [.integer, .floating], attributes: ["num": .int(5)]),
      Sample([[3], []], attributes: ["num": .int(4), "axis": .int(-1)]),
    ])

  // MARK: Products

  static let kron = OpDef(
    "kron", inputs: [InputDef("a"), InputDef("b")], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("kron needs known extents") }
      let rank = v.map(\.type.rank).reduce(0) { Swift.max($0, $1) }
      try c.checkRank(2 * rank)
      let (a, b) = (v[0].type.shape, v[1].type.shape)
      let (n, m) = ([Int](repeating: 1, count: rank - a.count) + a, [Int](repeating: 1, count: rank - b.count) + b)
      // (n0, m0, n1, m1, ...), whose axes are joined in pairs.
      let left = try v[0].reshaped(n.flatMap { [$0, 1] })
      let right = try v[1].reshaped(m.flatMap { [1, $0] })
      var shape: [Int] = []
      for (p, q) in zip(n, m) { shape.append(try c.product([p, q], "an axis of \(p) times \(q)")) }
      return [try left.op(Arithmetic.multiply, right).reshaped(shape)]
    },
    doc: OpDoc(
      "The second tensor once for every element of the first, times that.", details: "Extents multiply, axis by axis from the last one.",
      numpy: "numpy.kron", example: "mt.kron([1, 10], [1, 2])"),
    exposure: Exposure(signature: "a b"), samples: [Sample([[2, 3], [2]], .all), Sample([[], [3]]), Sample([[2], [2, 2]])])

  private static func product(_ name: String, matrixFirst: Bool, _ summary: String, example: String, _ shapes: [[Int]]) -> OpDef {
    OpDef(
      name, inputs: [InputDef("x1"), InputDef("x2")], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        for (i, x) in v.enumerated() where x.type.rank < ((i == 0) == matrixFirst ? 2 : 1) {
          throw c.error(.value, "\(name): Input operand \(i) does not have enough dimensions")
        }
        if matrixFirst {
          let column = try v[1].expanded(at: [v[1].type.rank])
          return [try v[0].op(LinearAlgebra.matmul, column).op(Shapes.squeeze, with: ["axis": .ints([-1])])]
        }
        let x = v[0].type.dtype.isComplex ? try v[0].op(FloatingPoint.conjugate) : v[0]
        let row = try x.expanded(at: [x.type.rank - 1])
        return [try row.op(LinearAlgebra.matmul, v[1]).op(Shapes.squeeze, with: ["axis": .ints([-2])])]
      }, cost: Cost(perElement: 2), doc: OpDoc(summary, numpy: "numpy.\(name)", example: example),
      exposure: Exposure(signature: "x1 x2 / out"), samples: [Sample(shapes, .numeric)])
  }
  static let matvec = product(
    "matvec", matrixFirst: true, "Products of matrices with vectors.", example: "mt.matvec([[1, 2], [3, 4]], [1, 1])", [[2, 3, 4], [4]])
  static let vecmat = product(
    "vecmat", matrixFirst: false, "Products of vectors, which are conjugated, with matrices.",
    example: "mt.vecmat([1, 1], [[1, 2], [3, 4]])", [[3], [2, 3, 4]])

  static let family = OpFamily([diagflat, trilIndices, triuIndices, geomspace, kron, matvec, vecmat])
}
