// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

/// Most tensors or bindings of one call.
private let mostHandles = 1 << 24

private func tensors(_ p: UnsafePointer<OpaquePointer?>?, _ count: Int) throws(MarsError) -> [Tensor] {
  try checkCount(count, mostHandles, "count")
  var out: [Tensor] = []
  for i in 0..<count { out.append(try object(require(p, "tensors")[i], Tensor.self, "tensors[\(i)]")) }
  return out
}

private func bound(_ p: UnsafePointer<mars_binding>?, _ count: Int) throws(MarsError) -> [(String, Tensor)] {
  try checkCount(count, mostHandles, "binding_count")
  var out: [(String, Tensor)] = []
  for i in 0..<count {
    let b = try require(p, "bindings")[i]
    try checkStruct(b.struct_size, MemoryLayout<mars_binding>.size, "mars_binding")
    out.append((try text(b.name, "bindings[\(i)].name"), try object(b.tensor, Tensor.self, "bindings[\(i)].tensor")))
  }
  return out
}

@c @implementation
public func mars_execute(
  _ results: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensors: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ bindings: UnsafePointer<mars_binding>?, _ binding_count: Int
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    let b = try bound(bindings, binding_count)
    if !b.isEmpty { _ = try require(results, "results") }
    let r = try s.execute(MarsABI.tensors(tensors, count), bindings: b)
    if let results { for (i, t) in r.enumerated() { results[i] = retained(t) } }
  }
}

@c @implementation
public func mars_execute_async(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensors: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ bindings: UnsafePointer<mars_binding>?, _ binding_count: Int
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    let out = try require(out, "out")
    out.pointee = retained(try s.start(MarsABI.tensors(tensors, count), bindings: bound(bindings, binding_count)))
  }
}

@c @implementation
public func mars_run_progress(_ out: UnsafeMutablePointer<mars_progress>?, _ run: OpaquePointer?) -> mars_status {
  MarsABI.run { () throws(MarsError) in
    let out = try require(out, "out")
    try checkStruct(out.pointee.struct_size, MemoryLayout<mars_progress>.size, "mars_progress")
    let p = try object(run, Execution.self, "run").progress
    out.pointee.is_done = p.isDone ? 1 : 0
    out.pointee.tasks_done = Int64(p.done)
    out.pointee.tasks_total = Int64(p.total)
  }
}

@c @implementation
public func mars_run_wait(_ run: OpaquePointer?, _ seconds: Double) -> mars_status {
  MarsABI.run { () throws(MarsError) in
    guard !seconds.isNaN else { throw MarsError(.value, "seconds is not a number") }
    guard try object(run, Execution.self, "run").wait(seconds: seconds) else {
      throw MarsError(.timeout, "the run is not done after \(seconds) s")
    }
  }
}

@c @implementation
public func mars_run_results(_ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, _ run: OpaquePointer?) -> mars_status {
  MarsABI.run { () throws(MarsError) in
    let r = try object(run, Execution.self, "run").finishedResults()
    let results = try require(results, "results")
    guard r.count == count else { throw MarsError(.value, "the run has \(r.count) results but count is \(count)") }
    for (i, t) in r.enumerated() { results[i] = retained(t) }
  }
}

@c @implementation
public func mars_run_cancel(_ run: OpaquePointer?) -> mars_status {
  MarsABI.run { () throws(MarsError) in try object(run, Execution.self, "run").cancel() }
}

@c @implementation
public func mars_run_settle(_ run: OpaquePointer?, _ seconds: Double) -> mars_status {
  MarsABI.run { () throws(MarsError) in
    guard !seconds.isNaN else { throw MarsError(.value, "seconds is not a number") }
    guard try object(run, Execution.self, "run").settle(seconds: seconds) else {
      throw MarsError(.timeout, "tasks of the run are in progress after \(seconds) s")
    }
  }
}

@c @implementation
public func mars_run_release(_ run: OpaquePointer?) { release(run, Execution.self) }

/// What a fetched array holds: the memory's owner and the arrays that the struct points to.
private final class FetchedOwner {
  let array: FetchedArray
  let shape: UnsafeMutablePointer<Int64>
  let strides: UnsafeMutablePointer<Int64>
  init(_ array: FetchedArray) {
    self.array = array
    let view = array.view
    let n = view.rank
    shape = .allocate(capacity: max(n, 1))
    strides = .allocate(capacity: max(n, 1))
    for i in 0..<n {
      shape[i] = Int64(view.shape[i])
      strides[i] = Int64(view.strides[i])
    }
  }
  deinit {
    shape.deallocate()
    strides.deallocate()
  }
}

@c @implementation
public func mars_fetch(_ out: UnsafeMutablePointer<mars_array>?, _ session: OpaquePointer?, _ tensor: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    try checkStruct(out.pointee.struct_size, MemoryLayout<mars_array>.size, "mars_array")
    let a = try object(session, Session.self, "session").fetch(object(tensor, Tensor.self, "tensor"))
    let owner = FetchedOwner(a)
    out.pointee.dtype = Int32(a.view.dtype.rawValue)
    out.pointee.ndim = Int32(a.view.rank)
    out.pointee.flags = a.isReadOnly ? UInt32(MARS_ARRAY_READONLY) : 0
    out.pointee.data = a.view.base
    out.pointee.shape = UnsafePointer(owner.shape)
    out.pointee.strides = UnsafePointer(owner.strides)
    out.pointee.owner = Unmanaged.passRetained(owner).toOpaque()
    out.pointee.release = { p in if let p { Unmanaged<FetchedOwner>.fromOpaque(p).release() } }
  }
}

@c @implementation
public func mars_array_release(_ array: UnsafeMutablePointer<mars_array>?) {
  guard let array, let release = array.pointee.release else { return }
  let owner = array.pointee.owner
  array.pointee.release = nil
  array.pointee.owner = nil
  array.pointee.data = nil
  release(owner)
}

@c @implementation
public func mars_fetch_into(_ session: OpaquePointer?, _ tensor: OpaquePointer?, _ destination: UnsafePointer<mars_array>?) -> mars_status {
  run { () throws(MarsError) in
    let destination = try require(destination, "destination")
    let d = try view(destination)
    guard destination.pointee.flags & UInt32(MARS_ARRAY_READONLY) == 0 else {
      throw MarsError(.value, "argument 'destination' is read-only")
    }
    try object(session, Session.self, "session").fetch(object(tensor, Tensor.self, "tensor"), into: d)
  }
}

@c @implementation
public func mars_explain(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensors: UnsafePointer<OpaquePointer?>?, _ count: Int
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    give(try s.explain(MarsABI.tensors(tensors, count)), to: try require(out, "out"))
  }
}

@c @implementation
public func mars_explain_while(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensors: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ goes_on: mars_patience?, _ user: UnsafeMutableRawPointer?
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    let waits = try Waiting(goes_on, user)
    give(try s.explain(MarsABI.tensors(tensors, count), while: { waits() }), to: try require(out, "out"))
  }
}

@c @implementation
public func mars_plan_cut(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensors: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ pieces: Int64
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    give(try s.cut(MarsABI.tensors(tensors, count), pieces: Int(pieces)), to: try require(out, "out"))
  }
}
