import CLLVM
import MarsBase
import MarsGraph

/// Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
///
/// Words are held in 64-bit lanes whose upper halves may be garbage: the multiplication reads lower halves only.
extension Emitter {
  private static let rounds = 10

  func philox(_ i: Inst, level l: Int, number: Int) throws(MarsError) -> Value {
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
      case .zero, .other: break
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

  private func pair(_ low: Value, _ high: Value) -> Value { (low & low.word(0xffff_ffff)) | high.shl(32) }

  /// The words of the blocks that k * lanes consecutive elements read, the first of which starts a group.
  private func groups(_ i: Inst, _ first: Value, _ k: Int, _ key: Value, _ stream: Value) -> [Value] {
    let is32 = i.type == .uint32
    let n = k * layout.lanes / (is32 ? 4 : 2)
    let block = first.lshr(is32 ? 2 : 1).splat(n) &+ b.iota(n)
    let w = blocks(block, i, key, stream)
    return is32 ? w.map { $0.trunc(b.i32) } : [pair(w[0], w[1]), pair(w[2], w[3])]
  }

  /// Elements k*lane + r of whole groups.
  private func pick(_ w: [Value], _ type: DType, _ k: Int, _ r: Int) -> Value {
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

  private func blocks(_ block: Value, _ i: Inst, _ key: Value, _ stream: Value) -> [Value] {
    let low = block.word(0xffff_ffff)
    let n = block.lanes
    var c0 = block
    var c1 = block.lshr(32)
    var c2 = stream.zext(b.i64).splat(n)
    var c3 = block.word(i.imm & 0xffff_ffff)
    var k0 = key & key.word(0xffff_ffff)
    var k1 = key.lshr(32)
    for round in 0..<Emitter.rounds {
      if round > 0 {
        k0 = (k0 &+ k0.word(0x9E37_79B9)) & k0.word(0xffff_ffff)
        k1 = (k1 &+ k1.word(0xBB67_AE85)) & k1.word(0xffff_ffff)
      }
      let p0 = (c0 & low) &* low.word(0xD251_1F53)
      let p1 = (c2 & low) &* low.word(0xCD9E_8D57)
      (c0, c1, c2, c3) = (p1.lshr(32) ^ c1 ^ k0.splat(n), p1, p0.lshr(32) ^ c3 ^ k1.splat(n), p0)
    }
    return [c0, c1, c2, c3]
  }
}
