import MarsBase
import MarsGraph

/// A value of the indexed graph: output `output` of vertex number `vertex`.
struct Val: Hashable {
  var vertex: Int32
  var output: Int32
  init(_ vertex: Int, _ output: Int = 0) {
    self.vertex = Int32(vertex)
    self.output = Int32(output)
  }
}

/// A node in the planner's numbering: inputs before users, composed operators expanded, equal pure nodes merged.
struct Vertex {
  /// The node, re-made with concrete types where its inputs got known extents.
  var node: Node
  var inputs: [Val]
  /// Tensors of the plan that hold the outputs already (computed by an earlier part), -1 where none; empty otherwise.
  var tensors: [Int] = []
  /// Of a view: what all views up to here are of, and the map from this one's index space to it; nil for anything else.
  var behind: Behind? = nil

  struct Behind {
    var base: Val
    var map: AxisMap
  }
}

/// What an earlier part of the plan computed of a node.
struct Computed {
  /// Concrete types.
  var types: [TensorType]
  /// Tensors of the plan, -1 for outputs that were not kept.
  var tensors: [Int]
  /// Keeps the node's identity valid.
  let node: Node
  /// Stands for the node in what is planned later: of these types, without inputs.
  private(set) var stand: Node

  init(_ node: Node, types: [TensorType], tensors: [Int]) {
    self.node = node
    self.types = types
    self.tensors = tensors
    stand = Computed.stand(node, types)
  }

  /// A stand, which stands for itself too: what is made of it is looked up by it.
  init(stand: Node, tensors: [Int]) {
    node = stand
    types = stand.outputs
    self.tensors = tensors
    self.stand = stand
  }

  /// Whose one output holds the values of `leaf`.
  init(_ node: Node, leaf: Node, tensor: Int) {
    self.node = node
    types = leaf.outputs
    tensors = [tensor]
    stand = leaf
  }

  private static func stand(_ node: Node, _ types: [TensorType]) -> Node {
    Node(op: node.op, inputs: [], attributes: node.attributes, outputs: types, payload: node.payload, origin: node.origin)
  }

  mutating func resolve(_ output: Int, _ type: TensorType) {
    types[output] = type
    stand = Computed.stand(node, types)
  }
}

/// Nodes that were made again with the types that inputs turned out to have.
///
/// Kept from part to part of a plan: what a part computed of an expansion is found by its nodes.
struct Remade {
  private var made: [ObjectIdentifier: (node: Node, again: Node)] = [:]

  func node(for node: Node, types: [TensorType]) -> Node? {
    guard let m = made[ObjectIdentifier(node)], m.again.inputs.map(\.type) == types else { return nil }
    return m.again
  }
  mutating func note(_ again: Node, for node: Node) { made[ObjectIdentifier(node)] = (node, again) }

  /// What gives the elements of a source under the shape of a reshape; kept for the same reason.
  private var shaped: [ObjectIdentifier: (node: Node, source: Node, again: Node)] = [:]

  /// What stands for `reshape` of `source` without copying it; nil where nothing does.
  mutating func reshaped(_ reshape: Node, of source: Node) throws(MarsError) -> Node? {
    if let known = shaped[ObjectIdentifier(reshape)], known.source === source { return known.again }
    guard let again = try source.reshaped(to: reshape.outputs[0].shape) else { return nil }
    shaped[ObjectIdentifier(reshape)] = (reshape, source, again)
    return again
  }

  /// What native operators were divided into; kept for the same reason.
  private var parts: [ObjectIdentifier: (node: Node, parts: [Value])] = [:]

  /// The values that stand for the outputs of `node`, whose inputs are `inputs`; none where it stays as it is.
  mutating func divided(_ node: Node, _ inputs: [Value], _ limits: TaskLimits) throws(MarsError) -> [Value] {
    if let known = parts[ObjectIdentifier(node)] { return known.parts }
    let made = try node.divided(inputs, limits)
    if !made.isEmpty { parts[ObjectIdentifier(node)] = (node, made) }
    return made
  }
}

/// The graph between results and leaves as arrays.
struct GraphIndex {
  private(set) var vertices: [Vertex] = []
  private(set) var results: [Val] = []
  /// Names of the inputs that were met.
  private(set) var inputNames: Set<String> = []
  /// The scopes of those.
  private(set) var scopes: [InputScope] = []
  private var resolved: [ObjectIdentifier: Resolution] = [:]
  private var merged: [Key: Int32] = [:]
  /// Original nodes by vertex: what a later part will look for.
  private(set) var originals: [(node: Node, vertex: Int)] = []
  /// Inputs of the nodes that stand here by their expansions: where they turn out to have other types, a later part expands anew from them.
  private(set) var expanded: [[Val]] = []

  private struct Key: Hashable {
    let op: ObjectIdentifier
    let inputs: [Val]
    let absent: AbsentInputs
    let attributes: Attributes
  }
  private enum Resolution {
    case vertex(Int)
    case alias([Val])
  }
  private enum Step {
    case visit(Node)
    case finish(Node)
    /// The values stand for the outputs of the node.
    case alias(Node, [Value])
    /// The named input stands for the value.
    case bind(Node, Value)
  }

  func type(_ v: Val) -> TensorType { vertices[Int(v.vertex)].node.outputs[Int(v.output)] }
  func node(_ v: Val) -> Node { vertices[Int(v.vertex)].node }

  /// Walks from `wanted` to the leaves without recursion.
  ///
  /// - Parameter limits: what tasks may hold: operators whose tasks would hold more are divided; nil: none are.
  init(
    _ wanted: [Value], bindings: [String: Value], computed: [ObjectIdentifier: Computed], remade: inout Remade,
    limits: TaskLimits?, _ patience: Patience
  ) throws(MarsError) {
    var stack: [Step] = []
    var steps = 0
    // Inputs whose bound values are being walked.
    var open: Set<ObjectIdentifier> = []
    for w in wanted {
      stack.append(.visit(w.node))
      while let step = stack.popLast() {
        steps += 1
        if steps % 1024 == 0 { try patience.check() }
        switch step {
        case .visit(let node):
          let id = ObjectIdentifier(node)
          if resolved[id] != nil { continue }
          if let c = computed[id] {
            add(Vertex(node: c.stand, inputs: [], tensors: c.tensors), for: node)
          } else if case .leaf(.input) = node.op.body {
            let name = node.context.string("name")
            inputNames.insert(name)
            if case .scope(let s) = node.payload, !scopes.contains(where: { $0 === s }) { scopes.append(s) }
            guard let bound = bindings[name] else {
              let given = bindings.keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
              throw MarsError(
                .value, "graph input '\(name)' is not bound to data\(given.isEmpty ? "" : ": bound are \(given)")", op: "input",
                origin: node.origin)
            }
            guard open.insert(id).inserted else {
              throw MarsError(
                .value, "graph input '\(name)' is bound to a tensor that depends on '\(name)' itself", op: "input", origin: node.origin)
            }
            try GraphIndex.check(bound.type, against: node.outputs[0], name: name)
            stack.append(.bind(node, bound))
            stack.append(.visit(bound.node))
          } else if node.inputs.isEmpty && node.expansion.isEmpty {
            add(Vertex(node: node, inputs: []), for: node)
          } else {
            stack.append(.finish(node))
            for v in node.inputs where resolved[ObjectIdentifier(v.node)] == nil { stack.append(.visit(v.node)) }
          }
        case .bind(let node, let bound):
          open.remove(ObjectIdentifier(node))
          resolved[ObjectIdentifier(node)] = .alias([value(bound)])
        case .alias(let node, let values):
          expanded.append(node.inputs.map { value($0) })
          resolved[ObjectIdentifier(node)] = .alias(values.map { value($0) })
        case .finish(let node):
          if resolved[ObjectIdentifier(node)] != nil { continue }
          let current = try concrete(node, &remade)
          var stand = current.expansion
          if stand.isEmpty, let limits {
            stand = try remade.divided(current, node.inputs.map { v in Value(self.node(value(v)), Int(value(v).output)) }, limits)
          }
          if !stand.isEmpty {
            stack.append(.alias(node, stand))
            for v in stand where resolved[ObjectIdentifier(v.node)] == nil { stack.append(.visit(v.node)) }
          } else {
            let vertex = Vertex(node: current, inputs: node.inputs.map { value($0) })
            if try !addShaped(vertex, &remade, for: node) { add(vertex, for: node) }
          }
        }
      }
      results.append(value(w))
    }
  }

  private func value(_ v: Value) -> Val {
    switch resolved[ObjectIdentifier(v.node)] {
    case .vertex(let n): return Val(n, v.output)
    case .alias(let vs): return vs[v.output]
    case nil: preconditionFailure("inputs are resolved before their users")
    }
  }

  /// The node itself, or the operator applied anew where inputs turned out to have other types than at its making.
  private func concrete(_ node: Node, _ remade: inout Remade) throws(MarsError) -> Node {
    let isUnexpanded: Bool = if case .composed = node.op.body { node.expansion.isEmpty } else { false }
    let types = node.inputs.map { type(value($0)) }
    if !isUnexpanded && zip(node.inputs, types).allSatisfy({ $0.type == $1 }) { return node }
    // One that waits for values is tried again.
    if let again = remade.node(for: node, types: types), !(isUnexpanded && again.expansion.isEmpty) { return again }
    let operands = node.inputs.map { v in
      let x = value(v)
      return Operand.value(Value(self.node(x), Int(x.output)))
    }
    let again = try node.again(operands)
    remade.note(again, for: node)
    return again
  }

  /// Adds in place of a reshape what makes, or reads, the same elements under the new shape; false where nothing does.
  ///
  /// A file whose elements others read under another shape is read for each of the shapes: that costs less than a copy in other chunks.
  private mutating func addShaped(_ reshape: Vertex, _ remade: inout Remade, for original: Node) throws(MarsError) -> Bool {
    guard reshape.node.op.answer.isReshape, let input = reshape.inputs.first, reshape.node.outputs[0].isKnown else { return false }
    let source = vertices[Int(input.vertex)]
    guard source.tensors.isEmpty else { return false }
    // Equal reshapes are one, also of what is never merged.
    let key = Key(
      op: ObjectIdentifier(reshape.node.op), inputs: reshape.inputs, absent: reshape.node.absent, attributes: reshape.node.attributes)
    if let known = merged[key] {
      resolved[ObjectIdentifier(original)] = .vertex(Int(known))
      originals.append((original, Int(known)))
      return true
    }
    guard let again = try remade.reshaped(reshape.node, of: source.node) else { return false }
    add(Vertex(node: again, inputs: source.inputs), for: original)
    if case .vertex(let n) = resolved[ObjectIdentifier(original)] { merged[key] = Int32(n) }
    return true
  }

  private mutating func add(_ vertex: Vertex, for original: Node) {
    var v = vertex
    var number = vertices.count
    if case .view(let rule) = v.node.op.body, v.tensors.isEmpty {
      let (base, map) = stripViews(v.inputs[0])
      v.behind = Vertex.Behind(base: base, map: map.after(rule(v.node.context)))
    }
    var isMergeable = v.node.op.effects.mayMerge && v.tensors.isEmpty
    if case .none = v.node.payload {} else { isMergeable = false }
    if isMergeable {
      let key = Key(op: ObjectIdentifier(v.node.op), inputs: v.inputs, absent: v.node.absent, attributes: v.node.attributes)
      if let n = merged[key] {
        number = Int(n)
      } else {
        merged[key] = Int32(number)
        vertices.append(v)
      }
    } else {
      vertices.append(v)
    }
    resolved[ObjectIdentifier(original)] = .vertex(number)
    if original !== v.node { resolved[ObjectIdentifier(vertices[number].node)] = .vertex(number) }
    originals.append((original, number))
  }

  private static func check(_ given: TensorType, against declared: TensorType, name: String) throws(MarsError) {
    var fits = given.dtype == declared.dtype && given.rank == declared.rank
    if fits { for (g, d) in zip(given.shape, declared.shape) where d != unknownExtent && d != g { fits = false } }
    if !fits {
      throw MarsError(.value, "graph input '\(name)' expects \(declared.text) but is bound to \(given.text)", op: "input")
    }
  }

  /// The value behind views, and the map from the view's index space to the base's.
  func stripViews(_ v: Val) -> (base: Val, map: AxisMap) {
    guard let b = vertices[Int(v.vertex)].behind else { return (v, .identity(type(v).rank)) }
    return (b.base, b.map)
  }

  func isLeaf(_ v: Val) -> Bool {
    let x = vertices[Int(v.vertex)]
    if !x.tensors.isEmpty { return true }
    if case .leaf = x.node.op.body { return true }
    return false
  }
}
