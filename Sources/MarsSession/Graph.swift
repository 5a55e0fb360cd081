import MarsBase
import MarsFormat
import MarsGraph
import MarsOps

/// Named inputs and outputs; the nodes in between belong to the tensors.
package final class Graph: Sendable {
  private struct Entries: Sendable {
    var inputs: [(name: String, tensor: Tensor)] = []
    var outputs: [(name: String, tensor: Tensor)] = []
  }
  private let entries: Locked<Entries>

  package init() { entries = Locked(Entries()) }

  package var inputs: [(name: String, tensor: Tensor)] { entries.withLock { $0.inputs } }
  package var outputs: [(name: String, tensor: Tensor)] { entries.withLock { $0.outputs } }

  /// Adds a placeholder that executions bind to data; extents of -1 are unknown until then.
  package func addInput(_ name: String, _ dtype: DType, _ shape: [Int]) throws(MarsError) -> Tensor {
    let node = try Leaves.input.apply([], [("name", .string(name)), ("dtype", .dtype(dtype)), ("shape", .ints(shape))])
    let t = Tensor(Value(node))
    try entries.withLock { (e: inout Entries) throws(MarsError) in
      guard !e.inputs.contains(where: { $0.name == name }) else { throw MarsError(.value, "the graph has an input '\(name)' already") }
      e.inputs.append((name, t))
    }
    return t
  }

  package func addOutput(_ name: String, _ tensor: Tensor) throws(MarsError) {
    try entries.withLock { (e: inout Entries) throws(MarsError) in
      guard !e.outputs.contains(where: { $0.name == name }) else { throw MarsError(.value, "the graph has an output '\(name)' already") }
      e.outputs.append((name, tensor))
    }
  }

  /// The graph file of the outputs and all that they need.
  package func serialise() throws(MarsError) -> [UInt8] {
    let e = entries.withLock { $0 }
    guard !e.outputs.isEmpty else { throw MarsError(.value, "the graph has no outputs: name results before it is serialised") }
    var outputs: [GraphFile.Port] = []
    var inputs: [GraphFile.Port] = []
    for o in e.outputs { outputs.append((o.name, try o.tensor.value().value)) }
    for i in e.inputs { inputs.append((i.name, try i.tensor.value().value)) }
    var options = EncodeOptions()
    options.readChunked = { (data: any ChunkedData) throws(MarsError) -> DenseArray in try Fetch.array(data) }
    return try GraphCodec.encode(outputs: outputs, inputs: inputs, options: options)
  }

  /// The graph of a file; its data count against the memory limit, as copies of a client's arrays do.
  package static func parse(_ bytes: ByteView, allowsFiles: Bool, host: EngineHost = .shared) throws(MarsError) -> Graph {
    var options = DecodeOptions()
    options.keepData = { (v: ArrayView, origin: String) throws(MarsError) -> Node in
      try Tensor.copiedLeaf(of: v, host: host, origin: origin)
    }
    options.capabilities.files = allowsFiles
    let file = try GraphCodec.decode(bytes.bytes, registry: marsRegistry, options: options)
    let g = Graph()
    g.entries.withLock { e in
      e.inputs = file.inputs.map { ($0.name, Tensor($0.value)) }
      e.outputs = file.outputs.map { ($0.name, Tensor($0.value)) }
    }
    return g
  }
}
