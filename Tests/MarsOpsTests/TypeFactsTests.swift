import Foundation
import MarsBase
import MarsGraph
import MarsOps
import Testing

/// Type inference against facts that NumPy stated (`scripts/gen_type_facts.py`).
@Suite struct TypeFactsTests {
  private static let letters: [Character: DType] = [
    "?": .bool, "b": .int8, "h": .int16, "i": .int32, "l": .int64, "B": .uint8, "H": .uint16, "I": .uint32, "L": .uint64, "e": .float16,
    "f": .float32, "d": .float64, "F": .complex64, "D": .complex128,
  ]
  private static let dtypes: [DType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .complex64, .complex128,
  ]

  @Test func inferenceAgreesWithNumPy() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/numpy_types.txt")
    var checked = 0
    for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ").map(String.init)
      let (name, arity) = (words[0], Int(words[1])!)
      let op = try marsRegistry.require(name)
      let shape = name == "trace" ? [2, 2] : [2]
      for (number, expected) in words.dropFirst(2).enumerated() {
        let types = arity == 1 ? [Self.dtypes[number]] : [Self.dtypes[number / 14], Self.dtypes[number % 14]]
        let inputs = types.map { Operand.value(Value(placeholder($0, shape))) }
        var got = "-"
        if let node = try? op.apply(inputs) {
          got = String(node.outputs.map { o in Self.letters.first { $0.value == o.dtype }!.key })
        }
        checked += 1
        if got != expected {
          Issue.record("\(name)(\(types.map(\.name).joined(separator: ", "))): NumPy \(expected), Mars \(got)")
        }
      }
    }
    #expect(checked > 9000)
  }

  private func placeholder(_ d: DType, _ shape: [Int]) -> Node {
    Node(
      op: Leaves.input, inputs: [], attributes: Attributes([.string("x"), .dtype(d), .ints(shape)]), outputs: [TensorType(d, shape)])
  }
}
