import Glibc
import MarsBase
import Testing

@Suite struct LockedTests {
  /// The thread sanitizer cannot follow forks of processes with threads.
  static let isThreadSanitized = dlsym(nil, "__tsan_init") != nil

  @Test(.disabled(if: LockedTests.isThreadSanitized)) func lockHeldAcrossAForkIsRecovered() {
    let lock = Locked(1)
    lock.lockForFork()
    let child = fork()
    if child == 0 {
      // The lock is held, and nobody in this process will ever give it back.
      let seen = lock.withLock { v in v }
      _exit(seen == 1 ? 0 : 1)
    }
    lock.unlockAfterFork()
    var status: Int32 = 1
    for _ in 0..<1000 where waitpid(child, &status, WNOHANG) == 0 { usleep(10_000) }
    if status != 0 { kill(child, SIGKILL) }
    #expect(status == 0)
    #expect(lock.withLock { $0 } == 1)
  }

  @Test func threadsTakeTurns() async {
    let lock = Locked(0)
    let (threads, turns) = (4, 10_000)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<threads { group.addTask { for _ in 0..<turns { lock.withLock { $0 += 1 } } } }
    }
    #expect(lock.withLock { $0 } == threads * turns)
  }

  @Test func anErrorGivesTheLockBack() {
    struct Refusal: Error {}
    let lock = Locked([1])
    #expect(throws: Refusal.self) {
      try lock.withLock { v throws(Refusal) in
        v.append(2)
        throw Refusal()
      }
    }
    #expect(lock.withLock { $0 } == [1, 2])
  }

  /// The place of a value, from the start of the object, and the object's size.
  private static func place<Value>(_ lock: Locked<Value>) -> (offset: Int, size: Int) {
    let object = UnsafeRawPointer(Unmanaged.passUnretained(lock).toOpaque())
    let offset = lock.withLock { v in withUnsafeMutablePointer(to: &v) { UnsafeRawPointer($0) - object } }
    typealias Size = @convention(c) (UnsafeRawPointer) -> Int
    let size = unsafeBitCast(dlsym(nil, "malloc_usable_size"), to: Size.self)
    return (offset, size(object))
  }

  struct Nothing {}

  @Test func valuesLieInTheirLockAndNotOnItsHeader() {
    for (offset, size) in [
      LockedTests.place(Locked(())), LockedTests.place(Locked(Nothing())), LockedTests.place(Locked(1)),
      LockedTests.place(Locked(UInt8(1))),
      LockedTests.place(Locked([1, 2])),
    ] {
      // The header: class and reference counts.
      #expect(offset >= 16)
      #expect(offset < size)
    }
  }
}
