/// The declared inputs that a call leaves out although a later one is given.
///
/// Nodes list the inputs that are given, and nothing stands in for others: most calls leave out none, or the last ones, and this is empty.
package struct AbsentInputs: Hashable, Sendable {
  /// Bit i: input i is left out.
  package private(set) var bits: UInt32 = 0
  /// Inputs beyond cannot be told here; operators have far fewer.
  package static let mostInputs = 32

  package init() {}

  /// From the operands of all declared inputs up to the last one that is given.
  init(_ operands: [Operand]) {
    for (i, o) in operands.enumerated() where o.isAbsent { bits |= 1 << UInt32(i) }
  }

  package var isEmpty: Bool { bits == 0 }
  package var count: Int { bits.nonzeroBitCount }

  /// Place among the given inputs of declared input `i`, or nil where it is left out.
  package func place(of i: Int) -> Int? {
    if bits == 0 { return i }
    guard i < AbsentInputs.mostInputs else { return i - count }
    if bits & (1 << UInt32(i)) != 0 { return nil }
    return i - (bits & ((1 << UInt32(i)) - 1)).nonzeroBitCount
  }

  /// The declared input of given input `k`.
  package func declared(_ k: Int) -> Int {
    var (i, rest) = (k, bits)
    // Every one that is left out in front moves it on.
    while rest != 0, rest.trailingZeroBitCount <= i {
      i += 1
      rest &= rest - 1
    }
    return i
  }

  /// Of a list of all declared inputs those that are given, and those at the end.
  package func given<T>(_ declared: [T]) -> [T] { declared.indices.filter { place(of: $0) != nil }.map { declared[$0] } }

  /// A list of the given inputs with `nothing` in the places of those left out.
  package func filled<T>(_ given: [T], with nothing: T) -> [T] {
    if bits == 0 { return given }
    var out = given
    var rest = bits
    while rest != 0 {
      out.insert(nothing, at: rest.trailingZeroBitCount)
      rest &= rest - 1
    }
    return out
  }
}
