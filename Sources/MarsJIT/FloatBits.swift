import CLLVM
import MarsBase

/// Functions that work on the bits of float32 and float64.
extension IRValue {
  var isSingle: Bool { bits == 32 }
  private var integerType: OpaquePointer { isSingle ? b.i32 : b.i64 }
  private var floatType: OpaquePointer { isSingle ? b.f32 : b.f64 }
  private var mantissaBits: Int { isSingle ? 23 : 52 }
  private var bias: Int { isSingle ? 127 : 1023 }

  /// 2**n for an int32 or int64 n within the normal exponents.
  func powerOfTwo(_ t: OpaquePointer) -> IRValue {
    let is32 = t == b.f32
    let n = is32 ? (bits == 32 ? self : trunc(b.i32)) : (bits == 64 ? self : sext(b.i64))
    return (n &+ n.int(is32 ? 127 : 1023)).shl(is32 ? 23 : 52).bitcast(t)
  }

  /// self * 2**n rounded once, n int32.
  func ldexp(_ n: IRValue) -> IRValue {
    let (x, n0) = b.unify(self, n)
    let top = bias
    let bottom = 1 - bias
    // Large steps down stay far enough above the subnormals to be exact.
    let step = bottom + mantissaBits + 1
    var y = x
    var n = n0
    for _ in 0..<2 {
      let up = b.icmp(.sgt, n, n.int(top))
      let down = b.icmp(.slt, n, n.int(bottom))
      let move = b.select(up, n.int(top), b.select(down, n.int(step), n.int(0)))
      y = y * move.powerOfTwo(floatType)
      n = n &- move
    }
    n = b.select(b.icmp(.sgt, n, n.int(top)), n.int(top), n)
    n = b.select(b.icmp(.slt, n, n.int(bottom)), n.int(bottom), n)
    return y * n.powerOfTwo(floatType)
  }

  func frexp() -> (fraction: IRValue, exponent: IRValue) {
    let isSmall = b.fcmp(.olt, fabs(), real(isSingle ? 0x1p-126 : 0x1p-1022))
    let x = b.select(isSmall, self * real(0x1p64), self)
    let raw = x.bitcast(integerType)
    let mask = (1 << (isSingle ? 8 : 11)) - 1
    let e = raw.lshr(mantissaBits) & raw.int(mask)
    let isPlain = b.fcmp(.olt, fabs(), real(.infinity)) & b.fcmp(.one, self, real(0))
    let cleared = raw & ~raw.int(mask << mantissaBits)
    let fraction = (cleared | raw.int((bias - 1) << mantissaBits)).bitcast(floatType)
    let n = e &- raw.int(bias - 1) &- b.select(isSmall, raw.int(64), raw.int(0))
    return (b.select(isPlain, fraction, self), b.select(isPlain, n, n.int(0)).trunc(b.i32))
  }

  func nextafter(_ target: IRValue) -> IRValue {
    let (x, y) = b.unify(self, target)
    let raw = x.bitcast(integerType)
    let isZero = b.fcmp(.oeq, x, x.real(0))
    let tiny = raw.int(1).bitcast(floatType).copysign(y)
    let away = b.fcmp(.olt, x, y) ^ b.icmp(.slt, raw, raw.int(0))
    let moved = (b.select(away, raw &+ raw.int(1), raw &- raw.int(1))).bitcast(floatType)
    let r = b.select(b.fcmp(.oeq, x, y), y, b.select(isZero, tiny, moved))
    return b.select(b.fcmp(.uno, x, y), x + y, r)
  }

  func spacing() -> IRValue {
    let raw = bitcast(integerType)
    let isZero = b.fcmp(.oeq, self, real(0))
    let next = (raw &+ raw.int(1)).bitcast(floatType)
    let r = b.select(isZero, raw.int(1).bitcast(floatType), next - self)
    return b.select(b.fcmp(.olt, fabs(), real(.infinity)), r, self - self)
  }
}
