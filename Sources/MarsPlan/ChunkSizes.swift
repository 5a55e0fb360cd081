import MarsBase
import MarsGraph

/// Decides how regions are cut into tasks.
///
/// A pure function of the graph and the memory limit, never of the number of workers: so results keep their bits.
package struct ChunkSizes {
  let memoryLimit: Int
  /// Wanted bytes of the largest operand of a task, or nil for the automatic size.
  let chunkBytes: Int?
  /// How often tasks were found larger than the limit: each time they are to be a quarter of what they were, and chunks taken over from
  /// operands are cut where they are larger than wanted.
  let refinement: Int
  private var refines: Bool { refinement > 0 }

  /// Most tasks of a plan.  Each takes about 100 bytes of it, which the memory limit does not count.
  static func mostTasks(_ memoryLimit: Int) -> Int { min(max(1 << 20, memoryLimit / 512), 4 * Grid.mostChunks) }

  /// Wanted bytes of a task's largest operand, for operands of `total` bytes.
  ///
  /// - Parameter takesNone: whether the task holds none of these bytes, as where all that is computed is reduced at once.
  func target(_ total: Int, takesNone: Bool = false) -> Int {
    if let chunkBytes { return max(1, chunkBytes >> (2 * refinement)) }
    var size = max(1 << 16, min(max(total / 8, 1 << 20), 8 << 20, memoryLimit / 64))
    // Longer ones rather than very many, as long as a task does not take long.
    if takesNone { size = max(size, min(total / (ChunkSizes.mostTasks(memoryLimit) / 16), 64 << 20)) }
    return max(1 << 9, size >> (2 * refinement))
  }

  /// As many chunks as there are to be at least of what is large.
  private static let enough = 8

  /// Bytes that chunks may have which are there already, cut along some of the axes: if they were cut across, each would be kept until the
  /// last of its parts is done.
  private func tolerated(_ wanted: Int, _ axes: [AxisSplits?]) -> Int {
    let count = product(1, axes.map { $0?.count ?? 1 })
    return count < 2 ? wanted : count < ChunkSizes.enough ? 2 * ChunkSizes.roundedUp(wanted) : 8 * wanted
  }

  /// What chunks may have that were to have `wanted` bytes, where extents are rounded up: no reason to cut another axis too.
  static func roundedUp(_ wanted: Int) -> Int { wanted + wanted / 4 }

  /// A product of sizes; where it does not fit, the largest integer: too much for any purpose here.
  func product(_ first: Int, _ factors: [Int]) -> Int {
    var p = first
    for f in factors {
      let (next, overflow) = p.multipliedReportingOverflow(by: f)
      if overflow { return factors.contains(0) ? 0 : Int.max }
      p = next
    }
    return p
  }

  /// What a tensor that the region reads asks of one iteration axis.
  struct Suggestion {
    let axis: Int
    let splits: AxisSplits
    /// Bytes of the tensor: the largest one decides.
    let weight: Int
  }

  /// Fewest elements of a reduced axis in a part: partial results then take a small part of the memory that the operand does.
  static let shortestPart = 16

  /// Task grid of a kernel region.
  /// - Parameters:
  ///   - operands: what is read and written.
  ///   - reduced: axes that the region reduces; cutting one makes partial results, so parts of it are not made very short.
  ///   - lanes: axes that who reads the result reads whole: others are cut so far that its task holds few lanes.
  ///   - wished: what who reads the result asks for.
  ///   - prefersBlocks: whether who reads the result fetches it again and again, so that blocks of matrices are better than rows.
  func kernelGrid(
    _ region: Region, operands: [Operand], suggestions: [Suggestion], reduced: Set<Int>, lanes: Set<Int> = [],
    wished: [Int: AxisSplits] = [:], prefersBlocks: Bool = false
  ) throws(MarsError) -> Grid {
    let shape = region.shape
    var axes = [AxisSplits?](repeating: nil, count: shape.count)
    for k in region.wholeAxes { axes[k] = AxisSplits(offsets: [0, shape[k]]) }
    for (k, s) in region.pins where axes[k] == nil { axes[k] = s }
    let pinned = Set(region.pins.keys).union(region.wholeAxes)
    adopt(suggestions, &axes, pinned: pinned)
    let (wanted, bytes) = measure(shape, operands)
    var chunk = axes.enumerated().map { $1?.largest ?? shape[$0] }
    let item = operands.map(\.itemSize).max() ?? 8
    if reduced.isEmpty { follow(wished, &axes, &chunk, shape, item, wanted) }
    narrow(&chunk, shape, lanes, most: 2 * wanted, free: { axes[$0] == nil }, { bytes($0, true) })
    // Stacks are cut between their matrices, and blocks are not cut.
    let side = blockSide(item)
    let isBlock = prefersBlocks && reduced.isEmpty && isScarce(bytes(shape, true)) && ChunkSizes.isWide(shape, side)
    let matrix = isBlock ? shape.count - 2 : shape.count
    for k in shape.indices where k >= matrix && axes[k] == nil { chunk[k] = min(chunk[k], ChunkSizes.part(shape[k], most: side)) }
    if bytes(chunk, false) > tolerated(wanted, axes) {
      cutOutermost(&chunk, shape, reduced, wanted, free: { axes[$0] == nil && $0 < matrix }, { bytes($0, false) })
    }
    if !reduced.isEmpty && axes.allSatisfy({ $0 == nil }) {
      for (k, size) in stripes(shape, reduced, operands, instead: chunk) { chunk[k] = size }
    }
    if refines { cut(&axes, &chunk, { bytes($0, true) }, wanted, except: pinned) }
    return try grid(shape, axes, chunk)
  }

  /// Wanted bytes of the largest operand of a kernel's task, and the bytes that it has where a task is a chunk: of what is held, or as many as
  /// are computed where nothing is that varies along all axes.
  private func measure(_ shape: [Int], _ operands: [Operand]) -> (wanted: Int, bytes: (_ chunk: [Int], _ isHeld: Bool) -> Int) {
    // Without operands in memory (random numbers summed) elements count as doubles.
    let sized = operands.isEmpty ? [(axes: Set(0..<shape.count), itemSize: 8)] : operands
    let isComputed = operands.allSatisfy { $0.axes.count < shape.count }
    func bytes(_ chunk: [Int], _ isHeld: Bool) -> Int {
      let held = sized.map { o in product(o.itemSize, o.axes.map { max(chunk[$0], 1) }) }.max() ?? 0
      return isHeld || !isComputed || operands.isEmpty ? held : max(held, product(8, chunk))
    }
    return (target(max(bytes(shape, true), isComputed ? product(8, shape) : 0), takesNone: operands.allSatisfy(\.axes.isEmpty)), bytes)
  }

  /// Cuts the outermost free axes first: inner ones keep contiguous runs, and stay whole as soon as an outer one had enough elements for all
  /// parts, although rounding makes these a little larger than wanted.
  private func cutOutermost(
    _ chunk: inout [Int], _ shape: [Int], _ reduced: Set<Int>, _ wanted: Int, free: (Int) -> Bool, _ bytes: ([Int]) -> Int
  ) {
    for k in shape.indices where free(k) {
      let now = bytes(chunk)
      if now <= wanted || shape[k] <= 1 { continue }
      let parts = (now - 1) / wanted + 1
      var size = max(1, (shape[k] - 1) / parts + 1)
      // Even starts keep vector loops aligned, and blocks of transposed operands whole.
      let step = k == shape.count - 1 ? 64 : 16
      if size > 64 { size = (size + step - 1) / step * step }
      if reduced.contains(k) { size = max(size, ChunkSizes.shortestPart) }
      chunk[k] = min(shape[k], size)
      if parts <= shape[k] && bytes(chunk) < 2 * wanted { return }
    }
  }

  /// A tensor that a region reads or writes: the iteration axes along which it varies, and the bytes of an element.
  typealias Operand = (axes: Set<Int>, itemSize: Int)

  /// Whether so many bytes, beside what is made of them, leave memory for little else: then they pass through the disk.
  private func isScarce(_ bytes: Int) -> Bool { bytes > memoryLimit / 4 }

  /// Takes over splits that a reader asks for where chunks get no other: not much smaller than wanted, nor such that few of them fit.
  private func follow(
    _ wished: [Int: AxisSplits], _ axes: inout [AxisSplits?], _ chunk: inout [Int], _ shape: [Int], _ item: Int, _ wanted: Int
  ) {
    let free = wished.filter { axes[$0.key] == nil }
    guard free.count == wished.count, !free.isEmpty else { return }
    var (most, least) = (item, item)
    // Bytes that lie one after the other in a chunk.
    var run = item
    for k in shape.indices.reversed() {
      let extent = free[k]?.largest ?? chunk[k]
      most = product(most, [max(1, free[k]?.largest ?? 1)])
      least = product(least, [max(1, extent)])
      if run == product(item, shape[(k + 1)...].map { max(1, $0) }) { run = product(run, [max(1, extent)]) }
    }
    guard least >= wanted / 8, most <= max(wanted, memoryLimit / 8), run >= min(ChunkSizes.shortestRun, product(item, shape)) else {
      return
    }
    for (k, s) in free {
      axes[k] = s
      chunk[k] = s.largest
    }
  }

  /// Fewest bytes that are worth to be fetched from a file at once.
  private static let shortestRun = 4096

  /// Cuts free axes beside `lanes` until lanes of the whole extent have at most `most` bytes together, or there is one.
  private func narrow(
    _ chunk: inout [Int], _ shape: [Int], _ lanes: Set<Int>, most: Int, free: (Int) -> Bool, _ bytes: ([Int]) -> Int
  ) {
    if lanes.isEmpty { return }
    for k in shape.indices where free(k) && !lanes.contains(k) && chunk[k] > 1 {
      let now = bytes(shape.indices.map { lanes.contains($0) ? shape[$0] : chunk[$0] })
      if now <= most { return }
      let parts = (now - 1) / max(most, 1) + 1
      chunk[k] = max(1, (chunk[k] - 1) / parts + 1)
    }
  }

  /// The grid of given splits and of chunk extents elsewhere; an error where there would be more chunks than can be planned.
  private func grid(_ shape: [Int], _ axes: [AxisSplits?], _ chunk: [Int]) throws(MarsError) -> Grid {
    // Nothing to cut.
    if shape.contains(0) { return Grid(shape.indices.map { axes[$0] ?? AxisSplits(offsets: [0, shape[$0]]) }) }
    var total = 1
    for (k, n) in shape.enumerated() {
      let count = axes[k]?.count ?? max(1, (n - 1) / max(1, chunk[k]) + 1)
      let (product, overflow) = total.multipliedReportingOverflow(by: count)
      total = overflow ? Int.max : product
    }
    guard total <= ChunkSizes.mostTasks(memoryLimit) else {
      throw ChunkSizes.tooMany(
        "shape \(Shape.text(shape)) needs", total, "chunks", most: ChunkSizes.mostTasks(memoryLimit), memoryLimit)
    }
    return Grid(shape.indices.map { axes[$0] ?? AxisSplits(extent: shape[$0], chunk: chunk[$0]) })
  }

  /// Most times that the tasks of a plan name a chunk; each takes 8 bytes.
  static func mostMentions(_ memoryLimit: Int) -> Int { min(32 * mostTasks(memoryLimit), Int(Int32.max)) }

  /// That a plan would be larger than the process can hold.
  static func tooMany(_ what: String, _ count: Int, _ of: String, most: Int, _ memoryLimit: Int) -> MarsError {
    let said = count == Int.max ? "more \(of) than can be counted" : "\(count) \(of)"
    return MarsError(
      .memory,
      "\(what) \(said), more than the \(most) that a plan may have under a memory limit of \(memoryLimit) bytes: choose larger chunks, or raise memory_limit"
    )
  }

  /// Task grid of a native region over output axes and then contracted axes.
  /// - Parameters:
  ///   - splits: of axes that are cut as the operator says.
  ///   - operands: what is read whole along some of its axes: bytes that these make, and the axes that are walked.
  ///   - lanes: axes that who reads the result reads whole.
  ///   - wished: what who reads the result asks for.
  ///   - carried: the axis along which tasks go one after the other: the others are cut first, as long as their parts are not short.
  func nativeGrid(
    shape: [Int], itemSize: Int, whole: Set<Int>, splits: [Int: AxisSplits] = [:],
    operands: [(axes: Set<Int>, bytes: Int)] = [], lanes: Set<Int> = [], wished: [Int: AxisSplits] = [:], prefersBlocks: Bool,
    suggestions: [Suggestion],
    contracted: Set<Int>, carried: Int? = nil, periods: (Int) -> [Int] = { _ in [] }
  ) throws(MarsError) -> Grid {
    var axes = [AxisSplits?](repeating: nil, count: shape.count)
    for k in whole { axes[k] = AxisSplits(offsets: [0, shape[k]]) }
    for (k, s) in splits { axes[k] = s }
    let whole = whole.union(splits.keys)
    var side = blockSide(itemSize)
    if contracted.isEmpty && !(prefersBlocks && ChunkSizes.isWide(shape, side)) {
      adopt(suggestions, &axes, pinned: whole)
      var chunk = axes.enumerated().map { $1?.largest ?? shape[$0] }
      var periodic = [Int](repeating: 0, count: shape.count)
      func bytes(_ chunk: [Int], along k: Int) -> Int {
        let read = operands.filter { $0.axes.contains(k) }.map { o in product(o.bytes, o.axes.map { max(chunk[$0], 1) }) }
        return max(product(itemSize, chunk.map { max($0, 1) }), read.max() ?? 0)
      }
      let wanted = target(shape.indices.map { bytes(chunk, along: $0) }.max() ?? itemSize) * 2
      follow(wished, &axes, &chunk, shape, itemSize, wanted)
      narrow(&chunk, shape, lanes, most: wanted, free: { axes[$0] == nil }, { product(itemSize, $0.map { max($0, 1) }) })
      var order = shape.indices.map { (axis: $0, least: 1) }
      if let carried {
        let others = shape.indices.filter { $0 != carried }
        order = others.map { ($0, ChunkSizes.shortestPart) } + [(carried, 1)] + others.map { ($0, 1) }
      }
      let most = max(wanted, tolerated(wanted / 2, axes))
      for (k, least) in order where axes[k] == nil {
        let now = bytes(chunk, along: k)
        if now <= most || chunk[k] <= least { continue }
        let parts = (now - 1) / wanted + 1
        let isEnough = parts <= chunk[k]
        chunk[k] = max(least, (chunk[k] - 1) / parts + 1)
        // Chunks of whole periods, and of parts of the next longer one.
        let all = periods(k)
        if let p = all.filter({ $0 <= chunk[k] }).max() { chunk[k] -= chunk[k] % p }
        periodic[k] = all.filter { $0 > chunk[k] }.min() ?? 0
        if isEnough && order.allSatisfy({ axes[$0.axis] != nil || bytes(chunk, along: $0.axis) <= ChunkSizes.roundedUp(wanted) }) { break }
      }
      // Of axes with splits of their own only: those with periods are left as they are.
      if refines { cut(&axes, &chunk, { product(itemSize, $0.map { max($0, 1) }) }, wanted, except: whole) }
      let plain = try grid(shape, axes, chunk)
      return Grid(
        shape.indices.map { k in
          let p = periodic[k]
          guard axes[k] == nil, p > 0, p < shape[k], p % chunk[k] != 0 else { return plain.axes[k] }
          let offsets = stride(from: 0, to: shape[k], by: p).flatMap { stride(from: $0, to: min($0 + p, shape[k]), by: chunk[k]) }
          return AxisSplits(offsets: offsets + [shape[k]])
        })
    }
    adopt(suggestions, &axes, pinned: whole)
    let free = shape.indices.filter { !whole.contains($0) }
    let rank = shape.count - contracted.count
    if let most = suggestions.map(\.weight).max(), isScarce(most), ChunkSizes.isWide(Array(shape[..<rank]), side) {
      // Every block is fetched for each block of the other operand: what is cut into rows is cut anew, which moves it once.
      for k in (rank - 2)..<shape.count where !whole.contains(k) { axes[k] = axes[k].map { ChunkSizes.blocks($0, side: side) } }
    }
    // Blocks with one side: a vector read beside operands that are whole.
    if free.count == 1 { side = max(1, target(product(itemSize, [shape[free[0]]])) / itemSize) }
    if refines { for k in shape.indices where !whole.contains(k) { axes[k] = axes[k].map { ChunkSizes.cut($0, most: side) } } }
    return try grid(shape, axes, shape.map { ChunkSizes.part($0, most: side) })
  }

  /// Chunks for data that come from outside.
  ///
  /// One piece, of which any window can be read in place, unless too little memory would be left beside it.
  package static func grid(ofSource type: TensorType, memoryLimit: Int) -> Grid {
    if type.byteCount <= memoryLimit / 8 { return Grid(whole: type.shape) }
    let wanted = ChunkSizes(memoryLimit: memoryLimit, chunkBytes: nil, refinement: 0).target(type.byteCount)
    var chunk = type.shape
    for k in type.shape.indices {
      let now = chunk.reduce(type.dtype.itemSize, *)
      if now <= wanted { break }
      let parts = (now - 1) / wanted + 1
      chunk[k] = max(1, (type.shape[k] - 1) / parts + 1)
      if parts <= type.shape[k] && chunk.reduce(type.dtype.itemSize, *) <= ChunkSizes.roundedUp(wanted) { break }
    }
    return Grid(type.shape.indices.map { AxisSplits(extent: type.shape[$0], chunk: chunk[$0]) })
  }

  /// Takes over the splits of the operands, largest first; joins differing ones where that makes few chunks more.
  private func adopt(_ suggestions: [Suggestion], _ axes: inout [AxisSplits?], pinned: Set<Int>) {
    for s in suggestions.sorted(by: { $0.weight > $1.weight }) where !pinned.contains(s.axis) && s.splits.count > 1 {
      guard let have = axes[s.axis] else {
        axes[s.axis] = s.splits
        continue
      }
      if have == s.splits { continue }
      let joined = Set(have.offsets).union(s.splits.offsets).sorted()
      if joined.count - 1 <= max(have.count, s.splits.count) * 3 / 2 { axes[s.axis] = AxisSplits(offsets: joined) }
    }
  }

  /// Cuts axes that were taken over from operands until a chunk has the wanted bytes.
  private func cut(
    _ axes: inout [AxisSplits?], _ chunk: inout [Int], _ bytes: ([Int]) -> Int, _ wanted: Int, except pinned: Set<Int>
  ) {
    for k in axes.indices where !pinned.contains(k) {
      guard let a = axes[k], chunk[k] > 1 else { continue }
      let now = bytes(chunk)
      if now <= wanted { return }
      let parts = (now + wanted - 1) / wanted
      let size = max(1, (chunk[k] + parts - 1) / parts)
      axes[k] = ChunkSizes.cut(a, most: size)
      chunk[k] = size
    }
  }

  /// Splits with parts of at most `most` elements, at the old boundaries too.
  static func cut(_ s: AxisSplits, most: Int) -> AxisSplits {
    if s.largest <= most { return s }
    var offsets = [0]
    for c in 0..<s.count {
      let (lower, upper) = (s.offsets[c], s.offsets[c + 1])
      var at = lower + most
      while at < upper {
        offsets.append(at)
        at += most
      }
      if upper > lower || upper == 0 { offsets.append(upper) }
    }
    return AxisSplits(offsets: offsets)
  }

  /// Splits of a tensor axis seen along the iteration axis that walks it; nil where they do not carry over.
  static func carry(_ splits: AxisSplits, through access: AxisAccess, extent: Int) -> (axis: Int, splits: AxisSplits)? {
    guard case .aligned(let axis, let start, let step) = access, splits.count > 1 else { return nil }
    var offsets: Set<Int> = [0, extent]
    for o in splits.offsets {
      // First iteration index at or beyond the boundary.
      let i = step > 0 ? (o - start + step - 1) / step : (start - o) / -step + 1
      if step > 0 && o <= start { continue }
      if i > 0 && i < extent { offsets.insert(i) }
    }
    return (axis, AxisSplits(offsets: offsets.sorted()))
  }
}
