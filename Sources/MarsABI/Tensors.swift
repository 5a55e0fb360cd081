// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

@c @implementation
public func mars_tensor_retain(_ tensor: OpaquePointer?) -> OpaquePointer? {
  retain(tensor, Tensor.self)
  return tensor
}

@c @implementation
public func mars_tensor_release(_ tensor: OpaquePointer?) { release(tensor, Tensor.self) }

/// The view that a mars_array describes.
func view(_ a: UnsafePointer<mars_array>) throws(MarsError) -> ArrayView {
  let x = a.pointee
  try checkStruct(x.struct_size, MemoryLayout<mars_array>.size, "mars_array")
  try checkFlags(x.flags, UInt32(MARS_ARRAY_READONLY), "array.flags")
  let d = try dtype(x.dtype, "array.dtype")
  let shape = try extents(x.shape, x.ndim, "array.shape", leastExtent: 0)
  guard let count = Shape.count(shape), Shape.isAddressable(shape, itemSize: d.itemSize) else {
    throw MarsError(.value, "array is too big: shape \(Shape.text(shape)) of \(d.name) exceeds the address space")
  }
  guard let data = x.data ?? (count == 0 ? UnsafeMutableRawPointer(bitPattern: 64) : nil) else {
    throw MarsError(.handle, "array.data is NULL")
  }
  guard let strides = x.strides else { return ArrayView(base: data, dtype: d, shape: shape) }
  return ArrayView(base: data, dtype: d, shape: shape, strides: (0..<shape.count).map { Int(strides[$0]) })
}

func extents(_ p: UnsafePointer<Int64>?, _ ndim: Int32, _ name: String, leastExtent: Int) throws(MarsError) -> [Int] {
  guard ndim >= 0 && ndim <= MARS_MAX_DIMS else { throw MarsError(.value, "ndim must be between 0 and \(MARS_MAX_DIMS) but is \(ndim)") }
  if ndim == 0 { return [] }
  let p = try require(p, name)
  var out: [Int] = []
  for i in 0..<Int(ndim) {
    guard p[i] >= leastExtent else { throw MarsError(.value, "negative dimensions are not allowed: \(name)[\(i)] is \(p[i])") }
    out.append(Int(p[i]))
  }
  return out
}

/// Calls a client's release function.
struct Owner: @unchecked Sendable {
  let owner: UnsafeMutableRawPointer?
  let release: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
  func giveBack() { release?(owner) }
}

@c @implementation
public func mars_tensor_from_array(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ array: UnsafePointer<mars_array>?, _ mode: Int32, _ chunks: UnsafePointer<Int64>?
) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    let array = try require(array, "array")
    let v = try view(array)
    var preferred: [Int]? = nil
    if let chunks {
      preferred = try ChunkExtents.checked((0..<v.rank).map { Int(chunks[$0]) }, over: v.shape)
    }
    let owner = Owner(owner: array.pointee.owner, release: array.pointee.release)
    switch mode {
    case MARS_COPY:
      out.pointee = retained(try Tensor.copy(of: v, preferredChunks: preferred))
      owner.giveBack()
    case MARS_ALIAS: out.pointee = retained(try Tensor.alias(of: v, preferredChunks: preferred) { owner.giveBack() })
    default: throw MarsError(.value, "mode must be MARS_COPY or MARS_ALIAS but is \(mode)")
    }
  }
}

@c @implementation
public func mars_tensor_describe(_ out: UnsafeMutablePointer<mars_tensor_info>?, _ tensor: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    try checkStruct(out.pointee.struct_size, MemoryLayout<mars_tensor_info>.size, "mars_tensor_info")
    let t = try object(tensor, Tensor.self, "tensor")
    let type = t.type
    out.pointee.dtype = Int32(type.dtype.rawValue)
    out.pointee.ndim = Int32(type.rank)
    out.pointee.is_executed = t.isExecuted ? 1 : 0
    out.pointee.is_scalar = t.isScalar ? 1 : 0
    out.pointee.is_read_only = t.isReadOnly || t.isScalar ? 1 : 0
    withUnsafeMutableBytes(of: &out.pointee.shape) { raw in
      let p = raw.bindMemory(to: Int64.self)
      for i in 0..<Int(MARS_MAX_DIMS) { p[i] = i < type.rank ? Int64(type.shape[i]) : 0 }
    }
  }
}

@c @implementation
public func mars_tensor_type(
  _ dtype: UnsafeMutablePointer<mars_dtype>?, _ ndim: UnsafeMutablePointer<Int32>?, _ shape: UnsafeMutablePointer<Int64>?,
  _ tensor: OpaquePointer?
) -> mars_status {
  run { () throws(MarsError) in
    let type = try object(tensor, Tensor.self, "tensor").type
    dtype?.pointee = Int32(type.dtype.rawValue)
    ndim?.pointee = Int32(type.rank)
    if let shape { for (i, d) in type.shape.enumerated() { shape[i] = Int64(d) } }
  }
}

@c @implementation
public func mars_tensor_chunks(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensor: OpaquePointer?)
  -> mars_status
{
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    give(try s.chunksText(object(tensor, Tensor.self, "tensor")), to: try require(out, "out"))
  }
}

/// Whether a client still waits, as it says itself.
struct Waiting: @unchecked Sendable {
  let goesOn: mars_patience
  let user: UnsafeMutableRawPointer?
  init(_ goesOn: mars_patience?, _ user: UnsafeMutableRawPointer?) throws(MarsError) {
    self.goesOn = try require(goesOn, "goes_on")
    self.user = user
  }
  func callAsFunction() -> Bool { goesOn(user) != 0 }
}

@c @implementation
public func mars_tensor_chunks_while(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ session: OpaquePointer?, _ tensor: OpaquePointer?, _ goes_on: mars_patience?,
  _ user: UnsafeMutableRawPointer?
) -> mars_status {
  run { () throws(MarsError) in
    let s = try object(session, Session.self, "session")
    let waits = try Waiting(goes_on, user)
    give(try s.chunksText(object(tensor, Tensor.self, "tensor"), while: { waits() }), to: try require(out, "out"))
  }
}

@c @implementation
public func mars_tensor_assign(_ target: OpaquePointer?, _ value: UnsafePointer<mars_operand>?, _ origin: UnsafePointer<CChar>?)
  -> mars_status
{
  run { () throws(MarsError) in
    let t = try object(target, Tensor.self, "target")
    let origin = origin.map { String(cString: $0) } ?? ""
    let given: TensorOperand
    do throws(MarsError) { given = try operand(require(value, "value"), "value") } catch { throw error.at(op: "assign", origin: origin) }
    try t.assign(given, origin: origin)
  }
}

@c @implementation
public func mars_tensor_store(
  _ target: OpaquePointer?, _ result: OpaquePointer?, _ function: UnsafePointer<CChar>?, _ casting: UnsafePointer<CChar>?,
  _ origin: UnsafePointer<CChar>?
) -> mars_status {
  run { () throws(MarsError) in
    let t = try object(target, Tensor.self, "target")
    try t.store(
      object(result, Tensor.self, "result"), function: function.map { String(cString: $0) },
      casting: casting.map { c throws(MarsError) in try Casting(named: String(cString: c)) },
      origin: origin.map { String(cString: $0) } ?? "")
  }
}

@c @implementation
public func mars_tensor_shares_storage(_ out: UnsafeMutablePointer<Int32>?, _ a: OpaquePointer?, _ b: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    let answer = try object(a, Tensor.self, "a").sharesStorage(with: object(b, Tensor.self, "b"))
    try require(out, "out").pointee = answer ? 1 : 0
  }
}

@c @implementation
public func mars_tensor_shares_memory(
  _ out: UnsafeMutablePointer<Int32>?, _ a: OpaquePointer?, _ b: OpaquePointer?, _ exactly: Int32
) -> mars_status {
  run { () throws(MarsError) in
    let answer = try object(a, Tensor.self, "a").sharesMemory(with: object(b, Tensor.self, "b"), exactly: exactly != 0)
    try require(out, "out").pointee = answer ? 1 : 0
  }
}

@c @implementation
public func mars_tensor_needs(_ out: UnsafeMutablePointer<Int32>?, _ tensor: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    let found = try object(tensor, Tensor.self, "tensor").needs()
    try require(out, "out").pointee = found.rawValue
  }
}

@c @implementation
public func mars_tensor_snapshot(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = retained(try object(tensor, Tensor.self, "tensor").snapshot()) }
}

func operand(_ p: UnsafePointer<mars_operand>, _ name: String) throws(MarsError) -> TensorOperand {
  let o = p.pointee
  try checkStruct(o.struct_size, MemoryLayout<mars_operand>.size, "mars_operand")
  switch o.kind {
  case MARS_OPERAND_TENSOR: return .tensor(try object(o.tensor, Tensor.self, name))
  case MARS_OPERAND_WEAK_BOOL: return .weak(Scalar(o.i != 0))
  case MARS_OPERAND_WEAK_INT: return .weak(Scalar(o.i))
  case MARS_OPERAND_WEAK_UINT: return .weak(Scalar(dtype: .uint64, low: UInt64(bitPattern: o.i)))
  case MARS_OPERAND_WEAK_FLOAT: return .weak(Scalar(o.re))
  case MARS_OPERAND_WEAK_BIG: return .big(o.re)
  case MARS_OPERAND_NONE: return .absent
  case MARS_OPERAND_WEAK_COMPLEX: return .weak(Scalar(real: o.re, imag: o.im))
  default: throw MarsError(.value, "\(name).kind is \(o.kind), which is no MARS_OPERAND kind")
  }
}

/// A chunk function of the client.
private final class ChunkFunction: ChunkCallback, @unchecked Sendable {
  let function: mars_chunk_function
  let user: UnsafeMutableRawPointer?
  let destroy: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
  /// Whether the call that handed `user` over has succeeded: a failing call has taken nothing.
  let isTaken = Locked(false)
  init(
    _ function: @escaping mars_chunk_function, _ user: UnsafeMutableRawPointer?,
    _ destroy: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
  ) {
    self.function = function
    self.user = user
    self.destroy = destroy
  }
  deinit { if isTaken.withLock({ $0 }) { destroy?(user) } }

  func call(input: ArrayView, output: ArrayView, lower: [Int]) throws(MarsError) {
    var message = [CChar](repeating: 0, count: 1024)
    let (si, so) = (input.shape.map(Int64.init), output.shape.map(Int64.init))
    let (ti, to) = (input.strides.map(Int64.init), output.strides.map(Int64.init))
    let l = lower.map(Int64.init)
    var a = mars_array()
    a.struct_size = UInt32(MemoryLayout<mars_array>.size)
    var b = a
    (a.dtype, b.dtype) = (Int32(input.dtype.rawValue), Int32(output.dtype.rawValue))
    (a.ndim, b.ndim) = (Int32(input.rank), Int32(output.rank))
    (a.data, b.data) = (input.base, output.base)
    a.flags = UInt32(MARS_ARRAY_READONLY)
    let status = si.withUnsafeBufferPointer { si in
      ti.withUnsafeBufferPointer { ti in
        so.withUnsafeBufferPointer { so in
          to.withUnsafeBufferPointer { to in
            a.shape = si.baseAddress
            a.strides = ti.baseAddress
            b.shape = so.baseAddress
            b.strides = to.baseAddress
            return function(user, &a, &b, l, &message, message.count)
          }
        }
      }
    }
    if status != 0 {
      message[message.count - 1] = 0
      let said = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw MarsError(.callback, said.isEmpty ? "the chunk function returned \(status)" : said)
    }
  }
}

@c @implementation
public func mars_tensor_map_chunk(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?, _ dtype: mars_dtype, _ function: mars_chunk_function?,
  _ user: UnsafeMutableRawPointer?, _ destroy: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ origin: UnsafePointer<CChar>?
) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    let t = try object(tensor, Tensor.self, "tensor")
    let d = try MarsABI.dtype(dtype, "dtype")
    let f = ChunkFunction(try require(function, "function"), user, destroy)
    let mapped = try t.mapChunk(f, dtype: d, origin: origin.map { String(cString: $0) } ?? "")
    f.isTaken.withLock { $0 = true }
    out.pointee = retained(mapped)
  }
}
