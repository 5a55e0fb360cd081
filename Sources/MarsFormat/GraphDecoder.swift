import CGraphProto
import MarsBase
import MarsGraph

/// Reads one parsed message: checks tables, applies operators node by node, resolves names.
struct GraphDecoder {
  private let registry: OpRegistry
  private let options: DecodeOptions
  private let attributes: AttributeReader
  private var operators: [(op: OpDef, version: Int)] = []
  private var types: [TensorType] = []
  private var origins: [String] = []
  private var nodes: [Node] = []
  private var file = GraphFile()
  /// Nodes made so far, inside composed operators too.
  private var made = 0

  init(registry: OpRegistry, options: DecodeOptions) {
    self.registry = registry
    self.options = options
    attributes = AttributeReader(limit: options.limits.attributeBytes)
  }

  mutating func decode(_ m: Mars__Graph) throws(MarsError) -> GraphFile {
    try readHeader(m)
    try readTables(m)
    try readNodes(m)
    file.inputs = try readPorts(list(m.inputs, m.n_inputs), "input")
    file.outputs = try readPorts(list(m.outputs, m.n_outputs), "output")
    try checkInputs()
    for h in list(m.hints, m.n_hints) {
      let key = try String(h.key, "a hint")
      file.hints.append((key, try String(h.value, "hint '\(key)'")))
    }
    return file
  }

  private func list<M>(_ messages: UnsafeMutablePointer<UnsafeMutablePointer<M>?>?, _ count: Int) -> some Sequence<M> {
    UnsafeBufferPointer(start: messages, count: messages == nil ? 0 : count).lazy.compactMap { $0?.pointee }
  }

  // MARK: header and tables

  private func readHeader(_ m: Mars__Graph) throws(MarsError) {
    guard m.format > 0 else { throw FormatError.malformed("it has no format version") }
    guard m.format <= GraphCodec.format else {
      throw FormatError.unsupported("the graph has format version \(m.format), but this library reads versions up to \(GraphCodec.format)")
    }
    for r in UnsafeBufferPointer(start: m.requirements, count: m.n_requirements) {
      let name = try String(r, "a requirement")
      if let language = Requirement.callbackLanguage(name), options.capabilities.callbacks?.languages.contains(language) == true {
        continue
      }
      throw FormatError.unsupported("the graph requires '\(name)', which is not supported or not allowed here")
    }
    guard m.complete != 0 else { throw FormatError.malformed("it was cut off: the field 'complete' is missing") }
  }

  private mutating func readTables(_ m: Mars__Graph) throws(MarsError) {
    var seen = Set<OperatorTable.Row>()
    for o in list(m.operators, m.n_operators) {
      let name = try String(o.name, "the name of an operator")
      guard let op = registry[name] else { throw FormatError.unsupported("unknown operator '\(name)'", op: name) }
      let version = max(1, Int(o.version))
      guard version <= op.newestVersion else {
        throw FormatError.unsupported(
          "the graph uses version \(version) of operator '\(name)', but this library has version \(op.newestVersion)", op: name)
      }
      guard seen.insert(OperatorTable.Row(op: op, version: version)).inserted else {
        throw FormatError.malformed("operator '\(name)' version \(version) is listed twice")
      }
      operators.append((op, version))
    }
    for (i, t) in list(m.types, m.n_types).enumerated() { types.append(try readType(t, row: i)) }
    for o in UnsafeBufferPointer(start: m.origins, count: m.n_origins) { origins.append(try String(o, "an origin")) }
  }

  private func readType(_ m: Mars__Type, row: Int) throws(MarsError) -> TensorType {
    guard m.kind_case == MARS__TYPE__KIND_TENSOR, let t = m.tensor?.pointee else {
      throw FormatError.unsupported("type \(row) of the graph is of a kind that this library does not know")
    }
    let dtype = try DType(t.dtype, "type \(row)")
    guard t.n_shape <= options.limits.rank else {
      throw FormatError.malformed("type \(row) has \(t.n_shape) axes, more than \(options.limits.rank)")
    }
    let shape = UnsafeBufferPointer(start: t.shape, count: t.n_shape).map { Int($0) }
    guard shape.allSatisfy({ $0 >= unknownExtent }) else { throw FormatError.malformed("type \(row) has a negative extent") }
    return TensorType(dtype, shape)
  }

  // MARK: nodes

  private mutating func readNodes(_ m: Mars__Graph) throws(MarsError) {
    guard m.n_nodes <= options.limits.nodes else {
      throw FormatError.malformed("\(m.n_nodes) nodes are more than the limit of \(options.limits.nodes)")
    }
    nodes.reserveCapacity(m.n_nodes)
    for n in list(m.nodes, m.n_nodes) {
      guard Int(n.op) < operators.count else {
        throw FormatError.malformed("node \(nodes.count) names operator row \(n.op) of \(operators.count)")
      }
      let (op, version) = operators[Int(n.op)]
      var origin = ""
      do throws(MarsError) {
        if n.origin > 0 {
          guard Int(n.origin) <= origins.count else { throw FormatError.malformed("origin \(n.origin) of \(origins.count)") }
          origin = origins[Int(n.origin) - 1]
        }
        let node = try readNode(n, op, version, origin: origin)
        // A name that means nothing here tells nobody anything.
        if let caller = registry[try String(n.caller, "the name of an operator")] { node.belong(to: caller) }
        try checkTypes(node, n)
        try admitExpansion(of: node)
        nodes.append(node)
      } catch {
        throw MarsError(
          error.code, "node \(nodes.count) ('\(op.name)'): \(error.message)", op: error.op.isEmpty ? op.name : error.op,
          origin: error.origin.isEmpty ? origin : error.origin)
      }
    }
  }

  private func readNode(_ n: Mars__Node, _ op: OpDef, _ version: Int, origin: String) throws(MarsError) -> Node {
    try admit(op)
    let given = try readAttributes(n, op, version)
    let operands = try readInputs(n)
    if case .leaf(.data) = op.body { return try readData(n, operands, given, origin) }
    var payload = if case .leaf(.input) = op.body { Payload.scope(file.scope) } else { Payload.none }
    switch n.payload_case {
    case MARS__NODE__PAYLOAD__NOT_SET: break
    case MARS__NODE__PAYLOAD_CALLBACK: payload = .callback(try readCallback(n))
    default: throw FormatError.malformed("only 'data' nodes carry data")
    }
    return try op.apply(operands, given, payload: payload, origin: origin)
  }

  private func readAttributes(_ n: Mars__Node, _ op: OpDef, _ version: Int) throws(MarsError) -> [(String, AttrValue)] {
    var given: [(String, AttrValue)] = []
    given.reserveCapacity(n.n_attributes)
    for a in list(n.attributes, n.n_attributes) {
      let name = try String(a.name, "the name of an attribute")
      guard let k = op.attributeIndex(name) else { throw FormatError.unsupported("the operator has no attribute '\(name)'") }
      let definition = op.attributes[k]
      guard definition.since <= version else {
        throw FormatError.malformed("attribute '\(name)' exists since version \(definition.since), but the node is of version \(version)")
      }
      guard given.count < op.attributes.count else { throw FormatError.malformed("an attribute is given twice") }
      given.append((definition.name, try attributes.value(a, name: name)))
    }
    return given
  }

  private func readInputs(_ n: Mars__Node) throws(MarsError) -> [Operand] {
    guard n.n_inputs % 2 == 0 else { throw FormatError.malformed("inputs are not pairs of node and output") }
    let pairs = UnsafeBufferPointer(start: n.inputs, count: n.n_inputs)
    var operands: [Operand] = []
    operands.reserveCapacity(n.n_inputs / 2)
    for k in stride(from: 0, to: pairs.count, by: 2) {
      if pairs[k] == GraphCodec.absentInput {
        guard pairs[k + 1] == 0 else { throw FormatError.malformed("input \(k / 2) is left out and has an output") }
        operands.append(.absent)
        continue
      }
      guard Int(pairs[k]) < nodes.count else {
        throw FormatError.malformed("input \(k / 2) is node \(pairs[k]), which does not come before it")
      }
      operands.append(.value(try value(pairs[k], pairs[k + 1], "input \(k / 2)")))
    }
    return operands
  }

  /// An output of a node that has been read.
  private func value(_ node: UInt32, _ output: UInt32, _ what: @autoclosure () -> String) throws(MarsError) -> Value {
    guard Int(node) < nodes.count else { throw FormatError.malformed("\(what()) is node \(node) of \(nodes.count)") }
    let n = nodes[Int(node)]
    guard Int(output) < n.outputs.count else {
      throw FormatError.malformed("\(what()) is output \(output) of node \(node), which has \(n.outputs.count)")
    }
    return Value(n, Int(output))
  }

  private func readData(
    _ n: Mars__Node, _ operands: [Operand], _ given: [(String, AttrValue)], _ origin: String
  ) throws(MarsError) -> Node {
    guard operands.isEmpty && given.isEmpty else { throw FormatError.malformed("a 'data' node has no inputs and no attributes") }
    guard n.payload_case == MARS__NODE__PAYLOAD_DATA else { throw FormatError.malformed("a 'data' node must carry data") }
    guard n.n_outputs == 1 else { throw FormatError.malformed("a 'data' node must state its type") }
    let bytes = UnsafeRawBufferPointer(start: n.data.data, count: n.data.data == nil ? 0 : n.data.len)
    let type = try type(n.outputs[0])
    try DataBytes.check(bytes, type)
    if let keep = options.keepData, let base = bytes.baseAddress, bytes.count > 0 {
      return try keep(ArrayView(base: UnsafeMutableRawPointer(mutating: base), dtype: type.dtype, shape: type.shape), origin)
    }
    return Leaves.node(try DataBytes.array(bytes, type), origin: origin)
  }

  private func readCallback(_ n: Mars__Node) throws(MarsError) -> any ClientCallback {
    guard let m = n.callback?.pointee else { throw FormatError.malformed("an empty callback") }
    let name = CallbackName(language: try String(m.language, "a callback's language"), name: try String(m.name, "a callback's name"))
    guard let callbacks = options.capabilities.callbacks, callbacks.languages.contains(name.language) else {
      throw FormatError.unsupported("graphs may not call back functions of '\(name.language)' here")
    }
    return try callbacks.find(name)
  }

  private func type(_ row: UInt32) throws(MarsError) -> TensorType {
    guard Int(row) < types.count else { throw FormatError.malformed("type \(row) of \(types.count)") }
    return types[Int(row)]
  }

  // MARK: checks

  /// Refuses operators whose effects go beyond what the caller allows.
  private func admit(_ op: OpDef) throws(MarsError) {
    switch op.effects {
    case .pure: return
    case .readsExternal, .writes:
      if options.capabilities.files { return }
      let does = op.effects == .writes ? "writes" : "reads"
      throw FormatError.unsupported("operator '\(op.name)' \(does) files, which graphs may not do here", op: op.name)
    case .callback:
      if options.capabilities.callbacks != nil { return }
      throw FormatError.unsupported("operator '\(op.name)' calls the client back, which graphs may not do here", op: op.name)
    }
  }

  /// Written types must be those that were inferred.
  private func checkTypes(_ node: Node, _ n: Mars__Node) throws(MarsError) {
    for t in node.outputs where t.rank > options.limits.rank {
      throw FormatError.malformed("an output has \(t.rank) axes, more than \(options.limits.rank)")
    }
    if n.n_outputs == 0 { return }
    guard n.n_outputs == node.outputs.count else {
      throw FormatError.malformed("\(n.n_outputs) output types are written, but it has \(node.outputs.count) outputs")
    }
    for (k, inferred) in node.outputs.enumerated() {
      let written = try type(n.outputs[k])
      guard written == inferred else {
        throw FormatError.malformed("output \(k) is written as \(written.text) but is \(inferred.text)")
      }
    }
  }

  /// What a composed operator expanded into is bound by the same effects and limits.
  private mutating func admitExpansion(of node: Node) throws(MarsError) {
    made += 1
    if !node.expansion.isEmpty {
      // Inputs were made before the expansion began and so have smaller numbers than all of its nodes.
      let before = nodes.last?.number ?? 0
      var seen: Set<ObjectIdentifier> = []
      var pending = node.expansion.map(\.node)
      while let n = pending.popLast() {
        guard n.number > before, seen.insert(ObjectIdentifier(n)).inserted else { continue }
        try admit(n.op)
        made += 1
        guard made <= options.limits.nodes else { break }
        pending.append(contentsOf: n.inputs.lazy.map(\.node))
        pending.append(contentsOf: n.expansion.lazy.map(\.node))
      }
    }
    guard made <= options.limits.nodes else {
      throw FormatError.malformed("its operators expand to more nodes than the limit of \(options.limits.nodes)")
    }
  }

  // MARK: names

  private func readPorts(_ ports: some Sequence<Mars__Port>, _ what: String) throws(MarsError) -> [GraphFile.Port] {
    var out: [GraphFile.Port] = []
    var seen = Set<String>()
    for p in ports {
      let name = try String(p.name, "the name of an \(what)")
      guard !name.isEmpty else { throw FormatError.malformed("an \(what) has no name") }
      guard seen.insert(name).inserted else { throw FormatError.malformed("two \(what)s are named '\(name)'") }
      out.append((name, try value(p.node, p.output, "\(what) '\(name)'")))
    }
    return out
  }

  /// Every placeholder is listed under its own name, and nothing else is.
  private func checkInputs() throws(MarsError) {
    var listed = Set<ObjectIdentifier>()
    for p in file.inputs {
      guard p.value.node.inputName == p.name else {
        throw FormatError.malformed("input '\(p.name)' is not a node of operator 'input' of that name")
      }
      listed.insert(ObjectIdentifier(p.value.node))
      file.scope.insert(p.name)
    }
    for (i, n) in nodes.enumerated() {
      if let name = n.inputName, !listed.contains(ObjectIdentifier(n)) {
        throw FormatError.malformed("node \(i) is the placeholder '\(name)', which is not among the graph's inputs")
      }
    }
  }
}
