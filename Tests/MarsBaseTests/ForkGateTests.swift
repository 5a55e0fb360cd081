import Glibc
import Synchronization
import Testing

@testable import MarsBase

@Suite struct ForkGateTests {
  /// A thread that passes a gate, and does something inside until it is told to leave.
  private final class Visit: Sendable {
    let gate = ForkGate()
    let isInside = Atomic(false)
    let hasLeft = Atomic(false)
    let mayLeave = Atomic(false)

    /// Begins, and returns once the thread is inside; `body` is told whether it may leave.
    func start(_ body: @escaping @Sendable (() -> Bool) -> Void) -> Bool {
      let began = BackgroundThread.start("visit") { [self] in
        gate.pass {
          isInside.store(true, ordering: .sequentiallyConsistent)
          body { self.mayLeave.load(ordering: .sequentiallyConsistent) }
          hasLeft.store(true, ordering: .sequentiallyConsistent)
        }
      }
      while began && !isInside.load(ordering: .sequentiallyConsistent) { usleep(100) }
      return began
    }

    var left: Bool { hasLeft.load(ordering: .sequentiallyConsistent) }
    func leave() { mayLeave.store(true, ordering: .sequentiallyConsistent) }
  }

  /// As a load that leaves the process no time, or a debugger: a fork that went on then met LLVM half loaded.
  @Test(.disabled(if: LockedTests.isThreadSanitized)) func timeInWhichTheProcessStoodStillDoesNotCount() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let child = fork()
    if child == 0 {
      let visit = Visit()
      // Steps and not a time: a process that is stopped takes none.
      guard visit.start({ _ in for _ in 0..<100 { usleep(1000) } }) else { _exit(2) }
      write(ends[1], "x", 1)
      visit.gate.closeForFork(waitingSeconds: 1)
      _exit(visit.left ? 0 : 1)
    }
    try #require(child > 0)
    var byte: UInt8 = 0
    read(ends[0], &byte, 1)
    usleep(5000)
    kill(child, SIGSTOP)
    usleep(1_300_000)
    kill(child, SIGCONT)
    var status: Int32 = -1
    waitpid(child, &status, 0)
    #expect(status == 0)
    for end in ends { close(end) }
  }

  @Test func whoHadNoProcessorIsWaitedFor() throws {
    let visit = Visit()
    try #require(visit.start { _ in for _ in 0..<50 { usleep(1000) } })
    visit.gate.closeForFork(waitingSeconds: 30, workingSeconds: 0.03)
    #expect(visit.left)
    visit.gate.openAfterFork()
  }

  @Test func whoWorksForLongIsNot() throws {
    let visit = Visit()
    let sum = Atomic(0)
    try #require(visit.start { mayLeave in while !mayLeave() { for i in 0..<10_000 { sum.add(i & 1, ordering: .relaxed) } } })
    visit.gate.closeForFork(waitingSeconds: 300, workingSeconds: 0.002)
    #expect(!visit.left)
    visit.gate.openAfterFork()
    visit.leave()
  }

  @Test func nobodyWaitsForItself() {
    let gate = ForkGate()
    gate.pass {
      gate.closeForFork(waitingSeconds: 1e9)
      gate.openAfterFork()
      gate.closeForFork(waitingSeconds: 1e9)
      // As the child would.
      gate.reinitialiseInChild()
    }
    #expect(!gate.wasCutThrough)
    gate.closeForFork(waitingSeconds: 1e9)
    gate.openAfterFork()
  }

  @Test func aGateKnowsThatItWasCutThrough() throws {
    let visit = Visit()
    try #require(visit.start { mayLeave in while !mayLeave() { usleep(1000) } })
    #expect(!visit.gate.wasCutThrough)
    visit.gate.closeForFork(waitingSeconds: 0.01)
    visit.gate.reinitialiseInChild()
    #expect(visit.gate.wasCutThrough)
    #expect(visit.gate.pass { 7 } == 7)
    // Nobody is waited for who does not exist.
    visit.gate.closeForFork(waitingSeconds: 1e9)
    visit.gate.reinitialiseInChild()
    #expect(visit.gate.wasCutThrough)
    visit.leave()
  }
}
