import Glibc

/// Owns a piece of memory and gives it back exactly once.
package final class Buffer: @unchecked Sendable {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let release: @Sendable (UnsafeMutableRawPointer, Int) -> Void
  /// Memory of the client, which Mars may not write to and does not count against its limit.
  package let isBorrowed: Bool

  /// What memory for `byteCount` bytes counts against the limit: whole pages, or lines where it is small.
  package static func capacity(_ byteCount: Int) -> Int {
    if byteCount < pagedFrom { return max(64, (byteCount + 63) & ~63) }
    return (byteCount + 4095) & ~4095
  }
  /// From here on a buffer is pages.
  package static let pagedFrom = 64 << 10

  package init(
    base: UnsafeMutableRawPointer, byteCount: Int, isBorrowed: Bool = false,
    release: @escaping @Sendable (UnsafeMutableRawPointer, Int) -> Void
  ) {
    self.base = base
    self.byteCount = byteCount
    self.isBorrowed = isBorrowed
    self.release = release
  }
  deinit { release(base, byteCount) }

  /// Memory that no limit counts; nil when there is none.  Large pieces lie in huge pages: reading them is a third faster.
  package static func unlimited(byteCount: Int) -> Buffer? {
    if byteCount >= 2 * SystemMemory.hugePageSize {
      let memory = SystemMemory()
      // The last page is made whole where that costs little.
      let whole = (byteCount + SystemMemory.hugePageSize - 1) & ~(SystemMemory.hugePageSize - 1)
      let size = whole - byteCount <= byteCount / 8 ? whole : byteCount
      guard let base = memory.map(size, reserved: true) else { return nil }
      return Buffer(base: base, byteCount: byteCount) { p, _ in memory.unmap(p, size) }
    }
    var memory: UnsafeMutableRawPointer? = nil
    guard posix_memalign(&memory, 64, max(byteCount, 1)) == 0, let memory else { return nil }
    return Buffer(base: memory, byteCount: byteCount) { p, _ in free(p) }
  }

  /// A copy of numbers in such memory.
  package static func unlimited(_ values: [Int64]) -> Buffer? {
    let made = unlimited(byteCount: 8 * values.count)
    values.withUnsafeBytes { if let from = $0.baseAddress, let made { made.base.copyMemory(from: from, byteCount: $0.count) } }
    return made
  }
}

/// Scratch memory of one task.
package struct Workspace: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer
  package init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }
}

/// Bytes that somebody else owns for the length of a call.
package struct ByteView: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}
