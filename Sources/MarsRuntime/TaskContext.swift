import Glibc
import MarsBase
import MarsGraph
import MarsPlan

/// A worker's scratch memory and caches, with which it runs tasks.
final class TaskContext: @unchecked Sendable {
  let number: Int
  /// Plans of the grants in hand.
  private var plans: [PlanBox] = []
  private var traced: [Bool] = []
  private var current: PlanBox? = nil
  private var programs: [StageProgram?] = []
  private var kernels: [(any PreparedKernel)?] = []
  private var events = Column<Trace.Event>()

  // Scratch; grows to the largest stage.
  private var numbers: UnsafeMutableBufferPointer<Int> = .allocate(capacity: 512)
  private var pointers: UnsafeMutableBufferPointer<UnsafeMutableRawPointer> = .allocate(capacity: 64)

  init(number: Int) { self.number = number }
  deinit {
    numbers.deallocate()
    pointers.deallocate()
  }

  /// Takes hold of the plan of grant `i`; the engine's lock is held.
  @inline(__always)
  func note(_ run: RunCorePointer, _ i: Int) {
    if i < plans.count {
      if plans[i] !== run.pointee.plan { plans[i] = run.pointee.plan }
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
    programs = []
    kernels = []
    if let trace, events.count > 0 { trace.add(&events) }
  }

  /// Runs one task; an error ends its run.
  func run(_ engine: Engine, _ g: Grant, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ i: Int) {
    let plan = plans[i]
    let begin = traced[i] ? EngineLock.nanoseconds() : 0
    do throws(MarsError) {
      let produced = try execute(engine, plan, Int(g.task), bases + Int(g.firstBase), g.workspace, g.workspaceBytes, isInPlace: g.isInPlace)
      if let produced { engine.recordProduced(g.run, plan, Int(g.task), produced) }
    } catch {
      let stage = plan.plan.stages[Int(plan.plan.taskStage[Int(g.task)])]
      let located = error.at(op: stage.node.op.name, origin: stage.node.origin)
      engine.locked { s in s.fail(g.run, located) }
    }
    if traced[i] {
      let stage = plan.plan.taskStage[Int(g.task)]
      events.append(
        .init(kind: .task, label: plan.traceBase + stage, worker: Int32(number), task: g.task, begin: begin, end: EngineLock.nanoseconds(), bytes: 0))
      if events.count >= 256 { engine.trace.add(&events) }
    }
  }

  /// Runs task `t` with the addresses of its slots; returns what a selecting body produced.
  func execute(
    _ engine: Engine, _ plan: PlanBox, _ t: Int, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ workspace: UnsafeMutableRawPointer?,
    _ workspaceBytes: Int, isInPlace: Bool
  ) throws(MarsError) -> Produced? {
    if plan !== current {
      current = plan
      programs = [StageProgram?](repeating: nil, count: plan.plan.stages.count)
      kernels = [(any PreparedKernel)?](repeating: nil, count: plan.plan.stages.count)
    }
    let s = Int(plan.plan.taskStage[t])
    let program: StageProgram
    if let p = programs[s] {
      program = p
    } else {
      program = plan.program(s)
      programs[s] = program
    }
    let slots = plan.plan.taskSlots.withUnsafeBufferPointer { all in
      UnsafeBufferPointer(rebasing: all[Int(plan.plan.taskSlotStart[t])..<Int(plan.plan.taskSlotStart[t + 1])])
    }
    let chunk = Int(plan.plan.taskChunk[t])
    switch program.stage.kind {
    case .kernel(let spec):
      let kernel: any PreparedKernel
      if let k = kernels[s] {
        kernel = k
      } else {
        guard let device = engine.devices[program.stage.device] else { throw noDevice(program.stage) }
        kernel = try device.kernel(for: spec)
        kernels[s] = kernel
      }
      try runKernel(engine, program, kernel, chunk, slots, bases)
      return nil
    case .native:
      return try runNative(engine, plan, program, chunk, slots, bases, workspace, workspaceBytes, isInPlace: isInPlace)
    case .gather:
      try runGather(program, chunk, slots, bases)
      return nil
    }
  }

  // MARK: Kernels

  private func runKernel(
    _ engine: Engine, _ p: StageProgram, _ kernel: any PreparedKernel, _ chunk: Int, _ slots: UnsafeBufferPointer<Int32>,
    _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) throws(MarsError) {
    let rank = p.rank
    let counters = p.stage.counters.count
    reserve(numbers: 3 * rank + p.operandCount * rank + counters, pointers: p.operandCount)
    guard let scratch = numbers.baseAddress, let addresses = pointers.baseAddress else { return }
    let lower = scratch
    let extents = lower + rank
    let coordinates = extents + rank
    let strides = coordinates + rank
    let counterBase = strides + p.operandCount * rank
    p.locate(chunk, lower, extents, coordinates)
    var isEmpty = false
    for i in 0..<rank where extents[i] == 0 { isEmpty = true }
    guard slots.count == p.slottedInputs + p.operandCount - p.inputCount else { throw slotCount(p, slots.count) }
    var next = 0
    var outputBytes = 0
    for k in 0..<p.operandCount {
      let op = p.operands[k]
      var base: UnsafeMutableRawPointer
      var part = 0
      if let leaf = op.leaf {
        base = leaf
      } else {
        base = bases[next]
        if op.isChunked { part = Int(slots[next] - op.firstSlot) }
        next += 1
      }
      guard
        let at = p.window(
          k, base: base, chunk: part, lower: lower, extents: extents, coordinates: coordinates, isEmpty: isEmpty, strides: strides + k * rank)
      else { throw outside(p, k) }
      addresses[k] = at
      if k >= p.inputCount {
        var bytes = Int(op.itemSize)
        for i in 0..<rank where strides[k * rank + i] != 0 { bytes *= extents[i] }
        outputBytes += bytes
      }
    }
    for c in 0..<counters {
      var n = p.stage.counters[c].base
      for i in 0..<rank { n += p.counterStrides[c * rank + i] * lower[i] }
      counterBase[c] = n
    }
    let call = KernelCall(
      extents: UnsafeBufferPointer(start: extents, count: rank), inputs: UnsafeBufferPointer(start: addresses, count: p.inputCount),
      outputs: UnsafeBufferPointer(start: addresses + p.inputCount, count: p.operandCount - p.inputCount),
      strides: UnsafeBufferPointer(start: strides, count: p.operandCount * rank),
      counterBase: UnsafeBufferPointer(start: counterBase, count: counters),
      counterStrides: UnsafeBufferPointer(start: p.counterStrides, count: counters * rank), scalars: p.stage.scalars,
      streamOutputs: outputBytes >= engine.options.streamBytes)
    try kernel.run(call)
  }

  private func reserve(numbers n: Int, pointers m: Int) {
    if n > numbers.count {
      numbers.deallocate()
      numbers = .allocate(capacity: 2 * n)
    }
    if m > pointers.count {
      pointers.deallocate()
      pointers = .allocate(capacity: 2 * m)
    }
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

/// What a body with unknown extents has written.
struct Produced {
  var slot: Int32
  var shape: [Int]
  var byteCount: Int
}
