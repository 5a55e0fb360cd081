/// A strided window of memory: what native bodies and devices receive.
///
/// The memory is owned by somebody else, who keeps it alive for the length of the call.
@safe package struct ArrayView: @unchecked Sendable {
  /// Address of the element at index (0, 0, ...).
  package var base: UnsafeMutableRawPointer
  package var dtype: DType
  package var shape: [Int]
  /// In bytes; may be zero or negative.
  package var strides: [Int]

  package init(base: UnsafeMutableRawPointer, dtype: DType, shape: [Int], strides: [Int]) {
    self.base = base
    self.dtype = dtype
    self.shape = shape
    self.strides = strides
  }

  /// A C-order view.
  package init(base: UnsafeMutableRawPointer, dtype: DType, shape: [Int]) {
    let s = Shape.rowMajorStrides(shape).map { $0 * dtype.itemSize }
    self.init(base: base, dtype: dtype, shape: shape, strides: s)
  }

  package var rank: Int { shape.count }
  package var count: Int { shape.reduce(1, *) }

  /// Whether elements lie in C order without gaps.
  package var isContiguous: Bool {
    var expect = dtype.itemSize
    for i in stride(from: shape.count - 1, through: 0, by: -1) {
      if shape[i] == 0 { return true }
      if shape[i] != 1 && strides[i] != expect { return false }
      expect *= shape[i]
    }
    return true
  }

  /// The elements as a typed pointer; `T` must have the dtype's layout.
  package func pointer<T>(as type: T.Type) -> UnsafeMutablePointer<T> { base.assumingMemoryBound(to: type) }
}
