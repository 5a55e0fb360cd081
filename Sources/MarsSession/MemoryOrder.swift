import MarsBase
import MarsGraph
import MarsOps

/// Orders that follow memory, 'A' and 'K' of NumPy's ravel and reshape: nodes know only 'C' and 'F', a tensor's logical strides say which.
extension Tensor {
  /// A call whose order does not ask for the memory of input 0 any more; throws where unknown extents decide how that lies.
  static func settlingOrder(
    _ op: OpDef, _ inputs: [TensorOperand], _ attributes: [(String, AttrValue)]
  ) throws(MarsError) -> ([TensorOperand], [(String, AttrValue)]) {
    guard !op.answer.memoryOrders.isEmpty, case .tensor(let base)? = inputs.first,
      let at = attributes.firstIndex(where: { $0.0 == "order" }), case .string(let order) = attributes[at].1,
      op.answer.memoryOrders.contains(order)
    else { return (inputs, attributes) }
    var (inputs, attributes) = (inputs, attributes)
    let chain = try base.settledChain()
    let shape = chain.shape
    attributes[at].1 = .string("C")
    guard try !chain.isInOrder(), let strides = chain.strides else { return (inputs, attributes) }
    if Shape.isRowMajor(shape.reversed(), strides.reversed()) {
      attributes[at].1 = .string("F")
    } else if order == "K" {
      // NumPy's order of axes that keeps strides falling, whatever their signs.
      let axes = shape.indices.sorted { abs(strides[$0]) > abs(strides[$1]) || abs(strides[$0]) == abs(strides[$1]) && $0 < $1 }
      inputs[0] = .tensor(try apply(marsRegistry.require("transpose"), [.tensor(base)], [("axes", .ints(axes))])[0])
    }
    return (inputs, attributes)
  }
}
