// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

@c @implementation
public func mars_session_open(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ keys: UnsafePointer<UnsafePointer<CChar>?>?,
  _ values: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int
) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    var options: [(String, String)] = []
    try checkCount(count, 1 << 16, "count")
    for i in 0..<count { options.append((try text(require(keys, "keys")[i], "keys"), try text(require(values, "values")[i], "values"))) }
    out.pointee = retained(try Session(options: options))
  }
}

@c @implementation
public func mars_session_default(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = retained(try Session.default()) }
}

@c @implementation
public func mars_session_options(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in give(try object(session, Session.self, "session").optionsText(), to: try require(out, "out")) }
}

@c @implementation
public func mars_session_set_option(_ session: OpaquePointer?, _ key: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?) -> mars_status
{
  run { () throws(MarsError) in try object(session, Session.self, "session").setOption(text(key, "key"), text(value, "value")) }
}

@c @implementation
public func mars_session_statistics(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in give(try object(session, Session.self, "session").statisticsText(), to: try require(out, "out")) }
}

@c @implementation
public func mars_session_trace(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in give(try object(session, Session.self, "session").traceText(), to: try require(out, "out")) }
}

@c @implementation
public func mars_session_claim(_ session: OpaquePointer?, _ claims: Int32) -> mars_status {
  run { () throws(MarsError) in try object(session, Session.self, "session").claim(claims != 0) }
}

@c @implementation
public func mars_session_retain(_ session: OpaquePointer?) -> OpaquePointer? {
  retain(session, Session.self)
  return session
}

@c @implementation
public func mars_session_release(_ session: OpaquePointer?) { release(session, Session.self) }
