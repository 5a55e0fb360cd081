import MarsBase

extension Ordering {
  /// Sorts a vector into `target`, and its positions, counted from `first`, into `labels` (int64); equal elements keep their order.
  package static func sortLabelled(
    _ source: ArrayView, into target: ArrayView, labels: ArrayView, first: Int, workspace: Workspace?
  ) throws(MarsError) {
    try argsort(source, into: labels, axis: 0, workspace: workspace)
    try source.dtype.dispatch(LabelledCopy(source: source, target: target, labels: labels, first: first))
  }

  private struct LabelledCopy: ElementRoutine {
    let source, target, labels: ArrayView
    let first: Int
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let (step, to) = (source.strides[0], target.strides[0])
      for i in 0..<source.shape[0] {
        let p = labels.base + i * labels.strides[0]
        let from = p.load(as: Int64.self)
        (target.base + i * to).storeBytes(of: (source.base + Int(from) * step).loadUnaligned(as: T.self), as: T.self)
        p.storeBytes(of: from &+ Int64(first), as: Int64.self)
      }
    }
  }
}
