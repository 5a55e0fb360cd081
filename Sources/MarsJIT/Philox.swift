import CLLVM
import MarsBase
import MarsGraph

/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
///
/// Words are held in 64-bit lanes whose upper halves may be garbage: the multiplication reads lower halves only.
extension Emitter {
  private static let rounds = 10

  func philox(_ i: Inst, level l: Int, number: Int) throws(MarsError) -> IRValue {
    let program = spec.levels[l].program.insts
    let key = value(l, i.b).re
    let stream = value(l, i.c).re
    guard !key.isVector, !stream.isVector else { throw MarsError(.internal, "key and stream of philox must be scalars") }
    let source = program[Int(i.a)]
    if source.op == .element, lanePosition != nil {
      let o = operand(counter: Int(source.imm))
      switch layout.stride(o, layout.laneLoop) {
      case .unit: return pick(groups(i, cursor[o], 1, key, stream), i.type, 1, 0)
      case .packed:
        let k = layout.unrolled(layout.loops - 1)
        let id = l << 32 | number
        if unrolledStep == 0 || philoxGroups[id] == nil {
          philoxGroups[id] = groups(i, cursor[o] &- b.index(unrolledStep), k, key, stream)
        }
        return pick(philoxGroups[id]!, i.type, k, unrolledStep)
      case .zero, .other, .second: break
      }
    }
    // One block per element, for any order of elements.
    let e = value(l, i.a).re
    let is32 = i.type == .uint32
    let block = e.lshr(is32 ? 5 : 4).shl(3) | (e & e.int(7))
    let w = blocks(block, i, key, stream)
    let which = e.lshr(3)
    if is32 {
      let isOdd = b.icmp(.ne, which & which.int(1), which.int(0))
      let low = b.select(isOdd, w[1], w[0])
      let high = b.select(isOdd, w[3], w[2])
      return b.select(b.icmp(.ne, which & which.int(2), which.int(0)), high, low).trunc(b.i32)
    }
    return b.select(b.icmp(.ne, which & which.int(1), which.int(0)), pair(w[2], w[3]), pair(w[0], w[1]))
  }

  private func pair(_ low: IRValue, _ high: IRValue) -> IRValue { (low & low.word(0xffff_ffff)) | high.shl(32) }

  /// The words of the blocks that k * lanes consecutive elements read, the first of which starts a group.
  private func groups(_ i: Inst, _ first: IRValue, _ k: Int, _ key: IRValue, _ stream: IRValue) -> [IRValue] {
    let is32 = i.type == .uint32
    let n = k * layout.lanes / (is32 ? 4 : 2)
    let block = first.lshr(is32 ? 2 : 1).splat(n) &+ b.iota(n)
    let w = blocks(block, i, key, stream)
    return is32 ? w.map { $0.trunc(b.i32) } : [pair(w[0], w[1]), pair(w[2], w[3])]
  }

  /// Elements k*lane + r of whole groups.
  private func pick(_ w: [IRValue], _ type: DType, _ k: Int, _ r: Int) -> IRValue {
    let n = w[0].lanes
    if type == .uint64 {
      return b.shuffle(
        w[0], w[1],
        (0..<layout.lanes).map { lane in
          let e = k * lane + r
          return e / 16 * 8 + e % 8 + (e % 16 < 8 ? 0 : n)
        })
    }
    return b.shuffle(
      b.concat(w[0], w[1]), b.concat(w[2], w[3]),
      (0..<layout.lanes).map { lane in
        let e = k * lane + r
        return e / 32 * 8 + e % 8 + e % 32 / 8 * n
      })
  }

  /// The rounds run as a loop: a tenth of the code to compile, and as fast, since several native vectors are in flight.
  private func blocks(_ block: IRValue, _ i: Inst, _ key: IRValue, _ stream: IRValue) -> [IRValue] {
    let n = block.lanes
    let width = min(n, b.nativeDoubles)
    let pieces = n / width
    var first: [IRValue] = []
    for p in 0..<pieces {
      let c0 = b.slice(block, p * width, width)
      first += [c0, c0.lshr(32), stream.zext(b.i64).splat(width), c0.word(i.imm & 0xffff_ffff)]
    }
    first += [key.splat(width), key.lshr(32).splat(width)]
    func round(_ v: [IRValue]) -> [IRValue] {
      var next = v
      let (k0, k1) = (v[4 * pieces], v[4 * pieces + 1])
      for p in 0..<pieces {
        let c = Array(v[4 * p..<4 * p + 4])
        let low = c[0].word(0xffff_ffff)
        let p0 = (c[0] & low) &* low.word(0xD251_1F53)
        let p1 = (c[2] & low) &* low.word(0xCD9E_8D57)
        next[4 * p] = p1.lshr(32) ^ c[1] ^ k0
        next[4 * p + 1] = p1
        next[4 * p + 2] = p0.lshr(32) ^ c[3] ^ k1
        next[4 * p + 3] = p0
      }
      next[4 * pieces] = k0 &+ k0.word(0x9E37_79B9)
      next[4 * pieces + 1] = k1 &+ k1.word(0xBB67_AE85)
      return next
    }
    // Two rounds per pass: values come back to their places.
    let last = b.rounds(Emitter.rounds / 2, first) { round(round($0)) }
    return (0..<4).map { q in b.concat((0..<pieces).map { last[4 * $0 + q] }) }
  }
}
