import MarsBase
import MarsGraph

/// Planning in parts: what waits for extents and values that only tasks find, and what one part leaves for the next.
extension Planner {
  /// Values that decide what operators expand to, where these can be computed in this part.
  func awaited(_ index: GraphIndex, _ demand: Demand) throws(MarsError) -> [Val] {
    var isReachable = [Bool](repeating: false, count: index.vertices.count)
    for r in index.results { isReachable[Int(r.vertex)] = true }
    var out: [Val] = []
    for i in index.vertices.indices.reversed() where isReachable[i] {
      let v = index.vertices[i]
      for x in v.inputs { isReachable[Int(x.vertex)] = true }
      guard case .composed = v.node.op.body else { continue }
      var isWaiting = v.inputs.contains { demand.isDeferred[Int($0.vertex)] || !index.type($0).isKnown }
      for (k, x) in v.inputs.enumerated() where v.node.decides(by: k) && !demand.isDeferred[Int(x.vertex)] {
        let known = index.vertices[Int(x.vertex)].node
        if case .leaf = known.op.body { continue }
        guard index.type(x).isKnown && known.outputs.count == 1 else { continue }
        isWaiting = true
        if !out.contains(x) { out.append(x) }
      }
      if !isWaiting { throw MarsError(.internal, "\(v.node.op.name) does not expand although its values are known", op: v.node.calledName) }
    }
    return out
  }

  /// Puts the produced extents into a tensor of unknown extents.
  mutating func resolve(_ t: Int, _ shapes: [[Int]]) {
    var tensor = plan.tensors[t]
    tensor.grid = tensor.grid.resolved(shapes)
    tensor.type = TensorType(tensor.type.dtype, tensor.grid.shape)
    tensor.hasUnknownExtents = false
    plan.tensors[t] = tensor
    for (id, var c) in computed where c.tensors.contains(t) {
      for (o, n) in c.tensors.enumerated() where n == t { c.resolve(o, tensor.type) }
      computed[id] = c
      computed[ObjectIdentifier(c.stand)] = Computed(stand: c.stand, tensors: c.tensors)
    }
  }

  /// Puts the values of a tensor in the place of what computed them.
  mutating func resolve(_ t: Int, _ values: DenseArray) {
    let leaf = Leaves.node(values)
    for (id, c) in computed where c.tensors == [t] { computed[id] = Computed(c.node, leaf: leaf, tensor: t) }
    computed[ObjectIdentifier(leaf)] = Computed(stand: leaf, tensors: [t])
  }

  mutating func remember(_ index: GraphIndex, _ builder: StageBuilder) {
    if plan.isComplete { return }
    for (node, vertex) in index.originals {
      let outputs = index.vertices[vertex].node.outputs
      let tensors = outputs.indices.map { builder.existingTensor(of: Val(vertex, $0)) }
      let isLeaf = if case .leaf = index.vertices[vertex].node.op.body { true } else { false }
      guard tensors.contains(where: { $0 >= 0 }), !isLeaf, tensors.allSatisfy({ $0 >= 0 }), computed[ObjectIdentifier(node)] == nil else {
        continue
      }
      let c = Computed(node, types: outputs, tensors: tensors)
      computed[ObjectIdentifier(node)] = c
      computed[ObjectIdentifier(c.stand)] = Computed(stand: c.stand, tensors: tensors)
      // What was divided reads the node as it was made again, or one that it was merged with.
      let current = index.vertices[vertex].node
      if computed[ObjectIdentifier(current)] == nil {
        computed[ObjectIdentifier(current)] = Computed(current, types: outputs, tensors: tensors)
      }
    }
  }

  /// Keeps what is asked for, and while planning is not finished what a later part may read.
  mutating func hold(_ index: GraphIndex, _ builder: StageBuilder, _ demand: Demand) {
    var isHeld = plan.tensors.map { $0.resultIndex != nil }
    if !plan.isComplete { holdForLater(index, builder, demand, &isHeld) }
    for s in 0..<plan.slotCount { plan.slotHeld[s] = isHeld[Int(plan.slotTensor[s])] }
  }

  /// Marks the tensors at which a walk from what is not planned yet will stop.
  private func holdForLater(_ index: GraphIndex, _ builder: StageBuilder, _ demand: Demand, _ isHeld: inout [Bool]) {
    var later: [Int] = []
    var isMet = [Bool](repeating: false, count: index.vertices.count)
    for i in index.vertices.indices where demand.isDeferred[i] {
      isMet[i] = true
      later.append(i)
    }
    var tensors: [Int] = []
    func meet(_ inputs: [Val]) {
      for x in inputs {
        let v = Int(x.vertex)
        if isMet[v] { continue }
        isMet[v] = true
        let made = index.vertices[v].node.outputs.indices.map { builder.existingTensor(of: Val(v, $0)) }
        // As `remember` decides: what is not complete is computed anew from its inputs.
        if made.allSatisfy({ $0 >= 0 }) { tensors += made } else { later.append(v) }
      }
    }
    for inputs in index.expanded where inputs.contains(where: { demand.isDeferred[Int($0.vertex)] || !index.type($0).isKnown }) {
      meet(inputs)
    }
    while let i = later.popLast() { meet(index.vertices[i].inputs) }
    // Tasks of a tensor that no part has asked for yet may run in a later one, and then read what theirs read.
    while let t = tensors.popLast() {
      if isHeld[t] && plan.tensors[t].resultIndex == nil { continue }
      isHeld[t] = true
      for read in scheduler.readByTasksLeft(ofTensor: t, plan) where !isHeld[read] { tensors.append(read) }
    }
  }
}
