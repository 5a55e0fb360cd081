/// An element type of tensors.  Raw values are part of the C ABI (`mars_dtype`) and of `graph.proto`; never renumber.
package enum DType: UInt8, CaseIterable, Sendable {
  case bool = 1
  case int8 = 2
  case int16 = 3
  case int32 = 4
  case int64 = 5
  case uint8 = 6
  case uint16 = 7
  case uint32 = 8
  case uint64 = 9
  case float16 = 10
  case bfloat16 = 11
  case float32 = 12
  case float64 = 13
  case complex64 = 14
  case complex128 = 15
}

/// The kind of a dtype, in NumPy's promotion order.
package enum DKind: UInt8, Sendable, Comparable {
  case bool, unsigned, signed, floating, complex
  package static func < (a: DKind, b: DKind) -> Bool { a.rawValue < b.rawValue }
}

extension DType {
  /// Bytes per element in memory.
  package var itemSize: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    case .complex128: 16
    }
  }

  package var kind: DKind {
    switch self {
    case .bool: .bool
    case .uint8, .uint16, .uint32, .uint64: .unsigned
    case .int8, .int16, .int32, .int64: .signed
    case .float16, .bfloat16, .float32, .float64: .floating
    case .complex64, .complex128: .complex
    }
  }

  package var isInteger: Bool { kind == .signed || kind == .unsigned }
  package var isFloating: Bool { kind == .floating }
  package var isComplex: Bool { kind == .complex }
  /// float16 and bfloat16: computed in float32 and rounded after every operation.
  package var isHalf: Bool { self == .float16 || self == .bfloat16 }

  /// The dtype of the real and imaginary parts of a complex dtype; any other dtype itself.
  package var realPart: DType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }

  /// The complex dtype whose parts hold a floating dtype exactly; a complex dtype itself.
  package var complexCounterpart: DType {
    switch self {
    case .float64, .complex128, .int64, .uint64, .int32, .uint32: .complex128
    default: .complex64
    }
  }

  /// NumPy's name.
  package var name: String {
    switch self {
    case .bool: "bool"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float32: "float32"
    case .float64: "float64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    }
  }

  package init?(name: String) {
    guard let d = DType.allCases.first(where: { $0.name == name }) else { return nil }
    self = d
  }
}

/// A set of dtypes, used by operators to declare what they accept.
package struct DTypeSet: OptionSet, Sendable, Hashable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  package init(_ d: DType) { rawValue = 1 << UInt16(d.rawValue) }
  package init(_ ds: [DType]) { rawValue = ds.reduce(0) { $0 | 1 << UInt16($1.rawValue) } }

  package static let bool = DTypeSet(.bool)
  package static let signed = DTypeSet([.int8, .int16, .int32, .int64])
  package static let unsigned = DTypeSet([.uint8, .uint16, .uint32, .uint64])
  package static let integer: DTypeSet = [.signed, .unsigned]
  package static let floating = DTypeSet([.float16, .bfloat16, .float32, .float64])
  package static let complex = DTypeSet([.complex64, .complex128])
  package static let inexact: DTypeSet = [.floating, .complex]
  package static let real: DTypeSet = [.bool, .integer, .floating]
  package static let numeric: DTypeSet = [.integer, .floating, .complex]
  package static let all: DTypeSet = [.bool, .numeric]

  package func contains(_ d: DType) -> Bool { rawValue & (1 << UInt16(d.rawValue)) != 0 }
  package var members: [DType] { DType.allCases.filter { contains($0) } }
}
