import Glibc
import MarsBase

/// What words mean that are sorted as numbers.
protocol RadixRule {
  associatedtype Word: FixedWidthInteger & UnsignedInteger
  typealias Words = UnsafeMutablePointer<Word>
  /// How words differ: their difference to `base`, which none is below, has `bits` bits that count, from bit `low` on.
  func span(_ words: Words, _ n: Int) -> (base: Word, low: Int, bits: Int)
  /// Whether words that are equal in those bits may have an order still.
  var tellsMore: Bool { get }
  /// The final order of words.
  func precedes(_ a: Word, _ b: Word) -> Bool
  /// The rule for a stretch of words equal in the bits looked at so far, which may be written anew; nil if they are equal for good.
  func refined(_ words: Words, _ n: Int) -> Self?
}

/// A stable sort: words are distributed by so many of their leading bits that few are equal in them; these are put in order by comparing.
///
/// Time is linear for whatever values: long stretches that are equal in the leading bits are sorted by what follows, and only bits between
/// the least and the largest word are looked at.
struct RadixSort<Rule: RadixRule> {
  typealias Word = Rule.Word
  typealias Words = UnsafeMutablePointer<Word>
  let rule: Rule

  /// Bits of a digit at most: their counts must stay in the first cache, and be few beside the words.
  private static func digit(_ n: Int) -> Int { n < 1 << 11 ? 8 : 11 }
  /// Stretches up to here are put in order by comparing.
  private static var short: Int { 24 }
  /// So many more bits are looked at than would tell the words apart if they were spread evenly.
  private static func spare(_ n: Int) -> Int { n < 1 << 11 ? 3 : 6 }

  /// Sorts `n` words of `a`, with `b` of the same length as scratch; returns whether the result is in `b`.
  func sort(_ a: Words, _ b: Words, _ n: Int) -> Bool {
    if n <= Self.short {
      insert(a, n)
      return false
    }
    let (base, low, bits) = rule.span(a, n)
    if bits == 0 {
      // Equal as far as the words tell.
      finish(a, b, n, base: base, first: low)
      return false
    }
    var looked = min(bits, Int.bitWidth - n.leadingZeroBitCount + Self.spare(n))
    let digits = (looked + Self.digit(n) - 1) / Self.digit(n)
    // Of many words wider digits cost nothing.
    if n >= 1 << 16 { looked = min(bits, digits * Self.digit(n)) }
    let first = low + bits - looked
    let isInB = distribute(a, b, n, base: base, first: first, width: (looked + digits - 1) / digits, digits: digits)
    let (sorted, scratch) = isInB ? (b, a) : (a, b)
    if first > low || rule.tellsMore { finish(sorted, scratch, n, base: base, first: first) }
    return isInB
  }

  /// Insertion sort.
  private func insert(_ a: Words, _ n: Int) {
    var i = 1
    while i < n {
      let w = a[i]
      var j = i
      while j > 0 && rule.precedes(w, a[j - 1]) {
        a[j] = a[j - 1]
        j -= 1
      }
      a[j] = w
      i += 1
    }
  }

  /// Sorts by `digits` digits of `width` bits, from bit `first` of the difference to `base` on; returns whether the result is in `b`.
  private func distribute(_ a: Words, _ b: Words, _ n: Int, base: Word, first: Int, width: Int, digits: Int) -> Bool {
    let values = 1 << width
    let mask = values - 1
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: digits * values) { counts in
      guard let counts = counts.baseAddress else { return false }
      counts.initialize(repeating: 0, count: digits * values)
      @inline(__always) func value(_ w: Word, _ shift: Int) -> Int {
        Int(truncatingIfNeeded: (w &- base) &>> Word(truncatingIfNeeded: shift)) & mask
      }
      switch digits {
      case 1: for i in 0..<n { counts[value(a[i], first)] &+= 1 }
      case 2:
        for i in 0..<n {
          let w = a[i]
          counts[value(w, first)] &+= 1
          counts[values &+ value(w, first &+ width)] &+= 1
        }
      default:
        // More than three are needed from 2^27 words on.
        for i in 0..<n {
          let w = a[i]
          counts[value(w, first)] &+= 1
          counts[values &+ value(w, first &+ width)] &+= 1
          counts[2 &* values &+ value(w, first &+ 2 &* width)] &+= 1
        }
        for d in 3..<max(3, digits) { for i in 0..<n { counts[d &* values &+ value(a[i], first &+ d &* width)] &+= 1 } }
      }
      var (from, to) = (a, b)
      for d in 0..<digits {
        let next = counts + d * values
        let shift = first + d * width
        // A digit that is the same everywhere moves nothing.
        if next[value(from[0], shift)] == n { continue }
        var place = 0
        for v in 0..<values { (next[v], place) = (place, place &+ next[v]) }
        for i in 0..<n {
          let w = from[i]
          let v = value(w, shift)
          let p = next[v]
          to[p] = w
          next[v] = p &+ 1
        }
        (from, to) = (to, from)
      }
      return from == b
    }
  }

  /// Puts words in order that are in order by what lies from bit `first` on.
  private func finish(_ a: Words, _ scratch: Words, _ n: Int, base: Word, first: Int) {
    @inline(__always) func lead(_ i: Int) -> Word { (a[i] &- base) &>> Word(truncatingIfNeeded: first) }
    var start = 0  // Nothing before here is looked at again.
    var i = 1
    while i < n {
      let w = a[i]
      if !rule.precedes(w, a[i &- 1]) {
        i &+= 1
        continue
      }
      var j = i
      let least = max(start, i - Self.short)
      repeat {
        a[j] = a[j &- 1]
        j &-= 1
      } while j > least && rule.precedes(w, a[j &- 1])
      a[j] = w
      i &+= 1
      guard j == least && j > start else { continue }
      // A long stretch of equal bits.
      let bits = lead(j)
      var (lower, upper) = (j, i)
      while lower > start && lead(lower - 1) == bits { lower -= 1 }
      while upper < n && lead(upper) == bits { upper += 1 }
      let length = upper - lower
      if let next = rule.refined(a + lower, length), RadixSort(rule: next).sort(a + lower, scratch + lower, length) {
        memcpy(a + lower, scratch + lower, length * MemoryLayout<Word>.stride)
      }
      start = upper
      i = upper + 1
    }
  }
}
