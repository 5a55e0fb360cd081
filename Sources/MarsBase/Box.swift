/// A half-open axis-aligned box of index space.
package struct Box: Hashable, Sendable {
  package var lower: [Int]
  package var extents: [Int]

  package init(lower: [Int], extents: [Int]) {
    self.lower = lower
    self.extents = extents
  }
  package init(whole shape: [Int]) {
    lower = [Int](repeating: 0, count: shape.count)
    extents = shape
  }
  package var rank: Int { lower.count }
  package var count: Int { extents.reduce(1, *) }
  package func upper(_ axis: Int) -> Int { lower[axis] + extents[axis] }
}
