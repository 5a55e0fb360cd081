import Glibc
import MarsBase
import MarsGraph
import MarsRuntime

/// Values of a tensor in memory, shared with the engine.
package struct FetchedArray: Sendable {
  private let array: DenseArray
  init(_ array: DenseArray) { self.array = array }
  package var base: UnsafeMutableRawPointer { array.buffer.base + array.offset }
  package var dtype: DType { array.type.dtype }
  package var shape: [Int] { array.type.shape }
  /// In bytes.
  package var strides: [Int] { array.strides }
  /// The engine may read the memory again: clients must not write to it.
  package var isReadOnly: Bool { true }
}

enum Fetch {
  /// Chunks brought together in memory of the client's, which the limit does not count.
  static func gather(_ data: any ChunkedData) throws(MarsError) -> DenseArray {
    guard let stored = data as? StoredTensor else { throw MarsError(.internal, "chunks of an unknown kind") }
    let bytes = max(data.type.byteCount, 1)
    var memory: UnsafeMutableRawPointer? = nil
    guard posix_memalign(&memory, 64, bytes) == 0, let memory else {
      throw MarsError(.memory, "no memory to bring \(bytes) bytes of chunks together")
    }
    let buffer = Buffer(base: memory, byteCount: bytes) { p, _ in free(p) }
    let out = DenseArray(buffer: buffer, type: data.type)
    try stored.copy(Box(whole: data.type.shape), to: out.view)
    return out
  }
}
