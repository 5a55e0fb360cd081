import CLLVM
import MarsBase
import MarsGraph

/// Reductions over the rows of a matrix in lanes of columns: a few rows at a time over a strip of columns.
///
/// What is combined so far lies in a buffer in the nearest cache, so that memory is read along rows.  The order of additions is the one of a
/// column by itself: blocks of rows in a row, blocks added with compensation.
extension Emitter {
  /// Bytes of a strip of columns in the buffer.
  static let stripBytes = 8192
  /// Rows between two looks at the buffer: whole blocks of a sum.
  static let stripRows = 2 * blockSteps

  /// Whether loop k of the last level holds the lanes of columns whose rows are the one loop inside.
  func isColumns(_ l: Int, _ k: Int) -> Bool {
    guard l == facts.lastLevel, l > 0, k == layout.laneLoop, k == layout.loops - 2, layout.level(k + 1) == l - 1, l == 1 else {
      return false
    }
    return layout.lanes >= 32 && facts.weight <= 8 && facts.philoxGroup == 0 && layout.unrolled(k + 1) == 0 && layout.tileLoop != k + 1
      && !layout.isShort(l - 1) && !layout.streams
  }

  func emitColumns(_ l: Int, _ k: Int) throws(MarsError) {
    let saved = accumulators[l - 1]
    let states = makeAccumulators(l - 1, copies: 1, blocks: true)
    accumulators[l - 1] = states
    defer { accumulators[l - 1] = saved }
    // What outlives a block of rows, each with its buffer.
    var kept: [(slot: IRValue, type: OpaquePointer, itemSize: Int, start: IRValue)] = []
    for a in states {
      let size = a.dtype == .bool ? 1 : a.dtype.itemSize
      if let total = a.total, let error = a.error {
        kept += [(total, a.type, size, identity(.sum, a.dtype)), (error, a.type, size, identity(.sum, a.dtype))]
      } else {
        kept.append((a.copies[0][0], a.type, size, identity(a.reducer.kind, a.dtype)))
        if a.copies[0].count == 2 { kept.append((a.copies[0][1], b.vector(b.i64, layout.lanes), 8, b.index(Int.max))) }
        if let nan = a.nan { kept.append((nan, a.type, size, b.zero(b.type(a.dtype)))) }
      }
    }
    let item = kept.map(\.itemSize).max() ?? 8
    let strip = Emitter.stripBytes / item
    let buffers = kept.map { b.buffer($0.type, strip / layout.lanes) }
    func address(_ n: Int, _ vector: IRValue) -> IRValue { b.element(kept[n].type, buffers[n], vector) }
    let n = extents[k]
    let rows = extents[k + 1]
    try b.loop(b.index(0), n, step: strip) { (first) throws(MarsError) in
      let end = first &+ self.b.index(strip)
      let upper = self.b.select(self.b.icmp(.slt, end, n), end, n)
      func load() {
        let at = (self.lanePosition! &- first).lshr(self.layout.lanes.trailingZeroBitCount)
        for (i, s) in kept.enumerated() { self.b.store(self.b.load(s.type, address(i, at)), s.slot) }
      }
      try self.b.loop(self.b.index(0), self.b.index(strip / self.layout.lanes), step: 1) { (c) throws(MarsError) in
        for (i, s) in kept.enumerated() { self.b.store(s.start.splat(self.layout.lanes), address(i, c)) }
      }
      try self.b.loop(self.b.index(0), rows, step: Emitter.stripRows) { (row) throws(MarsError) in
        let stop = row &+ self.b.index(Emitter.stripRows)
        let last = self.b.select(self.b.icmp(.slt, stop, rows), stop, rows)
        try self.open(k, first, upper) { () throws(MarsError) in
          load()
          for a in states where a.total != nil { self.b.store(self.identity(.sum, a.dtype).splat(self.layout.lanes), a.copies[0][0]) }
          try self.b.loop(row, last, step: Emitter.blockSteps) { (block) throws(MarsError) in
            let next = block &+ self.b.index(Emitter.blockSteps)
            let end = self.b.select(self.b.icmp(.slt, next, last), next, last)
            self.isInStrip = true
            try self.openRows(k + 1, block, end) { () throws(MarsError) in
              try self.emitLevel(l - 1)
              for a in states { self.accumulate(a, l - 1) }
            }
            self.isInStrip = false
            for a in states { self.flush(a) }
          }
          let at = (self.lanePosition! &- first).lshr(self.layout.lanes.trailingZeroBitCount)
          for (i, s) in kept.enumerated() { self.b.store(self.b.load(s.type, s.slot), address(i, at)) }
        }
      }
      try self.open(k, first, upper) { () throws(MarsError) in
        load()
        self.states[l - 1] = states.flatMap { a in
          var a = a
          // It may depend on the column.
          if a.firstIndex != nil { a.firstIndex = self.element(self.facts.argCounter[l - 1]).splat(self.layout.lanes) }
          return self.finish(a, fold: false, loops: k + 1..<k + 2)
        }
        self.isReduced = true
        try self.emitLevel(l)
        self.isReduced = false
      }
    }
  }
}
