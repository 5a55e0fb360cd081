import MarsBase
import MarsGraph
import Testing

@testable import MarsPlan

@Suite struct PlanCacheTests {
  let options = PlanOptions(memoryLimit: 1 << 30)

  /// Everything of a plan but the identity of nodes and buffers.
  func text(_ p: Plan) -> String {
    var q = p
    var stages = ""
    for s in p.stages {
      stages += "\(s.kind) \(s.grid) \(s.inputs) \(s.outputs) \(s.counters) \(s.scalars) \(s.labels) \(s.mayReuseInput) \(s.work)\n"
    }
    var tensors = ""
    for t in p.tensors {
      var storage = "\(t.storage)"
      if case .leaf(let a) = t.storage { storage = "leaf \(a.buffer.base) \(a.offset) \(a.strides)" }
      tensors += "\(t.type) \(t.grid) \(storage) \(t.firstSlot) \(String(describing: t.resultIndex)) \(t.label)\n"
    }
    q.stages = []
    q.tensors = []
    return p.explain() + stages + tensors + "\(q)"
  }

  /// Asks three times, the last answer from the cache, each time for a graph made anew.
  func check(hits: Int = 1, _ cache: PlanCache = PlanCache(), _ make: () throws -> [Value]) throws {
    let before = cache.hits
    for _ in 0..<3 {
      let values = try make()
      let (plan, planner) = try cache.plan(values, options: options)
      #expect(planner == nil)
      let fresh = try Planner(values, options: options).plan
      #expect(text(plan) == text(fresh))
      for (a, b) in zip(plan.stages, fresh.stages) { #expect(a.node === b.node) }
    }
    #expect(cache.hits - before == hits)
  }

  @Test func plansFoundEqualPlansMade() throws {
    let cache = PlanCache()
    try check(cache) { try [TestOps.add(TestOps.data([1000]), TestOps.data([1000]))] }
    try check(cache) { try [TestOps.add(TestOps.data([1000]), TestOps.data([1]))] }
    try check(cache) { [try Value(TestOps.add.apply([.value(TestOps.data([1000])), TestOps.weak(1)]))] }
    // Another number is another argument of the same plan.
    try check(hits: 3, cache) { [try Value(TestOps.add.apply([.value(TestOps.data([1000])), TestOps.weak(2)]))] }
    // Two inputs each, but not the same two.
    try check(cache) { [Value(try TestOps.bounded.apply([.value(TestOps.data([1000])), .value(TestOps.data([1000]))]))] }
    try check(cache) { [Value(try TestOps.bounded.apply([.value(TestOps.data([1000])), .absent, .value(TestOps.data([1000]))]))] }
    try check(cache) { try [TestOps.sum(TestOps.source.source([10, 10]))] }
    try check(cache) { try [TestOps.sum(TestOps.data([3000, 3000]))] }
    try check(cache) { try [TestOps.mean(TestOps.data([100, 100]))] }
    try check(cache) {
      let a = TestOps.data([400, 100])
      return try [TestOps.add(a, TestOps.mean(a)), TestOps.sum(a)]
    }
  }

  @Test func plansOfDataInChunks() throws {
    final class Chunks: ChunkedData {
      let type = TensorType(.float64, [1000])
      let grid: Grid
      init(_ chunk: Int) { grid = Grid([AxisSplits(extent: 1000, chunk: chunk)]) }
    }
    let cache = PlanCache()
    for chunk in [1000, 100, 200] { try check(cache) { [try TestOps.sum(Value(Leaves.node(Chunks(chunk))))] } }
    // Twice the same data is another graph.
    let one = Value(Leaves.node(Chunks(500)))
    try check(hits: 0, cache) { [try TestOps.add(Value(one.node), Value(Leaves.node(one.node.chunks)))] }
  }

  @Test func otherGraphsAreNotTaken() throws {
    let cache = PlanCache()
    for axis in [0, 1] {
      try check(cache) { [try Value(TestOps.sum.apply([.value(TestOps.data([64, 64]))], [("axis", .ints([axis]))]))] }
    }
    for n in [1, 2, 3] { try check(cache) { try [TestOps.sqrt(TestOps.data([n]))] } }
    // The same operand twice is another graph than two operands.
    try check(cache) { try [TestOps.mul(TestOps.data([8]), TestOps.data([8]))] }
    try check(cache) {
      let a = TestOps.data([8])
      return try [TestOps.mul(a, a)]
    }
    let a = try TestOps.sqrt(TestOps.data([3]))
    _ = try cache.plan([a], options: options)
    let hits = cache.hits
    _ = try cache.plan([a], options: PlanOptions(memoryLimit: 1 << 30, fuses: false))
    #expect(cache.hits == hits)
  }

  @Test func argumentsAreEnteredAnew() throws {
    let cache = PlanCache()
    var seed = 0
    func noise() throws -> Value {
      seed += 1
      return try TestOps.noise.noise(seed)
    }
    try check(cache) { try [TestOps.sum(noise())] }
    try check(hits: 3, cache) { try [TestOps.sum(noise())] }
    // Two that are the same are computed once; two that differ are not.
    try check(cache) { try [TestOps.add(TestOps.noise.noise(5), TestOps.noise.noise(5))] }
    try check(cache) { try [TestOps.add(noise(), noise())] }
    try check(hits: 3, cache) { try [TestOps.add(noise(), noise())] }
    try check(hits: 3, cache) { try [TestOps.add(TestOps.noise.noise(6), TestOps.noise.noise(6))] }
  }

  @Test func largeGraphsArePlannedEachTime() throws {
    try check(hits: 0) {
      var v = TestOps.data([8])
      for _ in 0..<PlanCache.mostNodes { v = try TestOps.sqrt(v) }
      return [v]
    }
  }

  @Test func keepsNoData() throws {
    let cache = PlanCache()
    weak var node: Node?
    for _ in 0..<3 {
      let v = try TestOps.sqrt(TestOps.data([1000]))
      node = v.node
      _ = try cache.plan([v], options: options)
    }
    #expect(cache.hits == 1)
    #expect(node == nil)
  }
}

extension OpDef {
  fileprivate func noise(_ seed: Int) throws -> Value { Value(try apply([], [("seed", .int(seed))])) }
}

extension Node {
  fileprivate var chunks: any ChunkedData {
    guard case .chunked(let data) = payload else { preconditionFailure("data in chunks") }
    return data
  }
}
