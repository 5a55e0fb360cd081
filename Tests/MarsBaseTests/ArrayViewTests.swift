import MarsBase
import Testing

@Suite struct ArrayViewTests {
  /// Elements of a view in C order.
  private func elements(_ v: ArrayView) -> [Int32] {
    var out = [Int32](repeating: 0, count: v.count)
    out.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      StridedCopy.copy(from: v, to: ArrayView(base: base, dtype: v.dtype, shape: v.shape))
    }
    return out
  }

  @Test func walksAxesInAnyOrderAndDirection() {
    var data = [Int32](0..<12)
    data.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let v = ArrayView(base: base, dtype: .int32, shape: [3, 4])
      let turned = v.walking(axes: [1, 0], steps: [1, 1])
      #expect(turned.shape == [4, 3])
      #expect(elements(turned) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
      let back = v.walking(axes: [0, 1], steps: [-1, -3])
      #expect(back.shape == [3, 2])
      #expect(elements(back) == [11, 8, 7, 4, 3, 0])
      #expect(elements(v.walking(axes: [0, 1], steps: [2, 3])) == [0, 3, 8, 11])
      // Nothing to start from: the address stays where it is.
      let empty = ArrayView(base: base, dtype: .int32, shape: [0, 4]).walking(axes: [0, 1], steps: [-1, 1])
      #expect(empty.shape == [0, 4] && empty.base == base)
      #expect(ArrayView(base: base, dtype: .int32, shape: [1, 4]).walking(axes: [1], steps: [2]).shape == [2])
    }
  }
}
