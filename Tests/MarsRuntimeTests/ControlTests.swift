import Glibc
import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import Testing

/// Keeps the elements of a chunk that are greater than a bound: extents only known afterwards.
func selecting(_ device: FakeDevice) {
  device.add("keep") { (call: inout NativeCall) throws(MarsError) in
    let (from, to) = (call.inputs[0], call.outputs[0])
    var n = 0
    for i in 0..<from.shape[0] {
      let v = (from.base + i * from.strides[0]).load(as: Double.self)
      if Int(v) % 10 == 3 {
        (to.base + n * to.strides[0]).storeBytes(of: v, as: Double.self)
        n += 1
      }
    }
    call.producedShape = [n]
  }
}

@Suite struct ControlTests {
  @Test func cancelAnswersAtOnce() throws {
    var script = FakeDevice.Script()
    script.sleepMicroseconds = 20_000
    let t = TestEngine(script)
    let run = t.engine.run(PlanMaker.chain(elements: 1000, chunk: 1, steps: 1))
    usleep(50_000)
    run.cancel()
    let begin = clock()
    let e = #expect(throws: MarsError.self) { try run.wait() }
    #expect(e?.code == .cancelled)
    #expect(clock() - begin < 100_000)
    // What was in flight ends; memory comes back and the engine is good for more.
    for _ in 0..<200 where t.engine.statistics.usedBytes > 0 { usleep(5000) }
    #expect(t.engine.statistics.usedBytes == 0)
    t.device.script.withLock { $0.sleepMicroseconds = 0 }
    #expect(try values(t.engine.run(PlanMaker.chain(elements: 10, chunk: 1, steps: 1)).results()[0]).count == 10)
  }

  /// A thread that waits runs tasks too, in a worker's stead.
  @Test(arguments: [1, 2]) func waitingThreadsHelp(workers: Int) throws {
    var script = FakeDevice.Script()
    script.sleepMicroseconds = 2000
    let t = TestEngine(workers: workers, script)
    for _ in 0..<5 {
      let run = t.engine.run(PlanMaker.chain(elements: 30, chunk: 1, steps: 0))
      try run.wait()
    }
    #expect(t.device.calls == 150)
    #expect(t.device.script.withLock { $0.mostRunning } == workers)
  }

  @Test func waitTimesOut() throws {
    var script = FakeDevice.Script()
    script.sleepMicroseconds = 300_000
    let t = TestEngine(script)
    let run = t.engine.run(PlanMaker.chain(elements: 4, chunk: 4, steps: 0))
    #expect(try run.wait(timeoutSeconds: 0.02) == false)
    #expect(!run.progress.isEnded)
    #expect(try run.wait(timeoutSeconds: 10))
  }

  @Test func planGrowsWhenExtentsAreKnown() throws {
    let t = TestEngine()
    selecting(t.device)
    var m = PlanMaker()
    let (a, first) = m.iota([100], chunk: 25)
    m.addTasks(first, 0..<4)
    let kept = m.tensor([100], chunk: 25, held: true, unknown: true)
    m.plan.tensors[kept].type.shape = [unknownExtent]
    let node = PlanMaker.nativeOp("keep", tiling: .selecting(axis: 0), shape: [unknownExtent])
    let s = m.stage(
      Stage(
        kind: .native, grid: m.plan.tensors[a].grid, inputs: [StageInput(tensor: a, window: .map(.identity(1)))],
        outputs: [StageOutput(tensor: kept, axes: [.iteration(0)])], node: node, labels: ["keep"]))
    m.addTasks(s, 0..<4)
    m.plan.needs = [kept]
    let run = t.engine.run(m.plan)
    let needs = try run.waitForNeeds(timeoutSeconds: 20)
    #expect(needs?.count == 1)
    #expect(needs?[0].chunks == [[3], [2], [3], [2]])
    #expect(needs?[0].grid.axes[0].offsets == [0, 3, 5, 8, 10])
    #expect(try run.wait(timeoutSeconds: 0.05) == false)
    // The next part reads what came out, in true coordinates.
    m.plan.needs = []
    guard let grid = needs?[0].grid else { return }
    let out = m.tensor([10], grid: Grid([AxisSplits(extent: 10, chunk: 10)]))
    let g = m.stage(
      Stage(
        kind: .gather, grid: Grid([AxisSplits(extent: 10, chunk: 10)]), inputs: [StageInput(tensor: kept, window: .map(.identity(1)))],
        outputs: [StageOutput(tensor: out, axes: [.iteration(0)])], node: PlanMaker.node, labels: ["gather"]))
    m.task(g, 0, reads: (0..<4).map { m.slot(kept, $0) }, writes: [m.slot(out, 0)])
    let plus = m.tensor([10], grid: grid)
    var add = m.mapStage(
      [kept], plus, grid: grid, scalars: [Scalar(1.0)],
      [Inst(.input, .float64, imm: 0), Inst(.scalar, .float64, imm: 0), Inst(.add, .float64, 0, 1)])
    add.labels = ["plus"]
    m.addTasks(m.stage(add), 0..<4)
    m.result(out)
    m.result(plus)
    m.result(kept)
    run.extend(to: m.plan)
    let r = try run.results()
    let expected = (0..<10).map { Double($0 * 10 + 3) }
    #expect(try values(r[0]) == expected)
    #expect(try values(r[1]) == expected.map { $0 + 1 })
    #expect(try values(r[2]) == expected)
    if case .chunked(let c) = r[2] { #expect(c.type.shape == [10] && c.grid.axes[0].offsets == [0, 3, 5, 8, 10]) }
  }

  @Test func selectedChunksShrink() throws {
    let t = TestEngine()
    selecting(t.device)
    var m = PlanMaker()
    let (a, first) = m.iota([20_000], chunk: 10_000)
    m.addTasks(first, 0..<2)
    let kept = m.tensor([20_000], chunk: 10_000, unknown: true)
    m.plan.tensors[kept].type.shape = [unknownExtent]
    let s = m.stage(
      Stage(
        kind: .native, grid: m.plan.tensors[a].grid, inputs: [StageInput(tensor: a, window: .map(.identity(1)))],
        outputs: [StageOutput(tensor: kept, axes: [.iteration(0)])],
        node: PlanMaker.nativeOp("keep", tiling: .selecting(axis: 0), shape: [unknownExtent]), labels: ["keep"]))
    m.addTasks(s, 0..<2)
    m.result(kept)
    let r = try t.engine.run(m.plan).results()
    #expect(try values(r[0]) == (0..<2000).map { Double($0 * 10 + 3) })
    for _ in 0..<100 where t.engine.statistics.usedBytes > 16_000 { usleep(5000) }
    withExtendedLifetime(r) { #expect(t.engine.statistics.usedBytes == 2 * 8000) }
  }

  @Test func waitingInAWorkerIsRefused() throws {
    let t = TestEngine(workers: 1)
    let engine = t.engine
    let seen = Locked<MarsError?>(nil)
    t.device.add("call") { (_: inout NativeCall) throws(MarsError) in
      let inner = engine.run(PlanMaker.chain(elements: 10, chunk: 1, steps: 3))
      do throws(MarsError) { try inner.wait() } catch { seen.withLock { $0 = error } }
    }
    var m = PlanMaker()
    let out = m.tensor([4])
    let s = m.stage(
      Stage(
        kind: .native, grid: Grid(whole: [4]), inputs: [], outputs: [StageOutput(tensor: out, axes: [.iteration(0)])],
        node: PlanMaker.nativeOp("call", effects: .callback, shape: [4]), labels: ["call"]))
    m.addTasks(s, 0..<1)
    m.result(out)
    #expect(try t.engine.run(m.plan).wait(timeoutSeconds: 20))
    #expect(seen.withLock { $0?.message.contains("callback") } == true)
  }

  @Test func nothingStartsAfterShutdown() throws {
    let t = TestEngine()
    t.engine.shutdown()
    let e = #expect(throws: MarsError.self) { try t.engine.run(PlanMaker.chain(elements: 10, chunk: 1, steps: 1)).wait() }
    #expect(e?.code == .cancelled)
  }

  @Test func shutdownEndsRuns() throws {
    var script = FakeDevice.Script()
    script.sleepMicroseconds = 10_000
    let t = TestEngine(script)
    let run = t.engine.run(PlanMaker.chain(elements: 1000, chunk: 1, steps: 1))
    usleep(30_000)
    t.engine.shutdown()
    let e = #expect(throws: MarsError.self) { try run.wait() }
    #expect(e?.code == .cancelled)
  }
}

@Suite struct ConcurrencyTests {
  @Test func manyThreadsRunAtOnce() async throws {
    let t = TestEngine(workers: 3, limit: 2 << 20)
    let engine = t.engine
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for k in 0..<8 {
        group.addTask {
          for i in 0..<10 {
            let n = 100 + 37 * ((k + i) % 5)
            let run = engine.run(PlanMaker.chain(elements: n, chunk: 7 + i, steps: 1 + k % 3, whole: k % 2 == 0))
            if i % 5 == 4 {
              run.cancel()
              continue
            }
            let r = try values(run.results()[0])
            if r != (0..<n).map({ Double($0 + 1 + k % 3) }) { return false }
          }
          return true
        }
      }
      for try await ok in group { #expect(ok) }
    }
    for _ in 0..<400 where engine.statistics.usedBytes > 0 { usleep(5000) }
    #expect(engine.statistics.usedBytes == 0)
    #expect(engine.statistics.peakBytes <= 2 << 20)
  }

  @Test func manyRunsUnderPressure() async throws {
    let chunk = 1024
    let limit = 12 * chunk * 8
    let t = TestEngine(workers: 3, limit: limit)
    let engine = t.engine
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for i in 0..<4 {
            let run = engine.run(twoPasses(chunks: 10 + i, chunk: chunk))
            if try values(run.results()[0]) != sums(chunks: 10 + i, chunk: chunk) { return false }
          }
          return true
        }
      }
      for try await ok in group { #expect(ok) }
    }
    #expect(engine.statistics.peakBytes <= limit)
  }

  /// The thread sanitizer cannot start threads in the child of a process with threads.
  static let isThreadSanitized = dlsym(nil, "__tsan_init") != nil

  @Test(.disabled(if: ConcurrencyTests.isThreadSanitized)) func forkUnderLoad() throws {
    var script = FakeDevice.Script()
    script.sleepMicroseconds = 50
    let t = TestEngine(workers: 2, script)
    let busy = t.engine.run(PlanMaker.chain(elements: 10_000, chunk: 1, steps: 1))
    for _ in 0..<12 {
      if busy.progress.isEnded { break }
      let child = fork()
      if child == 0 {
        // In flight: an error.  New: runs.
        var ok = false
        do throws(MarsError) { try busy.wait() } catch { ok = error.code == .cancelled }
        let fresh = t.engine.run(PlanMaker.chain(elements: 100, chunk: 10, steps: 1))
        let sum = (try? values(fresh.results()[0]))?.reduce(0, +)
        _exit(ok && sum == 5050 ? 0 : 1)
      }
      var status: Int32 = 0
      var waited = 0
      while waitpid(child, &status, WNOHANG) == 0 && waited < 1000 {
        usleep(10_000)
        waited += 1
      }
      if waited >= 1000 {
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
      }
      #expect(status == 0)
    }
    #expect(try busy.wait(timeoutSeconds: 60))
  }
}
