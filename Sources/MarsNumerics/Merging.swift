import Glibc
import MarsBase

/// A stretch of a sorted run.
struct RunPart<T: Element> {
  var base: UnsafePointer<T>
  /// The labels beside the elements; of no meaning where there are none.
  var labels: UnsafePointer<Int64>
  var count: Int
}

/// In what order runs are merged.
protocol MergeOrder {
  associatedtype T: Element
  static func isLess(_ a: T, _ b: T) -> Bool
}
enum NumberOrder<T: Element>: MergeOrder {
  @inline(__always) static func isLess(_ a: T, _ b: T) -> Bool { T.isLess(a, b) }
}
enum FullOrder<T: Element>: MergeOrder {
  @inline(__always) static func isLess(_ a: T, _ b: T) -> Bool { T.precedes(a, b) }
}

extension MergeOrder {
  /// Two runs into `to`, in four parts at the same time: every step of a part waits for the one before it, those of other parts do not.
  ///
  /// - Parameter labels: where labels go that are merged with them; nil: there are none.
  static func merge(_ p: RunPart<T>, _ q: RunPart<T>, _ to: UnsafeMutablePointer<T>, _ labels: UnsafeMutablePointer<Int64>?) {
    if p.count == 0 || q.count == 0 || !isLess(q.base[0], p.base[p.count - 1]) {
      // In order already.
      copy(p, to, labels)
      copy(q, to + p.count, labels.map { $0 + p.count })
      return
    }
    let n = p.count + q.count
    /// How many of the first `m` elements are of p.
    func share(_ m: Int) -> Int {
      Search.first(from: max(0, m - q.count), to: min(m, p.count)) { isLess(q.base[m - 1 - $0], p.base[$0]) }
    }
    let (i, j, k) = (share(n / 4), share(n / 2), share(n - n / 4))
    func step(_ a: Int, _ aEnd: Int, _ from: Int, _ end: Int) -> MergeStep {
      MergeStep(a: a, aEnd: aEnd, b: from - a, bEnd: end - aEnd, to: from)
    }
    var s = step(0, i, 0, n / 4)
    var t = step(i, j, n / 4, n / 2)
    var u = step(j, k, n / 2, n - n / 4)
    var v = step(k, p.count, n - n / 4, n)
    while true {
      // So many steps none of the parts can run out of elements.
      let safe = min(s.left, t.left, u.left, v.left)
      if safe == 0 { break }
      if let labels {
        for _ in 0..<safe {
          s.advance(Self.self, p, q, to, labels)
          t.advance(Self.self, p, q, to, labels)
          u.advance(Self.self, p, q, to, labels)
          v.advance(Self.self, p, q, to, labels)
        }
      } else {
        for _ in 0..<safe {
          s.advance(Self.self, p, q, to, nil)
          t.advance(Self.self, p, q, to, nil)
          u.advance(Self.self, p, q, to, nil)
          v.advance(Self.self, p, q, to, nil)
        }
      }
    }
    s.finish(Self.self, p, q, to, labels)
    t.finish(Self.self, p, q, to, labels)
    u.finish(Self.self, p, q, to, labels)
    v.finish(Self.self, p, q, to, labels)
  }

  private static func copy(_ p: RunPart<T>, _ to: UnsafeMutablePointer<T>, _ labels: UnsafeMutablePointer<Int64>?) {
    if p.count == 0 { return }
    memcpy(to, p.base, p.count * MemoryLayout<T>.stride)
    if let labels { memcpy(labels, p.labels, p.count * 8) }
  }
}

/// How far two runs are merged.
private struct MergeStep {
  var a: Int
  let aEnd: Int
  var b: Int
  let bEnd: Int
  var to: Int
  @inline(__always) var isOpen: Bool { a < aEnd && b < bEnd }
  @inline(__always) var left: Int { min(aEnd - a, bEnd - b) }

  @inline(__always)
  mutating func advance<O: MergeOrder>(
    _: O.Type, _ p: RunPart<O.T>, _ q: RunPart<O.T>, _ target: UnsafeMutablePointer<O.T>, _ labels: UnsafeMutablePointer<Int64>?
  ) {
    let (x, y) = (p.base[a], q.base[b])
    let takesB = O.isLess(y, x)
    target[to] = takesB ? y : x
    if let labels { labels[to] = takesB ? q.labels[b] : p.labels[a] }
    let one = takesB ? 1 : 0
    b &+= one
    a &+= 1 &- one
    to &+= 1
  }

  mutating func finish<O: MergeOrder>(
    _: O.Type, _ p: RunPart<O.T>, _ q: RunPart<O.T>, _ target: UnsafeMutablePointer<O.T>, _ labels: UnsafeMutablePointer<Int64>?
  ) {
    while isOpen { advance(O.self, p, q, target, labels) }
    let (na, nb) = (aEnd - a, bEnd - b)
    let size = MemoryLayout<O.T>.stride
    if na > 0 { memcpy(target + to, p.base + a, na * size) }
    if nb > 0 { memcpy(target + to + na, q.base + b, nb * size) }
    if let labels {
      if na > 0 { memcpy(labels + to, p.labels + a, na * 8) }
      if nb > 0 { memcpy(labels + to + na, q.labels + b, nb * 8) }
    }
  }
}
