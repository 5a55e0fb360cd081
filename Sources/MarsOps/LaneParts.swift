import MarsBase
import MarsGraph

/// An operator along an axis, applied to one lane after the other.
enum LaneParts {
  /// - Parameter lane: from the vector that a lane is to the one that stands in its place.
  static func each(_ x: Value, axis: Int, _ lane: (Value) throws(MarsError) -> Value) throws(MarsError) -> Value {
    if x.type.rank == 1 { return try lane(x) }
    let n = x.type.shape[axis]
    let others = x.type.shape.indices.filter { $0 != axis }
    let extents = others.map { x.type.shape[$0] }
    var parts: [Value] = []
    for number in 0..<extents.reduce(1, *) {
      var at = [AxisAccess](repeating: .aligned(0), count: x.type.rank)
      var rest = number
      for k in others.indices.reversed() {
        at[others[k]] = .fixed(rest % extents[k])
        rest /= extents[k]
      }
      parts.append(try lane(x.viewed(AxisMap(at), shape: [n])))
    }
    let all = Value(try Joining.join.def.apply(parts.map { .value($0) }, [("axis", .int(0))]))
    let back = x.type.shape.indices.map { k in k == axis ? others.count : others.firstIndex(of: k) ?? 0 }
    return try all.reshapedExactly(extents + [parts[0].type.shape[0]]).permuted(back)
  }
}
