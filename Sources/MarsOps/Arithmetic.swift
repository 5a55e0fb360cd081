import MarsBase
import MarsGraph
import MarsNumerics

/// Arithmetic ufuncs.
enum Arithmetic {
  private static let booleanSubtract =
    "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, or the logical_xor function instead."
  /// For functions that subtract elements from one another.
  static func refuseBool(_ c: OpContext, _ d: DType) throws(MarsError) {
    if d == .bool { throw c.error(.type, booleanSubtract) }
  }
  private static let booleanNegative =
    "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the logical_not function instead."

  static let add = binary(
    "add", Loops.same(.all, 2), "Adds element by element.", details: "bool: logical or.  Integers wrap.",
    operators: ["__add__"]
  ) { b, x, y in b.add(x, y) }

  static let subtract = binary(
    "subtract", [Loops.refused(.bool, .bool, saying: booleanSubtract)] + Loops.same(.numeric, 2), "Subtracts element by element.",
    details: "Two booleans are an error, as in NumPy; use bitwise_xor.", operators: ["__sub__"]
  ) { b, x, y in b.sub(x, y) }

  static let multiply = binary(
    "multiply", Loops.same(.all, 2), "Multiplies element by element.", details: "bool: logical and.  Integers wrap.",
    operators: ["__mul__"]
  ) { b, x, y in b.mul(x, y) }

  /// NumPy's true_divide sends all integers to float64.
  private static let divisionLoops: [UfuncLoop] =
    Loops.members([.integer]).map { UfuncLoop([$0, $0], [.float64]) } + Loops.same(.inexact, 2)

  private static func division(_ name: String, operators: [String] = []) -> OpDef {
    binary(
      name, divisionLoops, "Divides element by element.", details: "Integers divide as float64.", cost: 4, operators: operators
    ) { b, x, y in
      let d: DType = b.type(x).isInteger ? .float64 : b.type(x)
      let (p, q) = (b.cast(x, d), b.cast(y, d))
      return b.div(p, q)
    }
  }
  static let divide = division("divide", operators: ["__truediv__"])
  static let trueDivide = division("true_divide")

  private static let divModLoops = Loops.same([.integer, .floating], 2)

  static let floorDivide = binary(
    "floor_divide", divModLoops, "The quotient rounded towards minus infinity.", details: "Integers: x // 0 is 0.", cost: 6,
    operators: ["__floordiv__"]
  ) { b, x, y in b.op(.floorDiv, x, y) }

  private static func remainder(_ name: String, operators: [String] = []) -> OpDef {
    binary(
      name, divModLoops, "The remainder with the sign of the divisor.", details: "Integers: x % 0 is 0.", cost: 6, operators: operators
    ) { b, x, y in b.op(.mod, x, y) }
  }
  static let remainder = remainder("remainder", operators: ["__mod__"])
  static let mod = remainder("mod")

  static let fmod = binary("fmod", divModLoops, "The remainder with the sign of the dividend, as in C.", cost: 6) { b, x, y in
    b.op(.fmod, x, y)
  }

  static let divmod = OpDef(
    "divmod", inputs: [InputDef("x1"), InputDef("x2")], outputs: ["quotient", "remainder"],
    typing: .ufunc(divModLoops.map { UfuncLoop($0.inputs, [$0.outputs[0], $0.outputs[0]]) }),
    body: .expr { b, _, x in [b.op(.floorDiv, x[0], x[1]), b.op(.mod, x[0], x[1])] }, cost: Cost(perElement: 12),
    doc: OpDoc(
      "Quotient and remainder at once.", details: "The same as (x1 // x2, x1 % x2).", numpy: "numpy.divmod",
      example: "mt.divmod([7, -7], 3)[0]"), exposure: Exposure(operators: ["__divmod__"]))

  private static let powerLoops = Loops.same([.integer, .inexact], 2)

  /// `isOperator`: as `**` has it, where the square of bool is int8 whatever the integer's own dtype.
  private static func powerNamed(_ name: String, isOperator: Bool = false) -> OpDef {
    OpDef(
      name, inputs: [InputDef("x1"), InputDef("x2")], typing: .ufunc(powerLoops),
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let isSigned = c.loop?.inputs[1].kind == .signed
        if isSigned, let exponent = v[1].constant, exponent.asDouble < 0 { throw c.error(.value, Lanes.negativePower) }
        guard let loop = c.loop else { return [] }
        if isOperator, v[0].type.dtype == .bool, loop.inputs[0].isInteger, v[1].constant?.asInt128 == 2 { return [try v[0].op(square)] }
        if let short = try shortcut(try v[0].cast(loop.inputs[0]), v[1]) { return [short] }
        guard isSigned, v[1].constant == nil, let d = c.loop?.inputs[1] else { return [try v[0].op(powerLoop, v[1])] }
        return [try v[0].op(powerLoop, try v[1].cast(d).op(checkedExponent.def))]
      }, cost: Cost(perElement: 20),
      doc: OpDoc(
        "x1 to the power x2, element by element.",
        details:
          "Integers multiply repeatedly and wrap; a negative integer exponent of integers is an error.  Exponents 2, 1, 0.5 and -1 that are scalars are a product, a copy, a square root and a reciprocal.",
        numpy: isOperator ? "numpy.power" : "numpy.\(name)", example: isOperator ? "mt.tensor([3, 1]) ** 2" : "mt.\(name)([3, 1], [2, 5])"),
      exposure: isOperator ? Exposure(namespace: nil, operators: ["__pow__"]) : Exposure(),
      samples: [[[3, 4], [4]], [[0], [0]], [[], []]].map { Sample($0, [.inexact, .unsigned]) })
  }
  private static let powerLoop = OpDef(
    "power_loop", inputs: [InputDef("x1"), InputDef("x2")], typing: .ufunc(powerLoops),
    body: .expr { b, _, x in [power(&b, x[0], x[1])] }, cost: Cost(perElement: 20),
    doc: OpDoc("x1 to the power x2, which is not negative if both are integers.", example: "mt.power([3, 1], [2, 5])"), exposure: .hidden)
  private static let checkedExponent = NativeOp(
    OpDef(
      "checked_exponent", inputs: [InputDef("x")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype.isInteger else { throw c.error(.type, "the operand must be of an integer dtype") }
        return [c.inputs[0]]
      },
      body: .native(NativeRule(.access { c in [(0..<c.inputs[0].rank).map { .aligned($0) }] }, reusesInput0: true)),
      doc: OpDoc("The same integers, none of which may be negative.", example: "mt.power([3, 1], [2, 5])"), exposure: .hidden,
      samples: [Sample([[3, 4]], DTypeSet(.uint8))])
  ) { (call: inout NativeCall) throws(MarsError) in try Lanes.copyExponents(call.inputs[0], to: call.outputs[0]) }
  static let power = powerNamed("power")
  static let powerOperator = powerNamed("power_operator", isOperator: true)
  static let pow = powerNamed("pow")

  /// The operator that raises x to a scalar exponent, as NumPy's `**` chooses it; nil: the general one.  Chosen at the call and not by the
  /// body, which must give the same bits whether the exponent is fused with it or not.
  private static func shortcut(_ x: Value, _ y: Value) throws(MarsError) -> Value? {
    guard let s = y.constant else { return nil }
    let e: Double? = if case .complex(let re, let im) = s.wide { im == 0 ? re : nil } else { s.asDouble }
    switch e {
    case 2: return try x.op(square)
    case 1: return try x.op(positive)
    case 0.5 where !x.type.dtype.isInteger: return try x.op(Exponential.sqrt)
    case -1 where !x.type.dtype.isInteger: return try x.op(reciprocal)
    default: return nil
    }
  }
  private static func power(_ b: inout ExprBuilder, _ x: ExprRef, _ y: ExprRef) -> ExprRef {
    b.type(x).isComplex ? b.complexPower(x, y) : b.op(.pow, x, y)
  }

  static let floatPower = binary(
    "float_power", Loops.same([DTypeSet(.float64), DTypeSet(.complex128)], 2), "x1 to the power x2 in float64 at least.", cost: 20
  ) { b, x, y in power(&b, x, y) }

  static let negative = unary(
    "negative", [Loops.refused(.bool, saying: booleanNegative)] + Loops.same(.numeric, 1), "Changes the sign.",
    details: "bool is an error, as in NumPy; unsigned integers wrap.", operators: ["__neg__"]
  ) { b, x in b.neg(x) }

  static let positive = unary("positive", [Loops.refused(.bool)] + Loops.same(.numeric, 1), "The same values.", operators: ["__pos__"]) {
    b, x in x
  }

  private static func absolute(_ name: String, operators: [String] = []) -> OpDef {
    unary(
      name, Loops.toReal(.all), "The absolute value; of complex values the modulus.",
      details: "The smallest integer is its own absolute value.",
      operators: operators
    ) { b, x in b.abs(x) }
  }
  static let absolute = absolute("absolute", operators: ["__abs__"])
  static let abs = absolute("abs")
  static let fabs = unary("fabs", Loops.same(.floating, 1), "The absolute value in a floating dtype.") { b, x in b.abs(x) }

  static let sign = unary(
    "sign", [Loops.refused(.bool)] + Loops.same(.numeric, 1), "-1, 0 or 1 by the sign; complex values divided by their modulus.",
    details: "NaN stays NaN."
  ) { b, x in
    let t = b.type(x)
    let zero = b.constant(t.realPart, 0)
    if t.isComplex {
      let (re, im) = (b.real(x), b.imag(x))
      let modulus = b.op(.hypot, re, im)
      let (infRe, infIm) = (b.op(.isInf, as: .bool, re), b.op(.isInf, as: .bool, im))
      let one = b.constant(t.realPart, 1)
      let (unitRe, unitIm) = (b.op(.copysign, one, re), b.op(.copysign, one, im))
      let nan = b.constant(t.realPart, .nan)
      let isZero = b.op(.eq, as: .bool, modulus, zero)
      // One infinite part decides; two have no direction.
      let byRe = b.select(infRe, b.select(infIm, nan, unitRe), b.select(infIm, zero, b.op(.div, re, modulus)))
      let byIm = b.select(infIm, b.select(infRe, nan, unitIm), b.select(infRe, zero, b.op(.div, im, modulus)))
      return b.complex(b.select(isZero, zero, byRe), b.select(isZero, zero, byIm))
    }
    let one = b.constant(t, 1)
    let above = b.select(b.lt(zero, x), one, zero)
    if t.kind == .unsigned { return above }
    let minus = b.constant(t, -1)
    let r = b.select(b.lt(x, zero), minus, above)
    return t.isFloating ? b.select(b.isNaN(x), x, r) : r
  }

  static let heaviside = binary(
    "heaviside", Loops.same(.floating, 2), "0 below zero, 1 above it, and x2 at zero.", example: "mt.heaviside([-1.0, 0.0, 2.0], 0.5)"
  ) { b, x, y in
    let t = b.type(x)
    let (zero, one) = (b.constant(t, 0), b.constant(t, 1))
    let r = b.select(b.lt(x, zero), zero, b.select(b.eq(x, zero), y, one))
    return b.select(b.isNaN(x), x, r)
  }

  static let square = unary("square", Loops.same(.numeric, 1), "x * x.") { b, x in b.mul(x, x) }

  static let reciprocal = unary(
    "reciprocal", Loops.same(.numeric, 1), "1 / x.",
    details: "Integers: 1 // x rounded towards zero; of 0 it is the smallest integer (0 if unsigned or narrower than 32 bits).", cost: 4
  ) { b, x in
    let t = b.type(x)
    let one = b.constant(t.realPart, 1)
    if t.isComplex {
      // Smith's method with a real numerator.
      let (re, im) = (b.real(x), b.imag(x))
      let byIm = b.op(.le, as: .bool, b.op(.abs, re), b.op(.abs, im))
      let (small, large) = (b.select(byIm, re, im), b.select(byIm, im, re))
      let r = b.op(.div, small, large)
      let d = b.op(.add, large, b.op(.mul, small, r))
      let (whole, part) = (b.op(.div, one, d), b.op(.div, r, d))
      return b.complex(b.select(byIm, part, whole), b.op(.neg, b.select(byIm, whole, part)))
    }
    guard t.isInteger else { return b.div(one, x) }
    // 1/x in C: 1 for 1, -1 for -1, else 0.
    let zero = b.constant(t, 0)
    let r = b.select(b.eq(x, one), one, zero)
    guard t.kind == .signed else { return r }
    let minus = b.constant(t, -1)
    let s = b.select(b.eq(x, minus), minus, r)
    // 1/0 is infinite, which NumPy casts by way of int32 or int64; narrower types keep the low bits of that, which are 0.
    guard t.itemSize >= 4 else { return s }
    return b.select(b.eq(x, zero), b.constant(t, bits: UInt64(1) << UInt64(8 * t.itemSize - 1)), s)
  }

  // MARK: Number theory

  private static func divisor(_ name: String, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: [InputDef("x1"), InputDef("x2")], typing: .ufunc([Loops.refused(.bool, .bool)] + Loops.same(.integer, 2)),
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        guard let d = c.loop?.inputs[0], let shape = c.outputs.first?.shape else { return [] }
        let x = try v[0].cast(d).broadcast(to: shape)
        let y = try v[1].cast(d).broadcast(to: shape)
        return [try x.op(divisorLoop.def, y, with: ["least_multiple": .bool(name == "lcm")])]
      }, cost: Cost(perElement: 60), doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([12, 18], 8)"),
      samples: [Sample([[3, 4], [4]], .integer), Sample([[0], [0]], .integer), Sample([[], []], DTypeSet(.int64))])
  }
  static let gcd = divisor("gcd", "The greatest common divisor of |x1| and |x2|.")
  static let lcm = divisor("lcm", "The least common multiple of |x1| and |x2|.")

  private static let divisorLoop = NativeOp(
    OpDef(
      "divisor_loop", inputs: [InputDef("x1"), InputDef("x2")],
      attributes: [AttrDef("least_multiple", .bool, default: .bool(false), "lcm instead of gcd")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0] == c.inputs[1] && c.inputs[0].dtype.isInteger else {
          throw c.error(.type, "operands must have one integer dtype and shape")
        }
        return [c.inputs[0]]
      },
      body: .native(NativeRule(.access { c in c.inputs.map { t in (0..<t.rank).map { .aligned($0) } } })), cost: Cost(perElement: 60),
      doc: OpDoc("gcd or lcm of operands of one integer dtype and shape.", example: "mt.gcd(4, 6)"), exposure: .hidden,
      samples: [Sample([[3, 4], [3, 4]], .integer)])
  ) { (call: inout NativeCall) throws(MarsError) in
    try Lanes.gcd(call.inputs[0], call.inputs[1], into: call.outputs[0], least: call.context.bool("least_multiple"))
  }

  static let family = OpFamily(
    [
      add, subtract, multiply, divide, trueDivide, floorDivide, remainder, mod, fmod, divmod, power, powerOperator, pow, floatPower,
      negative, positive,
      absolute, abs, fabs, sign, heaviside, square, reciprocal, gcd, lcm, powerLoop,
    ], natives: [divisorLoop, checkedExponent])
}
