import MarsBase

extension Ordering {
  /// Sorts a vector into `target`, and its positions, counted from `first`, into `labels` (int64); equal elements keep their order.
  ///
  /// Both are contiguous.
  package static func sortLabelled(
    _ source: ArrayView, into target: ArrayView, labels: ArrayView, first: Int, workspace: Workspace?
  ) throws(MarsError) {
    if source.count == 0 { return }
    guard target.isContiguous && labels.isContiguous else { throw MarsError(.internal, "runs must be contiguous") }
    try source.dtype.dispatch(LabelledSort(source: source, target: target, labels: labels, first: first, workspace: workspace))
  }
}

private struct LabelledSort: ElementRoutine {
  let source, target, labels: ArrayView
  let first: Int
  let workspace: Workspace?

  func run<T: Element>(_: T.Type) throws(MarsError) {
    try Ordering.argsort(source, into: labels, axis: 0, workspace: workspace)
    let (n, step) = (source.shape[0], source.strides[0])
    let places = labels.base.assumingMemoryBound(to: Int64.self)
    let to = target.base.assumingMemoryBound(to: T.self)
    for i in 0..<n {
      let from = Int(places[i])
      to[i] = (source.base + from * step).loadUnaligned(as: T.self)
      places[i] = Int64(first + from)
    }
  }
}
