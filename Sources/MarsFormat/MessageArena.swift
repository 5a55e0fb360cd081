import CGraphProto
import Glibc

/// Memory of protobuf-c messages, given back all at once; it refuses to grow beyond a limit.
///
/// Serves as protobuf-c's allocator on reading and as storage of the messages on writing.
final class MessageArena {
  private var chunks: [UnsafeMutableRawPointer] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  private var chunkSize = 1 << 16
  /// Bytes taken from the system.
  private(set) var used = 0
  private let limit: Int
  /// Whether an allocation was refused.
  private(set) var isExhausted = false

  init(limit: Int) { self.limit = limit }

  deinit { for c in chunks { free(c) } }

  /// Memory aligned to 16 bytes, not zeroed; nil beyond the limit or where the system has none.
  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, byteCount <= min(limit, Int.max - 15) else { return refuse() }
    let n = max(16, (byteCount + 15) & ~15)
    if n > left {
      // A large piece has a chunk of its own, so that the current one is not wasted.
      if n >= chunkSize / 4 { return take(n) }
      let size = min(chunkSize, limit - used) & ~15
      guard size >= n, let c = take(size) else { return refuse() }
      next = c
      left = size
      chunkSize = min(chunkSize * 2, 4 << 20)
    }
    guard let p = next else { return refuse() }
    next = p + n
    left -= n
    return p
  }

  private func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount <= limit - used, let c = malloc(byteCount) else { return refuse() }
    used += byteCount
    chunks.append(c)
    return c
  }

  private func refuse() -> UnsafeMutableRawPointer? {
    isExhausted = true
    return nil
  }

  /// Calls `body` with a protobuf-c allocator whose blocks live as long as the arena.
  func withAllocator<R>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> R) -> R {
    var allocator = ProtobufCAllocator(
      alloc: { arena, size in
        guard let arena, let n = Int(exactly: size) else { return nil }
        return Unmanaged<MessageArena>.fromOpaque(arena).takeUnretainedValue().allocate(n)
      },
      free: { _, _ in }, allocator_data: Unmanaged.passUnretained(self).toOpaque())
    return withExtendedLifetime(self) { body(&allocator) }
  }

  // MARK: writing

  /// Room for `count` values.  Only for arenas without a limit; stops the process where the system has no memory, as Swift's arrays do.
  func array<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
    guard let p = allocate(count * MemoryLayout<T>.stride) else { fatalError("out of memory for \(count) graph records") }
    return p.bindMemory(to: T.self, capacity: count)
  }

  func bytes(_ source: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
    let p = array(UInt8.self, source.count)
    UnsafeMutableRawBufferPointer(start: p, count: source.count).copyMemory(from: source)
    return ProtobufCBinaryData(len: source.count, data: p)
  }

  func bytes(_ text: String) -> ProtobufCBinaryData {
    var text = text
    return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }
}
