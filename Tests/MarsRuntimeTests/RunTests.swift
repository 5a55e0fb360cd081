import Glibc
import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import TestSupport
import Testing

/// An engine for one test, ended with it.
struct TestEngine: ~Copyable {
  let engine: Engine
  let device: FakeDevice
  let files = InMemoryFileSystem()
  let others: [FakeDevice]
  init(
    workers: Int = 2, limit: Int = 1 << 30, inline: Bool = false, others: [FakeDevice] = [], _ script: FakeDevice.Script = .init()
  ) {
    device = FakeDevice(script)
    self.others = others
    var o = EngineOptions(workers: workers, memoryLimit: limit, spillDirectory: "/spill", files: files)
    if !inline { o.inlineTasks = -1 }
    engine = Engine(options: o, devices: [device] + others)
  }
  deinit { engine.shutdown() }
}

/// The results of a run as doubles.
func values(_ r: RunResult) throws -> [Double] {
  switch r {
  case .dense(let a): return doubles(a)
  case .chunked(let c):
    guard let s = c as? StoredTensor else { return [] }
    let all = DenseArray(buffer: try s.engine.makeBuffer(byteCount: s.byteCount), type: s.type)
    try s.copy(Box(whole: s.type.shape), to: all.view)
    return doubles(all)
  }
}

@Suite struct RunTests {
  @Test(arguments: [true, false], [true, false]) func chainComputes(whole: Bool, breadthFirst: Bool) throws {
    let t = TestEngine()
    let run = t.engine.run(PlanMaker.chain(elements: 1000, chunk: 64, steps: 5, breadthFirst: breadthFirst, whole: whole))
    #expect(try run.wait(timeoutSeconds: 20))
    let r = try run.results()
    #expect(r.count == 1)
    if case .dense = r[0] { #expect(whole) } else { #expect(!whole) }
    #expect(try values(r[0]) == (0..<1000).map { Double($0 + 5) })
    #expect(t.device.calls == 16 * 6)
    #expect(run.progress.tasksDone == 96)
    let s = t.engine.statistics
    #expect(s.inPlaceTasks >= 16 * 4)
    #expect(s.taskNanoseconds > 0 && s.dispatchNanoseconds > 0)
  }

  @Test func oneWorkerFollowsPlanOrder() throws {
    var script = FakeDevice.Script()
    script.records = true
    let t = TestEngine(workers: 1, script)
    try t.engine.run(PlanMaker.chain(elements: 40, chunk: 10, steps: 2)).wait()
    // Depth first: a chunk is finished before the next begins.
    #expect(t.device.script.withLock { $0.written } == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32])
  }

  @Test func inlineRunsOnTheCallingThread() throws {
    let t = TestEngine(inline: true)
    let run = t.engine.run(PlanMaker.chain(elements: 10, chunk: 10, steps: 2, whole: true))
    #expect(try values(run.results()[0]) == (0..<10).map { Double($0 + 2) })
    let s = t.engine.statistics
    #expect(s.inlineRuns == 1 && s.tasksRun == 3)
    // Only the result is left in memory.
    withExtendedLifetime(run) { #expect(s.usedBytes == countedBytes(80)) }
  }

  @Test func inlineErrorNamesOperatorAndOrigin() throws {
    var script = FakeDevice.Script()
    script.failAt = 2
    let t = TestEngine(inline: true, script)
    let run = t.engine.run(PlanMaker.chain(elements: 10, chunk: 10, steps: 2, whole: true))
    let e = #expect(throws: MarsError.self) { try run.wait() }
    #expect(e?.op == "constant" && e?.origin == "here:1" && e?.code == .value)
    #expect(t.engine.statistics.usedBytes == 0)
  }

  @Test func resultsAreLeavesAndKeptChunks() throws {
    let t = TestEngine()
    let first = t.engine.run(PlanMaker.chain(elements: 100, chunk: 30, steps: 1))
    guard case .chunked(let kept) = try first.results()[0] else {
      Issue.record("not chunked")
      return
    }
    var m = PlanMaker()
    let k = m.kept(kept)
    let l = m.leaf(dense([1, 2, 3], [3]))
    let (p, s) = m.plus(k, 10)
    m.addTasks(s, 0..<4)
    m.result(p)
    m.result(k)
    m.result(l)
    m.result(p)
    let r = try t.engine.run(m.plan).results()
    #expect(try values(r[0]) == (0..<100).map { Double($0 + 11) })
    #expect(try values(r[1]) == (0..<100).map { Double($0 + 1) })
    #expect(try values(r[2]) == [1, 2, 3])
    #expect(try values(r[3]) == values(r[0]))
  }

  @Test func memoryReturnsWhenResultsDie() throws {
    let t = TestEngine()
    do {
      let run = t.engine.run(PlanMaker.chain(elements: 10_000, chunk: 1000, steps: 3))
      _ = try run.results()
      #expect(t.engine.statistics.usedBytes == 10 * countedBytes(8000))
    }
    // The worker lets go of the run a moment later.
    var used = 1
    for _ in 0..<200 where used > 0 {
      used = t.engine.statistics.usedBytes
      if used > 0 { usleep(5000) }
    }
    #expect(used == 0)
  }

  @Test func emptyPlanEndsAtOnce() throws {
    let t = TestEngine()
    #expect(try t.engine.run(Plan()).results().isEmpty)
  }

  @Test func taskErrorStopsItsRunOnly() throws {
    var script = FakeDevice.Script()
    script.failAt = 7
    let t = TestEngine(workers: 1, script)
    let bad = t.engine.run(PlanMaker.chain(elements: 1000, chunk: 10, steps: 3))
    let good = t.engine.run(PlanMaker.chain(elements: 100, chunk: 10, steps: 3))
    let e = #expect(throws: MarsError.self) { try bad.wait() }
    #expect(e?.message == "the script says so" && e?.op == "constant" && e?.origin == "here:1")
    #expect(try values(good.results()[0]).count == 100)
    #expect(t.device.calls < 400)
    #expect(throws: MarsError.self) { try bad.results() }
  }

  @Test func stagesRunOnTheDeviceThatTheyName() throws {
    let t = TestEngine(others: [FakeDevice(name: "abacus")])
    var p = PlanMaker.chain(elements: 100, chunk: 10, steps: 2)
    p.stages[1].device = "abacus"
    let run = t.engine.run(p)
    try run.wait()
    #expect(try values(run.results()[0]) == (0..<100).map { Double($0 + 2) })
    #expect(t.device.calls == 20 && t.others[0].calls == 10)
  }

  @Test func unknownDeviceIsAnError() throws {
    let t = TestEngine()
    var p = PlanMaker.chain(elements: 10, chunk: 10, steps: 1)
    p.stages[1].device = "abacus"
    let e = #expect(throws: MarsError.self) { try t.engine.run(p).wait() }
    #expect(e?.code == .unsupported)
  }

  @Test func traceIsJSON() throws {
    let t = TestEngine()
    var o = RunOptions()
    o.trace = true
    try t.engine.run(PlanMaker.chain(elements: 100, chunk: 10, steps: 1), options: o).wait()
    for _ in 0..<200 where t.engine.trace.count < 20 { usleep(5000) }
    #expect(t.engine.trace.count == 20)
    let json = t.engine.trace.json()
    #expect(t.engine.trace.count == 0)
    #expect(json.contains("\"name\":\"map\"") && json.contains("\"ph\":\"X\""))
  }
}

/// What a small buffer counts.
func countedBytes(_ n: Int) -> Int { max(64, (n + 63) & ~63) }
