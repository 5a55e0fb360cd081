import MarsBase
import MarsFormat
import MarsGraph
import Testing

@Suite struct CapabilityTests {
  private final class Function: ClientCallback {
    func call(inputs: [ArrayView], output: ArrayView, box: Box) throws(MarsError) {}
  }
  private final class Chunked: ChunkedData {
    let type = TensorType(.uint8, [3])
    let grid = Grid([AxisSplits(extent: 3, chunk: 2)])
  }

  @Test(arguments: ["load", "store", "hidden_load"]) func files(name: String) throws {
    let op = try TestOperators.registry.require(name)
    let a = try Samples.input("a")
    let node = try op.apply(op.inputs.map { _ in .value(a) }, op.attributes.map { ($0.name, .string("/x")) })
    let bytes = try GraphCodec.encode(outputs: [("o", Value(node))])
    let e = Samples.failure(bytes)
    #expect(e?.code == .unsupported)
    #expect(e?.op == (name == "hidden_load" ? "load" : name))
    #expect(e?.message.contains("files, which graphs may not do here") == true)
    var options = DecodeOptions()
    options.capabilities.files = true
    #expect(Samples.failure(bytes, options) == nil)
  }

  @Test func callbacks() throws {
    let f = Function()
    let node = try TestOperators.call.apply([.value(try Samples.input("a"))], payload: .callback(f))
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", Value(node))]) }
    var options = EncodeOptions()
    options.callbackName = { $0 === f ? CallbackName(language: "python", name: "f") : nil }
    let bytes = try GraphCodec.encode(outputs: [("o", Value(node))], options: options)
    #expect(Samples.failure(bytes)?.message == "the graph requires 'callback:python', which is not supported or not allowed here")
    for language in ["java", "python"] {
      var reading = DecodeOptions()
      reading.capabilities.callbacks = .init(languages: [language]) { n throws(MarsError) in
        guard n.name == "f" else { throw MarsError(.value, "no function \(n.name)") }
        return f
      }
      if language == "java" {
        #expect(Samples.failure(bytes, reading)?.code == .unsupported)
        continue
      }
      guard case .callback(let g) = try Samples.decode(bytes, reading).outputs[0].value.node.payload else {
        Issue.record("no callback")
        return
      }
      #expect(g === f)
    }
  }

  @Test func chunkedData() throws {
    let v = Value(Leaves.node(Chunked()))
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", v)]) }
    var options = EncodeOptions()
    options.readChunked = { _ throws(MarsError) in
      guard case .dense(let d) = Samples.data(.uint8, [3], [7, 8, 9]).node.payload else { throw MarsError(.internal, "") }
      return d
    }
    let back = try Samples.decode(GraphCodec.encode(outputs: [("o", v)], options: options))
    #expect(back.summary.first == "data()[MarsGraph.AttrValue.ints([])][\"uint8(3,)\"][7, 8, 9]")
  }
}
