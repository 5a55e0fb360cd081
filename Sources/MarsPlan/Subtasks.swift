import MarsBase
import MarsGraph

/// A part of a plan that runs by itself once the chunks that it needs are there.
package struct Subtask: Sendable {
  /// A chunk of a tensor of the plan.
  package struct Chunk: Hashable, Sendable {
    package let tensor: Int
    package let number: Int
    package init(tensor: Int, number: Int) {
      self.tensor = tensor
      self.number = number
    }
  }
  /// Tasks of the plan, ascending.
  package var tasks: Range<Int>
  /// Chunks that other subtasks make and this one reads.
  package var inputs: [Chunk]
  /// Chunks that this one makes and others read, or that are results.
  package var outputs: [Chunk]
  /// Subtasks that must have run.
  package var after: [Int]
}

extension Plan {
  /// The chunks that a task writes, one per output of its stage.
  package func written(byTask t: Int) -> [Subtask.Chunk] {
    let stage = stages[Int(taskStage[t])]
    let c = stage.grid.coordinates(Int(taskChunk[t]))
    return stage.outputs.map { out in
      let grid = tensors[out.tensor].grid
      let at = out.axes.enumerated().map { k, a -> Int in
        switch a {
        case .iteration(let x), .chunkNumber(let x): c[x]
        case .fixed: 0
        }
      }
      return Subtask.Chunk(tensor: out.tensor, number: grid.index(at))
    }
  }

  /// The box of input `i` that a task reads and the chunks that it meets; no chunks of data that are there before the plan runs.
  package func read(byTask t: Int, input i: Int) -> (box: Box, chunks: [Subtask.Chunk]) {
    let stage = stages[Int(taskStage[t])]
    let tensor = tensors[stage.inputs[i].tensor]
    let box = stage.inputBox(i, stage.box(Int(taskChunk[t])), shape: tensor.type.shape)
    switch tensor.storage {
    case .leaf, .keptChunks: return (box, [])
    case .whole, .chunks: break
    }
    if box.extents.contains(0) { return (box, []) }
    let first = box.lower.indices.map { tensor.grid.axes[$0].chunk(at: box.lower[$0]) }
    let last = box.lower.indices.map { tensor.grid.axes[$0].chunk(at: box.upper($0) - 1) }
    var chunks: [Subtask.Chunk] = []
    var at = first
    while true {
      chunks.append(Subtask.Chunk(tensor: stage.inputs[i].tensor, number: tensor.grid.index(at)))
      var k = at.count - 1
      while k >= 0 && at[k] == last[k] {
        at[k] = first[k]
        k -= 1
      }
      if k < 0 { return (box, chunks) }
      at[k] += 1
    }
  }

  /// Cuts the plan into about `pieces` runs of tasks in plan order, of about equal work.
  ///
  /// Depth-first order keeps what depends on each other together; a task only depends on earlier ones, so that pieces do not wait in circles.
  package func cut(pieces: Int) -> [Subtask] {
    let count = max(1, min(pieces, taskCount))
    var weights: [Double] = []
    for s in stages { weights.append(max(s.work / Double(max(s.grid.chunkCount, 1)), 1)) }
    let total = taskStage.reduce(0.0) { $0 + weights[Int($1)] }
    // Tasks that add up one chunk stay in one piece, also where tasks that feed them lie in between.
    var lastWriter: [Subtask.Chunk: Int] = [:]
    for t in 0..<taskCount where stages[Int(taskStage[t])].accumulatedAxis != nil { for c in written(byTask: t) { lastWriter[c] = t } }
    var openUntil = 0
    var ranges: [Range<Int>] = []
    var start = 0
    var sum = 0.0
    for t in 0..<taskCount {
      sum += weights[Int(taskStage[t])]
      if stages[Int(taskStage[t])].accumulatedAxis != nil { for c in written(byTask: t) { openUntil = max(openUntil, lastWriter[c] ?? t) } }
      if t < openUntil { continue }
      if sum >= total * Double(ranges.count + 1) / Double(count) || t == taskCount - 1 {
        ranges.append(start..<(t + 1))
        start = t + 1
      }
    }
    var owner: [Subtask.Chunk: Int] = [:]
    for (p, r) in ranges.enumerated() { for t in r { for c in written(byTask: t) { owner[c] = p } } }
    var subtasks = ranges.map { Subtask(tasks: $0, inputs: [], outputs: [], after: []) }
    var wanted: Set<Subtask.Chunk> = []
    for (p, r) in ranges.enumerated() {
      var seen: Set<Subtask.Chunk> = []
      for t in r {
        for i in stages[Int(taskStage[t])].inputs.indices {
          for c in read(byTask: t, input: i).chunks where owner[c] != p && seen.insert(c).inserted {
            subtasks[p].inputs.append(c)
            wanted.insert(c)
            if let o = owner[c], !subtasks[p].after.contains(o) { subtasks[p].after.append(o) }
          }
        }
      }
    }
    for r in results where r >= 0 {
      for n in 0..<tensors[r].grid.chunkCount { wanted.insert(Subtask.Chunk(tensor: r, number: n)) }
    }
    for (p, r) in ranges.enumerated() {
      var seen: Set<Subtask.Chunk> = []
      for t in r {
        for c in written(byTask: t) where wanted.contains(c) && owner[c] == p && seen.insert(c).inserted { subtasks[p].outputs.append(c) }
      }
    }
    return subtasks
  }
}
