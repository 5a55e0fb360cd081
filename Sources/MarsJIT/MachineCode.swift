import CLLVM
import Glibc
import MarsBase

/// Executable memory made from an object file; freed with its last reference, so eviction cannot take code that runs.
///
/// Kernels refer to nothing outside themselves (functions come through a table), so loading is: copy the sections, apply relative
/// relocations.
final class MachineCode: @unchecked Sendable {
  let entry: UnsafeRawPointer
  private let memory: UnsafeMutableRawPointer
  private let size: Int

  deinit { munmap(memory, size) }

  /// nil if the bytes are not an object file of the expected kind.
  init?(object: [UInt8]) {
    var reader = Reader(bytes: object)
    guard object.count >= 64, object[0..<4].elementsEqual([0x7f, 0x45, 0x4c, 0x46]), reader.at(18, 2) == 62 else { return nil }
    let table = reader.at(0x28, 8)
    let count = reader.at(0x3c, 2)
    struct Section { var type, flags, offset, size, link, info, align, address: Int }
    var sections: [Section] = []
    for i in 0..<count {
      let h = table + 64 * i
      sections.append(
        Section(
          type: reader.at(h + 4, 4), flags: reader.at(h + 8, 8), offset: reader.at(h + 24, 8), size: reader.at(h + 32, 8),
          link: reader.at(h + 40, 4), info: reader.at(h + 44, 4), align: max(1, reader.at(h + 48, 8)), address: -1))
    }
    // Sections that exist at run time (SHF_ALLOC), one after the other.
    var total = 0
    for i in sections.indices where sections[i].flags & 2 != 0 && sections[i].size > 0 {
      guard sections[i].align <= 4096, sections[i].size <= 1 << 28 else { return nil }
      total = (total + sections[i].align - 1) / sections[i].align * sections[i].align
      sections[i].address = total
      total += sections[i].size
    }
    guard !reader.failed, total > 0 else { return nil }
    let bytes = (total + 4095) / 4096 * 4096
    guard let m = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), m != MAP_FAILED else { return nil }
    var ok = true
    for s in sections where s.address >= 0 && s.type != 8 {
      guard s.offset >= 0, s.offset + s.size <= object.count else {
        ok = false
        break
      }
      object.withUnsafeBytes { (m + s.address).copyMemory(from: $0.baseAddress! + s.offset, byteCount: s.size) }
    }
    /// Address of a symbol relative to the memory.
    func symbol(_ link: Int, _ index: Int) -> Int? {
      guard sections.indices.contains(link) else { return nil }
      let s = sections[link].offset + 24 * index
      let home = reader.at(s + 6, 2)
      guard sections.indices.contains(home), sections[home].address >= 0 else { return nil }
      return sections[home].address + reader.at(s + 8, 8)
    }
    var start: Int?
    for s in sections where ok {
      if s.type == 2 {
        for i in 0..<s.size / 24 where reader.at(s.offset + 24 * i + 4, 1) & 15 == 2 {
          let home = reader.at(s.offset + 24 * i + 6, 2)
          if sections.indices.contains(home), sections[home].address >= 0 {
            start = sections[home].address + reader.at(s.offset + 24 * i + 8, 8)
          }
        }
      }
      guard s.type == 4, sections.indices.contains(s.info), sections[s.info].address >= 0 else { continue }
      for i in 0..<s.size / 24 {
        let r = s.offset + 24 * i
        let place = sections[s.info].address + reader.at(r, 8)
        let kind = reader.at(r + 8, 4)
        guard let target = symbol(s.link, reader.at(r + 12, 4)) else {
          ok = false
          break
        }
        let value = target + reader.at(r + 16, 8)
        switch kind {
        case 2 where place >= 0 && place + 4 <= total, 4 where place >= 0 && place + 4 <= total:  // R_X86_64_PC32, PLT32
          (m + place).storeBytes(of: Int32(truncatingIfNeeded: value - place), as: Int32.self)
        case 24 where place >= 0 && place + 8 <= total:  // R_X86_64_PC64
          (m + place).storeBytes(of: Int64(value - place), as: Int64.self)
        case 1 where place >= 0 && place + 8 <= total:  // R_X86_64_64
          (m + place).storeBytes(of: Int64(Int(bitPattern: m) + value), as: Int64.self)
        default: ok = false
        }
      }
    }
    guard ok, !reader.failed, let start, start >= 0, start < total, mprotect(m, bytes, PROT_READ | PROT_EXEC) == 0 else {
      munmap(m, bytes)
      return nil
    }
    memory = m
    size = bytes
    entry = UnsafeRawPointer(m + start)
  }

  private struct Reader {
    let bytes: [UInt8]
    var failed = false
    mutating func at(_ offset: Int, _ width: Int) -> Int {
      guard offset >= 0, offset <= bytes.count - width else {
        failed = true
        return 0
      }
      var v: UInt64 = 0
      for i in 0..<width { v |= UInt64(bytes[offset + i]) << UInt64(8 * i) }
      return Int(truncatingIfNeeded: v)
    }
  }
}
