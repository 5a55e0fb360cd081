import MarsBase

/// An element whose order is that of unsigned integers, but for NaN, which has no ordinal.
protocol OrdinalElement: Element {
  associatedtype Ordinal: FixedWidthInteger & UnsignedInteger
  /// -0.0 comes right before 0.0, though they are equal; undefined for NaN.
  var ordinal: Ordinal { get }
  init(ordinal: Ordinal)
  /// Whether the element is equal to another one with another ordinal, and comes first of the two.
  var isNegativeZero: Bool { get }
}

extension OrdinalElement {
  var isNegativeZero: Bool { false }
  /// The same for equal elements.
  @inline(__always)
  var sharedOrdinal: Ordinal { isNegativeZero ? Self.zero.ordinal : ordinal }
}

extension OrdinalElement where Self: FixedWidthInteger, Ordinal == Magnitude, Magnitude: FixedWidthInteger & UnsignedInteger {
  /// Signed integers are moved up by half of their range.
  @inline(__always)
  var ordinal: Ordinal { Ordinal(truncatingIfNeeded: self) ^ Ordinal(truncatingIfNeeded: Self.min) }
  @inline(__always)
  init(ordinal: Ordinal) { self = Self(truncatingIfNeeded: ordinal ^ Ordinal(truncatingIfNeeded: Self.min)) }
}

extension Int8: OrdinalElement { typealias Ordinal = UInt8 }
extension Int16: OrdinalElement { typealias Ordinal = UInt16 }
extension Int32: OrdinalElement { typealias Ordinal = UInt32 }
extension Int64: OrdinalElement { typealias Ordinal = UInt64 }
extension UInt8: OrdinalElement { typealias Ordinal = UInt8 }
extension UInt16: OrdinalElement { typealias Ordinal = UInt16 }
extension UInt32: OrdinalElement { typealias Ordinal = UInt32 }
extension UInt64: OrdinalElement { typealias Ordinal = UInt64 }

extension BoolElement: OrdinalElement {
  var ordinal: UInt8 { byte }
  init(ordinal: UInt8) { self.init(ordinal != 0) }
}

/// Bits of a float in sign and magnitude, and back, as numbers that ascend with the float.
private enum SignMagnitude {
  @inline(__always)
  static func ordinal<U: FixedWidthInteger & UnsignedInteger>(_ bits: U) -> U {
    // All bits of negative numbers are turned over, the sign only of others.
    let sign = U(1) << U(U.bitWidth - 1)
    return bits ^ ((0 &- (bits >> U(U.bitWidth - 1))) | sign)
  }
  @inline(__always)
  static func bits<U: FixedWidthInteger & UnsignedInteger>(_ ordinal: U) -> U {
    let sign = U(1) << U(U.bitWidth - 1)
    return ordinal ^ (((ordinal >> U(U.bitWidth - 1)) &- 1) | sign)
  }
}

extension Float16: OrdinalElement {
  var ordinal: UInt16 { SignMagnitude.ordinal(bitPattern) }
  init(ordinal: UInt16) { self.init(bitPattern: SignMagnitude.bits(ordinal)) }
  var isNegativeZero: Bool { bitPattern == 0x8000 }
}
extension BFloat16: OrdinalElement {
  var ordinal: UInt16 { SignMagnitude.ordinal(bits) }
  init(ordinal: UInt16) {
    self.init(0)
    bits = SignMagnitude.bits(ordinal)
  }
  var isNegativeZero: Bool { bits == 0x8000 }
}
extension Float: OrdinalElement {
  var ordinal: UInt32 { SignMagnitude.ordinal(bitPattern) }
  init(ordinal: UInt32) { self.init(bitPattern: SignMagnitude.bits(ordinal)) }
  var isNegativeZero: Bool { bitPattern == 0x8000_0000 }
}
extension Double: OrdinalElement {
  var ordinal: UInt64 { SignMagnitude.ordinal(bitPattern) }
  init(ordinal: UInt64) { self.init(bitPattern: SignMagnitude.bits(ordinal)) }
  var isNegativeZero: Bool { bitPattern == 0x8000_0000_0000_0000 }
}

/// A routine for one lane at a time: by ordinals where there are any, else by comparing.
protocol OrderRoutine {
  func run<T: OrdinalElement>(ordinals: T.Type) throws(MarsError)
  func run<T: Element>(comparing: T.Type) throws(MarsError)
}

extension DType {
  /// Runs a routine for the element type of this dtype; each case is specialised by the compiler.
  func dispatchOrder<R: OrderRoutine>(_ r: R) throws(MarsError) {
    switch self {
    case .bool: try r.run(ordinals: BoolElement.self)
    case .int8: try r.run(ordinals: Int8.self)
    case .int16: try r.run(ordinals: Int16.self)
    case .int32: try r.run(ordinals: Int32.self)
    case .int64: try r.run(ordinals: Int64.self)
    case .uint8: try r.run(ordinals: UInt8.self)
    case .uint16: try r.run(ordinals: UInt16.self)
    case .uint32: try r.run(ordinals: UInt32.self)
    case .uint64: try r.run(ordinals: UInt64.self)
    case .float16: try r.run(ordinals: Float16.self)
    case .bfloat16: try r.run(ordinals: BFloat16.self)
    case .float32: try r.run(ordinals: Float.self)
    case .float64: try r.run(ordinals: Double.self)
    case .complex64: try r.run(comparing: ComplexElement<Float>.self)
    case .complex128: try r.run(comparing: ComplexElement<Double>.self)
    }
  }
}
