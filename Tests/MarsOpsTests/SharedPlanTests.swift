import MarsBase
import MarsGraph
import MarsOps
import MarsPlan
import Testing

/// Graphs that differ in arguments only (constants, seeds) share a plan: with other arguments it is the plan that would be made for them.
struct SharedPlanTests {
  private let options = PlanOptions(memoryLimit: 1 << 30)

  /// What arguments could have changed.
  private func text(_ p: Plan) -> String {
    let stages = p.stages.map { "\($0.kind) \($0.grid) \($0.inputs) \($0.outputs) \($0.counters) \($0.scalars) \($0.work)" }
    return p.explain() + stages.joined(separator: "\n")
  }

  /// Whether another seed changes the call.
  private func hasArguments(_ c: LawCase) -> Bool {
    c.operands.contains { $0.shape.isEmpty }
      || c.attributes.contains { name, _ in c.op.attributes.contains { $0.name == name && $0.isArgument } }
  }

  /// Plans taken from the cache that are not those that would be made.
  private func faults(_ cases: [LawCase]) throws -> [String] {
    let cache = PlanCache()
    var faults: [String] = []
    for c in cases where hasArguments(c) {
      for seed in [2, 3, 5] {
        guard let v = values(c, seed) else { continue }
        let hits = cache.hits
        // Where planning is refused or goes on later, nothing is shared.
        guard let (plan, planner) = try? cache.plan(v, options: options), planner == nil, cache.hits > hits else { continue }
        if text(plan) != text(try Planner(v, options: options).plan) { faults.append("\(c.text), \(seed)") }
      }
    }
    return faults
  }

  /// The call with constants for 0-d operands and with arguments, all made of `seed`; nil where the operator refuses that.
  private func values(_ c: LawCase, _ seed: Int) -> [Value]? {
    let attributes = c.attributes.map { name, value -> (String, AttrValue) in
      guard let i = c.op.attributeIndex(name), c.op.attributes[i].isArgument else { return (name, value) }
      switch value {
      case .scalar(let s): return (name, .scalar(Scalar(Int64(seed * 1_000_003)).cast(to: s.dtype)))
      case .int: return (name, .int(seed))
      default: return (name, value)
      }
    }
    guard var operands = try? c.values(.plain, marsRegistry) else { return nil }
    for k in operands.indices where operands[k].type.shape.isEmpty {
      operands[k] = Value(Leaves.node(Scalar(Int64(seed)).cast(to: operands[k].type.dtype)))
    }
    guard let n = try? c.op.apply(Sample([], absent: c.absent).operands(operands), attributes) else { return nil }
    return n.outputs.indices.map { Value(n, $0) }
  }

  @Test(arguments: LawTests.operators)
  func plansFoundAreThoseThatWouldBeMade(_ name: String) throws {
    #expect(try faults(LawCases.of(try #require(marsRegistry[name]))).isEmpty)
  }

  @Test func argumentReadInAnotherWay() throws {
    let raw = try #require(marsRegistry["random_raw"])
    let mutant = OpDef(
      raw.name, inputs: [], attributes: raw.attributes, typing: raw.typing,
      body: .expr { b, c, _ in [b.scalar(c.scalar("seed") ?? Scalar(0.0))] }, cost: raw.cost, doc: raw.doc, exposure: raw.exposure,
      samples: raw.samples)
    #expect(try faults(LawCases.of(raw)).isEmpty)
    #expect(!(try faults(LawCases.of(mutant))).isEmpty)
  }

  @Test func randomNumbersShareTheirPlan() throws {
    let op = try #require(marsRegistry["normal"])
    let summed = try #require(marsRegistry["sum"])
    let cache = PlanCache()
    for seed in 0..<5 {
      let attributes: [(String, AttrValue)] = [
        ("seed", .scalar(Scalar(dtype: .uint64, low: UInt64(seed)))), ("stream", .int(seed)), ("size", .ints([10, 10])),
      ]
      let sum = Value(try summed.apply([.value(Value(try op.apply([], attributes)))]))
      let plan = try cache.plan([sum], options: options).plan
      #expect(text(plan) == text(try Planner([sum], options: options).plan))
    }
    #expect(cache.hits == 3)
  }
}
