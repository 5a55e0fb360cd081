import MarsBase
import MarsGraph

extension Plan {
  /// The plan as text: a line per stage, then totals.  Stable for a given graph and limit, so that tests compare it.
  package func explain() -> String {
    var tasksOfStage = [Int](repeating: 0, count: stages.count)
    for s in taskStage { tasksOfStage[Int(s)] += 1 }
    var lines: [String] = []
    for (i, s) in stages.enumerated() where tasksOfStage[i] > 0 {
      let kind: String
      switch s.kind {
      case .kernel(let spec): kind = spec.levels.count > 1 ? "kernel/reduce" : "kernel"
      case .native: kind = "native"
      case .gather: kind = "gather"
      }
      let outs = s.outputs.map { "t\($0.tensor)" }.joined(separator: ", ")
      let ins = s.inputs.map { "t\($0.tensor)" }.joined(separator: ", ")
      let grid = s.grid.counts.map(String.init).joined(separator: "x")
      lines.append(
        "stage \(i): \(outs) = \(kind)[\(s.labels.joined(separator: " "))](\(ins)) over \(Shape.text(s.grid.shape)) in \(grid.isEmpty ? "1" : grid) tasks: \(tasksOfStage[i])"
      )
    }
    for (i, t) in tensors.enumerated() {
      let storage: String
      switch t.storage {
      case .leaf: storage = "leaf"
      case .keptChunks: storage = "kept in \(t.grid.chunkCount) chunks"
      case .whole: storage = "one piece"
      case .chunks: storage = "\(t.grid.chunkCount) chunks"
      }
      let result = t.resultIndex.map { ", result \($0)" } ?? ""
      lines.append(
        "tensor t\(i): \(t.label) \(t.type.text) \(storage)\(t.hasUnknownExtents ? ", extents found when it runs" : "")\(result)")
    }
    lines += remarks + preferencesNotFollowed
    if !isComplete {
      lines.append("what follows is planned when extents or values of \(needs.map { "t\($0)" }.joined(separator: ", ")) are known")
    }
    let known = isComplete ? "" : " for the known part"
    if forecastPeak > memoryLimit {
      lines.append(
        "tasks: \(taskCount), peak: \(memoryLimit) bytes, the memory limit\(known); \(forecastPeak - memoryLimit) bytes more go to disk for a time"
      )
    } else {
      lines.append("tasks: \(taskCount), peak: \(forecastPeak) bytes\(known)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
