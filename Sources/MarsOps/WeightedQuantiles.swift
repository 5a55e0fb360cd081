import MarsBase
import MarsGraph

/// Elements in order, and which share of the weights all up to each of them have: lines lie along the first axis.
struct Weighted {
  private let sorted: Value
  /// Of every line; 1 at the end, NaN where the weights have no sum that can be divided by.
  private let shares: Value
  /// Lines whose weights are an error.
  private let isWrong: Value

  /// - Parameter ignoringNaN: whether elements that are NaN count nothing; lines of nothing else give NaN.
  init(line: Value, weights: Value, ignoringNaN: Bool) throws(MarsError) {
    let along: KeyValuePairs<String, AttrValue> = ["axis": .int(0)]
    var w = try weights.cast(.float64)
    let isGood = ignoringNaN ? try line.op(FloatingPoint.isnan).op(Comparison.logicalNot) : nil
    if let isGood { w = try isGood.op(Selection.where, w, Reductions.constant(Scalar(0.0), .float64)) }
    let order = try line.op(Sorting.argsort, with: along)
    sorted = try line.op(Indexing.takeAlongAxis, order, with: along)
    let sums = try w.op(Indexing.takeAlongAxis, order, with: along).op(Scans.cumsum, with: along)
    let total = try sums.sliced(axis: 0, start: line.type.shape[0] - 1, count: 1)
    shares = try sums.op(Arithmetic.divide, total)
    let others = Array(line.type.shape.dropFirst())
    var isWrong = try total.op(Arithmetic.divide, total).op(FloatingPoint.isnan).reshaped(others)
    if let isGood { isWrong = try isWrong.op(Comparison.logicalAnd, try isGood.op(Reductions.any, with: ["axis": .ints([0])])) }
    self.isWrong = isWrong
  }

  /// The last element of every line: NaN where there is one.
  var last: Value {
    get throws(MarsError) {
      let n = sorted.type.shape[0]
      return try sorted.sliced(axis: 0, start: n - 1, count: 1).reshaped(Array(sorted.type.shape.dropFirst()))
    }
  }

  /// For each of a vector of fractions the first element of every line up to which the weights come to that; in the fractions' dtype.
  func elements(_ c: OpContext, upTo fractions: Value) throws(MarsError) -> Value {
    let (n, others) = (sorted.type.shape[0], Array(sorted.type.shape.dropFirst()))
    let count = fractions.type.shape[0]
    let asked = try fractions.reshaped([count] + sorted.type.shape.map { _ in 1 })
    // What weighs nothing in front is no answer to the fraction 0.
    let given = try shares.cast(fractions.type.dtype)
    let isNothing = try given.op(Comparison.equal, weak: Scalar(0.0))
    let reached = try isNothing.op(Selection.where, Reductions.constant(Scalar(-1.0), given.type.dtype), given).expanded(at: [0])
    let below = try reached.op(Comparison.less, asked).op(Reductions.sum, with: ["axis": .ints([1]), "dtype": .dtype(.int64)])
    let place = try below.op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
    let checked = try place.op(
      Checks.refuse.def, try isWrong.broadcast(to: [count] + others),
      with: ["message": .string("Weights included NaN, inf or were all zero.")])
    return try sorted.op(Indexing.takeAlongAxis, checked, with: ["axis": .int(0)])
  }
}
