import MarsBase
import MarsGraph

/// Square chunks, which contractions read many times over.
extension ChunkSizes {
  /// The side of square blocks: large enough that arithmetic hides the traffic, small enough that a dozen fit.
  func blockSide(_ itemSize: Int) -> Int {
    var side = 2048
    while side > 64 && side * side * itemSize * 12 > memoryLimit { side /= 2 }
    side = max(16, side >> refinement)
    if let chunkBytes { while side > 16 && side * side * itemSize > chunkBytes { side /= 2 } }
    return side
  }

  /// Whether the last two axes make matrices of several blocks both ways; of others each block would be fetched once, or be a sliver.
  static func isWide(_ shape: [Int], _ side: Int) -> Bool { shape.count >= 2 && shape.suffix(2).allSatisfy { $0 > side } }

  /// The extent of equal parts, rather than a sliver at the end.
  static func part(_ extent: Int, most: Int) -> Int {
    let parts = max(1, extent / most + (extent % most == 0 ? 0 : 1))
    return max(1, extent / parts + (extent % parts == 0 ? 0 : 1))
  }

  /// Splits with parts of about `side` elements, at the old boundaries where these lie closer; the old ones where they are about as large.
  static func blocks(_ s: AxisSplits, side: Int) -> AxisSplits {
    if s.extent <= side { return AxisSplits(offsets: [0, s.extent]) }
    let mean = s.extent / s.count
    if mean >= side / 2 && s.largest <= 2 * side { return s }
    var offsets = [0]
    for end in cut(s, most: side).offsets.dropFirst() {
      // The part before grows as long as it is no longer than a side.
      if offsets.count > 1, let last = offsets.last, end - offsets[offsets.count - 2] <= side, last < s.extent { offsets.removeLast() }
      offsets.append(end)
    }
    return AxisSplits(offsets: offsets)
  }
}
