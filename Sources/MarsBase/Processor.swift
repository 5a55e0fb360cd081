import Glibc

/// The processor that a thread runs on.
package enum Processor {
  private typealias Affinity = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32

  // Headers show these to GNU sources only, which Swift is not.  Found together, so that whoever has asked for one has them all.
  private static let calls = (
    getCPU: symbol("sched_getcpu", as: (@convention(c) () -> Int32).self), getAffinity: symbol("sched_getaffinity", as: Affinity.self),
    setAffinity: symbol("sched_setaffinity", as: Affinity.self)
  )
  private static func symbol<F>(_ name: String, as: F.Type) -> F? { dlsym(nil, name).map { unsafeBitCast($0, to: F.self) } }

  /// Number of the processor that runs the calling thread; -1 where the system does not say.
  @inline(__always)
  package static var current: Int32 { calls.getCPU.map { $0() } ?? -1 }

  /// Bytes of the cache that processors share, as far as the system knows it; between 4 and 64 MiB, as others may use it too.
  package static let sharedCacheBytes = max(4 << 20, min(64 << 20, sysconf(Int32(_SC_LEVEL3_CACHE_SIZE))))

  /// Moves the calling thread to another processor if it runs on `number`, as far as the processors allowed to it let it.
  ///
  /// A thread that is woken, or that yields, is often put where its waker runs, and two threads that work for less than a tick of the
  /// scheduler then share one processor while another is idle.  The set of allowed processors is the same afterwards.
  package static func leave(_ number: Int32) {
    guard number >= 0, current == number, let getAffinity = calls.getAffinity, let setAffinity = calls.setAffinity else { return }
    withUnsafeTemporaryAllocation(byteCount: 2 * maskBytes, alignment: 8) { memory in
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      guard let allowed = memory.baseAddress, getAffinity(0, maskBytes, allowed) == 0, Int(number) < 8 * maskBytes else { return }
      let others = allowed + maskBytes
      others.copyMemory(from: allowed, byteCount: maskBytes)
      memory[maskBytes + Int(number) / 8] &= ~(1 << UInt8(number % 8))
      guard memory[maskBytes...].contains(where: { $0 != 0 }), setAffinity(0, maskBytes, others) == 0 else { return }
      _ = setAffinity(0, maskBytes, allowed)
    }
  }
  /// Of a set of 1024 processors, as the system's own type has them; where there are more, the call fails.
  private static let maskBytes = 128
}
