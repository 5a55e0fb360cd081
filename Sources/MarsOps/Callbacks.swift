import MarsBase
import MarsGraph

/// Operators whose body is a client's function.
enum Callbacks {
  private static let mapChunk = NativeOp(
    OpDef(
      "map_chunk", inputs: [InputDef("arrays", variadic: true, "of one shape")],
      attributes: [AttrDef("dtype", .dtype, default: AttrValue.none, "dtype of the result; None: that of the first input")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard let first = c.inputs.first else { throw c.error(.type, "map_chunk() takes at least one input") }
        guard c.inputs.allSatisfy({ $0.shape == first.shape }) else { throw c.error(.value, "inputs of map_chunk must have one shape") }
        return [TensorType(c.dtype("dtype") ?? first.dtype, first.shape)]
      },
      body: .native(NativeRule(.access { c in c.inputs.map { t in (0..<t.rank).map { .aligned($0) } } })), effects: .callback,
      cost: Cost(perElement: 20),
      doc: OpDoc(
        "Calls a function with every chunk; it fills a chunk of the same shape.",
        details: "The function runs once per chunk, on a worker thread, and may not execute tensors itself.",
        example: "mt.ones(4, chunk_size=2).map_chunk(lambda a: a + 1)"), exposure: Exposure(namespace: nil, method: true))
  ) { (call: inout NativeCall) throws(MarsError) in
    guard case .callback(let function) = call.payload else {
      throw call.context.error(.callback, "map_chunk has no function in this process")
    }
    try function.call(inputs: call.inputs, output: call.outputs[0], box: call.outputBox)
  }

  static let family = OpFamily([], natives: [mapChunk])
}
