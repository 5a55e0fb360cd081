/// NumPy 2's promotion rules (NEP 50), with bfloat16 placed as `ml_dtypes` places it.
package enum Promotion {
  /// The common dtype of two dtypes: `numpy.promote_types(a, b)`.
  package static func common(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    let (lo, hi) = a.kind <= b.kind ? (a, b) : (b, a)
    switch (lo.kind, hi.kind) {
    case (.bool, _): return hi
    case (.unsigned, .unsigned), (.signed, .signed), (.complex, .complex):
      return lo.itemSize >= hi.itemSize ? lo : hi
    case (.unsigned, .signed):
      if hi.itemSize > lo.itemSize { return hi }
      switch lo.itemSize {
      case 1: return .int16
      case 2: return .int32
      case 4: return .int64
      default: return .float64
      }
    case (.unsigned, .floating), (.signed, .floating):
      // bfloat16 absorbs int8 and uint8 only; wider integers follow float16's rule.
      switch lo.itemSize {
      case 1: return hi
      case 2: return hi.isHalf ? .float32 : hi
      default: return .float64
      }
    case (.floating, .floating):
      if lo.isHalf && hi.isHalf { return .float32 }
      return lo.itemSize >= hi.itemSize ? lo : hi
    case (.unsigned, .complex), (.signed, .complex):
      return lo.itemSize >= 4 ? .complex128 : hi
    case (.floating, .complex):
      return lo == .float64 ? .complex128 : hi
    default: return hi
    }
  }

  /// Whether every value of `from` is held by `to` exactly: `numpy.can_cast(from, to, "safe")`.
  package static func canCast(_ from: DType, _ to: DType) -> Bool {
    if from == to || from == .bool { return true }
    // NumPy counts int64 -> float64 and int64 -> complex128 as safe, which promotion also does.
    return common(from, to) == to
  }

  /// Whether a cast stays within the kind: `numpy.can_cast(from, to, "same_kind")`.
  package static func canCastSameKind(_ from: DType, _ to: DType) -> Bool {
    if canCast(from, to) { return true }
    switch (from.kind, to.kind) {
    case (.signed, .signed), (.unsigned, .unsigned), (.unsigned, .signed), (.floating, .floating), (.complex, .complex): return true
    case (.signed, .floating), (.unsigned, .floating), (.signed, .complex), (.unsigned, .complex), (.floating, .complex): return true
    default: return false
    }
  }

  /// The dtype of a weak (Python) scalar met by dtype `d`; with no dtype beside it, its default.
  package static func resolve(weak kind: DKind, beside d: DType?) -> DType {
    guard let d else {
      switch kind {
      case .bool: return .bool
      case .signed, .unsigned: return .int64
      case .floating: return .float64
      case .complex: return .complex128
      }
    }
    switch kind {
    case .bool: return d
    case .signed, .unsigned: return d.kind == .bool ? .int64 : d
    case .floating: return d.kind < .floating ? .float64 : d
    case .complex:
      if d.kind < .floating { return .complex128 }
      return d.kind == .complex ? d : d.complexCounterpart
    }
  }
}
