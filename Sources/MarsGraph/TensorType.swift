import MarsBase

/// dtype and shape of a tensor; an extent may be `unknownExtent`.
package struct TensorType: Hashable, Sendable {
  package var dtype: DType
  package var shape: [Int]
  package init(_ dtype: DType, _ shape: [Int]) {
    self.dtype = dtype
    self.shape = shape
  }
  package var rank: Int { shape.count }
  package var isKnown: Bool { Shape.isKnown(shape) }
  /// Elements; 0 while an extent is unknown.
  package var count: Int { isKnown ? shape.reduce(1, *) : 0 }
  package var byteCount: Int { count * dtype.itemSize }
  package var text: String { "\(dtype.name)\(Shape.text(shape))" }
}
