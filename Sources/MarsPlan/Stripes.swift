import MarsBase
import MarsGraph

/// Chunks of reductions whose results are large themselves.
extension ChunkSizes {
  /// Chunks of a reduction over leading axes whose partial results would fill the memory: stripes that are as wide as what one task combines
  /// may be, and as long as a task may take.
  ///
  /// Chunks of few whole rows would leave as many partial rows as there are chunks, and all of them have to be there to be combined.
  ///
  /// - Parameter plain: the chunk to have otherwise; nothing is answered where it will do.
  func stripes(_ shape: [Int], _ reduced: Set<Int>, _ operands: [Operand], instead plain: [Int]) -> [Int: Int] {
    let item = operands.map(\.itemSize).max() ?? 8
    let bytes = product(item, shape)
    // Partial results that may be there together.
    let most = (memoryLimit / 16) >> (2 * refinement)
    if bytes <= most { return [:] }
    let kept = shape.indices.filter { !reduced.contains($0) }
    let (rows, columns) = (product(1, reduced.map { shape[$0] }), product(1, kept.map { shape[$0] }))
    let isHeld = operands.contains { !$0.axes.isDisjoint(with: reduced) }
    // What is only computed takes time, no memory.
    let computed = chunkBytes == nil ? 1 << 20 : 1
    let elements = isHeld ? target(bytes) / item : max(target(bytes, takesNone: true) / item, computed)
    guard rows > 1, columns > 1, elements > 1 else { return [:] }
    let parts = product(1, reduced.map { (shape[$0] - 1) / max(1, plain[$0]) + 1 })
    if parts == 1 || product(item, [parts, columns]) <= most { return [:] }
    // width * length = elements, and rows / length partial results of that width are combined at once: this is the square of the width.
    let square = Double(elements) * Double(most / 2) / (Double(item) * Double(rows))
    // Even starts keep vector loops aligned.
    var left = (max(1, Int(min(square.squareRoot(), 1e9))) + 63) / 64 * 64
    var out: [Int: Int] = [:]
    for k in kept.reversed() {
      out[k] = min(shape[k], left)
      left = max(1, left / max(1, shape[k]))
    }
    left = max(ChunkSizes.shortestPart, elements / max(1, out.values.reduce(1, *)))
    for k in reduced.sorted().reversed() {
      out[k] = min(shape[k], left)
      left = max(1, left / max(1, shape[k]))
    }
    return out
  }

  /// Partial results that are combined together where all would take too much memory: by axis, of `counts` partial results along each of the
  /// axes, of `bytes` for one.  No axis is named where all are combined at once.
  func groups(_ counts: [(axis: Int, count: Int)], bytes: Int) -> [Int: AxisSplits] {
    var room = max(2, ((memoryLimit / 16) >> (2 * refinement)) / max(1, bytes))
    if product(1, counts.map(\.count)) <= room { return [:] }
    var out: [Int: AxisSplits] = [:]
    for (axis, count) in counts.reversed() {
      let size = min(count, room)
      if size < count { out[axis] = AxisSplits(extent: count, chunk: size) }
      room = max(1, room / max(1, size))
    }
    return out
  }
}
