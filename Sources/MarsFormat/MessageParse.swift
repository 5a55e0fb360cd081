import CGraphProto
import MarsBase

extension GraphCodec {
  /// Parses the message and calls `body` with it; its memory is bounded by the limits and given back on return.
  static func parse<R>(
    _ bytes: UnsafeRawBufferPointer, limits: DecodeLimits, _ body: (Mars__Graph) throws(MarsError) -> R
  ) throws(MarsError) -> R {
    // Unpacked data leaves take as much as the file, and the list of its fields may for a moment too.
    let arena = MessageArena(limit: limits.parseBytes + 2 * bytes.count)
    let message = arena.withAllocator { allocator in
      mars__graph__unpack(allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard let message else {
      if arena.isExhausted { throw FormatError.malformed("its fields take more memory than the limit of \(limits.parseBytes) bytes") }
      throw FormatError.malformed("the bytes are not a protobuf message, or were cut off")
    }
    defer { withExtendedLifetime(arena) {} }
    return try body(message.pointee)
  }
}
