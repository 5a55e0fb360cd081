import CLLVM
import MarsBase
import MarsGraph

/// The state of one reducer while its loops run.
struct Accumulator {
  let reducer: Reducer
  let dtype: DType
  /// Type of the value slot.
  let type: OpaquePointer
  /// Value (and index) slots that elements are combined into; several copies, so that one step need not wait for the one before.
  var copies: [[IRValue]]
  /// Arg reductions: the index of the first element, where indices only grow.
  var firstIndex: IRValue?
  /// Float minima and maxima: a NaN in the lanes that have met one.  Kept apart, an extreme is one instruction that waits for the last.
  var nan: IRValue?
  /// The same where lanes are folded in the end: a mask of one native vector, which says only that there was a NaN.
  var nanMask: IRValue?
  /// Float sums: running total and its error, into which blocks are added.
  var total: IRValue?
  var error: IRValue?
  var totalLanes = 1
}

/// The order of float sums.
///
/// It is a function of the spec and of the layout: the extents of the loops left after merging, the choice of the lane loop, and whether rows
/// inside the lanes go in groups.  So the same call gives the same bits in any process, on AVX2 and AVX-512, in both tiers, and wherever the
/// arrays lie; but a sum over merged axes, over a strided view, or inside another fused kernel may add in another order than the sum of a
/// contiguous copy.  Then results agree to a few ULP: sums within blocks of `blockSteps` vectors, blocks folded to `totalBytes` and added with compensation.
extension Emitter {
  /// Vectors that a float sum adds up before the block is added to the compensated total: keeps the error near that of pairwise summation.
  static let blockSteps = 16
  /// Size of the compensated total where lanes are folded: wider sums of blocks are folded to it, as compensation costs six additions.
  static let totalBytes = 64

  /// Runs the loops of level l and leaves the results of its reducers in `states[l]`.
  func emitReduction(_ l: Int) throws(MarsError) {
    let lanes = isVector(l) ? layout.lanes : 1
    let from = levelDepth[l + 1]
    let to = levelDepth[l]
    // A single unrolled loop is a handful of additions: no blocks.
    let isShort = layout.isShort(l) || to == from || to == from + 1 && layout.unrolled(from) > 0
    if isBlockedArg(l) {
      states[l] = try emitFirstExtreme(l, from, to)
      return
    }
    if isArgOfRow(l) {
      states[l] = try emitExtremeOfRow(l, from)
      return
    }
    let saved = accumulators[l]
    // Wide lanes are independent sums already, and more of them do not fit the registers.
    let isAlongLanes = layout.laneLoop == to - 1 && to > from
    let copies = inRows(l, to - 1) && lanes <= 16 ? Emitter.rowCopies : isAlongLanes ? laneCopies(to - 1) : 1
    accumulators[l] = makeAccumulators(l, copies: copies, blocks: !isShort)
    let blocked = accumulators[l].contains { $0.total != nil }
    try reduceLoops(l, from, to, blocked)
    states[l] = accumulators[l].flatMap { finish($0, fold: foldsLanes(l), loops: from..<to) }
    accumulators[l] = saved
  }

  /// Lanes of this level's own loop are folded; lanes of a level above stay.
  func foldsLanes(_ l: Int) -> Bool { layout.laneLoop >= 0 && layout.level(layout.laneLoop) == l }

  /// Slots with neutral elements; `blocks`: float sums add up blocks with compensation.
  func makeAccumulators(_ l: Int, copies: Int, blocks: Bool) -> [Accumulator] {
    let lanes = isVector(l) ? layout.lanes : 1
    return spec.levels[l].reducers.map { r in
      let d = spec.levels[l].program.insts[Int(r.value)].type
      let t = b.vector(b.type(d), lanes)
      var a = Accumulator(reducer: r, dtype: d, type: t, copies: [])
      for _ in 0..<copies {
        var slots = [b.slot(t)]
        b.store(identity(r.kind, d).splat(lanes), slots[0])
        if r.stateCount == 2 {
          slots.append(b.slot(b.vector(b.i64, lanes)))
          b.store(b.index(Int.max).splat(lanes), slots[1])
        }
        a.copies.append(slots)
      }
      if r.stateCount == 2 && layout.indexGrows(l) { a.firstIndex = element(facts.argCounter[l]).splat(lanes) }
      if d.isFloating && (r.kind == .min || r.kind == .max) {
        let slotType = foldsLanes(l) && lanes > 1 ? maskType(d, lanes) : t
        let slot = b.slot(slotType)
        b.store(b.zero(slotType), slot)
        if foldsLanes(l) && lanes > 1 { a.nanMask = slot } else { a.nan = slot }
      }
      if r.kind == .sum && d.isFloating && blocks {
        let n = foldsLanes(l) ? min(lanes, Emitter.totalBytes / d.itemSize) : lanes
        let none = identity(.sum, d).splat(n)
        let (total, error) = (b.slot(none.type), b.slot(none.type))
        b.store(none, total)
        b.store(none, error)
        (a.total, a.error, a.totalLanes) = (total, error, n)
      }
      return a
    }
  }

  /// Lanes of a native vector of `d`, at most `lanes`.
  func nativeLanes(_ d: DType, _ lanes: Int) -> Int { min(lanes, b.nativeDoubles * 8 / d.itemSize) }
  func maskType(_ d: DType, _ lanes: Int) -> OpaquePointer { b.vector(b.i1, nativeLanes(d, lanes)) }

  /// True lanes where x has a NaN, in one native vector: a comparison looks at two vectors at once.
  func unordered(_ x: IRValue, _ d: DType) -> IRValue {
    let n = nativeLanes(d, x.lanes)
    let parts = stride(from: 0, to: x.lanes, by: n).map { b.slice(x, $0, n) }
    return stride(from: 0, to: parts.count, by: 2).map { b.fcmp(.uno, parts[$0], parts[min($0 + 1, parts.count - 1)]) }.reduce(nil) {
      (a: IRValue?, m: IRValue) in a.map { $0 | m } ?? m
    }!
  }

  /// Accumulators of a loop inside the lanes.
  static let rowCopies = 4

  /// Whether loop k, the innermost of level l, runs inside the lanes of a level above in groups of rows.
  private func inRows(_ l: Int, _ k: Int) -> Bool {
    k >= 0 && k == layout.loops - 1 && layout.level(k) == l && isVector(l) && layout.level(layout.laneLoop) > l && layout.unrolled(k) == 0
      && facts.weight <= 8
  }

  private func reduceLoops(_ l: Int, _ k: Int, _ end: Int, _ blocked: Bool) throws(MarsError) {
    let body = { () throws(MarsError) in
      try self.emitLevel(l)
      for a in self.accumulators[l] { self.accumulate(a, l) }
    }
    if k == end { return try body() }
    if k < end - 1 || !blocked || layout.unrolled(k) > 0 {
      if k == end - 1 && inRows(l, k) {
        try openRows(k, b.index(0), extents[k], body)
      } else {
        try open(k, b.index(0), extents[k], head: true) { () throws(MarsError) in try self.reduceLoops(l, k + 1, end, blocked) }
      }
      if k == end - 1 && blocked { for a in accumulators[l] { flush(a) } }
      return
    }
    let step = Emitter.blockSteps * (k == layout.laneLoop ? layout.lanes : 1)
    let start = k == layout.laneLoop ? laneStart(extents[k]) : b.index(0)
    try b.loop(start, extents[k], step: step) { (i) throws(MarsError) in
      let stop = i &+ self.b.index(step)
      let upper = self.b.select(self.b.icmp(.slt, stop, self.extents[k]), stop, self.extents[k])
      if self.inRows(l, k) { try self.openRows(k, i, upper, body) } else { try self.open(k, i, upper, body) }
      for a in self.accumulators[l] { self.flush(a) }
    }
  }

  func accumulate(_ a: Accumulator, _ l: Int) {
    let lanes = isVector(l) ? layout.lanes : 1
    let slots = a.copies[copy % a.copies.count]
    let old = b.load(a.type, slots[0])
    let x = value(l, a.reducer.value).re.splat(lanes)
    // A mask concerns this level only if its own loops hold the lanes.
    let m = layout.laneLoop >= 0 && layout.level(layout.laneLoop) == l ? mask : nil
    if slots.count == 2 {
      let oldIndex = b.load(b.vector(b.i64, lanes), slots[1])
      let index = value(l, a.reducer.index).re.splat(lanes)
      var better: IRValue
      if a.firstIndex != nil {
        // Equal values do not replace, as their indices are larger.
        let isMax = a.reducer.kind == .argmax
        if a.dtype.isFloating {
          better = b.fcmp(isMax ? .ugt : .ult, x, old) & b.fcmp(.ord, old, old)
        } else {
          better = b.icmp(isMax ? (a.dtype.kind == .signed ? .sgt : .ugt) : a.dtype.kind == .signed ? .slt : .ult, x, old)
        }
      } else {
        better = wins(a.reducer.kind, a.dtype, (x, index), (old, oldIndex))
      }
      if let m { better = better & m }
      b.store(b.select(better, x, old), slots[0])
      b.store(b.select(better, index, oldIndex), slots[1])
      return
    }
    let known = m.map { b.select($0, x, identity(a.reducer.kind, a.dtype).splat(lanes)) } ?? x
    if let mask = a.nanMask {
      b.store(extreme(a.reducer.kind, known, old), slots[0])
      b.store(b.load(maskType(a.dtype, lanes), mask) | unordered(known, a.dtype), mask)
      return
    }
    if let nan = a.nan {
      b.store(extreme(a.reducer.kind, known, old), slots[0])
      b.store(b.select(known.isNaN(), known, b.load(a.type, nan)), nan)
      return
    }
    b.store(combine(a.reducer.kind, a.dtype, old, known), slots[0])
  }

  /// The larger or smaller of numbers; y where one is NaN.
  func extreme(_ kind: ReduceKind, _ x: IRValue, _ y: IRValue) -> IRValue {
    b.select(b.fcmp(kind == .max ? .ogt : .olt, x, y), x, y)
  }

  /// Adds a block to the total, keeping the rounding error (Knuth's two-sum).
  func flush(_ a: Accumulator) {
    guard let total = a.total, let error = a.error else { return }
    var parts = a.copies.map { b.load(a.type, $0[0]) }
    while parts.count > 1 { parts = (0..<parts.count / 2).map { parts[2 * $0] + parts[2 * $0 + 1] } }
    var x = parts[0]
    while x.lanes > a.totalLanes { x = half(x, 0) + half(x, x.lanes / 2) }
    let t = b.vector(b.type(a.dtype), a.totalLanes)
    let hi = b.load(t, total)
    let s = hi + x
    let other = s - hi
    let lost = (hi - (s - other)) + (x - other)
    b.store(s, total)
    b.store(b.load(t, error) + lost, error)
    for c in a.copies { b.store(identity(.sum, a.dtype).splat(parts[0].lanes), c[0]) }
  }

  func finish(_ a: Accumulator, fold: Bool, loops: Range<Int>) -> [IRValue] {
    let t = a.type
    var values = a.copies.map { b.load(t, $0[0]) }
    if a.copies[0].count == 2 {
      var indices = a.copies.map { b.load(values[0].isVector ? b.vector(b.i64, values[0].lanes) : b.i64, $0[1]) }
      while values.count > 1 {
        let (x, i, y, j) = (values.removeLast(), indices.removeLast(), values[values.count - 1], indices[indices.count - 1])
        let better = wins(a.reducer.kind, a.dtype, (x, i), (y, j))
        values[values.count - 1] = b.select(better, x, y)
        indices[indices.count - 1] = b.select(better, i, j)
      }
      var (v, index) = (values[0], indices[0])
      while fold && v.isVector {
        let n = v.lanes / 2
        let (x, y) = (half(v, 0), half(v, n))
        let (i, j) = (half(index, 0), half(index, n))
        let better = wins(a.reducer.kind, a.dtype, (y, j), (x, i))
        v = b.select(better, y, x)
        index = b.select(better, j, i)
      }
      // Nothing beat the neutral element: all elements equal it.
      if let first = a.firstIndex {
        let start = v.isVector ? first : b.extract(first, 0)
        index = b.select(b.icmp(.eq, index, index.int(Int.max)) & ~isEmpty(loops), start, index)
      }
      return [v, index]
    }
    let kind = a.reducer.kind
    let keepsNaN = a.nan != nil || a.nanMask != nil
    let join = { (x: IRValue, y: IRValue) in keepsNaN ? self.extreme(kind, y, x) : self.combine(kind, a.dtype, x, y) }
    while values.count > 1 { values = (0..<values.count / 2).map { join(values[2 * $0], values[2 * $0 + 1]) } }
    var v = values[0]
    if let mask = a.nanMask {
      while v.isVector { v = join(half(v, 0), half(v, v.lanes / 2)) }
      return [b.select(b.any(b.load(maskType(a.dtype, layout.lanes), mask)), v.real(.nan), v)]
    }
    if let nan = a.nan {
      while fold && v.isVector { v = join(half(v, 0), half(v, v.lanes / 2)) }
      var hasNaN = b.load(t, nan).isNaN()
      if fold { hasNaN = b.any(hasNaN) }
      // Always the same NaN, in whichever order they were met.
      return [b.select(hasNaN, v.real(.nan), v)]
    }
    if let total = a.total, let error = a.error {
      let totalType = b.vector(b.type(a.dtype), a.totalLanes)
      var (hi, lo) = (b.load(totalType, total), b.load(totalType, error))
      while fold && hi.isVector {
        let n = hi.lanes / 2
        let (x, y) = (half(hi, 0), half(hi, n))
        let s = x + y
        let other = s - x
        let lost = (x - (s - other)) + (y - other)
        lo = (half(lo, 0) + half(lo, n)) + lost
        hi = s
      }
      // Infinite or NaN totals have no error term; a zero error must not change the sign of a zero.
      let useful = b.fcmp(.olt, lo.fabs(), lo.real(.infinity)) & b.fcmp(.one, lo, lo.real(0))
      v = b.select(useful, hi + lo, hi)
    } else {
      while fold && v.isVector { v = join(half(v, 0), half(v, v.lanes / 2)) }
    }
    if kind == .sum && a.dtype.isFloating && !loops.isEmpty {
      // The neutral element of the loops is -0; an empty sum is +0.
      v = b.select(isEmpty(loops), v.real(0), v)
    }
    return [v]
  }

  func isEmpty(_ loops: Range<Int>) -> IRValue {
    loops.reduce(b.constant(0, b.i1)) { $0 | b.icmp(.eq, extents[$1], b.index(0)) }
  }

  func half(_ v: IRValue, _ from: Int) -> IRValue { v.lanes == 2 ? b.extract(v, from) : b.slice(v, from, v.lanes / 2) }

  /// Whether x (value, index) replaces y: a NaN beats numbers, then the extreme value, then the smaller index.
  private func wins(_ kind: ReduceKind, _ d: DType, _ x: (IRValue, IRValue), _ y: (IRValue, IRValue)) -> IRValue {
    let earlier = b.icmp(.slt, x.1, y.1)
    let isMax = kind == .argmax
    if d.isFloating {
      let (nx, ny) = (x.0.isNaN(), y.0.isNaN())
      let beats = b.fcmp(isMax ? .ogt : .olt, x.0, y.0)
      let ties = b.fcmp(.oeq, x.0, y.0) & earlier
      let nan = nx & (~ny | earlier)
      return nan | ((beats | ties) & ~ny)
    }
    let beats: IRValue
    if d.kind == .signed { beats = b.icmp(isMax ? .sgt : .slt, x.0, y.0) } else { beats = b.icmp(isMax ? .ugt : .ult, x.0, y.0) }
    return beats | (b.icmp(.eq, x.0, y.0) & earlier)
  }

  private func combine(_ kind: ReduceKind, _ d: DType, _ x: IRValue, _ y: IRValue) -> IRValue {
    switch kind {
    case .sum: d.isFloating ? x + y : d == .bool ? x | y : x &+ y
    case .prod: d.isFloating ? x * y : d == .bool ? x & y : x &* y
    // As `minimum` and `maximum`, with a shorter way from the accumulator x to the next.
    case .min, .argmin: d.isFloating ? b.select(b.fcmp(.ult, y, x) & b.fcmp(.ord, x, x), y, x) : minimum(d, x, y)
    case .max, .argmax: d.isFloating ? b.select(b.fcmp(.ugt, y, x) & b.fcmp(.ord, x, x), y, x) : maximum(d, x, y)
    case .fmin: d.isFloating ? b.select(x.isNaN() | b.fcmp(.olt, y, x), y, x) : minimum(d, x, y)
    case .fmax: d.isFloating ? b.select(x.isNaN() | b.fcmp(.ogt, y, x), y, x) : maximum(d, x, y)
    case .and: x & y
    case .or: x | y
    case .xor: x ^ y
    }
  }

  func identity(_ kind: ReduceKind, _ d: DType) -> IRValue {
    let t = b.type(d)
    let bits = UInt64(8 * d.itemSize)
    func real(_ x: Double) -> IRValue { b.wrap(LLVMConstReal(t, x)) }
    switch kind {
    case .sum: return d.isFloating ? real(-0.0) : b.constant(0, t)
    case .prod: return d.isFloating ? real(1) : b.constant(1, t)
    case .min, .argmin:
      if d.isFloating { return real(.infinity) }
      return b.constant(d == .bool ? 1 : d.kind == .signed ? (1 << (bits - 1)) - 1 : UInt64.max >> (64 - bits), t)
    case .max, .argmax:
      if d.isFloating { return real(-.infinity) }
      return b.constant(d.kind == .signed ? 1 << (bits - 1) : 0, t)
    // Ignoring NaN: NaN is neutral, and the result of nothing but NaN.
    case .fmin: return d.isFloating ? real(.nan) : identity(.min, d)
    case .fmax: return d.isFloating ? real(.nan) : identity(.max, d)
    case .and: return b.constant(d == .bool ? 1 : UInt64.max >> (64 - bits), t)
    case .or, .xor: return b.constant(0, t)
    }
  }
}
