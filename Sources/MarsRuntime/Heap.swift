/// Plain values of which the smallest is at hand.
struct Heap<Element: BitwiseCopyable & Comparable>: ~Copyable {
  private var items = Column<Element>()

  var isEmpty: Bool { items.isEmpty }
  var count: Int { items.count }
  var smallest: Element? { items.isEmpty ? nil : items[0] }

  mutating func push(_ e: Element) {
    items.append(e)
    let p = items.base
    var i = items.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      if !(e < p[parent]) { break }
      p[i] = p[parent]
      i = parent
    }
    p[i] = e
  }

  mutating func popSmallest() {
    guard let moved = items.popLast(), !items.isEmpty else { return }
    let p = items.base
    let n = items.count
    var i = 0
    while true {
      var child = 2 * i + 1
      if child >= n { break }
      if child + 1 < n && p[child + 1] < p[child] { child += 1 }
      if !(p[child] < moved) { break }
      p[i] = p[child]
      i = child
    }
    p[i] = moved
  }

  mutating func removeAll() { items.removeAll() }
}

/// A block that may be evicted; the farther its next use, the sooner.  May be out of date: it is checked when taken.
struct EvictionCandidate: BitwiseCopyable, Comparable {
  var nextUse: Int
  var block: Int32
  static func < (a: EvictionCandidate, b: EvictionCandidate) -> Bool { a.nextUse > b.nextUse }
}
