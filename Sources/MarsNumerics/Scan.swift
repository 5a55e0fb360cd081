import MarsBase

extension Lanes {
  package enum Scan: Sendable {
    case sum, product, largest, smallest
    /// Of integers and bool.
    case and, or, xor
    package var isOfBits: Bool {
      switch self {
      case .sum, .product, .largest, .smallest: false
      case .and, .or, .xor: true
      }
    }
  }

  /// Running sum, product, extreme (NaN stays once it has come) or combination of bits along `axis`, in the order of the elements: every step is rounded.
  ///
  /// All views have one dtype, and one shape but for extent 1 of `last` and `before` along `axis`.
  /// - Parameters:
  ///   - before: what the elements so far have come to; nil at the beginning.  May be `last`.
  ///   - last: becomes what all elements have come to; zeros where there are none.
  package static func scan(
    _ kind: Scan, _ source: ArrayView, into target: ArrayView, axis: Int, before: ArrayView?, last: ArrayView
  ) throws(MarsError) {
    let lanes = ScanLanes(kind: kind, source: source, target: target, axis: axis, before: before, last: last)
    guard kind.isOfBits else { return try source.dtype.dispatch(lanes) }
    switch source.dtype.itemSize {
    case 1: try lanes.bits(UInt8.self)
    case 2: try lanes.bits(UInt16.self)
    case 4: try lanes.bits(UInt32.self)
    default: try lanes.bits(UInt64.self)
    }
  }

  private struct ScanLanes: ElementRoutine {
    let kind: Scan
    let source, target: ArrayView
    let axis: Int
    let before: ArrayView?
    let last: ArrayView

    func run<T: Element>(_: T.Type) throws(MarsError) {
      switch kind {
      case .sum: try walk { (a: T, x: T) in T.sum(a, x) }
      case .product: try walk { (a: T, x: T) in T.product(a, x) }
      // NaN is after everything in the order of sorting.
      case .largest: try walk { (a: T, x: T) in T.precedes(a, x) ? x : a }
      case .smallest: try walk { (a: T, x: T) in !a.isNotANumber && (x.isNotANumber || T.precedes(x, a)) ? x : a }
      case .and, .or, .xor: preconditionFailure("bits are combined as unsigned integers")
      }
    }

    func bits<T: Element & FixedWidthInteger>(_: T.Type) throws(MarsError) {
      switch kind {
      case .and: try walk { (a: T, x: T) in a & x }
      case .or: try walk { (a: T, x: T) in a | x }
      case .xor: try walk { (a: T, x: T) in a ^ x }
      case .sum, .product, .largest, .smallest: try run(T.self)
      }
    }

    @inline(__always)
    private func walk<T: Element>(_ step: (T, T) -> T) throws(MarsError) {
      let n = source.shape[axis]
      if n == 0 {
        if let before { StridedCopy.copy(from: before, to: last) } else { Strided.zero(last) }
        return
      }
      if source.count == 0 { return }
      // Lanes side by side where neighbours lie closer than the elements of a lane.
      var beside: Int? = nil
      for k in source.shape.indices where k != axis && source.shape[k] > 1 && abs(target.strides[k]) < abs(target.strides[axis]) {
        if let b = beside, abs(target.strides[b]) <= abs(target.strides[k]) { continue }
        beside = k
      }
      let (ds, dt) = (source.strides[axis], target.strides[axis])
      var gone = [axis]
      if let beside { gone.append(beside) }
      func others(_ v: ArrayView) -> [Int] { v.strides.indices.filter { !gone.contains($0) }.map { v.strides[$0] } }
      let lanes = source.shape.indices.filter { !gone.contains($0) }.map { source.shape[$0] }
      let first = before ?? last
      let m = beside.map { source.shape[$0] } ?? 1
      func across(_ v: ArrayView) -> Int { beside.map { v.strides[$0] } ?? 0 }
      let (js, jt, jf, jl) = (across(source), across(target), across(first), across(last))
      try Strided.forEach(lanes, [others(source), others(target), others(first), others(last)]) { o throws(MarsError) in
        let (s, t) = (source.base + o[0], target.base + o[1])
        let (f, l) = (first.base + o[2], last.base + o[3])
        if m == 1 {
          var acc = s.loadUnaligned(as: T.self)
          if before != nil { acc = step(f.loadUnaligned(as: T.self), acc) }
          t.storeBytes(of: acc, as: T.self)
          let size = MemoryLayout<T>.stride
          if ds == size && dt == size {
            // Distances that the compiler knows: its loop is three times as fast.
            for i in 1..<n {
              acc = step(acc, (s + i &* size).loadUnaligned(as: T.self))
              (t + i &* size).storeBytes(of: acc, as: T.self)
            }
          } else {
            for i in 1..<n {
              acc = step(acc, (s + i &* ds).loadUnaligned(as: T.self))
              (t + i &* dt).storeBytes(of: acc, as: T.self)
            }
          }
          l.storeBytes(of: acc, as: T.self)
          return
        }
        for j in 0..<m {
          var x = (s + j * js).loadUnaligned(as: T.self)
          if before != nil { x = step((f + j * jf).loadUnaligned(as: T.self), x) }
          (t + j * jt).storeBytes(of: x, as: T.self)
        }
        for i in 1..<n {
          let (row, above, here) = (s + i * ds, t + (i - 1) * dt, t + i * dt)
          for j in 0..<m {
            let x = step((above + j * jt).loadUnaligned(as: T.self), (row + j * js).loadUnaligned(as: T.self))
            (here + j * jt).storeBytes(of: x, as: T.self)
          }
        }
        for j in 0..<m {
          (l + j * jl).storeBytes(of: (t + (n - 1) * dt + j * jt).loadUnaligned(as: T.self), as: T.self)
        }
      }
    }
  }
}
