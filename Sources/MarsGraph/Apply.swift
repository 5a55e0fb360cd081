import MarsBase

/// An argument of an operator as a client gives it.
package enum Operand: Sendable {
  case value(Value)
  /// A Python-like scalar that takes its dtype from what it meets; of dtype bool, int64, uint64, float64 or complex128.
  case weak(Scalar)
  /// An integer that 64 bits do not hold, as the nearest double; an infinity where none is near.
  case big(Double)
  /// The input is left out.
  case absent

  var isAbsent: Bool { if case .absent = self { true } else { false } }
  var isBig: Bool { if case .big = self { true } else { false } }
}

extension Node {
  /// The same call with other operands for the inputs that are given: made when they turned out to have other types.
  package func again(_ given: [Operand]) throws(MarsError) -> Node {
    let first = Node.nextNumber
    let operands = absent.filled(given, with: .absent)
    do throws(MarsError) {
      let node = try op.apply(operands, zip(op.attributes, attributes.values).map { ($0.name, $1) }, payload: payload, origin: origin)
      if let caller { node.belong(to: caller, since: first) }
      return node
    } catch { throw error.at(op: calledName, origin: origin) }
  }

  /// The same elements in C order under another shape, made from the same inputs: see `OpDef.reshaped`; nil where nothing makes them so.
  package func reshaped(to shape: [Int]) throws(MarsError) -> Node? {
    guard outputs.count == 1, outputs[0].isKnown, let made = op.reshaped?(context, shape) else { return nil }
    let first = Node.nextNumber
    do throws(MarsError) {
      let node = try made.op.apply(absent.filled(inputs.map { .value($0) }, with: .absent), made.attributes, origin: origin)
      node.belong(to: called, since: first)
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

  /// The usual form: values in, values out.  Inputs that are left out in front of others need `apply`.
  package func callAsFunction(_ values: Value..., attributes: KeyValuePairs<String, AttrValue> = [:]) throws(MarsError) -> Value {
    Value(try apply(values.map { .value($0) }, attributes.map { ($0.key, $0.value) }))
  }

  private func applyUnlocated(
    _ operands: [Operand], _ given: [(String, AttrValue)], _ payload: Payload, _ origin: String
  ) throws(MarsError) -> Node {
    let operands = try complete(operands)
    let absent = AbsentInputs(operands)
    let attributes = try complete(given)
    let (values, loop) = try OperandTypes(of: self, without: absent).resolve(absent.isEmpty ? operands : operands.filter { !$0.isAbsent })
    let types = values.map(\.type)
    var context = OpContext(op: self, inputs: types, absent: absent, attributes: attributes, loop: loop, values: values)
    var outputs: [TensorType] = []
    var expansion: [Value] = []
    switch typing {
    case .ufunc:
      guard let shape = Shape.broadcast(types.map(\.shape)), let loop else {
        let shapes = types.map { Shape.tight($0.shape) }.joined(separator: " ")
        throw context.error(.value, "operands could not be broadcast together with shapes \(shapes)")
      }
      outputs = loop.outputs.map { TensorType($0, shape) }
      if let check { try check(context) }
    case .rule(let rule): outputs = try rule(context)
    case .fromExpansion: break
    }
    if case .composed(let expand) = body {
      context = OpContext(op: self, inputs: types, absent: absent, attributes: attributes, outputs: outputs, loop: loop)
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
      op: self, inputs: values, absent: absent, attributes: attributes, outputs: outputs, loop: loop, payload: payload,
      expansion: expansion, origin: origin)
  }

  /// The operands by declared inputs, up to the last one that is given: those left out have their defaults, or are absent.
  ///
  /// Checks how many there are, and that those are given that must be.
  private func complete(_ operands: [Operand]) throws(MarsError) -> [Operand] {
    let n = operands.count
    let least = requiredInputCount
    let variadic = fixedInputCount < inputs.count
    if n >= least && (n <= fixedInputCount || variadic) && (n >= fixedInputCount || !hasInputDefaults) {
      if !operands.indices.contains(where: { isLeftOut($0, operands[$0]) }) { return operands }
    }
    guard n >= least && (variadic || n <= inputs.count) else {
      let wanted = variadic ? "at least \(least)" : least == inputs.count ? "\(least)" : "\(least) to \(inputs.count)"
      throw MarsError(.type, "\(name)() takes \(wanted) inputs but \(n) were given", op: name)
    }
    var all: [Operand] = []
    all.reserveCapacity(max(n, fixedInputCount))
    for (i, d) in inputs.prefix(fixedInputCount).enumerated() {
      if i < n, !isLeftOut(i, operands[i]) {
        all.append(operands[i])
      } else if let value = d.defaultValue {
        all.append(.weak(Scalar(value)))
      } else {
        guard d.isOptional else { throw MarsError(.type, "\(name)(): input '\(d.name)' may not be left out", op: name) }
        all.append(.absent)
      }
    }
    let list = operands.dropFirst(fixedInputCount)
    if let d = inputs.last, list.contains(where: \.isAbsent) {
      throw MarsError(.type, "\(name)(): none of the inputs '\(d.name)' may be left out", op: name)
    }
    all += list
    while all.last?.isAbsent == true { all.removeLast() }
    return all
  }

  /// Whether an operand says that input `i` is not there: a mask that leaves out no element is none.
  private func isLeftOut(_ i: Int, _ operand: Operand) -> Bool {
    switch operand {
    case .absent: true
    case .weak(let s): s == Scalar(true) && i < fixedInputCount && inputs[i].isCondition && inputs[i].isOptional
    case .value, .big: false
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
}
