import MarsBase
import MarsGraph

/// Trigonometric and hyperbolic functions.
enum Trigonometric {
  private static func pair(_ name: String, _ alias: String, _ o: ExprOp, _ summary: String) -> [OpDef] {
    [elementary(name, o, summary), elementary(alias, o, summary)]
  }

  static let sin = elementary("sin", .sin, "The sine of an angle in radians.")
  static let cos = elementary("cos", .cos, "The cosine of an angle in radians.")
  static let tan = elementary("tan", .tan, "The tangent of an angle in radians.", cost: 20)
  static let sinh = elementary("sinh", .sinh, "The hyperbolic sine.")
  static let cosh = elementary("cosh", .cosh, "The hyperbolic cosine.")
  static let tanh = elementary("tanh", .tanh, "The hyperbolic tangent.")

  private static let inverses =
    pair("arcsin", "asin", .asin, "The inverse sine, in radians.") + pair("arccos", "acos", .acos, "The inverse cosine, in radians.")
    + pair("arctan", "atan", .atan, "The inverse tangent, in radians.") + pair("arcsinh", "asinh", .asinh, "The inverse hyperbolic sine.")
    + pair("arccosh", "acosh", .acosh, "The inverse hyperbolic cosine.")
    + pair("arctanh", "atanh", .atanh, "The inverse hyperbolic tangent.")

  private static func angleOf(_ name: String) -> OpDef {
    binary(
      name, Loops.same(.floating, 2), "The angle of the point (x2, x1), in radians.", example: "mt.\(name)([1.0, -1.0], [1.0, -1.0])",
      cost: 25
    ) { b, y, x in b.op(.atan2, y, x) }
  }
  static let arctan2 = angleOf("arctan2")
  static let atan2 = angleOf("atan2")

  static let hypot = binary("hypot", Loops.same(.floating, 2), "sqrt(x1**2 + x2**2) without overflow.", cost: 10) { b, x, y in
    b.op(.hypot, x, y)
  }

  private static func scaling(_ name: String, _ factor: Double, _ summary: String) -> OpDef {
    unary(name, Loops.same(.floating, 1), summary) { b, x in
      // As NumPy, a half type is multiplied in float32: rounded to a half, the factor alone would be off by more than the result may be.
      let t = Reductions.wide(b.type(x))
      return b.cast(b.mul(b.cast(x, t), b.constant(t, factor)), b.type(x))
    }
  }
  private static let scalings = [
    scaling("degrees", 180 / Double.pi, "From radians to degrees."), scaling("rad2deg", 180 / Double.pi, "From radians to degrees."),
    scaling("radians", Double.pi / 180, "From degrees to radians."), scaling("deg2rad", Double.pi / 180, "From degrees to radians."),
  ]

  static let sinc = unary(
    "sinc", Loops.members([.bool, .integer]).map { UfuncLoop([$0], [.float64]) } + Loops.same(.inexact, 1),
    "sin(pi x) / (pi x), and 1 at 0.", cost: 20
  ) { b, given in
    let t: DType = b.type(given).kind < .floating ? .float64 : b.type(given)
    let x = b.cast(given, t)
    let (zero, one, pi) = (b.constant(t, 0), b.constant(t, 1), b.constant(t, .pi))
    let y = b.mul(x, pi)
    let s = t.isComplex ? b.complexFunction(.sin, y) : b.op(.sin, y)
    return b.select(b.eq(x, zero), one, b.div(s, y))
  }

  static let family = OpFamily([sin, cos, tan, sinh, cosh, tanh, arctan2, atan2, hypot, sinc] + inverses + scalings)
}
