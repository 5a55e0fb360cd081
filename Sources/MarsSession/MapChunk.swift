import MarsBase
import MarsGraph
import MarsOps

extension Tensor {
  /// `function` applied to every chunk.
  package func mapChunk(_ function: any ChunkCallback, dtype: DType, origin: String) throws(MarsError) -> Tensor {
    let op = try marsRegistry.require("map_chunk")
    pin()
    return try Tensor.apply(op, [.tensor(self)], [("dtype", .dtype(dtype))], payload: .callback(ChunkClient(function)), origin: origin)[0]
  }
}

/// A client's function for `map_chunk`.
package protocol ChunkCallback: AnyObject, Sendable {
  /// Fills `output` from `input`, the chunk that starts at `lower`.
  func call(input: ArrayView, output: ArrayView, lower: [Int]) throws(MarsError)
}

/// A chunk function as operators see it.
private final class ChunkClient: ClientCallback {
  private let function: any ChunkCallback
  init(_ function: any ChunkCallback) { self.function = function }
  func call(inputs: [ArrayView], output: ArrayView, box: Box) throws(MarsError) {
    try function.call(input: inputs[0], output: output, lower: box.lower)
  }
}
