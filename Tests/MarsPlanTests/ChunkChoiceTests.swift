import MarsBase
import MarsGraph
import MarsPlan
import Testing

/// Chunks under a tight limit: what readers need decides how sources are cut.
@Suite struct ChunkChoiceTests {
  func plan(_ v: Value, limit: Int) throws -> Plan { try Planner([v], options: PlanOptions(memoryLimit: limit)).plan }

  func operators(_ p: Plan) -> [String] { p.stages.map { if case .gather = $0.kind { "gather" } else { $0.node.op.name } } }

  /// Bytes of chunks that the tasks of a plan name: what would pass through the disk if nothing stayed in memory.
  func traffic(_ p: Plan) -> Int { p.taskSlots.reduce(0) { $0 + p.slotBytes[Int($1)] } }

  func reshape(_ x: Value, _ shape: [Int]) throws -> Value { try TestOps.reshape(x, attributes: ["shape": .ints(shape)]) }

  @Test func aReshapedFileIsReadUnderTheNewShape() throws {
    let x = try reshape(TestOps.read.source([2000 * 8000]), [2000, 8000])
    let p = try plan(TestOps.sum(TestOps.matmul(x, TestOps.transpose(x))), limit: 32 << 20)
    #expect(operators(p) == ["read", "matmul", "sum", "sum"])
    let direct = TestOps.read.source([2000, 8000])
    let same = try plan(TestOps.sum(TestOps.matmul(direct, TestOps.transpose(direct))), limit: 32 << 20)
    #expect(traffic(p) == traffic(same))
  }

  @Test func equalReshapesOfAFileAreOne() throws {
    let file = TestOps.read.source([600])
    let (a, b) = (try reshape(file, [20, 30]), try reshape(file, [20, 30]))
    #expect(try operators(plan(TestOps.add(a, b), limit: 1 << 30)) == ["read", "add"])
    // Each shape, and the file as it is, are read on their own.
    let c = try reshape(file, [30, 20])
    #expect(
      try operators(plan(TestOps.add(TestOps.sum(TestOps.add(a, b)), TestOps.add(TestOps.sum(c), TestOps.sum(file))), limit: 1 << 30))
        .filter { $0 == "read" }.count == 3)
  }

  @Test func aReshapedRangeIsNotKept() throws {
    let x = try reshape(TestOps.source.source([600]), [20, 30])
    #expect(try operators(plan(TestOps.sum(TestOps.sqrt(x)), limit: 1 << 30)) == ["sum"])
  }

  @Test func aReshapeToTheSameExtentsCopiesNothing() throws {
    let x = try TestOps.heavy(TestOps.data([1000]))
    let p = try plan(TestOps.step(reshape(TestOps.step(x), [1000])), limit: 1 << 30)
    #expect(operators(p) == ["heavy", "step", "step"])
  }

  @Test func blocksForProductsOfWhatIsCutIntoRows() throws {
    // Nothing makes these elements under another shape: they are copied, in rows.
    let x = try reshape(TestOps.heavy(TestOps.source.source([1000 * 4000])), [1000, 4000])
    let p = try plan(TestOps.sum(TestOps.matmul(x, TestOps.transpose(x))), limit: 8 << 20)
    let s = try #require(p.stages.first { $0.node.op === TestOps.matmul && $0.accumulatedAxis != nil })
    // Cubes of 256: every operand is read four times, not once for each of a hundred strips of rows.
    #expect(s.grid.counts[0] <= 8 && s.grid.counts[1] <= 8)
    #expect(p.remarks.isEmpty)
  }

  @Test func whatAProductReadsIsMadeInBlocks() throws {
    let x = try TestOps.heavy(TestOps.read.source([2000, 8000]))
    let p = try plan(TestOps.sum(TestOps.matmul(x, TestOps.transpose(x))), limit: 32 << 20)
    #expect(!operators(p).contains("gather"))
    let s = try #require(p.stages.first { $0.node.op === TestOps.matmul })
    #expect(s.grid.counts[0] <= 8 && s.grid.counts[1] <= 8)
  }

  /// Blocks are for matrices that are several of them both ways.
  @Test func whatHasNoBlocksIsCutByBytes() throws {
    let limit = 64 << 20
    let narrow = try TestOps.heavy(TestOps.read.source([2_000_000, 5]))
    let p = try plan(TestOps.matmul(TestOps.transpose(narrow), narrow), limit: limit)
    let s = try #require(p.stages.first { $0.node.op === TestOps.matmul })
    #expect(s.grid.chunkCount < 200)
    let flat = try plan(TestOps.tally(TestOps.heavy(TestOps.read.source([10_000_000]))), limit: limit)
    #expect(flat.stages.allSatisfy { $0.grid.chunkCount < 200 })
    let stack = try plan(
      TestOps.products(TestOps.heavy(TestOps.read.source([400, 1000, 1000])), TestOps.read.source([400, 1000, 10])), limit: 8 << 30)
    #expect(stack.stages.contains { $0.node.op === TestOps.heavy && $0.grid.counts[0] >= 100 })
  }

  @Test func sumsOverRowsLeaveFewPartialResults() throws {
    let limit = 64 << 20
    for x in [
      TestOps.source.source([100_000, 100_000]), TestOps.read.source([100_000, 50_000]),
      try TestOps.step(TestOps.read.source([100_000, 50_000])),
    ] {
      let p = try plan(Value(TestOps.sum.apply([.value(x)], [("axis", .ints([0]))])), limit: limit)
      #expect(p.remarks.isEmpty)
      #expect(p.forecastPeak <= limit)
    }
    // Rows that few partial results come from stay whole.
    let p = try plan(Value(TestOps.sum.apply([.value(TestOps.read.source([100_000, 100]))], [("axis", .ints([0]))])), limit: limit)
    #expect(p.stages[0].grid.counts[1] == 1)
  }

  @Test func filesAreReadInTheChunksThatReadersHave() throws {
    let limit = 16 << 20
    for x in [TestOps.read.source([8_000_000]), try TestOps.heavy(TestOps.read.source([8_000_000]))] {
      let p = try plan(TestOps.sum(TestOps.runs(x, attributes: ["run": .int(131_000)])), limit: limit)
      #expect(!operators(p).contains("gather"))
      #expect(p.stages[0].grid.axes[0] == AxisSplits(extent: 8_000_000, chunk: 131_000))
    }
    let pinned = try TestOps.rechunk(TestOps.read.source([8_000_000]), attributes: ["chunk": .ints([84_000])])
    #expect(!(try operators(plan(TestOps.sum(TestOps.heavy(pinned)), limit: limit)).contains("gather")))
    // Pieces too small to be read on their own are cut from larger ones.
    let tiny = try plan(TestOps.sum(TestOps.runs(TestOps.read.source([800_000]), attributes: ["run": .int(100)])), limit: limit)
    #expect(tiny.stages[0].grid.chunkCount < 100)
  }

  @Test func narrowColumnsAreNotReadFromAFile() throws {
    let x = try TestOps.rechunk(TestOps.read.source([2000, 2000]), attributes: ["chunk": .ints([2000, 40])])
    let p = try plan(TestOps.sum(TestOps.heavy(x)), limit: 64 << 20)
    #expect(p.stages[0].node.op === TestOps.read && p.stages[0].grid.counts[1] < 10)
  }
}
