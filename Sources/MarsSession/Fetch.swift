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

  /// An array whose elements lie where processors want them: a copy of a client's memory that is used in place and has them elsewhere.
  static func aligned(_ array: DenseArray, _ engine: Engine) throws(MarsError) -> DenseArray {
    let d = array.type.dtype
    let unit = d.isComplex ? d.itemSize / 2 : d.itemSize
    let isAligned =
      Int(bitPattern: array.view.base) % unit == 0
      && zip(array.type.shape, array.strides).allSatisfy { $0 <= 1 || $1 % unit == 0 }
    if isAligned || array.type.shape.contains(0) { return array }
    let out = DenseArray(buffer: try engine.makeBuffer(byteCount: array.type.byteCount), type: array.type)
    StridedCopy.copy(from: array.view, to: out.view)
    return out
  }

  /// The elements of chunks: in place where they lie in one piece, else brought together.
  static func array(_ data: any ChunkedData) throws(MarsError) -> DenseArray {
    if let piece = try stored(data).piece() { return piece }
    return try gather(data, Box(whole: data.type.shape))
  }

  /// A box of chunks brought together in memory that counts against the limit, others going to disk for it.
  ///
  /// Beyond half of the limit, kept by clients, it is their own memory: it could not be fetched otherwise, and runs need room.
  static func gather(_ data: any ChunkedData, _ box: Box) throws(MarsError) -> DenseArray {
    let type = TensorType(data.type.dtype, box.extents)
    try checkRoom(type.byteCount, within: 0)
    let source = try stored(data)
    let counted = try source.engine.makeKeptBuffer(byteCount: type.byteCount)
    guard let buffer = counted ?? Buffer.unlimited(byteCount: type.byteCount) else {
      throw MarsError(.memory, "no memory to bring \(type.byteCount) bytes of chunks together")
    }
    let out = DenseArray(buffer: buffer, type: type)
    try source.copy(box, to: out.view)
    return out
  }

  /// Copies chunks into memory of the same shape.
  static func copy(_ data: any ChunkedData, to target: ArrayView) throws(MarsError) {
    try stored(data).copy(Box(whole: data.type.shape), to: target)
  }

  private static func stored(_ data: any ChunkedData) throws(MarsError) -> StoredTensor {
    guard let stored = data as? StoredTensor else { throw MarsError(.internal, "chunks of an unknown kind") }
    return stored
  }
}
