import MarsBase

/// An argument of an operator as a client gives it.
package enum Operand: Sendable {
  case value(Value)
  /// A Python-like scalar that takes its dtype from what it meets; of dtype bool, int64, uint64, float64 or complex128.
  case weak(Scalar)
}

extension OpDef {
  /// Makes a node: checks arguments, resolves weak scalars, infers types, expands composed operators.
  package func apply(
    _ operands: [Operand], _ given: [(String, AttrValue)] = [], payload: Payload = .none, origin: String = ""
  ) throws(MarsError) -> Node {
    do throws(MarsError) {
      return try applyUnlocated(operands, given, payload, origin)
    } catch { throw error.at(op: name, origin: origin) }
  }

  /// The usual form: values in, values out.
  package func callAsFunction(_ values: Value..., attributes: KeyValuePairs<String, AttrValue> = [:]) throws(MarsError) -> Value {
    Value(try apply(values.map { .value($0) }, attributes.map { ($0.key, $0.value) }))
  }

  private func applyUnlocated(
    _ operands: [Operand], _ given: [(String, AttrValue)], _ payload: Payload, _ origin: String
  ) throws(MarsError) -> Node {
    try checkCount(operands.count)
    let attributes = try complete(given)
    let (values, loop) = try resolve(operands)
    let types = values.map(\.type)
    var context = OpContext(op: self, inputs: types, attributes: attributes, loop: loop)
    var outputs: [TensorType] = []
    var expansion: [Value] = []
    switch typing {
    case .ufunc:
      guard let shape = Shape.broadcast(types.map(\.shape)), let loop else {
        let shapes = types.map { Shape.text($0.shape).replacing(", ", with: ",") }.joined(separator: " ")
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
    for o in outputs where o.isKnown {
      guard let n = Shape.count(o.shape), !n.multipliedReportingOverflow(by: o.dtype.itemSize).overflow else {
        throw context.error(.value, "array is too big: shape \(Shape.text(o.shape)) of \(o.dtype.name) exceeds the address space")
      }
    }
    return Node(
      op: self, inputs: values, attributes: attributes, outputs: outputs, loop: loop, payload: payload, expansion: expansion, origin: origin
    )
  }

  private func checkCount(_ n: Int) throws(MarsError) {
    let variadic = inputs.last?.isVariadic ?? false
    let least = inputs.count - (variadic ? 1 : 0)
    guard n >= least && (variadic || n == inputs.count) else {
      throw MarsError(.type, "\(name)() takes \(variadic ? "at least \(least)" : "\(inputs.count)") inputs but \(n) were given", op: name)
    }
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

  private func resolve(_ operands: [Operand]) throws(MarsError) -> ([Value], UfuncLoop?) {
    var strong: DType? = nil
    var hasWeak = false
    for (i, o) in operands.enumerated() where !isCondition(i) {
      switch o {
      case .value(let v): strong = strong.map { Promotion.common($0, v.type.dtype) } ?? v.type.dtype
      case .weak: hasWeak = true
      }
    }
    guard case .ufunc(let loops) = typing else {
      return (try values(operands) { Promotion.resolve(weak: $0.dtype.kind, beside: strong) }, nil)
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
    let candidates: [Value]
    do throws(MarsError) { candidates = try values(operands) { wanted ?? $0.dtype } } catch {
      // Comparisons know integers of mixed sign: one that the other operand's dtype cannot hold is compared as it is.
      guard error.code == .overflow, loops.contains(where: { $0.inputs == [.int64, .uint64] }) else { throw error }
      candidates = try values(operands) { $0.dtype }
    }
    let types = candidates.map(\.type.dtype)
    if let loop = match(types, loops) {
      if !loop.outputs.isEmpty { return (candidates, loop) }
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

  private func isCondition(_ i: Int) -> Bool { i < inputs.count && inputs[i].isCondition }

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
      case .weak(let s): out.append(Value(Leaves.node(try fit(s, isCondition(i) ? s.dtype : dtype(s)))))
      }
    }
    return out
  }

  /// A weak integer must be representable in the dtype that it takes.
  private func fit(_ s: Scalar, _ d: DType) throws(MarsError) -> Scalar {
    let c = s.cast(to: d)
    if d.isInteger && (s.dtype.isInteger) {
      let same: Bool =
        switch (s.wide, c.wide) {
        case (.signed(let a), .signed(let b)): a == b
        case (.signed(let a), .unsigned(let b)): a >= 0 && UInt64(a) == b
        case (.unsigned(let a), .signed(let b)): b >= 0 && a == UInt64(b)
        case (.unsigned(let a), .unsigned(let b)): a == b
        default: true
        }
      guard same else {
        let text: String =
          switch s.wide {
          case .signed(let a): "\(a)"
          case .unsigned(let a): "\(a)"
          default: ""
          }
        throw MarsError(.overflow, "Python integer \(text) out of bounds for \(d.name)", op: name)
      }
    }
    return c
  }
}
