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
  static func scratch(_ f: SpecFacts) -> Int { f.spec.axisCount * (3 + f.operands) + 1 }

  func check(_ a: borrowing KernelArguments) throws(MarsError) {
    let s = facts.spec
    guard a.extents.count == s.axisCount, a.inputs.count == s.inputs.count, a.outputs.count == s.outputs.count,
      a.inputStrides.count == s.inputs.count * s.axisCount, a.outputStrides.count == s.outputs.count * s.axisCount,
      a.counterBase.count == s.counterCount, a.counterStrides.count == s.counterCount * s.axisCount, a.scalars.count == s.scalars.count
    else { throw MarsError(.internal, "kernel called with arguments that do not fit its spec") }
  }

  /// Fills `call`; false if there is nothing to compute.
  func run(_ a: borrowing KernelArguments, _ scratch: UnsafeMutableBufferPointer<Int>, _ call: inout NormalisedCall) -> Bool {
    let f = facts
    let n = f.spec.axisCount
    let m = f.operands
    let firstOutput = f.inputCount
    let firstCounter = f.inputCount + f.outputCount
    // Per loop: extent, level, weight, then strides per operand.
    let width = 3 + m
    let rows = scratch.baseAddress!
    func extent(_ i: Int) -> Int { rows[i * width] }
    func level(_ i: Int) -> Int { rows[i * width + 1] }
    func str(_ i: Int, _ o: Int) -> Int { rows[i * width + 3 + o] }

    // Axes of extent 1 go; the others are inserted in order of level (outer first), then of stride (large first).
    var count = 0
    for axis in 0..<n {
      let e = a.extents[axis]
      let l = f.axisLevel[axis]
      if e == 1 { continue }
      if e == 0 && l == f.lastLevel { return false }
      var at = count
      let new = rows + count * width
      new[0] = e
      new[1] = l
      var weight = 0
      for o in 0..<m {
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
        new[3 + o] = s
      }
      new[2] = weight
      while at > 0 && (level(at - 1) < l || level(at - 1) == l && rows[(at - 1) * width + 2] < weight) {
        for k in 0..<width { swap(&rows[at * width + k], &rows[(at - 1) * width + k]) }
        at -= 1
      }
      count += 1
    }
    // Merge neighbours of the same level where all operands walk on.
    var kept = 0
    for i in 0..<count {
      if kept > 0 && level(kept - 1) == level(i) {
        var fits = true
        for o in 0..<m where str(kept - 1, o) != str(i, o) &* extent(i) {
          fits = false
          break
        }
        if fits {
          rows[(kept - 1) * width] *= extent(i)
          for o in 0..<m { rows[(kept - 1) * width + 3 + o] = str(i, o) }
          continue
        }
      }
      if kept != i { for k in 0..<width { rows[kept * width + k] = rows[i * width + k] } }
      kept += 1
    }
    count = kept

    let lane = chooseLane(rows, count, width)
    var unroll = -1
    var tile = -1
    if lane.loop >= 0 {
      // One short reduced axis inside the lanes is unrolled.
      if lane.loop == count - 2 && level(count - 1) < level(lane.loop) && extent(count - 1) >= 2 && extent(count - 1) <= 8
        && f.weight <= 200
      {
        unroll = count - 1
      }
      if f.lastLevel == 0 && count >= 2 && lane.loop == count - 1 && extent(lane.loop) >= 8 {
        // An input that runs along another axis is read in tiles: that axis moves inside the lanes.
        search: for o in 0..<f.inputCount where str(lane.loop, o) != 0 && str(lane.loop, o) != f.itemSizes[o] {
          for i in 0..<count - 1 where str(i, o) == f.itemSizes[o] && extent(i) >= 8 {
            for k in 0..<width {
              var j = i
              while j < count - 1 {
                swap(&rows[j * width + k], &rows[(j + 1) * width + k])
                j += 1
              }
            }
            tile = count - 1
            break search
          }
        }
      }
    }
    if f.lastLevel > 0 && unroll < 0 && lane.loop >= 0 && lane.loop == count - 2 && level(count - 1) < level(lane.loop)
      && extent(count - 1) >= 8 && f.weight <= 8
    {
      // Rows of a matrix are reduced in lanes of rows: read in tiles.
      for o in 0..<f.inputCount where str(count - 1, o) == f.itemSizes[o] && str(lane.loop, o) != f.itemSizes[o] && str(lane.loop, o) != 0 {
        tile = count - 1
      }
    }
    let laneLoop = tile >= 0 ? count - 2 : lane.loop

    // Addresses and strides.
    let w = ArgumentWords(loops: count, operands: m, scalars: f.spec.scalars.count)
    let words = call.words.baseAddress!
    for i in 0..<count { words[w.extent(i)] = extent(i) }
    for o in 0..<f.inputCount { words[w.base(o)] = Int(bitPattern: a.inputs[o]) }
    for o in 0..<f.outputCount { words[w.base(firstOutput + o)] = Int(bitPattern: a.outputs[o]) }
    for o in 0..<f.counterCount { words[w.base(firstCounter + o)] = a.counterBase[o] }
    for o in 0..<m { for i in 0..<count { words[w.stride(o, i)] = str(i, o) } }
    for s in 0..<f.spec.scalars.count {
      words[w.scalar(s)] = Int(bitPattern: UInt(a.scalars[s].low))
      words[w.scalar(s) + 1] = Int(bitPattern: UInt(a.scalars[s].high))
    }
    call.wordCount = w.count

    // The layout.
    var out = call.layout.baseAddress! + Layout.header
    for i in 0..<count {
      out[0] = UInt8(level(i))
      out[1] = i == unroll ? UInt8(extent(i)) : 0
      for o in 0..<m {
        let s = str(i, o)
        var c: StrideClass = s == 0 ? .zero : s == f.itemSizes[o] ? .unit : .other
        if i == laneLoop && c == .other && unroll >= 0 && str(unroll, o) == f.itemSizes[o] && s == extent(unroll) * f.itemSizes[o] {
          c = .packed
        }
        if o < firstOutput && c == .other && i == laneLoop && tile < 0 && f.philoxGroup == 0 && s == 2 * f.itemSizes[o] { c = .second }
        if o >= firstCounter && (c == .unit || c == .packed) && i == laneLoop {
          if !philoxAligns(o, c, rows, count, width, laneLoop, unroll, a.counterBase) { c = .other }
        }
        out[2 + o] = c.rawValue
      }
      out += 2 + m
    }
    let head = call.layout.baseAddress!
    call.layoutCount = out - head
    head[0] = UInt8(count)
    head[1] = UInt8(lanes(laneLoop, rows, count, width, unroll))
    head[2] = laneLoop < 0 ? Layout.none : UInt8(laneLoop)
    var flags: UInt8 = a.streamOutputs && streams(rows, count, width, laneLoop, a) ? 1 : 0
    for i in 0..<count where level(i) < min(f.lastLevel, 7) {
      if i > 0 && level(i - 1) == level(i) || i + 1 < count && level(i + 1) == level(i) { continue }
      if extent(i) <= Emitter.blockSteps * (i == laneLoop ? Int(head[1]) : 1) { flags |= UInt8(2 << level(i)) }
    }
    head[3] = flags
    var growing: UInt8 = 0
    for l in 0..<min(f.lastLevel, 8) where f.argCounter[l] >= 0 {
      let o = firstCounter + f.argCounter[l]
      var span = 0
      var grows = true
      var i = count - 1
      while i >= 0 {
        if level(i) == l {
          grows = grows && str(i, o) > span
          span += str(i, o) * (extent(i) - 1)
        }
        i -= 1
      }
      if grows { growing |= UInt8(1 << l) }
    }
    head[5] = growing
    head[4] = tile < 0 ? Layout.none : UInt8(tile)
    let overlaps = laneLoop >= 0 && laneLoop == count - 1 && f.idempotent & (1 << level(laneLoop)) != 0 && extent(laneLoop) >= Int(head[1])
    head[6] = overlaps ? 1 : 0
    return true
  }

  private func chooseLane(_ rows: UnsafeMutablePointer<Int>, _ count: Int, _ width: Int) -> (loop: Int, score: Int) {
    let f = facts
    if count == 0 { return (-1, 0) }
    if f.lastLevel == 0 { return (count - 1, 0) }
    var best = (loop: -1, score: Int.min)
    // Rows up to this length are reduced in lanes of rows; what folding the lanes of a row costs decides.
    let rowLimit = f.weight > 8 ? 8 : f.argCounter.contains { $0 >= 0 } ? 40 : 15
    // The last loop of each level; among equals the innermost.
    var i = count - 1
    while i >= 0 {
      if i == count - 1 || rows[i * width + 1] != rows[(i + 1) * width + 1] {
        let e = rows[i * width]
        var score = e < 4 ? -8 : e < 16 ? -3 : 0
        for o in 0..<f.operands {
          let s = rows[i * width + 3 + o]
          let isOutput = o >= f.inputCount && o < f.inputCount + f.outputCount
          if s == 0 { continue }
          if s == f.itemSizes[o] {
            score += isOutput ? 1 : 4
          } else if i == count - 2 && rows[(count - 1) * width + 3 + o] == f.itemSizes[o] && s == rows[(count - 1) * width] * f.itemSizes[o]
            && rows[(count - 1) * width] <= rowLimit
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
    return best
  }

  /// Lanes are many where little is computed per element, so that independent vectors hide latency.
  private func lanes(_ lane: Int, _ rows: UnsafeMutablePointer<Int>, _ count: Int, _ width: Int, _ unroll: Int) -> Int {
    let f = facts
    if lane < 0 { return 1 }
    let base = f.philoxGroup > 0 ? 32 : 16
    let e = rows[lane * width]
    if f.lastLevel > 0 && base == 16 && e <= 8 && unroll < 0 { return 8 }
    if unroll >= 0 || f.lastLevel == 0 || f.weight > 16 || e < 256 { return base }
    // A turn reads about as many bytes whether of one input or of two.
    return f.inputCount > 1 || f.argCounter.contains { $0 >= 0 } ? 32 : 64
  }

  /// Whether every start of the lane loop can be moved down to a multiple of the Philox group.
  private func philoxAligns(
    _ o: Int, _ c: StrideClass, _ rows: UnsafeMutablePointer<Int>, _ count: Int, _ width: Int, _ lane: Int, _ unroll: Int, _ bases: [Int]
  ) -> Bool {
    let f = facts
    if f.philoxGroup == 0 { return false }
    let firstCounter = f.inputCount + f.outputCount
    let k = c == .packed ? rows[unroll * width] : 1
    let step = k & -k
    let group = f.philoxGroup
    let common = min(step, group)
    if bases[o - firstCounter] % common != 0 { return false }
    for i in 0..<count where i != lane && i != unroll && rows[i * width + 3 + o] % common != 0 { return false }
    // The lanes are aligned where their loop starts: loops inside must keep them so.
    for i in lane + 1..<max(count, lane + 1) where !(c == .packed && i == unroll) && rows[i * width + 3 + o] % group != 0 { return false }
    // Several counters share one head only if they are congruent.
    if o > firstCounter {
      let p = firstCounter
      if (bases[o - firstCounter] - bases[0]) % group != 0 { return false }
      for i in 0..<count where (rows[i * width + 3 + o] - rows[i * width + 3 + p]) % group != 0 { return false }
    }
    return true
  }

  /// Streaming stores need whole aligned cache lines.
  private func streams(
    _ rows: UnsafeMutablePointer<Int>, _ count: Int, _ width: Int, _ lane: Int, _ a: borrowing KernelArguments
  ) -> Bool {
    let f = facts
    if lane < 0 { return false }
    for o in 0..<f.outputCount {
      let p = f.inputCount + o
      if rows[lane * width + 3 + p] == 0 { continue }
      if rows[lane * width + 3 + p] != f.itemSizes[p] || Int(bitPattern: a.outputs[o]) & 63 != 0 { return false }
      for i in 0..<count where i != lane && rows[i * width + 3 + p] & 63 != 0 { return false }
    }
    if f.philoxGroup > 0 {
      for c in 0..<f.counterCount {
        if a.counterBase[c] % f.philoxGroup != 0 { return false }
        for i in 0..<count where i != lane && rows[i * width + 3 + f.inputCount + f.outputCount + c] % f.philoxGroup != 0 { return false }
      }
    }
    return true
  }
}
