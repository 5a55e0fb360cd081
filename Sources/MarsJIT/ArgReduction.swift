import CLLVM
import MarsBase
import MarsGraph

/// argmin and argmax along the lanes, of cheap values: extremes of blocks, then the place in the last block that was better than all before.
///
/// An extreme costs one instruction per vector, an index kept beside it two more; only one block is looked at twice.  Rows of wide elements
/// keep their indices: that costs no more than to look at a part of each row twice.  NaN is kept apart, and only a row that has one is searched.
extension Emitter {
  /// Elements of a block, and of a block of loops of at least `longLoop` elements: multiples of all vectors of a turn.
  static let argBlock = 1024
  static let longArgBlock = 2048
  static let longLoop = 1 << 14

  /// Whether level l is one arg reduction of cheap values whose lanes lie along its innermost loop.
  private func isArgAlongLanes(_ l: Int) -> Bool {
    let level = spec.levels[l]
    guard level.reducers.count == 1, let r = level.reducers.first, r.stateCount == 2, layout.indexGrows(l), layout.laneLoop >= 0,
      layout.laneLoop == layout.loops - 1, layout.level(layout.laneLoop) == l
    else { return false }
    return facts.weight <= 8 && facts.philoxGroup == 0 && level.program.insts[Int(r.value)].type != .bool
  }

  /// Whether blocks of level l are looked at for their extremes.
  func isBlockedArg(_ l: Int) -> Bool {
    guard isArgAlongLanes(l), layout.lanes >= 32 else { return false }
    return layout.loops == 1 || spec.levels[l].program.insts[Int(spec.levels[l].reducers[0].value)].type.itemSize < 8
  }

  /// Whether level l is one loop whose lanes keep the places of their extremes.
  func isArgOfRow(_ l: Int) -> Bool {
    let k = levelDepth[l] - 1
    return isArgAlongLanes(l) && !isBlockedArg(l) && layout.lanes >= 8 && levelDepth[l + 1] == k && layout.unrolled(k) == 0
  }

  /// Value and index of the first extreme of level l, whose one loop is k.
  func emitExtremeOfRow(_ l: Int, _ k: Int) throws(MarsError) -> [IRValue] {
    let r = spec.levels[l].reducers[0]
    let kind: ReduceKind = r.kind == .argmax ? .max : .min
    let d = spec.levels[l].program.insts[Int(r.value)].type
    let (t, places) = (b.vector(b.type(d), layout.lanes), b.slot(b.vector(b.i64, layout.lanes)))
    let row = Accumulator(
      reducer: Reducer(kind, value: r.value), dtype: d, type: t, copies: [[b.slot(t)]],
      nanMask: d.isFloating ? b.slot(maskType(d, layout.lanes)) : nil)
    let neutral = identity(r.kind, d).splat(layout.lanes)
    b.store(neutral, row.copies[0][0])
    b.store(b.index(0).splat(layout.lanes), places)
    if let mask = row.nanMask { b.store(b.zero(maskType(d, layout.lanes)), mask) }
    let first = element(facts.argCounter[l])
    let saved = accumulators[l]
    accumulators[l] = [row]
    try open(k, b.index(0), extents[k], head: true) { () throws(MarsError) in
      try self.emitLevel(l)
      let x = self.value(l, r.value).re.splat(self.layout.lanes)
      let known = self.mask.map { self.b.select($0, x, neutral) } ?? x
      let old = self.b.load(t, row.copies[0][0])
      // The start of the vector says where its lanes are; equal values do not replace, as their indices are larger.
      let place = self.lanePosition!.splat(self.layout.lanes)
      self.b.store(self.b.select(self.beats(kind, d, known, old), place, self.b.load(place.type, places)), places)
      self.accumulate(row, l)
    }
    accumulators[l] = saved

    let values = b.load(t, row.copies[0][0])
    var x = values
    while x.isVector { x = joined(kind, d, half(x, 0), half(x, x.lanes / 2)) }
    let isBest = d.isFloating ? b.fcmp(.oeq, values, x.splat(layout.lanes)) : b.icmp(.eq, values, x.splat(layout.lanes))
    // Where nothing beat the neutral element, the first lane has the first element.
    let candidates = b.load(b.vector(b.i64, layout.lanes), places) &+ b.iota(layout.lanes)
    let least = b.select(isBest, candidates, b.index(Int.max).splat(layout.lanes))
    let place = b.intrinsic("llvm.vector.reduce.umin", [least.type], [least])
    let found = first &+ place &* strides[operand(counter: facts.argCounter[l])][k]
    let index = b.slot(b.i64)
    b.store(b.select(isEmpty(k..<k + 1), b.index(Int.max), found), index)
    guard let mask = row.nanMask else { return [x, b.load(b.i64, index)] }
    let hasNaN = b.any(b.load(maskType(d, layout.lanes), mask))
    let (best, start) = (b.slot(b.type(d)), b.slot(b.i64))
    b.store(b.select(hasNaN, x.real(.nan), x), best)
    b.store(b.select(hasNaN, b.index(0), b.index(-1)), start)
    try locate(l, k, extents[k], best, start, index)
    return [b.load(b.type(d), best), b.load(b.i64, index)]
  }

  /// Lanes in which x is more extreme than y; NaN never is.
  private func beats(_ kind: ReduceKind, _ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    let isMax = kind == .max
    if d.isFloating { return b.fcmp(isMax ? .ogt : .olt, x, y) }
    return b.icmp(isMax ? (d.kind == .signed ? .sgt : .ugt) : d.kind == .signed ? .slt : .ult, x, y)
  }

  /// The more extreme of numbers.
  private func joined(_ kind: ReduceKind, _ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    d.isFloating ? extreme(kind, x, y) : kind == .max ? maximum(d, x, y) : minimum(d, x, y)
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
      self.compare(block, i, best, start)
    }
    accumulators[l] = saved
    try locate(l, k, size, best, start, index)
  }

  /// Takes the extreme of the block at i where it is better than the best.
  private func compare(_ block: Accumulator, _ i: IRValue, _ best: IRValue, _ start: IRValue) {
    let d = block.dtype
    var parts = block.copies.map { b.load(block.type, $0[0]) }
    let kind = block.reducer.kind
    func join(_ x: IRValue, _ y: IRValue) -> IRValue { joined(kind, d, x, y) }
    while parts.count > 1 { parts = (0..<parts.count / 2).map { join(parts[2 * $0], parts[2 * $0 + 1]) } }
    // One native vector is compared.
    var v = parts[0]
    let native = nativeLanes(d, v.lanes)
    while v.lanes > native { v = join(half(v, 0), half(v, v.lanes / 2)) }
    let old = b.load(b.type(d), best)
    let beaten = beats(kind, d, v, old.splat(v.lanes))
    var better = b.any(beaten)
    var hasNaN: IRValue?
    if let mask = block.nanMask {
      let m = b.load(maskType(d, layout.lanes), mask)
      better = b.any(beaten | m) & b.fcmp(.ord, old, old)
      hasNaN = b.any(m)
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
