import MarsBase

/// The windows through which files are read.
extension Npy {
  /// How a box of an array lies in its file, and how it is read.
  struct Windows {
    /// Extents of the array in the order of the file.
    let shape: [Int]
    /// Of the box.
    let extents: [Int]
    /// `runAxis...` are trailing axes that one contiguous read covers, of `runCount` elements.
    private(set) var runAxis: Int
    private(set) var runCount = 1
    /// Elements from one run to the next along the last outer axis.
    let gap: Int
    /// Whether short runs that lie close together are read as one window along the last outer axis, and how many at a time.
    let joined: Bool
    let perWindow: Int
    /// Bytes of a window.
    let capacity: Int

    init(_ header: Header, _ extents: [Int], windowBytes: Int) {
      let order = Npy.order(header)
      let item = header.dtype.itemSize
      shape = order.map { header.shape[$0] }
      self.extents = order.map { extents[$0] }
      runAxis = shape.count
      while runAxis > 0 {
        runAxis -= 1
        runCount *= self.extents[runAxis]
        if self.extents[runAxis] != shape[runAxis] { break }
      }
      gap = runAxis > 0 ? Shape.rowMajorStrides(shape)[runAxis - 1] : runCount
      joined = runAxis > 0 && runCount * item < shortRun && gap <= mostGap * runCount && gap * item <= windowBytes
      perWindow = joined ? min(self.extents[runAxis - 1], windowBytes / max(1, gap * item)) : 1
      capacity = joined ? perWindow * gap * item : min(runCount * item, windowBytes / item * item)
    }
  }

  /// A Fortran-order file is a C-order file of the transposed array.
  static func order(_ header: Header) -> [Int] {
    header.isFortran ? Array((0..<header.shape.count).reversed()) : Array(0..<header.shape.count)
  }

  /// Most bytes of a window through which a file is read.
  package static let mostWindowBytes = 4 << 20

  /// Most bytes of the window through which a box of these extents, or of smaller ones, is read.
  package static func windowBytes(_ header: Header, _ extents: [Int]) -> Int {
    if extents.contains(0) { return 0 }
    let w = Windows(header, extents, windowBytes: mostWindowBytes)
    // Runs of a smaller box may be short enough to be read together.
    let row = w.gap * header.dtype.itemSize
    let joined = w.runAxis > 0 && row < mostGap * shortRun ? min(mostWindowBytes, row * w.extents[w.runAxis - 1]) : 0
    return max(w.capacity, joined)
  }

  /// Runs of fewer bytes are read together where the next one begins within so many lengths.
  private static let shortRun = 64 << 10
  private static let mostGap = 8
}
