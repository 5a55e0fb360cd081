import CLLVM
import MarsBase
import MarsGraph

/// argmin and argmax along the lanes: extremes of blocks, then the place in the last block that was better than all before.
///
/// An extreme costs one instruction per vector, an index kept beside it three more; only one block is looked at twice.
extension Emitter {
  /// Elements of a block, and of a block of loops of at least `longLoop` elements: multiples of all vectors of a turn.
  static let argBlock = 1024
  static let longArgBlock = 2048
  static let longLoop = 1 << 14

  /// Whether level l is one arg reduction of cheap values whose lanes lie along its innermost loop.
  ///
  /// Rows of wide elements keep their indices: that costs less than to look at a part of each row twice.
  func isBlockedArg(_ l: Int) -> Bool {
    let level = spec.levels[l]
    guard level.reducers.count == 1, let r = level.reducers.first, r.stateCount == 2, layout.indexGrows(l), layout.laneLoop >= 0,
      layout.laneLoop == layout.loops - 1, layout.level(layout.laneLoop) == l
    else { return false }
    let d = level.program.insts[Int(r.value)].type
    return layout.lanes >= 32 && facts.weight <= 8 && facts.philoxGroup == 0 && d != .bool && (layout.loops == 1 || d.itemSize < 8)
  }

  /// Value and index of the first extreme of level l, whose loops are from..<to.
  func emitFirstExtreme(_ l: Int, _ from: Int, _ to: Int) throws(MarsError) -> [IRValue] {
    let r = spec.levels[l].reducers[0]
    let d = spec.levels[l].program.insts[Int(r.value)].type
    let best = b.slot(b.type(d))
    let index = b.slot(b.i64)
    b.store(identity(r.kind, d), best)
    b.store(b.index(Int.max), index)
    let first = element(facts.argCounter[l])
    try scan(l, from, to - 1, best, index)
    // Nothing beat the neutral element: all elements equal it.
    let found = b.load(b.i64, index)
    return [b.load(b.type(d), best), b.select(b.icmp(.eq, found, b.index(Int.max)) & ~isEmpty(from..<to), first, found)]
  }

  private func scan(_ l: Int, _ j: Int, _ k: Int, _ best: IRValue, _ index: IRValue) throws(MarsError) {
    if j < k {
      return try open(j, b.index(0), extents[j]) { () throws(MarsError) in try self.scan(l, j + 1, k, best, index) }
    }
    let r = spec.levels[l].reducers[0]
    let isMax = r.kind == .argmax
    let d = spec.levels[l].program.insts[Int(r.value)].type
    let n = extents[k]
    let isLong = b.icmp(.sge, n, b.index(Emitter.longLoop))
    let size = b.select(isLong, b.index(Emitter.longArgBlock), b.index(Emitter.argBlock))
    let shift = b.select(
      isLong, b.index(Emitter.longArgBlock.trailingZeroBitCount), b.index(Emitter.argBlock.trailingZeroBitCount))
    // Start of the best block of this run of the loop.
    let start = b.slot(b.i64)
    b.store(b.index(-1), start)
    let saved = accumulators[l]
    let block = Accumulator(
      reducer: Reducer(isMax ? .max : .min, value: r.value), dtype: d, type: b.vector(b.type(d), layout.lanes),
      copies: (0..<laneCopies(k)).map { _ in [b.slot(b.vector(b.type(d), layout.lanes))] },
      nanMask: d.isFloating ? b.slot(maskType(d, layout.lanes)) : nil)
    accumulators[l] = [block]
    try b.loop(b.index(0), (n &+ size &- b.index(1)).lshr(shift), step: 1) { (q) throws(MarsError) in
      let i = q &* size
      let end = i &+ size
      let upper = self.b.select(self.b.icmp(.slt, end, n), end, n)
      for c in block.copies { self.b.store(self.identity(r.kind, d).splat(self.layout.lanes), c[0]) }
      if let mask = block.nanMask { self.b.store(self.b.zero(self.maskType(d, self.layout.lanes)), mask) }
      try self.open(k, i, upper) { () throws(MarsError) in
        try self.emitLevel(l)
        self.accumulate(block, l)
      }
      self.compare(block, isMax, i, best, start)
    }
    accumulators[l] = saved
    try locate(l, k, size, best, start, index)
  }

  /// Takes the extreme of the block at i where it is better than the best.
  private func compare(_ block: Accumulator, _ isMax: Bool, _ i: IRValue, _ best: IRValue, _ start: IRValue) {
    let d = block.dtype
    var parts = block.copies.map { b.load(block.type, $0[0]) }
    func join(_ x: IRValue, _ y: IRValue) -> IRValue {
      d.isFloating ? extreme(block.reducer.kind, x, y) : isMax ? maximum(d, x, y) : minimum(d, x, y)
    }
    while parts.count > 1 { parts = (0..<parts.count / 2).map { join(parts[2 * $0], parts[2 * $0 + 1]) } }
    // One native vector is compared.
    var v = parts[0]
    let native = nativeLanes(d, v.lanes)
    while v.lanes > native { v = join(half(v, 0), half(v, v.lanes / 2)) }
    let old = b.load(b.type(d), best)
    var better: IRValue
    var hasNaN: IRValue?
    if let mask = block.nanMask {
      let m = b.load(maskType(d, layout.lanes), mask)
      better = b.any(b.fcmp(isMax ? .ogt : .olt, v, old.splat(v.lanes)) | m) & b.fcmp(.ord, old, old)
      hasNaN = b.any(m)
    } else {
      better = b.any(b.icmp(isMax ? (d.kind == .signed ? .sgt : .ugt) : d.kind == .signed ? .slt : .ult, v, old.splat(v.lanes)))
    }
    b.when(better) {
      var x = v
      while x.isVector { x = join(self.half(x, 0), self.half(x, x.lanes / 2)) }
      self.b.store(hasNaN.map { self.b.select($0, x.real(.nan), x) } ?? x, best)
      self.b.store(i, start)
    }
  }

  /// The index of the first element of the block at `start` that is the best one; nothing where no block was better.
  private func locate(_ l: Int, _ k: Int, _ size: IRValue, _ best: IRValue, _ start: IRValue, _ index: IRValue) throws(MarsError) {
    let r = spec.levels[l].reducers[0]
    let d = spec.levels[l].program.insts[Int(r.value)].type
    let s = b.load(b.i64, start)
    let wanted = b.load(b.type(d), best).splat(layout.lanes)
    let end = s &+ size
    let upper = b.select(b.icmp(.slt, end, extents[k]), end, extents[k])
    let (entry, head, look, next, hit, after) = (b.block(), b.block(), b.block(), b.block(), b.block(), b.block())
    b.branch(b.icmp(.sge, s, b.index(0)), entry, after)
    b.position(entry)
    b.branch(head)
    b.position(head)
    let i = b.wrap(LLVMBuildPhi(b.b, b.i64, ""))
    b.branch(b.icmp(.slt, i, upper), look, after)
    b.position(look)
    mask = b.icmp(.slt, i &+ b.iota(layout.lanes), upper)
    lanePosition = i
    philoxGroups = [:]
    var matches: IRValue?
    var places: IRValue?
    try enter(k, i) { () throws(MarsError) in
      try self.emitLevel(l)
      let x = self.value(l, r.value).re.splat(self.layout.lanes)
      // Where the best is a number there is no NaN.
      let same = d.isFloating ? self.b.fcmp(.oeq, x, wanted) | x.isNaN() : self.b.icmp(.eq, x, wanted)
      matches = same & self.mask!
      places = self.value(l, r.index).re
    }
    mask = nil
    lanePosition = nil
    let found = matches!
    b.branch(b.any(found), hit, next)
    b.position(next)
    let j = i &+ b.index(layout.lanes)
    b.branch(head)
    add(i, [(s, entry), (j, next)])
    b.position(hit)
    let least = b.select(found, places!, b.index(Int.max).splat(layout.lanes))
    b.store(b.intrinsic("llvm.vector.reduce.umin", [least.type], [least]), index)
    b.branch(after)
    b.position(after)
  }
}
