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
