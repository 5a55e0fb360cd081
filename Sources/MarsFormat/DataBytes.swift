import Glibc
import MarsBase
import MarsGraph

#if _endian(big)
  #error("graph files hold little-endian data; a big-endian host has to swap bytes here")
#endif

/// Raw elements of data leaves: C order, little endian, without padding.
enum DataBytes {
  /// Refuses bytes that are no elements of a data leaf of this type.
  static func check(_ bytes: UnsafeRawBufferPointer, _ type: TensorType) throws(MarsError) {
    guard type.isKnown, let n = Shape.count(type.shape) else { throw FormatError.malformed("data of type \(type.text) has no size") }
    let (size, overflow) = n.multipliedReportingOverflow(by: type.dtype.itemSize)
    guard !overflow, size == bytes.count else {
      throw FormatError.malformed("data of type \(type.text) has \(bytes.count) bytes")
    }
    if type.dtype == .bool && bytes.contains(where: { $0 > 1 }) {
      throw FormatError.malformed("bool data holds a byte other than 0 and 1")
    }
  }

  /// A data leaf's array from bytes that passed `check`, copied into memory aligned for vectors.
  static func array(_ bytes: UnsafeRawBufferPointer, _ type: TensorType) throws(MarsError) -> DenseArray {
    let size = bytes.count
    guard let memory = aligned_alloc(64, max(64, (size + 63) & ~63)) else {
      throw MarsError(.memory, "no memory for \(size) bytes of graph data")
    }
    if let base = bytes.baseAddress { memcpy(memory, base, size) }
    let buffer = Buffer(base: memory, byteCount: size) { p, _ in free(p) }
    return DenseArray(buffer: buffer, type: type)
  }
}
