import MarsBase
import MarsGraph
import Testing

@testable import MarsPlan

/// What `explain` says of chunks that were asked for and are not there.
@Suite struct PreferenceTests {
  func plan(_ v: [Value], chunkBytes: Int? = nil) throws -> Plan {
    try Planner(v, options: PlanOptions(memoryLimit: 1 << 30, chunkBytes: chunkBytes)).plan
  }

  /// The lines about chunks.
  func said(_ v: [Value], chunkBytes: Int? = nil) throws -> [String] {
    try plan(v, chunkBytes: chunkBytes).explain().split(separator: "\n").map(String.init).filter {
      $0.contains("is not followed") || $0.contains("are not kept")
    }
  }

  func rechunk(_ v: Value, _ chunk: [Int]) throws -> Value { Value(try TestOps.rechunk.apply([.value(v)], [("chunk", .ints(chunk))])) }

  @Test func dataInOnePiece() throws {
    let x = TestOps.data([1000, 1000], preferredChunks: [10, 10])
    #expect(
      try said([x]) == [
        "chunk_size (10, 10) of t0 is not followed: merged into (1000, 1000), as data in one piece is read in whatever parts suit the graph; rechunk keeps chunks"
      ])
    let y = try plan([TestOps.sqrt(x)])
    let rows = y.stages[0].grid.axes[0].largest
    #expect(y.explain().contains("chunk_size (10, 10) of t0 is not followed: merged into (\(rows), 1000) by stage 0, as data in one piece"))
    // One piece that is cut.
    let z = TestOps.data([1000, 1000], preferredChunks: [1000, 1000])
    #expect(try said([z]) == [])
    #expect(try said([TestOps.sqrt(z)], chunkBytes: 80_000)[0].hasPrefix("chunk_size (1000, 1000) of t0 is not followed: split into ("))
    let w = TestOps.data([1000, 1000], preferredChunks: [1, 1000])
    #expect(try said([TestOps.sqrt(TestOps.transpose(w))], chunkBytes: 8_000_000)[0].contains(" merged into (1000, 1000) by stage 0"))
    let v = TestOps.data([1000, 1000], preferredChunks: [1000, 1])
    #expect(try said([TestOps.sqrt(v)], chunkBytes: 80_000)[0].contains(" cut anew into ("))
  }

  @Test func dataInChunks() throws {
    final class Chunks: ChunkedData {
      let type = TensorType(.float64, [1000])
      let grid = Grid([AxisSplits(extent: 1000, chunk: 100)])
    }
    func data(_ extent: Int) throws -> Value { try TestOps.sqrt(Value(Leaves.node(Chunks(), preferredChunks: [extent]))) }
    #expect(try said([data(100)]) == [])
    #expect(
      try said([data(1000)]) == [
        "chunk_size (1000,) of t0 is not followed: split into (100,) by stage 0, as data of this size lies in chunks that the memory limit decides; rechunk keeps chunks"
      ])
    #expect(try said([data(30)])[0].contains(" merged into (100,)"))
  }

  @Test func whatIsFollowedIsNotMentioned() throws {
    #expect(try said([TestOps.sqrt(TestOps.data([1000, 1000]))]) == [])
    let x = TestOps.data([1000, 1000], preferredChunks: [100, 50])
    #expect(try said([rechunk(x, [100, 50])]) == [])
    #expect(try said([TestOps.sum(TestOps.add(rechunk(x, [100, 50]), TestOps.data([1000, 1000])))]) == [])
    // Another reader of the same data has other parts.
    #expect(try said([rechunk(x, [100, 50]), TestOps.sum(x)]).count == 1)
    #expect(try said([rechunk(x, [50, 50])])[0].contains(" split into (50, 50) by stage 0"))
    // Without elements.
    #expect(try said([TestOps.sqrt(TestOps.data([0, 5], preferredChunks: [1, 5]))]) == [])
  }

  @Test func ofSeveralRechunksInALoopOneDecides() throws {
    let a = try rechunk(TestOps.source.source([100, 100]), [10, 10])
    let b = try rechunk(TestOps.source.source([100, 100]), [20, 25])
    #expect(try said([TestOps.sum(TestOps.add(a, a))]) == [])
    #expect(
      try said([TestOps.sum(TestOps.add(a, b))]) == [
        "chunks of (20, 25) of (100, 100) are not kept: they are computed in one loop with chunks of (10, 10), which were asked for too"
      ])
    // Its own chunks, once the other way round.
    let c = try rechunk(TestOps.source.source([100, 100]), [10, 20])
    #expect(try said([TestOps.sum(TestOps.add(c, TestOps.transpose(c)))]) == [])
    #expect(
      try said([TestOps.sum(TestOps.everyTenth(a))]) == [
        "chunks of (10, 10) of (100, 100) are not kept: they are computed where a view of them is read"
      ])
  }

  @Test func innerReductionsAreWhole() throws {
    let a = try rechunk(TestOps.source.source([1000, 20]), [100, 5])
    let inner = try Value(TestOps.sum.apply([.value(a)], [("axis", .ints([1]))]))
    #expect(
      try said([TestOps.sum(TestOps.sqrt(inner))]) == [
        "chunks along axis 1 of (1000, 20) are not kept: an inner reduction is made by one task"
      ])
  }

  /// Plans of small graphs are taken from the cache with what they say; other preferences make another plan.
  @Test func cachedPlansSayTheSame() throws {
    let cache = PlanCache()
    let options = PlanOptions(memoryLimit: 1 << 30)
    for preferred in [[], [10, 10], [20, 20]] {
      let before = cache.hits
      for _ in 0..<3 {
        let v = try TestOps.sqrt(TestOps.data([100, 100], preferredChunks: preferred))
        let text = try cache.plan([v], options: options).plan.explain()
        #expect(text.contains("chunk_size") == !preferred.isEmpty)
        #expect(text.contains("chunk_size \(Shape.text(preferred)) of t0") == !preferred.isEmpty)
      }
      #expect(cache.hits - before == 1)
    }
  }
}
