// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

// Errors, strings, dtypes, operators.

@c @implementation
public func mars_error_last(_ out: UnsafeMutablePointer<mars_error>?) -> mars_status {
  // Not through `run`: a mistake here must not replace the record that was asked for.
  guard let out else { return MARS_ERROR_HANDLE }
  guard let first = MemoryLayout<mars_error>.offset(of: \.system_error), out.pointee.struct_size >= UInt32(first) else {
    return MARS_ERROR_VALUE
  }
  cmars_error_get(out)
  return MARS_OK
}

nonisolated(unsafe) private let versionText: UnsafePointer<CChar> = {
  let s = "\(MARS_VERSION_MAJOR).\(MARS_VERSION_MINOR).\(MARS_VERSION_PATCH)"
  return UnsafePointer(StringBox(bytes: Array(s.utf8)).leak())
}()

extension StringBox {
  /// The bytes, never freed: for constants.
  func leak() -> UnsafeMutablePointer<CChar> {
    _ = Unmanaged.passRetained(self)
    return bytes
  }
}

@c @implementation
public func mars_version() -> UnsafePointer<CChar>? { versionText }

@c @implementation
public func mars_string_data(_ string: OpaquePointer?) -> UnsafePointer<CChar>? {
  guard let s = try? object(string, StringBox.self, "string") else { return nil }
  return UnsafePointer(s.bytes)
}

@c @implementation
public func mars_string_size(_ string: OpaquePointer?) -> Int64 {
  guard let s = try? object(string, StringBox.self, "string") else { return 0 }
  return Int64(s.count)
}

@c @implementation
public func mars_string_release(_ string: OpaquePointer?) { release(string, StringBox.self) }

@c @implementation
public func mars_dtype_promote(_ out: UnsafeMutablePointer<mars_dtype>?, _ a: mars_dtype, _ b: mars_dtype) -> mars_status {
  run { () throws(MarsError) in
    try require(out, "out").pointee = Int32(Promotion.common(dtype(a, "a"), dtype(b, "b")).rawValue)
  }
}

@c @implementation
public func mars_dtype_can_cast(
  _ out: UnsafeMutablePointer<Int32>?, _ from: mars_dtype, _ to: mars_dtype, _ casting: UnsafePointer<CChar>?
) -> mars_status {
  run { () throws(MarsError) in
    let (f, t) = (try dtype(from, "from"), try dtype(to, "to"))
    let answer = try Casting(named: text(casting, "casting")).allows(f, t)
    try require(out, "out").pointee = answer ? 1 : 0
  }
}

@c @implementation
public func mars_op_describe_all(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> mars_status {
  run { () throws(MarsError) in give(Describe.all(), to: try require(out, "out")) }
}

@c @implementation
public func mars_op_describe(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: UnsafePointer<CChar>?) -> mars_status {
  run { () throws(MarsError) in give(try Describe.one(text(name, "name")), to: try require(out, "out")) }
}

@c @implementation
public func mars_op_find(_ out: UnsafeMutablePointer<Int32>?, _ name: UnsafePointer<CChar>?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = Int32(Operators.number(of: text(name, "name"))) }
}
