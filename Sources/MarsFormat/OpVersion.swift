import MarsGraph

extension OpDef {
  /// The newest version of the operator: the highest `since` among its attributes, at least 1.
  var newestVersion: Int { attributes.reduce(1) { max($0, $1.since) } }
}

extension AttrValue {
  /// Equality of what files hold: floats are compared by their bits, so that -0.0 is not 0.0 and NaN is itself.
  func isSame(as other: AttrValue) -> Bool {
    if case .float(let a) = self, case .float(let b) = other { return a.bitPattern == b.bitPattern }
    return self == other
  }
}
