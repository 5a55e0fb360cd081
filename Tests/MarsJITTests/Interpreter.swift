import Glibc
import MarsBase
import MarsGraph

/// A value of the reference interpreter: the dtype's bits, imaginary part in `high`.
struct Bits: Equatable {
  var low: UInt64
  var high: UInt64 = 0
}

/// A slow, straightforward evaluation of kernel specs, one element at a time.
struct Interpreter {
  let spec: KernelSpec
  let extents: [Int]
  /// Reads element (input, index per axis).
  let input: (Int, [Int]) -> Bits
  /// Counter value at an index.
  let counter: (Int, [Int]) -> Int
  let scalars: [Scalar]
  /// Sums and products of floats are accumulated in `long double`.
  var output: (Int, [Int], Bits) -> Void

  private var axisLevel: [Int] {
    var l = [Int](repeating: spec.levels.count - 1, count: spec.axisCount)
    for (n, k) in spec.levels.enumerated() { for a in k.reducedAxes { l[a] = n } }
    return l
  }

  func run() {
    forEach(axes: axisLevel.indices.filter { axisLevel[$0] == spec.levels.count - 1 }, [Int](repeating: 0, count: spec.axisCount)) {
      _ = level(spec.levels.count - 1, $0)
    }
  }

  private func forEach(axes: [Int], _ index: [Int], _ body: ([Int]) -> Void) {
    guard let a = axes.first else { return body(index) }
    var index = index
    for i in 0..<extents[a] {
      index[a] = i
      forEach(axes: Array(axes.dropFirst()), index, body)
    }
  }

  private func level(_ l: Int, _ index: [Int]) -> [Bits] {
    var states: [Bits] = []
    if l > 0 {
      let below = spec.levels[l - 1]
      var wide = below.reducers.map { _ in -Float80(0) }
      var points = 0
      var acc = below.reducers.map { identity($0, below.program.insts[Int($0.value)].type) }
      for (i, r) in below.reducers.enumerated() where r.kind == .prod { wide[i] = 1 }
      forEach(axes: axisLevel.indices.filter { axisLevel[$0] == l - 1 }, index) { point in
        let v = level(l - 1, point)
        points += 1
        for (i, r) in below.reducers.enumerated() {
          let d = below.program.insts[Int(r.value)].type
          let x = v[Int(r.value)]
          if d.isFloating && r.kind == .sum { wide[i] += Float80(number(x, d)) }
          if d.isFloating && r.kind == .prod { wide[i] *= Float80(number(x, d)) }
          acc[i] = combine(r, d, acc[i], x, r.index >= 0 ? v[Int(r.index)] : x)
        }
      }
      for (i, r) in below.reducers.enumerated() {
        let d = below.program.insts[Int(r.value)].type
        if d.isFloating && (r.kind == .sum || r.kind == .prod) { acc[i] = [bits(points == 0 && r.kind == .sum ? 0 : wide[i], d)] }
        states += acc[i]
      }
    }
    var v: [Bits] = []
    let p = spec.levels[l].program.insts
    for i in p {
      switch i.op {
      case .input: v.append(input(Int(i.imm), index))
      case .element: v.append(Bits(low: UInt64(bitPattern: Int64(counter(Int(i.imm), index)))))
      case .scalar: v.append(Bits(low: scalars[Int(i.imm)].low, high: scalars[Int(i.imm)].high))
      case .constant: v.append(Bits(low: i.imm))
      case .reduced: v.append(states[Int(i.imm)])
      default:
        let a = v[Int(i.a)]
        v.append(
          Reference.apply(i, p[Int(i.a)].type, a, i.b >= 0 ? v[Int(i.b)] : a, i.c >= 0 ? v[Int(i.c)] : a))
      }
    }
    for (o, out) in spec.outputs.enumerated() where out.level == l { output(o, index, v[Int(out.value)]) }
    return v
  }

  private func number(_ x: Bits, _ d: DType) -> Double { Scalar(dtype: d, low: x.low).asDouble }
  private func bits(_ x: Float80, _ d: DType) -> Bits {
    d == .float32 ? Bits(low: UInt64(Float(x).bitPattern)) : Bits(low: Double(x).bitPattern)
  }

  private func identity(_ r: Reducer, _ d: DType) -> [Bits] {
    let w = UInt64(d.itemSize * 8)
    let all = UInt64.max >> (64 - w)
    switch r.kind {
    case .sum, .or, .xor: return [Bits(low: 0)]
    case .prod: return [Bits(low: 1)]
    case .and: return [Bits(low: d == .bool ? 1 : all)]
    case .min, .argmin, .max, .argmax, .fmin, .fmax:
      let isMin = r.kind == .min || r.kind == .argmin || r.kind == .fmin
      var v: UInt64
      if d.isFloating {
        let x = r.kind == .fmin || r.kind == .fmax ? Double.nan : isMin ? Double.infinity : -Double.infinity
        v = Scalar(x).cast(to: d).low
      } else if isMin {
        v = d == .bool ? 1 : d.kind == .signed ? all >> 1 : all
      } else {
        v = d.kind == .signed ? 1 << (w - 1) : 0
      }
      return r.stateCount == 2 ? [Bits(low: v), Bits(low: UInt64(Int64.max))] : [Bits(low: v)]
    }
  }

  private func combine(_ r: Reducer, _ d: DType, _ acc: [Bits], _ x: Bits, _ index: Bits) -> [Bits] {
    let a = acc[0]
    func op(_ o: ExprOp) -> Bits { Reference.apply(Inst(o, d), d, a, x, a) }
    func less(_ p: Bits, _ q: Bits) -> Bool { Reference.apply(Inst(.lt, .bool), d, p, q, p).low != 0 }
    func isNaN(_ p: Bits) -> Bool { d.isFloating && number(p, d).isNaN }
    switch r.kind {
    case .sum: return d.isFloating ? acc : [op(.add)]
    case .prod: return d.isFloating ? acc : [op(.mul)]
    case .and: return [Bits(low: a.low & x.low)]
    case .or: return [Bits(low: a.low | x.low)]
    case .xor: return [Bits(low: a.low ^ x.low)]
    case .min: return [op(.min)]
    case .max: return [op(.max)]
    case .fmin: return [d.isFloating ? op(.fmin) : op(.min)]
    case .fmax: return [d.isFloating ? op(.fmax) : op(.max)]
    case .argmin, .argmax:
      let i = Int64(bitPattern: index.low)
      let j = Int64(bitPattern: acc[1].low)
      if isNaN(a) { return isNaN(x) && i < j ? [x, index] : acc }
      if isNaN(x) { return [x, index] }
      let better = r.kind == .argmin ? less(x, a) : less(a, x)
      let same = !less(x, a) && !less(a, x)
      return better || same && i < j ? [x, index] : acc
    }
  }
}
