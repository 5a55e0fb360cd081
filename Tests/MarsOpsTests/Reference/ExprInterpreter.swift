import Foundation
import MarsBase
import MarsGraph

/// Runs a scalar program, one element at a time: what operators' bodies mean, independent of the JIT.
struct ExprInterpreter {
  var program: Expr
  var scalars: [Scalar]
  var counters: [Counter]

  /// Values of all instructions for one point of the iteration space.
  func run(point: [Int], inputs: [Scalar], reduced: [Scalar] = []) -> [Scalar] {
    var v: [Scalar] = []
    v.reserveCapacity(program.insts.count)
    for i in program.insts { v.append(evaluate(i, v, point, inputs, reduced)) }
    return v
  }

  private func evaluate(_ i: Inst, _ v: [Scalar], _ point: [Int], _ inputs: [Scalar], _ reduced: [Scalar]) -> Scalar {
    func x() -> Scalar { v[Int(i.a)] }
    func y() -> Scalar { v[Int(i.b)] }
    func z() -> Scalar { v[Int(i.c)] }
    func float(_ d: Double) -> Scalar { Scalar(d).cast(to: i.type) }
    func truth(_ b: Bool) -> Scalar { Scalar(b) }
    func integer(_ b: UInt64) -> Scalar { Scalar(Int64(bitPattern: b)).cast(to: i.type) }
    func bits(_ s: Scalar) -> UInt64 {
      switch s.wide {
      case .bool(let b): b ? 1 : 0
      case .signed(let n): UInt64(bitPattern: n)
      case .unsigned(let n): n
      case .floating, .complex: s.low
      }
    }
    let floating = i.type.isFloating
    func arithmetic(_ f: (Double, Double) -> Double, _ g: (UInt64, UInt64) -> UInt64) -> Scalar {
      floating ? float(f(x().asDouble, y().asDouble)) : integer(g(bits(x()), bits(y())))
    }
    func one(_ f: (Double) -> Double) -> Scalar { float(f(x().asDouble)) }
    func two(_ f: (Double, Double) -> Double) -> Scalar { float(f(x().asDouble, y().asDouble)) }
    /// Compares real values exactly: -1, 0, 1, or nil with NaN.
    func order() -> Int? {
      switch (x().wide, y().wide) {
      case (.signed(let a), .signed(let b)): return a < b ? -1 : a == b ? 0 : 1
      case (.unsigned(let a), .unsigned(let b)): return a < b ? -1 : a == b ? 0 : 1
      default:
        let (a, b) = (x().asDouble, y().asDouble)
        return a < b ? -1 : a == b ? 0 : a > b ? 1 : nil
      }
    }
    let signed = i.type.kind == .signed
    let width = i.type.itemSize * 8

    switch i.op {
    case .input: return inputs[Int(i.imm)]
    case .scalar: return scalars[Int(i.imm)]
    case .constant: return Scalar(dtype: i.type, low: i.imm)
    case .element:
      let c = counters[Int(i.imm)]
      return Scalar(Int64(zip(c.strides, point).reduce(c.base) { $0 + $1.0 * $1.1 }))
    case .reduced: return reduced[Int(i.imm)]
    case .add: return arithmetic(+, &+)
    case .sub: return arithmetic(-, &-)
    case .mul: return arithmetic(*, &*)
    case .div: return two(/)
    case .floorDiv, .mod:
      if floating {
        let (a, b) = (x().asDouble, y().asDouble)
        if b == 0 { return float(i.op == .mod ? .nan : a / b) }
        var m = Foundation.fmod(a, b)
        var q = (a - m) / b
        if m == 0 {
          m = copysign(0, b)
        } else if (b < 0) != (m < 0) {
          m += b
          q -= 1
        }
        if i.op == .mod { return float(m) }
        if q == 0 { return float(copysign(0, a / b)) }
        var f = q.rounded(.down)
        if q - f > 0.5 { f += 1 }
        return float(f)
      }
      if bits(y()) == 0 { return integer(0) }
      if signed {
        let (a, b) = (Int64(bitPattern: bits(x())), Int64(bitPattern: bits(y())))
        if b == -1 { return integer(i.op == .mod ? 0 : 0 &- bits(x())) }
        let m = ((a % b) + b) % b
        return integer(UInt64(bitPattern: i.op == .mod ? m : (a - m) / b))
      }
      return integer(i.op == .mod ? bits(x()) % bits(y()) : bits(x()) / bits(y()))
    case .fmod:
      if floating { return two(Foundation.fmod) }
      if bits(y()) == 0 { return integer(0) }
      if signed {
        let (a, b) = (Int64(bitPattern: bits(x())), Int64(bitPattern: bits(y())))
        return integer(b == -1 ? 0 : UInt64(bitPattern: a % b))
      }
      return integer(bits(x()) % bits(y()))
    case .pow:
      if floating { return two(Foundation.pow) }
      var (r, base, e): (UInt64, UInt64, UInt64) = (1, bits(x()), bits(y()))
      if signed && Int64(bitPattern: e) < 0 {
        let b = Int64(bitPattern: base)
        return integer(b == 1 ? 1 : b == -1 ? (e % 2 == 0 ? 1 : UInt64.max) : 0)
      }
      while e > 0 {
        if e & 1 == 1 { r = r &* base }
        base = base &* base
        e >>= 1
      }
      return integer(r)
    case .neg: return floating ? one { -$0 } : integer(0 &- bits(x()))
    case .abs: return floating ? one { Swift.abs($0) } : integer(signed && Int64(bitPattern: bits(x())) < 0 ? 0 &- bits(x()) : bits(x()))
    case .fma: return float(Foundation.fma(x().asDouble, y().asDouble, z().asDouble))
    case .min, .max:
      if floating && (x().asDouble.isNaN || y().asDouble.isNaN) { return float(.nan) }
      let first = i.op == .min ? (order() ?? 0) <= 0 : (order() ?? 0) >= 0
      return first ? x() : y()
    case .fmin, .fmax:
      if x().asDouble.isNaN { return y() }
      if y().asDouble.isNaN { return x() }
      return (i.op == .fmin ? (order() ?? 0) <= 0 : (order() ?? 0) >= 0) ? x() : y()
    case .eq: return truth(order() == 0)
    case .ne: return truth(order() != 0)
    case .lt: return truth(order() == -1)
    case .le: return truth(order() == -1 || order() == 0)
    case .and: return integer(bits(x()) & bits(y()))
    case .or: return integer(bits(x()) | bits(y()))
    case .xor: return integer(bits(x()) ^ bits(y()))
    case .not: return i.type == .bool ? truth(bits(x()) == 0) : integer(~bits(x()))
    case .shl: return integer(bits(y()) >= UInt64(width) ? 0 : bits(x()) << bits(y()))
    case .shr:
      let n = bits(y())
      if signed { return integer(UInt64(bitPattern: Int64(bitPattern: bits(x())) >> Int64(n >= UInt64(width) ? 63 : n))) }
      return integer(n >= UInt64(width) ? 0 : bits(x()) >> n)
    case .mulHigh:
      return i.type == .uint32 ? integer((bits(x()) * bits(y())) >> 32) : integer(bits(x()).multipliedFullWidth(by: bits(y())).high)
    case .popcount:
      let b = bits(x())
      let magnitude = x().dtype.kind == .signed && Int64(bitPattern: b) < 0 ? 0 &- b : b
      return integer(UInt64(magnitude.nonzeroBitCount))
    case .sqrt: return one { $0.squareRoot() }
    case .cbrt: return one(Foundation.cbrt)
    case .exp: return one(Foundation.exp)
    case .exp2: return one(Foundation.exp2)
    case .expm1: return one(Foundation.expm1)
    case .log: return one(Foundation.log)
    case .log2: return one(Foundation.log2)
    case .log10: return one(Foundation.log10)
    case .log1p: return one(Foundation.log1p)
    case .sin: return one(Foundation.sin)
    case .cos: return one(Foundation.cos)
    case .tan: return one(Foundation.tan)
    case .asin: return one(Foundation.asin)
    case .acos: return one(Foundation.acos)
    case .atan: return one(Foundation.atan)
    case .sinh: return one(Foundation.sinh)
    case .cosh: return one(Foundation.cosh)
    case .tanh: return one(Foundation.tanh)
    case .asinh: return one(Foundation.asinh)
    case .acosh: return one(Foundation.acosh)
    case .atanh: return one(Foundation.atanh)
    case .floor: return one { $0.rounded(.down) }
    case .ceil: return one { $0.rounded(.up) }
    case .trunc: return one { $0.rounded(.towardZero) }
    case .rint: return one { $0.rounded(.toNearestOrEven) }
    case .frexpFraction: return one { $0.isFinite ? copysign(Foundation.frexp($0).0, $0) : $0 }
    case .frexpExponent:
      let d = x().asDouble
      return Scalar(Int64(d.isFinite ? Foundation.frexp(d).1 : 0)).cast(to: .int32)
    case .spacing:
      if i.type == .float32 {
        let f = Float(x().asDouble)
        return float(f.isFinite ? Double(f >= 0 ? f.nextUp - f : f.nextDown - f) : .nan)
      }
      return one { $0.isFinite ? ($0 >= 0 ? $0.nextUp - $0 : $0.nextDown - $0) : .nan }
    case .atan2: return two(Foundation.atan2)
    case .hypot: return two(Foundation.hypot)
    case .copysign: return two(Foundation.copysign)
    case .nextafter:
      if i.type == .float32 { return float(Double(Foundation.nextafterf(Float(x().asDouble), Float(y().asDouble)))) }
      return two(Foundation.nextafter)
    case .ldexp: return float(scalbn(x().asDouble, Int(y().asInt ?? 0)))
    case .isNaN: return truth(x().asDouble.isNaN)
    case .isInf: return truth(x().asDouble.isInfinite)
    case .isFinite: return truth(x().asDouble.isFinite)
    case .signBit: return truth(x().asDouble.sign == .minus)
    case .select: return x().low != 0 ? y() : z()
    case .cast: return x().cast(to: i.type)
    case .bitcast: return Scalar(dtype: i.type, low: x().low)
    case .makeComplex: return Scalar(real: x().asDouble, imag: y().asDouble).cast(to: i.type)
    case .real: return float(x().asDouble)
    case .imag: if case .complex(_, let im) = x().wide { return float(im) } else { return float(0) }
    case .philox:
      let w = Philox.word(
        element: UInt64(bitPattern: x().asInt.map(Int64.init) ?? 0), key: y().low, stream: UInt32(z().low), attempt: UInt32(i.imm),
        width: width)
      return Scalar(dtype: i.type, low: w)
    }
  }
}

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
enum Philox {
  static func block(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let p = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let q = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = [q.high ^ c[1] ^ k[0], q.low, p.high ^ c[3] ^ k[1], p.low]
      k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
    }
    return c
  }

  /// The word of an element, as `ExprOp.philox` says.
  static func word(element e: UInt64, key: UInt64, stream: UInt32, attempt: UInt32, width: Int) -> UInt64 {
    let group = width == 64 ? e / 16 : e / 32
    let b = group * 8 + e % 8
    let w = block([UInt32(truncatingIfNeeded: b), UInt32(b >> 32), stream, attempt], [UInt32(truncatingIfNeeded: key), UInt32(key >> 32)])
    if width == 64 { return e % 16 < 8 ? UInt64(w[0]) | UInt64(w[1]) << 32 : UInt64(w[2]) | UInt64(w[3]) << 32 }
    return UInt64(w[Int(e % 32 / 8)])
  }
}
