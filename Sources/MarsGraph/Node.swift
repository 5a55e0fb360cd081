import MarsBase
import Synchronization

/// One output of a node.
package struct Value: Hashable, Sendable {
  package let node: Node
  package let output: Int
  package init(_ node: Node, _ output: Int = 0) {
    self.node = node
    self.output = output
  }
  package var type: TensorType { node.outputs[output] }
  package static func == (a: Value, b: Value) -> Bool { a.node === b.node && a.output == b.output }
  package func hash(into h: inout Hasher) {
    h.combine(ObjectIdentifier(node))
    h.combine(output)
  }
}

/// What a node carries beside attributes.
package enum Payload: Sendable {
  case none
  /// Data in one piece of memory.
  case dense(DenseArray)
  /// Data in chunks that the runtime keeps, possibly on disk.
  case chunked(any ChunkedData)
  /// A client's function.
  case callback(any ClientCallback)
  /// Of a placeholder: the inputs beside which it stands.
  case scope(InputScope)
}

/// Chunks kept by the runtime; only the runtime knows how.
package protocol ChunkedData: AnyObject, Sendable {
  var type: TensorType { get }
  var grid: Grid { get }
}

/// A client's function called with chunks.
package protocol ClientCallback: AnyObject, Sendable {
  func call(inputs: [ArrayView], output: ArrayView, box: Box) throws(MarsError)
}

private let nextNodeNumber = Atomic<UInt64>(1)
private let deadNodes = Atomic<UInt64>(0)

/// An immutable vertex of the coarse graph: an operator applied to values.
package final class Node: @unchecked Sendable {
  package let op: OpDef
  /// Only `deinit` changes it, to take a long chain apart without recursion.
  ///
  /// Those that are given, in declared order.
  @exclusivity(unchecked) package private(set) var inputs: [Value]
  package let absent: AbsentInputs
  package let attributes: Attributes
  package let outputs: [TensorType]
  package let loop: UfuncLoop?
  package let payload: Payload
  /// For a composed operator: the values that stand for the outputs.
  @exclusivity(unchecked) package private(set) var expansion: [Value]
  /// Place of the creating call in the client's program, or "".
  package private(set) var origin: String
  /// The operator that the client applied, if this node is part of that one's expansion.
  private(set) var caller: OpDef?
  /// Grows with creation; inputs have smaller numbers.
  package let number: UInt64

  package init(
    op: OpDef, inputs: [Value], absent: AbsentInputs = AbsentInputs(), attributes: Attributes, outputs: [TensorType],
    loop: UfuncLoop? = nil, payload: Payload = .none, expansion: [Value] = [], origin: String = ""
  ) {
    self.op = op
    self.inputs = inputs
    self.absent = absent
    self.attributes = attributes
    self.outputs = outputs
    self.loop = loop
    self.payload = payload
    self.expansion = expansion
    self.origin = origin
    number = nextNodeNumber.add(1, ordering: .relaxed).oldValue
  }

  /// Nodes of the process that are alive, those of data and constants included.
  package static var liveCount: Int { Int(nextNodeNumber.load(ordering: .relaxed) - 1 - deadNodes.load(ordering: .relaxed)) }

  package var context: OpContext {
    OpContext(op: op, inputs: inputs.map(\.type), absent: absent, attributes: attributes, outputs: outputs, loop: loop)
  }

  /// Whether the values of given input `k` decide what the operator expands to.
  package func decides(by k: Int) -> Bool {
    let i = absent.declared(k)
    return i < op.inputs.count && op.inputs[i].decidesExpansion
  }

  /// Name of the operator that the client applied, which errors carry: operators inside of others are nothing that clients know.
  package var calledName: String { called.name }

  /// Makes this node part of a call, so that errors name the operator that was applied.
  ///
  /// Only before anybody else has seen the node.
  package func belong(to caller: OpDef) { if caller !== op { self.caller = caller } }

  /// The operator that the client applied.
  package var called: OpDef { caller ?? op }

  /// The number of the next node.
  static var nextNumber: UInt64 { nextNodeNumber.load(ordering: .relaxed) }

  /// Makes this node, and those of its expansion that were made since `first`, part of the call of `caller` (nil: of this node's operator).
  ///
  /// Only before anybody else has seen the node.
  func belong(to caller: OpDef?, since first: UInt64) {
    self.caller = caller
    Node.give(expansion, to: caller ?? op, origin, since: first, except: self)
  }

  /// Makes nodes that were made since `first`, from which `values` follow, part of a call of `owner`.
  ///
  /// Only before anybody else has seen the nodes.
  static func give(_ values: [Value], to owner: OpDef, _ origin: String, since first: UInt64, except own: Node? = nil) {
    var pending = values.map(\.node)
    while let n = pending.popLast() {
      // What is inside of a node that has its owner has it too.
      if n.number < first || n === own || (n.caller === owner && n.origin == origin) { continue }
      n.caller = owner
      n.origin = origin
      for v in n.inputs { pending.append(v.node) }
      for v in n.expansion { pending.append(v.node) }
    }
  }

  deinit {
    deadNodes.add(1, ordering: .relaxed)
    var dying: [Node] = []
    takeApart(&dying)
    // Whose last reference is here dies now: its inputs are taken first, so that its own deinit finds none.
    while let n = dying.popLast() { n.takeApart(&dying) }
  }

  /// Lets go of inputs and expansion, and gives those of which nobody else has a reference.
  private func takeApart(_ dying: inout [Node]) {
    while var n = inputs.popLast()?.node { if isKnownUniquelyReferenced(&n) { dying.append(n) } }
    while var n = expansion.popLast()?.node { if isKnownUniquelyReferenced(&n) { dying.append(n) } }
  }
}
