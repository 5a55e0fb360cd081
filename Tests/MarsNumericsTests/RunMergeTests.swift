import MarsBase
import MarsNumerics
import Testing

/// Windows of sorted runs, and merging them, against a stable sort of everything.
@Suite struct RunMergeTests {
  /// Vectors by how their elements are spread over runs; element i of n.
  static let spreads: [(String, @Sendable (Int, Int) -> Double)] = [
    ("any order", { i, n in Double(i * 7919 % n) }),
    ("ascending", { i, _ in Double(i) }),
    ("descending", { i, n in Double(n - i) }),
    ("one value", { _, _ in 3 }),
    ("few values", { i, _ in Double(i * 31 % 4) }),
    ("zeros of both signs", { i, _ in i % 3 == 0 ? -0.0 : 0 }),
    ("with NaN", { i, n in i * 31 % 5 == 0 ? .nan : Double(i * 7919 % n) }),
    ("NaN only", { i, _ in Double(bitPattern: 0x7FF8_0000_0000_0000 | UInt64(i)) }),
    ("one run holds all small ones", { i, n in i < n / 4 ? Double(i) : Double(n + i * 7919 % n) }),
  ]
  static let sizes = [(1, 4, 2, 3), (7, 4, 2, 4), (100, 16, 4, 16), (1000, 96, 8, 96), (1000, 96, 96, 50), (1013, 100, 1, 300)]

  @Test(arguments: spreads.indices, sizes.indices)
  func stretchesAreThoseOfAStableSort(_ spread: Int, _ size: Int) throws {
    let (n, run, piece, stretch) = Self.sizes[size]
    let x = (0..<n).map { Self.spreads[spread].1($0, n) }
    let order = x.indices.sorted { a, b in
      if x[a] < x[b] || (x[b].isNaN && !x[a].isNaN) { return true }
      if x[b] < x[a] || (x[a].isNaN && !x[b].isNaN) { return false }
      return a < b
    }
    let w = RunWindows(count: n, run: run, piece: piece, stretch: stretch)
    let keys = Memory([n], .float64)
    let labels = Memory([n], .int64)
    let given = Memory([n], .float64, x)
    for r in 0..<w.runs {
      let count = min(run, n - r * run)
      func part(_ m: Memory) -> ArrayView { m.view.sliced(axis: 0, start: r * run, step: 1, count: count) }
      try Ordering.sortLabelled(part(given), into: part(keys), labels: part(labels), first: r * run, workspace: nil)
    }
    let samples = keys.view.sliced(axis: 0, start: 0, step: piece, count: w.pieces)
    let found = Memory([w.stretches, 2, w.runs], .int64)
    try w.find(samples, into: found.view, workspace: nil)
    let windows = found.values(Int64.self).map { Int($0) }
    let (out, plain, places) = (Memory([n], .float64), Memory([n], .float64), Memory([n], .int64))
    for k in 0..<w.stretches {
      let (at, count) = (k * stretch, min(stretch, n - k * stretch))
      var (skipped, read) = (0, 0)
      var parts: [[ArrayView]] = [[], []]
      for r in 0..<w.runs {
        let end = min((r + 1) * run, n)
        let lower = min(r * run + windows[(2 * k) * w.runs + r] * piece, end)
        let upper = min(r * run + windows[(2 * k + 1) * w.runs + r] * piece, end)
        skipped += lower - r * run
        read += upper - lower
        for (i, m) in [keys, labels].enumerated() {
          parts[i].append(m.view.sliced(axis: 0, start: min(lower, n - 1), step: 1, count: max(0, upper - lower)))
        }
      }
      // Whatever the values, little is read beside what is written.
      #expect(read <= count + 2 * w.runs * piece)
      let target = { (m: Memory) in m.view.sliced(axis: 0, start: at, step: 1, count: count) }
      try RunMerge.merge(parts[0], labels: [], first: at - skipped, into: target(out), workspace: nil)
      try RunMerge.merge(parts[0], labels: [], first: at - skipped, into: target(plain), workspace: nil, byVectors: false)
      try RunMerge.merge(parts[0], labels: parts[1], first: at - skipped, into: target(places), workspace: nil)
    }
    #expect(places.values(Int64.self) == order.map { Int64($0) })
    #expect(out.values(Double.self).map(\.bitPattern) == order.map { x[$0].bitPattern })
    #expect(plain.values(Double.self).map(\.bitPattern) == order.map { x[$0].bitPattern })
  }

  @Test func complexNaNsComeInNumPysOrder() throws {
    typealias C = ComplexElement<Double>
    let x = [C(2, 0), C(.nan, .nan), C(1, .nan), C(.nan, 1), C(1, 5), C(1, 2), C(0, .nan), C(.nan, 0)]
    let (a, b) = (
      Memory([4], .complex128, Array(x[..<4]).sorted(by: C.precedes)), Memory([4], .complex128, Array(x[4...]).sorted(by: C.precedes))
    )
    let out = Memory([8], .complex128)
    try RunMerge.merge([a.view, b.view], labels: [], first: 0, into: out.view, workspace: nil)
    let got = out.values(C.self)
    for i in 1..<8 { #expect(!C.precedes(got[i], got[i - 1])) }
  }
}
