import Glibc
import MarsBase
import MarsFormat
import MarsGraph
import MarsOps
import MarsSession

/// One call of an operator that the laws run in every way that must not matter.
struct LawCase {
  let op: OpDef
  let operands: [TensorType]
  let attributes: [(String, AttrValue)]
  let data: LawData
  /// Operands that hold values of their own.
  var special: [Int: LawData] = [:]
  /// Declared inputs that are left out although later ones are given; operands are the others.
  var absent: [Int] = []
  /// Whether the operator may refuse the call: shapes that were derived from those that it declares.
  var mayRefuse = false

  var text: String {
    let given = (absent.isEmpty ? "" : " without \(absent.map { op.inputs[$0].name })") + attributes.map { " \($0.0)=\($0.1)" }.joined()
    return "\(op.name)[\(operands.map(\.text).joined(separator: ", "))\(given)] \(data)"
  }

  func values(_ layout: LawLayout, _ registry: OpRegistry) throws -> [Value] {
    try operands.enumerated().map { k, t in
      try layout.value(t, (special[k] ?? data).bytes(t.dtype, t.count, seed: k), registry)
    }
  }

  func node(_ layout: LawLayout, _ registry: OpRegistry) throws -> Node {
    try op.apply(Sample([], absent: absent).operands(try values(layout, registry)), attributes)
  }
}

/// The values of one output, in C order.
struct LawResult {
  let type: TensorType
  let bytes: [UInt8]
}

/// How far results of two orders of computing may lie apart.
struct LawBound {
  /// Elements that are combined by rounded sums and products; 0: all bits are equal.
  var combined = 0
  /// Reductions and products among the operator's parts.
  var steps = 0
  /// Whether a NaN may have another sign and payload: IEEE 754 and LLVM leave those of computed NaNs open, those of moved ones not.
  var makesNaN = false

  /// From what an operator is made of: bodies say themselves what they combine.
  init(_ node: Node) {
    var seen: Set<ObjectIdentifier> = []
    var stack = [node]
    while let n = stack.popLast() {
      guard seen.insert(ObjectIdentifier(n)).inserted else { continue }
      stack += (n.expansion.isEmpty ? n.inputs : n.expansion).map(\.node)
      switch n.op.body {
      case .expr(let body):
        let shape = n.outputs[0].shape
        var b = ExprBuilder(frame: .init(shape: shape, map: .identity(shape.count), rank: shape.count))
        let arguments = n.inputs.enumerated().map { k, v in b.input(k, n.loop?.inputs[k] ?? v.type.dtype) }
        if body(&b, n.context, arguments).contains(where: { !arguments.contains($0) }) { makesNaN = true }
      case .reduce(let body):
        makesNaN = true
        let input = n.inputs[0].type
        let rank = max(input.rank, 0)
        var b = ExprBuilder(frame: .init(shape: input.shape, map: .identity(rank), rank: rank))
        let arguments = n.inputs.enumerated().map { b.input($0, $1.type.dtype) }
        let parts = body.map(&b, n.context, arguments)
        guard parts.contains(where: { [.sum, .prod].contains($0.kind) && b.type($0.value).kind >= .floating }) else { continue }
        combined += max(2, body.axes(n.context).reduce(1) { $0 * max(1, input.shape[$1]) })
        steps += 1
      case .native(let rule):
        if n.op.cost.perElement > 1 { makesNaN = true }
        guard rule.accumulates, n.outputs[0].dtype.kind >= .floating else { continue }
        combined += max(2, n.inputs[0].type.shape.last ?? 1)
        steps += 1
      default: break
      }
    }
  }

  var isExact: Bool { combined == 0 }

  /// First-order bound for sums of n values of one sign in any two orders: each rounds at most n - 1 times, by half a ULP.  Operators of
  /// several reductions add up what each gives, doubled for what lies between them.  Half types are summed in float32 and rounded once.
  func ulps(_ d: DType) -> Double { d.isHalf ? Double(2 * steps) : Double(combined) * (steps > 1 ? 2 : 1) }

  /// Values below it are compared absolutely: operands are of order 1, and parts of complex products cancel.
  func floor(_ d: DType) -> Double { d.isComplex ? 4 * Double(combined) : 1 }
}

/// The ways in which a graph is run, and the laws that compare them.
final class LawRunner: Sendable {
  enum Way: String, CaseIterable {
    case whole, chunked, oneWorker, unfused, strided, viewed, chunkedView, unfusedChunked, parsed, parsedChunked

    var layout: LawLayout {
      switch self {
      case .whole, .unfused, .parsed: .plain
      case .strided: .strided
      case .viewed: .viewed
      case .chunked, .oneWorker, .unfusedChunked: .chunked
      case .chunkedView, .parsedChunked: .chunkedView
      }
    }
    /// The way whose bits it must have, whatever the operator.
    var twin: Way? {
      switch self {
      case .oneWorker: .chunked
      case .parsed: .whole
      case .parsedChunked: .chunkedView
      default: nil
      }
    }
  }

  private let sessions: [Way: Session]
  let registry: OpRegistry

  init(registry: OpRegistry = marsRegistry, cache: String) throws {
    self.registry = registry
    func open(_ more: [(String, String)], workers: Int = 2) throws -> Session {
      try Session(options: [("workers", String(workers)), ("cache_dir", cache)] + more)
    }
    let whole = try open([])
    let tiny = try open([("chunk_bytes", "64")])
    let unfused = try open([("fuse", "0")])
    let unfusedTiny = try open([("fuse", "0"), ("chunk_bytes", "64")])
    let one = try open([("chunk_bytes", "64")], workers: 1)
    sessions = [
      .whole: whole, .strided: whole, .viewed: whole, .parsed: whole, .chunked: tiny, .chunkedView: tiny, .parsedChunked: tiny,
      .oneWorker: one, .unfused: unfused, .unfusedChunked: unfusedTiny,
    ]
  }

  func session(_ way: Way) throws -> Session {
    guard let s = sessions[way] else { throw MarsError(.internal, "no session") }
    return s
  }

  // MARK: Running

  /// Runs values in a session and copies what comes out.
  static func fetch(_ values: [Value], _ session: Session) throws -> [LawResult] {
    let tensors = try session.execute(values.map { Tensor($0) })
    return try tensors.map { t in
      let fetched = try session.fetch(t)
      let a = fetched.view
      let type = TensorType(a.dtype, a.shape)
      var bytes = [UInt8](repeating: 0, count: max(1, type.byteCount))
      bytes.withUnsafeMutableBytes { b in
        guard let p = b.baseAddress, type.count > 0 else { return }
        StridedCopy.copy(
          from: a,
          to: ArrayView(base: p, dtype: a.dtype, shape: a.shape))
      }
      withExtendedLifetime(fetched) {}
      return LawResult(type: type, bytes: Array(bytes.prefix(type.byteCount)))
    }
  }

  private func parsed(_ values: [Value]) throws -> [Value] {
    let bytes = try GraphCodec.encode(outputs: values.enumerated().map { ("o\($0)", $1) })
    return try GraphCodec.decode(bytes, registry: registry).outputs.map(\.value)
  }

  /// Results of all outputs of all nodes; nil, with a failure noted, for a node that does not run.
  private func results(_ cases: [LawCase], _ way: Way, _ failures: inout [String]) -> [[LawResult]?] {
    func attempt(_ some: [LawCase]) throws -> [[LawResult]] {
      var values: [Value] = []
      var counts: [Int] = []
      for c in some {
        let n = try c.node(way.layout, registry)
        values += n.outputs.indices.map { Value(n, $0) }
        counts.append(n.outputs.count)
      }
      if way == .parsed || way == .parsedChunked { values = try parsed(values) }
      let flat = try LawRunner.fetch(values, session(way))
      var out: [[LawResult]] = []
      var at = 0
      for k in counts {
        out.append(Array(flat[at..<at + k]))
        at += k
      }
      return out
    }
    if let all = try? attempt(cases) { return all }
    return cases.map { c in
      do { return try attempt([c])[0] } catch {
        failures.append("\(c.text) \(way): \(error)")
        return nil
      }
    }
  }

  // MARK: Laws

  /// Sentences about what is not as it must be; none if the laws hold for all cases.
  func check(_ cases: [LawCase], ways: (Int, Way) -> Bool = { _, _ in true }) -> [String] {
    var failures: [String] = []
    var kept: [LawCase] = []
    var bounds: [LawBound] = []
    var inferred: [[TensorType]] = []
    for c in cases {
      do {
        let n = try c.node(.plain, registry)
        let faults = LawRunner.typeFaults(n)
        failures += faults.map { "\(c.text): \($0)" }
        // What does not fit its own types is not run.
        if !faults.isEmpty { continue }
        kept.append(c)
        bounds.append(LawBound(n))
        inferred.append(n.outputs)
      } catch let e as MarsError where c.mayRefuse && e.code != .internal {
        continue
      } catch { failures.append("\(c.text): \(error)") }
    }
    var found: [Way: [[LawResult]?]] = [:]
    for way in Way.allCases {
      let chosen = kept.indices.filter { way == .whole || way == .chunked || ways($0, way) }
      let some = results(chosen.map { kept[$0] }, way, &failures)
      var all = [[LawResult]?](repeating: nil, count: kept.count)
      for (k, r) in zip(chosen, some) { all[k] = r }
      found[way] = all
      for k in chosen {
        guard let mine = all[k] else { continue }
        for (o, r) in mine.enumerated() {
          let t = inferred[k][o]
          if t.dtype != r.type.dtype || t.rank != r.type.rank
            || zip(t.shape, r.type.shape).contains(where: { $0 != unknownExtent && $0 != $1 })
          {
            failures.append("\(kept[k].text) \(way): output \(o) is inferred as \(t.text) but computed as \(r.type.text)")
          }
        }
        let reference = way.twin.flatMap { found[$0]?[k] } ?? found[.whole]?[k]
        guard let reference else { continue }
        let exact = bounds[k].isExact || way.twin.map { found[$0]?[k] != nil } ?? false
        for (o, (r, w)) in zip(mine, reference).enumerated() {
          if let fault = LawRunner.difference(w, r, bounds[k], exact: exact) {
            failures.append("\(kept[k].text) \(way): output \(o) \(fault)")
          }
        }
      }
    }
    return failures
  }

  /// Disagreements between what an operator's inference says and what its body makes.
  static func typeFaults(_ node: Node) -> [String] {
    var out: [String] = []
    var seen: Set<ObjectIdentifier> = []
    var stack = [node]
    while let n = stack.popLast() {
      guard seen.insert(ObjectIdentifier(n)).inserted else { continue }
      stack += (n.inputs + n.expansion).map(\.node)
      func check(_ made: [DType]) {
        if made != n.outputs.map(\.dtype) {
          out.append("'\(n.op.name)' is inferred as \(n.outputs.map(\.dtype.name)) but its body makes \(made.map(\.name))")
        }
      }
      switch n.op.body {
      case .expr(let body):
        let shape = n.outputs[0].shape
        var b = ExprBuilder(frame: .init(shape: shape, map: .identity(shape.count), rank: shape.count))
        let arguments = n.inputs.enumerated().map { k, v in b.input(k, n.loop?.inputs[k] ?? v.type.dtype) }
        check(body(&b, n.context, arguments).map { b.type($0) })
        if let s = Shape.broadcast(n.inputs.map(\.type.shape)), Shape.broadcast([s, shape]) != shape {
          out.append("'\(n.op.name)' is inferred with shape \(Shape.text(shape)), to which its operands \(Shape.text(s)) do not broadcast")
        }
      case .reduce(let body):
        let input = n.inputs[0].type
        var b = ExprBuilder(frame: .init(shape: input.shape, map: .identity(input.rank), rank: input.rank))
        let arguments = n.inputs.enumerated().map { b.input($0, $1.type.dtype) }
        let parts = body.map(&b, n.context, arguments)
        let types = parts.flatMap { p in [b.type(p.value)] + (p.index == nil ? [] : [.int64]) }
        _ = b.takeProgram()
        let states = types.enumerated().map { b.reduced($0, $1) }
        check(body.finish(&b, n.context, states).map { b.type($0) })
        let axes = body.axes(n.context)
        let keep = body.keepsDimensions(n.context)
        let shape = input.shape.indices.filter { keep || !axes.contains($0) }.map { axes.contains($0) ? 1 : input.shape[$0] }
        if shape != n.outputs[0].shape {
          out.append("'\(n.op.name)' is inferred with shape \(Shape.text(n.outputs[0].shape)) but its body makes \(Shape.text(shape))")
        }
      case .view(let rule):
        let box = rule(n.context).box(Box(whole: n.outputs[0].shape))
        if n.outputs[0].isKnown && n.outputs[0].count > 0
          && box.lower.indices.contains(where: { box.lower[$0] < 0 || box.upper($0) > n.inputs[0].type.shape[$0] })
        {
          out.append("'\(n.op.name)' reads outside of its input")
        }
        if n.outputs[0].dtype != n.inputs[0].type.dtype { out.append("'\(n.op.name)' is a view of another dtype") }
      case .native, .composed, .nest, .leaf: break
      }
    }
    return out
  }

  /// How `r` differs from `w` by more than allowed; nil: it does not.
  static func difference(_ w: LawResult, _ r: LawResult, _ bound: LawBound, exact: Bool) -> String? {
    guard w.type == r.type else { return "is \(r.type.text) instead of \(w.type.text)" }
    if w.bytes == r.bytes { return nil }
    let d = w.type.dtype
    let size = d.itemSize
    for i in 0..<w.type.count {
      let (x, y) = (LawRunner.scalar(w.bytes, i * size, d), LawRunner.scalar(r.bytes, i * size, d))
      if x == y { continue }
      guard d.kind >= .floating else { return "element \(i) is \(y.wide) instead of \(x.wide)" }
      let (a, b) = (LawRunner.parts(x), LawRunner.parts(y))
      for (p, q) in zip(a, b) {
        if p.bitPattern == q.bitPattern || (p.isNaN && q.isNaN && bound.makesNaN) { continue }
        if exact { return "element \(i) is \(y.wide) instead of \(x.wide)" }
        if p == q { continue }
        let allowed = bound.ulps(d) * LawRunner.epsilon(d) * max(abs(p), abs(q), bound.floor(d))
        if !(abs(p - q) <= allowed) || p.isInfinite || q.isInfinite {
          return "element \(i) is \(q) instead of \(p): more than \(bound.ulps(d)) ULP apart"
        }
      }
    }
    return nil
  }

  static func scalar(_ bytes: [UInt8], _ at: Int, _ d: DType) -> Scalar {
    var (low, high): (UInt64, UInt64) = (0, 0)
    for k in 0..<d.itemSize {
      if k < 8 { low |= UInt64(bytes[at + k]) << UInt64(8 * k) } else { high |= UInt64(bytes[at + k]) << UInt64(8 * (k - 8)) }
    }
    return Scalar(dtype: d, low: low, high: high)
  }

  private static func parts(_ s: Scalar) -> [Double] {
    if case .complex(let re, let im) = s.wide { return [re, im] }
    return [s.asDouble]
  }

  /// Distance from 1 to the next value.
  static func epsilon(_ d: DType) -> Double {
    switch d {
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    case .float32, .complex64: 0x1p-23
    default: 0x1p-52
    }
  }
}
