import Glibc
import MarsBase
import MarsGraph
import MarsOps
import TestSupport

/// Values with which the laws feed operators.
enum LawData: String {
  /// Zeros of both signs, NaN, infinities, subnormals, the ends of every dtype's range.
  case extreme
  /// In [0.5, 2), small integers: sums of them are well conditioned.
  case moderate
  /// As moderate, here and there a NaN, an infinity or a zero.
  case rough
  /// Indices of small axes: 0 and 1.
  case indices
  /// From 0 to 1, with both.
  case fractions
  /// Numbers that grow.
  case ascending
  /// Between 0 and 1, without both: parameters that nearly every distribution takes.
  case shares
  /// Above 1.
  case large

  /// `count` values of a dtype, C order, as bytes.
  func bytes(_ d: DType, _ count: Int, seed: Int) -> [UInt8] {
    var random = SplitMix(UInt64(seed) &* 0x9E37_79B9 &+ UInt64(d.rawValue))
    var out: [UInt8] = []
    out.reserveCapacity(count * d.itemSize)
    for i in 0..<count {
      let s = element(d, i, seed, &random)
      var (low, high) = (s.low, s.high)
      for k in 0..<d.itemSize {
        if k == 8 {
          low = high
          high = 0
        }
        out.append(UInt8(truncatingIfNeeded: low >> UInt64(8 * (k % 8))))
      }
    }
    return out
  }

  private static let floats: [Double] = [
    0, -0.0, 1, -1, 0.5, -2.5, .nan, .infinity, -.infinity, 3, .pi, -7, 1e-3, 1e10, -1e-10, 0.999, 65504, -3.4e38, 1.7e308, 1.2e-38,
    .leastNonzeroMagnitude, .leastNormalMagnitude / 2, 100.5, -0.5, 20, -88, 709.5, 1e19, -9.3e18, 2,
  ]

  private func real(_ d: DType, _ i: Int, _ seed: Int, _ r: inout SplitMix) -> Double {
    let moderate = 0.5 + 1.5 * Double(r.next() >> 11) * 0x1p-53
    switch self {
    case .moderate: return moderate
    case .rough:
      switch r.next() % 24 {
      case 0: return .nan
      case 1: return .infinity
      case 2: return -.infinity
      case 3: return 0
      default: return moderate
      }
    case .indices: return Double(r.next() % 2)
    case .fractions: return i < 2 ? Double(i) : Double(r.next() >> 11) * 0x1p-53
    case .shares: return moderate / 4
    case .large: return moderate + 1
    case .ascending: return Double(i) / 8 + (moderate - 0.5) / 16
    case .extreme:
      // Every pair of values of two operands comes somewhere.
      let k = seed == 0 ? i : i * 7 + i / LawData.floats.count + seed * 11
      return r.next() % 8 == 0 ? (moderate - 1) * 10 : LawData.floats[k % LawData.floats.count]
    }
  }

  private func element(_ d: DType, _ i: Int, _ seed: Int, _ r: inout SplitMix) -> Scalar {
    switch d.kind {
    case .bool: return Scalar(r.next() & 1 == 0)
    case .signed, .unsigned:
      let n = r.next()
      switch self {
      case .extreme: break
      case .large: return Scalar(dtype: .uint64, low: 2 + n % 2).cast(to: d)
      case .indices, .fractions, .shares: return Scalar(dtype: .uint64, low: n % 2).cast(to: d)
      case .ascending: return Scalar(dtype: .uint64, low: UInt64(i / 2)).cast(to: d)
      case .moderate, .rough: return Scalar(dtype: .uint64, low: n % 9).cast(to: d)
      }
      let bits = UInt64(8 * d.itemSize)
      let top = UInt64(1) << (bits - 1)
      let ends: [UInt64] = [0, 1, .max, top, top &- 1, top &+ 1, 2, 7, .max - 1, 31, 64, 10, 0xAAAA_AAAA_AAAA_AAAA]
      let v = n % 5 == 0 ? r.next() : ends[(i + seed * 5 + i / ends.count * seed) % ends.count]
      return Scalar(dtype: .uint64, low: v).cast(to: d)
    case .floating: return Scalar(real(d, i, seed, &r)).cast(to: d)
    case .complex:
      let re = real(d, i, seed, &r)
      return Scalar(real: re, imag: real(d, i + 3, seed + 1, &r)).cast(to: d)
    }
  }
}

/// Where the values of an operand lie.
enum LawLayout {
  /// In C order.
  case plain
  /// Every second element of every axis of a larger array, the last axis backwards.
  case strided
  /// The transpose of a leaf that holds the axes in the opposite order.
  case viewed
  /// In C order, in chunks of different extents.
  case chunked
  /// The transpose of a tensor in chunks of different extents.
  case chunkedView

  /// A value with the given C-order bytes.
  func value(_ type: TensorType, _ bytes: [UInt8], _ registry: OpRegistry) throws -> Value {
    switch self {
    case .plain: return Value(Leaves.node(LawLayout.leaf(type, bytes, memory: type.shape, steps: type.shape.map { _ in 1 })))
    case .strided:
      var steps = type.shape.map { _ in 2 }
      if !steps.isEmpty { steps[steps.count - 1] = -2 }
      return Value(Leaves.node(LawLayout.leaf(type, bytes, memory: type.shape.map { 2 * $0 + 1 }, steps: steps)))
    case .viewed: return try transposed(type, bytes, registry, chunks: false)
    case .chunked: return try LawLayout.rechunked(try LawLayout.plain.value(type, bytes, registry), registry)
    case .chunkedView: return try transposed(type, bytes, registry, chunks: true)
    }
  }

  private func transposed(_ type: TensorType, _ bytes: [UInt8], _ registry: OpRegistry, chunks: Bool) throws -> Value {
    let straight = LawLayout.leaf(type, bytes, memory: type.shape, steps: type.shape.map { _ in 1 })
    let turned = TensorType(type.dtype, type.shape.reversed())
    let array = LawLayout.allocate(turned)
    var source = straight.view
    source.shape.reverse()
    source.strides.reverse()
    StridedCopy.copy(from: source, to: array.view)
    var v = Value(Leaves.node(array))
    if chunks { v = try LawLayout.rechunked(v, registry) }
    return type.rank < 2 ? v : Value(try registry.require("transpose").apply([.value(v)]))
  }

  private static func allocate(_ type: TensorType) -> DenseArray {
    let n = max(1, type.byteCount)
    let base = UnsafeMutableRawPointer.allocate(byteCount: n, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0xA5, count: n)
    return DenseArray(buffer: Buffer(base: base, byteCount: n) { p, _ in p.deallocate() }, type: type)
  }

  private static func leaf(_ type: TensorType, _ bytes: [UInt8], memory: [Int], steps: [Int]) -> DenseArray {
    var array = allocate(TensorType(type.dtype, memory))
    for k in steps.indices {
      if steps[k] < 0 && type.shape[k] > 0 { array.offset += array.strides[k] * 2 * (type.shape[k] - 1) }
      array.strides[k] *= steps[k]
    }
    array.type = type
    if type.count == 0 { return array }
    var copy = bytes
    copy.withUnsafeMutableBytes { b in
      if let p = b.baseAddress { StridedCopy.copy(from: ArrayView(base: p, dtype: type.dtype, shape: type.shape), to: array.view) }
    }
    return array
  }

  /// The value in chunks of 1, 3, 2, ... (long axes 17, 30, 8, ...) elements along each axis.
  static func rechunked(_ v: Value, _ registry: OpRegistry) throws -> Value {
    if v.type.rank == 0 || v.type.count == 0 { return v }
    var splits: [Int] = []
    for n in v.type.shape {
      let cycle = n > 16 ? [17, 30, 8] : [1, 3, 2]
      var sizes: [Int] = []
      var rest = n
      while rest > 0 {
        sizes.append(min(rest, cycle[sizes.count % 3]))
        rest -= sizes[sizes.count - 1]
      }
      splits += [sizes.count] + sizes
    }
    return Value(try registry.require("rechunk").apply([.value(v)], [("splits", .ints(splits))]))
  }
}
