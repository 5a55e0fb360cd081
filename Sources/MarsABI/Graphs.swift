// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

@c @implementation
public func mars_graph_new(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = retained(Graph()) }
}

@c @implementation
public func mars_graph_retain(_ graph: OpaquePointer?) -> OpaquePointer? {
  retain(graph, Graph.self)
  return graph
}

@c @implementation
public func mars_graph_release(_ graph: OpaquePointer?) { release(graph, Graph.self) }

@c @implementation
public func mars_graph_input(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ graph: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ dtype: mars_dtype,
  _ shape: UnsafePointer<Int64>?, _ ndim: Int32
) -> mars_status {
  run { () throws(MarsError) in
    let g = try object(graph, Graph.self, "graph")
    let out = try require(out, "out")
    let shape = try extents(shape, ndim, "shape", leastExtent: -1)
    out.pointee = retained(try g.addInput(text(name, "name"), MarsABI.dtype(dtype, "dtype"), shape))
  }
}

@c @implementation
public func mars_graph_output(_ graph: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    try object(graph, Graph.self, "graph").addOutput(text(name, "name"), object(tensor, Tensor.self, "tensor"))
  }
}

@c @implementation
public func mars_graph_input_count(_ out: UnsafeMutablePointer<Int64>?, _ graph: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = Int64(object(graph, Graph.self, "graph").inputs.count) }
}

@c @implementation
public func mars_graph_output_count(_ out: UnsafeMutablePointer<Int64>?, _ graph: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in try require(out, "out").pointee = Int64(object(graph, Graph.self, "graph").outputs.count) }
}

private func entry(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: UnsafeMutablePointer<OpaquePointer?>?, _ entries: [(name: String, tensor: Tensor)],
  _ i: Int64
) throws(MarsError) {
  guard i >= 0 && i < entries.count else { throw MarsError(.index, "index \(i) is out of bounds for \(entries.count) entries") }
  let out = try require(out, "out")
  let e = entries[Int(i)]
  if let name { give(e.name, to: name) }
  out.pointee = retained(e.tensor)
}

@c @implementation
public func mars_graph_get_input(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: UnsafeMutablePointer<OpaquePointer?>?, _ graph: OpaquePointer?, _ i: Int64
) -> mars_status {
  run { () throws(MarsError) in try entry(out, name, object(graph, Graph.self, "graph").inputs, i) }
}

@c @implementation
public func mars_graph_get_output(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: UnsafeMutablePointer<OpaquePointer?>?, _ graph: OpaquePointer?, _ i: Int64
) -> mars_status {
  run { () throws(MarsError) in try entry(out, name, object(graph, Graph.self, "graph").outputs, i) }
}

private func attribute(_ a: mars_attribute) throws(MarsError) -> (String, AttributeValue) {
  try checkStruct(a.struct_size, MemoryLayout<mars_attribute>.size, "mars_attribute")
  let name = try text(a.name, "attribute.name")
  guard a.count >= 0 && a.count < 1 << 48 else {
    throw MarsError(.value, "attribute '\(name)' has a count of \(a.count)")
  }
  let count = Int(a.count)
  switch a.kind {
  case MARS_ATTR_NONE: return (name, .none)
  case MARS_ATTR_BOOL: return (name, .bool(a.i != 0))
  case MARS_ATTR_INT: return (name, .int(Int(a.i)))
  case MARS_ATTR_FLOAT: return (name, .float(a.re))
  case MARS_ATTR_STRING: return (name, .string(try text(a.data?.assumingMemoryBound(to: CChar.self), name)))
  case MARS_ATTR_DTYPE: return (name, .dtype(try dtype(Int32(truncatingIfNeeded: a.i), name)))
  case MARS_ATTR_SCALAR:
    let d = try dtype(a.dtype, name)
    let wide: Scalar =
      switch d.kind {
      case .bool: Scalar(a.i != 0)
      case .signed: Scalar(a.i)
      case .unsigned: Scalar(dtype: .uint64, low: UInt64(bitPattern: a.i))
      case .floating: Scalar(a.re)
      case .complex: Scalar(real: a.re, imag: a.im)
      }
    return (name, .scalar(wide.cast(to: d)))
  case MARS_ATTR_INTS:
    if count == 0 { return (name, .ints([])) }
    let p = try require(a.data, name).assumingMemoryBound(to: Int64.self)
    return (name, .ints((0..<count).map { Int(p[$0]) }))
  case MARS_ATTR_STRINGS:
    if count == 0 { return (name, .strings([])) }
    let p = try require(a.data, name).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    var out: [String] = []
    for i in 0..<count { out.append(try text(p[i], name)) }
    return (name, .strings(out))
  case MARS_ATTR_BYTES:
    if count == 0 { return (name, .bytes([])) }
    let p = try require(a.data, name).assumingMemoryBound(to: UInt8.self)
    return (name, .bytes(Array(UnsafeBufferPointer(start: p, count: count))))
  default: throw MarsError(.value, "attribute '\(name)' has kind \(a.kind), which is no MARS_ATTR kind")
  }
}

@c @implementation
public func mars_graph_apply(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ out_count: Int, _ graph: OpaquePointer?, _ op: Int32,
  _ inputs: UnsafePointer<mars_operand>?, _ input_count: Int, _ attributes: UnsafePointer<mars_attribute>?, _ attribute_count: Int,
  _ origin: UnsafePointer<CChar>?
) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    try checkCount(input_count, 1 << 24, "input_count")
    try checkCount(attribute_count, 1 << 16, "attribute_count")
    let origin = origin.map { String(cString: $0) } ?? ""
    var operands: [TensorOperand] = []
    operands.reserveCapacity(input_count)
    var attrs: [(String, AttributeValue)] = []
    do throws(MarsError) {
      for i in 0..<input_count { operands.append(try operand(require(inputs, "inputs") + i, "inputs[\(i)]")) }
      for i in 0..<attribute_count { attrs.append(try attribute(require(attributes, "attributes")[i])) }
    } catch { throw error.at(op: Operators.name(Int(op)), origin: origin) }
    let results = try Operators.apply(Int(op), operands, attrs, outputCount: out_count, origin: origin)
    for (i, r) in results.enumerated() { out[i] = retained(r) }
    for i in results.count..<max(results.count, out_count) { out[i] = nil }
  }
}

@c @implementation
public func mars_graph_serialize(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ graph: OpaquePointer?) -> mars_status {
  run { () throws(MarsError) in
    let bytes = try object(graph, Graph.self, "graph").serialise()
    try require(out, "out").pointee = retained(StringBox(bytes: bytes))
  }
}

@c @implementation
public func mars_graph_parse(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ bytes: UnsafeRawPointer?, _ size: Int, _ flags: UInt32)
  -> mars_status
{
  run { () throws(MarsError) in
    let out = try require(out, "out")
    try checkCount(size, .max, "size")
    try checkFlags(flags, UInt32(MARS_PARSE_ALLOW_FILES), "flags")
    let raw = ByteView(UnsafeRawBufferPointer(start: try require(bytes, "bytes"), count: size))
    out.pointee = retained(
      try Graph.parse(
        raw, allowsFiles: flags & UInt32(MARS_PARSE_ALLOW_FILES) != 0))
  }
}
