import MarsBase
import MarsGraph
import MarsPlan
import Testing

@Suite struct PlannerTests {
  let options = PlanOptions(memoryLimit: 1 << 30)

  func plan(_ v: [Value], limit: Int = 1 << 30, fuses: Bool = true) throws -> Plan {
    try Planner(v, options: PlanOptions(memoryLimit: limit, fuses: fuses)).plan
  }

  func kinds(_ p: Plan) -> [String] {
    p.stages.map { s in
      switch s.kind {
      case .kernel: "kernel"
      case .native: "native"
      case .gather: "gather"
      }
    }
  }

  @Test func chainIsOneKernel() throws {
    let a = TestOps.data([1000, 2000])
    let b = try Value(TestOps.add.apply([.value(a), TestOps.weak(1)]))
    let c = try TestOps.sqrt(TestOps.mul(b, b))
    let p = try plan([c])
    #expect(kinds(p) == ["kernel"])
    #expect(p.stages[0].scalars == [Scalar(1.0)])
    #expect(p.taskCount == p.stages[0].grid.chunkCount)
  }

  @Test func smallReductionIsOneTask() throws {
    let p = try plan([TestOps.sum(TestOps.source.source([10, 10]))])
    #expect(p.taskCount == 1)
    #expect(p.stages.count == 1)
  }

  @Test func largeReductionCombinesPartials() throws {
    let p = try plan([TestOps.sum(TestOps.data([10000, 10000]))])
    #expect(kinds(p) == ["kernel", "kernel"])
    #expect(p.taskCount == p.stages[0].grid.chunkCount + 1)
    // The combining task waits for all.
    #expect(p.dependencies(ofTask: p.taskCount - 1).count == p.stages[0].grid.chunkCount)
  }

  @Test func nestedReductionsFuse() throws {
    let points = TestOps.source.source([1 << 20, 2])
    let inner = try Value(TestOps.sum.apply([.value(points)], [("axis", .ints([1]))]))
    let p = try plan([TestOps.sum(TestOps.sqrt(inner))])
    guard case .kernel(let spec) = p.stages[0].kind else { throw MarsError(.internal, "no kernel") }
    #expect(spec.levels.count == 3)
    #expect(spec.inputs.isEmpty)
    #expect(p.stages.count == 2)
  }

  @Test func meanSubtractedReadsTwice() throws {
    let a = TestOps.data([4000, 1000])
    let m = try TestOps.mean(a)
    let d = try TestOps.add(a, m)
    let p = try plan([TestOps.sum(TestOps.mul(d, d))])
    // partial sum, combine with the division, partial of squares, combine
    #expect(p.stages.count == 4)
  }

  @Test func aFusedReductionIsNotReadThroughABroadcast() throws {
    let a = TestOps.data([100, 10])
    // sqrt(sum(a)) is 0-d and cheap, but reading it per element would run the sum per element.
    let scale = try TestOps.sqrt(TestOps.sum(a))
    let p = try plan([TestOps.add(a, scale)])
    #expect(p.stages.count == 2)
    guard case .kernel(let last) = p.stages[1].kind else { throw MarsError(.internal, "no kernel") }
    #expect(last.levels.count == 1)
  }

  @Test func expensiveSharedValueIsKept() throws {
    let h = try TestOps.heavy(TestOps.data([100, 100]))
    let p = try plan([TestOps.add(h, h), TestOps.mul(h, h)])
    #expect(p.stages.count == 3)
    let cheap = try TestOps.sqrt(TestOps.data([100, 100]))
    #expect(try plan([TestOps.add(cheap, cheap), TestOps.mul(cheap, cheap)]).stages.count == 2)
  }

  @Test func matmulIsTiledAndAccumulates() throws {
    let a = TestOps.read.source([5000, 5000])
    let t = try TestOps.transpose(a)
    let p = try plan([TestOps.matmul(a, t)])
    #expect(kinds(p) == ["native", "native"])
    #expect(p.stages[1].accumulatedAxis == 2)
    // No rechunk: both operands are cut alike.
    for t in 0..<p.taskCount { for d in p.dependencies(ofTask: t) { #expect(Int(d) < t) } }
  }

  @Test func rechunkPinsTheGrid() throws {
    let a = TestOps.data([1000, 1000])
    let r = try Value(TestOps.rechunk.apply([.value(a)], [("chunk", .ints([100, 50]))]))
    let p = try plan([TestOps.sum(TestOps.add(r, TestOps.transpose(a)))])
    #expect(p.stages[0].grid.counts == [10, 20])
    #expect(p.taskCount == 201)
  }

  @Test func maskNeedsExtentsThenGoesOn() throws {
    let x = TestOps.data([1000])
    let m = TestOps.data([1000], .bool)
    let s = try TestOps.select(x, m)
    let out = try TestOps.sum(TestOps.add(s, s))
    var planner = try Planner([out], options: options)
    #expect(!planner.plan.isComplete)
    let needed = planner.plan.needs[0]
    let first = planner.plan.taskCount
    try planner.advance(produced: [needed: [[400]]])
    #expect(planner.plan.isComplete)
    #expect(planner.plan.taskCount > first)
    #expect(planner.plan.tensors[needed].type.shape == [400])
  }

  @Test func selectsAlongAnyAxis() throws {
    let x = try TestOps.rechunk(TestOps.heavy(TestOps.data([30, 4000])), attributes: ["chunk": .ints([30, 1000])])
    let s = try TestOps.selectColumns(x, TestOps.data([4000], .bool))
    var planner = try Planner([TestOps.sqrt(s)], options: PlanOptions(memoryLimit: 1 << 30, chunkBytes: 1 << 17))
    let t = planner.plan.needs[0]
    let columns = planner.plan.tensors[t].grid.axes[1]
    #expect(columns.count > 1 && planner.plan.tensors[t].grid.axes[0].count == 1)
    // Room for all columns of the chunk, of every row.
    #expect(columns.offsets.last == 4000)
    try planner.advance(produced: [t: columns.sizes.map { [30, $0 / 2] }])
    #expect(planner.plan.isComplete)
    #expect(planner.plan.tensors[t].type.shape == [30, 2000])
  }

  @Test func boxesReadOnlyTheChunksThatTheyMeet() throws {
    let x = try TestOps.heavy(TestOps.data([4000, 1000]))
    let p = try plan([TestOps.sum(TestOps.heavy(TestOps.flat(x)))], limit: 8 << 20)
    #expect(!kinds(p).contains("gather"))
    let flat = try #require(p.stages.firstIndex { $0.node.op === TestOps.flat })
    for t in 0..<p.taskCount where Int(p.taskStage[t]) == flat { #expect(p.slots(ofTask: t).count <= 8) }
    #expect(p.stages[flat].gatherBytes < 1 << 20)
    // 32 MB pass through: depth first, a few chunks at a time.
    #expect(p.forecastPeak < 4 << 20)
  }

  @Test func writesInOnePieceShareASlot() throws {
    var a = try TestOps.heavy(TestOps.data([200, 1000]))
    for _ in 0..<100 { a = try TestOps.write(a, TestOps.data([2, 1000])) }
    let p = try plan([TestOps.sqrt(a)])
    #expect(Set(p.taskSlots).count == 1)
    #expect(p.forecastPeak == 1_600_000)
    // One that is read elsewhere too is copied.
    let b = try TestOps.heavy(TestOps.data([200, 1000]))
    let two = try plan([TestOps.write(b, TestOps.data([2, 1000])), TestOps.sum(b)])
    #expect(Set(two.taskSlots).count >= 3)
  }

  @Test func writesLeaveChunksUnchanged() throws {
    var a = try TestOps.heavy(TestOps.data([4000, 1000]))
    for _ in 0..<3 { a = try TestOps.write(a, TestOps.data([2, 1000])) }
    let p = try plan([TestOps.sum(TestOps.heavy(a))], limit: 64 << 20)
    let writes = (0..<p.taskCount).filter { p.stages[Int(p.taskStage[$0])].node.op === TestOps.write }
    #expect(writes.count > 30)
    let below = writes.filter { p.stages[Int(p.taskStage[$0])].box(Int(p.taskChunk[$0])).lower[0] >= 2 }
    #expect(below.count >= writes.count - 6)
    #expect(p.unchangedTasks == Set(below.map { Int32($0) }))
  }

  @Test func smallerChunksWhereATaskWouldNotFit() throws {
    var sum = TestOps.read.source([100_000])
    for _ in 0..<30 { sum = try TestOps.add(sum, TestOps.read.source([100_000])) }
    let p = try plan([TestOps.sum(sum)], limit: 4 << 20)
    for t in 0..<p.taskCount { #expect(p.slots(ofTask: t).reduce(0) { $0 + p.slotBytes[Int($1)] } <= 4 << 20) }
  }

  @Test func anIncompletePlanHoldsOnlyWhatComesLater() throws {
    var x = TestOps.data([100_000])
    for _ in 0..<5 { x = try TestOps.step(x) }
    let kept = try TestOps.heavy(TestOps.data([50]))
    let s = try TestOps.select(x, TestOps.data([100_000], .bool))
    let p = try Planner([TestOps.sum(s), TestOps.sum(TestOps.mul(kept, kept))], options: options).plan
    #expect(!p.isComplete)
    let held = Set((0..<p.slotCount).filter { p.slotHeld[$0] }.map { Int(p.slotTensor[$0]) })
    #expect(held == Set(p.needs + p.results.filter { $0 >= 0 }))
  }

  @Test func unfusedHasAStagePerOperator() throws {
    let a = TestOps.data([100])
    let c = try TestOps.sqrt(TestOps.mul(a, a))
    #expect(try plan([c], fuses: false).stages.count == 2)
  }

  @Test func recomputesCheapValuesUnlessToldNotTo() throws {
    let a = TestOps.data([100])
    let shared = try TestOps.add(a, a)
    let users = [try TestOps.sum(shared), try TestOps.sum(TestOps.mul(shared, a))]
    #expect(try Planner(users, options: PlanOptions(memoryLimit: 1 << 30)).plan.stages.count == 2)
    let kept = try Planner(users, options: PlanOptions(memoryLimit: 1 << 30, recomputes: false)).plan
    #expect(kept.stages.count == 3)
  }

  @Test func deepChainsAreCutAndFreed() throws {
    var v = TestOps.data([10])
    for _ in 0..<50_000 { v = try Value(TestOps.add.apply([.value(v), TestOps.weak(1)])) }
    let p = try plan([v])
    #expect(p.stages.count > 500 && p.stages.count < 5000)
    var specs: Set<KernelSpec> = []
    for s in p.stages { if case .kernel(let k) = s.kind { specs.insert(k) } }
    #expect(specs.count < 5)
  }

  /// What costs nothing nests without end unless depth itself is bounded; tests run on stacks of 512 KB.
  @Test func deepChainsOfWhatCostsNothing() throws {
    let x = TestOps.data([10, 10])
    var rechunked = x
    for _ in 0..<50_000 { rechunked = try TestOps.rechunk(rechunked, attributes: ["chunk": .ints([5, 5])]) }
    let p = try plan([rechunked])
    #expect(p.stages.count > 500 && p.stages.count < 5000)
    var viewed = x
    for _ in 0..<100_000 { viewed = try TestOps.transpose(viewed) }
    #expect(try plan([viewed]).stages.count == 1)
    var both = try TestOps.rechunk(x, attributes: ["chunk": .ints([5, 5])])
    for _ in 0..<20_000 { both = try TestOps.rechunk(TestOps.transpose(both), attributes: ["chunk": .ints([5, 5])]) }
    #expect(try plan([TestOps.sum(both), both]).stages.count < 5000)
  }

  /// Time grows with the length: each user of a chain of views sees through all of it at once.
  @Test func manyUsersOfAChainOfViews() throws {
    let x = TestOps.data([10, 10])
    var viewed = x
    var users: [Value] = []
    for _ in 0..<20_000 {
      viewed = try TestOps.transpose(viewed)
      users.append(try TestOps.sqrt(viewed))
    }
    #expect(try plan(users).taskCount == 20_000)
  }

  @Test func chunkedIntermediatesWithOtherSplitsAreRechunked() throws {
    let a = try TestOps.heavy(TestOps.data([4000, 4000]))
    let r = try Value(TestOps.rechunk.apply([.value(TestOps.transpose(a))], [("chunk", .ints([500, 4000]))]))
    let p = try plan([TestOps.add(r, a)])
    #expect(kinds(p).contains("gather"))
  }

  @Test func manyChunksArePlannedQuickly() throws {
    let a = TestOps.data([10000, 10000])
    let r = try Value(TestOps.rechunk.apply([.value(a)], [("chunk", .ints([32, 32]))]))
    let s = try TestOps.sum(TestOps.add(r, TestOps.transpose(a)))
    let clock = ContinuousClock()
    var tasks = 0
    let time = try clock.measure { tasks = try plan([s]).taskCount }
    #expect(tasks == 313 * 313 + 1)
    print("planned \(tasks) tasks in \(time)")
  }

  /// Whoever waits for a plan of millions of tasks can end that at any time.
  @Test(arguments: [10, 100, 400]) func planningStopsWhenAsked(milliseconds: Int) throws {
    let a = TestOps.data([700, 700])
    var v = try TestOps.rechunk(a, attributes: ["chunk": .ints([1, 1])])
    for _ in 0..<5 { v = try TestOps.rechunk(TestOps.heavy(TestOps.heavy(TestOps.transpose(v))), attributes: ["chunk": .ints([1, 1])]) }
    let end = ContinuousClock.now + .milliseconds(milliseconds)
    let patience = Patience { ContinuousClock.now > end }
    do {
      _ = try Planner([v], options: options, patience: patience)
      Issue.record("millions of tasks are planned in \(milliseconds) ms")
    } catch { #expect(error.code == .cancelled) }
    let late = ContinuousClock.now - end
    // Here it is milliseconds; sanitizers and busy machines are slow.
    #expect(late < .seconds(1), "\(late) after it was asked")
  }

  /// Tiles are made smaller, and small tensors are not kept in one piece, until the largest task fits.
  @Test(arguments: [1 << 20, 1 << 18, 1 << 16]) func largestTaskFitsTheLimit(limit: Int) throws {
    let a = try TestOps.rechunk.apply([.value(TestOps.source.source([500, 500]))], [("chunk", .ints([500, 250]))])
    for v in [TestOps.source.source([500, 500]), Value(a)] {
      let sum = try Value(TestOps.sum.apply([.value(TestOps.add(v, TestOps.transpose(v)))], [("axis", .ints([0]))]))
      let p = try plan([sum], limit: limit)
      let pinned = v == Value(a)
      let largest = (0..<p.taskCount).map { t in p.slots(ofTask: t).reduce(0) { $0 + p.slotBytes[Int($1)] } }.max() ?? 0
      #expect(largest <= limit || pinned, "a task needs \(largest) bytes within \(limit)")
      #expect(p.remarks.contains { $0.contains("one task needs") } == (largest > limit))
      #expect(p.explain().contains("peak: \(min(limit, p.forecastPeak)) bytes"))
    }
  }
}

extension OpDef {
  func source(_ shape: [Int]) -> Value {
    guard let n = try? apply([], [("shape", .ints(shape))]) else { preconditionFailure("a source of \(shape)") }
    return Value(n)
  }
}
