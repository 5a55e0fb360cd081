import MarsBase
import MarsGraph
import Testing

@testable import MarsPlan

@Suite struct GraphIndexTests {
  /// The sum with one input or the product with the other; waits for extents.
  private static let ends = OpDef(
    "ends", inputs: [InputDef("a"), InputDef("low", optional: true), InputDef("high", optional: true)],
    typing: .rule { c in [c.inputs[0]] },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard c.inputs[0].isKnown else { return [] }
      if let low = c.input("low", of: v) { return [try TestOps.add(v[0], low)] }
      return [try TestOps.mul(v[0], c.input("high", of: v) ?? v[0])]
    }, doc: TestOps.doc("ends"))

  private func index(_ values: [Value], computed: [Computed] = []) throws -> GraphIndex {
    var remade = Remade()
    return try GraphIndex(
      values, bindings: [:], computed: Dictionary(uniqueKeysWithValues: computed.map { (ObjectIdentifier($0.node), $0) }), remade: &remade,
      limits: nil, .endless)
  }

  @Test func callsThatLeaveOutOtherInputsAreNotOne() throws {
    let some = try TestOps.select(TestOps.data([4]), TestOps.data([4], .bool))
    let factor = TestOps.data([])
    func call(_ operands: Operand...) throws -> Value { Value(try GraphIndexTests.ends.apply([.value(some)] + operands)) }
    let calls = [try call(.value(factor)), try call(.absent, .value(factor)), try call(.value(factor), .absent)]
    let first = try index(calls)
    #expect(first.results[0] != first.results[1])
    #expect(first.results[0] == first.results[2])
    // Applied again with what was found, each leaves out what it did.
    let found = Computed(some.node, types: [TensorType(.float64, [3])], tensors: [0])
    let second = try index(calls, computed: [found])
    #expect(second.results.map { second.node($0).op.name } == ["add", "mul", "add"])
  }
}
