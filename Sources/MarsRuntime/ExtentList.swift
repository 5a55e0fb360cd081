/// Which bytes of a spill file are free.
struct ExtentList {
  private struct Extent: BitwiseCopyable {
    var offset: Int
    var count: Int
  }
  /// Ascending, never adjacent to each other.
  private var holes: [Extent] = []
  /// Length of the file that is in use.
  private(set) var end = 0
  /// Bytes in use.
  private(set) var live = 0

  /// First fit, else behind the end.
  mutating func allocate(_ count: Int) -> Int {
    live += count
    for i in holes.indices where holes[i].count >= count {
      let at = holes[i].offset
      if holes[i].count == count {
        holes.remove(at: i)
      } else {
        holes[i] = Extent(offset: at + count, count: holes[i].count - count)
      }
      return at
    }
    defer { end += count }
    return end
  }

  mutating func free(_ offset: Int, _ count: Int) {
    live -= count
    var lo = 0
    var hi = holes.count
    while lo < hi {
      let mid = (lo + hi) / 2
      if holes[mid].offset < offset { lo = mid + 1 } else { hi = mid }
    }
    holes.insert(Extent(offset: offset, count: count), at: lo)
    if lo + 1 < holes.count && offset + count == holes[lo + 1].offset {
      holes[lo].count += holes[lo + 1].count
      holes.remove(at: lo + 1)
    }
    if lo > 0 && holes[lo - 1].offset + holes[lo - 1].count == offset {
      holes[lo - 1].count += holes[lo].count
      holes.remove(at: lo)
    }
    if let last = holes.last, last.offset + last.count == end {
      end = last.offset
      holes.removeLast()
    }
  }
}
