import MarsBase
import MarsPlan

/// A task handed to a worker.
struct Grant: BitwiseCopyable {
  var run: RunCorePointer
  var task: Int32
  /// Where the addresses of the task's slots begin in `GrantList.bases`.
  var firstBase: Int32
  var workspace: UnsafeMutableRawPointer?
  var workspaceBytes: Int
}

/// Tasks handed to a worker at once, with the addresses of their slots, which do not move while the tasks run.
struct GrantList: ~Copyable {
  var grants = Column<Grant>()
  var bases = Column<UnsafeMutableRawPointer>()
  mutating func removeAll() {
    grants.removeAll()
    bases.removeAll()
  }
}

// MARK: Handing out tasks

extension EngineState {
  /// Takes back the finished tasks in `list` and fills it with at most `most` new ones: the one call by which workers and state meet.
  mutating func exchange(_ list: inout GrantList, most: Int) {
    takeBack(&list)
    // Threads that wait for a run may be running tasks in a worker's stead.
    if busyThreads < workerCount { claim(&list, most: most) }
    if !list.grants.isEmpty { busyThreads += 1 }
  }

  /// The same for a thread that waits for `run` (nil: not any longer) and runs one of its tasks meanwhile, if one can start at once.
  mutating func exchange(_ list: inout GrantList, waitingFor run: RunCorePointer?) {
    takeBack(&list)
    guard let run, run.pointee.outcome.isRunning, busyThreads < workerCount, run.pointee.loaded.isEmpty, run.pointee.loading.isEmpty,
      let t = run.pointee.ready.smallest
    else { return }
    switch admit(run, t) {
    case .granted:
      run.pointee.ready.popSmallest()
      grant(run, t, &list)
      busyThreads += 1
    case .loading:
      run.pointee.ready.popSmallest()
      run.pointee.loading.append(t)
    case .blocked, .impossible: break  // A worker will meet the same and deal with it.
    }
  }

  private mutating func takeBack(_ list: inout GrantList) {
    if list.grants.isEmpty { return }
    busyThreads -= 1
    for i in 0..<list.grants.count {
      let g = list.grants[i]
      finish(g.run, g.task)
    }
    list.removeAll()
  }

  private mutating func claim(_ list: inout GrantList, most: Int) {
    var blockedRun: RunCorePointer? = nil
    var i = 0
    while i < active.count {
      let run = active[i]
      i += 1
      if !run.pointee.outcome.isRunning { continue }
      if let t = run.pointee.loaded.smallest {
        run.pointee.loaded.popSmallest()
        grant(run, t, &list)
        return
      }
      if let b = blockedRun, b.pointee.passedOver >= 16 { continue }
      next: while let t = run.pointee.ready.smallest {
        if handOn(run, t) {
          if run.pointee.isRetired {
            // It was the last task, and the run has left the list.
            i -= 1
            break next
          }
          continue
        }
        switch admit(run, t) {
        case .granted:
          run.pointee.ready.popSmallest()
          grant(run, t, &list)
          blockedRun?.pointee.passedOver += 1
          // Several at once only while enough is left for the other workers.
          if list.grants.count >= most || run.pointee.ready.count < most * max(1, workerCount) { return }
        case .loading:
          run.pointee.ready.popSmallest()
          run.pointee.loading.append(t)
          if run.pointee.loading.count >= workerCount + 2 { break next }
        case .blocked(let need):
          if blockedRun == nil { blockedRun = run }
          if list.grants.isEmpty { makeRoom(need, for: run, task: t, isFirst: blockedRun == run) }
          break next
        case .impossible(let error):
          fail(run, error.at(op: run.pointee.operatorName(t), origin: run.pointee.origin(t)))
          break next
        }
      }
      if !list.grants.isEmpty { return }
    }
  }

  private mutating func grant(_ run: RunCorePointer, _ t: Int32, _ list: inout GrantList) {
    run.pointee.state[t] = RunCore.TaskState.claimed
    run.pointee.inFlight += 1
    run.pointee.passedOver = 0
    running += 1
    var g = Grant(
      run: run, task: t, firstBase: Int32(list.bases.count), workspace: nil, workspaceBytes: 0)
    let info = run.pointee.plan.stages[Int(run.pointee.plan.plan.taskStage[Int(t)])]
    if info.workspace > 0 {
      for k in 0..<run.pointee.workspaces.count where run.pointee.workspaces[k].task == t {
        g.workspace = run.pointee.workspaces[k].base
        g.workspaceBytes = run.pointee.workspaces[k].capacity
      }
    }
    let start = Int(run.pointee.plan.plan.taskSlotStart[Int(t)])
    let end = Int(run.pointee.plan.plan.taskSlotStart[Int(t) + 1])
    for k in start..<end {
      let block = run.pointee.slotBlock[run.pointee.plan.plan.taskSlots[k]]
      if let base = blocks[block].base { list.bases.append(base) }
    }
    list.grants.append(g)
  }

  /// Ends a task that leaves its chunk as it is: output 0 names the block of input 0, in memory or on disk.
  private mutating func handOn(_ run: RunCorePointer, _ t: Int32) -> Bool {
    let plan = run.pointee.plan
    guard plan.stages[Int(plan.plan.taskStage[Int(t)])].handsOn, plan.plan.unchangedTasks.contains(t) else { return false }
    let (start, end) = (Int(plan.plan.taskSlotStart[Int(t)]), Int(plan.plan.taskSlotStart[Int(t) + 1]))
    let (from, to) = (plan.plan.taskSlots[start], plan.plan.taskSlots[end - 1])
    let b = run.pointee.slotBlock[from]
    guard b >= 0, run.pointee.slotBlock[to] < 0 else { return false }
    run.pointee.ready.popSmallest()
    share(b, run, to)
    for k in start..<end { pin(run.pointee.slotBlock[plan.plan.taskSlots[k]], forWriting: false) }
    run.pointee.state[t] = RunCore.TaskState.claimed
    run.pointee.inFlight += 1
    running += 1
    statistics.inPlaceTasks += 1
    finish(run, t)
    return true
  }

  /// A further slot names a block, and says from now on when it will be used.
  private mutating func share(_ b: Int32, _ run: RunCorePointer, _ slot: Int32) {
    run.pointee.slotBlock[slot] = b
    blocks[b].refs += 1
    if blocks[b].owner < 0 || blocks[b].owner == run.pointee.index {
      blocks[b].owner = run.pointee.index
      blocks[b].slot = slot
    }
  }

  // MARK: Admission

  enum Admission {
    case granted
    /// Reserved, but inputs are still being read from disk.
    case loading
    /// Bytes that do not fit now.
    case blocked(Int)
    case impossible(MarsError)
  }

  /// Reserves everything that a task needs, or nothing.
  private mutating func admit(_ run: RunCorePointer, _ t: Int32) -> Admission {
    let plan = run.pointee.plan
    let info = plan.stages[Int(plan.plan.taskStage[Int(t)])]
    let start = Int(plan.plan.taskSlotStart[Int(t)])
    let end = Int(plan.plan.taskSlotStart[Int(t) + 1])
    let firstOutput = end - Int(info.outputs)
    var need = info.workspace
    // What must be in memory at the same time, for the smallest possible limit.
    var total = info.workspace
    for k in start..<end {
      let s = plan.plan.taskSlots[k]
      let b = run.pointee.slotBlock[s]
      if b < 0 {
        if k < firstOutput {
          let label = plan.plan.tensors[Int(plan.plan.slotTensor[Int(s)])].label
          return .impossible(MarsError(.internal, "task \(t) reads slot \(s) of '\(label)', which nothing has written"))
        }
        let capacity = BufferPool.capacity(plan.plan.slotBytes[Int(s)])
        need += capacity
        total += capacity
      } else {
        if blocks[b].state == .spilled {
          if blocks[b].isLost { return .impossible(MarsError(.os, "a chunk that was on disk when the process was forked cannot be read")) }
          need += blocks[b].capacity
        }
        total += blocks[b].capacity
      }
    }
    var taken = -1
    if info.reusable != 0 && (info.slots < 0 || Int32(end - start) == info.slots) {
      taken = takeOver(run, start, firstOutput, info.reusable)
      if taken >= 0 { need -= BufferPool.capacity(plan.plan.slotBytes[Int(plan.plan.taskSlots[firstOutput])]) }
    }
    if !fits(need) {
      if taken >= 0 { total -= BufferPool.capacity(plan.plan.slotBytes[Int(plan.plan.taskSlots[firstOutput])]) }
      if total > limit { total -= repeatedBytes(run, start, end) }
      if total > limit {
        return .impossible(
          MarsError(
            .memory,
            "one task needs \(total) bytes, but the memory limit is \(limit) bytes: raise memory_limit, or chunk axes that the operator does not need whole"
          ))
      }
      return .blocked(need)
    }
    return reserve(run, t, info, start, firstOutput, end, taken: taken, need)
  }

  /// Bytes of blocks that a task names more than once.
  private func repeatedBytes(_ run: RunCorePointer, _ start: Int, _ end: Int) -> Int {
    var seen = Set<Int32>()
    var bytes = 0
    for k in start..<end {
      let s = run.pointee.plan.plan.taskSlots[k]
      let b = run.pointee.slotBlock[s]
      if !seen.insert(s).inserted { bytes += b < 0 ? 0 : blocks[b].capacity }
    }
    return bytes
  }

  /// Position of an input whose buffer output 0 may take over, or -1.
  private func takeOver(_ run: RunCorePointer, _ start: Int, _ firstOutput: Int, _ mask: UInt64) -> Int {
    let slots = run.pointee.plan.plan.taskSlots
    let out = slots[firstOutput]
    if run.pointee.slotBlock[out] >= 0 { return -1 }
    let capacity = BufferPool.capacity(run.pointee.plan.plan.slotBytes[Int(out)])
    for k in start..<firstOutput where mask & (1 << UInt64(k - start)) != 0 {
      let s = slots[k]
      let b = run.pointee.slotBlock[s]
      var mentions: Int32 = 0
      for j in start..<firstOutput where slots[j] == s { mentions += 1 }
      if run.pointee.usesLeft[s] == mentions && !run.pointee.held[s] && blocks[b].pins == 0 && blocks[b].refs == 1
        && blocks[b].capacity == capacity
      {
        return k
      }
    }
    return -1
  }

  private mutating func reserve(
    _ run: RunCorePointer, _ t: Int32, _ info: PlanBox.StageInfo, _ start: Int, _ firstOutput: Int, _ end: Int, taken: Int, _ need: Int
  ) -> Admission {
    let plan = run.pointee.plan
    var isLoading = false
    var pinned = start
    var hasMemory = true
    var tookOver = false
    for k in start..<end {
      let s = plan.plan.taskSlots[k]
      var b = run.pointee.slotBlock[s]
      if k == firstOutput && taken >= 0 {
        // Output 0 and the input name the same block until the task has run.
        b = run.pointee.slotBlock[plan.plan.taskSlots[taken]]
        share(b, run, s)
        tookOver = true
      } else if b < 0 {
        b = makeBlock(BufferPool.capacity(plan.plan.slotBytes[Int(s)]))
        if b < 0 {
          hasMemory = false
          break
        }
        blocks[b].owner = run.pointee.index
        blocks[b].slot = s
        run.pointee.slotBlock[s] = b
      }
      switch blocks[b].state {
      case .spilled:
        if !startRestoring(b) {
          hasMemory = false
        } else {
          isLoading = true
        }
      case .restoring: isLoading = true
      case .resident, .spilling, .free: break
      }
      if !hasMemory { break }
      pin(b, forWriting: k >= firstOutput)
      pinned = k + 1
    }
    if hasMemory && info.workspace > 0 {
      if let base = allocate(info.workspace) {
        run.pointee.workspaces.append(.init(task: t, base: base, capacity: info.workspace))
      } else {
        hasMemory = false
      }
    }
    if !hasMemory {
      unreserve(run, start, pinned, firstOutput, tookOver: tookOver ? taken : -1)
      if running > 0 || ioInFlight > 0 { return .blocked(need) }
      return .impossible(MarsError(.memory, "the system has no memory for a task that needs \(need) bytes"))
    }
    run.pointee.state[t] = isLoading ? RunCore.TaskState.loading : RunCore.TaskState.ready
    if tookOver || info.sharesSlot { statistics.inPlaceTasks += 1 }
    return isLoading ? .loading : .granted
  }

  /// Undoes pins; blocks made for outputs stay with their slots and are used by the next attempt.
  private mutating func unreserve(_ run: RunCorePointer, _ start: Int, _ pinned: Int, _ firstOutput: Int, tookOver: Int) {
    let slots = run.pointee.plan.plan.taskSlots
    for k in start..<pinned { unpin(run.pointee.slotBlock[slots[k]]) }
    if tookOver >= 0 {
      let b = run.pointee.slotBlock[slots[firstOutput]]
      run.pointee.slotBlock[slots[firstOutput]] = -1
      blocks[b].refs -= 1
      blocks[b].slot = slots[tookOver]
    }
  }

  /// A block has been read, or could not be: tasks that waited for it go on, or their runs fail.
  mutating func advanceLoading(_ block: Int32, _ error: MarsError?) {
    // Of a copy: a run that fails leaves the list.
    for run in (0..<active.count).map({ active[$0] }) {
      var k = 0
      while k < run.pointee.loading.count {
        let t = run.pointee.loading[k]
        var touches = false
        var isComplete = true
        let slots = run.pointee.plan.plan.slots(ofTask: Int(t))
        for s in slots {
          let b = run.pointee.slotBlock[s]
          if b < 0 { continue }
          if b == block { touches = true }
          if blocks[b].state == .restoring || blocks[b].state == .spilled { isComplete = false }
        }
        if touches, let error {
          fail(run, error.at(op: run.pointee.operatorName(t), origin: run.pointee.origin(t)))
          break
        }
        if touches && isComplete {
          run.pointee.loading.swapRemove(at: k)
          run.pointee.loaded.push(t)
        } else {
          k += 1
        }
      }
    }
  }

  /// Looks for memory for the first task that cannot start, and gives its run up if there will never be any.
  private mutating func makeRoom(_ need: Int, for run: RunCorePointer, task t: Int32, isFirst: Bool) {
    let isStuck = running == 0 && ioInFlight == 0 && readerPins == 0 && !hasLoaded
    // While others run they will free memory soon: only what is not needed for long is worth writing.
    let horizon = run.pointee.sequenceBase + Int(t)
    evict(toFit: need, beyond: isStuck ? Int.min : horizon + 16 * workerCount)
    if !isStuck || !isFirst || ioInFlight > 0 { return }
    if fits(need) {
      // Clean copies were dropped at once.
      mustSignal = true
      return
    }
    let shortage = MarsError(
      .memory,
      "not enough memory for a task that needs \(need) bytes more: \(used) of \(limit) bytes are in use by results and data that cannot be moved to disk"
    )
    let error = spillFailure ?? shortage
    spillFailure = nil
    fail(run, error.at(op: run.pointee.operatorName(t), origin: run.pointee.origin(t)))
  }

  private var hasLoaded: Bool {
    for i in 0..<active.count where active[i].pointee.outcome.isRunning && !active[i].pointee.loaded.isEmpty { return true }
    return false
  }
}
