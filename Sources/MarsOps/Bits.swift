import MarsBase
import MarsGraph

/// Operations on bits.
enum Bits {
  private static let logic: DTypeSet = [.bool, .integer]

  static let bitwiseAnd = binary("bitwise_and", Loops.same(logic, 2), "Bitwise and.", operators: ["__and__"]) { b, x, y in b.op(.and, x, y)
  }
  static let bitwiseOr = binary("bitwise_or", Loops.same(logic, 2), "Bitwise or.", operators: ["__or__"]) { b, x, y in b.op(.or, x, y) }
  static let bitwiseXor = binary("bitwise_xor", Loops.same(logic, 2), "Bitwise exclusive or.", operators: ["__xor__"]) { b, x, y in
    b.op(.xor, x, y)
  }
  private static func inversion(_ name: String, operators: [String] = []) -> OpDef {
    unary(name, Loops.same(logic, 1), "All bits flipped; of bool the logical not.", example: "mt.\(name)([1, 2])", operators: operators) {
      b, x in
      b.op(.not, x)
    }
  }
  static let invert = inversion("invert", operators: ["__invert__"])
  static let bitwiseNot = inversion("bitwise_not")
  static let bitwiseInvert = inversion("bitwise_invert")

  private static func leftShift(_ name: String, operators: [String] = []) -> OpDef {
    binary(
      name, Loops.same(.integer, 2), "Shifts bits to the left.", details: "A count of the width or more gives 0.", operators: operators
    ) { b, x, y in b.op(.shl, x, y) }
  }
  private static func rightShift(_ name: String, operators: [String] = []) -> OpDef {
    binary(
      name, Loops.same(.integer, 2), "Shifts bits to the right.", details: "Signed values keep their sign.", operators: operators
    ) { b, x, y in b.op(.shr, x, y) }
  }
  private static let shifts = [
    leftShift("left_shift", operators: ["__lshift__"]), leftShift("bitwise_left_shift"),
    rightShift("right_shift", operators: ["__rshift__"]), rightShift("bitwise_right_shift"),
  ]

  static let bitwiseCount = unary(
    "bitwise_count", Loops.members(.integer).map { UfuncLoop([$0], [.uint8]) }, "The number of one bits in |x|.",
    example: "mt.bitwise_count([7, 8])"
  ) { b, x in b.op(.popcount, as: .uint8, x) }

  static let family = OpFamily(
    [
      bitwiseAnd, bitwiseOr, bitwiseXor, invert, bitwiseNot, bitwiseInvert, bitwiseCount,
    ] + shifts)
}
