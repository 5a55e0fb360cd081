/// A growing array of plain values without reference counts or copy on write: the unit of hot bookkeeping.
///
/// Indices are `Int32`-sized in the tables that use it; bounds are checked in debug builds only.
struct Column<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 0) {
    self.capacity = max(capacity, 4)
    base = .allocate(capacity: self.capacity)
  }
  deinit { base.deallocate() }

  subscript(i: Int) -> Element {
    @inline(__always) get {
      assert(i >= 0 && i < count)
      return base[i]
    }
    @inline(__always) set {
      assert(i >= 0 && i < count)
      base[i] = newValue
    }
  }
  subscript(i: Int32) -> Element {
    @inline(__always) get { self[Int(i)] }
    @inline(__always) set { self[Int(i)] = newValue }
  }

  var isEmpty: Bool { count == 0 }

  mutating func reserve(_ n: Int) {
    if n <= capacity { return }
    let grown = max(n, capacity + capacity / 2)
    let fresh = UnsafeMutablePointer<Element>.allocate(capacity: grown)
    fresh.update(from: base, count: count)
    base.deallocate()
    base = fresh
    capacity = grown
  }

  @inline(__always)
  mutating func append(_ e: Element) {
    if count == capacity { reserve(count + 1) }
    base[count] = e
    count += 1
  }

  mutating func append(repeating e: Element, count n: Int) {
    reserve(count + n)
    for i in count..<(count + n) { base[i] = e }
    count += n
  }

  mutating func popLast() -> Element? {
    if count == 0 { return nil }
    count -= 1
    return base[count]
  }

  mutating func swapRemove(at i: Int) {
    base[i] = base[count - 1]
    count -= 1
  }

  mutating func removeAll() { count = 0 }
}

/// Ready tasks, smallest number first.
struct TaskHeap: ~Copyable {
  private var items = Column<Int32>()

  var isEmpty: Bool { items.isEmpty }
  var count: Int { items.count }
  var smallest: Int32? { items.isEmpty ? nil : items[0] }

  mutating func push(_ t: Int32) {
    items.append(t)
    let p = items.base
    var i = items.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      if p[parent] <= t { break }
      p[i] = p[parent]
      i = parent
    }
    p[i] = t
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
      if p[child] >= moved { break }
      p[i] = p[child]
      i = child
    }
    p[i] = moved
  }

  mutating func removeAll() { items.removeAll() }
}

/// Candidates for eviction, farthest next use first; entries may be out of date and are checked when taken.
struct EvictionHeap: ~Copyable {
  struct Entry: BitwiseCopyable {
    var nextUse: Int
    var block: Int32
  }
  private var items = Column<Entry>()

  var count: Int { items.count }
  var farthest: Entry? { items.isEmpty ? nil : items[0] }

  mutating func push(_ e: Entry) {
    items.append(e)
    let p = items.base
    var i = items.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      if p[parent].nextUse >= e.nextUse { break }
      p[i] = p[parent]
      i = parent
    }
    p[i] = e
  }

  mutating func popFarthest() {
    guard let moved = items.popLast(), !items.isEmpty else { return }
    let p = items.base
    let n = items.count
    var i = 0
    while true {
      var child = 2 * i + 1
      if child >= n { break }
      if child + 1 < n && p[child + 1].nextUse > p[child].nextUse { child += 1 }
      if p[child].nextUse <= moved.nextUse { break }
      p[i] = p[child]
      i = child
    }
    p[i] = moved
  }

  mutating func removeAll() { items.removeAll() }
}
