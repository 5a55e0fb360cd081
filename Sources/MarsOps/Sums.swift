import MarsBase
import MarsGraph

/// Sums, products, means and variances over axes.
extension Reductions {
  /// The dtype of a sum or product: the one asked for, else one in which many elements have room.
  private static func sumDType(_ c: OpContext) -> DType { c.dtype("dtype") ?? accumulating(c.inputs[0].dtype) }

  private static func sumType(_ c: OpContext) throws(MarsError) -> TensorType {
    try c.checkInitial(sumDType(c))
    return TensorType(sumDType(c), c.reducedShape(try c.checkReduction()))
  }

  /// What a reduction that starts from 'initial' finishes with.
  private static func from(
    initial c: OpContext, _ b: inout ExprBuilder, _ state: ExprRef, _ combine: (inout ExprBuilder, ExprRef, ExprRef) -> ExprRef
  ) -> ExprRef {
    guard let i = c.scalar("initial") else { return state }
    let start = b.scalar(i.cast(to: wide(sumDType(c))))
    if c.reducedCount() == 0 { return start }
    return combine(&b, start, state)
  }

  static let sum = OpDef(
    "sum", inputs: inputs, attributes: [axis, dtype, keepdims, initial],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [try sumType(c)] },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps,
        map: { b, c, x in
          let t = wide(sumDType(c))
          // What changes no sum, -0.0 neither.
          let none = b.constant(t, t.isFloating ? -0.0 : 0)
          let v = masked(&b, x, b.cast(x[0], t), otherwise: none)
          if t == .bool { return [.init(.or, v)] }
          return t.isComplex ? [.init(.sum, b.real(v)), .init(.sum, b.imag(v))] : [.init(.sum, v)]
        },
        finish: { b, c, s in
          let t = sumDType(c)
          let all = t.isComplex ? b.complex(s[0], s[1]) : s[0]
          guard c.scalar("initial") == nil, t.kind >= .floating else { return [b.cast(from(initial: c, &b, all) { $0.add($1, $2) }, t)] }
          // As NumPy, which starts from 0: a sum of -0.0 is 0.0.
          let zero = b.constant(wide(t), 0)
          return [b.cast(b.add(zero, all), t)]
        })),
    doc: OpDoc(
      "Adds elements over axes.",
      details: """
        bool and integers add up in 64 bits, half types in float32.  Floats add up in an order that follows from the chunks and from what \
        the sum is fused with: one graph under one memory limit has the same bits with any number of workers.
        """,
      numpy: "numpy.sum",
      example: "mt.sum([[1, 2], [3, 4]], axis=0)"), exposure: Exposure(method: true, reduceOf: ["add"], signature: sumSignature),
    samples: samples(.all) + [
      Sample([[3, 4], [4]], .numeric, fixed: [1: .bool]), Sample([[0, 3]], .all, attributes: ["axis": .ints([0])]),
    ])

  private static let productLoop = OpDef(
    "prod_real", inputs: inputs, attributes: [axis, dtype, keepdims, initial],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let type = try sumType(c)
      try c.checkReal(type.dtype)
      return [type]
    },
    body: .reduce(
      ReduceBody(
        axes: axes, keepsDimensions: keeps,
        map: { b, c, x in
          let t = wide(sumDType(c))
          let one = b.constant(t, 1)
          let v = masked(&b, x, b.cast(x[0], t), otherwise: one)
          return [.init(t == .bool ? .and : .prod, v)]
        },
        finish: { b, c, s in
          [b.cast(from(initial: c, &b, s[0]) { $0.mul($1, $2) }, sumDType(c))]
        })),
    doc: OpDoc("The product of real values.", example: "mt.prod([1, 2, 3])"), exposure: .hidden,
    samples: samples(.real) + [Sample([[3, 4], [4]], [.integer, .floating], fixed: [1: .bool])])

  static let prod = OpDef(
    "prod", inputs: inputs, attributes: [axis, dtype, keepdims, initial], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let t = c.dtype("dtype") ?? v[0].type.dtype
      if v.count > 1, v[1].type.dtype != .bool { throw c.cannotCast(v[1].type.dtype, .bool) }
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
    exposure: Exposure(method: true, reduceOf: ["multiply"], signature: sumSignature),
    samples: samples(.all) + [Sample([[0, 3]], .all, attributes: ["axis": .ints([0])])])

  // MARK: Means

  private static let meanSignature = "a axis dtype out keepdims * where"

  private static func meanDType(_ c: OpContext) -> DType {
    c.dtype("dtype") ?? (c.inputs[0].dtype.kind < .floating ? .float64 : c.inputs[0].dtype)
  }

  private static func average(_ name: String, _ summary: String, hidden: Bool) -> OpDef {
    OpDef(
      name, inputs: inputs,
      attributes: [axis, dtype, keepdims]
        + (hidden ? [AttrDef("ddof", .float, default: .float(0), "subtracted from the number of elements")] : []),
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        [TensorType(meanDType(c), c.reducedShape(try c.checkReduction(vectors: c.inputs.count == 2)))]
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
            // As NumPy, whose sum starts from 0: -0.0 is the mean of nothing.
            let s = s.enumerated().map { i, x in i < states && t.kind >= .floating ? b.op(.add, x, b.constant(part, 0)) : x }
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
        example: "mt.mean([[1, 2], [3, 4]], axis=0)"),
      exposure: hidden ? .hidden : Exposure(method: true, out: .any, signature: meanSignature),
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

  /// What the number of elements is less: 'ddof', or 'correction'.
  private static func correction(_ c: OpContext) throws(MarsError) -> Double {
    guard case .float(let given) = c["correction"] else { return c.float("ddof") }
    guard c.float("ddof") == 0 else { throw c.error(.value, "ddof and correction can't be provided simultaneously.") }
    return given
  }

  /// `known`: the mean, with the reduced axes; nil: it is computed.
  /// `undefined`: of no more elements than ddof it is NaN, as NumPy's functions that ignore NaN have it; else it divides by 0.
  private static func variance(_ c: OpContext, _ v: [Value], mean known: Value?, undefined: Bool) throws(MarsError) -> Value {
    let given = c.dtype("dtype") ?? (v[0].type.dtype.kind < .floating ? .float64 : v[0].type.dtype)
    let t = wide(given)
    let x = try v[0].cast(t)
    let mask = v.dropFirst().map { Operand.value($0) }
    let axis = c.passing("axis")
    let ddof = try correction(c)
    let m: Value
    if let known {
      m = try known.cast(t)
    } else {
      // The mean as clients ask for it, so that who wants both has it computed once.
      m = try Value(try mean.apply([.value(x)] + mask, axis)).expanded(at: c.reducedAxes())
    }
    let square = try x.op(Arithmetic.subtract, m).op(absoluteSquare)
    let r = try Value(try correctedMean.apply([.value(square)] + mask, axis + c.passing("keepdims") + [("ddof", .float(ddof))])).cast(
      given.realPart)
    // Of complex values it is real, unless a complex dtype is asked for: as NumPy has it.
    let result = c.dtype("dtype") ?? given.realPart
    // Integers have no NaN, and no mask therefore.
    guard undefined, v.count > 1, v[0].type.dtype.kind >= .floating else { return try r.cast(result) }
    let n = Value(
      try sum.apply([.value(v[1])], axis + c.passing("keepdims") + [("dtype", .dtype(.float64))]))
    let isTooFew = try n.op(Comparison.lessEqual, weak: Scalar(ddof))
    return try isTooFew.op(Selection.where, constant(Scalar(Double.nan), given.realPart), r).cast(result)
  }

  private static let spreadInputs =
    inputs + [
      InputDef("mean", optional: true, alone: true, "the mean with the reduced axes, where it is at hand")
    ]
  private static let spreadAttributes = [
    axis, dtype, AttrDef("ddof", .float, default: .float(0), "the divisor is the number of elements less ddof"), keepdims,
    AttrDef("correction", .float, default: AttrValue.none, since: 2, "ddof by the name that the array API standard has for it"),
  ]

  private static func spread(_ name: String, _ summary: String, root: Bool, ignoringNaN: Bool = false) -> OpDef {
    OpDef(
      name, inputs: spreadInputs, attributes: spreadAttributes, typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if ignoringNaN { try checkFloat(c, v[0]) }
        var masked = [v[0]]
        if let mask = c.input("where", of: v) { masked.append(mask) }
        if ignoringNaN { masked = try withoutNaN(c, masked) }
        let r = try variance(c, masked, mean: c.input("mean", of: v), undefined: ignoringNaN)
        // Integers that were asked for are what the root is cast to.
        return [root ? try r.op(Exponential.sqrt).cast(r.type.dtype) : r]
      },
      doc: OpDoc(
        summary, details: "Two passes: the mean first, then the mean of |x - mean|**2.", numpy: "numpy.\(name)",
        example: "mt.\(name)([[1, 2], [3, 5]], axis=0)"),
      exposure: Exposure(
        method: !ignoringNaN, out: ignoringNaN ? .inexact : root ? .sameKind : .any,
        signature: "a axis dtype out ddof keepdims * where mean correction"),
      samples: samples(.all) + [
        Sample([[3, 4]], .floating, attributes: ["ddof": .float(1)]), Sample([[3, 4]], .floating, attributes: ["correction": .float(1)]),
        Sample([[3, 4], [4]], .floating, fixed: [1: .bool]),
        Sample([[3, 4], [3, 1]], .floating, absent: [1], attributes: ["axis": .ints([1])]),
        Sample([[3, 4], []], [.integer, .floating], absent: [1]),
        Sample([[3, 4], [4], [3, 1]], .floating, fixed: [1: .bool], attributes: ["axis": .ints([1])]),
      ])
  }
  static let `var` = spread("var", "The variance over axes.", root: false)
  static let std = spread("std", "The standard deviation over axes.", root: true)
  static let nanvar = spread("nanvar", "The variance over axes, ignoring NaN.", root: false, ignoringNaN: true)
  static let nanstd = spread("nanstd", "The standard deviation over axes, ignoring NaN.", root: true, ignoringNaN: true)

  // MARK: Ignoring NaN

  /// Refuses a dtype of results that would lose the fractions of floats, as NumPy does where it ignores NaN.
  private static func checkFloat(_ c: OpContext, _ x: Value) throws(MarsError) {
    guard x.type.dtype.kind < .floating || c.dtype("dtype")?.kind ?? .floating >= .floating else {
      throw c.error(.type, "If a is inexact, then dtype must be inexact")
    }
  }

  /// The operand and a mask that leaves NaNs out (together with the mask that was given).
  private static func withoutNaN(_ c: OpContext, _ v: [Value]) throws(MarsError) -> [Value] {
    if v.count > 1, v[1].type.dtype != .bool { throw c.cannotCast(v[1].type.dtype, .bool) }
    guard v[0].type.dtype.kind >= .floating else { return v }
    let good = try v[0].op(FloatingPoint.isnan).op(Comparison.logicalNot)
    return [v[0], v.count > 1 ? try good.op(Comparison.logicalAnd, v[1]) : good]
  }

  private static func ignoringNaN(_ name: String, _ of: OpDef, _ summary: String, _ attributes: [AttrDef]) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: attributes, typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if of === mean { try checkFloat(c, v[0]) }
        let given = attributes.map { ($0.name, c[$0.name]) }
        return [Value(try of.apply(try withoutNaN(c, v).map { .value($0) }, given))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"),
      exposure: Exposure(out: of === mean ? .inexact : .any, signature: of === mean ? meanSignature : sumSignature), samples: samples(.all))
  }
  static let nansum = ignoringNaN("nansum", sum, "The sum over axes, NaN counted as 0.", [axis, dtype, keepdims, initial])
  static let nanprod = ignoringNaN("nanprod", prod, "The product over axes, NaN counted as 1.", [axis, dtype, keepdims, initial])
  static let nanmean = ignoringNaN("nanmean", mean, "The mean over axes, ignoring NaN.", [axis, dtype, keepdims])

  static let sums = [sum, productLoop, prod]
  static let means = [mean, correctedMean, absoluteSquare, `var`, std, nanvar, nanstd, nansum, nanprod, nanmean]
}
