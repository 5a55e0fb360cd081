import CLLVM
import MarsBase

/// Conversions between dtypes, as `Scalar.cast` defines them.
extension Emitter {
  func cast(_ v: Lanes, _ from: DType, _ to: DType) -> Lanes {
    if from == to { return v }
    if from.isComplex {
      let part = from.realPart
      if to.isComplex { return Lanes(real(v.re, part, to.realPart), real(v.im!, part, to.realPart)) }
      if to == .bool { return Lanes(b.fcmp(.une, v.re, v.re.real(0)) | b.fcmp(.une, v.im!, v.im!.real(0))) }
      return Lanes(real(v.re, part, to))
    }
    if to.isComplex {
      let re = real(v.re, from, to.realPart)
      return Lanes(re, re.real(0))
    }
    return Lanes(real(v.re, from, to))
  }

  private func real(_ x: IRValue, _ from: DType, _ to: DType) -> IRValue {
    if from == to { return x }
    switch (from.kind, to.kind) {
    case (.floating, _) where from.isHalf:
      let wide = from == .float16 ? x.bitcast(b.half).fpext(b.f32) : x.zext(b.i32).shl(16).bitcast(b.f32)
      return real(wide, .float32, to)
    case (.floating, .bool): return b.fcmp(.une, x, x.real(0))
    case (.floating, .floating):
      switch to {
      case .float32: return x.fptrunc(b.f32)
      case .float64: return x.fpext(b.f64)
      case .float16: return from == .float32 ? half(x) : half(roundToOdd(x))
      default: return brain(from == .float32 ? x : x.fptrunc(b.f32))
      }
    case (.floating, .unsigned), (.floating, .signed): return integer(x, to)
    case (.bool, .bool): return x
    case (_, .bool): return b.icmp(.ne, x, x.int(0))
    case (.bool, .floating):
      return real(x.zext(b.i32), .int32, to)
    case (.bool, _): return x.zext(b.type(to))
    case (_, .floating):
      let isSigned = from.kind == .signed
      func convert(_ t: OpaquePointer) -> IRValue { isSigned ? x.sitofp(t) : x.uitofp(t) }
      switch to {
      case .float32: return convert(b.f32)
      case .float64: return convert(b.f64)
      // Beyond 2**24 a float16 is infinite anyway.
      case .float16: return half(convert(b.f32))
      default: return brain(from.itemSize > 4 ? convert(b.f64).fptrunc(b.f32) : convert(b.f32))
      }
    default:
      if to.itemSize < from.itemSize { return x.trunc(b.type(to)) }
      return from.kind == .signed ? x.sext(b.type(to)) : x.zext(b.type(to))
    }
  }

  private func half(_ x: IRValue) -> IRValue { x.fptrunc(b.half).bitcast(b.i16) }

  /// Round to nearest even; NaN stays a quiet NaN.
  private func brain(_ x: IRValue) -> IRValue {
    let bits = x.bitcast(b.i32)
    let rounded = (bits &+ bits.int(0x7fff) &+ (bits.lshr(16) & bits.int(1))).lshr(16)
    return b.select(x.isNaN(), bits.lshr(16) | bits.int(0x40), rounded).trunc(b.i16)
  }

  /// A float with the last bit set where inexact, so that rounding again to a half rounds once.
  private func roundToOdd(_ x: IRValue) -> IRValue {
    let f = x.fptrunc(b.f32)
    let back = f.fpext(b.f64)
    let bits = f.bitcast(b.i32)
    let isEven = b.icmp(.eq, bits & bits.int(1), bits.int(0))
    let tooLarge = b.fcmp(.ogt, back.fabs(), x.fabs())
    let odd = b.select(tooLarge, bits &- bits.int(1), bits | bits.int(1)).bitcast(b.f32)
    return b.select(b.fcmp(.one, back, x) & isEven, odd, f)
  }

  /// Truncation as x86's instructions have it, and with them NumPy: through the width in which the processor converts, 32 bits where the
  /// integer or its signed twin fits them; what does not fit gives that width's least number.
  private func integer(_ x: IRValue, _ to: DType) -> IRValue {
    let isWide = to.itemSize == 8 || to == .uint32
    let (end, word) = (isWide ? 0x1p63 : 0x1p31, isWide ? b.i64 : b.i32)
    let inRange = b.fcmp(.oge, x, x.real(-end)) & b.fcmp(.olt, x, x.real(end))
    let least = b.constant(isWide ? 1 << 63 : 1 << 31, word)
    let signed = b.select(inRange, x.fptosi(word), least)
    if to == .uint64 {
      // The upper half is converted below the lower, and moved up: what lies above both comes to 0.
      let isBelow = b.fcmp(.olt, x, x.real(0x1p64))
      let upper = b.select(isBelow, (x - x.real(0x1p63)).fptosi(word) ^ least, b.constant(0, word))
      return b.select(b.fcmp(.oge, x, x.real(0x1p63)), upper, signed)
    }
    return signed.trunc(b.type(to))
  }
}
