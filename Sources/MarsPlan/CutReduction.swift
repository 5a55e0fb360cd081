import MarsBase
import MarsGraph

/// A reduction over axes that are cut, as two kernels: the first leaves the states of every chunk, the second combines and finishes them.
struct CutReduction {
  /// dtypes of the states.
  let states: [DType]
  /// Axes that exist above the level; a cut one stands for the number of the chunk.
  let kept: [Int]
  /// Of `kept`, those that are cut.
  let cutAxes: [Int]
  let partial: KernelSpec
  /// Over the axes `kept`; reads the states, then `used`.
  let combine: KernelSpec
  /// Inputs of the whole that the program after the reduction reads.
  let used: [Int]

  /// - Parameter cut: axes that the last reducing level of `spec` reduces.
  init(_ spec: KernelSpec, cut: Set<Int>) {
    let last = spec.levels.count - 2
    let level = spec.levels[last]
    let gone = Set(spec.levels.dropLast().flatMap(\.reducedAxes))
    let kept = (0..<spec.axisCount).filter { !gone.contains($0) || cut.contains($0) }
    var states: [DType] = []
    var reducers: [Reducer] = []
    for r in level.reducers {
      let first = Int32(states.count)
      reducers.append(Reducer(r.kind, value: first, index: r.stateCount == 2 ? first + 1 : -1))
      states.append(level.program.insts[Int(r.value)].type)
      if r.stateCount == 2 { states.append(.int64) }
    }
    var partial = spec
    partial.levels[last + 1] = KernelLevel(program: Expr(states.enumerated().map { Inst(.reduced, $1, imm: UInt64($0)) }))
    partial.outputs = states.enumerated().map { KernelOutput(level: last + 1, value: Int32($0), dtype: $1) }

    var top = spec.levels[last + 1].program
    var used: [Int] = []
    for (i, inst) in top.insts.enumerated() where inst.op == .input {
      let slot = used.firstIndex(of: Int(inst.imm)) ?? used.count
      if slot == used.count { used.append(Int(inst.imm)) }
      top.insts[i].imm = UInt64(states.count + slot)
    }
    cutAxes = kept.indices.filter { cut.contains(kept[$0]) }
    combine = KernelSpec(
      axisCount: kept.count,
      levels: [
        KernelLevel(
          program: Expr(states.enumerated().map { Inst(.input, $1, imm: UInt64($0)) }), reducers: reducers, reducedAxes: cutAxes),
        KernelLevel(program: top),
      ], inputs: states + used.map { spec.inputs[$0] }, counterCount: spec.counterCount, scalars: spec.scalars,
      outputs: spec.outputs.map { KernelOutput(level: 1, value: $0.value, dtype: $0.dtype) })
    self.states = states
    self.kept = kept
    self.partial = partial
    self.used = used
  }
}
