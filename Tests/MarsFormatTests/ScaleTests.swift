import MarsBase
import MarsFormat
import MarsGraph
import TestSupport
import Testing

@Suite(.serialized) struct ScaleTests {
  /// A chain of `n` operators that ends in a sum, as wide as a real job's: every operator also reads an earlier value.
  private func chain(_ n: Int) throws -> GraphFile {
    let a = try Samples.input("a")
    let first = Value(Leaves.node(Scalar(1.0)))
    var x = try TestOperators.add(a, first)
    for i in 0..<n {
      x = i % 4 == 3 ? try TestOperators.sum(x, attributes: ["axis": .ints([0]), "keepdims": .bool(true)]) : try TestOperators.add(x, a)
    }
    return GraphFile(inputs: [("a", a)], outputs: [("x", x)])
  }

  @Test func hundredThousandNodes() throws {
    let g = try chain(scaled(100_000))
    let clock = ContinuousClock()
    var bytes: [UInt8] = []
    let writing = try (0..<10).map { _ in try clock.measure { bytes = try Samples.encode(g) } }.min()
    var back = GraphFile()
    let reading = try (0..<3).map { _ in try clock.measure { back = try Samples.decode(bytes) } }.min()
    print("\(scaled(100_000)) nodes: \(bytes.count) bytes, encode \(writing ?? .zero), decode \(reading ?? .zero)")
    #expect(try Samples.encode(back) == bytes)
  }

  @Test func deepChainOnASmallStack() async throws {
    // Tests run on pool threads, whose stacks of 512 KB would not survive recursion over 200,000 nodes.
    let n = scaled(200_000)
    let bytes = try Samples.encode(try chain(n))
    let back = try Samples.decode(bytes)
    #expect(back.outputs[0].value.node.number > n)
  }

  @Test func deepChainOfComposedOperators() throws {
    var x = try Samples.input("a", .float64, [])
    for _ in 0..<scaled(50_000) { x = try TestOperators.twice(x) }
    let bytes = try GraphCodec.encode(outputs: [("x", x)])
    #expect(try GraphCodec.encode(outputs: Samples.decode(bytes).outputs) == bytes)
  }
}
