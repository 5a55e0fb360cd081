import MarsBase

/// How one axis is cut into chunks.
package struct AxisSplits: Hashable, Sendable {
  /// count + 1 ascending offsets, from 0 to the extent.
  package let offsets: [Int]
  /// A lone 0, as sorted sets of boundaries have it, is an empty axis.
  package init(offsets: [Int]) { self.offsets = offsets.count == 1 ? [0, 0] : offsets }
  /// Equal chunks, the last one smaller.  An empty axis has one empty chunk.
  package init(extent: Int, chunk: Int) {
    var o = [0]
    if extent == 0 { o.append(0) }
    let step = max(1, chunk)
    o.reserveCapacity(extent / step + 2)
    while let last = o.last, last < extent { o.append(min(extent, last + step)) }
    offsets = o
  }
  package init(sizes: [Int]) {
    var o = [0]
    for s in sizes { o.append((o.last ?? 0) + s) }
    if o.count == 1 { o.append(0) }
    offsets = o
  }
  package var count: Int { offsets.count - 1 }
  package var extent: Int { offsets.last ?? 0 }
  package var sizes: [Int] { (0..<count).map { offsets[$0 + 1] - offsets[$0] } }
  package var largest: Int {
    var most = 0
    for c in 0..<count { most = max(most, offsets[c + 1] - offsets[c]) }
    return most
  }

  /// Index of the chunk that holds `position`; the last chunk for position == extent.
  package func chunk(at position: Int) -> Int {
    var lo = 0
    var hi = count - 1
    while lo < hi {
      let mid = (lo + hi + 1) / 2
      if offsets[mid] <= position { lo = mid } else { hi = mid - 1 }
    }
    return lo
  }
}

/// A chunk grid: the product of its axes' splits; chunks are numbered in C order.
package struct Grid: Hashable, Sendable {
  /// Most chunks of a grid: descriptions of more would fill the memory, and lists of where an axis is cut are made before it is known how many
  /// the process can hold.
  package static let mostChunks = 1 << 24

  package var axes: [AxisSplits]
  package init(_ axes: [AxisSplits]) { self.axes = axes }
  /// One chunk.
  package init(whole shape: [Int]) { axes = shape.map { AxisSplits(offsets: [0, $0]) } }
  package var shape: [Int] { axes.map(\.extent) }
  package var counts: [Int] { axes.map(\.count) }
  package var chunkCount: Int { axes.reduce(1) { $0 * $1.count } }

  package func coordinates(_ chunk: Int) -> [Int] {
    var c = [Int](repeating: 0, count: axes.count)
    var rest = chunk
    for i in stride(from: axes.count - 1, through: 0, by: -1) {
      let n = axes[i].count
      c[i] = rest % n
      rest /= n
    }
    return c
  }

  package func index(_ coordinates: [Int]) -> Int {
    var n = 0
    for (i, c) in coordinates.enumerated() { n = n * axes[i].count + c }
    return n
  }

  package func box(_ chunk: Int) -> Box {
    var b = Box(lower: [Int](repeating: 0, count: axes.count), extents: [Int](repeating: 0, count: axes.count))
    var rest = chunk
    for i in stride(from: axes.count - 1, through: 0, by: -1) {
      let n = axes[i].count
      let c = rest % n
      rest /= n
      b.lower[i] = axes[i].offsets[c]
      b.extents[i] = axes[i].offsets[c + 1] - axes[i].offsets[c]
    }
    return b
  }

  /// The grid that chunks turned out to make: along each axis the extents of the chunks on its edge.
  /// - Parameter chunks: the extents of every chunk.
  package func resolved(_ chunks: [[Int]]) -> Grid {
    var step = 1
    var out: [AxisSplits] = []
    for i in stride(from: axes.count - 1, through: 0, by: -1) {
      out.append(AxisSplits(sizes: (0..<axes[i].count).map { chunks[$0 * step][i] }))
      step *= axes[i].count
    }
    return Grid(out.reversed())
  }
}
