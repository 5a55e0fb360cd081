import MarsBase
import MarsGraph

/// Whether two strided views of one memory have a byte in common.
enum Overlap {
  /// Steps of the exact search before it is given up and the answer is that they may.
  private static let mostWork = 100_000

  /// - Parameter exactly: false: whether the ranges from first to last byte meet, which is quick and may say yes for views that interlace.
  static func meet(_ a: DenseArray, _ b: DenseArray, exactly: Bool) -> Bool {
    if a.type.shape.contains(0) || b.type.shape.contains(0) { return false }
    let (x, y) = (range(a), range(b))
    guard x.upper > y.lower && y.upper > x.lower else { return false }
    if !exactly { return true }
    // An element of `a` and one of `b` have a byte in common where the sum of steps in both, counted from the first byte of `a` upwards and
    // from the last of `b` downwards, is the way between the two.
    var terms = [Term(step: 1, most: a.type.dtype.itemSize - 1), Term(step: 1, most: b.type.dtype.itemSize - 1)]
    for array in [a, b] {
      for (extent, stride) in zip(array.type.shape, array.strides) where extent > 1 && stride != 0 {
        terms.append(Term(step: abs(stride), most: extent - 1))
      }
    }
    var search = Search(terms, work: mostWork)
    return search.reaches(y.upper - 1 - x.lower, from: 0)
  }

  private static func range(_ a: DenseArray) -> (lower: Int, upper: Int) {
    var (lower, upper) = (a.offset, a.offset + a.type.dtype.itemSize)
    for (extent, stride) in zip(a.type.shape, a.strides) {
      if stride < 0 { lower += stride * (extent - 1) } else { upper += stride * (extent - 1) }
    }
    return (lower, upper)
  }

  /// A step that is made 0 to `most` times.
  private struct Term {
    let step: Int
    var most: Int
  }

  /// Looks for a sum of steps: a bounded linear Diophantine equation, by depth-first search cut by bounds and divisors.
  private struct Search {
    private var terms: [Term] = []
    /// Of the terms from each on: what they reach at most, and their greatest common divisor.
    private var reach: [Int]
    private var divisor: [Int]
    private var work: Int

    init(_ given: [Term], work: Int) {
      for t in given.sorted(by: { $0.step > $1.step }) {
        if let last = terms.last, last.step == t.step { terms[terms.count - 1].most += t.most } else { terms.append(t) }
      }
      reach = [Int](repeating: 0, count: terms.count + 1)
      divisor = reach
      for i in terms.indices.reversed() {
        reach[i] = reach[i + 1] + terms[i].step * terms[i].most
        var (a, b) = (terms[i].step, divisor[i + 1])
        while b != 0 { (a, b) = (b, a % b) }
        divisor[i] = a
      }
      self.work = work
    }

    /// As deep as there are axes.
    mutating func reaches(_ sum: Int, from i: Int) -> Bool {
      if sum == 0 { return true }
      guard sum > 0 && sum <= reach[i] && sum % divisor[i] == 0 else { return false }
      let t = terms[i]
      let least = max(0, (sum - reach[i + 1] + t.step - 1) / t.step)
      var n = min(t.most, sum / t.step)
      while n >= least {
        work -= 1
        if work < 0 || reaches(sum - n * t.step, from: i + 1) { return true }
        n -= 1
      }
      return false
    }
  }
}

extension Tensor {
  /// Whether a write to one can change the other: `exactly`, or as far as first and last bytes tell.  True where extents that are not known
  /// yet decide it.
  package func sharesMemory(with other: Tensor, exactly: Bool) -> Bool {
    guard sharesStorage(with: other) else { return false }
    let stored = storage.state.withLock { $0.value.type }
    // A description of memory that is never looked at: the tensors need not be executed.
    guard stored.isKnown, let nothing = Buffer.unlimited(byteCount: 0) else { return true }
    let whole = DenseArray(buffer: nothing, type: stored)
    guard let mine = try? chain.settled(on: stored.shape), let theirs = try? other.chain.settled(on: stored.shape),
      let a = mine.window(whole), let b = theirs.window(whole)
    else { return true }
    return Overlap.meet(a, b, exactly: exactly)
  }
}
