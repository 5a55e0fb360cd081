import MarsBase
import MarsGraph
import MarsPlan

/// The state of one run; reached by address and only under the engine's lock.
struct RunCore: ~Copyable {
  enum TaskState {
    static let waiting: UInt8 = 0
    static let ready: UInt8 = 1
    /// Memory is reserved, some input is being read from disk.
    static let loading: UInt8 = 2
    static let claimed: UInt8 = 3
    static let done: UInt8 = 4
    static let mask: UInt8 = 7
  }
  struct Workspace: BitwiseCopyable {
    var task: Int32
    var base: UnsafeMutableRawPointer
    var capacity: Int
  }

  var index: Int32 = -1
  /// Number of the run's first task among the tasks of all runs.
  var sequenceBase = 0
  var plan: PlanBox
  var trace: Bool
  // Per task.
  var pending = Column<Int32>()
  var state = Column<UInt8>()
  var firstEdge = Column<Int32>()
  // Per dependency: the dependent, and the next edge of the same task.
  var edgeTask = Column<Int32>()
  var nextEdge = Column<Int32>()
  // Per slot.
  var slotBlock = Column<Int32>()
  var usesLeft = Column<Int32>()
  var held = Column<Bool>()
  // Per slot and use, made when memory becomes short.
  var hasUsers = false
  var userStart = Column<Int32>()
  var users = Column<Int32>()
  var userCursor = Column<Int32>()

  var ready = Heap<Int32>()
  var loading = Column<Int32>()
  var loaded = Heap<Int32>()
  var workspaces = Column<Workspace>()
  var done = 0
  var inFlight = 0
  /// Tasks that must run before `Plan.needs` is answered.
  var neededLeft = 0
  var outcome: Outcome = .running
  /// How often a later run was served while this one waited for memory.
  var passedOver = 0
  /// Whether the thread that started the run is likely to wait for it, and so to run tasks, in a moment.
  var expectsHelp = false
  var produced: [Int32: [Int]] = [:]
  /// Whether the run has left the list of active runs.
  var isRetired = false

  enum Outcome {
    case running
    case finished
    case failed(MarsError)
    var isRunning: Bool { if case .running = self { true } else { false } }
  }

  init(plan: PlanBox, trace: Bool) {
    self.plan = plan
    self.trace = trace
  }
}

extension RunCore {
  /// Adds the tasks and slots that `box` has beyond those known, and finds which tasks are ready.
  mutating func adopt(_ box: PlanBox) {
    let plan = box.plan
    let (oldTasks, newTasks) = (pending.count, plan.taskCount)
    let (oldSlots, newSlots) = (slotBlock.count, plan.slotCount)
    self.plan = box
    pending.reserve(newTasks)
    state.append(repeating: TaskState.waiting, count: newTasks - oldTasks)
    firstEdge.append(repeating: -1, count: newTasks - oldTasks)
    slotBlock.append(repeating: -1, count: newSlots - oldSlots)
    usesLeft.append(repeating: 0, count: newSlots - oldSlots)
    held.append(repeating: false, count: newSlots - oldSlots)
    plan.dependencies.withUnsafeBufferPointer { dependencies in
      edgeTask.reserve(edgeTask.count + dependencies.count)
      nextEdge.reserve(nextEdge.count + dependencies.count)
      for t in oldTasks..<newTasks {
        var count: Int32 = 0
        for e in Int(plan.dependencyStart[t])..<Int(plan.dependencyStart[t + 1]) {
          let d = dependencies[e]
          if state[d] & TaskState.mask == TaskState.done { continue }
          count += 1
          nextEdge.append(firstEdge[d])
          firstEdge[d] = Int32(edgeTask.count)
          edgeTask.append(Int32(t))
        }
        pending.append(count)
        if count == 0 {
          state[t] = TaskState.ready
          ready.push(Int32(t))
        }
      }
    }
    if newTasks > oldTasks {
      for i in Int(plan.taskSlotStart[oldTasks])..<Int(plan.taskSlotStart[newTasks]) { usesLeft[plan.taskSlots[i]] += 1 }
    }
    for s in 0..<newSlots { held[s] = plan.slotHeld[s] }
    for r in plan.results where r >= 0 {
      let t = plan.tensors[r]
      for s in RunCore.slots(of: t) { held[s] = true }
    }
    hasUsers = false
    neededLeft = 0
    if !plan.needs.isEmpty {
      for t in 0..<newTasks where state[t] & TaskState.mask != TaskState.done && box.stages[Int(plan.taskStage[t])].isNeeded {
        neededLeft += 1
      }
    }
  }

  /// Whether no task of the run is known yet: its plan is awaited.
  var isBlank: Bool { pending.count == 0 && slotBlock.count == 0 }

  /// Takes over what another, which has adopted the whole plan, knows of tasks and slots; gives it the nothing of this one, to be freed.
  mutating func begin(with other: inout RunCore) {
    swap(&plan, &other.plan)
    swap(&pending, &other.pending)
    swap(&state, &other.state)
    swap(&firstEdge, &other.firstEdge)
    swap(&edgeTask, &other.edgeTask)
    swap(&nextEdge, &other.nextEdge)
    swap(&slotBlock, &other.slotBlock)
    swap(&usesLeft, &other.usesLeft)
    swap(&held, &other.held)
    swap(&ready, &other.ready)
    neededLeft = other.neededLeft
  }

  /// The slots of a tensor.
  static func slots(of t: PlanTensor) -> Range<Int> {
    switch t.storage {
    case .leaf: 0..<0
    case .whole: Int(t.firstSlot)..<Int(t.firstSlot) + 1
    case .chunks, .keptChunks: Int(t.firstSlot)..<Int(t.firstSlot) + t.grid.chunkCount
    }
  }

  /// Makes the lists by which next uses are found.
  mutating func buildUsers() {
    hasUsers = true
    let plan = plan.plan
    let slots = plan.slotCount
    userStart.removeAll()
    users.removeAll()
    userCursor.removeAll()
    userStart.append(repeating: 0, count: slots + 1)
    for s in plan.taskSlots { userStart[Int(s) + 1] += 1 }
    for s in 0..<slots { userStart[s + 1] += userStart[s] }
    for s in 0..<slots { userCursor.append(userStart[s]) }
    users.append(repeating: 0, count: plan.taskSlots.count)
    for t in 0..<plan.taskCount {
      for i in Int(plan.taskSlotStart[t])..<Int(plan.taskSlotStart[t + 1]) {
        let s = plan.taskSlots[i]
        users[userCursor[s]] = Int32(t)
        userCursor[s] += 1
      }
    }
    for s in 0..<slots { userCursor[s] = userStart[s] }
  }

  /// Number, over all runs, of the next task that uses a slot; `Int.max` for none.
  mutating func nextUse(ofSlot s: Int32) -> Int {
    if !hasUsers { buildUsers() }
    var c = userCursor[s]
    let end = userStart[s + 1]
    while c < end && state[users[c]] & TaskState.mask == TaskState.done { c += 1 }
    userCursor[s] = c
    return c < end ? sequenceBase + Int(users[c]) : Int.max
  }
}
