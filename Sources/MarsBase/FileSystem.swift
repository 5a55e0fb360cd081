/// The seam to files, which tests replace to make operations fail on purpose.
package protocol FileSystem: AnyObject, Sendable {
  /// Opens a file; the error names the path.
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
}

extension FileSystem {
  package func freeBytes(_ path: String) -> Int? { nil }
  package func absolute(_ path: String) throws(MarsError) -> String { path }
}

package enum FileMode: Sendable { case read, createOrTruncate, readWrite }

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
