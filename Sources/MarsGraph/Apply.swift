import MarsBase

/// An argument of an operator as a client gives it.
package enum Operand: Sendable {
  case value(Value)
  /// A Python-like scalar that takes its dtype from what it meets; of dtype bool, int64, uint64, float64 or complex128.
  case weak(Scalar)
  /// An integer that 64 bits do not hold, as the nearest double.
  case big(Double)
}

extension Node {
  /// The same call with other operands: made when they turned out to have other types.
  package func again(_ operands: [Operand]) throws(MarsError) -> Node {
    let first = Node.nextNumber
    do throws(MarsError) {
      let node = try op.apply(operands, zip(op.attributes, attributes.values).map { ($0.name, $1) }, payload: payload, origin: origin)
      if let caller { node.belong(to: caller, since: first) }
      return node
    } catch { throw error.at(op: calledName, origin: origin) }
  }

  /// What stands for the outputs where a task of this native operator would be too large: see `NativeRule.division`; empty: nothing need.
  package func divided(_ inputs: [Value], _ limits: TaskLimits) throws(MarsError) -> [Value] {
    guard case .native(let rule) = op.body, let division = rule.division, inputs.allSatisfy(\.type.isKnown) else { return [] }
    let first = Node.nextNumber
    do throws(MarsError) {
      let parts = try division(context, inputs, limits)
      Node.give(parts, to: called, origin, since: first)
      return parts
    } catch { throw error.at(op: calledName, origin: origin) }
  }
}

extension OpDef {
  /// Makes a node: checks arguments, resolves weak scalars, infers types, expands composed operators.
  package func apply(
    _ operands: [Operand], _ given: [(String, AttrValue)] = [], payload: Payload = .none, origin: String = ""
  ) throws(MarsError) -> Node {
    let first = Node.nextNumber
    do throws(MarsError) {
      let node = try applyUnlocated(operands, given, payload, origin)
      if !node.expansion.isEmpty { node.belong(to: nil, since: first) }
      return node
    } catch { throw error.at(op: name, origin: origin) }
  }

  /// The usual form: values in, values out.
  package func callAsFunction(_ values: Value..., attributes: KeyValuePairs<String, AttrValue> = [:]) throws(MarsError) -> Value {
    Value(try apply(values.map { .value($0) }, attributes.map { ($0.key, $0.value) }))
  }

  /// Integers beyond 64 bits as floats where they meet inexact values or are only compared; an error elsewhere.  Not of ufuncs that
  /// compute: see `resolveBig`.
  private func withoutBig(_ operands: [Operand]) throws(MarsError) -> [Operand] {
    var meetsInexact = false
    for o in operands { if case .value(let v) = o, v.type.dtype.kind >= .floating { meetsInexact = true } }
    var out: [Operand] = []
    for o in operands {
      guard case .big(let x) = o else {
        out.append(o)
        continue
      }
      guard comparesIntegers || meetsInexact else { throw MarsError(.overflow, "Python int too large to convert to C long") }
      out.append(.weak(Scalar(x)))
    }
    return out
  }

  private func applyUnlocated(
    _ operands: [Operand], _ given: [(String, AttrValue)], _ payload: Payload, _ origin: String
  ) throws(MarsError) -> Node {
    let all = try complete(operands)
    let hasBig = all.contains { if case .big = $0 { true } else { false } }
    let attributes = try complete(given)
    let (values, loop): ([Value], UfuncLoop?)
    if hasBig, case .ufunc(let loops) = typing, !comparesIntegers {
      (values, loop) = try resolveBig(all, loops)
    } else {
      (values, loop) = try resolve(hasBig ? try withoutBig(all) : all)
    }
    let types = values.map(\.type)
    var context = OpContext(op: self, inputs: types, attributes: attributes, loop: loop, values: values)
    var outputs: [TensorType] = []
    var expansion: [Value] = []
    switch typing {
    case .ufunc:
      guard let shape = Shape.broadcast(types.map(\.shape)), let loop else {
        let shapes = types.map { Shape.tight($0.shape) }.joined(separator: " ")
        throw context.error(.value, "operands could not be broadcast together with shapes \(shapes)")
      }
      outputs = loop.outputs.map { TensorType($0, shape) }
    case .rule(let rule): outputs = try rule(context)
    case .fromExpansion: break
    }
    if case .composed(let expand) = body {
      context = OpContext(op: self, inputs: types, attributes: attributes, outputs: outputs, loop: loop)
      expansion = try expand(context, values)
      // A body that must wait for extents expands to nothing; the planner applies the operator again when they are known.
      if !expansion.isEmpty || outputs.isEmpty { outputs = expansion.map(\.type) }
    }
    for o in outputs {
      try context.checkRank(o.rank)
      // Also of unknown extents: what is known of them must leave room for one element.
      guard Shape.isAddressable(o.shape, itemSize: o.dtype.itemSize) else {
        throw context.error(.value, "array is too big: shape \(Shape.text(o.shape)) of \(o.dtype.name) exceeds the address space")
      }
    }
    return Node(
      op: self, inputs: values, attributes: attributes, outputs: outputs, loop: loop, payload: payload, expansion: expansion, origin: origin
    )
  }

  /// The operands with the defaults of those left out; checks how many there are.
  private func complete(_ operands: [Operand]) throws(MarsError) -> [Operand] {
    let n = operands.count
    if n == inputs.count && inputs.last?.isVariadic != true { return operands }
    let least = inputs.count { !$0.isVariadic && !$0.isOptional && $0.defaultValue == nil }
    let variadic = inputs.last?.isVariadic ?? false
    guard n >= least && (variadic || n <= inputs.count) else {
      let wanted = variadic ? "at least \(least)" : least == inputs.count ? "\(least)" : "\(least) to \(inputs.count)"
      throw MarsError(.type, "\(name)() takes \(wanted) inputs but \(n) were given", op: name)
    }
    return operands + inputs.dropFirst(n).compactMap { $0.defaultValue.map { .weak(Scalar($0)) } }
  }

  /// Attribute values in declared order, defaults filled in, kinds checked.
  private func complete(_ given: [(String, AttrValue)]) throws(MarsError) -> Attributes {
    if given.isEmpty && attributes.isEmpty { return Attributes() }
    var values = [AttrValue?](repeating: nil, count: attributes.count)
    for (key, value) in given {
      guard let i = attributeIndex(key) else {
        throw MarsError(.type, "\(name)() got an unexpected attribute '\(key)'", op: name)
      }
      guard values[i] == nil else { throw MarsError(.type, "\(name)() got attribute '\(key)' twice", op: name) }
      values[i] = try convert(value, attributes[i])
    }
    var out: [AttrValue] = []
    out.reserveCapacity(values.count)
    for (i, v) in values.enumerated() {
      guard let v = v ?? attributes[i].defaultValue else {
        throw MarsError(.type, "\(name)() missing attribute '\(attributes[i].name)'", op: name)
      }
      out.append(v)
    }
    return Attributes(out)
  }

  private func convert(_ v: AttrValue, _ d: AttrDef) throws(MarsError) -> AttrValue {
    switch (v, d.kind) {
    case (.none, _) where d.allowsNone: return v
    case (.bool, .bool), (.int, .int), (.float, .float), (.string, .string), (.dtype, .dtype), (.scalar, .scalar), (.ints, .ints),
      (.strings, .strings), (.bytes, .bytes):
      return v
    case (.int(let i), .float): return .float(Double(i))
    case (.int(let i), .ints): return .ints([i])
    case (.int(let i), .scalar): return .scalar(Scalar(Int64(i)))
    case (.float(let x), .scalar): return .scalar(Scalar(x))
    case (.bool(let x), .scalar): return .scalar(Scalar(x))
    case (.bool(let x), .int): return .int(x ? 1 : 0)
    default:
      throw MarsError(.type, "\(name)(): attribute '\(d.name)' must be \(d.kind) but is \(v.kind.map { "\($0)" } ?? "none")", op: name)
    }
  }

  // MARK: dtypes

  /// Operands of which some are integers that 64 bits do not hold: they choose a loop as any integer does, which has to take floats then.
  private func resolveBig(_ operands: [Operand], _ loops: [UfuncLoop]) throws(MarsError) -> ([Value], UfuncLoop?) {
    let zero = Scalar(Int64(0))
    let usual = operands.map { o in if case .big = o { Operand.weak(zero) } else { o } }
    var (values, loop) = try resolve(usual)
    // Integers that divide as floats.
    if let own = loop?.outputs.first, own.kind >= .floating, loop?.inputs.allSatisfy(\.isInteger) == true {
      (values, loop) = try resolve(
        zip(operands, usual).map { o, u in if case .big = o { .value(Value(Leaves.node(zero.cast(to: own)))) } else { u } })
    }
    for (i, o) in operands.enumerated() {
      guard case .big(let x) = o else { continue }
      guard let d = loop?.inputs[i], d.kind >= .floating else {
        throw MarsError(.overflow, "Python int too large to convert to C long")
      }
      values[i] = Value(Leaves.node(Scalar(x).cast(to: d)))
    }
    return (values, loop)
  }

  private func resolve(_ operands: [Operand]) throws(MarsError) -> ([Value], UfuncLoop?) {
    var strong: DType? = nil
    var hasWeak = false
    for (i, o) in operands.enumerated() where !standsAlone(i) {
      switch o {
      case .value(let v): strong = strong.map { Promotion.common($0, v.type.dtype) } ?? v.type.dtype
      case .weak, .big: hasWeak = true
      }
    }
    guard case .ufunc(let loops) = typing else {
      // Alone, an integer beyond int64 is of uint64.
      return (
        try values(operands) {
          takesArrays ? $0.dtype : strong == nil && $0.dtype == .uint64 ? .uint64 : Promotion.resolve(weak: $0.dtype.kind, beside: strong)
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
      if comparesIntegers { wanted = nil }
    }
    let candidates = try values(operands) { wanted ?? $0.dtype }
    let types = candidates.map(\.type.dtype)
    if let loop = match(types, loops) {
      if !loop.outputs.isEmpty { return (inWiderFloats(candidates, operands, loop), loop) }
      if !loop.refusal.isEmpty { throw MarsError(.type, loop.refusal, op: name) }
    } else if hasWeak {
      // Operands of different kinds (ldexp's exponent): weak scalars as their own defaults.
      let defaults = try values(operands) { $0.dtype }
      if let loop = match(defaults.map(\.type.dtype), loops), !loop.outputs.isEmpty { return (defaults, loop) }
    }
    let names = types.map(\.name).joined(separator: ", ")
    throw MarsError(
      .type,
      "ufunc '\(name)' not supported for the input types (\(names)), and the inputs could not be safely coerced to any supported types",
      op: name)
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
      if case .weak(let s) = o, !s.fits(d), limited(s, d, i) == nil { return false }
    }
    return true
  }

  /// Weak scalars in the inexact dtypes of the loop for dtype `wanted`; nil where it is a loop of integers.
  private func inexact(_ operands: [Operand], _ wanted: DType, _ loops: [UfuncLoop]) -> ([Value], UfuncLoop)? {
    let types = operands.map { o in
      switch o {
      case .value(let v): v.type.dtype
      case .weak: wanted
      case .big: DType.float64
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
        guard loop.inputs[i].kind >= .floating else { return nil }
        values.append(Value(Leaves.node(s.cast(to: loop.inputs[i]))))
      case .big: return nil
      }
    }
    return (values, loop)
  }

  /// The declaration of operand `i`: those of a variadic input share one.
  private func declared(_ i: Int) -> InputDef? {
    i < inputs.count ? inputs[i] : inputs.last?.isVariadic == true ? inputs.last : nil
  }
  private func standsAlone(_ i: Int) -> Bool { declared(i)?.standsAlone ?? false }
  private func isCondition(_ i: Int) -> Bool { declared(i)?.isCondition ?? false }

  /// The first loop to which all operands but conditions can be cast safely.
  private func match(_ types: [DType], _ loops: [UfuncLoop]) -> UfuncLoop? {
    for loop in loops {
      var fits = true
      for (i, t) in types.enumerated() where !isCondition(i) && !Promotion.canCast(t, loop.inputs[i]) {
        fits = false
        break
      }
      if fits { return loop }
    }
    return nil
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
        if let end = limited(s, d, i) {
          out.append(Value(Leaves.node(end)))
        } else {
          out.append(Value(Leaves.node(try s.fitting(d))))
        }
      case .big: throw MarsError(.internal, "big integers are replaced first")
      }
    }
    return out
  }

  /// The end of an integer dtype in place of a limit beyond it.
  private func limited(_ s: Scalar, _ d: DType, _ i: Int) -> Scalar? {
    guard i < inputs.count, let limit = inputs[i].limit, d.isInteger, let x = s.asInt128 else { return nil }
    let range = d.integerRange
    switch limit {
    case .lower: return x < range.lowerBound ? Scalar(range.lowerBound, as: d) : nil
    case .upper: return x > range.upperBound ? Scalar(range.upperBound, as: d) : nil
    }
  }
}
