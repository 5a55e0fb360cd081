import MarsBase
import Testing

@Suite struct ShapeTests {
  @Test func broadcastsAsNumPy() {
    #expect(Shape.broadcast([]) == [])
    #expect(Shape.broadcast([[2, 3], [2, 3]]) == [2, 3])
    #expect(Shape.broadcast([[], [3]]) == [3])
    #expect(Shape.broadcast([[2, 1], [3]]) == [2, 3])
    #expect(Shape.broadcast([[4, 1, 3], [2, 1], [1]]) == [4, 2, 3])
    #expect(Shape.broadcast([[0], [1]]) == [0])
    #expect(Shape.broadcast([[2], [3]]) == nil)
    #expect(Shape.broadcast([[0], [3]]) == nil)
    #expect(Shape.broadcast([[2, 3], [3, 2]]) == nil)
  }

  /// An extent that is not known may still turn out to be 1.
  @Test func broadcastsUnknownExtents() {
    let n = unknownExtent
    #expect(Shape.broadcast([[n], [1]]) == [n])
    #expect(Shape.broadcast([[1], [n]]) == [n])
    #expect(Shape.broadcast([[n], [n]]) == [n])
    #expect(Shape.broadcast([[n], [5]]) == [5])
    #expect(Shape.broadcast([[5], [n]]) == [5])
    #expect(Shape.broadcast([[n, 1], [5], [1, n]]) == [n, 5])
  }

  @Test func bytesThatCanBeAddressed() {
    let most = Int.max
    #expect(Shape.isAddressable([], itemSize: 8) && Shape.isAddressable([most], itemSize: 1))
    #expect(Shape.isAddressable([most / 8], itemSize: 8))
    #expect(!Shape.isAddressable([most / 8 + 1], itemSize: 8) && !Shape.isAddressable([1 << 32, 1 << 31], itemSize: 1))
    // Neither an extent of 0 nor one that is not known hides the others.
    #expect(!Shape.isAddressable([0, most], itemSize: 8) && !Shape.isAddressable([unknownExtent, most, 0], itemSize: 2))
    #expect(Shape.isAddressable([0, unknownExtent, 7], itemSize: 8))
  }

  @Test func rowMajorStridesSkipNothing() {
    #expect(Shape.rowMajorStrides([]) == [] && Shape.rowMajorStrides([5]) == [1] && Shape.rowMajorStrides([0]) == [1])
    #expect(Shape.rowMajorStrides([4, 3, 2]) == [6, 2, 1] && Shape.rowMajorStrides([4, 0, 2]) == [2, 2, 1])
  }

  @Test func unknownExtentsMayBeAny() {
    let n = unknownExtent
    #expect(Shape.mayEqual([n, 3], [2, 3]) && Shape.mayEqual([n], [n]) && Shape.mayEqual([], []))
    #expect(!Shape.mayEqual([n, 3], [2, 4]) && !Shape.mayEqual([n], [n, n]))
  }

  @Test func reshapesTakeWhatIsLeft() throws {
    #expect(try Shape.reshaped([4, 3], [2, -1]) == [2, 6])
    #expect(try Shape.reshaped([0, 3], [-1, 3]) == [0, 3])
    #expect(try Shape.reshaped([unknownExtent, 3], [2, -1]) == [2, -1])
    for wanted in [[5], [5, -1], [-1, 0], [-1, -1], [-2, 6]] { #expect(throws: MarsError.self) { try Shape.reshaped([4, 3], wanted) } }
  }

  @Test func countsWithoutOverflow() {
    #expect(Shape.count([]) == 1)
    #expect(Shape.count([2, 3, 4]) == 24)
    #expect(Shape.count([2, 0, 4]) == 0)
    #expect(Shape.count([1 << 32, 1 << 32]) == nil)
    // As in NumPy, an extent of 0 does not hide that the others are too many.
    #expect(Shape.count([1 << 32, 0, 1 << 32]) == nil)
    #expect(Shape.isAddressable([1 << 60], itemSize: 4) && !Shape.isAddressable([1 << 60], itemSize: 8))
  }

  @Test func stridesAndText() {
    #expect(Shape.rowMajorStrides([2, 3, 4]) == [12, 4, 1])
    #expect(Shape.rowMajorStrides([]) == [])
    #expect(Shape.rowMajorStrides([2, 0, 4]) == [4, 4, 1])
    #expect([[], [4], [2, 3], [unknownExtent, 3]].map(Shape.text) == ["()", "(4,)", "(2, 3)", "(?, 3)"])
  }

  @Test func divisionRoundsUp() {
    for a in -20...20 { for b in 1...7 { #expect(a.dividedRoundingUp(by: b) == Int((Double(a) / Double(b)).rounded(.up))) } }
  }
}
