import CLLVM
import MarsBase
import MarsGraph

/// Reductions over the rows of a matrix in lanes of columns.  What is combined so far lies in a buffer in a near cache.
///
/// Where a row's worth of it is small, rows are read one after the other, which is how they lie in memory.  Otherwise a block of rows is read
/// at a time over a strip of columns, one cache line of each row in a step: then every row is read from one line to the next, as processors
/// expect.  Either way the order of additions is the one of a column by itself: blocks of rows in a row, blocks added with compensation.
extension Emitter {
  /// Bytes of a strip of columns in the buffer.
  static let stripBytes = 16384
  /// What every row changes is at most so large where rows are read one by one: an eighth of a first cache, which the rows pass through.
  static let shortRowBytes = 4096

  func emitColumns(_ l: Int, _ k: Int) throws(MarsError) {
    let saved = accumulators[l - 1]
    let states = makeAccumulators(l - 1, copies: 1, blocks: true)
    accumulators[l - 1] = states
    defer { accumulators[l - 1] = saved }
    // What outlives a step, each with its buffer; `isTotal`: a block of rows changes it, not every row.
    var kept: [(slot: IRValue, type: OpaquePointer, itemSize: Int, start: IRValue, isTotal: Bool)] = []
    for a in states {
      let size = a.dtype == .bool ? 1 : a.dtype.itemSize
      if let total = a.total, let error = a.error {
        let none = identity(.sum, a.dtype)
        kept += [(total, a.type, size, none, true), (error, a.type, size, none, true)]
        if layout.takesRowsSingly { kept.append((a.copies[0][0], a.type, size, none, false)) }
      } else {
        kept.append((a.copies[0][0], a.type, size, identity(a.reducer.kind, a.dtype), false))
        if a.copies[0].count == 2 { kept.append((a.copies[0][1], b.vector(b.i64, layout.lanes), 8, b.index(Int.max), false)) }
        if let nan = a.nan { kept.append((nan, a.type, size, b.zero(b.type(a.dtype)), false)) }
      }
    }
    let hasTotals = kept.contains { $0.isTotal }
    let item = kept.map(\.itemSize).max() ?? 8
    let strip = Emitter.stripBytes / item
    let buffers = kept.map { b.buffer($0.type, strip / layout.lanes) }
    func address(_ n: Int, _ vector: IRValue) -> IRValue { b.element(kept[n].type, buffers[n], vector) }
    let n = extents[k]
    let rows = extents[k + 1]
    try b.loop(b.index(0), n, step: strip) { (first) throws(MarsError) in
      let end = first &+ self.b.index(strip)
      let upper = self.b.select(self.b.icmp(.slt, end, n), end, n)
      var at: IRValue { (self.lanePosition! &- first).lshr(self.layout.lanes.trailingZeroBitCount) }
      func load(totals: Bool = true) {
        let at = at
        for (i, s) in kept.enumerated() where totals || !s.isTotal { self.b.store(self.b.load(s.type, address(i, at)), s.slot) }
      }
      func save(totals: Bool = true) {
        let at = at
        for (i, s) in kept.enumerated() where totals || !s.isTotal { self.b.store(self.b.load(s.type, s.slot), address(i, at)) }
      }
      let used = upper &- first &+ self.b.index(self.layout.lanes - 1)
      try self.b.loop(self.b.index(0), used.lshr(self.layout.lanes.trailingZeroBitCount), step: 1) { (c) throws(MarsError) in
        for (i, s) in kept.enumerated() { self.b.store(s.start.splat(self.layout.lanes), address(i, c)) }
      }
      /// Combines rows from `row` on, which `read` enters, into a strip.
      func combine(_ read: (() throws(MarsError) -> Void) throws(MarsError) -> Void) throws(MarsError) {
        try self.open(k, first, upper) { () throws(MarsError) in
          load()
          for a in states where a.total != nil { self.b.store(self.identity(.sum, a.dtype).splat(self.layout.lanes), a.copies[0][0]) }
          self.blockLoop = k + 1
          try read { () throws(MarsError) in
            try self.emitLevel(l - 1)
            for a in states { self.accumulate(a, l - 1) }
          }
          self.blockLoop = nil
          for a in states { self.flush(a) }
          save()
        }
      }
      /// Combines rows one by one into a strip.
      func combineSingly(_ from: IRValue, _ to: IRValue) throws(MarsError) {
        try self.b.loop(from, to, step: 1) { (row) throws(MarsError) in
          try self.open(k, first, upper) { () throws(MarsError) in
            load(totals: false)
            try self.enter(k + 1, row) { () throws(MarsError) in
              try self.emitLevel(l - 1)
              for a in states { self.accumulate(a, l - 1) }
            }
            save(totals: false)
          }
        }
      }
      if self.layout.takesRowsSingly && !hasTotals {
        try combineSingly(self.b.index(0), rows)
      } else if self.layout.takesRowsSingly {
        try self.b.loop(self.b.index(0), rows, step: Emitter.blockSteps) { (row) throws(MarsError) in
          let stop = row &+ self.b.index(Emitter.blockSteps)
          try combineSingly(row, self.b.select(self.b.icmp(.slt, stop, rows), stop, rows))
          try self.open(k, first, upper) { () throws(MarsError) in
            load()
            for a in states { self.flush(a) }
            save()
          }
        }
      } else {
        let whole = rows & self.b.index(-Emitter.blockSteps)
        try self.b.loop(self.b.index(0), whole, step: Emitter.blockSteps) { (row) throws(MarsError) in
          try combine { (body) throws(MarsError) in
            for r in 0..<Emitter.blockSteps { try self.enter(k + 1, row &+ self.b.index(r), body) }
          }
        }
        // What is left of the last block, if anything.
        try self.b.loop(whole, rows, step: Emitter.blockSteps) { (row) throws(MarsError) in
          try combine { (body) throws(MarsError) in try self.open(k + 1, row, rows, body) }
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
