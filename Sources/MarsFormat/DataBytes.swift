import Glibc
import MarsBase
import MarsGraph

#if _endian(big)
  #error("graph files hold little-endian data; a big-endian host has to swap bytes here")
#endif

/// Raw elements of data leaves: C order, little endian, without padding.
enum DataBytes {
  /// Copies the elements of a strided view in C order.
  static func copy(_ view: ArrayView, to destination: UnsafeMutableRawPointer) {
    let size = view.dtype.itemSize
    if view.count == 0 { return }
    // Axes from `outer` on lie in C order without gaps and are copied in one piece.
    var run = size
    var outer = view.rank
    while outer > 0 && (view.shape[outer - 1] == 1 || view.strides[outer - 1] == run) {
      outer -= 1
      run *= view.shape[outer]
    }
    var index = [Int](repeating: 0, count: outer)
    var source = UnsafeRawPointer(view.base)
    var to = destination
    while true {
      memcpy(to, source, run)
      to += run
      var axis = outer - 1
      while axis >= 0 {
        index[axis] += 1
        source += view.strides[axis]
        if index[axis] < view.shape[axis] { break }
        source -= view.strides[axis] * view.shape[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

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
