import MarsBase
import MarsGraph

/// Values with a fixed step.
extension Creation {
  /// NumPy's length of arange: ceil((stop - start) / step).
  private static func rangeLength(_ c: OpContext) throws(MarsError) -> Int {
    guard let start = c.scalar("start"), let stop = c.scalar("stop"), let step = c.scalar("step") else {
      throw c.error(.type, "arange() requires start, stop and step")
    }
    // Integers of 64 bits with and without sign: nothing overflows in 128.
    if let a = start.asInt128, let b = stop.asInt128, let s = step.asInt128 {
      guard s != 0 else { throw c.error(.value, "Maximum allowed size exceeded") }
      let d = b - a
      if (d > 0) != (s > 0) || d == 0 { return 0 }
      guard let n = Int(exactly: d / s + (d % s == 0 ? 0 : 1)) else { throw c.error(.value, "Maximum allowed size exceeded") }
      return n
    }
    if step.asDouble == 0 { throw c.error(.value, "Maximum allowed size exceeded") }
    // As Python: integers beyond 2**53 lie as far apart as they do, whatever the step.
    let distance: Double = if let a = start.asInt128, let b = stop.asInt128 { Double(b - a) } else { stop.asDouble - start.asDouble }
    let quotient = distance / step.asDouble
    // As NumPy: one value where the quotient is too small to tell from 0, also where the step is infinite.
    if quotient == 0 && distance != 0 { return quotient.sign == .minus ? 0 : 1 }
    let n = quotient.rounded(.up)
    guard !n.isNaN else { throw c.error(.value, "arange: cannot compute length") }
    guard n < 9.2e18 else { throw c.error(.value, "Maximum allowed size exceeded") }
    return n > 0 ? Int(n) : 0
  }

  private static func rangeDType(_ c: OpContext) -> DType {
    if let d = c.dtype("dtype") { return d }
    // As NumPy: int64 at least, whatever narrower scalars are given.
    return ["start", "stop", "step"].compactMap { c.scalar($0)?.dtype }.reduce(.int64) { Promotion.common($0, $1) }
  }

  /// start + i * step for the position i in C order.
  private static func rangeValue(_ b: inout ExprBuilder, _ c: OpContext, _ d: DType) -> ExprRef {
    let start = c.scalar("start") ?? Scalar(Int64(0))
    let step = c.scalar("step") ?? Scalar(Int64(1))
    let i = b.elementIndex()
    if d.isInteger, let s = start.asInt, let t = step.asInt {
      let (first, by) = (b.scalar(Scalar(Int64(s))), b.scalar(Scalar(Int64(t))))
      return b.cast(b.op(.add, first, b.op(.mul, i, by)), d)
    }
    // As NumPy: the difference of the first two values in the result's dtype, then start + i * difference.
    let wide: DType = d.isHalf ? .float32 : (d.kind >= .floating ? d.realPart : .float64)
    let part: DType = d.kind >= .floating ? d.realPart : d
    let first = start.cast(to: part)
    let second = Scalar(start.asDouble + step.asDouble).cast(to: part)
    let from = b.scalar(first.cast(to: wide))
    // The one value of an infinite step: 0 times that is no number.
    guard (second.asDouble - first.asDouble).isFinite else { return b.cast(from, d) }
    let by = b.scalar(Scalar(second.asDouble - first.asDouble).cast(to: wide))
    let index = b.cast(i, wide)
    return b.cast(b.op(.add, from, b.op(.mul, index, by)), d)
  }

  static let arange = OpDef(
    "arange", inputs: [],
    attributes: [
      AttrDef("start", .scalar, default: .scalar(Scalar(Int64(0))), "first value"), AttrDef("stop", .scalar, "end, not included"),
      AttrDef("step", .scalar, default: .scalar(Scalar(Int64(1))), "distance between values"), inferredDType,
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(rangeDType(c), [try rangeLength(c)])] },
    body: .expr { b, c, _ in [rangeValue(&b, c, rangeDType(c))] }, cost: cheap,
    doc: OpDoc("Values from start to stop with a fixed step.", numpy: "numpy.arange", example: "mt.arange(10)"), exposure: creates(),
    samples: [
      Sample([], attributes: ["stop": .scalar(Scalar(Int64(7)))]),
      Sample([], attributes: ["start": .scalar(Scalar(1.0)), "stop": .scalar(Scalar(2.0)), "step": .scalar(Scalar(0.3))]),
      Sample([], attributes: ["start": .scalar(Scalar(Int64(5))), "stop": .scalar(Scalar(Int64(0))), "step": .scalar(Scalar(Int64(-2)))]),
    ],
    reshaped: { c, shape in
      (
        rangeShaped,
        [
          ("start", c["start"]), ("step", c["step"]), ("dtype", .dtype(rangeDType(c))), ("shape", .ints(shape)),
        ]
      )
    })

  /// A range under other extents than its own.
  static let rangeShaped = OpDef(
    "arange_shaped", inputs: [],
    attributes: [
      AttrDef("start", .scalar, default: .scalar(Scalar(Int64(0))), "first value"),
      AttrDef("step", .scalar, default: .scalar(Scalar(Int64(1))), "distance between values"),
      AttrDef("dtype", .dtype, default: .dtype(.int64), "element type"), shape,
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(c.dtype("dtype") ?? .int64, try c.shape("shape"))] },
    body: .expr { b, c, _ in [rangeValue(&b, c, c.dtype("dtype") ?? .int64)] }, cost: cheap,
    doc: OpDoc("Values with a fixed step in C order under given extents.", example: "mt.arange(6).reshape(2, 3)"), exposure: .hidden,
    samples: [
      Sample([], attributes: ["shape": .ints([2, 3])]),
      Sample(
        [],
        attributes: [
          "start": .scalar(Scalar(1.0)), "step": .scalar(Scalar(0.3)), "dtype": .dtype(.float64), "shape": .ints([3, 2]),
        ]),
    ], reshaped: shaped)
}
