import Glibc

/// Files of the operating system.
package final class PosixFileSystem: FileSystem {
  package init() {}

  package func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File {
    let flags: Int32 =
      switch mode {
      case .read: O_RDONLY
      case .createOrTruncate: O_RDWR | O_CREAT | O_TRUNC
      case .readWrite: O_RDWR
      }
    var fd: Int32 = -1
    repeat { fd = Glibc.open(path, flags | O_CLOEXEC, 0o600) } while fd < 0 && errno == EINTR
    if fd < 0 { throw PosixFileSystem.error("cannot open", path) }
    return PosixFile(path, fd)
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
    guard statvfs(path, &s) == 0 else { return nil }
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

  func size() throws(MarsError) -> Int {
    var s = stat()
    if fstat(fd, &s) != 0 { throw PosixFileSystem.error("cannot examine", path) }
    return Int(s.st_size)
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
