import CGraphProto
import MarsBase
import MarsGraph

/// Attribute values to messages.
struct AttributeWriter {
  private let arena: MessageArena
  /// Attribute names of the operators met so far.
  private var names: [ObjectIdentifier: [ProtobufCBinaryData]] = [:]

  init(arena: MessageArena) { self.arena = arena }

  /// The attributes that differ from their defaults, and the version of the operator that has them all.
  mutating func write(
    _ node: Node
  ) throws(MarsError) -> (version: Int, count: Int, UnsafeMutablePointer<UnsafeMutablePointer<Mars__Attribute>?>?) {
    // Files say nothing of data but their type and elements.
    if case .leaf(.data) = node.op.body { return (1, 0, nil) }
    let definitions = node.op.attributes
    let values = node.attributes.values
    guard values.count == definitions.count else { throw MarsError(.internal, "a node has \(values.count) attributes") }
    var written = 0
    var version = 1
    for (d, v) in zip(definitions, values) where d.defaultValue.map({ !$0.isSame(as: v) }) ?? true {
      written += 1
      version = max(version, d.since)
    }
    if written == 0 { return (version, 0, nil) }
    let names = nameBytes(node.op)
    let messages = arena.array(Mars__Attribute.self, written)
    let pointers = arena.array(UnsafeMutablePointer<Mars__Attribute>?.self, written)
    var k = 0
    for (i, v) in values.enumerated() where definitions[i].defaultValue.map({ !$0.isSame(as: v) }) ?? true {
      mars__attribute__init(messages + k)
      messages[k].name = names[i]
      try write(v, to: &messages[k])
      pointers[k] = messages + k
      k += 1
    }
    return (version, written, pointers)
  }

  /// The bytes of a string; refuses NUL, which readers in C would take for the end.
  func text(_ s: String, _ what: @autoclosure () -> String) throws(MarsError) -> ProtobufCBinaryData {
    guard !s.utf8.contains(0) else { throw MarsError(.value, "\(what()) contains NUL") }
    return arena.bytes(s)
  }

  private mutating func nameBytes(_ op: OpDef) -> [ProtobufCBinaryData] {
    if let n = names[ObjectIdentifier(op)] { return n }
    let n = op.attributes.map { arena.bytes($0.name) }
    names[ObjectIdentifier(op)] = n
    return n
  }

  private func write(_ value: AttrValue, to m: inout Mars__Attribute) throws(MarsError) {
    switch value {
    case .none:
      m.value_case = MARS__ATTRIBUTE__VALUE_NONE_VALUE
      m.none_value = 1
    case .bool(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_BOOL_VALUE
      m.bool_value = v ? 1 : 0
    case .int(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_INT_VALUE
      m.int_value = Int64(v)
    case .float(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_FLOAT_VALUE
      m.float_value = v
    case .string(let v):
      m.string_value = try text(v, "a string attribute")
      m.value_case = MARS__ATTRIBUTE__VALUE_STRING_VALUE
    case .dtype(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_DTYPE_VALUE
      m.dtype_value = Mars__DType(UInt32(v.rawValue))
    case .scalar(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_SCALAR_VALUE
      m.scalar_value = scalar(v)
    case .ints(let v):
      let p = arena.array(Mars__Ints.self, 1)
      mars__ints__init(p)
      let list = arena.array(Int64.self, v.count)
      for (i, x) in v.enumerated() { list[i] = Int64(x) }
      (p.pointee.n_values, p.pointee.values) = (v.count, list)
      m.value_case = MARS__ATTRIBUTE__VALUE_INTS_VALUE
      m.ints_value = p
    case .strings(let v):
      let p = arena.array(Mars__Strings.self, 1)
      mars__strings__init(p)
      let list = arena.array(ProtobufCBinaryData.self, v.count)
      for (i, s) in v.enumerated() { list[i] = try text(s, "a string attribute") }
      (p.pointee.n_values, p.pointee.values) = (v.count, list)
      m.value_case = MARS__ATTRIBUTE__VALUE_STRINGS_VALUE
      m.strings_value = p
    case .bytes(let v):
      m.value_case = MARS__ATTRIBUTE__VALUE_BYTES_VALUE
      m.bytes_value = v.withUnsafeBytes { arena.bytes($0) }
    }
  }

  private func scalar(_ v: Scalar) -> UnsafeMutablePointer<Mars__Scalar> {
    let p = arena.array(Mars__Scalar.self, 1)
    mars__scalar__init(p)
    p.pointee.dtype = Mars__DType(UInt32(v.dtype.rawValue))
    withUnsafeBytes(of: (v.low.littleEndian, v.high.littleEndian)) {
      p.pointee.data = arena.bytes(UnsafeRawBufferPointer(rebasing: $0[..<v.dtype.itemSize]))
    }
    return p
  }
}
