import CLLVM
import MarsBase
import MarsGraph

/// A value of the scalar IR in lanes; complex values have two parts.
struct Lanes {
  var re: IRValue
  var im: IRValue?
  init(_ re: IRValue, _ im: IRValue? = nil) {
    self.re = re
    self.im = im
  }
}

/// Emits the machine code of one spec in one layout.
///
/// Loops are numbered from outside.  *Depth* d means that loops 0..<d are open.  An instruction is emitted at the depth of the innermost loop
/// it depends on, so that invariants leave inner loops whatever LLVM knows about aliasing.  Values that do not vary along the lane loop are
/// scalars; all others are vectors of `layout.lanes` lanes.
final class Emitter {
  let spec: KernelSpec
  let facts: SpecFacts
  let layout: Layout
  let b: Builder
  let words: ArgumentWords
  let arguments: IRValue

  /// Depth at which the axes of levels >= l are open.
  var levelDepth: [Int] = []
  /// Depth of every instruction, per level.
  var depth: [[Int]] = []
  /// Values of the instructions emitted last, per level.
  var values: [[Lanes?]] = []
  /// Current address per input and output, current index per counter.
  var cursor: [IRValue] = []
  var strides: [[IRValue]] = []
  var extents: [IRValue] = []
  /// Active lanes; nil where all are.
  var mask: IRValue?
  /// First lane's position along the lane loop, where lanes are open.
  var lanePosition: IRValue?
  /// Step of the unrolled loop, where it is open.
  var unrolledStep = 0
  /// Row of the group of rows read at once, inside tiles of a transposed read.
  var tileRow: Int?
  /// Rows of the group, per transposed input.
  var tiles: [Int: [IRValue]] = [:]
  /// Whether the level below has been reduced already.
  var isReduced = false
  /// The loop of rows of which a block is read, where one is: the same column is read next in the block after it.
  var blockLoop: Int?
  /// Which copy of the accumulators is combined into.
  var copy = 0
  /// Results of reducers, per level below, for `.reduced`.
  var states: [[IRValue]] = []
  /// Philox words of whole groups, per instruction, for the steps of an unrolled loop.
  var philoxGroups: [Int: [IRValue]] = [:]
  /// Memory slots shared by masked and unmasked bodies, per level.
  var accumulators: [[Accumulator]] = []

  init(facts: SpecFacts, layout: Layout, builder: Builder) {
    spec = facts.spec
    self.facts = facts
    self.layout = layout
    b = builder
    words = ArgumentWords(loops: layout.loops, operands: facts.operands, scalars: facts.spec.scalars.count)
    arguments = builder.wrap(LLVMGetParam(builder.function, 0))
  }

  func word(_ i: Int) -> IRValue { b.load(b.i64, b.offset(arguments, bytes: b.index(8 * i)), align: 8) }

  /// Emits the whole function.
  func emit() throws(MarsError) {
    analyse()
    for l in 0..<layout.loops {
      extents.append(layout.unrolled(l) > 0 ? b.index(layout.unrolled(l)) : word(words.extent(l)))
    }
    for o in 0..<facts.operands {
      let base = word(words.base(o))
      cursor.append(isCounter(o) ? base : base.toPointer())
      strides.append(
        (0..<layout.loops).map { l in
          switch layout.stride(o, l) {
          case .zero: b.index(0)
          case .unit: b.index(facts.itemSizes[o])
          default: word(words.stride(o, l))
          }
        })
    }
    let start = b.block()
    b.branch(start)
    b.position(start)
    try emitEarly(0)
    try openLevel(facts.lastLevel, from: 0) { () throws(MarsError) in try self.emitLevel(self.facts.lastLevel) }
    if layout.streams { _ = b.intrinsic("llvm.x86.sse.sfence", [], []) }
    LLVMBuildRetVoid(b.b)
  }

  func isCounter(_ o: Int) -> Bool { o >= facts.inputCount + facts.outputCount }
  func operand(counter c: Int) -> Int { facts.inputCount + facts.outputCount + c }
  func operand(output o: Int) -> Int { facts.inputCount + o }

  private func analyse() {
    levelDepth = (0..<spec.levels.count).map { l in (0..<layout.loops).count { layout.level($0) >= l } }
    for (l, level) in spec.levels.enumerated() {
      var d: [Int] = []
      for i in level.program.insts {
        switch i.op {
        case .input: d.append(operandDepth(Int(i.imm)))
        case .element: d.append(operandDepth(operand(counter: Int(i.imm))))
        case .scalar, .constant: d.append(0)
        case .reduced: d.append(levelDepth[l])
        default: d.append([i.a, i.b, i.c].reduce(0) { $1 < 0 ? $0 : max($0, d[Int($1)]) })
        }
      }
      depth.append(d)
      values.append([Lanes?](repeating: nil, count: d.count))
      states.append([])
      accumulators.append([])
    }
  }

  private func operandDepth(_ o: Int) -> Int {
    for l in stride(from: layout.loops - 1, through: 0, by: -1) where layout.stride(o, l) != .zero { return l + 1 }
    return 0
  }

  /// Emits the instructions that need no loop beyond `d`, of levels whose own depth is greater.
  func emitEarly(_ d: Int) throws(MarsError) {
    for l in stride(from: spec.levels.count - 1, through: 0, by: -1) where levelDepth[l] > d { try emitInstructions(l, d) }
  }

  private func emitInstructions(_ l: Int, _ d: Int) throws(MarsError) {
    for (i, inst) in spec.levels[l].program.insts.enumerated() where depth[l][i] == d {
      values[l][i] = try instruction(inst, level: l, number: i)
    }
  }

  /// With the axes of levels >= l open: reduces the level below, runs the program of level l, stores its outputs.
  func emitLevel(_ l: Int) throws(MarsError) {
    if l > 0 && !isReduced { try emitReduction(l - 1) }
    try emitInstructions(l, levelDepth[l])
    for (o, output) in spec.outputs.enumerated() where output.level == l {
      store(value(l, output.value), output: o, dtype: output.dtype)
    }
  }

  func value(_ l: Int, _ i: Int32) -> Lanes { values[l][Int(i)]! }

  /// Whether lanes are open in level l.
  func isVector(_ l: Int) -> Bool { layout.laneLoop >= 0 && layout.level(layout.laneLoop) >= l }

  private func instruction(_ i: Inst, level l: Int, number: Int) throws(MarsError) -> Lanes {
    func a() -> Lanes { value(l, i.a) }
    func second() -> Lanes { value(l, i.b) }
    func third() -> Lanes { value(l, i.c) }
    let operandType = i.a >= 0 ? spec.levels[l].program.insts[Int(i.a)].type : i.type
    switch i.op {
    case .input: return load(input: Int(i.imm))
    case .scalar: return scalar(Int(i.imm))
    case .constant: return Lanes(constant(i.type, i.imm))
    case .element: return Lanes(element(Int(i.imm)))
    case .reduced: return Lanes(states[l - 1][Int(i.imm)])
    case .select:
      let c = a().re
      let (x, y) = (second(), third())
      if let xi = x.im, let yi = y.im { return Lanes(b.select(c, x.re, y.re), b.select(c, xi, yi)) }
      return Lanes(b.select(c, x.re, y.re))
    case .cast: return cast(a(), operandType, i.type)
    case .bitcast: return Lanes(a().re.bitcast(b.type(i.type)))
    case .makeComplex:
      let (x, y) = b.unify(a().re, second().re)
      return Lanes(x, y)
    case .real: return Lanes(a().re)
    case .imag: return Lanes(a().im!)
    case .philox: return Lanes(try philox(i, level: l, number: number))
    default:
      let x = a().re
      let y = i.b >= 0 ? second().re : nil
      let z = i.c >= 0 ? third().re : nil
      return Lanes(try arithmetic(i.op, i.type, operandType, x, y, z))
    }
  }

  private func constant(_ d: DType, _ bits: UInt64) -> IRValue {
    switch d {
    case .float32: b.constant(bits & 0xffff_ffff, b.i32).bitcast(b.f32)
    case .float64: b.constant(bits, b.i64).bitcast(b.f64)
    case .bool: b.constant(bits & 1, b.i1)
    default: b.constant(d.itemSize < 8 ? bits & ((1 << UInt64(8 * d.itemSize)) - 1) : bits, b.type(d))
    }
  }

  private func scalar(_ s: Int) -> Lanes {
    let low = word(words.scalar(s))
    switch spec.scalars[s] {
    case .bool: return Lanes(b.icmp(.ne, low & low.int(0xff), low.int(0)))
    case .float32: return Lanes(low.trunc(b.i32).bitcast(b.f32))
    case .float64: return Lanes(low.bitcast(b.f64))
    case .complex64: return Lanes(low.trunc(b.i32).bitcast(b.f32), low.lshr(32).trunc(b.i32).bitcast(b.f32))
    case .complex128: return Lanes(low.bitcast(b.f64), word(words.scalar(s) + 1).bitcast(b.f64))
    case let d: return Lanes(low.trunc(b.type(d)))
    }
  }

  func element(_ c: Int) -> IRValue {
    let o = operand(counter: c)
    let first = cursor[o]
    guard lanePosition != nil, layout.stride(o, layout.laneLoop) != .zero else { return first }
    return first &+ b.iota(layout.lanes) &* strides[o][layout.laneLoop]
  }
}
