import MarsBase
import MarsGraph

/// Finished plans of small graphs, found again by the structure of the graph.
///
/// A loop over small arrays plans the same graph again and again, which takes longer than computing it.  Two graphs have the same structure
/// if operators, attributes, types and edges are equal; only the memory of data leaves, attributes that are nothing but arguments of kernels
/// (constants, seeds), and the places in the client's program, may differ.  The plan of a graph is a pure function of that structure and the
/// options, so that a plan found, with its leaves and arguments entered, is equal to one made anew.  Kept plans hold no data and no nodes
/// of graphs.
package final class PlanCache: Sendable {
  /// Larger graphs are not looked for: their plans take long to make, and are rarely made twice.
  static let mostNodes = 16
  static let entryCount = 256

  /// An object, which is not copied where it is found.
  private final class Entry: Sendable {
    let shape: Sketch.Shape
    let options: PlanOptions
    /// With placeholders for data and nodes.
    let plan: Plan
    /// (tensor, node of the sketch) of data leaves.
    let leaves: [(tensor: Int, node: Int)]
    /// Node of the sketch by stage.
    let nodes: [Int]
    let arguments: [Argument]

    init(shape: Sketch.Shape, options: PlanOptions, plan: Plan, leaves: [(tensor: Int, node: Int)], nodes: [Int], arguments: [Argument]) {
      self.shape = shape
      self.options = options
      self.plan = plan
      self.leaves = leaves
      self.nodes = nodes
      self.arguments = arguments
    }
  }
  /// A scalar of a stage that is an attribute of a node of the sketch.
  private struct Argument {
    var stage: Int
    var scalar: Int
    var node: Int
    var attribute: Int
  }
  private struct State {
    var entries = [Entry?](repeating: nil, count: PlanCache.entryCount)
    /// Hashes of graphs met: a plan is kept when its graph comes for the second time, so that graphs that never repeat cost little.
    var seen = [UInt64](repeating: 0, count: PlanCache.entryCount)
    var hits = 0
  }
  private let state = Locked(State(), heldAtForks: true)

  package init() {}

  /// Plans found so far.
  package var hits: Int { state.withLock { $0.hits } }

  /// The plan of a graph without bindings; the planner comes with it where planning has to go on.
  package func plan(
    _ results: [Value], options: PlanOptions, patience: Patience = .endless
  ) throws(MarsError) -> (plan: Plan, planner: Planner?) {
    guard let sketch = Sketch(results) else { return try PlanCache.make(results, options, patience) }
    let slot = Int(truncatingIfNeeded: sketch.hash % UInt64(PlanCache.entryCount))
    let (found, isKnown) = state.withLock { s -> (Entry?, Bool) in
      if let e = s.entries[slot], e.shape.hash == sketch.hash, e.options == options, sketch.matches(e.shape) {
        s.hits += 1
        return (e, true)
      }
      let isKnown = s.seen[slot] == sketch.hash
      s.seen[slot] = sketch.hash
      return (nil, isKnown)
    }
    if let found { return (PlanCache.fill(found, sketch), nil) }
    let made = try PlanCache.make(results, options, patience)
    if isKnown, made.planner == nil, let entry = PlanCache.entry(made.plan, sketch, options) {
      state.withLock { $0.entries[slot] = entry }
    }
    return made
  }

  private static func make(
    _ results: [Value], _ options: PlanOptions, _ patience: Patience
  ) throws(MarsError) -> (plan: Plan, planner: Planner?) {
    let planner = try Planner(results, options: options, patience: patience)
    return (planner.plan, planner.plan.isComplete ? nil : planner)
  }

  private static func fill(_ e: Entry, _ sketch: Sketch) -> Plan {
    var plan = e.plan
    for (t, n) in e.leaves {
      switch sketch.nodes[n].payload {
      case .dense(let array): plan.tensors[t].storage = .leaf(array)
      case .chunked(let data): plan.tensors[t].storage = .keptChunks(data)
      case .none, .callback, .scope: continue
      }
    }
    for (s, n) in e.nodes.enumerated() { plan.stages[s].node = sketch.nodes[n] }
    for a in e.arguments {
      let dtype = plan.stages[a.stage].scalars[a.scalar].dtype
      guard let value = sketch.nodes[a.node].attributes.values[a.attribute].scalar(as: dtype) else { preconditionFailure("a number") }
      plan.stages[a.stage].scalars[a.scalar] = value
    }
    return plan
  }

  /// nil for plans that hold more of the graph than data leaves and the nodes of kernels.
  private static func entry(_ plan: Plan, _ sketch: Sketch, _ options: PlanOptions) -> Entry? {
    var stripped = plan
    var leaves: [(Int, Int)] = []
    for (t, tensor) in plan.tensors.enumerated() {
      let memory: ObjectIdentifier
      switch tensor.storage {
      case .whole, .chunks: continue
      case .keptChunks(let data): memory = ObjectIdentifier(data)
      case .leaf(let array): memory = ObjectIdentifier(array.buffer)
      }
      // `Sketch` refuses graphs with two leaves in one memory.
      guard let owner = sketch.nodes.firstIndex(where: { $0.payload.memory == memory }), sketch.nodes[owner].outputs[0] == tensor.type
      else { return nil }
      leaves.append((t, owner))
      stripped.tensors[t].storage = .whole
    }
    var nodes: [Int] = []
    var arguments: [Argument] = []
    for (s, stage) in plan.stages.enumerated() {
      guard case .kernel = stage.kind, let n = sketch.nodes.firstIndex(where: { $0 === stage.node }) else { return nil }
      nodes.append(n)
      stripped.stages[s].node = placeholder
      for (k, source) in stage.scalarSources.enumerated() {
        guard let source else { continue }
        // A node that a pass made: what its arguments come from is not known.
        guard let n = sketch.nodes.firstIndex(where: { $0 === source.node }) else { return nil }
        arguments.append(Argument(stage: s, scalar: k, node: n, attribute: source.attribute))
      }
      stripped.stages[s].scalarSources = []
    }
    return Entry(shape: sketch.shape, options: options, plan: stripped, leaves: leaves, nodes: nodes, arguments: arguments)
  }

  private static let placeholder = Leaves.node(Scalar(false))
}

/// The nodes of a small graph in the order in which they are met from the results, and how they hang together.
struct Sketch {
  private(set) var nodes: [Node] = []
  /// Results, then per node its inputs and what it expands to: node and output of each; and which node has the same arguments.
  private var edges: [Int32] = []
  private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  /// What has to be equal, without the nodes themselves.
  struct Shape {
    var hash: UInt64
    var edges: [Int32]
    var ops: [OpDef]
    var absent: [AbsentInputs]
    var attributes: [Attributes]
    var outputs: [[TensorType]]
    var loops: [UfuncLoop?]
    /// Chunks of data that lie in chunks.
    var grids: [Grid?]
  }

  var shape: Shape {
    Shape(
      hash: hash, edges: edges, ops: nodes.map(\.op), absent: nodes.map(\.absent), attributes: nodes.map(\.attributes),
      outputs: nodes.map(\.outputs), loops: nodes.map(\.loop), grids: nodes.map(\.payload.grid))
  }

  /// nil for graphs that are large or whose plan depends on more than their structure.
  init?(_ results: [Value]) {
    nodes.reserveCapacity(PlanCache.mostNodes)
    edges.reserveCapacity(3 * PlanCache.mostNodes)
    for r in results where !add(r) { return nil }
    mix(UInt64(results.count))
    var k = 0
    while k < nodes.count {
      let node = nodes[k]
      guard node.op.effects == .pure else { return nil }
      switch node.payload {
      case .none: break
      case .dense, .chunked:
        let memory = node.payload.memory
        for other in nodes[..<k] where other.payload.memory == memory { return nil }
        for a in node.payload.grid?.axes ?? [] { mix(UInt64(a.count)) }
      case .callback, .scope: return nil
      }
      if case .leaf(.input) = node.op.body { return nil }
      for v in node.inputs where !add(v) { return nil }
      for v in node.expansion where !add(v) { return nil }
      // Ends the list of the node's edges.
      edges.append(-1)
      mix(UInt64(UInt(bitPattern: ObjectIdentifier(node.op))))
      if !node.absent.isEmpty { mix(UInt64(node.absent.bits)) }
      for t in node.outputs {
        mix(UInt64(t.dtype.rawValue))
        for d in t.shape {
          if d < 0 { return nil }
          mix(UInt64(d))
        }
      }
      if node.op.hasArguments {
        edges.append(twin(of: k))
        for (d, a) in zip(node.op.attributes, node.attributes.values) where !d.isArgument { mix(a) }
      } else {
        for a in node.attributes.values { mix(a) }
      }
      k += 1
    }
    for e in edges { mix(UInt64(truncatingIfNeeded: e)) }
  }

  /// Notes an edge; false if there are too many nodes.
  private mutating func add(_ v: Value) -> Bool {
    var n = 0
    while n < nodes.count && nodes[n] !== v.node { n += 1 }
    if n == nodes.count {
      if n == PlanCache.mostNodes { return false }
      nodes.append(v.node)
    }
    edges.append(Int32(n) << 8 | Int32(truncatingIfNeeded: v.output & 0xff))
    return v.output < 256
  }

  /// The first node of the same operator with the same arguments, below -1: the planner may make one of such nodes.
  private func twin(of k: Int) -> Int32 {
    let node = nodes[k]
    let first = nodes[..<k].firstIndex { other in
      other.op === node.op
        && node.op.attributes.indices.allSatisfy {
          !node.op.attributes[$0].isArgument || other.attributes.values[$0] == node.attributes.values[$0]
        }
    }
    return -2 - Int32(first ?? k)
  }

  private mutating func mix(_ x: UInt64) {
    hash = (hash ^ x) &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 29
  }

  private mutating func mix(_ a: AttrValue) {
    switch a {
    case .none: mix(0)
    case .bool(let b): mix(b ? 1 : 2)
    case .int(let i): mix(UInt64(bitPattern: Int64(i)))
    case .float(let d): mix(d.bitPattern)
    case .dtype(let d): mix(UInt64(d.rawValue))
    case .scalar(let s):
      mix(UInt64(s.dtype.rawValue))
      mix(s.low)
      mix(s.high)
    case .ints(let v): for i in AttrValue.ends(of: v) { mix(UInt64(bitPattern: Int64(i))) }
    case .string, .strings, .bytes: break
    }
  }

  func matches(_ s: Shape) -> Bool {
    guard edges == s.edges, nodes.count == s.ops.count else { return false }
    for (i, n) in nodes.enumerated() {
      guard n.op === s.ops[i], n.absent == s.absent[i], n.outputs == s.outputs[i], hasSameAttributes(n, s.attributes[i]),
        n.loop == s.loops[i], n.payload.grid == s.grids[i]
      else { return false }
    }
    return true
  }
}

extension Sketch {
  /// All attributes but arguments.
  private func hasSameAttributes(_ n: Node, _ other: Attributes) -> Bool {
    guard n.op.hasArguments else { return n.attributes == other }
    return n.op.attributes.indices.allSatisfy { n.op.attributes[$0].isArgument || n.attributes.values[$0] == other.values[$0] }
  }
}

extension Payload {
  /// Identity of the memory in which data lie.
  fileprivate var memory: ObjectIdentifier? {
    switch self {
    case .dense(let array): ObjectIdentifier(array.buffer)
    case .chunked(let data): ObjectIdentifier(data)
    case .none, .callback, .scope: nil
    }
  }
  fileprivate var grid: Grid? { if case .chunked(let data) = self { data.grid } else { nil } }
}
