/// The seam to files, which tests replace to make operations fail on purpose.
package protocol FileSystem: AnyObject, Sendable {
  /// Opens a file; the error names the path.  Only regular files can be read: others may never answer.
  func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File
  func remove(_ path: String) throws(MarsError)
  func rename(_ from: String, to: String) throws(MarsError)
  func makeDirectory(_ path: String) throws(MarsError)
  func exists(_ path: String) -> Bool
  /// Names in a directory, unsorted.
  func list(_ path: String) throws(MarsError) -> [String]
  /// Bytes that can still be written below a directory; nil if that cannot be told.
  func freeBytes(_ path: String) -> Int?
  /// The path from the root: it names the same file wherever the process goes.
  func absolute(_ path: String) throws(MarsError) -> String
  /// The file that a path means, which need not be there: the end of the links that it names.
  func target(_ path: String) throws(MarsError) -> String
}

extension FileSystem {
  package func freeBytes(_ path: String) -> Int? { nil }
  package func absolute(_ path: String) throws(MarsError) -> String { path }
  package func target(_ path: String) throws(MarsError) -> String { path }
}

package enum FileMode: Equatable, Sendable {
  case read, readWrite
  /// A file of the user's own.
  case createOrTruncate
  /// A file that is to take the place of another: with its permissions and owner where it is there, else as any new file of the process.
  case create(inPlaceOf: String)
}

/// An open file; closed when released.
package protocol File: AnyObject, Sendable {
  var path: String { get }
  func size() throws(MarsError) -> Int
  func resize(_ byteCount: Int) throws(MarsError)
  /// Reads exactly `into.count` bytes at `offset`.
  func read(at offset: Int, into: UnsafeMutableRawBufferPointer) throws(MarsError)
  func write(at offset: Int, from: UnsafeRawBufferPointer) throws(MarsError)
  /// The pages of the range will not be needed again.
  func releasePages(at offset: Int, count: Int)
  func sync() throws(MarsError)
}

/// The seam to memory from the system.
package protocol MemorySource: AnyObject, Sendable {
  /// Page-aligned zeroed memory, huge-page advised; nil when the system has none.
  func map(_ byteCount: Int) -> UnsafeMutableRawPointer?
  func unmap(_ base: UnsafeMutableRawPointer, _ byteCount: Int)
  /// Gives pages back that malloc keeps although nothing lies in them.
  func returnFreed()
  /// Resident memory of the process in bytes.
  func residentBytes() -> Int
}
