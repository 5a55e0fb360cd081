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

  static let logicalAnd = binary("logical_and", Loops.predicate(.all, 2), "Whether both are true (not zero).") { b, x, y in
    let (p, q) = (b.truth(x), b.truth(y))
    return b.and(p, q)
  }
  static let logicalOr = binary("logical_or", Loops.predicate(.all, 2), "Whether either is true (not zero).") { b, x, y in
    let (p, q) = (b.truth(x), b.truth(y))
    return b.or(p, q)
  }
  static let logicalXor = binary("logical_xor", Loops.predicate(.all, 2), "Whether exactly one is true (not zero).") { b, x, y in
    let (p, q) = (b.truth(x), b.truth(y))
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

  static let isclose = OpDef(
    "isclose", inputs: [InputDef("a"), InputDef("b")],
    attributes: [
      AttrDef("rtol", .float, default: .float(1e-5), "tolerance relative to |b|"),
      AttrDef("atol", .float, default: .float(1e-8), "absolute tolerance"),
      AttrDef("equal_nan", .bool, default: .bool(false), "whether two NaNs are close"),
    ], typing: .ufunc(Loops.predicate([DTypeSet(.float32), DTypeSet(.float64), .complex], 2)),
    body: .expr { b, c, x in
      let t = b.type(x[0]).realPart
      let (rtol, atol) = (b.scalar(Scalar(c.float("rtol")).cast(to: t)), b.scalar(Scalar(c.float("atol")).cast(to: t)))
      let difference = b.abs(b.sub(x[0], x[1]))
      let size = b.abs(x[1])
      let bound = b.add(atol, b.mul(rtol, size))
      let near = b.and(b.le(difference, bound), b.op(.isFinite, as: .bool, size))
      let close = b.or(near, b.eq(x[0], x[1]))
      guard c.bool("equal_nan") else { return [close] }
      let bothNaN = b.and(b.isNaN(x[0]), b.isNaN(x[1]))
      return [b.or(close, bothNaN)]
    }, cost: Cost(perElement: 6),
    doc: OpDoc(
      "Whether |a - b| <= atol + rtol * |b|.", numpy: "numpy.isclose", example: "mt.isclose([1.0, 2.0], [1.0 + 1e-9, 2.1])"),
    samples: [Sample([[4], [4]], .inexact), Sample([[4], [4]], .floating, attributes: ["equal_nan": .bool(true)])])

  static let allclose = OpDef(
    "allclose", inputs: isclose.inputs, attributes: isclose.attributes, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let near = try v[0].op(
        isclose, v[1], with: ["rtol": .float(c.float("rtol")), "atol": .float(c.float("atol")), "equal_nan": .bool(c.bool("equal_nan"))])
      return [try near.op(Reductions.all)]
    }, doc: OpDoc("Whether all elements are close.", numpy: "numpy.allclose", example: "mt.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9])"),
    samples: [Sample([[4], [4]], .floating)])

  static let arrayEqual = OpDef(
    "array_equal", inputs: [InputDef("a1"), InputDef("a2")],
    attributes: [AttrDef("equal_nan", .bool, default: .bool(false), since: 2, "whether NaN equals NaN")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.isKnown && v[1].type.isKnown else { throw c.unknownExtents("array_equal needs known shapes") }
      guard v[0].type.shape == v[1].type.shape else { return [Value(Leaves.node(Scalar(false)))] }
      var same = try v[0].op(equal, v[1])
      if c.bool("equal_nan") && v.allSatisfy({ $0.type.dtype.kind >= .floating }) {
        same = try same.op(logicalOr, try v[0].op(FloatingPoint.isnan).op(logicalAnd, try v[1].op(FloatingPoint.isnan)))
      }
      return [try same.op(Reductions.all)]
    }, doc: OpDoc("Whether shapes and all elements are equal.", numpy: "numpy.array_equal", example: "mt.array_equal([1, 2], [1, 2])"),
    exposure: Exposure(signature: "a1 a2 equal_nan"),
    samples: [Sample([[4], [4]], .all), Sample([[4], [3]]), Sample([[4], [4]], attributes: ["equal_nan": .bool(true)])])

  static let family = OpFamily([
    equal, notEqual, less, lessEqual, greater, greaterEqual, logicalAnd, logicalOr, logicalXor, logicalNot, maximum, minimum, fmax, fmin,
    isclose, allclose, arrayEqual,
  ])
}
