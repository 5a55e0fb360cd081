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
  package internal(set) var plan = Plan()
  private let wanted: [Value]
  private let bindings: [String: Value]
  /// Beside those of the placeholders that the results need, scopes whose names may be bound.
  private let scopes: [InputScope]
  private let options: PlanOptions
  var computed: [ObjectIdentifier: Computed] = [:]
  private var remade = Remade()
  var scheduler = Scheduler()
  /// A data leaf whose memory writes may go into: nobody else reads it.
  private let overwriting: Node?
  private var patience: Patience

  /// - Parameter scopes: of the graphs that have the results as outputs: their inputs may be bound although no result needs them.
  /// - Throws: what `patience` throws when it is over, beside what is wrong with the graph.
  package init(
    _ results: [Value], bindings: [String: Value] = [:], scopes: [InputScope] = [], overwriting: Node? = nil, options: PlanOptions,
    patience: Patience = .endless
  ) throws(MarsError) {
    self.scopes = scopes
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
    try refuseStray(index)
    var demand = Demand(index, recomputes: options.recomputes)  // what is kept, what is recomputed
    if !options.fuses { demand.materialiseAll(index) }
    let waits = try awaited(index, demand)  // values that decide what follows
    let regions = try Fusion.regions(index, &demand, waits, patience)  // loop nests, from the results down
    let builder = try refine(index, demand, regions, waits)  // chunks that the limit can hold, tasks in depth-first order
    remember(index, builder)
    hold(index, builder, demand)
    plan.forecastPeak = try Forecast.peak(plan, patience)
  }

  /// Refuses data for names that no input has.
  private func refuseStray(_ index: GraphIndex) throws(MarsError) {
    if !computed.isEmpty { return }
    let known = index.scopes + scopes
    let strays = bindings.keys.filter { name in !index.inputNames.contains(name) && !known.contains { $0.contains(name) } }
    if let stray = strays.min() {
      throw MarsError(.value, "the graph has no input '\(stray)' to bind", op: "input")
    }
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
        index, demand, regions, options, plan: before, refinement: refinement, overwriting: overwriting, inOnePiece: Set(waits))
      do throws(MarsError) {
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
      } catch {
        // Chunks small enough for the limit would be too many: the run says which task does not fit.
        if best != nil && error.code == .memory { break }
        throw error
      }
      if refinement == 0 && plan.slotBytes.reduce(0, +) <= options.memoryLimit / 4 { return builder }
      let largest = try Forecast.largestTask(plan, from: before.taskCount, patience)
      if largest <= options.memoryLimit { return builder }
      if best.map({ largest < $0.largest }) ?? true { best = (builder, plan, scheduler, largest) }
      if plan.taskCount - before.taskCount > Planner.mostRefinedTasks { break }
    }
    guard let best else { throw MarsError(.internal, "nothing was planned") }
    (plan, scheduler) = (best.plan, best.scheduler)
    plan.remarks.append("one task needs \(best.largest) bytes, more than the memory limit of \(options.memoryLimit)")
    return best.builder
  }
}
