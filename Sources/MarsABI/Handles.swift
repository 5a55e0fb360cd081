import CMars
import MarsBase
import MarsSession

/// Turns Swift errors into status codes and the thread's error record.
func run(_ body: () throws(MarsError) -> Void) -> Int32 {
  FirstUse.finish()
  do throws(MarsError) {
    try body()
    return MARS_OK
  } catch {
    cmars_error_set(-error.code.rawValue, error.message, error.op, error.origin, error.systemError, error.path)
    return -error.code.rawValue
  }
}

/// A new reference for the client.
func retained<T: AnyObject>(_ object: T) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

/// The object behind a handle.
func object<T: AnyObject>(_ handle: OpaquePointer?, _ type: T.Type, _ name: String) throws(MarsError) -> T {
  guard let handle else { throw MarsError(.handle, "argument '\(name)' is NULL") }
  // A handle of another kind is an object too: its class tells.
  let any = Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
  guard let object = any as? T else { throw MarsError(.handle, "argument '\(name)' is a handle of another kind") }
  return object
}

func release<T: AnyObject>(_ handle: OpaquePointer?, _ type: T.Type) {
  guard let handle else { return }
  Unmanaged<T>.fromOpaque(UnsafeRawPointer(handle)).release()
}

func retain<T: AnyObject>(_ handle: OpaquePointer?, _ type: T.Type) {
  guard let handle else { return }
  _ = Unmanaged<T>.fromOpaque(UnsafeRawPointer(handle)).retain()
}

/// An argument that may not be NULL.
func require<T>(_ pointer: T?, _ name: String) throws(MarsError) -> T {
  guard let pointer else { throw MarsError(.handle, "argument '\(name)' is NULL") }
  return pointer
}

/// A UTF-8 string argument.
func text(_ p: UnsafePointer<CChar>?, _ name: String) throws(MarsError) -> String {
  let p = try require(p, name)
  guard let s = String(validatingCString: p) else { throw MarsError(.value, "argument '\(name)' is not valid UTF-8") }
  return s
}

func checkStruct(_ size: UInt32, _ expected: Int, _ name: String) throws(MarsError) {
  guard size >= UInt32(expected) else {
    throw MarsError(.value, "\(name).struct_size is \(size): set it to sizeof(\(name)), which is \(expected)")
  }
}

/// Refuses a size_t beyond a bound; one beyond 63 bits is negative here.
func checkCount(_ count: Int, _ most: Int, _ name: String) throws(MarsError) {
  guard count >= 0 && count <= most else {
    throw MarsError(.value, "argument '\(name)' must be at most \(most) but is \(UInt(bitPattern: count))")
  }
}

/// Refuses bits without a meaning: one day they may get one.
func checkFlags(_ flags: UInt32, _ known: UInt32, _ name: String) throws(MarsError) {
  let unknown = flags & ~known
  guard unknown == 0 else { throw MarsError(.value, "\(name) has bits that are no flag: 0x\(String(unknown, radix: 16))") }
}

func dtype(_ raw: Int32, _ name: String) throws(MarsError) -> DType {
  guard raw >= 0 && raw < 256, let d = DType(rawValue: UInt8(raw)) else {
    throw MarsError(.type, "argument '\(name)' is \(raw), which is no mars_dtype")
  }
  return d
}

/// Text owned by the client.
final class StringBox {
  let bytes: UnsafeMutablePointer<CChar>
  let count: Int
  init(bytes source: [UInt8]) {
    count = source.count
    bytes = .allocate(capacity: count + 1)
    source.withUnsafeBytes { raw in
      if let base = raw.baseAddress, raw.count > 0 { UnsafeMutableRawPointer(bytes).copyMemory(from: base, byteCount: raw.count) }
    }
    bytes[count] = 0
  }
  deinit { bytes.deallocate() }
}

func give(_ s: String, to out: UnsafeMutablePointer<OpaquePointer?>) { out.pointee = retained(StringBox(bytes: Array(s.utf8))) }
