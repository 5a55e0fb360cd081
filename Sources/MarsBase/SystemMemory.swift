import Glibc

/// Memory mapped from the operating system.
package final class SystemMemory: MemorySource {
  package static let pageSize = 4096
  package static let hugePageSize = 2 << 20

  package init() {}

  /// Maps zeroed pages; from 2 MB on aligned to huge pages and advised to use them.
  package func map(_ byteCount: Int) -> UnsafeMutableRawPointer? { map(byteCount, reserved: false) }

  /// `reserved`: nil where the system says that there cannot be so much memory; for what no limit counts.
  package func map(_ byteCount: Int, reserved: Bool) -> UnsafeMutableRawPointer? {
    let size = (byteCount + SystemMemory.pageSize - 1) & ~(SystemMemory.pageSize - 1)
    let huge = SystemMemory.hugePageSize
    guard size >= huge else { return anonymous(max(size, SystemMemory.pageSize), reserved) }
    guard let raw = anonymous(size + huge, reserved) else { return nil }
    let start = (Int(bitPattern: raw) + huge - 1) & ~(huge - 1)
    let before = start - Int(bitPattern: raw)
    let base = raw + before
    if before > 0 { munmap(raw, before) }
    if huge - before > 0 { munmap(base + size, huge - before) }
    madvise(base, size, MADV_HUGEPAGE)
    return base
  }

  package func unmap(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    let size = (byteCount + SystemMemory.pageSize - 1) & ~(SystemMemory.pageSize - 1)
    munmap(base, max(size, SystemMemory.pageSize))
  }

  package func returnFreed() {
    _ = SystemMemory.mallocTrim?(0)
  }

  /// glibc's malloc_trim, which Swift's module of it lacks; a host may have another malloc and not have it.
  private static let mallocTrim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> CInt).self) }

  /// Second field of /proc/self/statm; 0 where that cannot be read.
  package func residentBytes() -> Int {
    let fd = Glibc.open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return 0 }
    defer { close(fd) }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { text in
      let n = Glibc.read(fd, text.baseAddress, text.count)
      var fields = [0]
      for i in 0..<max(n, 0) {
        let c = text[i]
        if c == 32 {
          fields.append(0)
        } else if c >= 48 && c <= 57 {
          fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(c - 48)
        }
      }
      return fields.count > 1 ? fields[1] * SystemMemory.pageSize : 0
    }
  }

  private func anonymous(_ size: Int, _ reserved: Bool) -> UnsafeMutableRawPointer? {
    let p = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (reserved ? 0 : MAP_NORESERVE), -1, 0)
    return p == MAP_FAILED ? nil : p
  }
}
