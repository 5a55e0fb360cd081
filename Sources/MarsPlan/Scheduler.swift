import MarsBase
import MarsGraph

/// Writes the tasks of a plan in depth-first order: a task follows directly on what it needs, so that chunks die young.
struct Scheduler {
  /// Per stage: number of the task of each chunk, -1 while it has none.
  private var taskOfChunk: [[Int32]] = []
  private var tables: [StageTable] = []
  /// Per tensor: the stage and output that write it, or (-1, 0).
  private var producer: [(stage: Int, output: Int)] = []
  /// What the task at hand reads; kept to avoid allocations.
  private var slots: [Int32] = []
  private var before: [(stage: Int, chunk: Int)] = []
  /// Per stage: scratch bytes in which its tasks put windows together.
  private var gathered: [Int] = []

  mutating func schedule(_ plan: inout Plan, _ patience: Patience) throws(MarsError) {
    while producer.count < plan.tensors.count { producer.append((-1, 0)) }
    for s in tables.count..<plan.stages.count {
      for (o, out) in plan.stages[s].outputs.enumerated() { producer[out.tensor] = (s, o) }
    }
    for s in tables.count..<plan.stages.count {
      try patience.check()
      taskOfChunk.append([Int32](repeating: -1, count: plan.stages[s].grid.chunkCount))
      tables.append(StageTable(plan.stages[s], plan) { producer[$0] })
      gathered.append(0)
    }
    for t in plan.needs { try visit(tensor: t, &plan, patience) }
    for t in plan.results where t >= 0 { try visit(tensor: t, &plan, patience) }
    for (s, bytes) in gathered.enumerated() where bytes > 0 { plan.stages[s].gatherBytes = bytes }
  }

  /// The tensors that tasks of tensor `t` read which have no number yet.
  func readByTasksLeft(ofTensor t: Int, _ plan: Plan) -> [Int] {
    let stage = producer[t].stage
    if stage < 0 || !taskOfChunk[stage].contains(-1) { return [] }
    return plan.stages[stage].inputs.map(\.tensor)
  }

  private mutating func visit(tensor t: Int, _ plan: inout Plan, _ patience: Patience) throws(MarsError) {
    let (stage, output) = producer[t]
    if stage < 0 { return }
    let writer = tables[stage].outputs[output]
    for c in 0..<plan.tensors[t].grid.chunkCount { try run(stage, writer.task(ofTensorChunk: c), &plan, patience) }
  }

  /// Numbers a task after everything that it waits for; without recursion.
  private mutating func run(_ stage: Int, _ chunk: Int, _ plan: inout Plan, _ patience: Patience) throws(MarsError) {
    if taskOfChunk[stage][chunk] >= 0 { return }
    var stack: [(stage: Int, chunk: Int)] = [(stage, chunk)]
    while let (s, c) = stack.last {
      if taskOfChunk[s][c] >= 0 {
        stack.removeLast()
        continue
      }
      collect(s, c, plan)
      let depth = stack.count
      for b in before.reversed() where taskOfChunk[b.stage][b.chunk] < 0 { stack.append(b) }
      if stack.count == depth {
        stack.removeLast()
        emit(s, c, &plan)
        if plan.stages[s].cutsChunks {
          for other in tables[s].besides(c) where taskOfChunk[s][other] < 0 {
            collect(s, other, plan)
            emit(s, other, &plan)
          }
        }
        let most = ChunkSizes.mostMentions(plan.memoryLimit)
        if max(plan.taskSlots.count, plan.dependencies.count) > most {
          let node = plan.stages[s].node
          throw ChunkSizes.tooMany(
            "the tasks of the plan read", max(plan.taskSlots.count, plan.dependencies.count), "chunks and more", most: most,
            plan.memoryLimit
          ).at(op: node.calledName, origin: node.origin)
        }
        if plan.taskCount % 1024 == 0 { try patience.check() }
      }
    }
  }

  /// Fills `slots` with the slots read and `before` with the tasks waited for.
  private mutating func collect(_ s: Int, _ c: Int, _ plan: Plan) {
    let table = tables[s]
    slots.removeAll(keepingCapacity: true)
    before.removeAll(keepingCapacity: true)
    if let p = table.predecessor(of: c) { before.append((s, p)) }
    var assembled = 0
    var boxes: [Box]? = nil
    for input in table.inputs {
      switch input.reads {
      case .nothing: continue
      case .ranges:
        if input.isSingle {
          var (tensorChunk, task) = (0, input.producerBase)
          for a in input.axes {
            let k = a.axis < 0 ? 0 : table.coordinate(c, a.axis)
            let first = Int(a.first[k])
            tensorChunk += first * a.tensorStride
            task += first * a.producerStride
          }
          if !input.isLeaf { slots.append(input.firstSlot + (input.isWhole ? 0 : Int32(tensorChunk))) }
          if input.producerStage >= 0 { before.append((input.producerStage, task)) }
        } else {
          let ranges = input.axes.map { a in
            let k = a.axis < 0 ? 0 : table.coordinate(c, a.axis)
            return (Int(a.first[k]), Int(a.last[k]))
          }
          addProduct(ranges, input)
        }
      case .rule(let number):
        let tensor = plan.tensors[input.tensor]
        let iteration = plan.stages[s].box(c)
        if boxes == nil { boxes = plan.stages[s].ruleBoxes(iteration) }
        let box = plan.stages[s].inputBox(number, iteration, shape: tensor.type.shape, boxes: boxes)
        // Of an input of which nothing is read no slot is named: nobody waits for it or keeps it.
        if box.extents.contains(0) { continue }
        let named = slots.count
        addProduct(
          box.lower.indices.map { k in
            (tensor.grid.axes[k].chunk(at: box.lower[k]), tensor.grid.axes[k].chunk(at: box.upper(k) - 1))
          }, input)
        if !input.isWhole && slots.count > named + 1 { assembled += Plan.scratchBytes(box.count * tensor.type.dtype.itemSize) }
      }
    }
    gathered[s] = max(gathered[s], assembled)
  }

  private mutating func addProduct(_ ranges: [(Int, Int)], _ input: StageTable.Input) {
    if input.isWhole && !input.isLeaf { slots.append(input.firstSlot) }
    var c = ranges.map(\.0)
    while true {
      var (tensorChunk, task) = (0, input.producerBase)
      for (k, x) in c.enumerated() {
        tensorChunk += x * input.axes[k].tensorStride
        task += x * input.axes[k].producerStride
      }
      if !input.isWhole { slots.append(input.firstSlot + Int32(tensorChunk)) }
      if input.producerStage >= 0 { before.append((input.producerStage, task)) }
      var k = c.count - 1
      while k >= 0 && c[k] == ranges[k].1 {
        c[k] = ranges[k].0
        k -= 1
      }
      if k < 0 { return }
      c[k] += 1
    }
  }

  private mutating func emit(_ s: Int, _ c: Int, _ plan: inout Plan) {
    taskOfChunk[s][c] = Int32(plan.taskCount)
    if plan.stages[s].leavesInput(c) { plan.unchangedTasks.insert(Int32(plan.taskCount)) }
    plan.taskStage.append(Int32(s))
    plan.taskChunk.append(Int32(c))
    for b in before { plan.dependencies.append(taskOfChunk[b.stage][b.chunk]) }
    plan.dependencyStart.append(Int32(plan.dependencies.count))
    let table = tables[s]
    for out in table.outputs where !out.isLeaf { slots.append(out.firstSlot + (out.isWhole ? 0 : Int32(out.tensorChunk(c, table)))) }
    for x in slots { plan.slotUses[Int(x)] += 1 }
    plan.taskSlots.append(contentsOf: slots)
    plan.taskSlotStart.append(Int32(plan.taskSlots.count))
  }
}

/// What the scheduler needs of a stage, as numbers.
final class StageTable: Sendable {
  let counts: [Int]
  let strides: [Int]
  let inputs: [Input]
  let outputs: [Output]
  private let accumulatedAxis: Int?

  /// The chunks of one tensor that tasks read.
  struct Input: Sendable {
    enum Reads: Sendable {
      /// Memory that is there: nothing to wait for.
      case nothing
      /// Per tensor axis a range of chunks for each task coordinate along one iteration axis.
      case ranges
      /// Boxes that the operator's rule gives.
      case rule(Int)
    }
    var reads: Reads
    var tensor: Int
    var firstSlot: Int32
    var isWhole: Bool
    /// Memory outside of the plan, which has no slots.
    var isLeaf: Bool
    /// Every task reads one chunk.
    var isSingle = true
    /// The task that completes tensor chunk (c0, c1, ...) is producerBase + sum of c_k * producerStride of axis k.
    var producerStage = -1
    var producerBase = 0
    var axes: [Axis] = []
  }
  struct Axis: Sendable {
    /// Iteration axis, or -1.
    var axis: Int
    var first: [Int32]
    var last: [Int32]
    var tensorStride: Int
    var producerStride: Int
  }
  struct Output: Sendable {
    var firstSlot: Int32
    var isWhole: Bool
    var isLeaf: Bool
    /// Per tensor axis: iteration axis (-1: fixed), chunks, stride among the tensor's chunks, stride among the stage's tasks.
    var axes: [(axis: Int, count: Int, tensorStride: Int, taskStride: Int)]
    /// Added for accumulating stages: their last task completes the chunk.
    var base: Int

    func tensorChunk(_ task: Int, _ table: StageTable) -> Int {
      var n = 0
      for a in axes where a.axis >= 0 { n += table.coordinate(task, a.axis) * a.tensorStride }
      return n
    }
    func task(ofTensorChunk c: Int) -> Int {
      var n = base
      for a in axes where a.axis >= 0 { n += c / a.tensorStride % a.count * a.taskStride }
      return n
    }
  }

  func coordinate(_ chunk: Int, _ axis: Int) -> Int { chunk / strides[axis] % counts[axis] }

  /// In an accumulating stage the task before this one on the same output.
  func predecessor(of chunk: Int) -> Int? {
    guard let a = accumulatedAxis, coordinate(chunk, a) > 0 else { return nil }
    return chunk - strides[a]
  }

  /// The tasks that read the same chunk of input 0 as this one, where each reads one.
  func besides(_ chunk: Int) -> [Int] {
    guard let input = inputs.first, input.isSingle, case .ranges = input.reads else { return [] }
    var out = [0]
    for a in input.axes where a.axis >= 0 {
      let held = a.first[coordinate(chunk, a.axis)]
      let beside = a.first.indices.filter { a.first[$0] == held }
      out = out.flatMap { base in beside.map { base + $0 * strides[a.axis] } }
    }
    return out
  }

  init(_ stage: Stage, _ plan: Plan, producer: (Int) -> (stage: Int, output: Int)) {
    counts = stage.grid.counts
    strides = StageTable.strides(counts)
    accumulatedAxis = stage.accumulatedAxis
    let mine = strides
    outputs = stage.outputs.map { out in
      let t = plan.tensors[out.tensor]
      let tensorStrides = StageTable.strides(t.grid.counts)
      return Output(
        firstSlot: t.firstSlot, isWhole: StageTable.isWhole(t), isLeaf: StageTable.isLeaf(t),
        axes: out.axes.enumerated().map { k, a in
          switch a {
          case .iteration(let x), .chunkNumber(let x): (x, t.grid.axes[k].count, tensorStrides[k], mine[x])
          case .fixed: (-1, 1, tensorStrides[k], 0)
          }
        }, base: StageTable.last(stage, out, mine))
    }
    inputs = stage.inputs.enumerated().map { number, input in
      let t = plan.tensors[input.tensor]
      var out = Input(
        reads: .ranges, tensor: input.tensor, firstSlot: t.firstSlot, isWhole: StageTable.isWhole(t), isLeaf: StageTable.isLeaf(t))
      if out.isLeaf && producer(input.tensor).stage < 0 {
        out.reads = .nothing
        return out
      }
      let tensorStrides = StageTable.strides(t.grid.counts)
      var producerStrides = [Int](repeating: 0, count: t.type.rank)
      let (p, o) = producer(input.tensor)
      if p >= 0 {
        let writer = plan.stages[p]
        let s = StageTable.strides(writer.grid.counts)
        out.producerStage = p
        for (k, a) in writer.outputs[o].axes.enumerated() {
          switch a {
          case .iteration(let x), .chunkNumber(let x): producerStrides[k] = s[x]
          case .fixed: break
          }
        }
        out.producerBase = StageTable.last(writer, writer.outputs[o], s)
      }
      let access: [AxisAccess]
      switch input.window {
      case .rule:
        out.reads = .rule(number)
        access = t.grid.axes.map { _ in .whole }
      case .map(let m): access = m.axes
      case .access(let a): access = a
      }
      for (k, a) in access.enumerated() {
        var axis = StageTable.ranges(a, t.grid.axes[k], stage.grid)
        axis.tensorStride = tensorStrides[k]
        axis.producerStride = producerStrides[k]
        if axis.first != axis.last { out.isSingle = false }
        out.axes.append(axis)
      }
      return out
    }
  }

  /// Of an output whose chunks several tasks write one after the other: from the first of them to the last.
  private static func last(_ stage: Stage, _ out: StageOutput, _ strides: [Int]) -> Int {
    guard let a = stage.accumulatedAxis, !out.axes.contains(.iteration(a)) else { return 0 }
    return (stage.grid.axes[a].count - 1) * strides[a]
  }

  /// Whether tasks write or read windows of one piece.
  private static func isWhole(_ t: PlanTensor) -> Bool {
    switch t.storage {
    case .whole, .leaf: true
    case .chunks, .keptChunks: false
    }
  }
  private static func isLeaf(_ t: PlanTensor) -> Bool { if case .leaf = t.storage { true } else { false } }

  private static func strides(_ counts: [Int]) -> [Int] {
    var st = [Int](repeating: 1, count: counts.count)
    for k in stride(from: st.count - 2, through: 0, by: -1) { st[k] = st[k + 1] * counts[k + 1] }
    return st
  }

  private static func ranges(_ access: AxisAccess, _ splits: AxisSplits, _ grid: Grid) -> Axis {
    func range(_ lower: Int, _ upper: Int) -> (Int32, Int32) {
      (Int32(splits.chunk(at: lower)), Int32(splits.chunk(at: max(lower, upper - 1))))
    }
    var (axis, start, step) = (0, 0, 1)
    switch access {
    case .fixed(let i):
      let r = range(i, i + 1)
      return Axis(axis: -1, first: [r.0], last: [r.1], tensorStride: 0, producerStride: 0)
    case .whole: return Axis(axis: -1, first: [0], last: [Int32(splits.count - 1)], tensorStride: 0, producerStride: 0)
    case .contracted(let x): axis = x
    case .aligned(let x, let s, let p): (axis, start, step) = (x, s, p)
    }
    let mine = grid.axes[axis]
    if start == 0 && step == 1 && mine == splits {
      let all = (0..<Int32(splits.count)).map { $0 }
      return Axis(axis: axis, first: all, last: all, tensorStride: 0, producerStride: 0)
    }
    var r = Axis(axis: axis, first: [], last: [], tensorStride: 0, producerStride: 0)
    for c in 0..<mine.count {
      let a = start + step * mine.offsets[c]
      let b = start + step * max(mine.offsets[c + 1] - 1, mine.offsets[c])
      let x = range(min(a, b), max(a, b) + 1)
      r.first.append(x.0)
      r.last.append(x.1)
    }
    return r
  }
}
