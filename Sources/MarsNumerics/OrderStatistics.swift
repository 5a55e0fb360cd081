import Glibc
import MarsBase

/// What a sort would put at given places, without sorting the rest.
package enum OrderStatistics {
  /// Writes the elements at `places` of every sorted lane of `source` to `target`, which has one for each along `axis`.
  ///
  /// NaNs come last; of zeros -0.0 comes first.  Places outside mean the first or the last.  Complex numbers are not supported.
  package static func find(
    _ source: ArrayView, places: [Int], into target: ArrayView, axis: Int, workspace: Workspace?
  ) throws(MarsError) {
    let n = source.shape[axis]
    if source.count == 0 || target.count == 0 { return }
    var wanted = places.enumerated().map { Wanted(place: max(0, min(n - 1, $1)), result: $0) }
    wanted.sort { $0.place < $1.place }
    try source.dtype.dispatchOrder(
      StatisticLanes(lanes: LaneBlocks(source: source, target: target, axis: axis), wanted: wanted, workspace: workspace))
  }

  /// Bytes of scratch for lanes of `n` elements, and `count` places.
  package static func workspace(_ n: Int, _ count: Int, rank: Int, _ d: DType) -> Int {
    2 * LaneBlocks.aligned(n * d.itemSize) + (rank > 1 ? LaneBlocks.bytes(n, d, count, d) : 0)
  }

  struct Wanted {
    let place: Int
    let result: Int
  }
}

private struct StatisticLanes: OrderRoutine {
  let lanes: LaneBlocks
  /// In the order of places.
  let wanted: [OrderStatistics.Wanted]
  let workspace: Workspace?

  func run<T: Element>(comparing: T.Type) throws(MarsError) {
    throw MarsError(.type, "order statistics are defined for real numbers only")
  }

  func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError) {
    let n = lanes.source.shape[lanes.axis]
    let own = LaneBlocks.aligned(n * MemoryLayout<T>.stride)
    try Scratch.with(workspace, byteCount: 2 * own + lanes.scratchBytes) { memory throws(MarsError) in
      let a = memory.assumingMemoryBound(to: T.Ordinal.self)
      let b = (memory + own).assumingMemoryBound(to: T.Ordinal.self)
      try lanes.forEach(memory + 2 * own) { lane, step, result throws(MarsError) in
        find(T.self, lane, step, n, a, b, result)
      }
    }
  }

  private func find<T: OrdinalElement>(
    _: T.Type, _ lane: UnsafeRawPointer, _ step: Int, _ n: Int, _ a: UnsafeMutablePointer<T.Ordinal>,
    _ b: UnsafeMutablePointer<T.Ordinal>, _ result: UnsafeMutableRawPointer
  ) {
    @inline(__always) func element(_ i: Int) -> T { (lane + i &* step).loadUnaligned(as: T.self) }
    @inline(__always) func put(_ w: OrderStatistics.Wanted, _ x: T) {
      (result + w.result * MemoryLayout<T>.stride).storeBytes(of: x, as: T.self)
    }
    var (least, most) = (T.Ordinal.max, T.Ordinal.min)
    var m = n
    var notANumber = T.zero
    for i in 0..<n {
      let x = element(i)
      if x.isNotANumber {
        notANumber = x
        m &-= 1
        continue
      }
      least = min(least, x.ordinal)
      most = max(most, x.ordinal)
    }
    let numbers = wanted.prefix { $0.place < m }
    for w in wanted[numbers.endIndex...] { put(w, notANumber) }
    if numbers.isEmpty { return }
    if n <= Selection<T.Ordinal>.short {
      var k = 0
      for i in 0..<n where !element(i).isNotANumber {
        a[k] = element(i).ordinal
        k += 1
      }
      return Selection(put: { put($0, T(ordinal: $1)) }).sort(a, b, m, first: 0, numbers)
    }
    // The lane itself is only read; its NaNs go where nothing is looked for.
    Selection(put: { put($0, T(ordinal: $1)) }).narrow(b, a, n, ends: (least, most), first: 0, numbers) { i in
      let x = element(i)
      return x.isNotANumber ? nil : x.ordinal
    }
  }
}

/// Selection by counting: of the values of leading bits only those are kept in which a place lies, again and again.
private struct Selection<Word: FixedWidthInteger & UnsignedInteger> {
  typealias Words = UnsafeMutablePointer<Word>
  let put: (OrderStatistics.Wanted, Word) -> Void

  /// Up to here words are sorted.
  static var short: Int { 1 << 11 }
  private static var digit: Int { 11 }

  /// Finds places, which count from `first` on, among `n` words.
  func sort(_ words: Words, _ spare: Words, _ n: Int, first: Int, _ wanted: ArraySlice<OrderStatistics.Wanted>) {
    let sorted = RadixSort(rule: OrdinalRule<Word>()).sort(words, spare, n) ? spare : words
    for w in wanted { put(w, sorted[w.place - first]) }
  }

  /// The same for many words.
  private func find(_ words: Words, _ spare: Words, _ n: Int, first: Int, _ wanted: ArraySlice<OrderStatistics.Wanted>) {
    if n <= Self.short { return sort(words, spare, n, first: first, wanted) }
    var (least, most) = (words[0], words[0])
    for i in 1..<n {
      least = min(least, words[i])
      most = max(most, words[i])
    }
    narrow(spare, words, n, ends: (least, most), first: first, wanted) { words[$0] }
  }

  /// Brings the words of the values that count together in `kept`, which has room for `n`, and goes on with them.
  ///
  /// - Parameter word: word i of `n`; nil where there is none.
  @inline(__always)
  func narrow(
    _ kept: Words, _ spare: Words, _ n: Int, ends: (least: Word, most: Word), first: Int, _ wanted: ArraySlice<OrderStatistics.Wanted>,
    _ word: (Int) -> Word?
  ) {
    let bits = Word.bitWidth - (ends.most &- ends.least).leadingZeroBitCount
    if bits == 0 {
      for w in wanted { put(w, ends.least) }
      return
    }
    let shift = Word(truncatingIfNeeded: max(0, bits - Self.digit))
    let values = 1 << min(bits, Self.digit)
    @inline(__always) func value(_ w: Word) -> Int { Int(truncatingIfNeeded: (w &- ends.least) &>> shift) }
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * values) { memory in
      guard let counts = memory.baseAddress else { return }
      let (next, advance) = (counts, counts + values)
      counts.initialize(repeating: 0, count: 2 * values)
      for i in 0..<n { if let w = word(i) { counts[value(w)] &+= 1 } }
      // Stretches of values in which places lie; all others are written to the place behind them, over each other.
      var stretches: [(start: Int, count: Int, first: Int, wanted: ArraySlice<OrderStatistics.Wanted>)] = []
      var (before, room) = (first, 0)
      var rest = wanted
      for v in 0..<values {
        let count = counts[v]
        let here = rest.prefix { $0.place < before + count }
        if !here.isEmpty {
          stretches.append((room, count, before, here))
          rest = rest[here.endIndex...]
          (next[v], advance[v]) = (room, 1)
          room += count
        }
        before += count
      }
      for v in 0..<values where advance[v] == 0 { next[v] = room }
      for i in 0..<n {
        guard let w = word(i) else { continue }
        let v = value(w)
        kept[next[v]] = w
        next[v] &+= advance[v]
      }
      for s in stretches {
        // Of one value there is nothing to tell apart.
        if shift == 0 {
          for w in s.wanted { put(w, kept[s.start]) }
        } else {
          find(kept + s.start, spare + s.start, s.count, first: s.first, s.wanted)
        }
      }
    }
  }
}
