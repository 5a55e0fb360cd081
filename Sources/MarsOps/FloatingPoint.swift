import MarsBase
import MarsGraph

/// Rounding, parts and classification of floating-point and complex values.
enum FloatingPoint {
  // MARK: Rounding

  /// NumPy 2.1 and later: integers are their own floor, ceil and trunc.
  private static func rounding(_ name: String, _ o: ExprOp, _ summary: String, keepsIntegers: Bool) -> OpDef {
    unary(
      name, Loops.same(keepsIntegers ? [.bool, .integer, .floating] : .floating, 1), summary, example: "mt.\(name)([-1.5, 0.5, 2.5])"
    ) { b, x in b.type(x).isFloating ? b.op(o, x) : x }
  }
  static let floor = rounding("floor", .floor, "The largest integer that is not larger.", keepsIntegers: true)
  static let ceil = rounding("ceil", .ceil, "The smallest integer that is not smaller.", keepsIntegers: true)
  static let trunc = rounding("trunc", .trunc, "The integer part.", keepsIntegers: true)
  static let fix = rounding("fix", .trunc, "The integer part.", keepsIntegers: true)

  static let rint = unary("rint", Loops.same(.inexact, 1), "The nearest integer, halves to even.", example: "mt.rint([-1.5, 0.5, 2.5])") {
    b, x in
    rint(&b, x)
  }
  private static func rint(_ b: inout ExprBuilder, _ x: ExprRef) -> ExprRef {
    guard b.type(x).isComplex else { return b.op(.rint, x) }
    let (re, im) = (b.real(x), b.imag(x))
    return b.complex(b.op(.rint, re), b.op(.rint, im))
  }

  private static func rounded(_ name: String, method: Bool = false) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")],
      attributes: [AttrDef("decimals", .int, default: .int(0), "decimal places; negative: tens, hundreds, ...")],
      typing: .ufunc([UfuncLoop([.bool], [.float16])] + Loops.same(.numeric, 1)),
      check: { c throws(MarsError) in
        // As NumPy, which multiplies by a power of ten and stores that as bool.
        if c.inputs[0].dtype == .bool && c.int("decimals") != 0 {
          throw c.error(.type, "a of dtype bool cannot be rounded to \(c.int("decimals")) decimals, only to 0: cast it first")
        }
      },
      body: .expr { b, c, x in
        // No finite value has as many decimals or places.
        let decimals = Swift.max(-400, min(400, c.int("decimals")))
        var t = b.type(x[0])
        if t == .bool { return [b.cast(x[0], .float16)] }
        if t.isInteger {
          if decimals >= 0 { return [x[0]] }
          let power = b.constant(.float64, tenTo(-decimals))
          let wide = b.cast(x[0], .float64)
          return [b.cast(b.mul(b.op(.rint, b.div(wide, power)), power), t)]
        }
        if decimals == 0 { return [rint(&b, x[0])] }
        let result = t
        var v = x[0]
        if t.isHalf {
          // 10**decimals need not be a half value.
          t = .float32
          v = b.cast(v, t)
        }
        let power = b.constant(t.realPart, tenTo(Swift.abs(decimals)))
        func scale(_ b: inout ExprBuilder, _ y: ExprRef, up: Bool) -> ExprRef {
          guard b.type(y).isComplex else { return up ? b.mul(y, power) : b.div(y, power) }
          let (re, im) = (b.real(y), b.imag(y))
          return b.complex(b.op(up ? .mul : .div, re, power), b.op(up ? .mul : .div, im, power))
        }
        let scaled = rint(&b, scale(&b, v, up: decimals > 0))
        return [b.cast(scale(&b, scaled, up: decimals < 0), result)]
      }, cost: Cost(perElement: 6),
      doc: OpDoc(
        "Rounds to a number of decimals, halves to even.", numpy: "numpy.\(name)", example: "mt.\(name)([1.25, 3.75], decimals=1)"),
      exposure: Exposure(method: method),
      samples: [
        Sample([[5]], .numeric, attributes: ["decimals": .int(1)]),
        Sample([[5]], [.signed, .floating], attributes: ["decimals": .int(-1)]),
      ])
  }
  static let round = rounded("round", method: true)
  static let around = rounded("around")

  private static func tenTo(_ n: Int) -> Double {
    var p = 1.0
    for _ in 0..<min(n, 400) { p *= 10 }
    return p
  }

  // MARK: Classification

  private static func test(_ name: String, _ o: ExprOp, _ summary: String, otherwise: Bool, any: Bool) -> OpDef {
    unary(name, Loops.predicate(.all, 1), summary, example: "mt.\(name)([1.0, float('inf'), float('nan')])") { b, x in
      let t = b.type(x)
      if t.isFloating { return b.op(o, as: .bool, x) }
      guard t.isComplex else { return b.constant(.bool, otherwise ? 1 : 0) }
      let (re, im) = (b.real(x), b.imag(x))
      let (p, q) = (b.op(o, as: .bool, re), b.op(o, as: .bool, im))
      return any ? b.or(p, q) : b.and(p, q)
    }
  }
  static let isfinite = test("isfinite", .isFinite, "Whether the value is neither infinite nor NaN.", otherwise: true, any: false)
  static let isinf = test("isinf", .isInf, "Whether the value is infinite.", otherwise: false, any: true)
  static let isnan = test("isnan", .isNaN, "Whether the value is NaN.", otherwise: false, any: true)

  private static func signedInfinity(_ name: String, _ summary: String, negative: Bool) -> OpDef {
    unary(name, Loops.predicate(.real, 1), summary, example: "mt.\(name)([1.0, float('inf')])") { b, x in
      guard b.type(x).isFloating else { return b.constant(.bool, 0) }
      let infinity = b.constant(b.type(x), negative ? -.infinity : .infinity)
      return b.eq(x, infinity)
    }
  }
  static let isposinf = signedInfinity("isposinf", "Whether the value is plus infinity.", negative: false)
  static let isneginf = signedInfinity("isneginf", "Whether the value is minus infinity.", negative: true)

  static let signbit = unary("signbit", Loops.predicate(.floating, 1), "Whether the sign bit is set.", example: "mt.signbit([-0.0, 1.0])") {
    b, x in
    b.op(.signBit, as: .bool, x)
  }

  // MARK: Parts of floats

  static let copysign = binary("copysign", Loops.same(.floating, 2), "x1 with the sign of x2.") { b, x, y in b.op(.copysign, x, y) }

  static let nextafter = binary("nextafter", Loops.same(.floating, 2), "The next value after x1 towards x2.", cost: 4) { b, x, y in
    b.type(x).isHalf ? halfNextAfter(&b, x, y) : b.op(.nextafter, x, y)
  }
  /// Half types step in their own bits.
  private static func halfNextAfter(_ b: inout ExprBuilder, _ x: ExprRef, _ y: ExprRef) -> ExprRef {
    let t = b.type(x)
    let bits = b.bitcast(x, .int16)
    let one = b.constant(.int16, 1)
    let floatZero = b.constant(t, 0)
    let up = b.lt(x, y)
    let positive = b.lt(floatZero, x)
    // Away from zero the magnitude grows by one bit pattern.
    let grows = b.eq(up, positive)
    let stepped = b.select(grows, b.op(.add, bits, one), b.op(.sub, bits, one))
    let smallest = b.select(up, one, b.constant(.int16, bits: 0x8001))
    let r = b.bitcast(b.select(b.eq(x, floatZero), smallest, stepped), t)
    let plain = b.select(b.eq(x, y), x, r)
    let nan = b.add(x, y)
    return b.select(b.or(b.isNaN(x), b.isNaN(y)), nan, plain)
  }

  static let spacing = unary("spacing", Loops.same(.floating, 1), "The distance to the next value of larger magnitude.", cost: 4) { b, x in
    let t = b.type(x)
    guard t.isHalf else { return b.op(.spacing, x) }
    // NumPy's float16 looks towards plus infinity, where the wider types look away from zero.
    let infinity = b.constant(t, .infinity)
    // NumPy's float16 measures upwards, also below zero.
    let away = t == .float16 ? infinity : b.op(.copysign, infinity, x)
    let next = halfNextAfter(&b, x, away)
    let nan = b.constant(t, .nan)
    return b.select(b.op(.isInf, as: .bool, x), nan, b.sub(next, x))
  }

  static let modf = OpDef(
    "modf", inputs: [InputDef("x")], outputs: ["fractional", "integral"],
    typing: .ufunc(Loops.members(.floating).map { UfuncLoop([$0], [$0, $0]) }),
    body: .expr { b, _, x in
      let whole = b.op(.trunc, x[0])
      let zero = b.constant(b.type(whole), 0)
      let isInfinite = b.op(.isInf, as: .bool, x[0])
      let fraction = b.select(isInfinite, zero, b.sub(x[0], whole))
      return [b.op(.copysign, fraction, x[0]), whole]
    }, cost: Cost(perElement: 4),
    doc: OpDoc("Fractional and integral part, both with the sign of x.", numpy: "numpy.modf", example: "mt.modf([1.5, -0.25])[0]"))

  static let frexp = OpDef(
    "frexp", inputs: [InputDef("x")], outputs: ["mantissa", "exponent"],
    typing: .ufunc(Loops.members(.floating).map { UfuncLoop([$0], [$0, .int32]) }),
    body: .expr { b, _, x in
      [b.op(.frexpFraction, x[0]), b.op(.frexpExponent, as: .int32, x[0])]
    }, cost: Cost(perElement: 6),
    doc: OpDoc(
      "Mantissa in [0.5, 1) and exponent with x = mantissa * 2**exponent.", numpy: "numpy.frexp", example: "mt.frexp([8.0, 0.3])[1]"))

  static let ldexp = OpDef(
    "ldexp", inputs: [InputDef("x1"), InputDef("x2")],
    typing: .ufunc(Loops.members(.floating).flatMap { [UfuncLoop([$0, .int32], [$0]), UfuncLoop([$0, .int64], [$0])] }),
    body: .expr { b, _, x in
      var e = x[1]
      if b.type(e) == .int64 {
        // Beyond the range of any exponent the result no longer changes.
        let (least, most) = (b.constant(.int64, -100000), b.constant(.int64, 100000))
        e = b.cast(b.op(.min, b.op(.max, e, least), most), .int32)
      }
      return [b.op(.ldexp, x[0], e)]
    }, cost: Cost(perElement: 4), doc: OpDoc("x1 * 2**x2.", numpy: "numpy.ldexp", example: "mt.ldexp([0.5, 3.0], [4, -1])"))

  static let nanToNum = OpDef(
    "nan_to_num", inputs: [InputDef("x")],
    attributes: [
      AttrDef("nan", .float, default: .float(0), "replaces NaN"),
      AttrDef("posinf", .float, default: AttrValue.none, "replaces infinity; None: the largest finite value"),
      AttrDef("neginf", .float, default: AttrValue.none, "replaces minus infinity; None: the smallest finite value"),
    ], typing: .ufunc(Loops.same(.all, 1)),
    body: .expr { b, c, x in
      let t = b.type(x[0])
      let replace = { (b: inout ExprBuilder, v: ExprRef) -> ExprRef in
        let p = b.type(v)
        let most: Double =
          switch p {
          case .float16: 65504
          case .bfloat16: Double(Float(bitPattern: 0x7F7F_0000))
          case .float32: Double(Float.greatestFiniteMagnitude)
          default: Double.greatestFiniteMagnitude
          }
        let high: Double = if case .float(let f) = c["posinf"] { f } else { most }
        let low: Double = if case .float(let f) = c["neginf"] { f } else { -most }
        let (nan, posinf, neginf) = (
          b.scalar(Scalar(c.float("nan")).cast(to: p)), b.scalar(Scalar(high).cast(to: p)), b.scalar(Scalar(low).cast(to: p))
        )
        let infinite = b.select(b.op(.signBit, as: .bool, v), neginf, posinf)
        return b.select(b.isNaN(v), nan, b.select(b.op(.isInf, as: .bool, v), infinite, v))
      }
      if t.isComplex {
        let (re, im) = (b.real(x[0]), b.imag(x[0]))
        return [b.complex(replace(&b, re), replace(&b, im))]
      }
      return [t.isFloating ? replace(&b, x[0]) : x[0]]
    }, cost: Cost(perElement: 4),
    doc: OpDoc("Replaces NaN and infinities by numbers.", numpy: "numpy.nan_to_num", example: "mt.nan_to_num([1.0, float('nan')])"),
    samples: [
      Sample([[5]], .inexact), Sample([[5]], .floating, attributes: ["nan": .float(7), "posinf": .float(1), "neginf": .float(-1)]),
    ])

  // MARK: Complex parts

  private static func conjugation(_ name: String, method: Bool) -> OpDef {
    unary(name, Loops.same(.numeric, 1), "The complex conjugate; real values unchanged.", example: "mt.\(name)([1 + 2j])", method: method) {
      b, x in
      guard b.type(x).isComplex else { return x }
      let (re, im) = (b.real(x), b.imag(x))
      return b.complex(re, b.op(.neg, im))
    }
  }
  static let conjugate = conjugation("conjugate", method: true)
  static let conj = conjugation("conj", method: true)
  static let real = unary(
    "real", Loops.toReal(.all), "The real part.", details: "A view: what is written to it is written to the tensor.",
    example: "mt.real([1 + 2j])", answer: Answer(.part(.real))
  ) { b, x in b.real(x) }
  static let imag = unary(
    "imag", Loops.toReal(.all), "The imaginary part; 0 of real values.",
    details: "Of a complex tensor a view: what is written to it is written to the tensor.", example: "mt.imag([1 + 2j])",
    answer: Answer(.part(.imaginary))
  ) { b, x in b.imag(x) }

  static let fromParts = OpDef(
    "from_parts", inputs: [InputDef("re"), InputDef("im")],
    typing: .ufunc([UfuncLoop([.float32, .float32], [.complex64]), UfuncLoop([.float64, .float64], [.complex128])]),
    body: .expr { b, _, x in [b.complex(x[0], x[1])] },
    doc: OpDoc("Complex values of their parts: what a write to one of them stores.", example: "mt.real([1 + 2j])"), exposure: .hidden)

  private static func partTest(_ name: String, _ summary: String, complex: Bool) -> OpDef {
    unary(name, Loops.predicate(.all, 1), summary, example: "mt.\(name)([1 + 2j, 3])") { b, x in
      guard b.type(x).isComplex else { return b.constant(.bool, complex ? 0 : 1) }
      let im = b.imag(x)
      let zero = b.constant(b.type(im), 0)
      return b.op(complex ? .ne : .eq, as: .bool, im, zero)
    }
  }
  static let iscomplex = partTest("iscomplex", "Whether the imaginary part is not zero.", complex: true)
  static let isreal = partTest("isreal", "Whether the imaginary part is zero.", complex: false)

  static let angle = OpDef(
    "angle", inputs: [InputDef("z")], attributes: [AttrDef("deg", .bool, default: .bool(false), "degrees instead of radians")],
    typing: .ufunc(
      [UfuncLoop([.bool], [.float64])] + Loops.toReal(.inexact)),
    body: .expr { b, c, x in
      let t: DType = c.loop?.outputs[0] ?? .float64
      let z = b.type(x[0]).isComplex ? x[0] : b.cast(x[0], t)
      let (re, im) = (b.real(z), b.imag(z))
      let a = b.op(.atan2, im, re)
      guard c.bool("deg") else { return [a] }
      let f = b.constant(b.type(a), 180 / Double.pi)
      return [b.mul(a, f)]
    }, cost: Cost(perElement: 25),
    doc: OpDoc("The angle of a complex value, in radians.", numpy: "numpy.angle", example: "mt.angle([1j, -1.0])"),
    samples: [Sample([[4]], .inexact), Sample([[4]], .complex, attributes: ["deg": .bool(true)])])

  static let family = OpFamily([
    floor, ceil, trunc, fix, rint, round, around, isfinite, isinf, isnan, isposinf, isneginf, signbit, copysign, nextafter, spacing, modf,
    frexp, ldexp, nanToNum, conjugate, conj, real, imag, fromParts, iscomplex, isreal, angle,
  ])
}
