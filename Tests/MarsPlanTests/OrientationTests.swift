import MarsBase
import MarsGraph
import MarsPlan
import Testing

@Suite struct OrientationTests {
  /// Elements of the view that an operator sees of a C-order window of 0, 1, ..., through a map that names view axes and steps.
  private func seen(_ shape: [Int], _ axes: [(axis: Int, step: Int)], rank: Int, single: Set<Int> = []) throws -> (
    shape: [Int], elements: [Int32]
  ) {
    let map = AxisMap(axes.map { $0.axis < 0 ? .fixed(0) : .aligned(axis: $0.axis, start: 0, step: $0.step) })
    let orientation = try #require(StageInput.Orientation(map, rank: rank, single: single))
    var data = [Int32](0..<12)
    return data.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return ([], []) }
      let v = orientation.view(of: ArrayView(base: base, dtype: .int32, shape: shape))
      var out = [Int32](repeating: 0, count: v.count)
      out.withUnsafeMutableBytes { copy in
        if let to = copy.baseAddress { StridedCopy.copy(from: v, to: ArrayView(base: to, dtype: .int32, shape: v.shape)) }
      }
      return (v.shape, out)
    }
  }

  @Test func walksAxesInAnyOrderAndDirection() throws {
    #expect(try seen([3, 4], [(1, 1), (0, 1)], rank: 2) == ([4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]))
    #expect(try seen([3, 4], [(0, -1), (1, -3)], rank: 2) == ([3, 2], [11, 8, 7, 4, 3, 0]))
    #expect(try seen([3, 4], [(0, 2), (1, 3)], rank: 2) == ([2, 2], [0, 3, 8, 11]))
    #expect(try seen([0, 4], [(0, -1), (1, 1)], rank: 2) == ([0, 4], []))
    // An axis that the view does not have.
    #expect(try seen([1, 4], [(-1, 1), (0, 2)], rank: 1) == ([2], [0, 2]))
    // Axes that the window does not have.
    #expect(try seen([3, 2], [(2, 1), (0, -1)], rank: 4, single: [1, 3]) == ([2, 1, 3, 1], [1, 3, 5, 0, 2, 4]))
  }
}
