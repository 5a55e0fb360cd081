import Glibc
import MarsBase

extension Lanes {
  /// Copies the rows (along axis 0) of `source` whose mask element is set to the start of `target`; returns their number.
  package static func select(_ source: ArrayView, mask: ArrayView, into target: ArrayView) throws(MarsError) -> Int {
    let row = source.dropping(axis: 0, at: 0)
    if row.count == 1 { return try source.dtype.dispatchCells(ElementCompression(source: source, mask: mask, target: target)) }
    // A run of selected rows is one copy, or one per row where these have gaps between them.
    let rowBytes = row.count * source.dtype.itemSize
    let isDense = row.isContiguous && target.dropping(axis: 0, at: 0).isContiguous
    let isOneRun = isDense && source.strides[0] == rowBytes && target.strides[0] == rowBytes
    let rows = source.shape[0]
    var n = 0
    var i = 0
    while i < rows {
      guard isSet(mask, i) else {
        i += 1
        continue
      }
      var j = i + 1
      while j < rows && isSet(mask, j) { j += 1 }
      let (from, to) = (source.base + i * source.strides[0], target.base + n * target.strides[0])
      if isOneRun {
        memcpy(to, from, (j - i) * rowBytes)
      } else if isDense {
        for k in 0..<j - i { memcpy(to + k * target.strides[0], from + k * source.strides[0], rowBytes) }
      } else {
        StridedCopy.copy(
          from: source.sliced(axis: 0, start: i, step: 1, count: j - i), to: target.sliced(axis: 0, start: n, step: 1, count: j - i))
      }
      n += j - i
      i = j
    }
    return n
  }

  /// Writes `first` + i (int64) for every set element i of a mask to the start of `target`; returns how many there are.
  package static func positions(of mask: ArrayView, first: Int, into target: ArrayView) -> Int {
    let (base, step) = (target.base, target.strides[0])
    if step == 8 {
      return compress(mask, room: target.shape[0]) { n, i in
        (base + n &* 8).storeBytes(of: Int64(truncatingIfNeeded: first &+ i), as: Int64.self)
      }
    }
    return compress(mask, room: target.shape[0]) { n, i in
      (base + n &* step).storeBytes(of: Int64(truncatingIfNeeded: first &+ i), as: Int64.self)
    }
  }

  @inline(__always)
  private static func isSet(_ mask: ArrayView, _ i: Int) -> Bool { (mask.base + i * mask.strides[0]).load(as: UInt8.self) != 0 }

  private struct ElementCompression: CellRoutine {
    let source, mask, target: ArrayView
    func run<C: BitwiseCopyable>(_: C.Type) throws(MarsError) -> Int {
      let (from, step) = (source.base, source.strides[0])
      let (to, width) = (target.base, target.strides[0])
      if width == MemoryLayout<C>.size && step == width {
        let size = MemoryLayout<C>.size
        return Lanes.compress(mask, room: target.shape[0]) { n, i in
          (to + n &* size).storeBytes(of: (from + i &* size).loadUnaligned(as: C.self), as: C.self)
        }
      }
      return Lanes.compress(mask, room: target.shape[0]) { n, i in
        (to + n &* width).storeBytes(of: (from + i &* step).loadUnaligned(as: C.self), as: C.self)
      }
    }
  }

  /// Calls `put(n, i)` for every set element i of a mask, of which n are set before it; returns how many are set.
  ///
  /// `put` is also called for elements that are not set, and must do no more than write place n, which is written again: a random mask
  /// would be a mispredicted branch every few elements otherwise.  No place from `room` on is written.
  @inline(__always)
  private static func compress(_ mask: ArrayView, room: Int, _ put: (_ n: Int, _ i: Int) -> Void) -> Int {
    let rows = mask.shape[0]
    let (m, step) = (mask.base, mask.strides[0])
    var n = 0
    var i = 0
    if step == 1 {
      // Eight at a time, so that stretches in which nothing is set cost little.
      while i &+ 8 <= rows && n &+ 8 <= room {
        let word = (m + i).loadUnaligned(as: UInt64.self)
        if word != 0 {
          // One in every byte that is not 0; the product has in every byte how many there are up to it.
          let isSet = ((((word & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F) | word) >> 7) & 0x0101_0101_0101_0101
          let upTo = isSet &* 0x0101_0101_0101_0101
          put(n, i)
          for k in 1..<8 {
            put(n &+ Int(truncatingIfNeeded: (upTo &>> UInt64(truncatingIfNeeded: 8 &* k &- 8)) & 0xFF), i &+ k)
          }
          n &+= Int(truncatingIfNeeded: upTo &>> 56)
        }
        i &+= 8
      }
    }
    while i < rows {
      if (m + i &* step).load(as: UInt8.self) != 0 {
        put(n, i)
        n &+= 1
      }
      i &+= 1
    }
    return n
  }
}
