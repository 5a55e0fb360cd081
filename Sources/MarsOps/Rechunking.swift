import MarsBase
import MarsGraph

/// Chunks that a client asks for.
extension Shapes {
  /// What is asked for along an axis.
  private enum Chunking {
    case sizes([Int])
    /// One extent for all chunks; -1 is the whole axis.
    case extent(Int)
  }

  /// What 'splits' asks for: for each axis the number of its chunks followed by their sizes, or -1 followed by one extent for all; nil if it
  /// is malformed.
  private static func splits(_ s: [Int]) -> [Chunking]? {
    var out: [Chunking] = []
    var i = 0
    while i < s.count {
      let n = s[i] == -1 ? 1 : s[i]
      guard n >= 0 && n < s.count - i else { return nil }
      out.append(s[i] == -1 ? .extent(s[i + 1]) : .sizes(Array(s[i + 1..<i + 1 + n])))
      i += n + 1
    }
    return out
  }

  /// What `rechunk` asks for, per axis.  `chunk_size`: one value for all axes or one per axis.
  private static func chunking(_ c: OpContext) throws(MarsError) -> [Chunking] {
    let rank = c.inputs[0].rank
    if let s = c.optionalInts("splits") {
      guard let out = splits(s) else { throw c.error(.value, "splits are malformed") }
      guard out.count == rank else { throw c.error(.value, "splits must name \(rank) axes but name \(out.count)") }
      return out
    }
    let size = c.ints("chunk_size")
    guard size.count == 1 || size.count == rank else {
      throw c.error(.value, "chunk_size must have one entry or one per axis (\(rank)), not \(size.count)")
    }
    return (0..<rank).map { .extent(size.count == 1 ? size[0] : size[$0]) }
  }

  /// Chunk sizes that `rechunk` asks for, per axis, after `checkChunks`.
  private static func chunkSizes(_ c: OpContext) -> [AxisSplits]? {
    try? zip(c.inputs[0].shape, chunking(c)).map { n, asked in
      switch asked {
      case .sizes(let sizes): AxisSplits(sizes: sizes)
      case .extent(let e): AxisSplits(extent: n, chunk: e == -1 ? Swift.max(1, n) : e)
      }
    }
  }

  /// Does not make the lists: a call must not take the time and memory of millions of chunks.
  private static func checkChunks(_ c: OpContext) throws(MarsError) {
    for (k, (n, asked)) in zip(c.inputs[0].shape, try chunking(c)).enumerated() {
      switch asked {
      case .sizes(let sizes):
        guard sizes.allSatisfy({ $0 >= 0 }), n == unknownExtent || sizes.reduce(UInt(0), { $0 &+ UInt($1) }) == UInt(n) else {
          throw c.error(.value, "chunks \(Shape.text(sizes)) do not add up to the extent \(n) of axis \(k)")
        }
      case .extent(let e):
        guard ChunkExtents.isOne(e) else { throw c.error(.value, ChunkExtents.mistake(e)) }
        guard n != unknownExtent else { throw c.unknownExtents("rechunk needs known extents") }
        guard e == -1 || n / e < Grid.mostChunks else {
          throw c.error(.memory, "axis \(k) of extent \(n) in chunks of \(e) is more than \(Grid.mostChunks) chunks")
        }
      }
    }
  }

  /// The identity with a pinned grid: fused into what reads it.
  static let rechunk = OpDef(
    "rechunk", inputs: [InputDef("a")],
    attributes: [
      AttrDef("chunk_size", .ints, default: .ints([-1]), "extents of chunks: one for all axes or one per axis; -1: whole"),
      AttrDef(
        "splits", .ints, default: AttrValue.none,
        "for each axis the number of its chunks followed by their sizes, or -1 and one extent for all"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      try checkChunks(c)
      return [c.inputs[0]]
    }, body: .expr { _, _, x in [x[0]] }, cost: Cost(perElement: 0),
    doc: OpDoc(
      "The same values in chunks of given extents, which the planner keeps.", example: "mt.ones((4, 6)).rechunk((2, 3))"),
    exposure: Exposure(method: true),
    samples: [
      Sample([[4, 6]], .all, attributes: ["chunk_size": .ints([3])]), Sample([[4, 6]], attributes: ["splits": .ints([2, 1, 3, -1, 4])]),
    ], pinsChunks: chunkSizes)
}
