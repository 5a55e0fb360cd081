import MarsBase
import MarsGraph

/// Comparisons and logic.
enum Comparison {
  /// Every dtype with itself, and int64 against uint64 without a detour through float64.
  private static let loops: [UfuncLoop] =
    Loops.predicate([.bool, .integer], 2) + [UfuncLoop([.int64, .uint64], [.bool]), UfuncLoop([.uint64, .int64], [.bool])]
    + Loops.predicate(.inexact, 2)

  private enum Relation { case equal, notEqual, less, lessEqual }

  private static func compare(_ b: inout ExprBuilder, _ r: Relation, _ x: ExprRef, _ y: ExprRef) -> ExprRef {
    let (tx, ty) = (b.type(x), b.type(y))
    guard tx != ty else {
      switch r {
      case .equal: return b.eq(x, y)
      case .notEqual: return b.ne(x, y)
      case .less: return b.lt(x, y)
      case .lessEqual: return b.le(x, y)
      }
    }
    // A negative value is below every unsigned one.
    let zero = b.constant(.int64, 0)
    let (ux, uy) = (b.cast(x, .uint64), b.cast(y, .uint64))
    let plain = compare(&b, r, ux, uy)
    let signed = tx == .int64 ? x : y
    let isNegative = b.op(.lt, as: .bool, signed, zero)
    switch r {
    case .equal: return b.and(b.not(isNegative), plain)
    case .notEqual: return b.or(isNegative, plain)
    case .less, .lessEqual: return tx == .int64 ? b.or(isNegative, plain) : b.and(b.not(isNegative), plain)
    }
  }

  private static func comparison(_ name: String, _ operators: [String], _ text: String, _ r: Relation, swapped: Bool = false) -> OpDef {
    binary(
      name, loops, "Whether x1 \(text) x2.",
      details: "Complex values are ordered by real, then imaginary part; NaN compares false but for not_equal.",
      operators: operators, comparesIntegers: true
    ) { b, x, y in swapped ? compare(&b, r, y, x) : compare(&b, r, x, y) }
  }

  static let equal = comparison("equal", ["__eq__"], "equals", .equal)
  static let notEqual = comparison("not_equal", ["__ne__"], "differs from", .notEqual)
  static let less = comparison("less", ["__lt__"], "is less than", .less)
  static let lessEqual = comparison("less_equal", ["__le__"], "is at most", .lessEqual)
  static let greater = comparison("greater", ["__gt__"], "is greater than", .less, swapped: true)
  static let greaterEqual = comparison("greater_equal", ["__ge__"], "is at least", .lessEqual, swapped: true)

  /// Operands are taken for their truth, whatever their dtypes and the rule of casting.
  private static func logical(_ name: String, _ summary: String, _ body: @escaping BinaryBody) -> OpDef {
    OpDef(
      name, inputs: [InputDef("x1", condition: true), InputDef("x2", condition: true)],
      typing: .ufunc([UfuncLoop([.bool, .bool], [.bool])]), body: .expr { b, _, x in [body(&b, x[0], x[1])] },
      doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([3, 1], [2, 0])"),
      samples: [Sample([[3, 4], [4]], .all), Sample([[0], []], .all)])
  }
  static let logicalAnd = logical("logical_and", "Whether both are true (not zero).") { b, p, q in
    return b.and(p, q)
  }
  static let logicalOr = logical("logical_or", "Whether either is true (not zero).") { b, p, q in
    return b.or(p, q)
  }
  static let logicalXor = logical("logical_xor", "Whether exactly one is true (not zero).") { b, p, q in
    return b.op(.xor, p, q)
  }
  static let logicalNot = unary("logical_not", Loops.predicate(.all, 1), "Whether the value is false (zero).") { b, x in
    let t = b.truth(x)
    return b.not(t)
  }

  // MARK: Extremes

  private static func extreme(_ name: String, _ summary: String, _ o: ExprOp, ignoring: Bool) -> OpDef {
    binary(
      name, Loops.same(.all, 2), summary,
      details: ignoring
        ? "A NaN is ignored where the other value is not one." : "NaN wins.  Complex values are ordered by real, then imaginary part."
    ) { b, x, y in extreme(&b, o, x, y, ignoring: ignoring) }
  }

  static func extreme(_ b: inout ExprBuilder, _ o: ExprOp, _ x: ExprRef, _ y: ExprRef, ignoring: Bool) -> ExprRef {
    let t = b.type(x)
    switch t.kind {
    case .bool: return b.op(o == .max ? .or : .and, x, y)
    case .unsigned, .signed: return b.op(o, x, y)
    case .floating: return b.op(ignoring ? (o == .max ? .fmax : .fmin) : o, x, y)
    case .complex:
      let xFirst = o == .max ? b.le(y, x) : b.le(x, y)
      if ignoring {
        // NumPy's fmax: x if x >= y or y is NaN, else y.
        return b.select(b.or(xFirst, b.isNaN(y)), x, y)
      }
      return b.select(b.or(xFirst, b.isNaN(x)), x, y)
    }
  }

  static let maximum = extreme("maximum", "The larger value, element by element.", .max, ignoring: false)
  static let minimum = extreme("minimum", "The smaller value, element by element.", .min, ignoring: false)
  static let fmax = extreme("fmax", "The larger value, ignoring NaN.", .max, ignoring: true)
  static let fmin = extreme("fmin", "The smaller value, ignoring NaN.", .min, ignoring: true)

  // MARK: Closeness

  /// Two values in the dtypes in which NumPy lets them meet: a number of the client's own takes that of what has one.
  private static func met(_ a: Value, _ b: Value, isWeak: (Bool, Bool)) throws(MarsError) -> (Value, Value) {
    if isWeak.0 && !isWeak.1 { return (try a.cast(Promotion.resolve(weak: a.type.dtype.kind, beside: b.type.dtype)), b) }
    if isWeak.1 && !isWeak.0 { return (a, try b.cast(Promotion.resolve(weak: b.type.dtype.kind, beside: a.type.dtype))) }
    return (a, b)
  }

  private static let closeInputs = [
    InputDef("a", alone: true), InputDef("b", alone: true), InputDef("rtol", default: 1e-5, alone: true, "tolerance relative to |b|"),
    InputDef("atol", default: 1e-8, alone: true, "absolute tolerance"),
  ]
  private static let equalNaN = AttrDef("equal_nan", .bool, default: .bool(false), "whether two NaNs are close")

  static let isclose = OpDef(
    "isclose", inputs: closeInputs, attributes: [equalNaN], typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      // Dtypes as of NumPy's formula, step by step.
      let isWeak = v.map { $0.constant != nil }
      let (x, rtol, atol) = (v[0], v[2], v[3])
      let y = v[1].type.dtype.kind < .floating ? try v[1].cast(Promotion.common(v[1].type.dtype, .float64)) : v[1]
      func both(_ op: OpDef, _ a: Value, _ b: Value, _ areWeak: (Bool, Bool)) throws(MarsError) -> Value {
        let (p, q) = try met(a, b, isWeak: areWeak)
        return try p.op(op, q)
      }
      let distance = try both(Arithmetic.subtract, x, y, (isWeak[0], isWeak[1])).op(Arithmetic.absolute)
      let relative = try both(Arithmetic.multiply, rtol, try y.op(Arithmetic.absolute), (isWeak[2], isWeak[1]))
      let bound = try both(Arithmetic.add, atol, relative, (isWeak[3], isWeak[2] && isWeak[1]))
      let near = try both(lessEqual, distance, bound, (isWeak[0] && isWeak[1], isWeak[1] && isWeak[2] && isWeak[3]))
      let isFinite = try y.op(FloatingPoint.isfinite)
      var close = try near.op(logicalAnd, isFinite).op(logicalOr, try both(equal, x, y, (isWeak[0], isWeak[1])))
      if c.bool("equal_nan") {
        close = try close.op(logicalOr, try x.op(FloatingPoint.isnan).op(logicalAnd, try y.op(FloatingPoint.isnan)))
      }
      return [close]
    }, cost: Cost(perElement: 6),
    doc: OpDoc(
      "Whether |a - b| <= atol + rtol * |b|.",
      details: "bool, of the shape to which all broadcast.  NaN is close to nothing unless equal_nan is set.", numpy: "numpy.isclose",
      example: "mt.isclose([1.0, 2.0], [1.0 + 1e-9, 2.1])"),
    exposure: Exposure(signature: "a b rtol atol equal_nan"),
    samples: [
      Sample([[4], [4]], .numeric), Sample([[4], [4]], .floating, attributes: ["equal_nan": .bool(true)]),
      Sample([[3, 4], [4], [3, 1], []], [.integer, .floating]),
    ])

  static let allclose = OpDef(
    "allclose", inputs: closeInputs, attributes: [equalNaN], typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      [try Value(try isclose.apply(v.map { .value($0) }, c.passing("equal_nan"))).op(Reductions.all)]
    },
    doc: OpDoc(
      "Whether all elements are close.", details: "A bool without axes.", numpy: "numpy.allclose",
      example: "mt.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9])"),
    exposure: Exposure(signature: "a b rtol atol equal_nan"),
    samples: [Sample([[4], [4]], .floating)])

  static let arrayEqual = OpDef(
    "array_equal", inputs: [InputDef("a1"), InputDef("a2")],
    attributes: [AttrDef("equal_nan", .bool, default: .bool(false), since: 2, "whether NaN equals NaN")],
    typing: .fromExpansion, comparesIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown && v[1].type.isKnown else { throw c.unknownExtents("array_equal needs known shapes") }
      guard v[0].type.shape == v[1].type.shape else { return [Value(Leaves.node(Scalar(false)))] }
      var same = try v[0].op(equal, v[1])
      if c.bool("equal_nan") && v.allSatisfy({ $0.type.dtype.kind >= .floating }) {
        same = try same.op(logicalOr, try v[0].op(FloatingPoint.isnan).op(logicalAnd, try v[1].op(FloatingPoint.isnan)))
      }
      return [try same.op(Reductions.all)]
    },
    doc: OpDoc(
      "Whether shapes and all elements are equal.", details: "A bool without axes.  Tensors of different shapes are not equal.",
      numpy: "numpy.array_equal", example: "mt.array_equal([1, 2], [1, 2])"),
    exposure: Exposure(signature: "a1 a2 equal_nan"),
    samples: [Sample([[4], [4]], .all), Sample([[4], [3]]), Sample([[4], [4]], attributes: ["equal_nan": .bool(true)])])

  static let family = OpFamily([
    equal, notEqual, less, lessEqual, greater, greaterEqual, logicalAnd, logicalOr, logicalXor, logicalNot, maximum, minimum, fmax, fmin,
    isclose, allclose, arrayEqual,
  ])
}
