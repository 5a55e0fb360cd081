/// What clients may give as extents of chunks: positive numbers, or -1 for an axis in one piece.
package enum ChunkExtents {
  package static func isOne(_ extent: Int) -> Bool { extent > 0 || extent == -1 }

  package static func mistake(_ extent: Int) -> String {
    "chunk_size must be positive, or -1 for a whole axis, but an extent of chunks is \(extent)"
  }

  /// The extents that are meant, one per axis of an array.
  package static func checked(_ given: [Int], over shape: [Int]) throws(MarsError) -> [Int] {
    for extent in given where !isOne(extent) { throw MarsError(.value, mistake(extent)) }
    return zip(given, shape).map { $0 == -1 ? max(1, $1) : $0 }
  }
}
