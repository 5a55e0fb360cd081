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
  /// Refuses at once what the machine has no memory to hold in one piece.
  static func checkRoom(_ bytes: Int, within limit: Int) throws(MarsError) {
    if bytes <= limit / 2 { return }
    let available = EngineOptions.availableMemory
    guard bytes <= available else {
      throw MarsError(
        .memory,
        "a result of \(bytes) bytes cannot be fetched in one piece: \(available) bytes of memory are available; fetch parts of it, or save it"
      )
    }
  }

  /// Chunks brought together in memory of the client's, which the limit does not count.
  static func gather(_ data: any ChunkedData) throws(MarsError) -> DenseArray {
    try checkRoom(data.type.byteCount, within: 0)
    guard let buffer = Buffer.unlimited(byteCount: data.type.byteCount) else {
      throw MarsError(.memory, "no memory to bring \(data.type.byteCount) bytes of chunks together")
    }
    let out = DenseArray(buffer: buffer, type: data.type)
    try copy(data, to: out.view)
    return out
  }

  /// Copies chunks into memory of the same shape.
  static func copy(_ data: any ChunkedData, to target: ArrayView) throws(MarsError) {
    guard let stored = data as? StoredTensor else { throw MarsError(.internal, "chunks of an unknown kind") }
    try stored.copy(Box(whole: data.type.shape), to: target)
  }
}
