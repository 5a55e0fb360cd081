import MarsBase

/// A loop nest with all that one call of it needs but memory: what a subtask carries to another process.
///
/// Inputs are read through maps from the iteration space; counters count from the nest's own origin.
package struct LoopNest: Hashable, Sendable {
  package var spec: KernelSpec
  /// Extents of the iteration axes.
  package var shape: [Int]
  /// Per input: from the iteration space to the input's axes.
  package var maps: [AxisMap]
  package var counters: [Counter]
  package var scalars: [Scalar]
  /// Per output and axis: the iteration axis, or -1 for an axis of extent 1.
  package var outputAxes: [[Int]]

  package init(spec: KernelSpec, shape: [Int], maps: [AxisMap], counters: [Counter], scalars: [Scalar], outputAxes: [[Int]]) {
    self.spec = spec
    self.shape = shape
    self.maps = maps
    self.counters = counters
    self.scalars = scalars
    self.outputAxes = outputAxes
  }

  /// Types of the outputs.
  package var outputs: [TensorType] {
    spec.outputs.enumerated().map { i, o in TensorType(o.dtype, outputAxes[i].map { $0 < 0 ? 1 : shape[$0] }) }
  }

  // MARK: The operator

  /// A loop nest as a node: hidden, made by cutting plans, read by the same release only.
  package static let op = OpDef(
    "loop_nest", inputs: [InputDef("inputs", variadic: true)], attributes: [AttrDef("nest", .bytes, "the encoded nest")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let nest = try decode(c)
      try nest.verify(inputs: c.inputs)
      return nest.outputs
    },
    body: .nest { c in try? decode(c) },
    doc: OpDoc("A fused loop nest of a subtask.", example: "mt.tensor([1, 2])"), exposure: .hidden)

  private static func decode(_ c: OpContext) throws(MarsError) -> LoopNest {
    guard case .bytes(let b) = c["nest"] else { throw c.error(.format, "attribute 'nest' must be bytes") }
    return try LoopNest(bytes: b)
  }
}

// MARK: Bytes

extension LoopNest {
  /// Changes with every change of `ExprOp` or of this encoding.
  private static let version = 1

  private struct Writer {
    var bytes: [UInt8] = []
    mutating func word(_ v: UInt64) { for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: v >> UInt64(8 * i))) } }
    mutating func int(_ v: Int) { word(UInt64(bitPattern: Int64(v))) }
    mutating func list<T>(_ xs: [T], _ body: (inout Writer, T) -> Void) {
      int(xs.count)
      for x in xs { body(&self, x) }
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0
    mutating func word() throws(MarsError) -> UInt64 {
      guard at + 8 <= bytes.count else { throw MarsError(.format, "a loop nest is cut off") }
      var v: UInt64 = 0
      for i in 0..<8 { v |= UInt64(bytes[at + i]) << UInt64(8 * i) }
      at += 8
      return v
    }
    mutating func int() throws(MarsError) -> Int { Int(Int64(bitPattern: try word())) }
    mutating func small(_ most: Int) throws(MarsError) -> Int {
      let v = try int()
      guard v >= -1 && v <= most else { throw MarsError(.format, "a loop nest holds \(v) where at most \(most) is possible") }
      return v
    }
    mutating func list<T>(_ body: (inout Reader) throws(MarsError) -> T) throws(MarsError) -> [T] {
      let n = try int()
      guard n >= 0 && n <= (bytes.count - at) / 8 else { throw MarsError(.format, "a loop nest has an absurd count") }
      var out: [T] = []
      for _ in 0..<n { out.append(try body(&self)) }
      return out
    }
    mutating func dtype() throws(MarsError) -> DType {
      guard let d = DType(rawValue: UInt8(truncatingIfNeeded: try small(255))) else {
        throw MarsError(.format, "a loop nest has an unknown dtype")
      }
      return d
    }
  }

  package var bytes: [UInt8] {
    var w = Writer()
    w.int(LoopNest.version)
    w.int(spec.axisCount)
    w.list(spec.levels) { w, level in
      w.list(level.program.insts) { w, i in
        w.int(Int(i.op.rawValue))
        w.int(Int(i.type.rawValue))
        w.int(Int(i.a))
        w.int(Int(i.b))
        w.int(Int(i.c))
        w.word(i.imm)
      }
      w.list(level.reducers) { w, r in
        w.int(Int(r.kind.rawValue))
        w.int(Int(r.value))
        w.int(Int(r.index))
      }
      w.list(level.reducedAxes) { w, a in w.int(a) }
    }
    w.list(spec.inputs) { w, d in w.int(Int(d.rawValue)) }
    w.int(spec.counterCount)
    w.list(spec.scalars) { w, d in w.int(Int(d.rawValue)) }
    w.list(spec.outputs) { w, o in
      w.int(o.level)
      w.int(Int(o.value))
      w.int(Int(o.dtype.rawValue))
    }
    w.list(shape) { w, n in w.int(n) }
    w.list(maps) { w, m in
      w.list(m.axes) { w, a in
        switch a {
        case .aligned(let k, let s, let t):
          w.int(k)
          w.int(s)
          w.int(t)
        case .fixed(let i):
          w.int(-1)
          w.int(i)
          w.int(1)
        case .contracted, .whole: preconditionFailure("maps of kernels are affine")
        }
      }
    }
    w.list(counters) { w, c in
      w.int(c.base)
      w.list(c.strides) { w, s in w.int(s) }
    }
    w.list(scalars) { w, s in
      w.int(Int(s.dtype.rawValue))
      w.word(s.low)
      w.word(s.high)
    }
    w.list(outputAxes) { w, axes in w.list(axes) { w, a in w.int(a) } }
    return w.bytes
  }

  package init(bytes: [UInt8]) throws(MarsError) {
    var r = Reader(bytes: bytes)
    guard try r.int() == LoopNest.version else { throw MarsError(.unsupported, "a loop nest of another release of Mars cannot be read") }
    let axisCount = try r.small(64)
    let levels = try r.list { (r: inout Reader) throws(MarsError) -> KernelLevel in
      let insts = try r.list { (r: inout Reader) throws(MarsError) -> Inst in
        guard let op = ExprOp(rawValue: UInt8(truncatingIfNeeded: try r.small(255))) else {
          throw MarsError(.format, "a loop nest has an unknown operation")
        }
        let type = try r.dtype()
        let (a, b, c) = (try r.small(1 << 20), try r.small(1 << 20), try r.small(1 << 20))
        return Inst(op, type, Int32(a), Int32(b), Int32(c), imm: try r.word())
      }
      let reducers = try r.list { (r: inout Reader) throws(MarsError) -> Reducer in
        guard let kind = ReduceKind(rawValue: UInt8(truncatingIfNeeded: try r.small(255))) else {
          throw MarsError(.format, "a loop nest has an unknown reduction")
        }
        let value = try r.small(1 << 20)
        return Reducer(kind, value: Int32(value), index: Int32(try r.small(1 << 20)))
      }
      return KernelLevel(
        program: Expr(insts), reducers: reducers, reducedAxes: try r.list { (r: inout Reader) throws(MarsError) in try r.small(64) })
    }
    let inputs = try r.list { (r: inout Reader) throws(MarsError) in try r.dtype() }
    let counterCount = try r.small(1 << 16)
    let scalarTypes = try r.list { (r: inout Reader) throws(MarsError) in try r.dtype() }
    let outputs = try r.list { (r: inout Reader) throws(MarsError) -> KernelOutput in
      let level = try r.small(64)
      let value = try r.small(1 << 20)
      return KernelOutput(level: level, value: Int32(value), dtype: try r.dtype())
    }
    spec = KernelSpec(
      axisCount: axisCount, levels: levels, inputs: inputs, counterCount: counterCount, scalars: scalarTypes, outputs: outputs)
    shape = try r.list { (r: inout Reader) throws(MarsError) in try r.int() }
    maps = try r.list { (r: inout Reader) throws(MarsError) -> AxisMap in
      AxisMap(
        try r.list { (r: inout Reader) throws(MarsError) -> AxisAccess in
          let k = try r.small(64)
          let (s, t) = (try r.int(), try r.int())
          return k < 0 ? .fixed(s) : .aligned(axis: k, start: s, step: t)
        })
    }
    counters = try r.list { (r: inout Reader) throws(MarsError) -> Counter in
      let base = try r.int()
      return Counter(base: base, strides: try r.list { (r: inout Reader) throws(MarsError) in try r.int() })
    }
    scalars = try r.list { (r: inout Reader) throws(MarsError) -> Scalar in
      let d = try r.dtype()
      let low = try r.word()
      return Scalar(dtype: d, low: low, high: try r.word())
    }
    outputAxes = try r.list { (r: inout Reader) throws(MarsError) -> [Int] in
      try r.list { (r: inout Reader) throws(MarsError) in try r.small(64) }
    }
    guard r.at == bytes.count else { throw MarsError(.format, "a loop nest has bytes left over") }
  }

  // MARK: Verification

  /// Checks that the nest is one that the planner could have made and stays within its inputs.
  package func verify(inputs: [TensorType]) throws(MarsError) {
    func need(_ condition: Bool, _ what: String) throws(MarsError) {
      if !condition { throw MarsError(.format, "invalid loop nest: \(what)") }
    }
    try spec.verify()
    try need(shape.count == spec.axisCount && shape.allSatisfy { $0 >= 0 }, "shape")
    let count = Shape.count(shape)
    try need(count != nil, "shape is too large")
    try need(maps.count == spec.inputs.count && inputs.count == spec.inputs.count, "number of inputs")
    try need(counters.count == spec.counterCount && scalars.map(\.dtype) == spec.scalars, "arguments")
    for c in counters { try need(c.strides.count == shape.count, "counter") }
    for (i, m) in maps.enumerated() {
      try need(inputs[i].dtype == spec.inputs[i] && inputs[i].isKnown && m.axes.count == inputs[i].rank, "input \(i)")
      for (k, a) in m.axes.enumerated() {
        let extent = inputs[i].shape[k]
        switch a {
        case .fixed(let j): try need(j >= 0 && j < extent, "input \(i) is read outside of its shape")
        case .aligned(let axis, let start, let step):
          try need(axis < shape.count && step != 0 && abs(step) < 1 << 40 && abs(start) < 1 << 48, "input \(i)")
          if shape[axis] == 0 { continue }
          let last = start + step * (shape[axis] - 1)
          try need(min(start, last) >= 0 && max(start, last) < extent, "input \(i) is read outside of its shape")
        case .contracted, .whole: try need(false, "map")
        }
      }
    }
    try need(outputAxes.count == spec.outputs.count, "outputs")
    for (o, axes) in outputAxes.enumerated() {
      var gone: Set<Int> = []
      for l in spec.levels.prefix(spec.outputs[o].level) { gone.formUnion(l.reducedAxes) }
      let named = axes.filter { $0 >= 0 }
      try need(Set(named).count == named.count && named.allSatisfy { $0 < shape.count && !gone.contains($0) }, "output \(o)")
      try need(Set(0..<shape.count).subtracting(gone).subtracting(named).allSatisfy { shape[$0] == 1 }, "output \(o) lacks an axis")
    }
  }
}

extension KernelSpec {
  /// Checks references and types, so that the emitter may rely on them.
  package func verify() throws(MarsError) {
    func need(_ condition: Bool, _ what: String) throws(MarsError) {
      if !condition { throw MarsError(.format, "invalid kernel: \(what)") }
    }
    try need(axisCount >= 0 && axisCount <= 64 && !levels.isEmpty && levels.count <= 8, "levels")
    var states: [DType] = []
    var gone: Set<Int> = []
    for (n, level) in levels.enumerated() {
      let insts = level.program.insts
      try need(insts.count <= 1 << 14, "program is too long")
      for (k, i) in insts.enumerated() {
        for x in [i.a, i.b, i.c] { try need(x >= -1 && x < Int32(k), "operand of instruction \(k)") }
        try Typecheck.check(i, insts, self, states: states)
      }
      let isLast = n == levels.count - 1
      try need(isLast == level.reducers.isEmpty && isLast == level.reducedAxes.isEmpty, "reductions of level \(n)")
      for a in level.reducedAxes {
        try need(a >= 0 && a < axisCount && !gone.contains(a), "reduced axis")
        gone.insert(a)
      }
      states = []
      for r in level.reducers {
        try need(r.value >= 0 && Int(r.value) < insts.count, "reducer")
        let t = insts[Int(r.value)].type
        try need(!t.isHalf && !t.isComplex, "reducer of \(t.name)")
        states.append(t)
        if r.stateCount == 2 {
          try need(r.index >= 0 && Int(r.index) < insts.count && insts[Int(r.index)].type == .int64, "reducer's index")
          states.append(.int64)
        }
        switch r.kind {
        case .and, .or, .xor: try need(t == .bool || t.isInteger, "reducer of \(t.name)")
        case .fmin, .fmax: try need(t.isFloating, "reducer of \(t.name)")
        case .sum, .prod: try need(t != .bool, "reducer of bool")
        case .min, .max, .argmin, .argmax: break
        }
      }
    }
    for o in outputs {
      try need(o.level == levels.count - 1, "output's level")
      let insts = levels[o.level].program.insts
      try need(o.value >= 0 && Int(o.value) < insts.count && insts[Int(o.value)].type == o.dtype, "output's value")
    }
  }
}

/// Types of instructions, as `ExprOp` documents them.
private enum Typecheck {
  static func check(_ i: Inst, _ insts: [Inst], _ spec: KernelSpec, states: [DType]) throws(MarsError) {
    func type(_ x: Int32) -> DType? { x >= 0 ? insts[Int(x)].type : nil }
    let (a, b, c) = (type(i.a), type(i.b), type(i.c))
    let t = i.type
    let isReal = !t.isComplex && !t.isHalf
    let ok: Bool
    switch i.op {
    case .input: ok = i.imm < UInt64(spec.inputs.count) && spec.inputs[Int(i.imm)] == t
    case .scalar: ok = i.imm < UInt64(spec.scalars.count) && spec.scalars[Int(i.imm)] == t
    case .constant: ok = !t.isComplex
    case .element: ok = t == .int64 && i.imm < UInt64(max(spec.counterCount, 0))
    case .reduced: ok = i.imm < UInt64(states.count) && states[Int(i.imm)] == t
    case .add, .sub, .mul, .floorDiv, .mod, .fmod, .pow: ok = isReal && t != .bool && a == t && b == t
    case .div, .fmin, .fmax, .atan2, .hypot, .copysign, .nextafter: ok = isReal && t.isFloating && a == t && b == t
    case .neg, .abs: ok = isReal && t != .bool && a == t
    case .fma: ok = isReal && t.isFloating && a == t && b == t && c == t
    case .min, .max: ok = isReal && a == t && b == t
    case .eq, .ne, .lt, .le: ok = t == .bool && a != nil && a == b && a.map { !$0.isComplex && !$0.isHalf } == true
    case .and, .or, .xor: ok = (t == .bool || t.isInteger) && a == t && b == t
    case .not: ok = (t == .bool || t.isInteger) && a == t
    case .shl, .shr: ok = t.isInteger && a == t && b == t
    case .mulHigh: ok = (t == .uint32 || t == .uint64) && a == t && b == t
    case .popcount: ok = t == .uint8 && a?.isInteger == true
    case .sqrt, .cbrt, .exp, .exp2, .expm1, .log, .log2, .log10, .log1p, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh, .asinh,
      .acosh, .atanh, .floor, .ceil, .trunc, .rint, .frexpFraction, .spacing:
      ok = isReal && t.isFloating && a == t
    case .frexpExponent: ok = t == .int32 && a.map { $0.isFloating && !$0.isHalf } == true
    case .ldexp: ok = isReal && t.isFloating && a == t && b == .int32
    case .isNaN, .isInf, .isFinite, .signBit: ok = t == .bool && a.map { $0.isFloating && !$0.isHalf } == true
    case .select: ok = a == .bool && b == t && c == t
    case .cast: ok = a != nil
    case .bitcast: ok = a.map { $0.itemSize == t.itemSize && !$0.isComplex && $0 != .bool } == true && !t.isComplex && t != .bool
    case .makeComplex: ok = t.isComplex && a == t.realPart && b == t.realPart
    case .real, .imag: ok = a?.isComplex == true && a?.realPart == t
    case .philox: ok = (t == .uint64 || t == .uint32) && a == .int64 && b == .uint64 && c == .uint32 && i.imm <= UInt64(UInt32.max)
    }
    if !ok { throw MarsError(.format, "invalid kernel: operation \(i.op) of type \(t.name)") }
  }
}
