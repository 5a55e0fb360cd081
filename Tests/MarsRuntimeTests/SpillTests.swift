import Glibc
import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import Synchronization
import TestSupport
import Testing

/// A plan that keeps all chunks of iota until a second pass over them in the same order: memory for all, or spilling.
func twoPasses(chunks: Int, chunk: Int, reversed: Bool = false) -> Plan {
  var m = PlanMaker()
  let (a, first) = m.iota([chunks * chunk], chunk: chunk)
  m.addTasks(first, 0..<chunks)
  // One sum per chunk: outputs are small.
  let out = m.tensor([chunks], chunk: 1)
  let spec = KernelSpec(
    axisCount: 1,
    levels: [
      KernelLevel(program: Expr([Inst(.input, .float64, imm: 0)]), reducers: [Reducer(.sum, value: 0)], reducedAxes: [0]),
      KernelLevel(program: Expr([Inst(.reduced, .float64, imm: 0)])),
    ], inputs: [.float64], counterCount: 0, scalars: [], outputs: [KernelOutput(level: 1, value: 0, dtype: .float64)])
  let s = m.stage(
    Stage(
      kind: .kernel(spec), grid: m.plan.tensors[a].grid, inputs: [StageInput(tensor: a, window: .map(.identity(1)))],
      outputs: [StageOutput(tensor: out, axes: [.chunkNumber(0)])], node: PlanMaker.node, labels: ["sum"]))
  for c in reversed ? Array((0..<chunks).reversed()) : Array(0..<chunks) {
    m.task(s, c, reads: [m.slot(a, c)], writes: [m.slot(out, c)], after: (0..<Int32(chunks)).map { $0 })
  }
  m.result(out)
  return m.plan
}

func sums(chunks: Int, chunk: Int) -> [Double] {
  (0..<chunks).map { c in (0..<chunk).reduce(0.0) { $0 + Double(c * chunk + $1) } }
}

@Suite struct SpillTests {
  static let chunk = 2048  // 16 KiB

  @Test(arguments: [1, 2, 4], [false, true]) func limitHoldsAndNothingIsLost(workers: Int, reversed: Bool) throws {
    let limit = 6 * Self.chunk * 8
    let t = TestEngine(workers: workers, limit: limit)
    let run = t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk, reversed: reversed))
    #expect(try run.wait(timeoutSeconds: 60))
    #expect(try values(run.results()[0]) == sums(chunks: 24, chunk: Self.chunk))
    let s = t.engine.statistics
    #expect(s.peakBytes <= limit)
    #expect(s.spilledBytes >= 18 * Self.chunk * 8 && s.unspilledBytes >= 18 * Self.chunk * 8)
    // Farthest next use is written only once.
    #expect(s.spilledBytes <= 24 * Self.chunk * 8)
  }

  /// Data from outside wait for memory, go to disk and come back; what somebody holds stays.
  @Test func dataFromOutsideSpill() throws {
    let n = 50_000
    let t = TestEngine(limit: 3 * 8 * n)
    var data = (0..<n).map(Double.init)
    var kept: [StoredTensor] = []
    for k in 0..<6 {
      data[0] = Double(k)
      kept.append(
        try data.withUnsafeMutableBytes { b in
          let view = ArrayView(base: b.baseAddress!, dtype: .float64, shape: [n])
          return try t.engine.store(view, in: Grid([AxisSplits(extent: n, chunk: k < 3 ? n : n / 3)]))
        })
    }
    #expect(t.engine.statistics.spilledBytes > 0 && t.engine.statistics.peakBytes <= 3 * 8 * n)
    for (k, s) in kept.enumerated() {
      let all = try values(.chunked(s))
      #expect(all[0] == Double(k) && all[1...] == data[1...])
    }
    // Pieces that clients hold are in memory: with three of them there is no room, and nobody waits for it.
    var held = try kept.prefix(2).map { try #require(try $0.piece()) }
    #expect(try kept[5].piece() == nil)
    #expect(throws: MarsError.self) { try t.engine.makeBuffer(byteCount: 2 * 8 * n) }
    #expect(throws: MarsError.self) { try t.engine.makeBuffer(byteCount: 4 * 8 * n) }
    #expect(doubles(held[1])[0] == 1)
    held = []
    _ = try t.engine.makeBuffer(byteCount: 2 * 8 * n)
    kept = []
    #expect(t.engine.statistics.usedBytes == 0)
  }

  @Test func spillsToRealFiles() throws {
    let device = FakeDevice()
    let directory = "/tmp/mars-runtime-test-\(getpid())"
    let chunk = 20_000
    let engine = Engine(options: EngineOptions(workers: 2, memoryLimit: 5 * chunk * 8, spillDirectory: directory), devices: [device])
    /// Results that are kept may go to disk as well: nobody has them when this returns.
    func compute() throws -> [Double] { try values(engine.run(twoPasses(chunks: 20, chunk: chunk)).results()[0]) }
    #expect(try compute() == sums(chunks: 20, chunk: chunk))
    let files = PosixFileSystem()
    #expect(engine.statistics.spilledBytes > 0)
    /// The thread that let go of the last chunk removes the file, outside of the lock: soon, but not at once.
    func isEmptySoon() throws -> Bool {
      for _ in 0..<2000 {
        if try files.list(directory).isEmpty { return true }
        usleep(5000)
      }
      return false
    }
    // Nothing lies there any more: the disk has its space back although the engine goes on.
    #expect(try isEmptySoon())
    #expect(engine.statistics.peakBytes <= 5 * chunk * 8 + 4096)
    engine.shutdown()
    #expect(try isEmptySoon())
    try files.remove(directory)
  }

  @Test func leftoversOfDeadProcessesAreRemoved() throws {
    let t = TestEngine(limit: 6 * Self.chunk * 8)
    t.files.state.withLock { s in
      s.directories.insert("/spill")
      s.directories.insert("/spill/mars-spill-\(getpid())-1-1")
      s.files["/spill/mars-spill-\(getpid())-1-1/chunks"] = [1, 2, 3]
      s.directories.insert("/spill/mars-spill-99999999-5-1")
      s.directories.insert("/spill/other")
    }
    try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait()
    let names = try t.files.list("/spill").sorted()
    // A start time that is not this process's is another process's that had the number before.
    #expect(names == ["other"])
    #expect(!t.files.exists("/spill/mars-spill-\(getpid())-1-1/chunks"))
  }

  /// The names of files below a directory in which bytes lie.
  private func filled(_ t: borrowing TestEngine, _ directory: String) -> [String] {
    t.files.state.withLock { s in s.files.filter { $0.key.hasPrefix(directory + "/") && !$0.value.isEmpty }.map(\.key) }
  }

  /// New chunks go to the directory that was named last, whatever lies in others; what lies there can be read, and goes when it is let go.
  @Test func chunksGoWhereItWasAskedForLast() throws {
    let t = TestEngine(limit: 10 * Self.chunk * 8)
    var kept: RunResult? = try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: Self.chunk, steps: 1)).results()[0]
    try t.engine.run(twoPasses(chunks: 9, chunk: Self.chunk)).wait()
    #expect(filled(t, "/spill").count == 1 && filled(t, "/other").isEmpty)
    t.engine.spill(to: "/other")
    #expect(t.engine.spillDirectory == "/other")
    let before = t.files.state.withLock { s in s.files.values.reduce(0) { $0 + $1.count } }
    // The kept chunks are in memory and on disk by turns.
    for _ in 0..<2 {
      guard let kept, case .chunked(let c) = kept, let s = c as? StoredTensor else { break }
      try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait()
      for n in 0..<8 { try s.withChunk(n) { v in #expect(v.base.load(as: Double.self) == Double(n * Self.chunk + 1)) } }
    }
    let old = t.files.state.withLock { s in s.files.filter { $0.key.hasPrefix("/spill/") }.values.reduce(0) { $0 + $1.count } }
    #expect(old <= before)
    #expect(t.files.state.withLock { $0.directories.contains("/other") })
    kept = nil
    for _ in 0..<200 where !filled(t, "/spill").isEmpty { usleep(5000) }
    #expect(filled(t, "/spill").isEmpty && filled(t, "/other").isEmpty)
  }

  /// A directory that was named when nothing lay on disk is where the next chunk goes.
  @Test func anEmptyFileHoldsNothingBack() throws {
    let t = TestEngine(limit: 6 * Self.chunk * 8)
    try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait()
    for _ in 0..<200 where !filled(t, "/spill").isEmpty { usleep(5000) }
    #expect(filled(t, "/spill").isEmpty)
    t.engine.spill(to: "/other")
    t.files.state.withLock { $0.directories.remove("/spill") }
    let writes = t.files.state.withLock { $0.writes }
    try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait()
    #expect(t.files.state.withLock { $0.writes > writes && $0.directories.contains("/other") && !$0.directories.contains("/spill") })
  }

  @Test func afterAFullDiskAnotherOneServes() throws {
    let t = TestEngine(limit: 10 * Self.chunk * 8)
    let kept = try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: Self.chunk, steps: 1)).results()[0]
    try t.engine.run(twoPasses(chunks: 9, chunk: Self.chunk)).wait()
    t.files.state.withLock { $0.fullBelow = "/spill" }
    #expect(throws: MarsError.self) { try t.engine.run(twoPasses(chunks: 40, chunk: Self.chunk)).wait() }
    t.engine.spill(to: "/other")
    let sum = try values(t.engine.run(twoPasses(chunks: 40, chunk: Self.chunk)).results()[0])
    #expect(sum == sums(chunks: 40, chunk: Self.chunk))
    withExtendedLifetime(kept) {}
  }

  @Test func fullDiskIsAnErrorAndTheEngineGoesOn() throws {
    let t = TestEngine(limit: 6 * Self.chunk * 8)
    t.files.state.withLock { $0.room = 5 * Self.chunk * 8 }
    let e = #expect(throws: MarsError.self) { try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait() }
    #expect(e?.code == .os && e?.message.contains("No space left") == true && e?.op == "constant")
    for _ in 0..<200 where t.engine.statistics.usedBytes > 0 { usleep(5000) }
    #expect(t.engine.statistics.usedBytes == 0)
    t.files.state.withLock { $0.room = Int.max }
    #expect(try values(t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).results()[0]) == sums(chunks: 24, chunk: Self.chunk))
  }

  @Test func fullDiskLosesNoKeptResult() throws {
    let t = TestEngine(limit: 10 * Self.chunk * 8)
    let kept = try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: Self.chunk, steps: 1)).results()[0]
    t.files.state.withLock { $0.room = 2 * Self.chunk * 8 }
    #expect(throws: MarsError.self) { try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait() }
    guard case .chunked(let c) = kept, let s = c as? StoredTensor else { return }
    for n in 0..<8 {
      try s.withChunk(n) { v in #expect(v.base.load(as: Double.self) == Double(n * Self.chunk + 1)) }
    }
  }

  @Test func readErrorFailsTheRunAndKeepsTheData() throws {
    let t = TestEngine(workers: 1, limit: 10 * Self.chunk * 8)
    let kept = try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: Self.chunk, steps: 1)).results()[0]
    // Pushes the kept chunks out.
    try t.engine.run(twoPasses(chunks: 9, chunk: Self.chunk)).wait()
    #expect(t.engine.statistics.spilledBytes > 0)
    guard case .chunked(let c) = kept, let s = c as? StoredTensor else { return }
    t.files.state.withLock { $0.failReads = 1 }
    let read = { () throws in
      for n in 0..<8 { try s.withChunk(n) { v in #expect(v.base.load(as: Double.self) == Double(n * Self.chunk + 1)) } }
    }
    let e = #expect(throws: MarsError.self) { try read() }
    #expect(e?.code == .os)
    try read()
  }

  @Test func corruptionIsNoticed() throws {
    let t = TestEngine(limit: 6 * Self.chunk * 8)
    t.files.state.withLock { $0.corruptReads = 1 }
    let e = #expect(throws: MarsError.self) { try t.engine.run(twoPasses(chunks: 24, chunk: Self.chunk)).wait() }
    #expect(e?.message.contains("checksum") == true)
  }

  @Test func taskLargerThanTheLimitIsNamed() throws {
    let t = TestEngine(limit: 10_000)
    let e = #expect(throws: MarsError.self) { try t.engine.run(PlanMaker.chain(elements: 4000, chunk: 2000, steps: 1)).wait() }
    #expect(e?.code == .memory && e?.op == "constant" && e?.origin == "here:1")
    #expect(
      e?.message
        == "one task needs 16000 bytes, but the memory limit is 10000 bytes: raise memory_limit, or chunk axes that the operator does not need whole"
    )
  }

  @Test func resultsInMemoryThatCannotMoveAreNamed() throws {
    let t = TestEngine(limit: 10 * Self.chunk * 8)
    let held = try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: 8 * Self.chunk, steps: 0, whole: false)).results()
    var m = PlanMaker()
    let (w, s) = m.iota([4 * Self.chunk], whole: true)
    m.addTasks(s, 0..<1)
    m.result(w)
    // The chunked result gives way; taken as one array it cannot.
    let whole = try t.engine.run(m.plan).results()
    let e = #expect(throws: MarsError.self) {
      try t.engine.run(PlanMaker.chain(elements: 8 * Self.chunk, chunk: 8 * Self.chunk, steps: 0)).wait()
    }
    #expect(e?.code == .memory)
    withExtendedLifetime((held, whole)) {}
  }

  @Test func storedResultsSpillAndComeBack() throws {
    let t = TestEngine(limit: 8 * Self.chunk * 8)
    let limit = 8 * Self.chunk * 8
    var kept: [RunResult] = []
    for k in 0..<5 { kept.append(try t.engine.run(PlanMaker.chain(elements: 4 * Self.chunk, chunk: Self.chunk, steps: k)).results()[0]) }
    for (k, r) in kept.enumerated() {
      guard case .chunked(let c) = r, let s = c as? StoredTensor else { continue }
      for n in 0..<4 { try s.withChunk(n) { v in #expect(v.base.load(as: Double.self) == Double(n * Self.chunk + k)) } }
    }
    let s = t.engine.statistics
    #expect(s.peakBytes <= limit && s.spilledBytes > 0 && s.cleanEvictions > 0)
  }

  @Test func noMemoryFromTheSystem() throws {
    final class Stingy: MemorySource {
      func map(_ byteCount: Int) -> UnsafeMutableRawPointer? { nil }
      func unmap(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {}
      func returnFreed() {}
      func residentBytes() -> Int { 0 }
    }
    let engine = Engine(options: EngineOptions(workers: 2, memory: Stingy()), devices: [FakeDevice()])
    defer { engine.shutdown() }
    let e = #expect(throws: MarsError.self) {
      try engine.run(PlanMaker.chain(elements: 100_000, chunk: 50_000, steps: 1)).wait(timeoutSeconds: 10)
    }
    #expect(e?.code == .memory)
  }

  @Test func smallBuffersLeaveRoomForLargeOnes() throws {
    // What malloc keeps of 40 MB in pieces of 32 KB would be resident beside large buffers that fill the limit.
    final class Counting: MemorySource {
      let returns = Atomic(0)
      private let system = SystemMemory()
      func map(_ byteCount: Int) -> UnsafeMutableRawPointer? { system.map(byteCount) }
      func unmap(_ base: UnsafeMutableRawPointer, _ byteCount: Int) { system.unmap(base, byteCount) }
      func returnFreed() { returns.add(1, ordering: .relaxed) }
      func residentBytes() -> Int { system.residentBytes() }
    }
    let memory = Counting()
    var options = EngineOptions(workers: 2, memoryLimit: 64 << 20, spillDirectory: "/spill", files: InMemoryFileSystem(), memory: memory)
    options.idlePoolBytes = 64 << 20
    options.inlineTasks = -1
    var script = FakeDevice.Script()
    script.isHollow = true
    let engine = Engine(options: options, devices: [FakeDevice(script)])
    defer { engine.shutdown() }
    func run(chunk: Int) throws {
      let results = try engine.run(PlanMaker.chain(elements: 5 << 20, chunk: chunk, steps: 0)).results()
      #expect(results.count == 1)
    }
    try run(chunk: 4 << 10)
    try run(chunk: 4 << 10)
    #expect(memory.returns.load(ordering: .relaxed) == 0)
    try run(chunk: 512 << 10)
    #expect(memory.returns.load(ordering: .relaxed) == 1)
    #expect(engine.statistics.peakBytes <= 64 << 20)
  }

  @Test func buffersAreReused() throws {
    var script = FakeDevice.Script()
    script.isHollow = true
    let t = TestEngine(workers: 1, script)
    let chunk = 16 << 10
    try t.engine.run(PlanMaker.chain(elements: 40 * chunk, chunk: chunk, steps: 0, whole: false)).wait()
    for _ in 0..<100 where t.engine.statistics.usedBytes > 0 { usleep(5000) }
    let before = t.engine.statistics.freshBuffers
    try t.engine.run(PlanMaker.chain(elements: 40 * chunk, chunk: chunk, steps: 3)).wait()
    #expect(t.engine.statistics.freshBuffers == before)
    #expect(t.engine.statistics.reusedBuffers >= 40)
  }
}
