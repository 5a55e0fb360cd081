import MarsBase

/// How a call's operands get their dtypes: those of weak scalars, and the loop of a ufunc.
struct OperandTypes {
  private let op: OpDef
  /// The inputs that are given: what stands in their places follows from these declarations.
  private let inputs: [InputDef]
  /// Of a ufunc: its loops, for these inputs.
  private let loops: [UfuncLoop]?

  init(of op: OpDef, without absent: AbsentInputs) {
    self.op = op
    inputs = absent.isEmpty ? op.inputs : absent.given(op.inputs)
    guard case .ufunc(let all) = op.typing else {
      loops = nil
      return
    }
    loops = absent.isEmpty ? all : all.map { UfuncLoop(absent.given($0.inputs), $0.outputs, refusal: $0.refusal) }
  }

  /// The operands, of the inputs that are given, as values; and the loop of a ufunc.
  func resolve(_ given: [Operand]) throws(MarsError) -> ([Value], UfuncLoop?) {
    let operands = try stored(given)
    guard operands.contains(where: \.isBig) else { return try resolved(operands) }
    return loops == nil || op.comparesIntegers ? try resolved(try withoutBig(operands)) : try resolvedBig(operands)
  }

  /// A scalar that is written into the first operand in the dtype of that.
  private func stored(_ operands: [Operand]) throws(MarsError) -> [Operand] {
    guard let k = op.storedInput, k < operands.count, case .value(let target) = operands[0] else { return operands }
    let (d, kept) = (target.type.dtype, operands[k])
    let s: Scalar
    switch kept {
    case .weak(let x): s = try x.stored(as: d)
    case .big(let x): s = try Scalar.stored(big: x, as: d)
    case .value, .absent: return operands
    }
    var out = operands
    out[k] = .value(Value(Leaves.node(s)))
    return out
  }

  /// Integers beyond 64 bits as floats where they meet inexact values or are only compared; an error elsewhere.
  private func withoutBig(_ operands: [Operand]) throws(MarsError) -> [Operand] {
    var meetsInexact = false
    for o in operands { if case .value(let v) = o, v.type.dtype.kind >= .floating { meetsInexact = true } }
    guard op.comparesIntegers || op.roundsIntegers || meetsInexact else { throw Scalar.tooLarge }
    var all: [Double] = []
    for o in operands { if case .big(let x) = o { all.append(x) } }
    if op.comparesIntegers && !meetsInexact {
      // Beside integers it lies beyond all of them, which a double need not: 2**64 is no more than the largest uint64 is as a double.
      if all.count == 1 { return operands.map { o in o.isBig ? .weak(Scalar(all[0] < 0 ? -Double.infinity : .infinity)) : o } }
      // Two of one double are not told apart.
      guard Set(all).count == all.count else { throw Scalar.tooLarge }
    }
    var out: [Operand] = []
    for o in operands { if case .big(let x) = o { out.append(.weak(try Scalar.rounded(big: x, to: .float64))) } else { out.append(o) } }
    return out
  }

  /// Of a ufunc that computes: integers that 64 bits do not hold choose a loop as any integer does, which has to take floats then.
  private func resolvedBig(_ operands: [Operand]) throws(MarsError) -> ([Value], UfuncLoop?) {
    let zero = Scalar(Int64(0))
    let usual = operands.map { $0.isBig ? Operand.weak(zero) : $0 }
    var (values, loop) = try resolved(usual)
    // Integers that divide as floats.
    if let own = loop?.outputs.first, own.kind >= .floating, loop?.inputs.allSatisfy(\.isInteger) == true {
      (values, loop) = try resolved(
        zip(operands, usual).map { o, u in o.isBig ? .value(Value(Leaves.node(zero.cast(to: own)))) : u })
    }
    for (i, o) in operands.enumerated() {
      guard case .big(let x) = o else { continue }
      guard let d = loop?.inputs[i] else { throw Scalar.tooLarge }
      if let end = limited(x < 0 ? .min : .max, d, i, operands) {
        values[i] = Value(Leaves.node(end))
      } else if d.kind >= .floating {
        values[i] = Value(Leaves.node(try Scalar.rounded(big: x, to: d)))
      } else {
        throw Scalar.tooLarge
      }
    }
    return (values, loop)
  }

  private func resolved(_ operands: [Operand]) throws(MarsError) -> ([Value], UfuncLoop?) {
    var strong: DType? = nil
    var hasWeak = false
    for (i, o) in operands.enumerated() where !standsAlone(i) {
      switch o {
      case .value(let v): strong = strong.map { Promotion.common($0, v.type.dtype) } ?? v.type.dtype
      case .weak, .big, .absent: hasWeak = true
      }
    }
    guard let loops else {
      // Alone, an integer beyond int64 is of uint64.
      return (
        try values(operands) {
          if op.takesArrays { return $0.dtype }
          let d = strong == nil && $0.dtype == .uint64 ? .uint64 : Promotion.resolve(weak: $0.dtype.kind, beside: strong)
          return op.roundsIntegers && !$0.fits(d) ? .float64 : d
        },
        nil
      )
    }
    // Weak scalars first take the common dtype of what stands beside them, raised to their own kind.
    var wanted = strong
    if hasWeak {
      for (i, o) in operands.enumerated() where !isCondition(i) {
        guard case .weak(let s) = o else { continue }
        let beside = Promotion.resolve(weak: s.dtype.kind, beside: strong)
        wanted = wanted.map { Promotion.common($0, beside) } ?? (s.dtype == .uint64 ? .uint64 : beside)
      }
    }
    if let common = wanted, !fit(operands, common) {
      // A function of floating values takes its scalars as such, whatever the integers beside them.
      if let (values, loop) = inexact(operands, common, loops) { return (values, loop) }
      if op.comparesIntegers { wanted = nil }
    }
    let candidates = try values(operands) { wanted ?? $0.dtype }
    let types = candidates.map(\.type.dtype)
    if let loop = match(types, loops) {
      if !loop.outputs.isEmpty { return (inWiderFloats(candidates, operands, loop), loop) }
      if !loop.refusal.isEmpty { throw MarsError(.type, loop.refusal, op: op.name) }
    } else if hasWeak {
      // Operands of different kinds (ldexp's exponent): weak scalars as their own defaults.
      let defaults = try values(operands) { $0.dtype }
      if let loop = match(defaults.map(\.type.dtype), loops), !loop.outputs.isEmpty { return (defaults, loop) }
    }
    let names = types.map(\.name).joined(separator: ", ")
    throw MarsError(
      .type,
      "ufunc '\(op.name)' not supported for the input types (\(names)), and the inputs could not be safely coerced to any supported types",
      op: op.name)
  }

  /// Weak floats in the dtype of the loop where that is wider than what stands beside them (float_power of float16): nothing is rounded twice.
  private func inWiderFloats(_ candidates: [Value], _ operands: [Operand], _ loop: UfuncLoop) -> [Value] {
    var out = candidates
    for (i, o) in operands.enumerated() where !isCondition(i) {
      guard case .weak(let s) = o, s.dtype.kind >= .floating, candidates[i].type.dtype != loop.inputs[i] else { continue }
      out[i] = Value(Leaves.node(s.cast(to: loop.inputs[i])))
    }
    return out
  }

  /// Whether dtype `d` holds all weak integers, those aside that are limits beyond its ends.
  private func fit(_ operands: [Operand], _ d: DType) -> Bool {
    for (i, o) in operands.enumerated() where !isCondition(i) {
      if case .weak(let s) = o, !s.fits(d), s.asInt128.flatMap({ limited($0, d, i, operands) }) == nil { return false }
    }
    return true
  }

  /// Weak scalars in the inexact dtypes of the loop for dtype `wanted`; nil where it is a loop of integers.
  private func inexact(_ operands: [Operand], _ wanted: DType, _ loops: [UfuncLoop]) -> ([Value], UfuncLoop)? {
    let types = operands.map { o in
      switch o {
      case .value(let v): v.type.dtype
      case .weak: wanted
      case .big, .absent: DType.float64
      }
    }
    guard var loop = match(types, loops), !loop.outputs.isEmpty else { return nil }
    // Integers that divide as floats: so does a scalar that their dtype does not hold.
    if loop.inputs.allSatisfy(\.isInteger), loop.outputs[0].kind >= .floating {
      let own = loop.outputs[0]
      let raised = operands.enumerated().map { i, o in if case .value(let v) = o { v.type.dtype } else { own } }
      guard let other = match(raised, loops), !other.outputs.isEmpty else { return nil }
      loop = other
    }
    var values: [Value] = []
    for (i, o) in operands.enumerated() {
      switch o {
      case .value(let v): values.append(v)
      case .weak(let s):
        // Integers that a loop takes for what they are: ldexp's exponent.
        guard loop.inputs[i].kind >= .floating || s.fits(loop.inputs[i]) && s.dtype.isInteger else { return nil }
        values.append(Value(Leaves.node(s.cast(to: loop.inputs[i]))))
      case .big, .absent: return nil
      }
    }
    return (values, loop)
  }

  /// Index of the declaration of operand `i`: those of a variadic input share one.
  private func declared(_ i: Int) -> Int? {
    i < inputs.count ? i : inputs.last?.isVariadic == true ? inputs.count - 1 : nil
  }
  private func standsAlone(_ i: Int) -> Bool { declared(i).map { inputs[$0].standsAlone } ?? false }
  private func isCondition(_ i: Int) -> Bool { declared(i).map { inputs[$0].isCondition } ?? false }

  /// The first loop to which all operands but conditions can be cast safely.
  private func match(_ types: [DType], _ loops: [UfuncLoop]) -> UfuncLoop? {
    // By index: most loops are looked at and not taken, and need no copy.
    let k = loops.indices.first { k in
      types.indices.allSatisfy { isCondition($0) || Promotion.canCast(types[$0], loops[k].inputs[$0]) }
    }
    return k.map { loops[$0] }
  }

  /// Operands as values; weak scalars as constants of the dtype that `dtype` gives them.
  private func values(_ operands: [Operand], _ dtype: (Scalar) -> DType) throws(MarsError) -> [Value] {
    var out: [Value] = []
    out.reserveCapacity(operands.count)
    for (i, o) in operands.enumerated() {
      switch o {
      case .value(let v): out.append(v)
      case .weak(let s):
        let d = standsAlone(i) ? s.dtype : dtype(s)
        if let x = s.asInt128, let end = limited(x, d, i, operands) {
          out.append(Value(Leaves.node(end)))
        } else {
          out.append(Value(Leaves.node(try s.fitting(d))))
        }
      case .big, .absent: throw MarsError(.internal, "big integers, and inputs that are left out, are dealt with first", op: op.name)
      }
    }
    return out
  }

  /// The end of an integer dtype in place of a limit beyond it.
  private func limited(_ x: Int128, _ d: DType, _ i: Int, _ operands: [Operand]) -> Scalar? {
    guard i < inputs.count, let limit = inputs[i].limit, d.isInteger else { return nil }
    // As NumPy, which takes a bool for the integer that it meets.
    if case .value(let v) = operands[0], v.type.dtype == .bool { return nil }
    let range = d.integerRange
    switch limit {
    case .lower: return x < range.lowerBound ? Scalar(range.lowerBound, as: d) : nil
    case .upper: return x > range.upperBound ? Scalar(range.upperBound, as: d) : nil
    }
  }
}
