import MarsBase
import MarsGraph

/// Tensors from nothing: constants, ranges, patterns.
enum Creation {
  static let cheap = Cost(perElement: 0.5, isCheapSource: true)
  static let shape = AttrDef("shape", .ints, precedesInputs: true, role: .extent, "extents")
  static func creates(_ signature: String = "") -> Exposure { Exposure(source: true, device: true, signature: signature) }
  private static func dtype(_ d: DType = .float64) -> AttrDef {
    AttrDef("dtype", .dtype, default: .dtype(d), allowsNone: true, "element type; None: the default")
  }
  static let inferredDType = AttrDef("dtype", .dtype, default: AttrValue.none, "element type; None: that of the values")

  /// One value for all elements.
  static let shaped: OpDef.Reshaping = { c, shape in
    c.inputs.allSatisfy { $0.rank == 0 } ? (c.op, c.attributes(with: "shape", .ints(shape))) : nil
  }

  // MARK: Constants

  private static func filled(_ name: String, _ value: Double, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [], attributes: [shape, dtype()],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(c.dtype("dtype") ?? .float64, try c.shape("shape"))]
      },
      body: .expr { b, c, _ in [b.constant(c.dtype("dtype") ?? .float64, value)] }, cost: cheap,
      doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)((2, 3))"),
      exposure: creates("shape dtype order=C * device"),
      samples: DType.allCases.map { Sample([], attributes: ["shape": .ints([2, 3]), "dtype": .dtype($0)]) }, reshaped: shaped,
      answer: Answer(rankZero: .array))
  }
  static let zeros = filled("zeros", 0, "Zeros.")
  static let ones = filled("ones", 1, "Ones.")
  static let empty = filled("empty", 0, "A tensor whose values do not matter; they are zeros.")

  static let full = OpDef(
    "full", inputs: [InputDef("fill_value")], attributes: [shape, inferredDType],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let s = try c.shape("shape")
      guard Shape.broadcast([c.inputs[0].shape, s]) == s else {
        throw Shape.cannotBroadcast(c.inputs[0].shape, into: s)
      }
      let d = c.dtype("dtype") ?? c.inputs[0].dtype
      if let value = c.constant(0) { _ = try value.fitting(d) }
      return [TensorType(d, s)]
    },
    body: .expr { b, c, x in [b.cast(x[0], c.dtype("dtype") ?? c.inputs[0].dtype)] }, cost: cheap,
    doc: OpDoc(
      "One value (or a tensor that broadcasts) everywhere.", details: "Of the dtype of the value unless one is given.", numpy: "numpy.full",
      example: "mt.full((2, 3), 7)"),
    exposure: creates("shape fill_value dtype order=C * device"),
    samples: [Sample([[]], .all, attributes: ["shape": .ints([2, 3])]), Sample([[3]], .all, attributes: ["shape": .ints([2, 3])])],
    reshaped: shaped, answer: Answer(rankZero: .array))

  private static let like = OpDef(
    "fill_like", inputs: [InputDef("a"), InputDef("fill_value")], attributes: [dtype()],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[1].rank == 0 else { throw c.error(.value, "the fill value must be 0-d") }
      return [TensorType(c.dtype("dtype") ?? .float64, c.inputs[0].shape)]
    },
    body: .expr { b, c, x in [b.cast(x[1], c.dtype("dtype") ?? .float64)] },
    doc: OpDoc("A 0-d value in the shape of another tensor, whose extents may be unknown.", example: "mt.zeros_like([1, 2])"),
    exposure: .hidden,
    samples: [Sample([[2, 3], []])])

  private static func like(_ name: String, _ value: Double?, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef(name == "empty_like" ? "prototype" : "a")] + (value == nil ? [InputDef("fill_value")] : []),
      attributes: [inferredDType, AttrDef("shape", .ints, default: AttrValue.none, role: .extent, "extents; None: those of a")],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let d = c.dtype("dtype") ?? v[0].type.dtype
        let s = c.optionalInts("shape") == nil ? v[0].type.shape : try c.shape("shape")
        if value == nil, let given = v[1].constant { _ = try given.fitting(d) }
        let fill: Value = if let value { Reductions.constant(Scalar(value), d) } else { try v[1].cast(d) }
        if Shape.isKnown(s) { return [try fill.op(full, with: ["shape": .ints(s), "dtype": .dtype(d)])] }
        return [try v[0].op(like, fill, with: ["dtype": .dtype(d)])]
      },
      doc: OpDoc(
        summary, numpy: "numpy.\(name)", example: value == nil ? "mt.\(name)([[1, 2]], 5)" : "mt.\(name)([[1, 2]])"),
      exposure: Exposure(
        device: true,
        signature: "\(name == "empty_like" ? "prototype /" : value == nil ? "a fill_value" : "a") dtype order=K subok=True shape * device"),
      samples: [Sample(value == nil ? [[2, 3], []] : [[2, 3]], .all)], answer: Answer(rankZero: .array))
  }
  static let zerosLike = like("zeros_like", 0, "Zeros in the shape and dtype of another tensor.")
  private static let likes = [
    zerosLike,
    like("ones_like", 1, "Ones in the shape and dtype of another tensor."),
    like("empty_like", 0, "A tensor of the same shape and dtype whose values do not matter."),
    like("full_like", nil, "One value in the shape and dtype of another tensor."),
  ]

  // MARK: Evenly spaced values

  private static let spacing = [
    AttrDef("num", .int, default: .int(50), "number of values"),
    AttrDef("endpoint", .bool, default: .bool(true), "whether stop is the last one"),
  ]

  private static let linspaceLoop = OpDef(
    "linspace_values", inputs: [InputDef("start"), InputDef("stop")], attributes: spacing + [inferredDType],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.int("num") >= 0 else { throw c.error(.value, "Number of samples, \(c.int("num")), must be non-negative.") }
      guard let s = Shape.broadcast(c.inputs.map(\.shape)) else { throw c.error(.value, "start and stop do not broadcast") }
      return [TensorType(c.dtype("dtype") ?? Promotion.common(c.commonDType(), linspaceFloor(c)), [c.int("num")] + s)]
    },
    body: .expr { b, c, x in
      let d = c.dtype("dtype") ?? Promotion.common(c.commonDType(), linspaceFloor(c))
      let t = Promotion.common(c.commonDType(), linspaceFloor(c))
      let (num, endpoint) = (c.int("num"), c.bool("endpoint"))
      let divisions = endpoint ? num - 1 : num
      let (start, stop) = (b.cast(x[0], t), b.cast(x[1], t))
      let index = b.coordinate(0)
      let i = b.cast(index, t)
      guard divisions > 0 else { return [b.cast(start, d)] }
      let n = b.cast(b.scalar(Scalar(Double(divisions))), t)
      let span = b.sub(stop, start)
      let step = b.div(span, n)
      let zero = b.constant(t, 0)
      // Where the step underflows NumPy divides first.
      let offset = b.select(b.eq(step, zero), b.mul(b.div(i, n), span), b.mul(i, step))
      var v = b.add(offset, start)
      if endpoint && num > 1 {
        let last = b.scalar(Scalar(Int64(num - 1)))
        v = b.select(b.op(.eq, as: .bool, index, last), stop, v)
      }
      if d.isInteger { v = b.op(.floor, b.real(v)) }
      return [b.cast(v, d)]
    }, cost: Cost(perElement: 5, isCheapSource: true),
    doc: OpDoc("Evenly spaced values from start to stop along a new first axis.", example: "mt.linspace(0, 1, num=5)"),
    exposure: .hidden, samples: linspaceSamples)
  private static let linspaceSamples = [
    Sample([[], []], attributes: ["num": .int(5)]), Sample([[3], []], attributes: ["num": .int(4), "endpoint": .bool(false)]),
    Sample([[], []], [.signed, .floating], attributes: ["num": .int(7), "dtype": .dtype(.int64)]),
  ]

  static let linspace = OpDef(
    "linspace", inputs: [InputDef("start"), InputDef("stop")],
    attributes: spacing + [
      inferredDType, AttrDef("axis", .int, default: .int(0), since: 2, "where the values lie among the axes of the ends"),
    ],
    typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      // As NumPy, which rounds down for integers.
      if let d = c.dtype("dtype"), d.isInteger, c.commonDType().isComplex { _ = try v[0].cast(c.commonDType()).op(FloatingPoint.floor) }
      let made = Value(try linspaceLoop.apply(v.map { .value($0) }, c.passing("num", "endpoint", "dtype")))
      return [try made.op(Shapes.moveaxis, with: ["source": .ints([0]), "destination": .ints([c.int("axis")])])]
    }, cost: Cost(perElement: 5, isCheapSource: true),
    doc: OpDoc(
      "Evenly spaced values from start to stop.",
      details:
        "num elements along a new axis; start and stop broadcast.  Integers give float64; cast to an integer dtype, values are rounded down.",
      numpy: "numpy.linspace", example: "mt.linspace(0, 1, num=5)"),
    exposure: creates(), samples: linspaceSamples + [Sample([[2, 3], []], attributes: ["num": .int(4), "axis": .int(-1)])])

  static let linspaceStep = OpDef(
    "linspace_step", inputs: [InputDef("start"), InputDef("stop")], attributes: spacing, typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = Promotion.common(c.commonDType(), linspaceFloor(c))
      guard c.int("num") >= 0 else { throw c.error(.value, "Number of samples, \(c.int("num")), must be non-negative.") }
      let parts = c.int("num") - (c.bool("endpoint") ? 1 : 0)
      // As NumPy, whatever the ends are.
      guard parts > 0 else { return [Reductions.constant(Scalar(Double.nan), .float64)] }
      let span = try v[1].cast(d).op(Arithmetic.subtract, try v[0].cast(d))
      return [try span.op(Arithmetic.divide, Reductions.constant(Scalar(Double(parts)), d))]
    },
    doc: OpDoc(
      "The distance between the values of linspace: what that gives beside them where `retstep` is set.",
      details: "Of the shape to which start and stop broadcast, and the dtype of the values.  With endpoint, of one value, it is NaN.",
      example: "mt.linspace(0, 1, num=5, retstep=True)[1]"),
    exposure: .hidden,
    samples: [Sample([[], []], [.integer, .floating]), Sample([[3], []], attributes: ["num": .int(1)])])
  private static func linspaceFloor(_ c: OpContext) -> DType { c.commonDType().kind < .floating ? .float64 : c.commonDType() }

  static let logspace = OpDef(
    "logspace",
    inputs: linspace.inputs + [
      InputDef("base", default: 10, alone: true, "the base of the exponents, or bases that broadcast beside the ends")
    ],
    attributes: linspace.attributes, typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var (ends, base) = (Array(v.prefix(2)), v[2])
      if base.type.rank > 0 {
        // As NumPy: bases have a part in where the axis lies.
        let rank = v.map(\.type.rank).max() ?? 0
        let wide = try v.map { x throws(MarsError) in try x.expanded(at: Array(0..<rank - x.type.rank)) }
        ends = Array(wide.prefix(2))
        base = try wide[2].expanded(at: [c.int("axis")])
      }
      let e = Value(try linspace.apply(ends.map { .value($0) }, c.passing("num", "endpoint", "axis")))
      // Of a number only the kind counts beside the exponents.
      if let number = base.constant {
        base = Reductions.constant(number, Promotion.resolve(weak: number.dtype.kind, beside: e.type.dtype))
      }
      let r = try base.op(Arithmetic.power, e)
      return [try r.cast(c.dtype("dtype") ?? r.type.dtype)]
    },
    doc: OpDoc(
      "Powers of a base with evenly spaced exponents.",
      details: "base to the powers that linspace gives, which says what shape and dtype they have.", numpy: "numpy.logspace",
      example: "mt.logspace(0, 2, num=3)"),
    exposure: Exposure(source: true, signature: "start stop num endpoint base dtype axis"),
    samples: [
      Sample([[], []], attributes: ["num": .int(5)]), Sample([[2], [], [3, 1]], attributes: ["num": .int(4), "axis": .int(-1)]),
    ])

  // MARK: Patterns over two axes

  private static func diagonal(_ role: IntegerRole = .number) -> AttrDef {
    AttrDef("k", .int, default: .int(0), role: role, "the diagonal; positive: above the main one")
  }

  static let eye = OpDef(
    "eye", inputs: [],
    attributes: [
      AttrDef("N", .int, role: .extent, "rows"),
      AttrDef("M", .int, default: AttrValue.none, role: .extent, "columns; None: as many as rows"),
      diagonal(.diagonal), dtype(),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.int("N") >= 0 && (c.optionalInt("M") ?? 0) >= 0 else { throw c.error(.value, "negative dimensions are not allowed") }
      return [TensorType(c.dtype("dtype") ?? .float64, [c.int("N"), c.optionalInt("M") ?? c.int("N")])]
    },
    body: .expr { b, c, _ in
      let (row, column) = (b.coordinate(0), b.coordinate(1))
      let k = b.scalar(Scalar(Int64(c.int("k"))))
      return [b.cast(b.op(.eq, as: .bool, b.op(.sub, column, row), k), c.dtype("dtype") ?? .float64)]
    }, cost: cheap,
    doc: OpDoc(
      "Ones on a diagonal, zeros elsewhere.", details: "N rows and M columns (None: as many), float64 unless a dtype is given.",
      numpy: "numpy.eye", example: "mt.eye(3)"), exposure: creates(),
    samples: [Sample([], attributes: ["N": .int(3)]), Sample([], attributes: ["N": .int(3), "M": .int(5), "k": .int(1)])])
  static let identity = OpDef(
    "identity", inputs: [], attributes: [AttrDef("n", .int, role: .extent, "rows and columns"), dtype()], typing: .fromExpansion,
    body: .composed { (c: OpContext, _: [Value]) throws(MarsError) -> [Value] in
      [Value(try eye.apply([], [("N", .int(c.int("n")))] + c.passing("dtype")))]
    },
    doc: OpDoc(
      "The square identity matrix.", details: "n rows and columns, float64 unless a dtype is given.", numpy: "numpy.identity",
      example: "mt.identity(3)"),
    samples: [Sample([], attributes: ["n": .int(3)])])

  static let tri = OpDef(
    "tri", inputs: [],
    attributes: [
      AttrDef("N", .int, "rows"), AttrDef("M", .int, default: AttrValue.none, "columns; None: as many as rows"), diagonal(), dtype(),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      // As NumPy, of whose ranges the matrix is made: less than none is none.
      [TensorType(c.dtype("dtype") ?? .float64, [c.int("N"), c.optionalInt("M") ?? c.int("N")].map { Swift.max(0, $0) })]
    },
    body: .expr { b, c, _ in
      let (row, column) = (b.coordinate(0), b.coordinate(1))
      let k = b.scalar(Scalar(Int64(c.int("k"))))
      return [b.cast(b.op(.le, as: .bool, b.op(.sub, column, row), k), c.dtype("dtype") ?? .float64)]
    }, cost: cheap,
    doc: OpDoc(
      "Ones at and below a diagonal, zeros above.", details: "N rows and M columns (None: as many), float64 unless a dtype is given.",
      numpy: "numpy.tri", example: "mt.tri(3)"), samples: eye.samples
  )

  private static func triangle(_ name: String, lower: Bool) -> OpDef {
    OpDef(
      name, inputs: [InputDef("m")], attributes: [diagonal()],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let shape = c.inputs[0].shape
        guard let n = shape.first else { throw c.error(.type, "\(name) requires at least one dimension") }
        // As NumPy: the rows of a vector's matrix are the vector.
        return [TensorType(c.inputs[0].dtype, shape.count == 1 ? [n, n] : shape)]
      },
      body: .expr { b, c, x in
        let rank = Swift.max(2, c.inputs[0].rank)
        let distance = b.op(.sub, b.coordinate(rank - 1), b.coordinate(rank - 2))
        let k = b.scalar(Scalar(Int64(c.int("k"))))
        let zero = b.constant(b.type(x[0]), 0)
        let keep = lower ? b.op(.le, as: .bool, distance, k) : b.op(.le, as: .bool, k, distance)
        return [b.select(keep, x[0], zero)]
      },
      doc: OpDoc(
        "The matrix with zeros \(lower ? "above" : "below") a diagonal.",
        details: "Of the shape and dtype of m, whose last two axes count; a vector stands for a matrix of such rows.",
        numpy: "numpy.\(name)", example: "mt.\(name)([[1, 2], [3, 4]])"),
      samples: [Sample([[3, 4]], .all), Sample([[2, 3, 3]], .all, attributes: ["k": .int(-1)]), Sample([[3]], .all)])
  }
  static let tril = triangle("tril", lower: true)
  static let triu = triangle("triu", lower: false)

  static let diag = OpDef(
    "diag", inputs: [InputDef("v")], attributes: [AttrDef("k", .int, default: .int(0), "the diagonal; positive: above the main one")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0]
      let k = c.int("k")
      if x.type.rank == 2 { return [try x.op(Shapes.diagonal, with: ["offset": .int(k)])] }
      guard x.type.rank == 1 else { throw c.error(.value, "Input must be 1- or 2-d.") }
      guard x.type.isKnown else { throw c.unknownExtents("diag needs a known extent") }
      guard k.magnitude < 1 << 31 else { throw c.error(.value, "Maximum allowed dimension exceeded") }
      let n = try c.sum([x.type.shape[0], Swift.abs(k)], "a diagonal of \(x.type.shape[0]) elements beside the main one")
      let d = x.type.dtype
      var padded = x
      if k != 0 {
        let zeros = Value(try zeros.apply([], [("shape", .ints([Swift.abs(k)])), ("dtype", .dtype(d))]))
        padded = Value(try Joining.concatenate.apply([.value(x), .value(zeros)]))
      }
      // Above the main diagonal an element's row names it, below it the column.
      let spread = try k > 0 ? padded.expanded(at: [1]) : padded.expanded(at: [0])
      let mask = Value(try eye.apply([], [("N", .int(n)), ("k", .int(k)), ("dtype", .dtype(.bool))]))
      return [try mask.op(Selection.`where`, spread, Reductions.constant(Scalar(Int64(0)), d))]
    },
    doc: OpDoc(
      "A diagonal matrix from a vector, or the diagonal of a matrix.",
      details: "A vector of n elements gives n + |k| rows and columns; the diagonal of a matrix is a view.", numpy: "numpy.diag",
      example: "mt.diag([1, 2, 3])"),
    samples: [Sample([[3]], .all), Sample([[3]], .all, attributes: ["k": .int(-1)]), Sample([[3, 4]], .all, attributes: ["k": .int(1)])])

  // MARK: Indices

  static let indices = OpDef(
    "indices", inputs: [], attributes: [AttrDef("dimensions", .ints, role: .extent, "extents of the grid"), dtype(.int64)],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let s = try c.shape("dimensions")
      return [TensorType(c.dtype("dtype") ?? .int64, [s.count] + s)]
    },
    body: .expr { b, c, _ in
      let rank = c.ints("dimensions").count
      guard rank > 0 else { return [b.constant(c.dtype("dtype") ?? .int64, 0)] }
      let which = b.coordinate(0)
      var v = b.coordinate(rank)
      for k in stride(from: rank - 1, to: 0, by: -1) {
        let number = b.constant(.int64, Double(k - 1))
        v = b.select(b.op(.eq, as: .bool, which, number), b.coordinate(k), v)
      }
      return [b.cast(v, c.dtype("dtype") ?? .int64)]
    }, cost: cheap,
    doc: OpDoc(
      "The indices of a grid, one block per axis.", details: "One axis more than dimensions has entries, in front.", numpy: "numpy.indices",
      example: "mt.indices((2, 3))"),
    samples: [Sample([], attributes: ["dimensions": .ints([2, 3])]), Sample([], attributes: ["dimensions": .ints([4])])])

  static let meshgrid = OpDef(
    "meshgrid", inputs: [InputDef("xi", variadic: true)],
    attributes: [
      AttrDef("indexing", .string, default: .string("xy"), "'xy' or 'ij'"),
      AttrDef("sparse", .bool, default: .bool(false), since: 2, "whether other axes stay of extent 1"),
    ],
    outputs: ["grids..."], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let swap = c.string("indexing") == "xy" && v.count > 1
      guard ["xy", "ij"].contains(c.string("indexing")) else { throw c.error(.value, "Valid values for `indexing` are 'xy' and 'ij'.") }
      // As NumPy: what has more axes counts as the vector of its elements.
      let v = try v.map { x throws(MarsError) in x.type.rank > 1 ? try x.reshaped([-1]) : x }
      var position = Array(v.indices)
      if swap { position.swapAt(0, 1) }
      var shape = [Int](repeating: 1, count: v.count)
      for (i, x) in v.enumerated() { shape[position[i]] = x.type.shape.first ?? 1 }
      var out: [Value] = []
      for (i, x) in v.enumerated() {
        let map = AxisMap(x.type.rank == 0 ? [] : [.aligned(position[i])])
        let alone = shape.indices.map { $0 == position[i] ? shape[$0] : 1 }
        out.append(try x.viewed(map, shape: c.bool("sparse") ? alone : shape))
      }
      return out
    },
    doc: OpDoc(
      "Coordinate matrices from coordinate vectors.",
      details:
        "One tensor per vector, of the lengths of all; with indexing 'xy' the first two axes change places.  sparse: each has its own axis only, the others with extent 1.",
      numpy: "numpy.meshgrid", example: "mt.meshgrid([1, 2], [3, 4, 5])[0]"),
    exposure: Exposure(separateArguments: true, signature: "xi * copy=True sparse indexing"),
    samples: [
      Sample([[2], [3]], .all), Sample([[2, 2], []]), Sample([[2], [3]], attributes: ["sparse": .bool(true)]),
      Sample([[2], [3], [4]], attributes: ["indexing": .string("ij")]),
    ], answer: Answer(.never))

  static let family = OpFamily(
    [
      zeros, ones, empty, full, like, arange, rangeShaped, linspaceLoop, linspace, linspaceStep, logspace, eye, identity, tri, tril, triu,
      diag, indices,
      meshgrid,
    ] + likes)
}
