import Glibc
import MarsBase
import MarsGraph

/// Scratch space of a normalisation, in the caller's frame.
struct NormalisedCall {
  /// `ArgumentWords` filled in.
  var words: UnsafeMutableBufferPointer<Int>
  var layout: UnsafeMutableBufferPointer<UInt8>
  var layoutCount = 0
  var wordCount = 0
}

/// Turns the axes of a call into loops: drops and merges axes, orders them, chooses the axis of the lanes, classifies strides.
struct Normaliser {
  let facts: SpecFacts

  static func words(_ f: SpecFacts) -> Int {
    ArgumentWords(loops: f.spec.axisCount, operands: f.operands, scalars: f.spec.scalars.count).count
  }
  static func layoutBytes(_ f: SpecFacts) -> Int { Layout.header + f.spec.axisCount * (2 + f.operands) }
  /// Words of scratch that `run` needs.
  static func scratch(_ f: SpecFacts) -> Int { LoopTable.words(axes: f.spec.axisCount, operands: f.operands) }

  func check(_ a: borrowing KernelArguments) throws(MarsError) {
    let s = facts.spec
    guard a.extents.count == s.axisCount, a.inputs.count == s.inputs.count, a.outputs.count == s.outputs.count,
      a.inputStrides.count == s.inputs.count * s.axisCount, a.outputStrides.count == s.outputs.count * s.axisCount,
      a.counterBase.count == s.counterCount, a.counterStrides.count == s.counterCount * s.axisCount, a.scalars.count == s.scalars.count
    else { throw MarsError(.internal, "kernel called with arguments that do not fit its spec") }
  }

  /// Fills `call`; false if there is nothing to compute.
  func run(_ a: borrowing KernelArguments, _ scratch: UnsafeMutableBufferPointer<Int>, _ call: inout NormalisedCall) -> Bool {
    var loops = LoopTable(scratch, operands: facts.operands)
    guard collect(a, &loops) else { return false }
    loops.merge()
    let order = chooseOrder(&loops)
    writeArguments(a, loops, &call)
    writeLayout(a, loops, order, &call)
    return true
  }

  /// The loops that play a part in how elements are visited; -1: there is no such loop.
  private struct Order {
    /// The loop whose turns are lanes.
    var lane: Int
    /// A short reduced loop inside the lanes, written out.
    var unrolled = -1
    /// A loop inside the lanes, along which an input is read in tiles.
    var tile = -1
  }

  /// One loop per axis that is not of extent 1; false if there is nothing to compute.
  private func collect(_ a: borrowing KernelArguments, _ loops: inout LoopTable) -> Bool {
    let f = facts
    let n = f.spec.axisCount
    let firstOutput = f.inputCount
    let firstCounter = f.inputCount + f.outputCount
    for axis in 0..<n {
      let e = a.extents[axis]
      let l = f.axisLevel[axis]
      if e == 1 { continue }
      if e == 0 && l == f.lastLevel { return false }
      let strides = loops.newStrides
      var weight = 0
      for o in 0..<f.operands {
        var s: Int
        if o < firstOutput {
          s = a.inputStrides[o * n + axis]
          weight &+= s < 0 ? -s : s
        } else if o < firstCounter {
          s = f.operandLevel[o] > l ? 0 : a.outputStrides[(o - firstOutput) * n + axis]
          weight &+= 2 &* (s < 0 ? -s : s)
        } else {
          s = a.counterStrides[(o - firstCounter) * n + axis]
        }
        strides[o] = s
      }
      loops.insert(extent: e, level: l, weight: weight)
    }
    return true
  }

  /// Chooses the loop of the lanes, and what goes inside it.
  private func chooseOrder(_ loops: inout LoopTable) -> Order {
    let f = facts
    let last = loops.count - 1
    var order = Order(lane: chooseLane(loops))
    guard order.lane >= 0 else { return order }
    let lane = order.lane
    let isInsideLanes = lane == last - 1 && loops.level(last) < loops.level(lane)
    if isInsideLanes && (2...8).contains(loops.extent(last)) && f.weight <= 200 { order.unrolled = last }
    if f.lastLevel == 0 && last >= 1 && lane == last && loops.extent(lane) >= 8 {
      // An input that runs along another axis is read in tiles: that axis moves inside the lanes.
      search: for o in 0..<f.inputCount where loops.stride(o, lane) != 0 && loops.stride(o, lane) != f.itemSizes[o] {
        for i in 0..<last where loops.stride(o, i) == f.itemSizes[o] && loops.extent(i) >= 8 {
          loops.moveInside(i)
          (order.lane, order.tile) = (last - 1, last)
          break search
        }
      }
    }
    if f.lastLevel > 0 && order.unrolled < 0 && isInsideLanes && loops.extent(last) >= 8 && f.weight <= 8 {
      // Rows of a matrix are reduced in lanes of rows: read in tiles.
      for o in 0..<f.inputCount
      where loops.stride(o, last) == f.itemSizes[o] && loops.stride(o, lane) != f.itemSizes[o] && loops.stride(o, lane) != 0 {
        order.tile = last
      }
    }
    return order
  }

  /// Addresses, strides and scalars.
  private func writeArguments(_ a: borrowing KernelArguments, _ loops: LoopTable, _ call: inout NormalisedCall) {
    let f = facts
    let firstOutput = f.inputCount
    let firstCounter = f.inputCount + f.outputCount
    let w = ArgumentWords(loops: loops.count, operands: f.operands, scalars: f.spec.scalars.count)
    let words = call.words.baseAddress!
    for i in 0..<loops.count { words[w.extent(i)] = loops.extent(i) }
    for o in 0..<f.inputCount { words[w.base(o)] = Int(bitPattern: a.inputs[o]) }
    for o in 0..<f.outputCount { words[w.base(firstOutput + o)] = Int(bitPattern: a.outputs[o]) }
    for o in 0..<f.counterCount { words[w.base(firstCounter + o)] = a.counterBase[o] }
    for o in 0..<f.operands { for i in 0..<loops.count { words[w.stride(o, i)] = loops.stride(o, i) } }
    for s in 0..<f.spec.scalars.count {
      words[w.scalar(s)] = Int(bitPattern: UInt(a.scalars[s].low))
      words[w.scalar(s) + 1] = Int(bitPattern: UInt(a.scalars[s].high))
    }
    call.wordCount = w.count
  }

  /// What code is made for: levels, classes of strides, and how the loops are turned.
  private func writeLayout(_ a: borrowing KernelArguments, _ loops: LoopTable, _ order: Order, _ call: inout NormalisedCall) {
    let f = facts
    var out = call.layout.baseAddress! + Layout.header
    for i in 0..<loops.count {
      out[0] = UInt8(loops.level(i))
      out[1] = i == order.unrolled ? UInt8(loops.extent(i)) : 0
      for o in 0..<f.operands { out[2 + o] = strideClass(o, i, loops, order, a).rawValue }
      out += 2 + f.operands
    }
    let head = call.layout.baseAddress!
    call.layoutCount = out - head
    // First: what streams is a matter of where results lie, which must not choose the order of a sum.
    let columns = areColumns(loops, order)
    let stream = !columns && a.streamOutputs && streams(loops, order.lane, a)
    let isShort = columns && loops.extent(order.lane) * f.columnBytes <= Emitter.shortRowBytes
    let laneCount = columns ? min(64, (isShort ? 2 : 1) * columnLanes) : lanes(loops, order)
    head[0] = UInt8(loops.count)
    head[1] = UInt8(laneCount)
    head[2] = order.lane < 0 ? Layout.none : UInt8(order.lane)
    head[3] = flags(stream, loops, order, laneCount)
    head[4] = order.tile < 0 ? Layout.none : UInt8(order.tile)
    head[5] = growingLevels(loops)
    let lane = order.lane
    let overlaps =
      lane >= 0 && lane == loops.count - 1 && f.idempotent & (1 << loops.level(lane)) != 0 && loops.extent(lane) >= laneCount
    let isReduction = lane >= 0 && lane == loops.count - 1 && !f.spec.levels[loops.level(lane)].reducers.isEmpty
    let readsAhead = a.readAhead && f.weight <= 8 && (columns && !isShort || isReduction)
    head[6] = (overlaps ? 1 : 0) | (columns ? 2 : 0) | (readsAhead ? 4 : 0) | (isShort ? 8 : 0)
  }

  /// Whether columns of a matrix are lanes, and its rows, enough of them for sums in blocks, are reduced inside.
  private func areColumns(_ loops: LoopTable, _ order: Order) -> Bool {
    let f = facts
    let k = order.lane
    guard f.lastLevel == 1, k >= 0, k == loops.count - 2, loops.level(k) == 1, loops.level(k + 1) == 0 else { return false }
    return f.weight <= 8 && f.philoxGroup == 0 && order.unrolled < 0 && order.tile < 0 && loops.extent(k) >= 16
      && loops.extent(k + 1) > Emitter.blockSteps
  }

  /// As many columns as lie in a cache line.
  private var columnLanes: Int { max(8, min(64, 64 / (facts.itemSizes[..<facts.inputCount].max() ?? 8))) }

  private func strideClass(
    _ o: Int, _ i: Int, _ loops: LoopTable, _ order: Order, _ a: borrowing KernelArguments
  ) -> StrideClass {
    let f = facts
    let s = loops.stride(o, i)
    let c: StrideClass = s == 0 ? .zero : s == f.itemSizes[o] ? .unit : .other
    if i != order.lane { return c }
    let u = order.unrolled
    let isPacked = c == .other && u >= 0 && loops.stride(o, u) == f.itemSizes[o] && s == loops.extent(u) * f.itemSizes[o]
    if o >= f.inputCount + f.outputCount {
      let runs: StrideClass = isPacked ? .packed : c
      return runs == .other || runs == .zero || philoxAligns(o, runs, loops, order, a.counterBase) ? runs : .other
    }
    if isPacked { return .packed }
    if o < f.inputCount && c == .other && order.tile < 0 && f.philoxGroup == 0 && s == 2 * f.itemSizes[o] { return .second }
    return c
  }

  /// Bit 0: outputs are streamed; bit l + 1: a reduction of level l has one block only.
  private func flags(_ stream: Bool, _ loops: LoopTable, _ order: Order, _ laneCount: Int) -> UInt8 {
    var flags: UInt8 = stream ? 1 : 0
    for i in 0..<loops.count where loops.level(i) < min(facts.lastLevel, 7) {
      if i > 0 && loops.level(i - 1) == loops.level(i) || i + 1 < loops.count && loops.level(i + 1) == loops.level(i) { continue }
      if loops.extent(i) <= Emitter.blockSteps * (i == order.lane ? laneCount : 1) { flags |= UInt8(2 << loops.level(i)) }
    }
    return flags
  }

  /// Levels at which the index of argmax and its like grows from element to element.
  private func growingLevels(_ loops: LoopTable) -> UInt8 {
    let f = facts
    var growing: UInt8 = 0
    for l in 0..<min(f.lastLevel, 8) where f.argCounter[l] >= 0 {
      let o = f.inputCount + f.outputCount + f.argCounter[l]
      var span = 0
      var grows = true
      var i = loops.count - 1
      while i >= 0 {
        if loops.level(i) == l {
          grows = grows && loops.stride(o, i) > span
          span += loops.stride(o, i) * (loops.extent(i) - 1)
        }
        i -= 1
      }
      if grows { growing |= UInt8(1 << l) }
    }
    return growing
  }

  /// The loop of the lanes; -1 if there are no loops.
  private func chooseLane(_ loops: LoopTable) -> Int {
    let f = facts
    let last = loops.count - 1
    if last < 0 || f.lastLevel == 0 { return last }
    var best = (loop: -1, score: Int.min)
    // Rows up to this length are reduced in lanes of rows; what folding the lanes of a row costs decides.
    let rowLimit = f.weight > 8 ? 8 : f.argCounter.contains { $0 >= 0 } ? 40 : 15
    // The last loop of each level; among equals the innermost.
    var i = last
    while i >= 0 {
      if i == last || loops.level(i) != loops.level(i + 1) {
        let e = loops.extent(i)
        var score = e < 4 ? -8 : e < 16 ? -3 : 0
        for o in 0..<f.operands {
          let s = loops.stride(o, i)
          let isOutput = o >= f.inputCount && o < f.inputCount + f.outputCount
          if s == 0 { continue }
          if s == f.itemSizes[o] {
            score += isOutput ? 1 : 4
          } else if i == last - 1 && loops.stride(o, last) == f.itemSizes[o] && s == loops.extent(last) * f.itemSizes[o]
            && loops.extent(last) <= rowLimit
          {
            score += 5
          } else {
            score -= isOutput ? 1 : 4
          }
        }
        if score > best.score { best = (i, score) }
      }
      i -= 1
    }
    return best.loop
  }

  /// Lanes are many where little is computed per element, so that independent vectors hide latency.
  private func lanes(_ loops: LoopTable, _ order: Order) -> Int {
    let f = facts
    if order.lane < 0 { return 1 }
    let base = f.philoxGroup > 0 ? 32 : 16
    let e = loops.extent(order.lane)
    if f.lastLevel > 0 && base == 16 && e <= 8 && order.unrolled < 0 { return 8 }
    if order.unrolled >= 0 || f.lastLevel == 0 || f.weight > 16 || e < 256 { return base }
    // A turn reads about as many bytes whether of one input or of two.
    return f.inputCount > 1 || f.argCounter.contains { $0 >= 0 } ? 32 : 64
  }

  /// Whether every start of the lane loop can be moved down to a multiple of the Philox group.
  private func philoxAligns(
    _ o: Int, _ c: StrideClass, _ loops: LoopTable, _ order: Order, _ bases: [Int]
  ) -> Bool {
    let f = facts
    if f.philoxGroup == 0 { return false }
    let firstCounter = f.inputCount + f.outputCount
    let (lane, unroll) = (order.lane, order.unrolled)
    let k = c == .packed ? loops.extent(unroll) : 1
    let step = k & -k
    let group = f.philoxGroup
    let common = min(step, group)
    if bases[o - firstCounter] % common != 0 { return false }
    for i in 0..<loops.count where i != lane && i != unroll && loops.stride(o, i) % common != 0 { return false }
    // The lanes are aligned where their loop starts: loops inside must keep them so.
    for i in lane + 1..<max(loops.count, lane + 1) where !(c == .packed && i == unroll) && loops.stride(o, i) % group != 0 { return false }
    // Several counters share one head only if they are congruent.
    if o > firstCounter {
      let p = firstCounter
      if (bases[o - firstCounter] - bases[0]) % group != 0 { return false }
      for i in 0..<loops.count where (loops.stride(o, i) - loops.stride(p, i)) % group != 0 { return false }
    }
    return true
  }

  /// Streaming stores need whole aligned cache lines.
  private func streams(
    _ loops: LoopTable, _ lane: Int, _ a: borrowing KernelArguments
  ) -> Bool {
    let f = facts
    if lane < 0 { return false }
    for o in 0..<f.outputCount {
      let p = f.inputCount + o
      if loops.stride(p, lane) == 0 { continue }
      if loops.stride(p, lane) != f.itemSizes[p] || Int(bitPattern: a.outputs[o]) & 63 != 0 { return false }
      for i in 0..<loops.count where i != lane && loops.stride(p, i) & 63 != 0 { return false }
    }
    if f.philoxGroup > 0 {
      for c in 0..<f.counterCount {
        if a.counterBase[c] % f.philoxGroup != 0 { return false }
        for i in 0..<loops.count where i != lane && loops.stride(f.inputCount + f.outputCount + c, i) % f.philoxGroup != 0 { return false }
      }
    }
    return true
  }
}
