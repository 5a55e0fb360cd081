import Glibc
import MarsBase
import Synchronization

/// Compiled objects on disk: one file per kernel and layout.
///
/// A file is magic, length of key, key, length of object, object, checksum.  The whole key is compared, so a collision of names costs a
/// compile and never gives wrong code.  Files appear by rename; what does not check out is ignored and written anew.
struct ObjectCache: Sendable {
  let directory: String
  let limit: Int
  private static let magic: [UInt8] = Array("MARSOBJ1".utf8)

  func path(_ key: [UInt8]) -> String {
    let (a, c) = (ObjectCache.hash(key, 0xcbf2_9ce4_8422_2325), ObjectCache.hash(key, 0x9e37_79b9_7f4a_7c15))
    return directory + "/" + ObjectCache.hex(a) + ObjectCache.hex(c) + ".mko"
  }

  func load(_ key: [UInt8]) -> [UInt8]? {
    let fd = open(path(key), O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var info = stat()
    guard fstat(fd, &info) == 0, info.st_size >= 32, info.st_size < 1 << 28 else { return nil }
    let size = Int(info.st_size)
    var got = 0
    let all = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while got < size {
        let n = read(fd, buffer.baseAddress! + got, size - got)
        if n <= 0 { break }
        got += n
      }
      count = got
    }
    guard got == size, all.starts(with: ObjectCache.magic) else { return nil }
    let keyCount = ObjectCache.number(all, 8)
    guard keyCount == key.count, size >= 32 + keyCount else { return nil }
    guard all[16..<16 + keyCount].elementsEqual(key) else { return nil }
    let objectCount = ObjectCache.number(all, 16 + keyCount)
    guard objectCount >= 0, size == 32 + keyCount + objectCount else { return nil }
    let sum = UInt64(bitPattern: Int64(ObjectCache.number(all, size - 8)))
    guard sum == ObjectCache.hash(all[..<(size - 8)], 0xcbf2_9ce4_8422_2325) else { return nil }
    // The time of the file says when it was last of use.
    futimens(fd, nil)
    return Array(all[(24 + keyCount)..<(24 + keyCount + objectCount)])
  }

  /// Failures are silent: the cache is a convenience.
  func save(_ key: [UInt8], _ object: [UInt8]) {
    makeDirectory()
    // Listing a full folder takes milliseconds: a few files too many do no harm.
    if limit <= ObjectCache.savesPerTrim || ObjectCache.saves.add(1, ordering: .relaxed).oldValue % ObjectCache.savesPerTrim == 0 { trim() }
    var all = ObjectCache.magic
    ObjectCache.append(key.count, &all)
    all += key
    ObjectCache.append(object.count, &all)
    all += object
    ObjectCache.append(Int(truncatingIfNeeded: ObjectCache.hash(all[...], 0xcbf2_9ce4_8422_2325)), &all)
    let final = path(key)
    let temporary = final + ".\(getpid()).\(pthread_self()).tmp"
    let fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard fd >= 0 else { return }
    var done = 0
    while done < all.count {
      let n = all.withUnsafeBytes { write(fd, $0.baseAddress! + done, all.count - done) }
      if n <= 0 { break }
      done += n
    }
    close(fd)
    if done != all.count || rename(temporary, final) != 0 { unlink(temporary) }
  }

  private static let savesPerTrim = 32
  /// Of this process.
  private static let saves = Atomic<Int>(0)

  /// Makes the folder, and those above it that are missing.
  private func makeDirectory() {
    if mkdir(directory, 0o700) == 0 || errno != ENOENT { return }
    let bytes = Array(directory.utf8)
    for (i, b) in bytes.enumerated() where b == 47 && i > 0 { mkdir(String(decoding: bytes[..<i], as: UTF8.self), 0o700) }
    mkdir(directory, 0o700)
  }

  /// Removes the half that was not of use for the longest time when there are too many files.
  private func trim() {
    guard let d = opendir(directory) else { return }
    defer { closedir(d) }
    var files: [(name: String, time: Int)] = []
    while let e = readdir(d) {
      let name = withUnsafePointer(to: &e.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".mko") || name.hasSuffix(".tmp") { files.append((name, 0)) }
    }
    guard files.count >= limit else { return }
    for i in files.indices {
      var info = stat()
      if stat(directory + "/" + files[i].name, &info) == 0 { files[i].time = info.st_mtim.tv_sec * 1_000_000_000 + info.st_mtim.tv_nsec }
    }
    files.sort { $0.time < $1.time }
    for f in files.prefix(files.count - limit / 2) { unlink(directory + "/" + f.name) }
  }

  // FNV-1a, mixed once more at the end.
  static func hash(_ bytes: some Collection<UInt8>, _ seed: UInt64) -> UInt64 {
    var h = seed
    for b in bytes { h = (h ^ UInt64(b)) &* 0x100_0000_01b3 }
    return h ^ h >> 29
  }
  private static func hex(_ v: UInt64) -> String {
    let s = String(v, radix: 16)
    return String(repeating: "0", count: 16 - s.count) + s
  }
  private static func number(_ b: [UInt8], _ at: Int) -> Int {
    var v: UInt64 = 0
    for i in 0..<8 { v |= UInt64(b[at + i]) << UInt64(8 * i) }
    return Int(truncatingIfNeeded: v)
  }
  private static func append(_ n: Int, _ to: inout [UInt8]) {
    for i in 0..<8 { to.append(UInt8(truncatingIfNeeded: n >> (8 * i))) }
  }
}
