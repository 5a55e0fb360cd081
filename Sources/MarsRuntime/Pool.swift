import Glibc
import MarsBase
import MarsPlan

/// Memory of blocks: large buffers are pages that are kept warm for the next block of their size, small ones come from malloc.
///
/// Sizes are exact up to a page, because the limit is: chunks of a tensor have few different sizes, so buffers fit again all the same.
struct BufferPool: ~Copyable {
  private struct Free: BitwiseCopyable {
    var base: UnsafeMutableRawPointer
    var capacity: Int
  }
  private var free = Column<Free>()
  /// Buffers that left the pool and must be unmapped once the lock is not held.
  private var leaving = Column<Free>()
  private(set) var freeBytes = 0
  private(set) var reused = 0
  private(set) var fresh = 0
  private let memory: any MemorySource

  init(memory: any MemorySource) { self.memory = memory }

  deinit {
    for i in 0..<free.count { memory.unmap(free[i].base, free[i].capacity) }
    for i in 0..<leaving.count { memory.unmap(leaving[i].base, leaving[i].capacity) }
  }

  /// What a buffer for `byteCount` bytes counts against the limit.
  static func capacity(_ byteCount: Int) -> Int { Buffer.capacity(byteCount) }

  /// A buffer of exactly `capacity`, a value of `BufferPool.capacity`; nil if the system has no memory.
  mutating func take(_ capacity: Int) -> UnsafeMutableRawPointer? {
    if capacity < Buffer.pagedFrom {
      // Room for a full vector behind the last element costs nothing and lets kernels read whole lines.
      var p: UnsafeMutableRawPointer? = nil
      return posix_memalign(&p, 64, capacity) == 0 ? p : nil
    }
    var i = free.count - 1
    while i >= 0 {
      if free[i].capacity == capacity {
        let base = free[i].base
        free.swapRemove(at: i)
        freeBytes -= capacity
        reused += 1
        return base
      }
      i -= 1
    }
    fresh += 1
    return memory.map(capacity)
  }

  /// Takes a buffer back; it stays warm until `trim`.
  mutating func put(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
    if capacity < Buffer.pagedFrom {
      Glibc.free(base)
      return
    }
    free.append(Free(base: base, capacity: capacity))
    freeBytes += capacity
  }

  /// Whether a request would be served by a warm buffer.
  borrowing func hasWarm(_ capacity: Int) -> Bool {
    for i in 0..<free.count where free[i].capacity == capacity { return true }
    return false
  }

  /// Gives up buffers, oldest first, until at most `bytes` are kept; `takeLeaving` hands them out to be unmapped.
  mutating func trim(to bytes: Int) {
    if freeBytes <= bytes { return }
    var kept = 0
    for i in 0..<free.count {
      let f = free[i]
      if freeBytes > bytes {
        freeBytes -= f.capacity
        leaving.append(f)
      } else {
        free[kept] = f
        kept += 1
      }
    }
    while free.count > kept { _ = free.popLast() }
  }

  var hasLeaving: Bool { !leaving.isEmpty }

  /// The buffers to unmap, moved to the caller.
  mutating func takeLeaving() -> [(UnsafeMutableRawPointer, Int)] {
    var out: [(UnsafeMutableRawPointer, Int)] = []
    while let f = leaving.popLast() { out.append((f.base, f.capacity)) }
    return out
  }
}
