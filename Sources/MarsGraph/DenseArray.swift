import MarsBase

/// Owns a piece of memory and gives it back exactly once.
package final class Buffer: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let release: @Sendable (UnsafeMutableRawPointer, Int) -> Void
  /// Memory of the client, which Mars may not write to and does not count against its limit.
  package let isBorrowed: Bool

  package init(
    base: UnsafeMutableRawPointer, byteCount: Int, isBorrowed: Bool = false,
    release: @escaping @Sendable (UnsafeMutableRawPointer, Int) -> Void
  ) {
    self.base = base
    self.byteCount = byteCount
    self.isBorrowed = isBorrowed
    self.release = release
  }
  deinit { release(base, byteCount) }
}

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
