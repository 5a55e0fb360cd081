/// One buffer of the store, in memory or on disk.
struct Block: BitwiseCopyable {
  enum State: UInt8, BitwiseCopyable {
    /// Not in use.
    case free
    case resident
    /// In memory and being written to disk.
    case spilling
    /// Only on disk.
    case spilled
    /// Being read from disk into `base`.
    case restoring
  }
  var base: UnsafeMutableRawPointer?
  /// What it counts against the limit while in memory.
  var capacity: Int
  /// Where a spill file holds it, or -1.
  var fileOffset: Int
  /// The number of that file.
  var volume: Int32
  var checksum: UInt64
  /// Number of the next task that uses it, over all runs; `Int.max` for none.
  var nextUse: Int
  /// Run and slot that know its next uses, or -1.
  var owner: Int32
  var slot: Int32
  /// Running tasks and readers.
  var pins: Int32
  /// Slots and stored tensors.
  var refs: Int32
  var state: State
  /// Whether a task may have changed it since it was written to disk.
  var isDirty: Bool
  /// Whether the file belongs to the process before a fork: the bytes on disk cannot be had.
  var isLost: Bool
}
