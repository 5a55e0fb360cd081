/// The loops of a call, outer first: extent, level, weight and the strides of all operands of each, in the caller's scratch space.
struct LoopTable {
  let rows: UnsafeMutablePointer<Int>
  let operands: Int
  private(set) var count = 0
  private let width: Int

  static func words(axes: Int, operands: Int) -> Int { axes * (3 + operands) + 1 }

  init(_ scratch: UnsafeMutableBufferPointer<Int>, operands: Int) {
    rows = scratch.baseAddress!
    self.operands = operands
    width = 3 + operands
  }

  func extent(_ i: Int) -> Int { rows[i * width] }
  func level(_ i: Int) -> Int { rows[i * width + 1] }
  func weight(_ i: Int) -> Int { rows[i * width + 2] }
  /// Bytes, or elements of a counter, from one turn of loop `i` to the next.
  func stride(_ operand: Int, _ i: Int) -> Int { rows[i * width + 3 + operand] }
  /// Where the strides of a loop that is about to be inserted go.
  var newStrides: UnsafeMutablePointer<Int> { rows + count * width + 3 }

  /// Inserts the loop whose strides are in `newStrides`: by level (outer first), then by weight (large first).
  mutating func insert(extent: Int, level: Int, weight: Int) {
    let new = rows + count * width
    (new[0], new[1], new[2]) = (extent, level, weight)
    var at = count
    while at > 0 && (self.level(at - 1) < level || self.level(at - 1) == level && self.weight(at - 1) < weight) {
      swap(at, at - 1)
      at -= 1
    }
    count += 1
  }

  /// Merges neighbours of the same level where all operands walk on.
  mutating func merge() {
    var kept = 0
    for i in 0..<count {
      if kept > 0 && level(kept - 1) == level(i) && walksOn(kept - 1, i) {
        rows[(kept - 1) * width] *= extent(i)
        for o in 0..<operands { rows[(kept - 1) * width + 3 + o] = stride(o, i) }
        continue
      }
      if kept != i { for k in 0..<width { rows[kept * width + k] = rows[i * width + k] } }
      kept += 1
    }
    count = kept
  }

  private func walksOn(_ outer: Int, _ inner: Int) -> Bool {
    for o in 0..<operands where stride(o, outer) != stride(o, inner) &* extent(inner) { return false }
    return true
  }

  /// Makes loop `i` the innermost; those inside it move out by one.
  func moveInside(_ i: Int) { for j in i..<count - 1 { swap(j, j + 1) } }

  private func swap(_ i: Int, _ j: Int) {
    for k in 0..<width { Swift.swap(&rows[i * width + k], &rows[j * width + k]) }
  }
}
