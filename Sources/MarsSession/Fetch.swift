import MarsBase
import MarsGraph
import MarsRuntime

/// Values of a tensor in memory, shared with the engine.
package struct FetchedArray: Sendable {
  private let array: DenseArray
  init(_ array: DenseArray) { self.array = array }
  /// The memory, valid while this value lives.
  package var view: ArrayView { array.view }
  /// The engine may read the memory again: clients must not write to it.
  package var isReadOnly: Bool { true }
}

enum Fetch {
  /// Chunks brought together in memory of the client's, which the limit does not count.
  static func gather(_ data: any ChunkedData) throws(MarsError) -> DenseArray {
    guard let stored = data as? StoredTensor else { throw MarsError(.internal, "chunks of an unknown kind") }
    guard let buffer = Buffer.unlimited(byteCount: data.type.byteCount) else {
      throw MarsError(.memory, "no memory to bring \(data.type.byteCount) bytes of chunks together")
    }
    let out = DenseArray(buffer: buffer, type: data.type)
    try stored.copy(Box(whole: data.type.shape), to: out.view)
    return out
  }
}
