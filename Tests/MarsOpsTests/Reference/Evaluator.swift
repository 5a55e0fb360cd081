import Foundation
import MarsBase
import MarsGraph
import MarsNumerics
import MarsOps

/// A C-order array in memory of the test.
final class RefArray: @unchecked Sendable {
  let type: TensorType
  let view: ArrayView
  init(_ type: TensorType) {
    self.type = type
    let n = max(16, type.byteCount)
    let p = UnsafeMutableRawPointer.allocate(byteCount: n, alignment: 16)
    p.initializeMemory(as: UInt8.self, repeating: 0xAB, count: n)
    view = ArrayView(base: p, dtype: type.dtype, shape: type.shape)
  }
  deinit { view.base.deallocate() }

  convenience init(_ type: TensorType, _ values: [Scalar]) {
    self.init(type)
    for (i, v) in values.enumerated() { store(v, i) }
  }
  convenience init(_ shape: [Int], _ values: [Double], _ d: DType = .float64) {
    self.init(TensorType(d, shape), values.map { Scalar($0).cast(to: d) })
  }

  func load(_ i: Int) -> Scalar { load(view, i * type.dtype.itemSize) }
  func store(_ v: Scalar, _ i: Int) {
    let c = v.cast(to: type.dtype)
    withUnsafeBytes(of: (c.low, c.high)) {
      view.base.advanced(by: i * type.dtype.itemSize).copyMemory(from: $0.baseAddress!, byteCount: type.dtype.itemSize)
    }
  }
  private func load(_ v: ArrayView, _ offset: Int) -> Scalar {
    var words: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: UnsafeRawBufferPointer(start: v.base + offset, count: v.dtype.itemSize)) }
    return Scalar(dtype: v.dtype, low: words.0, high: words.1)
  }
  var scalars: [Scalar] { (0..<type.count).map(load) }
  var doubles: [Double] { scalars.map(\.asDouble) }
  func node() -> Value {
    let keep = self
    let buffer = Buffer(base: view.base, byteCount: type.byteCount, isBorrowed: true) { _, _ in _ = keep }
    return Value(Leaves.node(DenseArray(buffer: buffer, type: type)))
  }
}

func indices(_ shape: [Int]) -> [[Int]] {
  var out: [[Int]] = [[]]
  for n in shape { out = out.flatMap { p in (0..<n).map { p + [$0] } } }
  return out
}

/// Evaluates graphs element by element: slow and simple.
///
/// `chunked`: native bodies are called for parts of the output, to test their tile rules.
final class Evaluator {
  let chunked: Bool
  let files: any FileSystem
  private var done: [ObjectIdentifier: [RefArray]] = [:]
  private var kept: [Node] = []
  init(chunked: Bool = false, files: any FileSystem = NoFiles()) {
    self.chunked = chunked
    self.files = files
  }

  func value(_ v: Value) throws -> RefArray { try node(v.node)[v.output] }

  func node(_ n: Node) throws -> [RefArray] {
    if let r = done[ObjectIdentifier(n)] { return r }
    let r: [RefArray]
    if !n.expansion.isEmpty {
      r = try n.expansion.map { try value($0) }
    } else if case .dense(let d) = n.payload {
      let a = RefArray(d.type)
      StridedCopy.copy(from: d.view, to: a.view)
      r = [a]
    } else {
      let inputs = try n.inputs.map { try value($0) }
      let known = OpContext(
        op: n.op, inputs: inputs.map(\.type), absent: n.absent, attributes: n.attributes, outputs: try resolve(n, inputs), loop: n.loop)
      switch n.op.body {
      case .expr(let body): r = expr(known, inputs, body)
      case .reduce(let body): r = reduce(known, inputs, body)
      case .view(let map):
        let m = map(known)
        let out = RefArray(known.outputs[0])
        for (i, p) in indices(out.type.shape).enumerated() { out.store(inputs[0].load(offset(m, p, inputs[0].type.shape)), i) }
        r = [out]
      case .native(let rule): r = try native(n, known, inputs, rule)
      case .composed:
        // One that waited for extents.
        r = try n.again(inputs.map { .value($0.node()) }).expansion.map { try value($0) }
      case .leaf, .nest: preconditionFailure("\(n.op.name) cannot be evaluated")
      }
    }
    done[ObjectIdentifier(n)] = r
    kept.append(n)
    return r
  }

  /// Output types with the extents that inputs turned out to have.
  private func resolve(_ n: Node, _ inputs: [RefArray]) throws -> [TensorType] {
    if n.outputs.allSatisfy(\.isKnown) { return n.outputs }
    let c = OpContext(op: n.op, inputs: inputs.map(\.type), absent: n.absent, attributes: n.attributes, loop: n.loop)
    switch n.op.typing {
    case .ufunc: return n.outputs.map { TensorType($0.dtype, Shape.broadcast(inputs.map(\.type.shape))!) }
    case .rule(let f): return try f(c)
    case .fromExpansion: preconditionFailure()
    }
  }

  private func offset(_ m: AxisMap, _ p: [Int], _ shape: [Int]) -> Int {
    var o = 0
    for (a, s) in zip(m.axes, Shape.rowMajorStrides(shape)) {
      switch a {
      case .aligned(let k, let start, let step): o += s * (start + step * p[k])
      case .fixed(let i): o += s * i
      case .contracted, .whole: preconditionFailure()
      }
    }
    return o
  }

  private func expr(
    _ c: OpContext, _ inputs: [RefArray], _ body: (inout ExprBuilder, OpContext, [ExprRef]) -> [ExprRef]
  ) -> [RefArray] {
    let shape = c.outputs[0].shape
    var b = ExprBuilder(frame: .init(shape: shape, map: .identity(shape.count), rank: shape.count))
    let refs = inputs.indices.map { i in
      let x = inputs[i].type.rank == 0 && c.loop != nil ? b.scalar(inputs[i].load(0)) : b.input(i, inputs[i].type.dtype)
      return c.loop.map { b.cast(x, $0.inputs[i]) } ?? x
    }
    let out = body(&b, c, refs)
    for (o, t) in zip(out, c.outputs) { precondition(b.type(o) == t.dtype, "\(c.op.name): \(b.type(o)) instead of \(t.dtype)") }
    let run = ExprInterpreter(program: b.takeProgram(), scalars: b.scalars, counters: b.counters)
    let maps = inputs.map { AxisMap.broadcast($0.type.shape, to: shape) }
    let results = c.outputs.map { RefArray($0) }
    for (i, p) in indices(shape).enumerated() {
      let v = run.run(point: p, inputs: zip(inputs, maps).map { $0.load(offset($1, p, $0.type.shape)) })
      for (k, o) in out.enumerated() { results[k].store(v[Int(o.number)], i) }
    }
    return results
  }

  private func reduce(_ c: OpContext, _ inputs: [RefArray], _ body: ReduceBody) -> [RefArray] {
    let shape = inputs[0].type.shape
    let axes = body.axes(c)
    var b = ExprBuilder(frame: .init(shape: shape, map: .identity(shape.count), rank: shape.count))
    let refs = inputs.indices.map { b.input($0, inputs[$0].type.dtype) }
    let parts = body.map(&b, c, refs)
    let types = parts.map { b.type($0.value) }
    for t in types { precondition(!t.isHalf && !t.isComplex, "\(c.op.name): accumulator of \(t)") }
    let mapped = ExprInterpreter(program: b.takeProgram(), scalars: b.scalars, counters: b.counters)
    let maps = inputs.map { AxisMap.broadcast($0.type.shape, to: shape) }
    let others = shape.indices.filter { !axes.contains($0) }

    var states: [[Scalar?]] = []
    var positions: [[Scalar?]] = []
    let outer = indices(others.map { shape[$0] })
    for o in outer {
      var s = [Scalar?](repeating: nil, count: parts.count)
      var at = s
      for inner in indices(axes.map { shape[$0] }) {
        var p = [Int](repeating: 0, count: shape.count)
        for (k, a) in others.enumerated() { p[a] = o[k] }
        for (k, a) in axes.enumerated() { p[a] = inner[k] }
        let v = mapped.run(point: p, inputs: zip(inputs, maps).map { $0.load(offset($1, p, $0.type.shape)) })
        for (k, part) in parts.enumerated() {
          let x = v[Int(part.value.number)]
          let index = part.index.map { v[Int($0.number)] }
          combine(part.kind, &s[k], &at[k], x, index)
        }
      }
      states.append(s)
      positions.append(at)
    }
    let outShape = c.outputs[0].shape
    b.frame = .init(shape: outShape, map: .identity(outShape.count), rank: outShape.count)
    var refs2: [ExprRef] = []
    for (k, part) in parts.enumerated() {
      refs2.append(b.reduced(refs2.count, types[k]))
      if part.index != nil { refs2.append(b.reduced(refs2.count, .int64)) }
    }
    let out = body.finish(&b, c, refs2)
    for (o, t) in zip(out, c.outputs) { precondition(b.type(o) == t.dtype, "\(c.op.name): \(b.type(o)) instead of \(t.dtype)") }
    let finish = ExprInterpreter(program: b.takeProgram(), scalars: b.scalars, counters: b.counters)
    let results = c.outputs.map { RefArray($0) }
    for (i, s) in states.enumerated() {
      var reduced: [Scalar] = []
      for (k, part) in parts.enumerated() {
        reduced.append(s[k] ?? identity(part.kind, types[k]))
        if part.index != nil { reduced.append(positions[i][k] ?? Scalar(Int64(0))) }
      }
      let v = finish.run(point: indices(outShape)[i], inputs: [], reduced: reduced)
      for (k, o) in out.enumerated() { results[k].store(v[Int(o.number)], i) }
    }
    return results
  }

  private func identity(_ k: ReduceKind, _ t: DType) -> Scalar {
    switch k {
    case .prod, .and: Scalar(Int64(1)).cast(to: t)
    case .fmin, .fmax: Scalar(Double.nan).cast(to: t)
    default: Scalar(Int64(0)).cast(to: t)
    }
  }

  private func combine(_ k: ReduceKind, _ state: inout Scalar?, _ index: inout Scalar?, _ x: Scalar, _ i: Scalar?) {
    guard let s = state else {
      state = x
      index = i
      return
    }
    let ops: [ReduceKind: ExprOp] = [
      .sum: .add, .prod: .mul, .min: .min, .max: .max, .fmin: .fmin, .fmax: .fmax, .and: .and, .or: .or, .xor: .xor,
    ]
    func apply(_ o: ExprOp, _ t: DType) -> Scalar {
      let e = Expr([Inst(.input, s.dtype, imm: 0), Inst(.input, s.dtype, imm: 1), Inst(o, t, 0, 1)])
      return ExprInterpreter(program: e, scalars: [], counters: []).run(point: [], inputs: [s, x])[2]
    }
    if let o = ops[k] {
      state = apply(o, s.dtype)
      return
    }
    if s.asDouble.isNaN { return }
    let flipped = Expr([
      Inst(.input, s.dtype, imm: 0), Inst(.input, s.dtype, imm: 1), Inst(.lt, .bool, k == .argmin ? 1 : 0, k == .argmin ? 0 : 1),
    ])
    let better = ExprInterpreter(program: flipped, scalars: [], counters: []).run(point: [], inputs: [s, x])[2].low != 0
    if x.asDouble.isNaN || better {
      state = x
      index = i
    }
  }

  // MARK: Native bodies

  private func native(_ n: Node, _ c: OpContext, _ inputs: [RefArray], _ rule: NativeRule) throws -> [RefArray] {
    guard let body = cpuNatives.body(.init(n.op.name)) else { throw MarsError(.internal, "\(n.op.name) has no body") }
    func call(_ boxes: [Box], _ out: ArrayView, _ box: Box, more: [ArrayView] = [], accumulate: Bool = false) throws -> NativeCall {
      let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: rule.workspace(c, box) + 1, alignment: 16)
      defer { scratch.deallocate() }
      var k = NativeCall(
        context: c, inputs: zip(inputs, boxes).map { $0.view.window($1) }, inputBoxes: boxes, outputs: [out] + more,
        outputBox: box, accumulate: accumulate,
        isInPlace: false, workspace: Workspace(scratch), payload: n.payload, files: files)
      try body(&k)
      return k
    }
    func halves(_ n: Int) -> [(Int, Int)] { chunked && n > 1 ? [(0, n / 2), (n / 2, n - n / 2)] : [(0, n)] }
    // What an operator says of its tasks holds for all ways of cutting it.
    let splits = rule.splits(c)
    func parts(_ shape: [Int], whole: [Int]) -> [Box] {
      var out = [Box(lower: [], extents: [])]
      for (k, e) in shape.enumerated() {
        let own = splits[k].map { s in zip(s.offsets, s.sizes).map { ($0, $1) } }
        out = out.flatMap { b in
          (own ?? (whole.contains(k) ? [(0, e)] : halves(e))).map { Box(lower: b.lower + [$0.0], extents: b.extents + [$0.1]) }
        }
      }
      return out
    }

    switch rule.tiling {
    case .boxes(let boxes):
      let out = RefArray(c.outputs[0])
      for box in parts(c.outputs[0].shape, whole: rule.wholeOutputAxes(c)) { _ = try call(boxes(c, box), out.view.window(box), box) }
      return [out]
    case .access(let access):
      let out = RefArray(c.outputs[0])
      // What tasks along an axis hand on.
      let carried = rule.carriedAxis(c)
      let more = c.outputs.dropFirst().map { RefArray($0) }
      let all = access(c)
      var contracted = 1
      for (i, axes) in all.enumerated() {
        for (k, a) in axes.enumerated() { if case .contracted = a { contracted = inputs[i].type.shape[k] } }
      }
      for box in parts(c.outputs[0].shape, whole: rule.wholeOutputAxes(c)) {
        for (number, part) in (rule.accumulates ? halves(contracted) : [(0, contracted)]).enumerated() {
          var boxes: [Box] = []
          for (i, axes) in all.enumerated() {
            var b = Box(lower: [], extents: [])
            for (k, a) in axes.enumerated() {
              switch a {
              case .whole:
                b.lower.append(0)
                b.extents.append(inputs[i].type.shape[k])
              case .contracted:
                b.lower.append(part.0)
                b.extents.append(part.1)
              case .aligned, .fixed:
                let one = AxisMap([a]).box(box)
                b.lower += one.lower
                b.extents += one.extents
              }
            }
            boxes.append(b)
          }
          var narrow = box
          if let carried { (narrow.lower[carried], narrow.extents[carried]) = (0, 1) }
          let isNext = number > 0 || (carried.map { box.lower[$0] > 0 } ?? false)
          _ = try call(boxes, out.view.window(box), box, more: more.map { $0.view.window(narrow) }, accumulate: isNext)
        }
      }
      return [out] + more
    case .selecting(let axis):
      var pieces: [RefArray] = []
      let length = inputs[0].type.shape[axis]
      for (lower, extent) in rule.wholeOutputAxes(c).contains(axis) ? [(0, length)] : halves(length) {
        let boxes = inputs.map { x in
          var b = Box(whole: x.type.shape)
          if x.type.rank > axis {
            b.lower[axis] = lower
            b.extents[axis] = extent
          }
          return b
        }
        var shape = c.outputs[0].shape
        shape[axis] = extent
        let room = RefArray(TensorType(c.outputs[0].dtype, shape))
        let k = try call(boxes, room.view, Box(whole: shape))
        guard let produced = k.producedShape else { throw MarsError(.internal, "\(n.op.name) did not say what it produced") }
        let piece = RefArray(TensorType(room.type.dtype, produced))
        StridedCopy.copy(from: room.view.window(Box(whole: produced)), to: piece.view)
        pieces.append(piece)
      }
      var shape = pieces[0].type.shape
      shape[axis] = pieces.reduce(0) { $0 + $1.type.shape[axis] }
      let out = RefArray(TensorType(pieces[0].type.dtype, shape))
      var at = 0
      for p in pieces {
        StridedCopy.copy(from: p.view, to: out.view.sliced(axis: axis, start: at, step: 1, count: p.type.shape[axis]))
        at += p.type.shape[axis]
      }
      return [out]
    }
  }
}

/// A file system without files.
final class NoFiles: FileSystem {
  func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File { throw MarsError(.os, "no such file: \(path)") }
  func remove(_ path: String) throws(MarsError) {}
  func rename(_ from: String, to: String) throws(MarsError) {}
  func makeDirectory(_ path: String) throws(MarsError) {}
  func exists(_ path: String) -> Bool { false }
  func list(_ path: String) throws(MarsError) -> [String] { [] }
}
