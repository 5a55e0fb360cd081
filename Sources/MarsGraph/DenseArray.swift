import MarsBase

/// A strided array in a buffer.
package struct DenseArray: Sendable {
  package var buffer: Buffer
  /// Byte offset of element (0, 0, ...).
  package var offset: Int
  package var type: TensorType
  /// In bytes.
  package var strides: [Int]
  package init(buffer: Buffer, offset: Int = 0, type: TensorType, strides: [Int]? = nil) {
    self.buffer = buffer
    self.offset = offset
    self.type = type
    self.strides = strides ?? Shape.rowMajorStrides(type.shape).map { $0 * type.dtype.itemSize }
  }
  package var view: ArrayView {
    ArrayView(base: buffer.base + offset, dtype: type.dtype, shape: type.shape, strides: strides)
  }
}
