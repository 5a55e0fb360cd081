import CVectorSort
import Glibc
import MarsBase

/// Merging sorted runs: elements in order, equal ones in the order of the runs, as a stable sort of the runs one after the other gives them.
package enum RunMerge {
  /// Writes the elements from rank `first` on, of all elements of the sorted `runs` together, to the vector `target`.
  ///
  /// - Parameters:
  ///   - labels: int64, beside every run: what is written in place of the elements; empty: the elements themselves.
  ///   - byVectors: whether vectors are used where there are any; the result is the same.
  package static func merge(
    _ runs: [ArrayView], labels: [ArrayView], first: Int, into target: ArrayView, workspace: Workspace?,
    byVectors: Bool = Ordering.hasVectors
  ) throws(MarsError) {
    guard let dtype = runs.first?.dtype, target.count > 0 else { return }
    // Where equal elements stand tells only labels apart.
    let vectors = byVectors && Ordering.hasVectors && labels.isEmpty ? dtype.vectorNumbers : nil
    try dtype.dispatch(
      Merging(runs: runs, labels: labels, first: first, target: target, workspace: workspace, vectors: vectors))
  }

  /// Bytes of scratch for `n` merged elements.
  package static func workspace(_ n: Int, _ d: DType, labelled: Bool) -> Int {
    labelled ? 2 * LaneBlocks.aligned(n * d.itemSize) + LaneBlocks.aligned(n * 8) : LaneBlocks.aligned(n * d.itemSize)
  }
}

private struct Merging: ElementRoutine {
  let runs, labels: [ArrayView]
  let first: Int
  let target: ArrayView
  let workspace: Workspace?
  let vectors: vector_sort_numbers?

  func run<T: Element>(_: T.Type) throws(MarsError) {
    let count = target.shape[0]
    let sources = try runs.indices.map { i throws(MarsError) -> RunPart<T> in
      let (v, l) = (runs[i], labels.isEmpty ? nil : labels[i])
      guard v.isContiguous && l?.isContiguous ?? true && target.isContiguous else {
        throw MarsError(.internal, "runs must be contiguous to be merged")
      }
      return RunPart(
        base: UnsafePointer(v.base.assumingMemoryBound(to: T.self)),
        labels: UnsafePointer((l ?? v).base.assumingMemoryBound(to: Int64.self)),
        count: v.shape[0])
    }
    let lower = RankSplit(sources).positions(first)
    let upper = RankSplit(sources).positions(first + count)
    let parts = sources.indices.map { i in
      RunPart(base: sources[i].base + lower[i], labels: sources[i].labels + lower[i], count: upper[i] - lower[i])
    }.filter { $0.count > 0 }
    guard parts.reduce(0, { $0 + $1.count }) == count else {
      throw MarsError(.value, "the windows of runs do not hold what is to be merged")
    }
    let bytes = LaneBlocks.aligned(count * MemoryLayout<T>.stride)
    let isLabelled = !labels.isEmpty
    // NaNs come last; without them a comparison is one instruction.
    let numbers = parts.map { p in
      RunPart(base: p.base, labels: p.labels, count: Search.first(from: 0, to: p.count) { p.base[$0].isNotANumber })
    }
    let rest = zip(parts, numbers).map { p, q in
      RunPart(base: p.base + q.count, labels: p.labels + q.count, count: p.count - q.count)
    }.filter { $0.count > 0 }
    let m = numbers.reduce(0) { $0 + $1.count }
    try Scratch.with(workspace, byteCount: RunMerge.workspace(count, runs[0].dtype, labelled: isLabelled)) { memory throws(MarsError) in
      let b = memory.assumingMemoryBound(to: T.self)
      if isLabelled {
        let a = (memory + bytes).assumingMemoryBound(to: T.self)
        let la = target.base.assumingMemoryBound(to: Int64.self)
        let lb = (memory + 2 * bytes).assumingMemoryBound(to: Int64.self)
        MergeTree<NumberOrder<T>>(isLabelled: true).merge(numbers.filter { $0.count > 0 }, a, b, la, lb)
        MergeTree<FullOrder<T>>(isLabelled: true).merge(rest, a + m, b + m, la + m, lb + m)
      } else {
        let a = target.base.assumingMemoryBound(to: T.self)
        // Labels are neither read nor written.
        let none = memory.assumingMemoryBound(to: Int64.self)
        let vectors = vectors.flatMap { kind in numbers.contains { VectorSort.hasNegativeZero($0, kind) } ? nil : kind }
        MergeTree<NumberOrder<T>>(isLabelled: false, vectors: vectors).merge(numbers.filter { $0.count > 0 }, a, b, none, none)
        MergeTree<FullOrder<T>>(isLabelled: false).merge(rest, a + m, b + m, none, none)
      }
    }
  }
}

/// Where runs are to be cut so that a given number of elements lies before the cuts, none of them after an element behind.
private struct RankSplit<T: Element> {
  let runs: [RunPart<T>]
  init(_ runs: [RunPart<T>]) { self.runs = runs }

  /// Positions in the runs with `rank` elements before them.
  func positions(_ rank: Int) -> [Int] {
    var lower = [Int](repeating: 0, count: runs.count)
    var upper = runs.map(\.count)
    var before = 0
    while before < rank {
      // The middle of what is widest: it becomes half as wide, the others mostly too.
      var widest = 0
      for r in runs.indices where upper[r] - lower[r] > upper[widest] - lower[widest] { widest = r }
      if upper[widest] == lower[widest] { break }
      let middle = (lower[widest] + upper[widest]) / 2
      let pivot = runs[widest].base[middle]
      var cuts = lower
      var total = 0
      for r in runs.indices {
        let base = runs[r].base
        // Equal elements of earlier runs come before the pivot, those of later ones behind.
        cuts[r] =
          r == widest
          ? middle
          : Search.first(from: lower[r], to: upper[r]) { r < widest ? T.precedes(pivot, base[$0]) : !T.precedes(base[$0], pivot) }
        total += cuts[r]
      }
      if total < rank {
        cuts[widest] = middle + 1
        lower = cuts
        before = total + 1
      } else {
        upper = cuts
        if total == rank { return upper }
      }
    }
    return lower
  }
}

/// Runs merged two by two, in halves, so that what is merged lies in the caches as long as it fits them.
private struct MergeTree<Order: MergeOrder> {
  typealias T = Order.T
  typealias Part = RunPart<T>
  typealias Elements = UnsafeMutablePointer<T>
  typealias Labels = UnsafeMutablePointer<Int64>
  let isLabelled: Bool
  /// What the elements are to merging by vectors; nil: they are merged one by one.
  var vectors: vector_sort_numbers?

  /// Merges all parts into `a` and `la`; `b` and `lb` are scratch of the same size.
  func merge(_ parts: [Part], _ a: Elements, _ b: Elements, _ la: Labels, _ lb: Labels) {
    if parts.isEmpty { return }
    let whole = merged(parts[...], a, b, la, lb)
    if parts.count > 1 { return }
    if isLabelled {
      memcpy(la, whole.labels, whole.count * 8)
    } else {
      memcpy(a, whole.base, whole.count * MemoryLayout<T>.stride)
    }
  }

  /// The merged parts: in `a`, a single one where it is.
  private func merged(_ parts: ArraySlice<Part>, _ a: Elements, _ b: Elements, _ la: Labels, _ lb: Labels) -> Part {
    if parts.count == 1 { return parts[parts.startIndex] }
    let middle = parts.startIndex + parts.count / 2
    let n = parts[..<middle].reduce(0) { $0 + $1.count }
    let p = merged(parts[..<middle], b, a, lb, la)
    let q = merged(parts[middle...], b + n, a + n, isLabelled ? lb + n : lb, isLabelled ? la + n : la)
    if let vectors { VectorSort.merge(p, q, vectors, a) } else { Order.merge(p, q, a, isLabelled ? la : nil) }
    return Part(base: UnsafePointer(a), labels: UnsafePointer(la), count: p.count + q.count)
  }
}
