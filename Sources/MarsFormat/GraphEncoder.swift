import CGraphProto
import MarsBase
import MarsGraph

/// Writes one graph: collects its nodes, fills tables and messages in an arena, packs them.
struct GraphEncoder {
  private let options: EncodeOptions
  private let arena = MessageArena(limit: .max)
  private var attributes: AttributeWriter
  private var positions = NodePositions()
  private var operators = OperatorTable()
  private var types = Table<TensorType>()
  private var origins = Table<String>()
  private var requirements: [String] = []
  private var dataBytes = 0
  /// Memory to which messages point until they are packed.
  private var kept: [DenseArray] = []

  init(options: EncodeOptions) {
    self.options = options
    attributes = AttributeWriter(arena: arena)
  }

  mutating func encode(outputs: [GraphFile.Port], inputs: [GraphFile.Port]) throws(MarsError) -> [UInt8] {
    try checkNames(outputs, "output")
    let nodes = collect(outputs.map(\.value.node) + inputs.map(\.value.node))
    guard nodes.count <= Int(Int32.max) else {
      throw MarsError(.unsupported, "a graph of \(nodes.count) nodes is too large for one file")
    }
    let allInputs = try listInputs(inputs, nodes)

    let messages = arena.array(Mars__Node.self, nodes.count)
    let pointers = arena.array(UnsafeMutablePointer<Mars__Node>?.self, nodes.count)
    for (i, node) in nodes.enumerated() {
      do throws(MarsError) { try write(node, at: i, to: &messages[i]) } catch { throw error.at(op: node.op.name, origin: node.origin) }
      pointers[i] = messages + i
    }

    var graph = Mars__Graph()
    mars__graph__init(&graph)
    graph.format = UInt32(GraphCodec.format)
    (graph.n_requirements, graph.requirements) = try strings(requirements, "a requirement")
    (graph.n_hints, graph.hints) = try hints()
    (graph.n_operators, graph.operators) = operatorMessages()
    (graph.n_types, graph.types) = typeMessages()
    (graph.n_origins, graph.origins) = try strings(origins.rows, "an origin")
    (graph.n_nodes, graph.nodes) = (nodes.count, pointers)
    (graph.n_inputs, graph.inputs) = try ports(allInputs)
    (graph.n_outputs, graph.outputs) = try ports(outputs)
    graph.complete = 1
    return try withExtendedLifetime((nodes, kept)) { () throws(MarsError) in try pack(graph) }
  }

  private func pack(_ graph: Mars__Graph) throws(MarsError) -> [UInt8] {
    var graph = graph
    let size = mars__graph__get_packed_size(&graph)
    guard size <= Int(Int32.max) else { throw MarsError(.unsupported, "a graph of \(size) bytes is too large for one file") }
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = buffer.baseAddress.map { mars__graph__pack(&graph, $0) } ?? 0
    }
    guard bytes.count == size else { throw MarsError(.internal, "graph packing produced \(bytes.count) of \(size) bytes") }
    return bytes
  }

  // MARK: nodes

  /// All nodes that `roots` need, in order of creation, which is topological.
  private mutating func collect(_ roots: [Node]) -> [Node] {
    var nodes: [Node] = []
    var next = 0
    for n in roots where positions.insert(n) { nodes.append(n) }
    while next < nodes.count {
      let inputs = nodes[next].inputs
      next += 1
      for v in inputs where positions.insert(v.node) { nodes.append(v.node) }
    }
    nodes.sort { $0.number < $1.number }
    for (i, n) in nodes.enumerated() { positions[n] = UInt32(i) }
    return nodes
  }

  private func position(_ node: Node) throws(MarsError) -> UInt32 {
    guard let p = positions[node] else { throw MarsError(.internal, "a node was not collected", op: node.op.name) }
    return p
  }

  private mutating func write(_ node: Node, at index: Int, to m: inout Mars__Node) throws(MarsError) {
    mars__node__init(&m)
    if !node.inputs.isEmpty {
      let count = node.inputs.count + node.absent.count
      let pairs = arena.array(UInt32.self, count * 2)
      for i in 0..<count {
        guard let k = node.absent.place(of: i) else {
          (pairs[2 * i], pairs[2 * i + 1]) = (GraphCodec.absentInput, 0)
          continue
        }
        let v = node.inputs[k]
        let p = try position(v.node)
        guard p < index else { throw MarsError(.internal, "a node was made before its inputs") }
        pairs[2 * i] = p
        pairs[2 * i + 1] = UInt32(v.output)
      }
      (m.n_inputs, m.inputs) = (count * 2, pairs)
    }
    let version: Int
    (version, m.n_attributes, m.attributes) = try attributes.write(node)
    m.op = operators.row(node.op, version)
    let rows = arena.array(UInt32.self, node.outputs.count)
    for (k, t) in node.outputs.enumerated() { rows[k] = types.row(t) }
    (m.n_outputs, m.outputs) = (node.outputs.count, rows)
    if options.writesOrigins && !node.origin.isEmpty { m.origin = origins.row(node.origin) + 1 }
    if options.writesCallers && node.called !== node.op { m.caller = try text(node.calledName, "the name of an operator") }
    try write(node.payload, of: node, to: &m)
  }

  private mutating func write(_ payload: Payload, of node: Node, to m: inout Mars__Node) throws(MarsError) {
    switch payload {
    case .none, .scope: return
    case .dense(let array): try write(array, of: node, to: &m)
    case .chunked(let data):
      guard let read = options.readChunked else {
        throw MarsError(.unsupported, "data that is kept in chunks cannot be written into this graph")
      }
      try write(read(data), of: node, to: &m)
    case .callback(let function):
      guard let name = options.callbackName?(function) else {
        throw MarsError(
          .unsupported,
          "a function of the client cannot be written into a graph, which holds no code: execute what it computes first, and the values are written"
        )
      }
      let c = arena.array(Mars__Callback.self, 1)
      mars__callback__init(c)
      c.pointee.language = try text(name.language, "a callback's language")
      c.pointee.name = try text(name.name, "a callback's name")
      let requirement = Requirement.callback(name.language)
      if !requirements.contains(requirement) { requirements.append(requirement) }
      m.payload_case = MARS__NODE__PAYLOAD_CALLBACK
      m.callback = c
    }
  }

  private mutating func write(_ array: DenseArray, of node: Node, to m: inout Mars__Node) throws(MarsError) {
    guard case .leaf(.data) = node.op.body, node.outputs == [array.type] else {
      throw MarsError(.unsupported, "only data nodes can carry data in a graph file")
    }
    guard let limit = options.dataLimit else { throw MarsError(.unsupported, "this graph may not hold data") }
    let size = array.type.byteCount
    guard size <= limit - dataBytes else {
      throw MarsError(.unsupported, "the data of the graph is larger than the limit of \(limit) bytes")
    }
    dataBytes += size
    let view = array.view
    m.payload_case = MARS__NODE__PAYLOAD_DATA
    if view.isContiguous {
      kept.append(array)
      m.data = ProtobufCBinaryData(len: size, data: view.base.assumingMemoryBound(to: UInt8.self))
    } else {
      let copy = arena.array(UInt8.self, size)
      StridedCopy.copy(from: view, to: ArrayView(base: copy, dtype: view.dtype, shape: view.shape))
      m.data = ProtobufCBinaryData(len: size, data: copy)
    }
  }

  // MARK: names

  /// The listed placeholders, then the others that the graph needs.
  private func listInputs(_ listed: [GraphFile.Port], _ nodes: [Node]) throws(MarsError) -> [GraphFile.Port] {
    var all = listed
    var seen = Set<ObjectIdentifier>()
    for port in listed {
      guard port.value.node.inputName == port.name else {
        throw MarsError(.value, "graph input '\(port.name)' is not a placeholder of that name", op: port.value.node.op.name)
      }
      seen.insert(ObjectIdentifier(port.value.node))
    }
    for n in nodes {
      if let name = n.inputName, seen.insert(ObjectIdentifier(n)).inserted { all.append((name, Value(n))) }
    }
    try checkNames(all, "input")
    return all
  }

  private func checkNames(_ ports: [GraphFile.Port], _ what: String) throws(MarsError) {
    var seen = Set<String>()
    for p in ports {
      guard !p.name.isEmpty else { throw MarsError(.value, "a graph \(what) has no name") }
      guard seen.insert(p.name).inserted else { throw MarsError(.value, "two graph \(what)s are named '\(p.name)'") }
    }
  }

  private func text(_ s: String, _ what: String) throws(MarsError) -> ProtobufCBinaryData { try attributes.text(s, what) }

  // MARK: tables

  /// A field of repeated messages: one block of records and one of pointers to them.
  private func records<M, S, E: Error>(
    _ source: [S], _ fill: (S, UnsafeMutablePointer<M>) throws(E) -> Void
  ) throws(E) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<M>?>?) {
    if source.isEmpty { return (0, nil) }
    let messages = arena.array(M.self, source.count)
    let pointers = arena.array(UnsafeMutablePointer<M>?.self, source.count)
    for (i, s) in source.enumerated() {
      try fill(s, messages + i)
      pointers[i] = messages + i
    }
    return (source.count, pointers)
  }

  private func ports(_ ports: [GraphFile.Port]) throws(MarsError) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Mars__Port>?>?) {
    try records(ports) { (p: GraphFile.Port, m: UnsafeMutablePointer<Mars__Port>) throws(MarsError) in
      mars__port__init(m)
      m.pointee.name = try text(p.name, "the name of a graph's input or output")
      m.pointee.node = try position(p.value.node)
      m.pointee.output = UInt32(p.value.output)
    }
  }

  private func hints() throws(MarsError) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Mars__Hint>?>?) {
    try records(options.hints) { (h: (key: String, value: String), m: UnsafeMutablePointer<Mars__Hint>) throws(MarsError) in
      mars__hint__init(m)
      m.pointee.key = try text(h.key, "a hint")
      m.pointee.value = try text(h.value, "a hint")
    }
  }

  private func operatorMessages() -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Mars__Operator>?>?) {
    records(operators.rows) { (row: OperatorTable.Row, m: UnsafeMutablePointer<Mars__Operator>) in
      mars__operator__init(m)
      m.pointee.name = arena.bytes(row.op.name)
      m.pointee.version = UInt32(row.version)
    }
  }

  private func typeMessages() -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Mars__Type>?>?) {
    records(types.rows) { (type: TensorType, m: UnsafeMutablePointer<Mars__Type>) in
      mars__type__init(m)
      let t = arena.array(Mars__Tensor.self, 1)
      mars__tensor__init(t)
      t.pointee.dtype = Mars__DType(UInt32(type.dtype.rawValue))
      let shape = arena.array(Int64.self, type.rank)
      for (i, d) in type.shape.enumerated() { shape[i] = Int64(d) }
      (t.pointee.n_shape, t.pointee.shape) = (type.rank, shape)
      m.pointee.kind_case = MARS__TYPE__KIND_TENSOR
      m.pointee.tensor = t
    }
  }

  private func strings(
    _ source: [String], _ what: String
  ) throws(MarsError) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
    if source.isEmpty { return (0, nil) }
    let p = arena.array(ProtobufCBinaryData.self, source.count)
    for (i, s) in source.enumerated() { p[i] = try text(s, what) }
    return (source.count, p)
  }
}
