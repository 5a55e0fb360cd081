import CGraphProto
import MarsBase
import MarsGraph

/// Attribute values from messages.
struct AttributeReader {
  /// Bytes that one attribute may have.
  let limit: Int

  func value(_ m: Mars__Attribute, name: String) throws(MarsError) -> AttrValue {
    switch m.value_case {
    case MARS__ATTRIBUTE__VALUE_NONE_VALUE:
      guard m.none_value != 0 else { throw FormatError.malformed("attribute '\(name)' has a none_value that is not true") }
      return .none
    case MARS__ATTRIBUTE__VALUE_BOOL_VALUE: return .bool(m.bool_value != 0)
    case MARS__ATTRIBUTE__VALUE_INT_VALUE: return .int(Int(m.int_value))
    case MARS__ATTRIBUTE__VALUE_FLOAT_VALUE: return .float(m.float_value)
    case MARS__ATTRIBUTE__VALUE_STRING_VALUE:
      try check(m.string_value.len, name)
      return .string(try String(m.string_value, "attribute '\(name)'"))
    case MARS__ATTRIBUTE__VALUE_DTYPE_VALUE: return .dtype(try DType(m.dtype_value, "attribute '\(name)'"))
    case MARS__ATTRIBUTE__VALUE_SCALAR_VALUE:
      guard let s = m.scalar_value else { break }
      return .scalar(try scalar(s.pointee, name))
    case MARS__ATTRIBUTE__VALUE_INTS_VALUE:
      guard let list = m.ints_value?.pointee else { break }
      try check(list.n_values, of: MemoryLayout<Int64>.size, name)
      return .ints(UnsafeBufferPointer(start: list.values, count: list.n_values).map { Int($0) })
    case MARS__ATTRIBUTE__VALUE_STRINGS_VALUE:
      guard let list = m.strings_value?.pointee else { break }
      try check(list.n_values, of: MemoryLayout<String>.size, name)
      var total = 0
      var out: [String] = []
      out.reserveCapacity(list.n_values)
      for s in UnsafeBufferPointer(start: list.values, count: list.n_values) {
        total += s.len
        try check(total, name)
        out.append(try String(s, "attribute '\(name)'"))
      }
      return .strings(out)
    case MARS__ATTRIBUTE__VALUE_BYTES_VALUE:
      try check(m.bytes_value.len, name)
      return .bytes([UInt8](UnsafeBufferPointer(start: m.bytes_value.data, count: m.bytes_value.len)))
    default: break
    }
    throw FormatError.malformed("attribute '\(name)' has no value of a kind that this version knows")
  }

  private func check(_ count: Int, of size: Int = 1, _ name: String) throws(MarsError) {
    guard count <= limit / size else {
      throw FormatError.malformed("attribute '\(name)' is larger than the limit of \(limit) bytes")
    }
  }

  private func scalar(_ m: Mars__Scalar, _ name: String) throws(MarsError) -> Scalar {
    let dtype = try DType(m.dtype, "attribute '\(name)'")
    guard m.data.len == dtype.itemSize, let data = m.data.data else {
      throw FormatError.malformed("attribute '\(name)' has \(m.data.len) bytes for a scalar of \(dtype.name)")
    }
    var words: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: UnsafeRawBufferPointer(start: data, count: dtype.itemSize)) }
    guard dtype != .bool || words.0 <= 1 else { throw FormatError.malformed("attribute '\(name)' is a bool other than 0 and 1") }
    return Scalar(dtype: dtype, low: UInt64(littleEndian: words.0), high: UInt64(littleEndian: words.1))
  }
}

extension DType {
  /// The dtype of a message; `what` names the field in errors.
  init(_ m: Mars__DType, _ what: @autoclosure () -> String) throws(MarsError) {
    guard let d = UInt8(exactly: m.rawValue).flatMap(DType.init(rawValue:)) else {
      throw FormatError.malformed("\(what()) has the unknown dtype \(Int32(truncatingIfNeeded: m.rawValue))")
    }
    self = d
  }
}
