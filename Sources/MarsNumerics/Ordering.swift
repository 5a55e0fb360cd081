import CVectorSort
import MarsBase

/// Sorting; NaN comes last, as in NumPy.
package enum Ordering {
  /// Whether the processor sorts by vectors what has a place for that: numbers of 4 and 8 bytes.
  package static let hasVectors = VectorSort.isSupported

  /// Sorts along `axis` from `source` into `target` of the same shape and dtype; equal elements keep their order.
  ///
  /// - Parameter byVectors: whether vectors are used where there are any; the result is the same.
  package static func sort(
    _ source: ArrayView, into target: ArrayView, axis: Int, workspace: Workspace? = nil, byVectors: Bool = hasVectors
  ) throws(MarsError) {
    if source.count == 0 { return }
    let lanes = LaneBlocks(source: source, target: target, axis: axis)
    let vectors = byVectors && hasVectors ? source.dtype.vectorNumbers : nil
    try source.dtype.dispatchOrder(SortLanes(lanes: lanes, workspace: workspace, vectors: vectors))
  }

  /// Indices (int64) that sort along `axis`; equal elements keep their order.
  package static func argsort(
    _ source: ArrayView, into target: ArrayView, axis: Int, workspace: Workspace? = nil
  ) throws(MarsError) {
    if source.count == 0 { return }
    try source.dtype.dispatchOrder(ArgsortLanes(lanes: LaneBlocks(source: source, target: target, axis: axis), workspace: workspace))
  }

  /// Bytes of scratch that sorting lanes of `n` elements takes: words of one lane, and lanes that have to be brought together.
  package static func workspace(_ n: Int, rank: Int, _ d: DType, indices: Bool) -> Int {
    let words = LaneBlocks.aligned(n * (indices ? 8 : d.itemSize))
    return rank > 1 ? words + LaneBlocks.bytes(n, d, n, indices ? .int64 : d) : words
  }
}

/// Ordinals are sorted as they are.
struct OrdinalRule<Word: FixedWidthInteger & UnsignedInteger>: RadixRule {
  /// The least and the largest word, if known.
  var ends: (Word, Word)?

  func span(_ words: UnsafeMutablePointer<Word>, _ n: Int) -> (base: Word, low: Int, bits: Int) {
    if let ends { return (ends.0, 0, Word.bitWidth - (ends.1 &- ends.0).leadingZeroBitCount) }
    var (least, most) = (words[0], words[0])
    for i in 1..<n {
      least = min(least, words[i])
      most = max(most, words[i])
    }
    return (least, 0, Word.bitWidth - (most &- least).leadingZeroBitCount)
  }
  var tellsMore: Bool { false }
  @inline(__always)
  func precedes(_ a: Word, _ b: Word) -> Bool { a < b }
  func refined(_: UnsafeMutablePointer<Word>, _: Int) -> OrdinalRule? { OrdinalRule() }
}

private struct SortLanes: OrderRoutine {
  let lanes: LaneBlocks
  let workspace: Workspace?
  /// What the elements are to sorting by vectors; nil: they are sorted by digits.
  let vectors: vector_sort_numbers?
  private var n: Int { lanes.source.shape[lanes.axis] }

  func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError) {
    let n = n
    let own = LaneBlocks.aligned(n * MemoryLayout<T>.stride)
    try Scratch.with(workspace, byteCount: own + lanes.scratchBytes) { memory throws(MarsError) in
      let words = memory.assumingMemoryBound(to: T.Ordinal.self)
      try lanes.forEach(memory + own) { lane, step, result throws(MarsError) in sort(T.self, lane, step, n, words, result) }
    }
  }

  private func sort<T: OrdinalElement>(
    _: T.Type, _ lane: UnsafeRawPointer, _ step: Int, _ n: Int, _ words: UnsafeMutablePointer<T.Ordinal>,
    _ result: UnsafeMutableRawPointer
  ) {
    @inline(__always) func element(_ i: Int) -> T { (lane + i &* step).loadUnaligned(as: T.self) }
    @inline(__always) func put(_ i: Int, _ x: T) { (result + i &* MemoryLayout<T>.stride).storeBytes(of: x, as: T.self) }
    let (m, mixesZeros) =
      if let vectors { VectorSort.sort(T.self, vectors, lane, step, n, words, result) } else {
        sortByDigits(T.self, lane, step, n, words, result)
      }
    if mixesZeros {
      // Zeros of both signs are equal: they keep the order in which they came.
      let zero = T.zero.ordinal
      var place = Search.first(from: 0, to: m) {
        (result + $0 &* MemoryLayout<T>.stride).loadUnaligned(as: T.self).ordinal >= zero &- 1
      }
      for i in 0..<n where T.same(element(i), T.zero) {
        put(place, element(i))
        place += 1
      }
    }
    if m == n { return }
    var place = m
    for i in 0..<n where element(i).isNotANumber {
      put(place, element(i))
      place += 1
    }
  }

  /// Sorts the numbers of a lane, of which it tells how many there are, and whether zeros of both signs stand where they do not belong.
  private func sortByDigits<T: OrdinalElement>(
    _: T.Type, _ lane: UnsafeRawPointer, _ step: Int, _ n: Int, _ words: UnsafeMutablePointer<T.Ordinal>,
    _ result: UnsafeMutableRawPointer
  ) -> (numbers: Int, mixesZeros: Bool) {
    // NaNs are left out; ordinals cannot tell them from numbers.
    var m = 0
    var (least, most, last) = (T.Ordinal.max, T.Ordinal.min, T.Ordinal.min)
    var (isSorted, hasNegativeZero) = (true, false)
    for i in 0..<n {
      let x = (lane + i &* step).loadUnaligned(as: T.self)
      if x.isNotANumber { continue }
      let w = x.ordinal
      words[m] = w
      m &+= 1
      least = min(least, w)
      most = max(most, w)
      isSorted = isSorted && last <= w
      hasNegativeZero = hasNegativeZero || x.isNegativeZero
      last = w
    }
    var sorted = words
    if !isSorted {
      let other = result.assumingMemoryBound(to: T.Ordinal.self)
      if RadixSort(rule: OrdinalRule(ends: (least, most))).sort(words, other, m) { sorted = other }
    }
    for i in 0..<m { (result + i &* MemoryLayout<T>.stride).storeBytes(of: T(ordinal: sorted[i]), as: T.self) }
    return (m, hasNegativeZero && !isSorted)
  }

  func run<T: Element>(comparing: T.Type) throws(MarsError) {
    let n = n
    let own = LaneBlocks.aligned(n * MemoryLayout<T>.stride)
    try Scratch.with(workspace, byteCount: own + lanes.scratchBytes) { memory throws(MarsError) in
      var elements = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: T.self), count: n)
      try lanes.forEach(memory + own) { lane, step, result throws(MarsError) in
        for i in 0..<n { elements.initializeElement(at: i, to: (lane + i * step).loadUnaligned(as: T.self)) }
        elements.sort(by: T.precedes)
        for i in 0..<n { (result + i * MemoryLayout<T>.stride).storeBytes(of: elements[i], as: T.self) }
      }
    }
  }
}

/// Words of which the upper half holds the leading bits of an ordinal, the lower half the index of the element.
private struct IndexRule<T: OrdinalElement>: RadixRule {
  let lane: UnsafeRawPointer
  let step: Int
  /// Of the ordinal's difference to `base` the words hold `bits` bits from `shift` on.
  private(set) var base: T.Ordinal
  private(set) var bits: Int
  private(set) var shift: Int

  init(_ lane: UnsafeRawPointer, _ step: Int, least: T.Ordinal, most: T.Ordinal) {
    self.lane = lane
    self.step = step
    base = least
    let all = T.Ordinal.bitWidth - (most &- least).leadingZeroBitCount
    shift = max(0, all - 32)
    bits = all - shift
  }

  @inline(__always)
  func ordinal(_ i: UInt64) -> T.Ordinal {
    (lane + Int(truncatingIfNeeded: i & 0xFFFF_FFFF) &* step).loadUnaligned(as: T.self).sharedOrdinal
  }
  @inline(__always)
  func word(_ ordinal: T.Ordinal, _ i: UInt64) -> UInt64 {
    UInt64(truncatingIfNeeded: (ordinal &- base) &>> T.Ordinal(truncatingIfNeeded: shift)) << 32 | (i & 0xFFFF_FFFF)
  }

  func span(_: UnsafeMutablePointer<UInt64>, _: Int) -> (base: UInt64, low: Int, bits: Int) { (0, 32, bits) }
  var tellsMore: Bool { shift > 0 }
  @inline(__always)
  func precedes(_ a: UInt64, _ b: UInt64) -> Bool {
    let (p, q) = (a >> 32, b >> 32)
    return p == q && shift > 0 ? ordinal(a) < ordinal(b) : p < q
  }
  func refined(_ words: UnsafeMutablePointer<UInt64>, _ n: Int) -> IndexRule? {
    var (least, most) = (T.Ordinal.max, T.Ordinal.min)
    for i in 0..<n {
      let w = ordinal(words[i])
      least = min(least, w)
      most = max(most, w)
    }
    if least == most { return nil }
    let rule = IndexRule(lane, step, least: least, most: most)
    for i in 0..<n { words[i] = rule.word(ordinal(words[i]), words[i]) }
    return rule
  }
}

private struct ArgsortLanes: OrderRoutine {
  let lanes: LaneBlocks
  let workspace: Workspace?
  private var n: Int { lanes.source.shape[lanes.axis] }

  func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError) {
    let n = n
    // Beyond, indices do not fit beside half a word of an ordinal.
    if n > UInt32.max { return try run(comparing: T.self) }
    let own = LaneBlocks.aligned(n * 8)
    try Scratch.with(workspace, byteCount: own + lanes.scratchBytes) { memory throws(MarsError) in
      let words = memory.assumingMemoryBound(to: UInt64.self)
      try lanes.forEach(memory + own) { lane, step, result throws(MarsError) in Self.sort(T.self, lane, step, n, words, result) }
    }
  }

  private static func sort<T: OrdinalElement>(
    _: T.Type, _ lane: UnsafeRawPointer, _ step: Int, _ n: Int, _ words: UnsafeMutablePointer<UInt64>, _ result: UnsafeMutableRawPointer
  ) {
    @inline(__always) func element(_ i: Int) -> T { (lane + i &* step).loadUnaligned(as: T.self) }
    let other = result.assumingMemoryBound(to: UInt64.self)
    var (least, most, last) = (T.Ordinal.max, T.Ordinal.min, T.Ordinal.min)
    var isSorted = true
    for i in 0..<n {
      let x = element(i)
      if x.isNotANumber { continue }
      let w = x.sharedOrdinal
      least = min(least, w)
      most = max(most, w)
      isSorted = isSorted && last <= w
      last = w
    }
    let rule = IndexRule<T>(lane, step, least: least, most: max(least, most))
    var m = 0
    for i in 0..<n {
      let x = element(i)
      if x.isNotANumber { continue }
      words[m] = rule.word(x.sharedOrdinal, UInt64(truncatingIfNeeded: i))
      m &+= 1
    }
    var sorted = words
    if !isSorted && RadixSort(rule: rule).sort(words, other, m) { sorted = other }
    for i in 0..<m { other[i] = sorted[i] & 0xFFFF_FFFF }
    if m == n { return }
    for i in 0..<n where element(i).isNotANumber {
      other[m] = UInt64(truncatingIfNeeded: i)
      m += 1
    }
  }

  func run<T: Element>(comparing: T.Type) throws(MarsError) {
    let n = n
    let own = LaneBlocks.aligned(n * 8)
    try Scratch.with(workspace, byteCount: own + lanes.scratchBytes) { memory throws(MarsError) in
      var order = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Int.self), count: n)
      try lanes.forEach(memory + own) { lane, step, result throws(MarsError) in
        @inline(__always) func element(_ i: Int) -> T { (lane + i &* step).loadUnaligned(as: T.self) }
        for i in 0..<n { order.initializeElement(at: i, to: i) }
        order.sort { a, b in
          if T.precedes(element(a), element(b)) { return true }
          if T.precedes(element(b), element(a)) { return false }
          return a < b
        }
        for i in 0..<n { (result + i * 8).storeBytes(of: Int64(order[i]), as: Int64.self) }
      }
    }
  }
}
