import MarsBase
import MarsGraph
import MarsOps

/// NumPy's keywords `dtype` and `casting` of a ufunc: they choose the loop, and inputs are cast to what the loop takes.
///
/// Every operator that is a ufunc takes them as attributes, beside those that it declares.  Nodes hold the cast inputs, so that files and
/// planner need not know.
enum UfuncSignature {
  /// Takes the two attributes out and casts the operands as they ask.
  static func apply(_ op: OpDef, _ operands: inout [Operand], _ attributes: inout [(String, AttrValue)]) throws(MarsError) {
    guard case .ufunc(let loops) = op.typing, !attributes.isEmpty else { return }
    var wanted: DType? = nil
    var casting = Casting.sameKind
    for (name, value) in attributes where op.attributeIndex(name) == nil {
      switch (name, value) {
      case ("dtype", .dtype(let d)): wanted = d
      case ("dtype", .none): break
      case ("casting", .string(let s)):
        casting = try Casting(named: s)
      case ("dtype", _), ("casting", _):
        throw MarsError(.type, "\(op.name)(): attribute '\(name)' must be a \(name == "dtype" ? "dtype" : "string")", op: op.name)
      default: continue
      }
    }
    attributes.removeAll { op.attributeIndex($0.0) == nil && ["dtype", "casting"].contains($0.0) }
    let natural = try? op.apply(operands, attributes)
    if let natural, wanted == nil || natural.outputs.allSatisfy({ $0.dtype == wanted }) {
      if let loop = natural.loop {
        // For all inputs, as operands are: what is left out is not looked at.
        try check(op, operands, UfuncLoop(natural.absent.filled(loop.inputs, with: .bool), loop.outputs), casting)
      }
      return
    }
    // Applying says what is wrong with their number.
    guard let wanted, (op.requiredInputCount...op.inputs.count).contains(operands.count) else { return }
    let candidates = loops.filter { !$0.outputs.isEmpty && $0.outputs.allSatisfy { $0 == wanted } }
    guard let first = candidates.first else {
      throw MarsError(.type, "No loop matching the specified signature and casting was found for ufunc \(op.name)", op: op.name)
    }
    let fitting =
      candidates.first { (try? check(op, operands, $0, .safe)) != nil && (try? check(op, operands, $0, casting)) != nil }
      ?? candidates.first { (try? check(op, operands, $0, casting)) != nil }
    guard let loop = fitting else { return try check(op, operands, first, casting) }
    for (i, o) in operands.enumerated() where !op.inputs[i].isCondition {
      switch o {
      case .value(let v): operands[i] = .value(try v.cast(loop.inputs[i]))
      case .weak(let s): if casting == .unsafe { operands[i] = .value(Value(Leaves.node(s.cast(to: loop.inputs[i])))) }
      case .big, .absent: break  // Applying resolves it beside the others, or refuses it.
      }
    }
  }

  /// Whether the operands may be cast to what a loop takes.
  private static func check(_ op: OpDef, _ operands: [Operand], _ loop: UfuncLoop, _ casting: Casting) throws(MarsError) {
    // Integers that divide as floats are cast to them in NumPy.
    let divides = loop.inputs.allSatisfy(\.isInteger) && loop.outputs.allSatisfy { $0.kind >= .floating }
    for (i, o) in operands.enumerated() where i < loop.inputs.count && !op.inputs[i].isCondition {
      let to = divides ? loop.outputs[0] : loop.inputs[i]
      let from: DType
      let fits: Bool
      switch o {
      case .value(let v):
        from = v.type.dtype
        fits = casting.allows(from, to)
      case .weak(let s):
        // A scalar of Python has a kind only, but for bool, of which there is one.
        from = s.dtype
        fits =
          casting == .unsafe
          || (from == .bool ? casting.allows(from, to) : Promotion.resolve(weak: s.dtype.kind, beside: to) == to)
      case .big:
        from = .int64
        // A limit may lie beyond all integers; applying says whether it does.
        fits = to.kind >= .floating || op.inputs[i].limit != nil
      case .absent: continue
      }
      guard fits else {
        throw MarsError(
          .type,
          "Cannot cast ufunc '\(op.name)' input \(i) from dtype('\(from.name)') to dtype('\(to.name)') with casting rule '\(casting.rawValue)'",
          op: op.name)
      }
    }
  }
}
