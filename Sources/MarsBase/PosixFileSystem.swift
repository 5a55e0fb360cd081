import Glibc

/// Files of the operating system.
package final class PosixFileSystem: FileSystem {
  package init() {}

  package func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File {
    switch mode {
    case .read:
      // Opening a pipe would wait for somebody who writes.
      let file = try PosixFileSystem.open(path, O_RDONLY | O_NONBLOCK)
      try file.checkIsRegular()
      return file
    case .createOrTruncate: return try PosixFileSystem.open(path, O_RDWR | O_CREAT | O_TRUNC)
    case .readWrite: return try PosixFileSystem.open(path, O_RDWR)
    case .create(let old): return try create(path, inPlaceOf: old)
    }
  }

  private static func open(_ path: String, _ flags: Int32, permissions: mode_t = 0o600) throws(MarsError) -> PosixFile {
    var fd: Int32 = -1
    repeat { fd = Glibc.open(path, flags | O_CLOEXEC, permissions) } while fd < 0 && errno == EINTR
    if fd < 0 { throw PosixFileSystem.error("cannot open", path) }
    return PosixFile(path, fd)
  }

  private func create(_ path: String, inPlaceOf old: String) throws(MarsError) -> PosixFile {
    var s = stat()
    let flags = O_RDWR | O_CREAT | O_TRUNC
    guard fstatat(AT_FDCWD, old, &s, 0) == 0 else {
      if errno != ENOENT { throw PosixFileSystem.error("cannot examine", path) }
      return try PosixFileSystem.open(path, flags, permissions: 0o666)
    }
    guard s.st_mode & S_IFMT == S_IFREG else {
      if s.st_mode & S_IFMT == S_IFDIR { throw PosixFileSystem.error("cannot replace", path, EISDIR) }
      throw MarsError(.os, "what is there is no regular file", path: path)
    }
    // Whoever may not write to a file may not put another in its place either.
    if access(old, W_OK) != 0 { throw PosixFileSystem.error("cannot replace", path) }
    let file = try PosixFileSystem.open(path, flags)
    try file.take(s)
    return file
  }

  package func remove(_ path: String) throws(MarsError) {
    if Glibc.remove(path) != 0 { throw PosixFileSystem.error("cannot remove", path) }
  }

  package func rename(_ from: String, to: String) throws(MarsError) {
    if Glibc.rename(from, to) != 0 { throw PosixFileSystem.error("cannot rename", from) }
  }

  /// Makes one directory, private to the user; one that exists already is no error.
  package func makeDirectory(_ path: String) throws(MarsError) {
    if Glibc.mkdir(path, 0o700) != 0 && errno != EEXIST { throw PosixFileSystem.error("cannot make directory", path) }
  }

  package func exists(_ path: String) -> Bool { Glibc.access(path, F_OK) == 0 }

  package func list(_ path: String) throws(MarsError) -> [String] {
    guard let directory = opendir(path) else { throw PosixFileSystem.error("cannot list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  package func freeBytes(_ path: String) -> Int? {
    var s = statvfs()
    var there = path
    // A directory that will be made when it is needed.
    while statvfs(there, &s) != 0 {
      guard errno == ENOENT, let end = there.lastIndex(of: "/"), there != "/" else { return nil }
      there = end == there.startIndex ? "/" : String(there[..<end])
    }
    let (bytes, overflow) = Int(clamping: s.f_bavail).multipliedReportingOverflow(by: Int(clamping: s.f_frsize))
    return overflow ? nil : bytes
  }

  /// The last error of the C library as a `MarsError`.
  static func error(_ what: String, _ path: String, _ code: Int32 = errno) -> MarsError {
    MarsError(.os, "\(what) '\(path)': \(String(cString: strerror(code)))", systemError: code, path: path)
  }

  package func absolute(_ path: String) throws(MarsError) -> String {
    if path.isEmpty || path.hasPrefix("/") { return path }
    guard let here = getcwd(nil, 0) else { throw PosixFileSystem.error("cannot find the folder of", path) }
    defer { free(here) }
    let folder = String(cString: here)
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  package func target(_ path: String) throws(MarsError) -> String {
    var path = path
    // As many as the system follows.
    for _ in 0...40 {
      var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
      let n = readlink(path, &bytes, bytes.count)
      // No link, or nothing: what is wrong shows when it is opened.
      if n < 0 { return path }
      let next = String(decoding: bytes[..<n].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      path = next.hasPrefix("/") ? next : folder + next
    }
    throw PosixFileSystem.error("cannot follow the links of", path, ELOOP)
  }
}

/// An open file descriptor.
private final class PosixFile: File {
  let path: String
  private let fd: Int32

  init(_ path: String, _ fd: Int32) {
    self.path = path
    self.fd = fd
  }
  deinit { close(fd) }

  func size() throws(MarsError) -> Int { Int(try status().st_size) }

  private func status() throws(MarsError) -> stat {
    var s = stat()
    if fstat(fd, &s) != 0 { throw PosixFileSystem.error("cannot examine", path) }
    return s
  }

  func checkIsRegular() throws(MarsError) {
    let mode = try status().st_mode
    if mode & S_IFMT == S_IFDIR { throw PosixFileSystem.error("cannot read", path, EISDIR) }
    guard mode & S_IFMT == S_IFREG else { throw MarsError(.os, "cannot read '\(path)': it is no regular file", path: path) }
  }

  /// Takes over the permissions of another file, and its owner as far as the process may give files away.
  func take(_ s: stat) throws(MarsError) {
    if fchown(fd, s.st_uid, s.st_gid) != 0 { _ = fchown(fd, uid_t.max, s.st_gid) }
    // It has to be opened again, whoever else owned the other.
    if fchmod(fd, s.st_mode & 0o777 | 0o600) != 0 { throw PosixFileSystem.error("cannot set the permissions of", path) }
  }

  func resize(_ byteCount: Int) throws(MarsError) {
    while ftruncate(fd, byteCount) != 0 {
      if errno != EINTR { throw PosixFileSystem.error("cannot resize", path) }
    }
  }

  func read(at offset: Int, into: UnsafeMutableRawBufferPointer) throws(MarsError) {
    guard let base = into.baseAddress else { return }
    var done = 0
    while done < into.count {
      let n = pread(fd, base + done, into.count - done, offset + done)
      if n > 0 {
        done += n
      } else if n == 0 {
        throw MarsError(.os, "cannot read '\(path)': unexpected end of file")
      } else if errno != EINTR {
        throw PosixFileSystem.error("cannot read", path)
      }
    }
  }

  func write(at offset: Int, from: UnsafeRawBufferPointer) throws(MarsError) {
    guard let base = from.baseAddress else { return }
    var done = 0
    while done < from.count {
      let n = pwrite(fd, base + done, from.count - done, offset + done)
      if n >= 0 {
        done += n
      } else if errno != EINTR {
        throw PosixFileSystem.error("cannot write", path)
      }
    }
  }

  func releasePages(at offset: Int, count: Int) { _ = posix_fadvise(fd, offset, count, POSIX_FADV_DONTNEED) }

  func sync() throws(MarsError) {
    if fdatasync(fd) != 0 { throw PosixFileSystem.error("cannot sync", path) }
  }
}
