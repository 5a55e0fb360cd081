import MarsBase
import MarsGraph

/// Chunks that a client would like data to have, beside those in which the plan reads them.
///
/// Found when somebody asks: plans that run do not pay for it.
extension Plan {
  /// A line for each preference that a stage does not follow.
  var preferencesNotFollowed: [String] {
    if preferredChunks.isEmpty { return [] }
    var areRead: Set<Int> = []
    // The first stage that reads a tensor in other parts, and these.
    var others: [Int: (stage: Int, parts: [Int])] = [:]
    for (number, s) in stages.enumerated() {
      for input in s.inputs {
        guard let preferred = preferredChunks[input.tensor] else { continue }
        areRead.insert(input.tensor)
        if others[input.tensor] == nil && !follows(s, input, preferred) {
          others[input.tensor] = (number, Plan.parts(s, input, of: tensors[input.tensor].grid.shape))
        }
      }
    }
    var lines: [String] = []
    for (t, preferred) in preferredChunks.sorted(by: { $0.key < $1.key }) {
      let grid = tensors[t].grid
      // What nobody reads is a result as it lies.
      let isFollowed = areRead.contains(t) ? others[t] == nil : zip(grid.axes, preferred).allSatisfy { Plan.isCut($0, every: $1) }
      if isFollowed { continue }
      let parts = others[t]?.parts ?? grid.axes.map(\.largest)
      let reader = others[t].map { " by stage \($0.stage)" } ?? ""
      let wanted = zip(grid.shape, preferred).map { min($0, $1) }
      let how = zip(parts, wanted).allSatisfy { $0 >= $1 } ? "merged" : zip(parts, wanted).allSatisfy { $0 <= $1 } ? "split" : "cut anew"
      let reason =
        grid.chunkCount == 1
        ? "data in one piece is read in whatever parts suit the graph" : "data of this size lies in chunks that the memory limit decides"
      lines.append(
        "chunk_size \(Shape.text(preferred)) of t\(t) is not followed: \(how) into \(Shape.text(parts))\(reader), as \(reason); rechunk keeps chunks"
      )
    }
    return lines
  }

  /// Whether each task of a stage reads one of the chunks, cut every so many elements.
  private func follows(_ s: Stage, _ input: StageInput, _ preferred: [Int]) -> Bool {
    let shape = tensors[input.tensor].grid.shape
    let accesses = StageBuilder.accesses(input.window)
    // What boxes an operator reads only it can tell.
    if accesses.isEmpty { return zip(shape, preferred).allSatisfy { $0 <= $1 } }
    return accesses.enumerated().allSatisfy { k, a in
      switch a {
      case .fixed: return true
      case .whole: return shape[k] <= preferred[k]
      case .contracted(let axis): return Plan.isCut(s.grid.axes[axis], every: preferred[k])
      case .aligned(let axis, let start, let step):
        if shape[k] <= preferred[k] { return s.grid.axes[axis].count <= 1 }
        return start == 0 && step == 1 && s.grid.shape[axis] == shape[k] && Plan.isCut(s.grid.axes[axis], every: preferred[k])
      }
    }
  }

  /// Extents of the largest part of a tensor that a task of a stage reads.
  private static func parts(_ s: Stage, _ input: StageInput, of shape: [Int]) -> [Int] {
    let accesses = StageBuilder.accesses(input.window)
    if accesses.isEmpty { return shape }
    return accesses.enumerated().map { k, a in
      switch a {
      case .fixed: return 1
      case .whole: return shape[k]
      case .contracted(let axis): return s.grid.axes[axis].largest
      case .aligned(let axis, _, let step):
        let count = s.grid.axes[axis].largest
        return count == 0 ? 0 : (count - 1) * abs(step) + 1
      }
    }
  }

  /// Whether all parts but the last have so many elements.  The splits that were asked for are not made: they may be very many.
  private static func isCut(_ s: AxisSplits, every extent: Int) -> Bool {
    let wanted = s.extent == 0 ? 1 : (s.extent - 1) / extent + 1
    return s.count == wanted && (0..<s.count).allSatisfy { s.offsets[$0] == $0 * extent }
  }
}
