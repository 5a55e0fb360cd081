import MarsBase
import MarsGraph

/// A function of floating and complex values with one instruction for the real case.
func elementary(_ name: String, _ o: ExprOp, _ summary: String, numpy: String? = nil, cost: Double = 15, complex: Bool = true) -> OpDef {
  unary(name, Loops.same(complex ? .inexact : .floating, 1), summary, numpy: numpy, cost: cost) { b, x in
    b.type(x).isComplex ? b.complexFunction(o, x) : b.op(o, x)
  }
}

/// Exponentials, logarithms and roots.
enum Exponential {
  static let exp = elementary("exp", .exp, "e to the power x.")
  static let exp2 = elementary("exp2", .exp2, "2 to the power x.")
  static let expm1 = elementary("expm1", .expm1, "exp(x) - 1, accurate for small x.")
  static let log = elementary("log", .log, "The natural logarithm.")
  static let log2 = elementary("log2", .log2, "The logarithm to base 2.")
  static let log10 = elementary("log10", .log10, "The logarithm to base 10.")
  static let log1p = elementary("log1p", .log1p, "log(1 + x), accurate for small x.")
  static let sqrt = elementary("sqrt", .sqrt, "The non-negative square root.", cost: 6)
  static let cbrt = elementary("cbrt", .cbrt, "The cube root.", complex: false)

  private static func logOfSum(_ name: String, _ base: String, exp: ExprOp, log: ExprOp, ofTwo: Double) -> OpDef {
    binary(
      name, Loops.same(.floating, 2), "The logarithm to base \(base) of \(base)**x1 + \(base)**x2.", example: "mt.\(name)([0.0, 1.0], 2.0)",
      cost: 40
    ) { b, x, y in
      let t = b.type(x)
      // Equal values first: also infinities of one sign.
      let same = b.eq(x, y)
      let difference = b.sub(x, y)
      let gap = b.neg(b.abs(difference))
      let larger = b.op(.max, x, y)
      let correction: ExprRef
      if log == .log1p {
        correction = b.op(.log1p, b.op(.exp, gap))
      } else {
        let factor = b.constant(t, 1.44269504088896340735992468100)
        correction = b.mul(b.op(.log1p, b.op(exp, gap)), factor)
      }
      let two = b.constant(t, ofTwo)
      return b.select(same, b.add(x, two), b.add(larger, correction))
    }
  }
  static let logaddexp = logOfSum("logaddexp", "e", exp: .exp, log: .log1p, ofTwo: 0.693147180559945309417232121458)
  static let logaddexp2 = logOfSum("logaddexp2", "2", exp: .exp2, log: .log2, ofTwo: 1)

  static let family = OpFamily([exp, exp2, expm1, log, log2, log10, log1p, sqrt, cbrt, logaddexp, logaddexp2])
}
