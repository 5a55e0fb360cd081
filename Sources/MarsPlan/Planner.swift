import MarsBase
import MarsGraph

/// What the planner may use and must obey.
package struct PlanOptions: Hashable, Sendable {
  /// Bytes that chunks, workspaces and results may take.
  package var memoryLimit: Int
  /// Wanted bytes per chunk; nil: automatic.
  package var chunkBytes: Int?
  /// false: every operator writes its result to memory.  For tests of the law "fused = unfused".
  package var fuses: Bool
  /// false: a value with several users is kept for them, however cheap it is.
  package var recomputes: Bool
  /// false: operators whose tasks are larger than the limit are left as they are.  For plans that must be complete at once.
  package var divides: Bool
  package init(memoryLimit: Int, chunkBytes: Int? = nil, fuses: Bool = true, recomputes: Bool = true, divides: Bool = true) {
    self.memoryLimit = memoryLimit
    self.chunkBytes = chunkBytes
    self.fuses = fuses
    self.recomputes = recomputes
    self.divides = divides
  }

  var taskLimits: TaskLimits? { divides ? TaskLimits(memory: memoryLimit, chunk: chunkBytes) : nil }
}

/// How long somebody waits for a plan.
package struct Patience: Sendable {
  private let isOver: (@Sendable () -> Bool)?
  package static let endless = Patience(nil)
  private init(_ isOver: (@Sendable () -> Bool)?) { self.isOver = isOver }
  /// - Parameter isOver: asked every millisecond or so, from the planning thread.
  package init(until isOver: @escaping @Sendable () -> Bool) { self.init(isOver) }

  /// - Throws: `.cancelled` when patience is over.
  func check() throws(MarsError) {
    if let isOver, isOver() { throw MarsError(.cancelled, "planning was stopped") }
  }
}

/// Turns a graph into a plan, in parts where extents are only known after some tasks have run.
package struct Planner {
  package private(set) var plan = Plan()
  private let wanted: [Value]
  private let bindings: [String: Value]
  private let options: PlanOptions
  private var computed: [ObjectIdentifier: Computed] = [:]
  private var remade = Remade()
  private var scheduler = Scheduler()
  /// A data leaf whose memory writes may go into: nobody else reads it.
  private let overwriting: Node?
  private var patience: Patience

  /// - Throws: what `patience` throws when it is over, beside what is wrong with the graph.
  package init(
    _ results: [Value], bindings: [String: Value] = [:], overwriting: Node? = nil, options: PlanOptions, patience: Patience = .endless
  ) throws(MarsError) {
    wanted = results
    self.patience = patience
    self.overwriting = overwriting
    self.bindings = bindings
    self.options = options
    plan.results = [Int](repeating: -1, count: results.count)
    plan.memoryLimit = options.memoryLimit
    try advance()
  }

  /// Goes on with what `plan.needs` names: per tensor of unknown extents the shapes of its chunks in grid order, and the values of those of
  /// `plan.neededValues`.
  package mutating func advance(
    produced: [Int: [[Int]]], values: [Int: DenseArray] = [:], patience: Patience = .endless
  ) throws(MarsError) {
    self.patience = patience
    for (tensor, shapes) in produced where plan.tensors[tensor].hasUnknownExtents { resolve(tensor, shapes) }
    for (tensor, array) in values { resolve(tensor, array) }
    try advance()
  }

  /// The passes, in order.
  private mutating func advance() throws(MarsError) {
    // Expand, bind, merge equal nodes.
    let index = try GraphIndex(wanted, bindings: bindings, computed: computed, remade: &remade, limits: options.taskLimits, patience)
    if computed.isEmpty, let stray = bindings.keys.sorted().first(where: { !index.inputNames.contains($0) }) {
      throw MarsError(.value, "the graph has no input '\(stray)' to bind", op: "input")
    }
    var demand = Demand(index, recomputes: options.recomputes)  // what is kept, what is recomputed
    if !options.fuses { demand.materialiseAll(index) }
    let waits = try awaited(index, demand)  // values that decide what follows
    let regions = try fuse(index, &demand, waits)  // loop nests, from the results down
    let builder = try refine(index, demand, regions, waits)  // chunks that the limit can hold, tasks in depth-first order
    remember(index, builder)
    hold(index, builder, demand)
    plan.forecastPeak = Forecast.peak(plan)
  }

  /// Smaller chunks are tried so many times.
  private static let mostRefinements = 6
  /// Plans with more tasks than this are not cut further.
  private static let mostRefinedTasks = 200_000

  /// Lays out and schedules the regions; where a task is larger than the limit again, with smaller chunks.
  private mutating func refine(
    _ index: GraphIndex, _ demand: Demand, _ regions: [Region], _ waits: [Val]
  ) throws(MarsError) -> StageBuilder {
    let (before, scheduled) = (plan, scheduler)
    var best: (builder: StageBuilder, plan: Plan, scheduler: Scheduler, largest: Int)? = nil
    for refinement in 0...Planner.mostRefinements {
      var builder = StageBuilder(
        index, demand, options, plan: before, refinement: refinement, overwriting: overwriting, inOnePiece: Set(waits))
      for region in regions { try builder.place(region, patience) }  // chunk sizes, tensors, stages; cuts reductions, inserts rechunks
      // Results that are leaves become tensors here.
      let results = index.results.map { demand.isDeferred[Int($0.vertex)] ? -1 : builder.tensor(of: $0) }
      plan = builder.plan
      plan.results = results
      for (i, t) in results.enumerated() where t >= 0 { plan.tensors[t].resultIndex = plan.tensors[t].resultIndex ?? i }
      plan.neededValues = waits.map { builder.existingTensor(of: $0) }
      plan.needs = builder.unknownTensors + plan.neededValues
      if plan.isComplete { InPlace.share(&plan, firstStage: before.stages.count, firstTensor: before.tensors.count) }  // writes in place
      scheduler = scheduled
      try scheduler.schedule(&plan, patience)  // depth first
      if refinement == 0 && plan.slotBytes.reduce(0, +) <= options.memoryLimit / 4 { return builder }
      let largest = Forecast.largestTask(plan, from: before.taskCount)
      if largest <= options.memoryLimit { return builder }
      if best.map({ largest < $0.largest }) ?? true { best = (builder, plan, scheduler, largest) }
      if plan.taskCount - before.taskCount > Planner.mostRefinedTasks { break }
    }
    guard let best else { throw MarsError(.internal, "nothing was planned") }
    (plan, scheduler) = (best.plan, best.scheduler)
    plan.remarks.append("one task needs \(best.largest) bytes, more than the memory limit of \(options.memoryLimit)")
    return best.builder
  }

  /// Values that decide what operators expand to, where these can be computed in this part.
  private func awaited(_ index: GraphIndex, _ demand: Demand) throws(MarsError) -> [Val] {
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

  /// Regions in an order in which inputs come first.
  private func fuse(_ index: GraphIndex, _ demand: inout Demand, _ waits: [Val]) throws(MarsError) -> [Region] {
    let n = index.vertices.count
    var isReachable = [Bool](repeating: false, count: n)
    var needed = [[Bool]](repeating: [], count: n)
    for i in 0..<n { needed[i] = [Bool](repeating: false, count: index.vertices[i].node.outputs.count) }
    for r in index.results {
      isReachable[Int(r.vertex)] = true
      if !demand.isDeferred[Int(r.vertex)] { needed[Int(r.vertex)][Int(r.output)] = true }
    }
    for x in waits { needed[Int(x.vertex)][Int(x.output)] = true }
    for i in stride(from: n - 1, through: 0, by: -1) where isReachable[i] {
      for x in index.vertices[i].inputs { isReachable[Int(x.vertex)] = true }
      if demand.isDeferred[i] || !index.vertices[i].tensors.isEmpty { continue }
      // Its extents are needed before anything that follows can be planned.
      for (o, t) in index.vertices[i].node.outputs.enumerated() where !t.isKnown { needed[i][o] = true }
    }
    var regions: [Region] = []
    for i in stride(from: n - 1, through: 0, by: -1) where needed[i].contains(true) {
      try patience.check()
      let v = index.vertices[i]
      if !v.tensors.isEmpty { continue }
      if case .leaf = v.node.op.body { continue }
      let outputs = needed[i].indices.filter { needed[i][$0] }
      if case .native = v.node.op.body {
      } else if v.node.outputs.contains(where: { !$0.isKnown }) {
        throw MarsError(.internal, "the extents of \(v.node.op.name) do not follow from those of its inputs", op: v.node.calledName)
      }
      let region: Region
      if case .native(let rule) = v.node.op.body {
        region = native(i, rule, index, &demand)
      } else if case .nest(let rule) = v.node.op.body {
        guard let nest = rule(v.node.context) else { throw MarsError(.format, "a loop nest cannot be read", op: v.node.op.name) }
        region = finished(i, nest, index)
      } else {
        region = kernel(i, outputs, index, &demand)
      }
      for x in region.inputs { needed[Int(x.value.vertex)][Int(x.value.output)] = true }
      regions.append(region)
    }
    return regions.reversed()
  }

  private func kernel(_ i: Int, _ outputs: [Int], _ index: GraphIndex, _ demand: inout Demand) -> Region {
    while true {
      var builder = RegionBuilder(index, demand)
      switch builder.kernel(root: i, outputs: outputs) {
      case .made(let region): return region
      case .loose(let reductions): for r in reductions { demand.isMaterialised[r] = true }
      }
    }
  }

  /// A loop nest that another plan made: one task.
  private func finished(_ i: Int, _ nest: LoopNest, _ index: GraphIndex) -> Region {
    let v = index.vertices[i]
    return Region(
      roots: v.node.outputs.indices.map { Val(i, $0) }, shape: nest.shape, kind: .kernel(nest.spec),
      inputs: zip(v.inputs, nest.maps).map { x, map in
        let (base, view) = index.stripViews(x)
        return Region.Input(value: base, window: .map(view.after(map)))
      }, counters: nest.counters, scalars: nest.scalars, outputAxes: nest.outputAxes.map { $0.map { $0 < 0 ? nil : $0 } },
      labels: [v.node.op.name], wholeAxes: Set(nest.shape.indices), work: nest.shape.reduce(1.0) { $0 * Double($1) })
  }

  private func native(_ i: Int, _ rule: NativeRule, _ index: GraphIndex, _ demand: inout Demand) -> Region {
    let v = index.vertices[i]
    let context = v.node.context
    let out = v.node.outputs[0]
    var shape = out.shape
    var contracted: [Int: Int] = [:]
    var inputs: [Region.Input] = []
    switch rule.tiling {
    case .access(let f):
      let accesses = f(context)
      for (k, axes) in accesses.enumerated() {
        var (base, map) = index.stripViews(v.inputs[k])
        var orientation: StageInput.Orientation? = nil
        if base != v.inputs[k] {
          orientation = StageInput.Orientation(map, rank: axes.count)
          if orientation == nil || Planner.narrows(map, axes, base: index.type(base).shape, view: context.inputs[k].shape) {
            orientation = nil
            // A view that no window of memory is: it becomes a tensor.
            (base, map) = (v.inputs[k], .identity(axes.count))
            demand.isMaterialised[Int(base.vertex)] = true
          }
        }
        var resolved: [AxisAccess] = []
        for (a, access) in axes.enumerated() {
          guard case .contracted(let id) = access else {
            resolved.append(access)
            continue
          }
          if contracted[id] == nil {
            contracted[id] = shape.count
            shape.append(context.inputs[k].shape[a])
          }
          resolved.append(.contracted(id: contracted[id] ?? 0))
        }
        inputs.append(Region.Input(value: base, window: .access(Planner.compose(map, resolved)), orientation: orientation))
      }
    case .boxes:
      for k in v.inputs.indices {
        // The rule speaks of the axes that the operator sees: only views that change nothing are seen through.
        var (base, map) = index.stripViews(v.inputs[k])
        if !map.isIdentity || index.type(base).shape != context.inputs[k].shape { base = v.inputs[k] }
        demand.isMaterialised[Int(base.vertex)] = true
        let isWritten = k == 0 && rule.reusesInput0
        inputs.append(Region.Input(value: base, window: isWritten ? .access(shape.indices.map { .aligned($0) }) : .rule(input: k)))
      }
    case .selecting(let axis):
      shape = context.inputs[0].shape
      for x in v.inputs { demand.isMaterialised[Int(x.vertex)] = true }
      for k in v.inputs.indices {
        // A vector beside input 0 (its mask) runs along the axis.
        let map = k > 0 && context.inputs[k].rank == 1 ? AxisMap([.aligned(axis)]) : .broadcast(context.inputs[k].shape, to: shape)
        inputs.append(Region.Input(value: v.inputs[k], window: .map(map)))
      }
    }
    var whole = Set(rule.wholeOutputAxes(context))
    if !rule.accumulates { whole.formUnion(contracted.values) }
    if case .selecting(let axis) = rule.tiling { whole.formUnion(shape.indices.filter { $0 != axis }) }
    let axes: [Int?] = out.shape.indices.map { $0 }
    let carried = rule.carriedAxis(context)
    return Region(
      roots: v.node.outputs.indices.map { Val(i, $0) }, shape: shape, kind: .native(rule), inputs: inputs,
      outputAxes: v.node.outputs.enumerated().map { n, o in
        if n > 0, let carried { return axes.map { $0 == carried ? nil : $0 } }
        return o.rank == out.rank ? axes : Array(axes.prefix(o.rank))
      }, labels: [v.node.op.name], wholeAxes: whole, carriedAxis: carried,
      work: shape.reduce(1.0) { $0 * Double($1) } * v.node.op.cost.perElement)
  }

  /// Whether an axis that is read whole is only a part of the base's.
  private static func narrows(_ map: AxisMap, _ access: [AxisAccess], base: [Int], view: [Int]) -> Bool {
    for (axis, a) in map.axes.enumerated() {
      guard case .aligned(let k, let start, let step) = a, access[k] == .whole else { continue }
      if start != 0 || step != 1 || base[axis] != view[k] { return true }
    }
    return false
  }

  /// Access of the base of a view: the view's map followed by what the operator does with the view.
  private static func compose(_ map: AxisMap, _ access: [AxisAccess]) -> [AxisAccess] {
    if map.isIdentity { return access }
    return map.axes.map { a in
      guard case .aligned(let k, let start, let step) = a else { return a }
      switch access[k] {
      case .aligned(let j, let s, let t): return .aligned(axis: j, start: start + step * s, step: step * t)
      case .fixed(let i): return .fixed(start + step * i)
      case .contracted(let axis): return .aligned(axis: axis, start: start, step: step)
      case .whole: return .whole
      }
    }
  }

  // MARK: Staged planning

  /// Puts the produced extents into a tensor of unknown extents.
  private mutating func resolve(_ t: Int, _ shapes: [[Int]]) {
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
  private mutating func resolve(_ t: Int, _ values: DenseArray) {
    let leaf = Leaves.node(values)
    for (id, c) in computed where c.tensors == [t] { computed[id] = Computed(c.node, leaf: leaf, tensor: t) }
    computed[ObjectIdentifier(leaf)] = Computed(stand: leaf, tensors: [t])
  }

  private mutating func remember(_ index: GraphIndex, _ builder: StageBuilder) {
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
  private mutating func hold(_ index: GraphIndex, _ builder: StageBuilder, _ demand: Demand) {
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
