import CLLVM
import MarsBase
import MarsGraph

/// Loads and stores of one element or one vector of lanes.
extension Emitter {
  private func memoryType(_ d: DType) -> OpaquePointer { d == .bool ? b.i8 : b.type(d) }

  func load(input o: Int) -> Lanes {
    let d = spec.inputs[o]
    let t = memoryType(d)
    let parts = d.isComplex ? 2 : 1
    let partSize = d.itemSize / parts
    let p = cursor[o]
    func finish(_ v: [IRValue]) -> Lanes {
      if d == .bool { return Lanes(b.icmp(.ne, v[0], v[0].int(0))) }
      return Lanes(v[0], parts == 2 ? v[1] : nil)
    }
    guard lanePosition != nil, layout.stride(o, layout.laneLoop) != .zero else {
      return finish((0..<parts).map { b.load(t, $0 == 0 ? p : b.offset(p, bytes: b.index($0 * partSize)), align: 1) })
    }
    let w = layout.lanes
    switch layout.stride(o, layout.laneLoop) {
    case .unit:
      let v =
        mask == nil && layout.readsAhead
        ? loadAhead(t, p, w * parts, partSize, by: distance(ahead: o))
        : loadRun(t, p, w * parts, mask.map { parts == 1 ? $0 : doubled($0) })
      if parts == 1 { return finish([v]) }
      return finish((0..<2).map { q in b.shuffle(v, v, (0..<w).map { 2 * $0 + q }) })
    case .packed where parts == 1 && [2, 4, 8].contains(layout.unrolled(layout.loops - 1)):
      return finish([loadEvery(layout.unrolled(layout.loops - 1), t, p, d.itemSize)])
    case .second where parts == 1:
      return finish([loadSeconds(t, p, d.itemSize)])
    case .other where parts == 1 && tileRow != nil && layout.stride(o, layout.tileLoop) == .unit:
      if tileRow == 0 { tiles[o] = loadTransposed(o, t, p) }
      return finish([tiles[o]![tileRow!]])
    default:
      // A gather is several times slower than scalar loads.
      var v = (0..<parts).map { _ in b.wrap(LLVMGetPoison(b.vector(t, w))) }
      let offsets = laneOffsets(o)
      for lane in 0..<w {
        let q = b.offset(p, bytes: b.extract(offsets, lane))
        for part in 0..<parts {
          let e = b.load(t, part == 0 ? q : b.offset(q, bytes: b.index(partSize)))
          v[part] = b.insert(v[part], e, lane)
        }
      }
      return finish(v)
    }
  }

  /// Every second element: two vectors, of which the later ends with the last element that is wanted, so that nothing beyond it is read.
  private func loadSeconds(_ t: OpaquePointer, _ p: IRValue, _ size: Int) -> IRValue {
    let w = layout.lanes
    func run(_ first: Int) -> IRValue {
      // An element between two is there where the one after it is.
      let m = mask.map { m in b.shuffle(m, m, (0..<w).map { (first + $0 + 1) / 2 }) }
      return loadRun(t, first == 0 ? p : b.offset(p, bytes: b.index(first * size)), w, m)
    }
    return b.shuffle(run(0), run(w - 1), (0..<w).map { 2 * $0 < w ? 2 * $0 : w + 2 * $0 - (w - 1) })
  }

  /// Elements k*lane + r of memory, r the step of the unrolled loop; LLVM sees that all steps read the same vectors.
  private func loadEvery(_ k: Int, _ t: OpaquePointer, _ p: IRValue, _ size: Int) -> IRValue {
    let w = layout.lanes
    let start = b.offset(p, bytes: b.index(-unrolledStep * size))
    var v = (0..<k).map { q in
      let m = mask.map { m in b.shuffle(m, m, (0..<w).map { (q * w + $0) / k }) }
      return loadRun(t, q == 0 ? start : b.offset(start, bytes: b.index(q * w * size)), w, m)
    }
    var rest = unrolledStep
    while v.count > 1 {
      v = (0..<v.count / 2).map { q in b.shuffle(v[2 * q], v[2 * q + 1], (0..<w).map { 2 * $0 + (rest & 1) }) }
      rest >>= 1
    }
    return v[0]
  }

  /// Reads `tileGroup` neighbours per lane as vectors and turns them into one vector of lanes per row.
  private func loadTransposed(_ o: Int, _ t: OpaquePointer, _ p: IRValue) -> [IRValue] {
    let n = Emitter.tileGroup
    let step = strides[o][layout.laneLoop]
    let blocks = stride(from: 0, to: layout.lanes, by: n).map { first in
      var v = (0..<n).map { loadRun(t, b.offset(p, bytes: step &* b.index(first + $0)), n, nil) }
      var distance = 1
      while distance < n {
        for i in 0..<n where i & distance == 0 {
          let (x, y) = (v[i], v[i + distance])
          v[i] = b.shuffle(x, y, (0..<n).map { $0 & distance == 0 ? $0 : n + $0 - distance })
          v[i + distance] = b.shuffle(x, y, (0..<n).map { $0 & distance == 0 ? $0 + distance : n + $0 })
        }
        distance *= 2
      }
      return v
    }
    return (0..<n).map { r in b.concat(blocks.map { $0[r] }) }
  }

  /// Byte offsets of the lanes from the cursor; with a mask, those of inactive lanes are moved to an active one.
  private func laneOffsets(_ o: Int) -> IRValue {
    var lane = b.iota(layout.lanes)
    if mask != nil, let start = lanePosition {
      let first = b.index(0) &- start
      let last = extents[layout.laneLoop] &- start &- b.index(1)
      lane = b.select(b.icmp(.slt, lane, first), first.splat(layout.lanes), lane)
      lane = b.select(b.icmp(.sgt, lane, last), last.splat(layout.lanes), lane)
    }
    return lane &* strides[o][layout.laneLoop]
  }

  private func doubled(_ m: IRValue) -> IRValue { b.shuffle(m, m, (0..<2 * layout.lanes).map { $0 / 2 }) }

  /// How far ahead of a load memory is asked for: a page, or in columns a block of rows.
  ///
  /// The processor fetches ahead on its own, but not across pages and not as far as it takes to keep memory busy.  What lies beyond the
  /// end is asked for in vain, and without harm.
  private func distance(ahead o: Int) -> IRValue {
    guard let rows = blockLoop else { return b.index(4096) }
    return strides[o][rows] &* b.index(Emitter.blockSteps)
  }

  /// A run of elements, one cache line after the other, each with its order for the line ahead.
  ///
  /// A prefetch keeps its place among loads.  Left to itself LLVM reads the lines of a run from the last to the first, which memory
  /// answers 2-3 % slower.  The second cache is told to fetch: Zen 4 reads at half the speed where the first one is, and the loop also
  /// looks for NaN.
  private func loadAhead(
    _ t: OpaquePointer, _ p: IRValue, _ count: Int, _ size: Int, by distance: IRValue
  ) -> IRValue {
    let line = 64
    let (read, keep, data) = (b.constant(0, b.i32), b.constant(2, b.i32), b.constant(1, b.i32))
    var parts: [IRValue] = []
    for at in stride(from: 0, to: count * size, by: line) {
      _ = b.intrinsic("llvm.prefetch", [b.pointer], [b.offset(p, bytes: distance &+ b.index(at)), read, keep, data])
      parts.append(loadRun(t, at == 0 ? p : b.offset(p, bytes: b.index(at)), min(line, count * size) / size, nil))
    }
    while parts.count > 1 {
      let n = parts[0].lanes
      parts = stride(from: 0, to: parts.count, by: 2).map { b.shuffle(parts[$0], parts[$0 + 1], Array(0..<2 * n)) }
    }
    return parts[0]
  }

  private func loadRun(_ t: OpaquePointer, _ p: IRValue, _ n: Int, _ m: IRValue?) -> IRValue {
    let type = b.vector(t, n)
    guard let m else { return b.load(type, p, align: 1) }
    return b.intrinsic("llvm.masked.load", [type, b.pointer], [p, b.constant(1, b.i32), m, b.zero(type)])
  }

  func store(_ value: Lanes, output: Int, dtype d: DType) {
    let o = operand(output: output)
    let p = cursor[o]
    let parts = d.isComplex ? 2 : 1
    let partSize = d.itemSize / parts
    var v = [value.re]
    if d == .bool { v[0] = v[0].zext(b.i8) }
    if parts == 2 { v.append(value.im!) }
    guard lanePosition != nil, layout.stride(o, layout.laneLoop) != .zero else {
      for part in 0..<parts { b.store(v[part], part == 0 ? p : b.offset(p, bytes: b.index(part * partSize))) }
      return
    }
    let w = layout.lanes
    v = v.map { $0.splat(w) }
    if layout.stride(o, layout.laneLoop) == .unit {
      let all = parts == 1 ? v[0] : b.shuffle(v[0], v[1], (0..<2 * w).map { $0 / 2 + ($0 & 1) * w })
      if let m = mask {
        let im = parts == 1 ? m : doubled(m)
        storeMasked(all, p, im)
      } else if layout.streams {
        let s = b.store(all, p, align: min(64, w * d.itemSize))
        var one: [OpaquePointer?] = [LLVMConstInt(b.i32, 1, 0)]
        let name = "nontemporal"
        LLVMSetMetadata(s, LLVMGetMDKindIDInContext(b.context, name, UInt32(name.utf8.count)), LLVMMDNodeInContext(b.context, &one, 1))
      } else {
        b.store(all, p)
      }
      return
    }
    for lane in 0..<w {
      let write = {
        let q = self.b.offset(p, bytes: self.strides[o][self.layout.laneLoop] &* self.b.index(lane))
        for part in 0..<parts {
          self.b.store(self.b.extract(v[part], lane), part == 0 ? q : self.b.offset(q, bytes: self.b.index(part * partSize)))
        }
      }
      if let m = mask { b.when(b.extract(m, lane), write) } else { write() }
    }
  }

  private func storeMasked(_ v: IRValue, _ p: IRValue, _ m: IRValue) {
    let name = "llvm.masked.store"
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    var types: [OpaquePointer?] = [v.type, b.pointer]
    let f = LLVMGetIntrinsicDeclaration(b.module, id, &types, 2)
    var args: [OpaquePointer?] = [v.ref, p.ref, b.constant(1, b.i32).ref, m.ref]
    LLVMBuildCall2(b.b, LLVMIntrinsicGetType(b.context, id, &types, 2), f, &args, 4, "")
  }
}
