/// A lock with the value that it guards.
///
/// A pthread mutex and not `Synchronization.Mutex`: in the child of a fork a lock may be held by a thread that does not exist there.  Such a
/// lock is made new by the first thread that waits for it.
///
/// Public where the rest is `package`: only then do other modules get the bodies of what is inlinable, and make code for their own types of
/// it.  Generic code finds the metadata of its types anew at every call, which takes longer than the lock.
public final class Locked<Value>: @unchecked Sendable {
  @usableFromInline let mutex: ForkSafeMutex
  /// The value beside a byte of its own: a field without size (Void) would lie on the object's header, where sanitizers see other threads read.
  @usableFromInline struct Kept {
    @usableFromInline var value: Value
    @usableFromInline let size: UInt8 = 0
    @inlinable init(value: Value) { self.value = value }
  }
  /// Not looked after by the runtime: who comes here twice at the same time waits for the mutex.
  @exclusivity(unchecked) @usableFromInline var kept: Kept

  /// A lock that is `heldAtForks` is never cut through by a fork: for values that live long and are changed in steps.
  @inlinable public init(_ value: Value, heldAtForks: Bool = false) {
    mutex = ForkSafeMutex(heldAtForks: heldAtForks)
    kept = Kept(value: value)
  }

  @inlinable public func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    mutex.lock()
    defer { mutex.unlock() }
    return try body(&kept.value)
  }

  /// Locks without a scope: for fork handlers only.
  package func lockForFork() { mutex.lockForFork() }
  package func unlockAfterFork() { mutex.unlock() }
  /// In the child of a fork: makes the mutex new, whoever held it.
  package func reinitialiseInChild() { mutex.reinitialiseInChild() }

  /// The value without locking: between `lockForFork` and its end, and when the process exits.
  package func unsafeValue<R>(_ body: (inout Value) -> R) -> R { body(&kept.value) }
}
