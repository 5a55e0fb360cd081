import MarsBase
import MarsGraph
import MarsNumerics

extension OpContext {
  /// Attribute values handed on to another operator under the same names.
  func passing(_ names: String...) -> [(String, AttrValue)] { names.map { ($0, self[$0]) } }

  /// Shape after reducing `axes`.
  func reducedShape(_ axes: [Int]) -> [Int] {
    let shape = inputs[0].shape
    if bool("keepdims") { return shape.indices.map { axes.contains($0) ? 1 : shape[$0] } }
    return shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
  }

  /// Elements combined into one result; nil while an extent is unknown.
  func reducedCount() -> Int? {
    var n = 1
    for a in reducedAxes() {
      if inputs[0].shape[a] == unknownExtent { return nil }
      n &*= inputs[0].shape[a]
    }
    return n
  }

  /// The checks that all reductions share; returns the reduced axes.
  func checkReduction() throws(MarsError) -> [Int] {
    if inputs.count == 2 {
      guard inputs[1].dtype == .bool else { throw error(.type, "'where' must be of dtype bool") }
      guard Shape.broadcast([inputs[0].shape, inputs[1].shape]) == inputs[0].shape else {
        throw error(.value, "'where' of shape \(Shape.text(inputs[1].shape)) does not broadcast to \(Shape.text(inputs[0].shape))")
      }
    }
    guard let axes = optionalInts("axis") else { return Array(0..<inputs[0].rank) }
    return try normalisedAxes(axes, rank: inputs[0].rank)
  }

  /// For loops over real values, which clients and graph files may name too.
  func checkReal(_ d: DType) throws(MarsError) {
    if d.isComplex { throw error(.type, "\(op.name)() takes real values only") }
  }

  /// For extremes: an empty axis needs an initial value, also where there are no results.
  func checkNotEmpty(_ axes: [Int], _ message: String) throws(MarsError) {
    if axes.contains(where: { inputs[0].shape[$0] == 0 }) { throw error(.value, message) }
  }
}

/// Sums, products, extremes and logic over axes.
enum Reductions {
  static let axis = AttrDef("axis", .ints, default: AttrValue.none, "axes to reduce; None: all of them")
  static let keepdims = AttrDef("keepdims", .bool, default: .bool(false), "whether reduced axes stay with extent 1")
  static let dtype = AttrDef("dtype", .dtype, default: AttrValue.none, "dtype in which to compute and of the result")
  static let initial = AttrDef("initial", .scalar, default: AttrValue.none, "value to start from")
  static let inputs = [InputDef("a"), InputDef("where", optional: true, "a bool mask: elements to include")]
  private static let keeps: @Sendable (OpContext) -> Bool = { $0.bool("keepdims") }
  private static let axes: @Sendable (OpContext) -> [Int] = { $0.reducedAxes() }

  static func samples(_ set: DTypeSet) -> [Sample] {
    [
      Sample([[3, 4]], set), Sample([[3, 4]], set, attributes: ["axis": .ints([0])]),
      Sample([[2, 3, 4]], set, attributes: ["axis": .ints([0, -1]), "keepdims": .bool(true)]), Sample([[]], set),
    ]
  }

  /// bool and integers narrower than 64 bits add up in 64 bits.
  static func accumulating(_ d: DType) -> DType {
    switch d.kind {
    case .bool, .signed: .int64
    case .unsigned: .uint64
    case .floating, .complex: d
    }
  }

  /// The dtype of an accumulator: never a half type.
  private static func wide(_ d: DType) -> DType { d.isHalf ? .float32 : d }

  /// The element, or `otherwise` where the mask leaves it out.
  private static func masked(_ b: inout ExprBuilder, _ x: [ExprRef], _ value: ExprRef, otherwise: ExprRef) -> ExprRef {
    x.count > 1 ? b.select(x[1], value, otherwise) : value
  }

  // MARK: Sum and product

  static let sum = OpDef(
    "sum", inputs: inputs, attributes: [axis, dtype, keepdims, initial],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let axes = try c.checkReduction()
      return [TensorType(c.dtype("dtype") ?? accumulating(c.inputs[0].dtype), c.reducedShape(axes))]
    },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps,
        map: { b, c, x in
          let t = wide(c.dtype("dtype") ?? accumulating(c.inputs[0].dtype))
          let zero = b.constant(t, 0)
          let v = masked(&b, x, b.cast(x[0], t), otherwise: zero)
          if t == .bool { return [.init(.or, v)] }
          return t.isComplex ? [.init(.sum, b.real(v)), .init(.sum, b.imag(v))] : [.init(.sum, v)]
        },
        finish: { b, c, s in
          let t = c.dtype("dtype") ?? accumulating(c.inputs[0].dtype)
          var r = t.isComplex ? b.complex(s[0], s[1]) : s[0]
          if let i = c.scalar("initial") {
            let start = b.scalar(i.cast(to: wide(t)))
            r = b.add(start, r)
          }
          return [b.cast(r, t)]
        })),
    doc: OpDoc(
      "Adds elements over axes.",
      details: """
        bool and integers add up in 64 bits, half types in float32.  Floats add up in an order that follows from the chunks and from what \
        the sum is fused with: one graph under one memory limit has the same bits with any number of workers.
        """,
      numpy: "numpy.sum",
      example: "mt.sum([[1, 2], [3, 4]], axis=0)"), exposure: Exposure(method: true, reduceOf: ["add"]),
    samples: samples(.all) + [
      Sample([[3, 4], [4]], .numeric, fixed: [1: .bool]), Sample([[0, 3]], .all, attributes: ["axis": .ints([0])]),
    ])

  private static let productLoop = OpDef(
    "prod_real", inputs: inputs, attributes: [axis, dtype, keepdims, initial],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let axes = try c.checkReduction()
      let d = c.dtype("dtype") ?? accumulating(c.inputs[0].dtype)
      try c.checkReal(d)
      return [TensorType(d, c.reducedShape(axes))]
    },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps,
        map: { b, c, x in
          let t = wide(c.dtype("dtype") ?? accumulating(c.inputs[0].dtype))
          let one = b.constant(t, 1)
          let v = masked(&b, x, b.cast(x[0], t), otherwise: one)
          return [.init(t == .bool ? .and : .prod, v)]
        },
        finish: { b, c, s in
          let t = c.dtype("dtype") ?? accumulating(c.inputs[0].dtype)
          var r = s[0]
          if let i = c.scalar("initial") {
            let start = b.scalar(i.cast(to: wide(t)))
            r = b.mul(start, r)
          }
          return [b.cast(r, t)]
        })),
    doc: OpDoc("The product of real values.", example: "mt.prod([1, 2, 3])"), exposure: .hidden,
    samples: samples(.real) + [Sample([[3, 4], [4]], [.integer, .floating], fixed: [1: .bool])])

  /// Complex products and extremes need more than one accumulator with a rule of its own: native, reduced axes whole.
  private static let complexLoop = NativeOp(
    OpDef(
      "reduce_complex", inputs: [InputDef("a")],
      attributes: [AttrDef("kind", .string, "prod, min, max, argmin or argmax"), axis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let axes = try c.checkReduction()
        let kind = c.string("kind")
        guard ["prod", "min", "max", "argmin", "argmax"].contains(kind) else { throw c.error(.value, "there is no reduction '\(kind)'") }
        guard c.inputs[0].dtype.isComplex else { throw c.error(.type, "reduce_complex() takes complex values only") }
        if kind.hasPrefix("arg"), let a = c.optionalInts("axis"), a.count != 1 { throw c.error(.type, "axis must be an integer or None") }
        if kind != "prod" { try c.checkNotEmpty(axes, "attempt to get \(kind) of an empty sequence") }
        return [TensorType(c.string("kind").hasPrefix("arg") ? .int64 : c.inputs[0].dtype, c.reducedShape(axes))]
      },
      body: .native(
        NativeRule(
          .access { c in
            let axes = c.reducedAxes()
            let keep = c.bool("keepdims")
            var next = 0
            return [
              (0..<c.inputs[0].rank).map { k in
                defer { if keep || !axes.contains(k) { next += 1 } }
                return axes.contains(k) ? .whole : .aligned(next)
              }
            ]
          })), cost: Cost(perElement: 4), doc: OpDoc("A reduction of complex values.", example: "mt.prod([1j, 2.0])"), exposure: .hidden,
      samples: ["prod", "min", "argmax"].map { Sample([[3, 4]], .complex, attributes: ["kind": .string($0), "axis": .ints([1])]) })
  ) { (call: inout NativeCall) throws(MarsError) in
    let axes = call.context.reducedAxes()
    let others = (0..<call.inputs[0].rank).filter { !axes.contains($0) }
    var target = call.outputs[0]
    if call.context.bool("keepdims") {
      for a in axes.reversed() { target = target.dropping(axis: a, at: 0) }
    }
    let kinds: [String: Lanes.ComplexReduction] = ["prod": .product, "min": .min, "max": .max, "argmin": .argmin, "argmax": .argmax]
    guard let kind = kinds[call.context.string("kind")] else { throw call.context.error(.value, "unknown kind of reduction") }
    try Lanes.reduceComplex(kind, call.inputs[0].permuted(others + axes), reduced: axes.count, into: target)
  }

  private static func complexReduction(_ kind: String, _ c: OpContext, _ x: Value) throws(MarsError) -> Value {
    Value(try complexLoop.def.apply([.value(x)], [("kind", .string(kind))] + c.passing("axis", "keepdims")))
  }

  static let prod = OpDef(
    "prod", inputs: inputs, attributes: [axis, dtype, keepdims, initial], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let t = c.dtype("dtype") ?? v[0].type.dtype
      guard t.isComplex else {
        return [Value(try productLoop.apply(v.map { .value($0) }, c.passing("axis", "dtype", "keepdims", "initial")))]
      }
      var x = try v[0].cast(t)
      if v.count > 1 { x = try v[1].op(Selection.`where`, x, constant(Scalar(1.0), t)) }
      let r = try complexReduction("prod", c, x)
      guard let i = c.scalar("initial") else { return [r] }
      return [try constant(i, t).op(Arithmetic.multiply, r)]
    },
    doc: OpDoc(
      "Multiplies elements over axes.", details: "dtypes as of sum.", numpy: "numpy.prod", example: "mt.prod([[1, 2], [3, 4]], axis=0)"),
    exposure: Exposure(method: true, reduceOf: ["multiply"]),
    samples: samples(.all) + [Sample([[0, 3]], .all, attributes: ["axis": .ints([0])])])

  static func constant(_ s: Scalar, _ d: DType) -> Value { Value(Leaves.node(s.cast(to: d))) }

  // MARK: Extremes

  private static func extremeLoop(_ name: String, _ kind: ReduceKind, numpyName: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try c.checkReal(c.inputs[0].dtype)
        let axes = try c.checkReduction()
        if c.scalar("initial") == nil {
          if c.inputs.count > 1 {
            throw c.error(
              .value, "reduction operation '\(numpyName)' does not have an identity, so to use a where mask one has to specify 'initial'")
          }
          try c.checkNotEmpty(axes, "zero-size array to reduction operation \(numpyName) which has no identity")
        }
        return [TensorType(c.inputs[0].dtype, c.reducedShape(axes))]
      },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, c, x in
            let t = wide(c.inputs[0].dtype)
            var v = b.cast(x[0], t)
            if x.count > 1, let i = c.scalar("initial") {
              let start = b.scalar(i.cast(to: t))
              v = masked(&b, x, v, otherwise: start)
            }
            let smaller = kind == .min || kind == .fmin
            if t == .bool { return [.init(smaller ? .and : .or, v)] }
            return [.init(t.isFloating ? kind : (smaller ? .min : .max), v)]
          },
          finish: { b, c, s in
            let t = c.inputs[0].dtype
            var r = s[0]
            if let i = c.scalar("initial") {
              let start = b.scalar(i.cast(to: wide(t)))
              r = Comparison.extreme(
                &b, kind == .min || kind == .fmin ? .min : .max, r, start, ignoring: kind == .fmin || kind == .fmax)
            }
            return [b.cast(r, t)]
          })),
      doc: OpDoc("A reduction of real values to their extreme.", example: "mt.max([1, 2])"), exposure: .hidden, samples: samples(.real))
  }
  private static let minLoop = extremeLoop("min_real", .min, numpyName: "minimum")
  private static let maxLoop = extremeLoop("max_real", .max, numpyName: "maximum")
  private static let fminLoop = extremeLoop("fmin_real", .fmin, numpyName: "fmin")
  private static let fmaxLoop = extremeLoop("fmax_real", .fmax, numpyName: "fmax")

  private static func extreme(
    _ name: String, _ loop: OpDef, _ complexKind: String, _ pairwise: OpDef, _ summary: String, method: Bool = true
  ) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        guard v[0].type.dtype.isComplex else {
          return [Value(try loop.apply(v.map { .value($0) }, c.passing("axis", "keepdims", "initial")))]
        }
        let t = v[0].type.dtype
        var x = v[0]
        if v.count > 1 {
          guard let i = c.scalar("initial") else {
            throw c.error(
              .value,
              "reduction operation '\(pairwise.name)' does not have an identity, so to use a where mask one has to specify 'initial'")
          }
          x = try v[1].op(Selection.`where`, x, constant(i, t))
        }
        if c.scalar("initial") == nil {
          try c.checkNotEmpty(
            try c.checkReduction(), "zero-size array to reduction operation \(pairwise.name) which has no identity")
        }
        let r = try complexReduction(complexKind, c, x)
        guard let i = c.scalar("initial") else { return [r] }
        return [try constant(i, t).op(pairwise, r)]
      },
      doc: OpDoc(
        summary,
        details: "Without elements it is an error unless 'initial' is given.  Complex values are ordered by real, then imaginary part.",
        numpy: "numpy.\(name)", example: "mt.\(name)([[1, 5], [7, 3]], axis=1)"),
      exposure: Exposure(method: method, reduceOf: method ? [pairwise.name] : []), samples: samples(.all)
    )
  }
  static let min = extreme("min", minLoop, "min", Comparison.minimum, "The smallest element over axes; NaN wins.")
  static let max = extreme("max", maxLoop, "max", Comparison.maximum, "The largest element over axes; NaN wins.")
  static let amin = extreme("amin", minLoop, "min", Comparison.minimum, "The smallest element over axes; NaN wins.", method: false)
  static let amax = extreme("amax", maxLoop, "max", Comparison.maximum, "The largest element over axes; NaN wins.", method: false)

  private static func nanExtreme(_ name: String, _ loop: OpDef, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if v[0].type.dtype.isComplex {
          // NaNs give way to the element that any other wins over; where there is no other the result is NaN.
          let t = v[0].type.dtype
          let sign = name == "nanmax" ? -Double.infinity : Double.infinity
          let worst = constant(Scalar(real: sign, imag: sign), t)
          let isNaN = try v[0].op(FloatingPoint.isnan)
          let x = try isNaN.op(Selection.`where`, worst, v[0])
          let of = name == "nanmax" ? max : min
          let r = Value(
            try of.apply([.value(x)] + v.dropFirst().map { .value($0) }, c.passing("axis", "keepdims", "initial")))
          if c.scalar("initial") != nil { return [r] }
          let allNaN = Value(try all.apply([.value(isNaN)], c.passing("axis", "keepdims")))
          return [try allNaN.op(Selection.`where`, constant(Scalar(real: .nan, imag: 0), t), r)]
        }
        return [Value(try loop.apply(v.map { .value($0) }, c.passing("axis", "keepdims", "initial")))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"),
      exposure: Exposure(reduceOf: [name == "nanmax" ? "fmax" : "fmin"]), samples: samples(.all))
  }
  static let nanmin = nanExtreme("nanmin", fminLoop, "The smallest element over axes, ignoring NaN.")
  static let nanmax = nanExtreme("nanmax", fmaxLoop, "The largest element over axes, ignoring NaN.")

  static let ptp = OpDef(
    "ptp", inputs: [InputDef("a")], attributes: [axis, keepdims], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let most = Value(try max.apply([.value(v[0])], c.passing("axis", "keepdims")))
      let least = Value(try min.apply([.value(v[0])], c.passing("axis", "keepdims")))
      return [try most.op(Arithmetic.subtract, least)]
    }, doc: OpDoc("The largest minus the smallest element over axes.", numpy: "numpy.ptp", example: "mt.ptp([[1, 5], [7, 3]], axis=1)"),
    samples: samples(.numeric))

  // MARK: Positions of extremes

  private static let singleAxis = AttrDef("axis", .ints, default: AttrValue.none, "the axis; None: the flattened array")

  private static func positionLoop(_ name: String, _ kind: ReduceKind) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: [singleAxis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try c.checkReal(c.inputs[0].dtype)
        if let a = c.optionalInts("axis"), a.count != 1 { throw c.error(.type, "axis must be an integer or None") }
        let axes = try c.checkReduction()
        try c.checkNotEmpty(axes, "attempt to get \(name.prefix(6)) of an empty sequence")
        return [TensorType(.int64, c.reducedShape(axes))]
      },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, c, x in
            let t = c.inputs[0].dtype
            let value = b.cast(x[0], t == .bool ? .uint8 : wide(t))
            let index = c.optionalInts("axis") == nil ? b.elementIndex() : b.coordinate(c.reducedAxes()[0])
            return [.init(kind, value, index: index)]
          }, finish: { _, _, s in [s[1]] })),
      cost: Cost(perElement: 2), doc: OpDoc("The position of an extreme of real values.", example: "mt.argmax([1, 2])"), exposure: .hidden,
      samples: [Sample([[3, 4]], .real), Sample([[3, 4]], .real, attributes: ["axis": .ints([0])])])
  }
  private static let argminLoop = positionLoop("argmin_real", .argmin)
  private static let argmaxLoop = positionLoop("argmax_real", .argmax)

  private static func position(_ name: String, _ loop: OpDef, _ summary: String, ignoringNaN: Bool = false) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: [singleAxis, keepdims], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        var x = v[0]
        let t = x.type.dtype
        let isIgnoring = ignoringNaN && t.kind >= .floating
        if isIgnoring {
          let sign = name == "nanargmin" ? Double.infinity : -Double.infinity
          let worst = constant(t.isComplex ? Scalar(real: sign, imag: sign) : Scalar(sign), t)
          x = try x.op(FloatingPoint.isnan).op(Selection.`where`, worst, x)
        }
        var r: Value
        if t.isComplex {
          try c.checkNotEmpty(try c.checkReduction(), "attempt to get \(loop.name.prefix(6)) of an empty sequence")
          r = try complexReduction(loop === argminLoop ? "argmin" : "argmax", c, x)
        } else {
          r = Value(try loop.apply([.value(x)], c.passing("axis", "keepdims")))
        }
        if isIgnoring {
          let allNaN = Value(try all.apply([.value(try v[0].op(FloatingPoint.isnan))], c.passing("axis", "keepdims")))
          r = try r.op(Checks.refuse.def, allNaN, with: ["message": .string("All-NaN slice encountered")])
        }
        return [r]
      },
      doc: OpDoc(
        summary, details: "The first of several; int64.", numpy: "numpy.\(name)", example: "mt.\(name)([[1, 5], [7, 3]], axis=1)"),
      exposure: Exposure(method: !ignoringNaN),
      samples: [
        Sample([[3, 4]], ignoringNaN ? .real : .all), Sample([[3, 4]], ignoringNaN ? .real : .all, attributes: ["axis": .ints([0])]),
        Sample([[2, 3, 4]], .real, attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
      ])
  }
  static let argmin = position("argmin", argminLoop, "The position of the smallest element.")
  static let argmax = position("argmax", argmaxLoop, "The position of the largest element.")
  static let nanargmin = position("nanargmin", argminLoop, "The position of the smallest element that is not NaN.", ignoringNaN: true)
  static let nanargmax = position("nanargmax", argmaxLoop, "The position of the largest element that is not NaN.", ignoringNaN: true)

  // MARK: Logic

  private static func logic(_ name: String, _ kind: ReduceKind, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.bool, c.reducedShape(try c.checkReduction()))] },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, _, x in
            let neutral = b.constant(.bool, kind == .and ? 1 : 0)
            return [.init(kind, masked(&b, x, b.truth(x[0]), otherwise: neutral))]
          }, finish: { _, _, s in [s[0]] })),
      doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([[True, False], [True, True]], axis=1)"),
      exposure: Exposure(method: true, reduceOf: [kind == .and ? "logical_and" : "logical_or"]),
      samples: samples(.all) + [Sample([[3, 4], [4]], .all, fixed: [1: .bool])])
  }
  static let any = logic("any", .or, "Whether any element is true over axes.")
  static let all = logic("all", .and, "Whether all elements are true over axes.")

  static let countNonzero = OpDef(
    "count_nonzero", inputs: [InputDef("a")], attributes: [axis, keepdims],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.int64, c.reducedShape(try c.checkReduction()))] },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps, map: { b, _, x in [.init(.sum, b.cast(b.truth(x[0]), .int64))] }, finish: { _, _, s in [s[0]] })
    ),
    doc: OpDoc("The number of elements that are not zero over axes.", numpy: "numpy.count_nonzero", example: "mt.count_nonzero([0, 1, 2])"),
    samples: samples(.all))

  // MARK: Means

  private static func meanDType(_ c: OpContext) -> DType {
    c.dtype("dtype") ?? (c.inputs[0].dtype.kind < .floating ? .float64 : c.inputs[0].dtype)
  }

  private static func average(_ name: String, _ summary: String, hidden: Bool) -> OpDef {
    OpDef(
      name, inputs: inputs,
      attributes: [axis, dtype, keepdims]
        + (hidden ? [AttrDef("ddof", .float, default: .float(0), "subtracted from the number of elements")] : []),
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(meanDType(c), c.reducedShape(try c.checkReduction()))]
      },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, c, x in
            let t = wide(meanDType(c))
            let zero = b.constant(t, 0)
            let v = masked(&b, x, b.cast(x[0], t), otherwise: zero)
            var parts: [ReduceBody.Part] =
              t.isComplex ? [.init(.sum, b.real(v)), .init(.sum, b.imag(v))] : [.init(t == .bool ? .or : .sum, v)]
            if x.count > 1 {
              parts.append(.init(.sum, b.cast(x[1], .int64)))
            } else if c.reducedCount() == nil {
              let one = b.constant(.int64, 1)
              parts.append(.init(.sum, one))
            }
            return parts
          },
          finish: { b, c, s in
            let result = meanDType(c)
            let t = wide(result)
            // As NumPy: integers divide as float64, and the quotient is cast.
            let part = t.kind < .floating ? .float64 : t.realPart
            let states = t.isComplex ? 2 : 1
            // The number of elements is an argument of the kernel, or counted along where it is not known.
            var n = s.count > states ? b.cast(s[states], part) : b.scalar(Scalar(Double(c.reducedCount() ?? 0)).cast(to: part))
            if hidden {
              let zero = b.constant(part, 0)
              let ddof = b.scalar(Scalar(c.float("ddof")).cast(to: part))
              n = b.op(.max, b.op(.sub, n, ddof), zero)
            }
            if t.isComplex {
              // As NumPy, which divides by a complex number: infinities leave NaN in the other part.
              let zero = b.constant(part, 0)
              let re = b.op(.add, s[0], b.op(.mul, s[1], zero))
              let im = b.op(.sub, s[1], b.op(.mul, s[0], zero))
              return [b.cast(b.complex(b.op(.div, re, n), b.op(.div, im, n)), result)]
            }
            return [b.cast(b.op(.div, b.cast(s[0], part), n), result)]
          })),
      doc: OpDoc(
        summary, details: "Integers and bool as float64; half types add up in float32.", numpy: hidden ? "" : "numpy.mean",
        example: "mt.mean([[1, 2], [3, 4]], axis=0)"), exposure: hidden ? .hidden : Exposure(method: true),
      samples: samples(.all) + [Sample([[3, 4], [4]], .numeric, fixed: [1: .bool])])
  }
  static let mean = average("mean", "The arithmetic mean over axes.", hidden: false)
  private static let correctedMean = average("mean_corrected", "The sum over axes divided by their size less ddof.", hidden: true)

  static let absoluteSquare = OpDef(
    "absolute_square", inputs: [InputDef("x")], typing: .ufunc(Loops.toReal(.numeric)),
    body: .expr { b, _, x in
      guard b.type(x[0]).isComplex else { return [b.mul(x[0], x[0])] }
      let (re, im) = (b.real(x[0]), b.imag(x[0]))
      return [b.op(.add, b.op(.mul, re, re), b.op(.mul, im, im))]
    }, doc: OpDoc("|x|**2, real also for complex values.", example: "mt.var([1j, 2.0])"), exposure: .hidden)

  private static func variance(_ c: OpContext, _ v: [Value]) throws(MarsError) -> Value {
    let given = meanDType(c)
    let t = wide(given)
    let x = try v[0].cast(t)
    let mask = v.dropFirst().map { Operand.value($0) }
    let axis = c.passing("axis")
    let m = Value(try mean.apply([.value(x)] + mask, axis + [("keepdims", .bool(true))]))
    let square = try x.op(Arithmetic.subtract, m).op(absoluteSquare)
    let r = Value(try correctedMean.apply([.value(square)] + mask, axis + c.passing("keepdims", "ddof")))
    return try r.cast(given.realPart)
  }

  private static func spread(_ name: String, _ summary: String, root: Bool, ignoringNaN: Bool = false) -> OpDef {
    OpDef(
      name, inputs: inputs,
      attributes: [axis, dtype, AttrDef("ddof", .float, default: .float(0), "the divisor is the number of elements less ddof"), keepdims],
      typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let r = try variance(c, ignoringNaN ? try withoutNaN(v) : v)
        return [root ? try r.op(Exponential.sqrt) : r]
      },
      doc: OpDoc(
        summary, details: "Two passes: the mean first, then the mean of |x - mean|**2.", numpy: "numpy.\(name)",
        example: "mt.\(name)([[1, 2], [3, 5]], axis=0)"), exposure: Exposure(method: !ignoringNaN),
      samples: samples(.all) + [Sample([[3, 4]], .floating, attributes: ["ddof": .float(1)])])
  }
  static let `var` = spread("var", "The variance over axes.", root: false)
  static let std = spread("std", "The standard deviation over axes.", root: true)
  static let nanvar = spread("nanvar", "The variance over axes, ignoring NaN.", root: false, ignoringNaN: true)
  static let nanstd = spread("nanstd", "The standard deviation over axes, ignoring NaN.", root: true, ignoringNaN: true)

  // MARK: Ignoring NaN

  /// The operand and a mask that leaves NaNs out (together with the mask that was given).
  private static func withoutNaN(_ v: [Value]) throws(MarsError) -> [Value] {
    guard v[0].type.dtype.kind >= .floating else { return v }
    let good = try v[0].op(FloatingPoint.isnan).op(Comparison.logicalNot)
    return [v[0], v.count > 1 ? try good.op(Comparison.logicalAnd, v[1]) : good]
  }

  private static func ignoringNaN(_ name: String, _ of: OpDef, _ summary: String, _ attributes: [AttrDef]) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: attributes, typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let given = attributes.map { ($0.name, c[$0.name]) }
        return [Value(try of.apply(try withoutNaN(v).map { .value($0) }, given))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"), samples: samples(.all))
  }
  static let nansum = ignoringNaN("nansum", sum, "The sum over axes, NaN counted as 0.", [axis, dtype, keepdims, initial])
  static let nanprod = ignoringNaN("nanprod", prod, "The product over axes, NaN counted as 1.", [axis, dtype, keepdims, initial])
  static let nanmean = ignoringNaN("nanmean", mean, "The mean over axes, ignoring NaN.", [axis, dtype, keepdims])

  static let family = OpFamily(
    [
      sum, productLoop, prod, minLoop, maxLoop, fminLoop, fmaxLoop, min, max, amin, amax, nanmin, nanmax, ptp, argminLoop, argmaxLoop,
      argmin,
      argmax, nanargmin, nanargmax, any, all, countNonzero, mean, correctedMean, absoluteSquare, `var`, std, nanvar, nanstd, nansum,
      nanprod,
      nanmean,
    ], natives: [complexLoop])
}
