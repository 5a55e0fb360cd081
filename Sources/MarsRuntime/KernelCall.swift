import MarsBase
import MarsGraph
import MarsJIT
import MarsPlan

extension KernelCall {
  /// Enters the windows of a task; returns the number of an operand that leaves its chunk, or -1.
  mutating func fill(
    _ p: StageProgram, _ chunk: Int, _ slots: UnsafeBufferPointer<Int32>, _ bases: UnsafeMutablePointer<UnsafeMutableRawPointer>,
    _ streamBytes: Int
  ) -> Int {
    let rank = p.rank
    // Lower corner and chunk coordinates; one more, for arrays of rank 0 that have no address.
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * rank + 1) { scratch in
      guard let low = scratch.baseAddress else { return 0 }
      let (at, none) = (low + rank, low + 2 * rank)
      var isEmpty = false
      extents.withUnsafeMutableBufferPointer { e in
        p.locate(chunk, low, e.baseAddress ?? none, at)
        for i in 0..<rank where e[i] == 0 { isEmpty = true }
      }
      let bad = extents.withUnsafeBufferPointer { e in
        inputStrides.withUnsafeMutableBufferPointer { inputStrides in
          outputStrides.withUnsafeMutableBufferPointer { outputStrides -> Int in
            var next = 0
            for k in 0..<p.operandCount {
              let op = p.operands[k]
              let isInput = k < p.inputCount
              var base: UnsafeMutableRawPointer
              var part = 0
              if let leaf = op.leaf {
                base = leaf
              } else {
                base = bases[next]
                if op.isChunked { part = Int(slots[next] - op.firstSlot) }
                next += 1
              }
              let strides = isInput ? inputStrides.baseAddress : outputStrides.baseAddress
              let first = isInput ? k : k - p.inputCount
              guard
                let at = p.window(
                  k, base: base, chunk: part, lower: low, extents: e.baseAddress ?? UnsafePointer(none), coordinates: at, isEmpty: isEmpty,
                  strides: strides.map { $0 + first * rank } ?? none)
              else { return k }
              if isInput { inputs[k] = at } else { outputs[first] = at }
            }
            return -1
          }
        }
      }
      var bytes = 0
      for o in 0..<outputs.count {
        var n = Int(p.operands[p.inputCount + o].itemSize)
        for i in 0..<rank where outputStrides[o * rank + i] != 0 { n *= extents[i] }
        bytes += n
      }
      streamOutputs = bytes >= streamBytes
      for c in 0..<counterBase.count {
        var n = p.stage.counters[c].base
        for i in 0..<rank { n += counterStrides[c * rank + i] * low[i] }
        counterBase[c] = n
      }
      return bad
    }
  }
}
