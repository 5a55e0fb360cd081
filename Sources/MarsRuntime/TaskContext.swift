import Glibc
import MarsBase
import MarsGraph
import MarsJIT
import MarsPlan

/// A worker's scratch memory and caches, with which it runs tasks.
final class TaskContext: @unchecked Sendable {
  /// In traces: a worker's number, or `caller` for threads that run tasks while they wait.
  let number: Int
  static let caller = 100
  /// Plans of the grants in hand.
  private var plans: [PlanBox] = []
  private var traced: [Bool] = []
  private var current: PlanBox? = nil
  private var stages: [StageCache?] = []
  private var events = Column<Trace.Event>()

  /// What the worker keeps of a stage of the current plan.
  final class StageCache {
    let program: StageProgram
    var kernel: (any PreparedKernel)? = nil
    var body: NativeBody? = nil
    var call: KernelCall
    init(_ p: StageProgram) {
      program = p
      let (rank, outputs) = (p.rank, p.operandCount - p.inputCount)
      guard case .kernel = p.stage.kind else {
        call = KernelCall(
          extents: [], inputs: [], outputs: [], inputStrides: [], outputStrides: [], counterBase: [], counterStrides: [], scalars: [],
          streamOutputs: false)
        return
      }
      let nowhere = UnsafeMutableRawPointer(p.operands)
      call = KernelCall(
        extents: [Int](repeating: 0, count: rank), inputs: [UnsafeMutableRawPointer](repeating: nowhere, count: p.inputCount),
        outputs: [UnsafeMutableRawPointer](repeating: nowhere, count: outputs),
        inputStrides: [Int](repeating: 0, count: p.inputCount * rank),
        outputStrides: [Int](repeating: 0, count: outputs * rank), counterBase: [Int](repeating: 0, count: p.stage.counters.count),
        counterStrides: p.stage.counters.flatMap(\.strides), scalars: p.stage.scalars, streamOutputs: false,
        readAhead: p.readsMuch)
    }
  }

  init(number: Int) { self.number = number }
  /// Takes hold of the plan of grant `i`; the engine's lock is held.
  @inline(__always)
  func note(_ run: RunCorePointer, _ i: Int, _ state: inout EngineState) {
    if i < plans.count {
      if plans[i] !== run.pointee.plan {
        state.bury(plans[i])
        plans[i] = run.pointee.plan
      }
      traced[i] = run.pointee.trace
    } else {
      plans.append(run.pointee.plan)
      traced.append(run.pointee.trace)
    }
  }

  var holdsPlan: Bool { current != nil || !plans.isEmpty || events.count > 0 }

  /// Lets go of everything that belongs to plans; not under the lock.
  func forgetPlan(_ trace: Trace? = nil) {
    plans = []
    traced = []
    current = nil
    stages.removeAll(keepingCapacity: true)
    if let trace, events.count > 0 { trace.add(&events) }
  }

  /// Runs one task; an error ends its run.
  func run(_ engine: Engine, _ g: Grant, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ i: Int) {
    let plan = plans[i]
    let begin = traced[i] ? EngineLock.nanoseconds() : 0
    do throws(MarsError) {
      let produced = try execute(engine, plan, Int(g.task), bases + Int(g.firstBase), g.workspace, g.workspaceBytes)
      if let produced { engine.recordProduced(g.run, plan, Int(g.task), produced) }
    } catch {
      let stage = plan.plan.stages[Int(plan.plan.taskStage[Int(g.task)])]
      let located = error.at(op: stage.node.calledName, origin: stage.node.origin)
      engine.locked { s in s.fail(g.run, located) }
    }
    if traced[i] {
      let stage = plan.plan.taskStage[Int(g.task)]
      events.append(
        .init(
          kind: .task, label: plan.traceBase + stage, worker: Int32(number), task: g.task, begin: begin, end: EngineLock.nanoseconds(),
          bytes: 0))
      if events.count >= 256 { engine.trace.add(&events) }
    }
  }

  /// Runs task `t` with the addresses of its slots; returns what a selecting body produced.
  func execute(
    _ engine: Engine, _ plan: PlanBox, _ t: Int, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ workspace: UnsafeMutableRawPointer?,
    _ workspaceBytes: Int
  ) throws(MarsError) -> Produced? {
    if plan !== current {
      current = plan
      stages.removeAll(keepingCapacity: true)
      for _ in plan.plan.stages.indices { stages.append(nil) }
    }
    let s = Int(plan.plan.taskStage[t])
    let cache: StageCache
    if let c = stages[s] {
      cache = c
    } else {
      cache = StageCache(plan.program(s))
      stages[s] = cache
    }
    let program = cache.program
    let slots = plan.plan.taskSlots.withUnsafeBufferPointer { all in
      UnsafeBufferPointer(rebasing: all[Int(plan.plan.taskSlotStart[t])..<Int(plan.plan.taskSlotStart[t + 1])])
    }
    let chunk = Int(plan.plan.taskChunk[t])
    switch program.stage.kind {
    case .kernel(let spec):
      if cache.kernel == nil {
        guard let device = engine.devices[program.stage.device] else { throw noDevice(program.stage) }
        cache.kernel = try device.kernel(for: spec)
      }
      try runKernel(engine, cache, chunk, slots, bases)
      return nil
    case .native:
      return try runNative(engine, plan, cache, chunk, slots, bases, workspace, workspaceBytes)
    case .gather:
      try runGather(program, chunk, slots, bases)
      return nil
    }
  }

  // MARK: Kernels

  private func runKernel(
    _ engine: Engine, _ cache: StageCache, _ chunk: Int, _ slots: UnsafeBufferPointer<Int32>,
    _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) throws(MarsError) {
    let p = cache.program
    guard slots.count == p.slottedInputs + p.operandCount - p.inputCount else { throw slotCount(p, slots.count) }
    let bad = cache.call.fill(p, chunk, slots, bases, engine.options.streamBytes)
    if bad >= 0 { throw outside(p, bad) }
    try cache.kernel?.run(cache.call)
  }

  // MARK: Errors

  func noDevice(_ s: Stage) -> MarsError { MarsError(.unsupported, "there is no device '\(s.device)'") }
  func outside(_ p: StageProgram, _ operand: Int) -> MarsError {
    MarsError(.internal, "operand \(operand) of stage \(p.number) leaves its chunk")
  }
  func slotCount(_ p: StageProgram, _ n: Int) -> MarsError {
    MarsError(.internal, "a task of stage \(p.number) names \(n) slots, which does not fit its operands")
  }
}
