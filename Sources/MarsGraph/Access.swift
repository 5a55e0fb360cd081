import MarsBase

/// What one axis of an operator's input has to do with the axes of its output.
///
/// From these facts the planner derives tiling, slice push-down and chunk constraints.
package enum AxisAccess: Hashable, Sendable {
  /// Input index = start + step * (output index on axis `axis`); step is not 0.
  case aligned(axis: Int, start: Int, step: Int)
  /// The one index, whatever the output index: also an extent of 1 that is broadcast.
  case fixed(Int)
  /// Summed over together with the axes of other inputs that carry the same id; parts may be accumulated one after the other.
  case contracted(id: Int)
  /// All of the axis for every output element.
  case whole

  package static func aligned(_ axis: Int) -> AxisAccess { .aligned(axis: axis, start: 0, step: 1) }
}

/// An affine index map from the index space of a view to that of its base: one entry per base axis, `.aligned` or `.fixed` only.
///
/// View axes that no entry names are broadcast.  Closed under composition.
package struct AxisMap: Hashable, Sendable {
  package var axes: [AxisAccess]
  package init(_ axes: [AxisAccess]) { self.axes = axes }

  package static func identity(_ rank: Int) -> AxisMap { AxisMap((0..<rank).map { .aligned($0) }) }

  /// How an operand of shape `shape` is read under broadcasting to an output of rank `rank`.
  package static func broadcast(_ shape: [Int], to out: [Int]) -> AxisMap {
    let pad = out.count - shape.count
    return AxisMap(shape.indices.map { shape[$0] == 1 && out[$0 + pad] != 1 ? .fixed(0) : .aligned($0 + pad) })
  }

  package var isIdentity: Bool {
    for (i, a) in axes.enumerated() where a != .aligned(i) { return false }
    return true
  }

  /// The map of a view of a view: `self` maps the middle to the base, `outer` the view to the middle.
  package func after(_ outer: AxisMap) -> AxisMap {
    AxisMap(
      axes.map { a in
        guard case .aligned(let k, let s, let t) = a else { return a }
        switch outer.axes[k] {
        case .aligned(let j, let s2, let t2): return .aligned(axis: j, start: s + t * s2, step: t * t2)
        case .fixed(let i): return .fixed(s + t * i)
        case .contracted, .whole: return outer.axes[k]
        }
      })
  }

  /// The box of the base that a box of the view reads.
  package func box(_ b: Box) -> Box {
    var out = Box(lower: [], extents: [])
    out.lower.reserveCapacity(axes.count)
    out.extents.reserveCapacity(axes.count)
    for a in axes {
      switch a {
      case .aligned(let k, let s, let t):
        let n = b.extents[k]
        let first = s + t * b.lower[k]
        let last = s + t * (b.lower[k] + max(n, 1) - 1)
        out.lower.append(min(first, last))
        out.extents.append(n == 0 ? 0 : abs(last - first) + 1)
      case .fixed(let i):
        out.lower.append(i)
        out.extents.append(1)
      case .contracted, .whole:
        preconditionFailure("an AxisMap is affine")
      }
    }
    return out
  }
}
