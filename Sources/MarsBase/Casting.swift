/// NumPy's rules of what may be cast.
package enum Casting: String, Sendable, CaseIterable {
  case no, equiv, safe
  case sameKind = "same_kind"
  case unsafe

  /// The rule of a name, or NumPy's error.
  package init(named name: String) throws(MarsError) {
    guard let rule = Casting(rawValue: name) else {
      throw MarsError(.value, "casting must be one of 'no', 'equiv', 'safe', 'same_kind', or 'unsafe' (got '\(name)')")
    }
    self = rule
  }

  package func allows(_ from: DType, _ to: DType) -> Bool {
    switch self {
    case .no, .equiv: from == to
    case .safe: Promotion.canCast(from, to)
    case .sameKind: Promotion.canCastSameKind(from, to)
    case .unsafe: true
    }
  }
}
