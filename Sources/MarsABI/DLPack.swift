// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The names are those of mars.h.

import CMars
import MarsBase
import MarsSession

// Exchange of arrays with other libraries in this process, without copies.

private func code(_ d: DType) -> UInt8 {
  switch d {
  case .bool: UInt8(CMARS_DL_BOOL)
  case .bfloat16: UInt8(CMARS_DL_BFLOAT)
  default:
    switch d.kind {
    case .bool: UInt8(CMARS_DL_BOOL)
    case .signed: UInt8(CMARS_DL_INT)
    case .unsigned: UInt8(CMARS_DL_UINT)
    case .floating: UInt8(CMARS_DL_FLOAT)
    case .complex: UInt8(CMARS_DL_COMPLEX)
    }
  }
}

/// What an exported array keeps alive.
private final class Exported {
  let array: FetchedArray
  let extents: UnsafeMutablePointer<Int64>
  init(_ array: FetchedArray) {
    self.array = array
    let n = array.view.shape.count
    extents = .allocate(capacity: max(2 * n, 1))
    for i in 0..<n {
      extents[i] = Int64(array.view.shape[i])
      extents[n + i] = Int64(array.view.strides[i] / array.view.dtype.itemSize)
    }
  }
  deinit { extents.deallocate() }
}

@c @implementation
public func mars_tensor_to_dlpack(
  _ managed: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ session: OpaquePointer?, _ tensor: OpaquePointer?
) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(managed, "managed")
    let a = try object(session, Session.self, "session").fetch(object(tensor, Tensor.self, "tensor"))
    guard a.view.strides.allSatisfy({ $0 % a.view.dtype.itemSize == 0 }) else {
      throw MarsError(.value, "DLPack counts strides in elements, which these are not multiples of")
    }
    let keep = Exported(a)
    let p = UnsafeMutablePointer<cmars_dl_managed>.allocate(capacity: 1)
    var m = cmars_dl_managed()
    m.major = 1
    m.minor = 0
    m.manager_ctx = Unmanaged.passRetained(keep).toOpaque()
    m.deleter = { me in
      guard let me else { return }
      if let c = me.pointee.manager_ctx { Unmanaged<Exported>.fromOpaque(c).release() }
      me.deallocate()
    }
    m.flags = a.isReadOnly ? UInt64(CMARS_DL_READ_ONLY) : 0
    m.data = a.view.base
    m.device_type = CMARS_DL_CPU
    m.ndim = Int32(a.view.shape.count)
    m.code = code(a.view.dtype)
    m.bits = UInt8(a.view.dtype == .bool ? 8 : a.view.dtype.itemSize * 8)
    m.lanes = 1
    m.shape = keep.extents
    m.strides = keep.extents + a.view.shape.count
    p.initialize(to: m)
    out.pointee = UnsafeMutableRawPointer(p)
  }
}

@c @implementation
public func mars_tensor_from_dlpack(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ managed: UnsafeMutableRawPointer?) -> mars_status {
  run { () throws(MarsError) in
    let out = try require(out, "out")
    let p = try require(managed, "managed").assumingMemoryBound(to: cmars_dl_managed.self)
    let m = p.pointee
    guard m.major == 1 else { throw MarsError(.unsupported, "DLPack version \(m.major).\(m.minor) is not understood: only 1.x is") }
    guard m.device_type == CMARS_DL_CPU else {
      throw MarsError(.unsupported, "the DLPack array is on device type \(m.device_type): only the CPU (1) is supported")
    }
    guard m.lanes == 1, let d = DType.allCases.first(where: { code($0) == m.code && Int(m.bits) == $0.itemSize * 8 }) else {
      throw MarsError(.type, "DLPack type (code \(m.code), bits \(m.bits), lanes \(m.lanes)) has no dtype")
    }
    let shape = try extents(UnsafePointer(m.shape), m.ndim, "shape", leastExtent: 0)
    guard Shape.isAddressable(shape, itemSize: d.itemSize), m.byte_offset <= UInt64(Int.max) else {
      throw MarsError(.value, "the DLPack array is too big: shape \(Shape.text(shape)) of \(d.name)")
    }
    guard let data = m.data ?? (shape.contains(0) ? UnsafeMutableRawPointer(bitPattern: 64) : nil) else {
      throw MarsError(.handle, "the DLPack array has no data")
    }
    let strides = m.strides.map { s in shape.indices.map { Int(s[$0]) &* d.itemSize } }
    let base = data + Int(m.byte_offset)
    let v = strides.map { ArrayView(base: base, dtype: d, shape: shape, strides: $0) } ?? ArrayView(base: base, dtype: d, shape: shape)
    let given = Imported(p)
    out.pointee = retained(try Tensor.alias(of: v) { given.giveBack() })
  }
}

/// A DLPack array that was handed over.
private struct Imported: @unchecked Sendable {
  let managed: UnsafeMutablePointer<cmars_dl_managed>
  init(_ managed: UnsafeMutablePointer<cmars_dl_managed>) { self.managed = managed }
  func giveBack() { managed.pointee.deleter?(managed) }
}
