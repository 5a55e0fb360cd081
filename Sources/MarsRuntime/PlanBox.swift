import MarsBase
import MarsGraph
import MarsPlan
import Synchronization

/// One immutable version of a growing plan with what the dispatcher derives from it; shared by workers without locks.
final class PlanBox: @unchecked Sendable {
  /// What admission of a task needs to know of its stage.
  struct StageInfo: BitwiseCopyable {
    var outputs: Int32
    /// Bytes that the task's workspace counts against the limit; 0 for none.
    var workspace: Int
    /// Bit i: output 0 may take over the buffer of the i-th slot of the task's list.
    var reusable: UInt64
    /// Slots of a task for which `reusable` holds; -1: any number.
    var slots: Int32
    /// Whether output 0 is written in the slot of an input, by plan.
    var sharesSlot: Bool
    /// Whether `Plan.unchangedTasks` may name tasks whose chunk of input 0 becomes that of output 0.
    var handsOn: Bool
    /// Whether planning waits for its tasks.
    var isNeeded: Bool
  }

  let plan: Plan
  /// Chunks as they came out, of tensors whose extents were unknown when they were planned.
  let actualGrids: [Int: Grid]
  let stages: UnsafeMutablePointer<StageInfo>
  let hasCallbacks: Bool
  /// Whether a thread that waits may run its tasks: few, and none that could take long.
  let isHelpable: Bool
  /// Identifier of the first stage's label in the trace, or -1.
  let traceBase: Int32
  /// Of each stage, once a task of it has run.
  private let programs: UnsafeMutablePointer<AtomicLazyReference<StageProgram>>

  init(_ plan: Plan, actualGrids: [Int: Grid] = [:], traceBase: Int32 = -1) {
    self.plan = plan
    self.actualGrids = actualGrids
    self.traceBase = traceBase
    let needs = plan.needs.isEmpty ? [] : Set(plan.needs)
    stages = .allocate(capacity: max(1, plan.stages.count))
    var callbacks = false
    var natives = false
    for i in plan.stages.indices {
      stages[i] = PlanBox.info(plan.stages[i], plan, needs)
      guard case .native = plan.stages[i].kind else { continue }
      natives = true
      callbacks = callbacks || plan.stages[i].node.op.effects == .callback
    }
    hasCallbacks = callbacks
    isHelpable = plan.taskCount <= PlanBox.fewTasks && !natives
    programs = .allocate(capacity: max(1, plan.stages.count))
    for i in plan.stages.indices { (programs + i).initialize(to: AtomicLazyReference()) }
  }

  deinit {
    stages.deallocate()
    programs.deinitialize(count: plan.stages.count)
    programs.deallocate()
  }

  private static func info(_ s: Stage, _ plan: Plan, _ needs: Set<Int>) -> StageInfo {
    // What is written into a leaf's memory has no slot.
    let slotted = s.outputs.count { if case .leaf = plan.tensors[$0.tensor].storage { false } else { true } }
    var info = StageInfo(
      outputs: Int32(slotted), workspace: 0, reusable: 0, slots: 0, sharesSlot: false, handsOn: false,
      isNeeded: !needs.isEmpty && s.outputs.contains { needs.contains($0.tensor) })
    if case .native = s.kind {
      let bytes = Plan.scratchBytes(s.workspaceBytes) + s.gatherBytes
      info.workspace = bytes == 0 ? 0 : BufferPool.capacity(bytes)
    }
    if s.mayReuseInput {
      (info.reusable, info.slots) = PlanBox.reusable(s, plan)
      info.sharesSlot = PlanBox.sharesSlot(s, plan)
      info.handsOn = !plan.unchangedTasks.isEmpty && PlanBox.handsOn(s, plan)
    }
    return info
  }

  /// With more the plan takes long enough for workers to wake up and do it.
  private static let fewTasks = 4096

  /// The stage's geometry; made at the first task.
  func program(_ stage: Int) -> StageProgram {
    if let p = programs[stage].load() { return p }
    return programs[stage].storeIfNil(StageProgram(stage, self))
  }

  /// The chunks of a tensor as they are in memory.
  func grid(ofTensor t: Int) -> Grid { actualGrids[t] ?? plan.tensors[t].grid }

  /// Inputs in whose place output 0 may be written: all of one chunk is read where it is written.
  private static func reusable(_ s: Stage, _ plan: Plan) -> (UInt64, Int32) {
    guard let out = s.outputs.first, s.outputs.count == 1 else { return (0, 0) }
    let target = plan.tensors[out.tensor]
    guard case .chunks = target.storage, !target.hasUnknownExtents, target.grid == s.grid, s.accumulatedAxis == nil,
      out.axes == s.grid.axes.indices.map({ .iteration($0) })
    else { return (0, 0) }
    var mask: UInt64 = 0
    var position = 0
    for (i, input) in s.inputs.enumerated() {
      let tensor = plan.tensors[input.tensor]
      if case .leaf = tensor.storage { continue }
      defer { position += 1 }
      guard case .chunks = tensor.storage, position < 64, !tensor.hasUnknownExtents, tensor.grid == target.grid,
        tensor.type.dtype.itemSize == target.type.dtype.itemSize, input.isReadInPlace(rank: s.grid.axes.count)
      else { continue }
      if case .native = s.kind, i != 0 { continue }
      let clashes = s.inputs.enumerated().contains { k, other in
        k != i && other.tensor == input.tensor && !other.isReadInPlace(rank: s.grid.axes.count)
      }
      if !clashes { mask |= 1 << UInt64(position) }
    }
    // A native body may name any number of chunks of its other inputs.
    if case .native = s.kind { return (mask, -1) }
    return (mask, Int32(position + s.outputs.count))
  }

  private static func sharesSlot(_ s: Stage, _ plan: Plan) -> Bool {
    guard let out = s.outputs.first else { return false }
    if case .leaf = plan.tensors[out.tensor].storage { return true }
    guard case .whole = plan.tensors[out.tensor].storage else { return false }
    return s.inputs.contains { i in
      guard case .whole = plan.tensors[i.tensor].storage else { return false }
      return plan.tensors[i.tensor].firstSlot == plan.tensors[out.tensor].firstSlot
    }
  }

  /// Whether a chunk of input 0 can stand for that of output 0.
  private static func handsOn(_ s: Stage, _ plan: Plan) -> Bool {
    guard let input = s.inputs.first, let out = s.outputs.first, input.isReadInPlace(rank: s.grid.axes.count) else { return false }
    let (from, to) = (plan.tensors[input.tensor], plan.tensors[out.tensor])
    guard case .chunks = to.storage, !from.hasUnknownExtents, from.grid == to.grid, to.grid == s.grid else { return false }
    switch from.storage {
    case .chunks, .keptChunks: return true
    case .leaf, .whole: return false
    }
  }
}
