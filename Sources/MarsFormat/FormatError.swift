import CGraphProto
import MarsBase

/// Errors and checks that reading and writing share.
enum FormatError {
  /// The file itself is malformed.
  static func malformed(_ what: String) -> MarsError { MarsError(.format, what) }
  /// The file is sound, but asks for what this library or this session does not do.
  static func unsupported(_ what: String, op: String = "") -> MarsError { MarsError(.unsupported, what, op: op) }
}

extension String {
  /// Text of a message; refuses invalid UTF-8 and NUL.  `what` names the field in errors.
  init(_ bytes: ProtobufCBinaryData, _ what: @autoclosure () -> String) throws(MarsError) {
    let raw = UnsafeBufferPointer(start: bytes.data, count: bytes.data == nil ? 0 : bytes.len)
    guard let text = String(validating: raw, as: UTF8.self) else { throw FormatError.malformed("\(what()) is not UTF-8") }
    guard !raw.contains(0) else { throw FormatError.malformed("\(what()) contains NUL") }
    self = text
  }
}
