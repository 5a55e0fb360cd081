import Glibc

/// Copies between strided windows of one dtype and shape.
///
/// Axes are sorted by the destination's strides and collapsed where both sides allow; what is left is copied as rows, as blocked
/// transposes or element by element.  Source and destination must not overlap.
package enum StridedCopy {
  /// Copies every element; shapes and dtypes must be equal.  A view copied to itself stays as it is.
  package static func copy(from: ArrayView, to: ArrayView) {
    precondition(from.dtype == to.dtype && from.shape == to.shape, "a copy is between views of one type")
    if from.base == to.base && from.strides == to.strides { return }
    from.shape.withUnsafeBufferPointer { shape in
      from.strides.withUnsafeBufferPointer { s in
        to.strides.withUnsafeBufferPointer { d in
          copy(from.base, s, to: to.base, d, extents: shape, itemSize: from.dtype.itemSize)
        }
      }
    }
  }

  /// One row of `count` elements.
  package static func copy(
    _ source: UnsafeRawPointer, stride from: Int, to destination: UnsafeMutableRawPointer, stride to: Int, count: Int, itemSize: Int
  ) {
    withUnsafePointer(to: (from, to, count)) { row in
      row.withMemoryRebound(to: Int.self, capacity: 3) { p in
        copy(
          source, UnsafeBufferPointer(start: p, count: 1), to: destination, UnsafeBufferPointer(start: p + 1, count: 1),
          extents: UnsafeBufferPointer(start: p + 2, count: 1), itemSize: itemSize)
      }
    }
  }

  /// The same on bare addresses; strides in bytes, one per axis.
  package static func copy(
    _ source: UnsafeRawPointer, _ sourceStrides: UnsafeBufferPointer<Int>, to destination: UnsafeMutableRawPointer,
    _ destinationStrides: UnsafeBufferPointer<Int>, extents: UnsafeBufferPointer<Int>, itemSize: Int
  ) {
    let rank = extents.count
    for n in extents where n == 0 { return }
    withUnsafeTemporaryAllocation(of: Axis.self, capacity: rank + 1) { axes in
      var count = 0
      var (from, to) = (source, destination)
      for i in 0..<rank where extents[i] != 1 {
        var a = Axis(extent: extents[i], source: sourceStrides[i], destination: destinationStrides[i])
        if a.destination < 0 {
          // Walking the axis backwards on both sides copies the same pairs.
          from += (a.extent - 1) * a.source
          to += (a.extent - 1) * a.destination
          (a.source, a.destination) = (-a.source, -a.destination)
        }
        // Insertion sort, largest destination stride first; ranks are small.
        var k = count
        while k > 0 && axes[k - 1].isInside(a) {
          axes[k] = axes[k - 1]
          k -= 1
        }
        axes[k] = a
        count += 1
      }
      count = collapse(axes, count)
      let loop = Loop(axes: UnsafeBufferPointer(rebasing: axes[..<count]), itemSize: itemSize)
      loop.run(from, to)
    }
  }

  struct Axis: BitwiseCopyable {
    var extent: Int
    var source: Int
    var destination: Int
    /// Whether the axis belongs to the right of `other`.
    func isInside(_ other: Axis) -> Bool {
      destination != other.destination ? destination < other.destination : abs(source) < abs(other.source)
    }
  }

  /// Merges axes that are one run of memory on both sides; returns how many are left.
  private static func collapse(_ axes: UnsafeMutableBufferPointer<Axis>, _ count: Int) -> Int {
    var last = -1
    for i in 0..<count {
      let a = axes[i]
      if last >= 0 && axes[last].source == a.source * a.extent && axes[last].destination == a.destination * a.extent {
        axes[last] = Axis(extent: axes[last].extent * a.extent, source: a.source, destination: a.destination)
      } else {
        last += 1
        axes[last] = a
      }
    }
    return last + 1
  }

  /// The loops over collapsed axes, outermost first.
  private struct Loop {
    let axes: UnsafeBufferPointer<Axis>
    let itemSize: Int

    func run(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
      guard let inner = axes.last else {
        memcpy(to, from, itemSize)
        return
      }
      if inner.source == itemSize && inner.destination == itemSize {
        walk(0, axes.count - 1, from, to) { memcpy($1, $0, inner.extent * itemSize) }
        return
      }
      // A transpose: the source is dense along another axis than the destination.
      if axes.count >= 2 && inner.destination == itemSize {
        for k in 0..<(axes.count - 1) where axes[k].source == itemSize {
          transposes(k, from, to)
          return
        }
      }
      switch itemSize {
      case 1: walk(0, axes.count - 1, from, to) { row(UInt8.self, $0, $1) }
      case 2: walk(0, axes.count - 1, from, to) { row(UInt16.self, $0, $1) }
      case 4: walk(0, axes.count - 1, from, to) { row(UInt32.self, $0, $1) }
      case 8: walk(0, axes.count - 1, from, to) { row(UInt64.self, $0, $1) }
      default: walk(0, axes.count - 1, from, to) { row(SIMD2<UInt64>.self, $0, $1) }
      }
    }

    /// Calls `body` for every position of axes `k..<end`.
    @inline(__always)
    private func walk(
      _ k: Int, _ end: Int, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, skipping: Int = -1,
      _ body: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void
    ) {
      withUnsafeTemporaryAllocation(of: Int.self, capacity: end + 1) { index in
        for i in k..<end { index[i] = 0 }
        var (s, d) = (from, to)
        while true {
          body(s, d)
          var i = end - 1
          while i >= k {
            if i != skipping {
              let a = axes[i]
              index[i] += 1
              s += a.source
              d += a.destination
              if index[i] < a.extent { break }
              s -= a.source * a.extent
              d -= a.destination * a.extent
              index[i] = 0
            }
            i -= 1
          }
          if i < k { return }
        }
      }
    }

    @inline(__always)
    private func row<T: BitwiseCopyable>(_ type: T.Type, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
      let a = axes[axes.count - 1]
      var (s, d) = (from, to)
      if a.source == 0 {
        let v = s.loadUnaligned(as: T.self)
        for _ in 0..<a.extent {
          d.storeBytes(of: v, as: T.self)
          d += a.destination
        }
        return
      }
      for _ in 0..<a.extent {
        d.storeBytes(of: s.loadUnaligned(as: T.self), as: T.self)
        s += a.source
        d += a.destination
      }
    }

    private func transposes(_ k: Int, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
      let end = axes.count - 1
      switch itemSize {
      case 1: walk(0, end, from, to, skipping: k) { transpose(UInt8.self, 64, k, $0, $1) }
      case 2: walk(0, end, from, to, skipping: k) { transpose(UInt16.self, 32, k, $0, $1) }
      case 4: walk(0, end, from, to, skipping: k) { transpose(UInt32.self, 16, k, $0, $1) }
      case 8: walk(0, end, from, to, skipping: k) { transpose(UInt64.self, 16, k, $0, $1) }
      default: walk(0, end, from, to, skipping: k) { transpose(SIMD2<UInt64>.self, 8, k, $0, $1) }
      }
    }

    /// Transposes in square blocks, so that both sides use whole cache lines.
    @inline(__always)
    private func transpose<T: BitwiseCopyable>(
      _ type: T.Type, _ block: Int, _ k: Int, _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer
    ) {
      let (outer, inner) = (axes[k], axes[axes.count - 1])
      let size = MemoryLayout<T>.size
      var i = 0
      while i < outer.extent {
        let iEnd = min(i + block, outer.extent)
        var j = 0
        while j < inner.extent {
          let jEnd = min(j + block, inner.extent)
          for r in i..<iEnd {
            var s = from + r * size + j * inner.source
            var d = to + r * outer.destination + j * size
            for _ in j..<jEnd {
              d.storeBytes(of: s.loadUnaligned(as: T.self), as: T.self)
              s += inner.source
              d += size
            }
          }
          j = jEnd
        }
        i = iEnd
      }
    }
  }
}

extension StridedCopy {
  /// Moves the elements of a window together within its own memory: `to` is its C-order form at the same address.
  ///
  /// Strides of `view` must be those of a C-order array of a larger shape, so that no element moves towards the end.
  package static func compact(_ view: ArrayView, to dense: ArrayView) {
    precondition(view.base == dense.base && view.shape == dense.shape, "a window is compacted in place")
    guard view.count > 0, let last = view.shape.indices.last else { return }
    let row = view.shape[last] * view.dtype.itemSize
    let rows = view.count / view.shape[last]
    var index = [Int](repeating: 0, count: view.rank)
    var source = view.base
    var target = dense.base
    for _ in 0..<rows {
      memmove(target, source, row)
      target += row
      var i = last - 1
      while i >= 0 {
        index[i] += 1
        source += view.strides[i]
        if index[i] < view.shape[i] { break }
        source -= view.strides[i] * view.shape[i]
        index[i] = 0
        i -= 1
      }
    }
  }
}
