import MarsBase
import MarsGraph

/// Writes the tasks of a plan in depth-first order: a task follows directly on what it needs, so that chunks die young.
struct Scheduler {
  /// Per stage: number of the task of each chunk, -1 while it has none.
  private var taskOfChunk: [[Int32]] = []
  /// Per stage and input: which chunks a task reads.
  private var reads: [[Reads]] = []
  /// Per tensor: the stage and output that write it, or (-1, 0).
  private var producer: [(stage: Int, output: Int)] = []
  private var strides: [[Int]] = []

  /// Chunks of one input as a function of task coordinates.
  private enum Reads {
    /// Memory that is there: nothing to wait for.
    case nothing
    /// Per tensor axis the range of chunks for every coordinate along the iteration axis (or one entry if it has none).
    case ranges(tensor: Int, [AxisRanges])
    /// Boxes of a rule.
    case rule(tensor: Int)
  }
  private struct AxisRanges {
    var axis: Int
    var first: [Int32]
    var last: [Int32]
  }

  mutating func schedule(_ plan: inout Plan) {
    while producer.count < plan.tensors.count { producer.append((-1, 0)) }
    for s in taskOfChunk.count..<plan.stages.count {
      let stage = plan.stages[s]
      taskOfChunk.append([Int32](repeating: -1, count: stage.grid.chunkCount))
      var st = [Int](repeating: 1, count: stage.grid.axes.count)
      for k in stride(from: st.count - 2, through: 0, by: -1) { st[k] = st[k + 1] * stage.grid.axes[k + 1].count }
      strides.append(st)
      for (o, out) in stage.outputs.enumerated() { producer[out.tensor] = (s, o) }
      reads.append(stage.inputs.map { Scheduler.reads($0, stage.grid, plan) })
    }
    for t in plan.needs { visit(tensor: t, &plan) }
    for t in plan.results where t >= 0 { visit(tensor: t, &plan) }
  }

  private static func reads(_ input: StageInput, _ grid: Grid, _ plan: Plan) -> Reads {
    let t = plan.tensors[input.tensor]
    if case .leaf = t.storage { return .nothing }
    let access: [AxisAccess]
    switch input.window {
    case .rule: return .rule(tensor: input.tensor)
    case .map(let m): access = m.axes
    case .access(let a): access = a
    }
    return .ranges(
      tensor: input.tensor,
      access.enumerated().map { k, a in
        let splits = t.grid.axes[k]
        func range(_ lower: Int, _ upper: Int) -> (Int32, Int32) {
          (Int32(splits.chunk(at: lower)), Int32(splits.chunk(at: max(lower, upper - 1))))
        }
        var (axis, start, step) = (0, 0, 1)
        switch a {
        case .fixed(let i):
          let r = range(i, i + 1)
          return AxisRanges(axis: -1, first: [r.0], last: [r.1])
        case .whole: return AxisRanges(axis: -1, first: [0], last: [Int32(splits.count - 1)])
        case .contracted(let x): axis = x
        case .aligned(let x, let s, let p): (axis, start, step) = (x, s, p)
        }
        let mine = grid.axes[axis]
        if start == 0 && step == 1 && mine == splits {
          let all = (0..<Int32(splits.count)).map { $0 }
          return AxisRanges(axis: axis, first: all, last: all)
        }
        var r = AxisRanges(axis: axis, first: [], last: [])
        for c in 0..<mine.count {
          let a = start + step * mine.offsets[c]
          let b = start + step * max(mine.offsets[c + 1] - 1, mine.offsets[c])
          let x = range(min(a, b), max(a, b) + 1)
          r.first.append(x.0)
          r.last.append(x.1)
        }
        return r
      })
  }

  private mutating func visit(tensor t: Int, _ plan: inout Plan) {
    let (stage, output) = producer[t]
    if stage < 0 { return }
    for c in 0..<plan.tensors[t].grid.chunkCount { run(stage, task(stage, output, tensorChunk: c, plan), &plan) }
  }

  /// The task that completes a chunk of a tensor.
  private func task(_ stage: Int, _ output: Int, tensorChunk: Int, _ plan: Plan) -> Int {
    let s = plan.stages[stage]
    let out = s.outputs[output]
    var rest = tensorChunk
    var chunk = 0
    let axes = plan.tensors[out.tensor].grid.axes
    for k in stride(from: axes.count - 1, through: 0, by: -1) {
      let n = axes[k].count
      let c = rest % n
      rest /= n
      switch out.axes[k] {
      case .iteration(let a), .chunkNumber(let a): chunk += c * strides[stage][a]
      case .fixed: break
      }
    }
    if let a = s.accumulatedAxis { chunk += (s.grid.axes[a].count - 1) * strides[stage][a] }
    return chunk
  }

  /// Calls `body` with (tensor, chunk of the tensor) for everything that a task reads.
  private func forEachRead(_ stage: Int, _ chunk: Int, _ plan: Plan, _ body: (_ input: Int, _ tensor: Int, _ chunk: Int) -> Void) {
    let s = plan.stages[stage]
    for (i, r) in reads[stage].enumerated() {
      switch r {
      case .nothing: continue
      case .rule(let t):
        // The tensor is one piece; its writers are those whose chunks meet the box.
        let box = s.inputBox(i, s.box(chunk), shape: plan.tensors[t].type.shape)
        let grid = plan.tensors[t].grid
        if box.extents.contains(0) {
          body(i, t, -1)
          continue
        }
        let ranges = box.lower.indices.map { k in
          (Int32(grid.axes[k].chunk(at: box.lower[k])), Int32(grid.axes[k].chunk(at: box.upper(k) - 1)))
        }
        Scheduler.product(ranges, grid) { body(i, t, $0) }
      case .ranges(let t, let axes):
        let grid = plan.tensors[t].grid
        var isSingle = true
        var index = 0
        for (k, a) in axes.enumerated() {
          let c = a.axis < 0 ? 0 : chunk / strides[stage][a.axis] % s.grid.axes[a.axis].count
          if a.first[c] != a.last[c] { isSingle = false }
          index = index * grid.axes[k].count + Int(a.first[c])
        }
        if isSingle {
          body(i, t, index)
        } else {
          let ranges = axes.map { a in
            let c = a.axis < 0 ? 0 : chunk / strides[stage][a.axis] % s.grid.axes[a.axis].count
            return (a.first[c], a.last[c])
          }
          Scheduler.product(ranges, grid) { body(i, t, $0) }
        }
      }
    }
  }

  private static func product(_ ranges: [(Int32, Int32)], _ grid: Grid, _ body: (Int) -> Void) {
    var c = ranges.map(\.0)
    while true {
      var n = 0
      for (k, x) in c.enumerated() { n = n * grid.axes[k].count + Int(x) }
      body(n)
      var k = c.count - 1
      while k >= 0 && c[k] == ranges[k].1 {
        c[k] = ranges[k].0
        k -= 1
      }
      if k < 0 { return }
      c[k] += 1
    }
  }

  /// Numbers a task after everything that it waits for; without recursion.
  private mutating func run(_ stage: Int, _ chunk: Int, _ plan: inout Plan) {
    if taskOfChunk[stage][chunk] >= 0 { return }
    var stack: [(stage: Int, chunk: Int)] = [(stage, chunk)]
    var missing: [(stage: Int, chunk: Int)] = []
    while let (s, c) = stack.last {
      if taskOfChunk[s][c] >= 0 {
        stack.removeLast()
        continue
      }
      missing.removeAll(keepingCapacity: true)
      if let before = predecessor(s, c, plan), taskOfChunk[s][before] < 0 { missing.append((s, before)) }
      forEachRead(s, c, plan) { _, t, tc in
        let (p, o) = producer[t]
        guard p >= 0, tc >= 0 else { return }
        let k = task(p, o, tensorChunk: tc, plan)
        if taskOfChunk[p][k] < 0 { missing.append((p, k)) }
      }
      if missing.isEmpty {
        stack.removeLast()
        emit(s, c, &plan)
      } else {
        stack.append(contentsOf: missing.reversed())
      }
    }
  }

  /// In an accumulating stage the task before this one on the same output.
  private func predecessor(_ s: Int, _ c: Int, _ plan: Plan) -> Int? {
    guard let a = plan.stages[s].accumulatedAxis else { return nil }
    let i = c / strides[s][a] % plan.stages[s].grid.axes[a].count
    return i > 0 ? c - strides[s][a] : nil
  }

  private mutating func emit(_ s: Int, _ c: Int, _ plan: inout Plan) {
    let number = Int32(plan.taskCount)
    taskOfChunk[s][c] = number
    plan.taskStage.append(Int32(s))
    plan.taskChunk.append(Int32(c))
    if let before = predecessor(s, c, plan) { plan.dependencies.append(taskOfChunk[s][before]) }
    var dependencies: [Int32] = []
    var slots: [Int32] = []
    var lastWhole = (input: -1, slot: Int32(-1))
    forEachRead(s, c, plan) { i, t, tc in
      let tensor = plan.tensors[t]
      if case .whole = tensor.storage {
        if lastWhole != (i, tensor.firstSlot) { slots.append(tensor.firstSlot) }
        lastWhole = (i, tensor.firstSlot)
      } else {
        slots.append(tensor.firstSlot + Int32(max(tc, 0)))
      }
      let (p, o) = producer[t]
      if p >= 0 && tc >= 0 { dependencies.append(taskOfChunk[p][task(p, o, tensorChunk: tc, plan)]) }
    }
    plan.dependencies.append(contentsOf: dependencies)
    plan.dependencyStart.append(Int32(plan.dependencies.count))
    let stage = plan.stages[s]
    for out in stage.outputs {
      let tensor = plan.tensors[out.tensor]
      if case .whole = tensor.storage {
        slots.append(tensor.firstSlot)
        continue
      }
      var index = 0
      for (k, a) in out.axes.enumerated() {
        let n = tensor.grid.axes[k].count
        switch a {
        case .iteration(let x), .chunkNumber(let x):
          index = index * n + (c / strides[s][x] % stage.grid.axes[x].count)
        case .fixed: index *= n
        }
      }
      slots.append(tensor.firstSlot + Int32(index))
    }
    for x in slots { plan.slotUses[Int(x)] += 1 }
    plan.taskSlots.append(contentsOf: slots)
    plan.taskSlotStart.append(Int32(plan.taskSlots.count))
  }
}
