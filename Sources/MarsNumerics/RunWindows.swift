import MarsBase

/// Which parts of sorted runs hold the elements of a stretch of the sorted whole, from a few elements of every run.
///
/// A vector is sorted run by run; runs consist of pieces, of which the first elements, the samples, are known.  From the order of all samples
/// follows how many elements come before each at least and at most, and so which pieces can hold elements of given ranks.  Equal elements
/// are in the order of runs and of places in them, so that pieces are bounded for whatever values.  The method is that of parallel sorting
/// by regular sampling (Shi and Schaeffer 1992), with bounds of ranks in place of splitters.
package struct RunWindows {
  package let count, run, piece, stretch: Int

  /// - Parameters:
  ///   - count: elements of the vector.
  ///   - run: elements of a run, a multiple of `piece`; the last run may be shorter.
  ///   - stretch: elements of the sorted whole that are looked for at a time.
  package init(count: Int, run: Int, piece: Int, stretch: Int) {
    self.count = count
    self.run = run
    self.piece = piece
    self.stretch = stretch
  }

  package var runs: Int { count.dividedRoundingUp(by: run) }
  package var stretches: Int { count.dividedRoundingUp(by: stretch) }
  package var pieces: Int { count.dividedRoundingUp(by: piece) }

  /// Writes, to int64 [stretches, 2, runs], for every stretch of the whole the first piece of each run that is needed for it, and the one
  /// behind the last.
  package func find(_ samples: ArrayView, into target: ArrayView, workspace: Workspace?) throws(MarsError) {
    let n = pieces
    let own = Self.ownBytes(n, runs)
    try Scratch.with(workspace, byteCount: Self.workspace(samples: n, runs: runs, samples.dtype)) { memory throws(MarsError) in
      let order = memory.assumingMemoryBound(to: Int64.self)
      let rest = Workspace(
        UnsafeMutableRawBufferPointer(start: memory + own, count: Ordering.workspace(n, rank: 1, samples.dtype, indices: true)))
      // Stable: of equal samples that of the earlier run comes first.
      try Ordering.argsort(samples, into: ArrayView(base: memory, dtype: .int64, shape: [n]), axis: 0, workspace: rest)
      let met = (memory + 8 * n).assumingMemoryBound(to: Int.self)
      sweep(order, n, target, first: true, met)
      sweep(order, n, target, first: false, met)
    }
  }

  private static func ownBytes(_ samples: Int, _ runs: Int) -> Int { LaneBlocks.aligned(8 * (samples + 2 * runs)) }

  /// Bytes of scratch.
  package static func workspace(samples: Int, runs: Int, _ d: DType) -> Int {
    ownBytes(samples, runs) + Ordering.workspace(samples, rank: 1, d, indices: true)
  }

  /// Goes through samples in order.  Before a sample come all elements of the pieces met so far at most; at least all but what may follow it
  /// in the last piece met of every run.
  private func sweep(
    _ order: UnsafePointer<Int64>, _ n: Int, _ target: ArrayView, first: Bool, _ met: UnsafeMutablePointer<Int>
  ) {
    let perRun = run / piece
    met.initialize(repeating: 0, count: 2 * runs)
    let open = met + runs
    var (most, loose) = (0, 0)
    var k = 0
    /// Rank at which the stretch begins, or ends.
    func rank(_ k: Int) -> Int { first ? k * stretch : min(count, (k + 1) * stretch) }
    func note(_ k: Int) {
      for r in 0..<runs {
        let p = target.base + k * target.strides[0] + (first ? 0 : target.strides[1]) + r * target.strides[2]
        // What follows the last sample before the stretch, in its piece, may belong to it.
        p.storeBytes(of: Int64(first ? max(met[r] - 1, 0) : met[r]), as: Int64.self)
      }
    }
    for i in 0..<n {
      while k < stretches && (first ? most > rank(k) : most - loose >= rank(k)) {
        note(k)
        k += 1
      }
      let s = Int(order[i])
      let r = s / perRun
      let size = min(piece, count - s * piece)
      met[r] += 1
      most += size
      loose += size - 1 - open[r]
      open[r] = size - 1
    }
    while k < stretches {
      note(k)
      k += 1
    }
  }
}
