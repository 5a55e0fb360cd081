import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime

extension Tensor {
  /// A tensor of a copy of an array, in memory that counts against the limit.
  ///
  /// Large copies are blocks of the store, which can go to disk.  Small ones stay where they are: the plans of graphs on them are kept, and
  /// their tasks run on the calling thread.
  package static func copy(of v: ArrayView, preferredChunks: [Int]? = nil, host: EngineHost = .shared) throws(MarsError) -> Tensor {
    Tensor(Value(try copiedLeaf(of: v, preferredChunks: preferredChunks ?? [], host: host)), preferredChunks: preferredChunks)
  }

  /// The data leaf of such a copy.
  static func copiedLeaf(
    of v: ArrayView, preferredChunks: [Int] = [], host: EngineHost, origin: String = ""
  ) throws(MarsError) -> Node {
    let bytes = v.count * v.dtype.itemSize
    let engine = host.engine
    if bytes >= max(4096, min(1 << 20, engine.memoryLimit / 128)) {
      let grid = ChunkSizes.grid(ofSource: TensorType(v.dtype, v.shape), memoryLimit: engine.memoryLimit)
      return Leaves.node(try engine.store(v, in: grid), preferredChunks: preferredChunks, origin: origin)
    }
    let array = DenseArray(buffer: try engine.makeBuffer(byteCount: bytes), type: TensorType(v.dtype, v.shape))
    StridedCopy.copy(from: v, to: array.view)
    return Leaves.node(array, preferredChunks: preferredChunks, origin: origin)
  }

  /// A tensor around the client's memory, given back by `release`.
  package static func alias(of v: ArrayView, preferredChunks: [Int]? = nil, release: @escaping @Sendable () -> Void) throws(MarsError)
    -> Tensor
  {
    let buffer = Buffer(base: v.base, byteCount: v.count * v.dtype.itemSize, isBorrowed: true) { _, _ in release() }
    let array = DenseArray(buffer: buffer, type: TensorType(v.dtype, v.shape), strides: v.strides)
    return Tensor(Value(Leaves.node(array, preferredChunks: preferredChunks ?? [])), preferredChunks: preferredChunks)
  }
}
