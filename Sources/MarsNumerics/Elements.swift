import MarsBase

/// What library routines need of an element type: an ordering with NaN last, and arithmetic.
package protocol Element: BitwiseCopyable, Sendable {
  static var zero: Self { get }
  static var one: Self { get }
  var isNotANumber: Bool { get }
  /// NumPy's order of sorting: NaN after everything else.
  static func precedes(_ a: Self, _ b: Self) -> Bool
  static func same(_ a: Self, _ b: Self) -> Bool
  /// The same order between numbers: without NaN on either side.
  static func isLess(_ a: Self, _ b: Self) -> Bool
  /// The nearest double; NaN of complex numbers, which lie on no line.
  var nearest: Double { get }
  /// Addition and multiplication as the element-wise operators do them: wrapping, half types rounded.
  static func sum(_ a: Self, _ b: Self) -> Self
  static func product(_ a: Self, _ b: Self) -> Self
}

extension Element where Self: FixedWidthInteger {
  @inlinable package var nearest: Double { Double(self) }
  package static var zero: Self { 0 }
  package static var one: Self { 1 }
  @inlinable package var isNotANumber: Bool { false }
  @inlinable package static func precedes(_ a: Self, _ b: Self) -> Bool { a < b }
  @inlinable package static func same(_ a: Self, _ b: Self) -> Bool { a == b }
  @inlinable package static func isLess(_ a: Self, _ b: Self) -> Bool { a < b }
  @inlinable package static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inlinable package static func product(_ a: Self, _ b: Self) -> Self { a &* b }
}

extension Int8: Element {}
extension Int16: Element {}
extension Int32: Element {}
extension Int64: Element {}
extension UInt8: Element {}
extension UInt16: Element {}
extension UInt32: Element {}
extension UInt64: Element {}

extension Element where Self: BinaryFloatingPoint {
  @inlinable package var nearest: Double { Double(self) }
  package static var zero: Self { 0 }
  package static var one: Self { 1 }
  @inlinable package var isNotANumber: Bool { self != self }
  @inlinable package static func precedes(_ a: Self, _ b: Self) -> Bool { a < b || (b != b && a == a) }
  @inlinable package static func same(_ a: Self, _ b: Self) -> Bool { a == b }
  @inlinable package static func isLess(_ a: Self, _ b: Self) -> Bool { a < b }
  @inlinable package static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  @inlinable package static func product(_ a: Self, _ b: Self) -> Self { a * b }
}

extension Float: Element {}
extension Double: Element {}
extension Float16: Element {}

/// A bool in memory: one byte.  Sum is or, product is and, as NumPy's loops have it.
package struct BoolElement: Element {
  package var byte: UInt8
  package init(_ b: Bool) { byte = b ? 1 : 0 }
  package var nearest: Double { byte == 0 ? 0 : 1 }
  package static var zero: BoolElement { BoolElement(false) }
  package static var one: BoolElement { BoolElement(true) }
  package var isNotANumber: Bool { false }
  package static func precedes(_ a: BoolElement, _ b: BoolElement) -> Bool { a.byte < b.byte }
  package static func same(_ a: BoolElement, _ b: BoolElement) -> Bool { a.byte == b.byte }
  package static func isLess(_ a: BoolElement, _ b: BoolElement) -> Bool { a.byte < b.byte }
  package static func sum(_ a: BoolElement, _ b: BoolElement) -> BoolElement { BoolElement((a.byte | b.byte) != 0) }
  package static func product(_ a: BoolElement, _ b: BoolElement) -> BoolElement { BoolElement(a.byte != 0 && b.byte != 0) }
}

/// bfloat16 in memory; computed in float32 and rounded to nearest even.
package struct BFloat16: Element {
  package var bits: UInt16
  package init(_ f: Float) { bits = Scalar.roundToBFloat16(f) }
  package var float: Float { Float(bitPattern: UInt32(bits) << 16) }
  package var nearest: Double { Double(float) }
  package static var zero: BFloat16 { BFloat16(0) }
  package static var one: BFloat16 { BFloat16(1) }
  package var isNotANumber: Bool { float.isNaN }
  package static func precedes(_ a: BFloat16, _ b: BFloat16) -> Bool { Float.precedes(a.float, b.float) }
  package static func same(_ a: BFloat16, _ b: BFloat16) -> Bool { a.float == b.float }
  package static func isLess(_ a: BFloat16, _ b: BFloat16) -> Bool { a.float < b.float }
  package static func sum(_ a: BFloat16, _ b: BFloat16) -> BFloat16 { BFloat16(a.float + b.float) }
  package static func product(_ a: BFloat16, _ b: BFloat16) -> BFloat16 { BFloat16(a.float * b.float) }
}

/// A complex number in memory; ordered lexicographically, with NaNs in NumPy's order after everything else.
package struct ComplexElement<F: BinaryFloatingPoint & Element>: Element {
  package var re: F
  package var im: F
  package init(_ re: F, _ im: F) {
    self.re = re
    self.im = im
  }
  package static var zero: Self { Self(0, 0) }
  package static var one: Self { Self(1, 0) }
  package var nearest: Double { .nan }
  package var isNotANumber: Bool { re != re || im != im }
  package static func same(_ a: Self, _ b: Self) -> Bool { a.re == b.re && a.im == b.im }
  package static func isLess(_ a: Self, _ b: Self) -> Bool { a.re < b.re || (a.re == b.re && a.im < b.im) }
  package static func precedes(_ a: Self, _ b: Self) -> Bool {
    // NumPy: [R + Rj, R + nanj, nan + Rj, nan + nanj].
    let aGroup = (a.re != a.re ? 2 : 0) + (a.im != a.im ? 1 : 0)
    let bGroup = (b.re != b.re ? 2 : 0) + (b.im != b.im ? 1 : 0)
    if aGroup != bGroup { return aGroup < bGroup }
    switch aGroup {
    case 0: return a.re < b.re || (a.re == b.re && a.im < b.im)
    case 1: return a.re < b.re
    case 2: return a.im < b.im
    default: return false
    }
  }
  package static func sum(_ a: Self, _ b: Self) -> Self { Self(a.re + b.re, a.im + b.im) }
  package static func product(_ a: Self, _ b: Self) -> Self { Self(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
}

/// A routine that is written once for all element types.
package protocol ElementRoutine {
  func run<T: Element>(_ type: T.Type) throws(MarsError)
}

extension DType {
  /// Runs a routine for the element type of this dtype; each case is specialised by the compiler.
  package func dispatch<R: ElementRoutine>(_ r: R) throws(MarsError) {
    switch self {
    case .bool: try r.run(BoolElement.self)
    case .int8: try r.run(Int8.self)
    case .int16: try r.run(Int16.self)
    case .int32: try r.run(Int32.self)
    case .int64: try r.run(Int64.self)
    case .uint8: try r.run(UInt8.self)
    case .uint16: try r.run(UInt16.self)
    case .uint32: try r.run(UInt32.self)
    case .uint64: try r.run(UInt64.self)
    case .float16: try r.run(Float16.self)
    case .bfloat16: try r.run(BFloat16.self)
    case .float32: try r.run(Float.self)
    case .float64: try r.run(Double.self)
    case .complex64: try r.run(ComplexElement<Float>.self)
    case .complex128: try r.run(ComplexElement<Double>.self)
    }
  }
}

extension DType {
  /// Reads an element as float64; nil of complex dtypes.
  package var number: ((UnsafeRawPointer) -> Double)? {
    switch self {
    case .bool: { $0.load(as: UInt8.self) == 0 ? 0 : 1 }
    case .int8: { Double($0.load(as: Int8.self)) }
    case .int16: { Double($0.load(as: Int16.self)) }
    case .int32: { Double($0.load(as: Int32.self)) }
    case .int64: { Double($0.load(as: Int64.self)) }
    case .uint8: { Double($0.load(as: UInt8.self)) }
    case .uint16: { Double($0.load(as: UInt16.self)) }
    case .uint32: { Double($0.load(as: UInt32.self)) }
    case .uint64: { Double($0.load(as: UInt64.self)) }
    case .float16: { Double($0.load(as: Float16.self)) }
    case .bfloat16: { Double($0.load(as: BFloat16.self).float) }
    case .float32: { Double($0.load(as: Float.self)) }
    case .float64: { $0.load(as: Double.self) }
    case .complex64, .complex128: nil
    }
  }
}

extension ArrayView {
  /// The elements as float64, in C order; nil of complex dtypes.
  package var numbers: [Double]? {
    guard let read = dtype.number else { return nil }
    var out: [Double] = []
    out.reserveCapacity(count)
    try? Strided.forEach(shape, [strides]) { o throws(MarsError) in out.append(read(base + o[0])) }
    return out
  }
}
