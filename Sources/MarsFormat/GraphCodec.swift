import MarsBase
import MarsGraph

/// `graph.proto` to graphs and back.
///
/// Writing is deterministic: equal graphs made in equal order give equal bytes.  Reading applies every operator again, so that a file
/// can hold nothing that calls could not have made.
package enum GraphCodec {
  /// Version of the schema that is written; all versions up to it are read.
  package static let format = 1

  /// Stands in files for the node of an input that is left out: no node has that index.
  static let absentInput = UInt32.max

  /// Bytes of the graph of `outputs`.
  ///
  /// Placeholders that `outputs` need and `inputs` does not list follow the listed ones, under their own names.
  package static func encode(
    outputs: [GraphFile.Port], inputs: [GraphFile.Port] = [], options: EncodeOptions = EncodeOptions()
  ) throws(MarsError) -> [UInt8] {
    var encoder = GraphEncoder(options: options)
    return try encoder.encode(outputs: outputs, inputs: inputs)
  }

  /// The graph that bytes hold, its operators looked up in `registry`.
  ///
  /// Errors: `.format` for what is not a valid graph, `.unsupported` for what this library or these options do not allow; they name the
  /// node and its operator.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, registry: OpRegistry, options: DecodeOptions = DecodeOptions()
  ) throws(MarsError) -> GraphFile {
    do throws(MarsError) {
      guard bytes.count <= options.limits.bytes else {
        throw FormatError.malformed("\(bytes.count) bytes are more than the limit of \(options.limits.bytes)")
      }
      return try parse(bytes, limits: options.limits) { message throws(MarsError) in
        var decoder = GraphDecoder(registry: registry, options: options)
        return try decoder.decode(message)
      }
    } catch {
      guard error.code == .format else { throw error }
      throw MarsError(.format, "not a valid graph: \(error.message)", op: error.op, origin: error.origin)
    }
  }

  /// The graph that bytes hold; as above.
  package static func decode(
    _ bytes: [UInt8], registry: OpRegistry, options: DecodeOptions = DecodeOptions()
  ) throws(MarsError) -> GraphFile {
    try bytes.withUnsafeBufferPointer { buffer throws(MarsError) in
      try decode(UnsafeRawBufferPointer(buffer), registry: registry, options: options)
    }
  }
}
