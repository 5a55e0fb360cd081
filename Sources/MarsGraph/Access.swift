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

  /// As the attributes of operators hold it: per base axis the view axis that it follows (-1: a fixed index), its start and its step.
  package var lists: (axes: [Int], starts: [Int], steps: [Int]) {
    var (followed, starts, steps): ([Int], [Int], [Int]) = ([], [], [])
    for a in axes {
      switch a {
      case .aligned(let k, let start, let step):
        followed.append(k)
        starts.append(start)
        steps.append(step)
      case .fixed(let i):
        followed.append(-1)
        starts.append(i)
        steps.append(1)
      case .contracted, .whole: preconditionFailure("a view is affine")
      }
    }
    return (followed, starts, steps)
  }
  /// Attributes of operators on a view of `shape`.
  package func attributes(shape: [Int]) -> [(String, AttrValue)] {
    let l = lists
    return [("axes", .ints(l.axes)), ("starts", .ints(l.starts)), ("steps", .ints(l.steps)), ("shape", .ints(shape))]
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

  /// Extents of the view of a tensor of shape `base`, for which `shape` is asked: an unknown extent is that of the whole axis that it follows.
  ///
  /// Unknown extents stay so while the base's are.  Errors: the view reaches out of the base, or an unknown extent follows no whole axis.
  package func extents(_ shape: [Int], over base: [Int]) throws(MarsError) -> [Int] {
    guard shape.allSatisfy({ $0 >= unknownExtent }) else { throw MarsError(.value, "negative dimensions are not allowed") }
    guard base.count == axes.count else {
      throw MarsError(.value, "a view of a tensor of \(axes.count) axes is read from one of \(base.count)")
    }
    var out = shape
    for j in shape.indices where shape[j] == unknownExtent {
      let followed = axes.indices.filter { if case .aligned(j, _, _) = axes[$0] { true } else { false } }
      guard followed.count == 1, axes[followed[0]] == .aligned(j) else {
        throw MarsError(.unknownExtents, "this view needs known extents: execute it first")
      }
      out[j] = base[followed[0]]
    }
    for (k, a) in axes.enumerated() {
      let n = base[k]
      switch a {
      case .fixed(let i):
        guard i >= 0 && (n == unknownExtent || i < n) else {
          throw MarsError(.index, "index \(i) is out of bounds for axis \(k) with size \(n == unknownExtent ? "?" : "\(n)")")
        }
      case .aligned(let j, let start, let step):
        guard out.indices.contains(j), step != 0 else { throw MarsError(.value, "axis \(k) of the view's map is malformed") }
        let extent = out[j]
        if extent == 0 || extent == unknownExtent { continue }
        let (reach, o1) = step.multipliedReportingOverflow(by: extent - 1)
        let (last, o2) = start.addingReportingOverflow(reach)
        guard !o1 && !o2 && start >= 0 && last >= 0 && (n == unknownExtent || (start < n && last < n)) else {
          throw MarsError(.index, "the view reaches beyond axis \(k) with size \(n == unknownExtent ? "?" : "\(n)")")
        }
      case .contracted, .whole: throw MarsError(.value, "axis \(k) of the view's map is malformed")
      }
    }
    return out
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
