import MarsBase
import MarsGraph
import MarsOps

package typealias AttributeValue = AttrValue

/// Operators by number, as clients call them.
package enum Operators {
  private static let numbers: [String: Int] = {
    var m: [String: Int] = [:]
    for (i, o) in marsRegistry.all.enumerated() { m[o.name] = i }
    return m
  }()

  /// Makes the table of all operators, which the first call would make.
  static func prepare() { _ = numbers }

  /// Position of an operator in the registry.
  package static func number(of name: String) throws(MarsError) -> Int {
    guard let n = numbers[name] else { throw MarsError(.value, "unknown operator '\(name)'", op: name) }
    return n
  }

  /// The name of a number; "" where no operator has it.
  package static func name(_ number: Int) -> String {
    marsRegistry.all.indices.contains(number) ? marsRegistry.all[number].name : ""
  }

  package static func apply(
    _ number: Int, _ inputs: [TensorOperand], _ attributes: [(String, AttributeValue)], outputCount: Int, origin: String
  ) throws(MarsError) -> [Tensor] {
    guard marsRegistry.all.indices.contains(number) else { throw MarsError(.value, "there is no operator number \(number)") }
    let op = marsRegistry.all[number]
    if case .leaf = op.body { throw MarsError(.value, "operator '\(op.name)' is made by a call of its own", op: op.name) }
    guard op.hasOpenOutputs || outputCount == op.outputs.count else { throw wrongRoom(op, op.outputs.count, outputCount, origin) }
    let results = try applyPrepared(op, inputs, attributes, origin)
    guard results.count <= outputCount else { throw wrongRoom(op, results.count, outputCount, origin) }
    return results
  }

  private static func wrongRoom(_ op: OpDef, _ count: Int, _ room: Int, _ origin: String) -> MarsError {
    MarsError(.value, "operator '\(op.name)' has \(count) outputs but room for \(room) was given", op: op.name, origin: origin)
  }

  private static func applyPrepared(
    _ op: OpDef, _ inputs: [TensorOperand], _ attributes: [(String, AttributeValue)], _ origin: String
  ) throws(MarsError) -> [Tensor] {
    guard let prepare = op.prepare else { return try Tensor.apply(op, inputs, attributes, origin: origin) }
    let complete: [(String, AttributeValue)]
    do throws(MarsError) { complete = try prepare(attributes, PosixFileSystem()) } catch { throw error.at(op: op.name, origin: origin) }
    return try Tensor.apply(op, inputs, complete, origin: origin)
  }
}
