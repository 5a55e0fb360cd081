/// One element value together with its dtype; what `full`, weak scalars and 0-d constants carry.
package struct Scalar: Hashable, Sendable {
  /// dtype of the value.
  package let dtype: DType
  /// The bytes of the value, little endian, zero extended; complex values use both words.
  package let low: UInt64
  package let high: UInt64

  package init(dtype: DType, low: UInt64, high: UInt64 = 0) {
    self.dtype = dtype
    self.low = low
    self.high = high
  }

  package init(_ v: Bool) { self.init(dtype: .bool, low: v ? 1 : 0) }
  package init(_ v: Int64) { self.init(dtype: .int64, low: UInt64(bitPattern: v)) }
  package init(_ v: Double) { self.init(dtype: .float64, low: v.bitPattern) }
  package init(real: Double, imag: Double) { self.init(dtype: .complex128, low: real.bitPattern, high: imag.bitPattern) }

  /// The value as the widest type of its kind.
  package enum Wide: Sendable {
    case bool(Bool)
    case signed(Int64)
    case unsigned(UInt64)
    case floating(Double)
    case complex(Double, Double)
  }

  package var wide: Wide {
    switch dtype {
    case .bool: .bool(low != 0)
    case .int8: .signed(Int64(Int8(truncatingIfNeeded: low)))
    case .int16: .signed(Int64(Int16(truncatingIfNeeded: low)))
    case .int32: .signed(Int64(Int32(truncatingIfNeeded: low)))
    case .int64: .signed(Int64(bitPattern: low))
    case .uint8, .uint16, .uint32, .uint64: .unsigned(low)
    case .float16: .floating(Double(Float16(bitPattern: UInt16(truncatingIfNeeded: low))))
    case .bfloat16: .floating(Double(Float(bitPattern: UInt32(truncatingIfNeeded: low) << 16)))
    case .float32: .floating(Double(Float(bitPattern: UInt32(truncatingIfNeeded: low))))
    case .float64: .floating(Double(bitPattern: low))
    case .complex64:
      .complex(
        Double(Float(bitPattern: UInt32(truncatingIfNeeded: low))), Double(Float(bitPattern: UInt32(truncatingIfNeeded: low >> 32))))
    case .complex128: .complex(Double(bitPattern: low), Double(bitPattern: high))
    }
  }

  /// The value as a double; the real part of a complex value.
  package var asDouble: Double {
    switch wide {
    case .bool(let b): b ? 1 : 0
    case .signed(let i): Double(i)
    case .unsigned(let u): Double(u)
    case .floating(let d): d
    case .complex(let r, _): r
    }
  }

  /// The value as an integer, or nil if it is not integral or out of range.
  package var asInt: Int? {
    switch wide {
    case .bool(let b): b ? 1 : 0
    case .signed(let i): Int(exactly: i)
    case .unsigned(let u): Int(exactly: u)
    case .floating(let d): Int(exactly: d)
    case .complex(let r, let i): i == 0 ? Int(exactly: r) : nil
    }
  }

  /// Converts as NumPy's `astype` does on x86: integers wrap; floats convert through 64 bits, or 32 where the integer or its signed twin fits
  /// them, and what does not fit gives the least number of that width (of uint64: 0 above its end).
  package func cast(to d: DType) -> Scalar {
    if d == dtype { return self }
    let re: Double
    var im = 0.0
    var bits: UInt64? = nil
    switch wide {
    case .bool(let b):
      re = b ? 1 : 0
      bits = b ? 1 : 0
    case .signed(let i):
      re = Double(i)
      bits = UInt64(bitPattern: i)
    case .unsigned(let u):
      re = Double(u)
      bits = u
    case .floating(let x): re = x
    case .complex(let r, let i):
      re = r
      im = i
    }
    switch d.kind {
    case .bool:
      if let b = bits { return Scalar(dtype: .bool, low: b != 0 ? 1 : 0) }
      return Scalar(dtype: .bool, low: re != 0 || im != 0 ? 1 : 0)
    case .signed, .unsigned:
      let raw: UInt64
      if let b = bits {
        raw = b
      } else if d == .uint64 && re >= 0x1p63 {
        raw = re < 0x1p64 ? UInt64(re) : 0
      } else if d.itemSize == 8 || d == .uint32 {
        raw = UInt64(bitPattern: Int64(exactly: re.rounded(.towardZero)) ?? .min)
      } else {
        raw = UInt64(bitPattern: Int64(Int32(exactly: re.rounded(.towardZero)) ?? .min))
      }
      let mask: UInt64 = d.itemSize == 8 ? .max : (1 << UInt64(d.itemSize * 8)) - 1
      return Scalar(dtype: d, low: raw & mask)
    case .floating:
      switch d {
      case .float16: return Scalar(dtype: d, low: UInt64(Float16(re).bitPattern))
      case .bfloat16: return Scalar(dtype: d, low: UInt64(Scalar.roundToBFloat16(Float(re))))
      case .float32:
        // Integers convert directly: through double they would be rounded twice.
        switch wide {
        case .signed(let i): return Scalar(dtype: d, low: UInt64(Float(i).bitPattern))
        case .unsigned(let u): return Scalar(dtype: d, low: UInt64(Float(u).bitPattern))
        default: return Scalar(dtype: d, low: UInt64(Float(re).bitPattern))
        }
      default: return Scalar(dtype: d, low: re.bitPattern)
      }
    case .complex:
      if d == .complex64 {
        return Scalar(dtype: d, low: UInt64(Float(re).bitPattern) | UInt64(Float(im).bitPattern) << 32)
      }
      return Scalar(dtype: d, low: re.bitPattern, high: im.bitPattern)
    }
  }

  /// Round to nearest even; NaN stays a quiet NaN.
  package static func roundToBFloat16(_ f: Float) -> UInt16 {
    let b = f.bitPattern
    if f.isNaN { return UInt16(b >> 16) | 0x40 }
    return UInt16((b &+ 0x7FFF &+ ((b >> 16) & 1)) >> 16)
  }
}
