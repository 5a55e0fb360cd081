import Glibc
import MarsBase
import MarsPlan

/// Memory of blocks: large buffers are pages that are kept warm for the next block of their size, small ones come from malloc.
///
/// Sizes are exact up to a page, because the limit is: chunks of a tensor have few different sizes, so buffers fit again all the same.
/// What malloc is given back it keeps, too, and nobody can ask it how much: the pool counts what it may hold.
struct BufferPool: ~Copyable {
  fileprivate struct Free: BitwiseCopyable {
    var base: UnsafeMutableRawPointer
    var capacity: Int
  }
  private var free = Column<Free>()
  /// Buffers that left the pool and must be unmapped once the lock is not held.
  private var leaving = Column<Free>()
  private(set) var freeBytes = 0
  /// Bytes of small buffers in use, and the most that were since malloc last gave its free pages back.
  private var smallBytes = 0
  private var mostSmallBytes = 0
  private var returnsSmall = false
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
      guard posix_memalign(&p, 64, capacity) == 0 else { return nil }
      smallBytes += capacity
      mostSmallBytes = max(mostSmallBytes, smallBytes)
      return p
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
      smallBytes -= capacity
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

  /// Bytes of small buffers that were given back and may be resident still.
  private var idleSmallBytes: Int { mostSmallBytes - smallBytes }
  /// Fewer idle bytes are not worth asking malloc for, which walks all that is free.
  private static let leastReturned = 16 << 20

  /// Gives up idle memory that leaves no room for a new buffer of `capacity` bytes in `room`.
  mutating func makeRoom(for capacity: Int, in room: Int) {
    if freeBytes + idleSmallBytes + capacity <= room { return }
    if capacity < Buffer.pagedFrom {
      // It is made of what malloc holds.
      dropPages(to: room - max(capacity, idleSmallBytes))
    } else if freeBytes == 0 || !hasWarm(capacity) {
      returnSmall()
      dropPages(to: room - capacity)
    }
  }

  /// Gives up idle memory until at most `bytes` are kept; `takeLeaving` hands it out.
  mutating func trim(to bytes: Int) {
    if freeBytes + idleSmallBytes <= bytes { return }
    returnSmall()
    dropPages(to: bytes)
  }

  /// What malloc holds, if it is much.
  private mutating func returnSmall() {
    if idleSmallBytes < BufferPool.leastReturned { return }
    mostSmallBytes = smallBytes
    returnsSmall = true
  }

  /// Large buffers, oldest first.
  private mutating func dropPages(to bytes: Int) {
    if freeBytes <= max(0, bytes) { return }
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

  var hasLeaving: Bool { !leaving.isEmpty || returnsSmall }

  /// What is to be given back to the system once the lock is not held.
  struct Leaving {
    fileprivate var buffers: [Free] = []
    fileprivate var returnsSmall = false

    func release(to memory: any MemorySource) {
      for f in buffers { memory.unmap(f.base, f.capacity) }
      if returnsSmall { memory.returnFreed() }
    }
  }

  mutating func takeLeaving() -> Leaving {
    var out = Leaving(returnsSmall: returnsSmall)
    returnsSmall = false
    while let f = leaving.popLast() { out.buffers.append(f) }
    return out
  }
}
