import Glibc
import MarsBase

/// Sorting and searching; NaN comes last, as in NumPy.
package enum Ordering {
  /// Sorts along `axis` from `source` into `target` of the same shape and dtype.
  package static func sort(_ source: ArrayView, into target: ArrayView, axis: Int) throws(MarsError) {
    try source.dtype.dispatch(SortLanes(source: source, target: target, axis: axis))
  }

  /// Indices (int64) that sort along `axis`; equal elements keep their order.
  package static func argsort(_ source: ArrayView, into target: ArrayView, axis: Int) throws(MarsError) {
    try source.dtype.dispatch(ArgsortLanes(source: source, target: target, axis: axis))
  }

  /// Indices (int64) that sort the rows of a matrix, compared element by element; equal rows keep their order.
  package static func rows(_ source: ArrayView, into target: ArrayView) throws(MarsError) {
    try source.dtype.dispatch(RowOrder(source: source, target: target))
  }

  /// For every element of `values` the first (`right`: one past the last) place in the sorted 1-D `sorted` that keeps the order.
  package static func search(_ sorted: ArrayView, _ values: ArrayView, right: Bool, into target: ArrayView) throws(MarsError) {
    try sorted.dtype.dispatch(Search(sorted: sorted, values: values, right: right, target: target))
  }

  /// Bytes of scratch that sorting a lane of `n` elements takes.
  package static func workspace(_ n: Int, _ d: DType, indices: Bool) -> Int { n * (d.itemSize + (indices ? 8 : 0)) }

  private struct SortLanes: ElementRoutine {
    let source, target: ArrayView
    let axis: Int
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let n = source.shape[axis]
      if source.count == 0 { return }
      let lane = UnsafeMutableBufferPointer<T>.allocate(capacity: n)
      defer { lane.deallocate() }
      let (s, t) = (source.dropping(axis: axis, at: 0), target.dropping(axis: axis, at: 0))
      let (ds, dt) = (source.strides[axis], target.strides[axis])
      try Strided.forEach(s.shape, [s.strides, t.strides]) { o throws(MarsError) in
        // NaNs are set apart, so that the comparison of the rest is the plain one.
        var m = 0
        var end = n
        for i in 0..<n {
          let x = (s.base + o[0] + i * ds).loadUnaligned(as: T.self)
          if x.isNotANumber {
            end -= 1
            lane.initializeElement(at: end, to: x)
          } else {
            lane.initializeElement(at: m, to: x)
            m += 1
          }
        }
        var ordered = UnsafeMutableBufferPointer(rebasing: lane[0..<m])
        ordered.sort(by: T.precedes)
        var rest = UnsafeMutableBufferPointer(rebasing: lane[m..<n])
        rest.sort(by: T.precedes)
        for i in 0..<n { (t.base + o[1] + i * dt).storeBytes(of: lane[i], as: T.self) }
      }
    }
  }

  private struct ArgsortLanes: ElementRoutine {
    let source, target: ArrayView
    let axis: Int
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let n = source.shape[axis]
      if source.count == 0 { return }
      let lane = UnsafeMutableBufferPointer<T>.allocate(capacity: n)
      var order = UnsafeMutableBufferPointer<Int>.allocate(capacity: n)
      defer {
        lane.deallocate()
        order.deallocate()
      }
      let (s, t) = (source.dropping(axis: axis, at: 0), target.dropping(axis: axis, at: 0))
      let (ds, dt) = (source.strides[axis], target.strides[axis])
      try Strided.forEach(s.shape, [s.strides, t.strides]) { o throws(MarsError) in
        for i in 0..<n {
          lane.initializeElement(at: i, to: (s.base + o[0] + i * ds).loadUnaligned(as: T.self))
          order.initializeElement(at: i, to: i)
        }
        order.sort { a, b in
          if T.precedes(lane[a], lane[b]) { return true }
          if T.precedes(lane[b], lane[a]) { return false }
          return a < b
        }
        for i in 0..<n { (t.base + o[1] + i * dt).storeBytes(of: Int64(order[i]), as: Int64.self) }
      }
    }
  }

  private struct RowOrder: ElementRoutine {
    let source, target: ArrayView
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let (n, m) = (source.shape[0], source.shape[1])
      let (down, right, base) = (source.strides[0], source.strides[1], source.base)
      var order = UnsafeMutableBufferPointer<Int>.allocate(capacity: n)
      defer { order.deallocate() }
      for i in 0..<n { order.initializeElement(at: i, to: i) }
      order.sort { a, b in
        for j in 0..<m {
          let x = (base + a * down + j * right).loadUnaligned(as: T.self)
          let y = (base + b * down + j * right).loadUnaligned(as: T.self)
          if T.precedes(x, y) { return true }
          if T.precedes(y, x) { return false }
        }
        return a < b
      }
      for i in 0..<n { (target.base + i * target.strides[0]).storeBytes(of: Int64(order[i]), as: Int64.self) }
    }
  }

  private struct Search: ElementRoutine {
    let sorted, values: ArrayView
    let right: Bool
    let target: ArrayView
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let n = sorted.shape[0]
      try Strided.forEach(values.shape, [values.strides, target.strides]) { o throws(MarsError) in
        let x = (values.base + o[0]).loadUnaligned(as: T.self)
        var (lo, hi) = (0, n)
        while lo < hi {
          let mid = (lo + hi) / 2
          let y = (sorted.base + mid * sorted.strides[0]).loadUnaligned(as: T.self)
          if right ? !T.precedes(x, y) : T.precedes(y, x) { lo = mid + 1 } else { hi = mid }
        }
        (target.base + o[1]).storeBytes(of: Int64(lo), as: Int64.self)
      }
    }
  }
}
