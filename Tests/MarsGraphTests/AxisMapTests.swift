import MarsBase
import MarsGraph
import Testing

@Suite struct AxisMapTests {
  /// The element of the base that an element of the view is.
  func element(_ m: AxisMap, _ index: [Int]) -> [Int] {
    m.axes.map { a in
      switch a {
      case .aligned(let k, let start, let step): start + step * index[k]
      case .fixed(let i): i
      case .contracted, .whole: -1
      }
    }
  }

  /// Indices of a shape in C order.
  func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { list, n in list.flatMap { head in (0..<n).map { head + [$0] } } }
  }

  @Test func compositionFollowsElements() {
    // A base of (10, 12), read by a view of (4, 3): axes swapped, rows backwards, every third column.
    let inner = AxisMap([.aligned(axis: 1, start: 9, step: -2), .aligned(axis: 0, start: 1, step: 3)])
    let outers: [(AxisMap, [Int])] = [
      (.identity(2), [4, 3]), (AxisMap([.aligned(axis: 2, start: 0, step: 2), .aligned(axis: 0, start: 2, step: -1)]), [3, 2, 2]),
      (AxisMap([.fixed(3), .aligned(0)]), [3]), (AxisMap([.fixed(1), .fixed(2)]), []),
    ]
    for (outer, shape) in outers {
      let both = inner.after(outer)
      for i in indices(shape) { #expect(element(both, i) == element(inner, element(outer, i))) }
    }
    #expect(inner.after(.identity(2)) == inner)
    #expect(AxisMap.identity(2).after(inner) == inner)
  }

  @Test func boxesHoldJustWhatIsRead() {
    let maps = [
      AxisMap([.aligned(axis: 0, start: 2, step: 3), .fixed(4)]), AxisMap([.aligned(axis: 1, start: 9, step: -2), .aligned(0)]),
      AxisMap([.aligned(0), .aligned(0)]),
    ]
    for m in maps {
      let box = Box(lower: [1, 2], extents: [3, 2])
      let read = indices(box.extents).map { i in element(m, i.enumerated().map { $1 + box.lower[$0] }) }
      let b = m.box(box)
      for k in m.axes.indices {
        #expect(b.lower[k] == read.map { $0[k] }.min())
        #expect(b.upper(k) - 1 == read.map { $0[k] }.max())
      }
    }
    let empty = AxisMap([.aligned(axis: 0, start: 5, step: -1)]).box(Box(lower: [2], extents: [0]))
    #expect(empty.extents == [0])
  }

  @Test func broadcastReadsExtentsOfOneAgain() {
    #expect(AxisMap.broadcast([3], to: [2, 3]).axes == [.aligned(1)])
    #expect(AxisMap.broadcast([2, 1], to: [2, 3]).axes == [.aligned(0), .fixed(0)])
    #expect(AxisMap.broadcast([2, 1], to: [2, 1]).isIdentity)
    #expect(AxisMap.broadcast([], to: [2]).axes == [])
    #expect(!AxisMap([.aligned(axis: 0, start: 1, step: 1)]).isIdentity)
  }

  @Test func viewsStayInsideTheirBase() throws {
    let n = unknownExtent
    let rows = AxisMap([.aligned(axis: 0, start: 1, step: 2), .fixed(2)])
    #expect(try rows.extents([3], over: [6, 3]) == [3])
    #expect(try AxisMap.identity(1).extents([n], over: [n]) == [n])
    #expect(try AxisMap.identity(1).extents([n], over: [7]) == [7])
    #expect(try rows.extents([0], over: [0, 3]) == [0])
    func refuses(_ m: AxisMap, _ shape: [Int], over base: [Int], _ code: MarsError.Code) {
      do {
        _ = try m.extents(shape, over: base)
        Issue.record("\(m) of \(base) gives \(shape)")
      } catch { #expect(error.code == code) }
    }
    refuses(rows, [3], over: [5, 3], .index)
    refuses(rows, [3], over: [6, 2], .index)
    refuses(rows, [-2], over: [6, 3], .value)
    refuses(rows, [3], over: [6], .value)
    refuses(rows, [n], over: [6, 3], .unknownExtents)
    refuses(AxisMap([.aligned(axis: 0, start: 2, step: -1)]), [4], over: [9], .index)
    refuses(AxisMap([.aligned(axis: 0, start: 0, step: Int.max)]), [3], over: [9], .index)
    refuses(AxisMap([.aligned(axis: 1, start: 0, step: 1)]), [3], over: [9], .value)
    refuses(AxisMap([.aligned(axis: 0, start: 0, step: 0)]), [3], over: [9], .value)
    refuses(AxisMap([.whole]), [3], over: [9], .value)
  }
}

@Suite struct GridTests {
  @Test func chunksCoverTheShapeOnce() {
    let g = Grid([AxisSplits(extent: 7, chunk: 3), AxisSplits(sizes: [2, 0, 5]), AxisSplits(extent: 0, chunk: 4)])
    #expect(g.shape == [7, 7, 0] && g.counts == [3, 3, 1] && g.chunkCount == 9)
    for c in 0..<g.chunkCount { #expect(g.index(g.coordinates(c)) == c) }
    let plane = Grid(Array(g.axes.prefix(2)))
    #expect((0..<plane.chunkCount).reduce(0) { $0 + plane.box($1).count } == 49)
    #expect(plane.box(8).lower == [6, 2] && plane.box(8).extents == [1, 5])
    #expect(Grid(whole: []).chunkCount == 1)
  }

  @Test func positionsFindTheirChunk() {
    let s = AxisSplits(sizes: [3, 1, 4])
    #expect((0..<8).map(s.chunk(at:)) == [0, 0, 0, 1, 2, 2, 2, 2])
    #expect(s.chunk(at: 8) == 2)
    #expect(AxisSplits(sizes: []).count == 1 && AxisSplits(extent: 0, chunk: 5).chunk(at: 0) == 0)
  }
}
