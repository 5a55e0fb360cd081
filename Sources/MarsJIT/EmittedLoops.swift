import CLLVM
import MarsBase
import MarsGraph

extension Emitter {
  /// Rows of a tile of a transposed read.
  static let tileRows = 32
  /// Rows of a tile that are read at once.
  static let tileGroup = 8
  /// Weight from which a kernel has one body only, which is masked.
  static let heavy = 50

  /// Opens the loops of level `l` that are numbered `from` and up, then runs `body`.
  func openLevel(_ l: Int, from k: Int, _ body: () throws(MarsError) -> Void) throws(MarsError) {
    guard k < layout.loops, layout.level(k) == l else { return try body() }
    if layout.areColumns && k == layout.laneLoop { return try emitColumns(l, k) }
    if layout.tileLoop == k + 1 && layout.level(k + 1) == l {
      // Loop k is the lane loop, k+1 runs inside in tiles around both.
      let n = extents[k + 1]
      try b.loop(b.index(0), n, step: Emitter.tileRows) { (t) throws(MarsError) in
        let end = t &+ b.index(Emitter.tileRows)
        let upper = b.select(b.icmp(.slt, end, n), end, n)
        try self.open(k, b.index(0), self.extents[k], head: true) { () throws(MarsError) in
          try self.openRows(k + 1, t, upper) { () throws(MarsError) in try self.openLevel(l, from: k + 2, body) }
        }
      }
      return
    }
    try open(k, b.index(0), extents[k], head: true) { () throws(MarsError) in try self.openLevel(l, from: k + 1, body) }
  }

  /// Rows inside the lanes: in groups, which in tiles are read at once and transposed in registers, where lanes are whole; the rest one by one.
  func openRows(_ k: Int, _ lower: IRValue, _ upper: IRValue, _ body: () throws(MarsError) -> Void) throws(MarsError) {
    let isTile = layout.tileLoop == k
    if facts.weight > 8 || isTile && mask != nil {
      return try open(k, lower, upper, body)
    }
    let n = isTile ? Emitter.tileGroup : Emitter.rowCopies
    let groups = (upper &- lower) & b.index(-n)
    let middle = lower &+ groups
    try b.loop(lower, middle, step: n) { (i) throws(MarsError) in
      for r in 0..<n {
        if isTile { self.tileRow = r }
        self.copy = r
        try self.enter(k, i &+ self.b.index(r), body)
      }
      self.copy = 0
      self.tileRow = nil
      self.tiles = [:]
    }
    try open(k, middle, upper, body)
  }

  /// Runs `body` for the positions lower..<upper of loop k.
  ///
  /// `head`: the range starts the loop, which for lanes may mean to start below 0 so that Philox groups are whole.
  func open(_ k: Int, _ lower: IRValue, _ upper: IRValue, head: Bool = false, _ body: () throws(MarsError) -> Void) throws(MarsError) {
    if k == layout.laneLoop { return try openLanes(head ? laneStart(upper) : lower, upper, body) }
    let n = layout.unrolled(k)
    if n > 0 {
      for r in 0..<n {
        unrolledStep = r
        try enter(k, b.index(r), body)
      }
      unrolledStep = 0
      return
    }
    try b.loop(lower, upper, step: 1) { (i) throws(MarsError) in try self.enter(k, i, body) }
  }

  /// Moves the cursors to position i of loop k and emits what can be computed there.
  func enter(_ k: Int, _ i: IRValue, _ body: () throws(MarsError) -> Void) throws(MarsError) {
    let saved = cursor
    for o in 0..<facts.operands where layout.stride(o, k) != .zero {
      let step = i &* strides[o][k]
      cursor[o] = isCounter(o) ? cursor[o] &+ step : b.offset(cursor[o], bytes: step)
    }
    try emitEarly(k + 1)
    try body()
    cursor = saved
  }

  /// The lane loop: whole vectors by one body, the ends by a masked copy of it.
  private func openLanes(_ lower: IRValue, _ upper: IRValue, _ body: () throws(MarsError) -> Void) throws(MarsError) {
    let k = layout.laneLoop
    let before = b.here
    let (head, ends, after) = (b.block(), b.block(), b.block())
    b.branch(head)

    b.position(head)
    let i = b.wrap(LLVMBuildPhi(b.b, b.i64, ""))
    if facts.weight >= Emitter.heavy && !layout.streams {
      // Masks cost nothing beside much arithmetic, a second copy of the body costs compile time.
      b.branch(b.icmp(.slt, i, upper), ends, after)
      b.position(ends)
      let last = try maskedBody(i, upper, head, body)
      add(i, [(lower, before), (last.next, last.block)])
      b.position(after)
      return
    }
    let (more, whole, wholeAgain) = (b.block(), b.block(), b.block())
    b.branch(b.icmp(.slt, i, upper), more, after)
    b.position(more)
    let copies = laneCopies(k)
    let step = b.index(layout.lanes * copies)
    let isWhole = b.icmp(.sge, i, b.index(0)) & b.icmp(.sle, i &+ step, upper)
    b.branch(isWhole, whole, ends)

    b.position(whole)
    let j = b.wrap(LLVMBuildPhi(b.b, b.i64, ""))
    for c in 0..<copies {
      copy = c
      let position = c == 0 ? j : j &+ b.index(c * layout.lanes)
      lanePosition = position
      philoxGroups = [:]
      try enter(k, position, body)
    }
    copy = 0
    let next = j &+ step
    let lastWhole = b.here
    b.branch(b.icmp(.sle, next &+ step, upper), whole, wholeAgain)
    add(j, [(i, more), (next, lastWhole)])
    b.position(wholeAgain)
    b.branch(head)

    b.position(ends)
    let last = layout.overlaps ? try overlappingBody(i, upper, head, body) : try maskedBody(i, upper, head, body)
    add(i, [(lower, before), (next, wholeAgain), (last.next, last.block)])
    b.position(after)
  }

  /// The body for the last whole vector of the loop: elements that have been combined already change nothing.
  private func overlappingBody(
    _ i: IRValue, _ upper: IRValue, _ head: OpaquePointer, _ body: () throws(MarsError) -> Void
  ) throws(MarsError) -> (next: IRValue, block: OpaquePointer) {
    let end = upper &- b.index(layout.lanes)
    let position = b.select(b.icmp(.slt, i, end), i, end)
    lanePosition = position
    philoxGroups = [:]
    try enter(layout.laneLoop, position, body)
    lanePosition = nil
    let next = i &+ b.index(layout.lanes)
    let block = b.here
    b.branch(head)
    return (next, block)
  }

  /// Accumulators of a reduction along the lane loop, each with a vector per turn.
  ///
  /// An extreme waits for the one before (compare, then select), so that one accumulator would leave the memory idle.
  func laneCopies(_ k: Int) -> Int {
    let level = spec.levels[layout.level(k)]
    let reducers = level.reducers
    guard k == layout.loops - 1, facts.weight <= 8, facts.philoxGroup == 0, !reducers.isEmpty else { return 1 }
    var isIndexed = false
    var bytes = 0
    for r in reducers {
      switch r.kind {
      case .min, .max: break
      case .argmin, .argmax: isIndexed = true
      case .sum, .prod, .fmin, .fmax, .and, .or, .xor: return 1
      }
      bytes += layout.lanes * level.program.insts[Int(r.value)].type.itemSize
    }
    if isIndexed && !isBlockedArg(layout.level(k)) { return isArgOfRow(layout.level(k)) ? 1 : 2 }
    // Half of 32 vector registers.
    return max(1, min(Emitter.rowCopies, 512 / bytes))
  }

  /// The body for the positions i..<i+lanes that lie in 0..<upper; leaves from `block` to `head`.
  private func maskedBody(_ i: IRValue, _ upper: IRValue, _ head: OpaquePointer, _ body: () throws(MarsError) -> Void) throws(MarsError)
    -> (
      next: IRValue, block: OpaquePointer
    )
  {
    let position = i &+ b.iota(layout.lanes)
    mask = b.icmp(.sge, position, b.index(0)) & b.icmp(.slt, position, upper)
    lanePosition = i
    philoxGroups = [:]
    try enter(layout.laneLoop, i, body)
    mask = nil
    lanePosition = nil
    let next = i &+ b.index(layout.lanes)
    let block = b.here
    b.branch(head)
    return (next, block)
  }

  func add(_ phi: IRValue, _ incoming: [(IRValue, OpaquePointer)]) {
    var values: [OpaquePointer?] = incoming.map(\.0.ref)
    var blocks: [OpaquePointer?] = incoming.map(\.1)
    LLVMAddIncoming(phi.ref, &values, &blocks, UInt32(incoming.count))
  }

  /// 0, or the negative position at which the Philox group of the first element starts.
  func laneStart(_ upper: IRValue) -> IRValue {
    let group = facts.philoxGroup
    guard group > 0 else { return b.index(0) }
    for c in 0..<facts.counterCount {
      let o = operand(counter: c)
      let s = layout.stride(o, layout.laneLoop)
      var k = 1
      if s == .packed {
        k = layout.unrolled(layout.loops - 1)
      } else if s != .unit {
        continue
      }
      // The least h >= 0 with k*h == index (mod group).
      let common = min(k & -k, group)
      let modulus = group / common
      var inverse = 1
      while (k / common * inverse) % modulus != 1 % modulus { inverse += 1 }
      let rest = (cursor[o] & b.index(group - 1)).lshr(common.trailingZeroBitCount)
      let h = (rest &* b.index(inverse)) & b.index(modulus - 1)
      return b.select(b.icmp(.sgt, upper, b.index(0)), b.index(0) &- h, b.index(0))
    }
    return b.index(0)
  }
}
