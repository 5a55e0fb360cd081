import MarsBase
import MarsGraph

/// `reduce` and `accumulate` of ufuncs that have no function of NumPy's for it, as sums, products and extremes have.
enum Folds {
  // MARK: Reductions

  /// A reduction by a bit-wise operation over integers and bool; of truth values where `isLogical`.
  private static func bitwise(_ ufunc: String, _ kind: ReduceKind, isLogical: Bool = false) -> OpDef {
    @Sendable func result(_ c: OpContext) -> DType { isLogical ? .bool : c.dtype("dtype") ?? c.inputs[0].dtype }
    let combined: ExprOp = kind == .and ? .and : kind == .or ? .or : .xor
    return OpDef(
      "\(ufunc)_reduce", inputs: Reductions.inputs,
      attributes: [Reductions.axis, Reductions.dtype, Reductions.keepdims, Reductions.initial],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let d = result(c)
        guard d == .bool || d.isInteger else {
          throw c.error(.type, "ufunc '\(ufunc)' not supported for the input types (\(d.name)): it takes integers and bool")
        }
        return [TensorType(d, c.reducedShape(try c.checkReduction()))]
      },
      body: .reduce(
        ReduceBody(
          axes: Reductions.axes, keepsDimensions: Reductions.keeps,
          map: { b, c, x in
            let d = result(c)
            // All bits are set in what `and` leaves as it is.
            let neutral = b.cast(b.constant(.int64, kind == .and ? -1 : 0), d)
            let value = isLogical ? b.truth(x[0]) : b.cast(x[0], d)
            return [.init(kind, Reductions.masked(&b, x, value, otherwise: neutral))]
          },
          finish: { b, c, s in
            guard let i = c.scalar("initial") else { return [s[0]] }
            return [b.op(combined, b.scalar(i.cast(to: result(c))), s[0])]
          })),
      doc: OpDoc("\(ufunc) of all elements over axes.", example: "np.\(ufunc).reduce(mt.tensor([1, 2, 3]))"),
      exposure: Exposure(namespace: nil, reduceOf: [ufunc]),
      samples: [
        Sample([[3, 4]], [.bool, .integer], attributes: ["axis": .ints([0])]), Sample([[3, 4], [4]], .integer, fixed: [1: .bool]),
        Sample([[0, 3]], .integer, attributes: ["axis": .ints([0]), "initial": .scalar(Scalar(Int64(5)))]),
      ])
  }

  /// A reduction by a ufunc that nothing fuses: the halves of the axis with one another, until one element is left.
  /// - Parameter identity: of the ufunc; nil: it has none.
  private static func halving(_ ufunc: OpDef, identity: Double?, _ dtypes: DTypeSet) -> OpDef {
    OpDef(
      "\(ufunc.name)_reduce", inputs: Reductions.inputs,
      attributes: [Reductions.axis, Reductions.dtype, Reductions.keepdims, Reductions.initial], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        let axes = try c.checkReduction()
        guard identity != nil || axes.count < 2 else {
          throw c.error(.value, "reduction operation '\(ufunc.name)' is not reorderable, so at most one axis may be specified")
        }
        guard v[0].type.isKnown else { throw c.unknownExtents("\(ufunc.name).reduce needs known extents") }
        var x = try v[0].cast(c.dtype("dtype") ?? v[0].type.dtype)
        // What the ufunc gives for two such elements.
        x = try x.cast(try x.op(ufunc, x).type.dtype)
        let d = x.type.dtype
        let neutral = (c.scalar("initial") ?? identity.map { Scalar($0) }).map { Reductions.constant($0, d) }
        if v.count > 1 {
          guard let neutral else {
            throw c.error(
              .value, "reduction operation '\(ufunc.name)' does not have an identity, so to use a where mask one has to specify 'initial'")
          }
          x = try v[1].op(Selection.where, x, neutral)
        }
        let rest = x.type.shape.indices.filter { !axes.contains($0) }
        let others = rest.map { x.type.shape[$0] }
        let kept = x.type.shape.indices.compactMap { axes.contains($0) ? (c.bool("keepdims") ? 1 : nil) : x.type.shape[$0] }
        var n = try c.product(axes.map { x.type.shape[$0] }, "the reduced axes")
        x = try x.permuted(axes + rest).reshaped([n] + others)
        if n == 0 {
          guard let neutral else {
            throw c.error(.value, "zero-size array to reduction operation \(ufunc.name) which has no identity")
          }
          return [try neutral.broadcast(to: kept)]
        }
        while n > 1 {
          let half = n / 2
          let pairs = try x.sliced(axis: 0, start: 0, count: half).op(ufunc, try x.sliced(axis: 0, start: half, count: half))
          let last = n % 2 == 1 ? [try x.sliced(axis: 0, start: n - 1, count: 1)] : []
          x = last.isEmpty ? pairs : Value(try Joining.concatenate.apply(([pairs] + last).map { .value($0) }, [("axis", .int(0))]))
          n = half + last.count
        }
        let r = try x.reshaped(kept)
        guard let i = c.scalar("initial") else { return [r] }
        return [try Reductions.constant(i, d).op(ufunc, r)]
      }, cost: Cost(perElement: ufunc.cost.perElement),
      doc: OpDoc("\(ufunc.name) of all elements over axes.", example: "np.\(ufunc.name).reduce(mt.tensor([4, 6]))"),
      exposure: Exposure(namespace: nil, reduceOf: [ufunc.name]),
      samples: [
        Sample([[5, 4]], dtypes, attributes: ["axis": .ints([0])]),
        Sample([[2, 3, 2]], dtypes, attributes: ["axis": .ints(identity == nil ? [2] : [0, 2]), "keepdims": .bool(true)]),
      ])
  }

  // MARK: Accumulations

  /// - Parameter make: the running results of a tensor along an axis of it.
  private static func running(
    _ ufunc: String, _ dtypes: DTypeSet,
    _ make: @escaping @Sendable (OpContext, Value, Int) throws(MarsError) -> Value
  ) -> OpDef {
    OpDef(
      "\(ufunc)_accumulate", inputs: [InputDef("a")],
      attributes: [
        AttrDef("axis", .int, default: .int(0), "the axis"),
        AttrDef("dtype", .dtype, default: AttrValue.none, since: 2, "dtype in which to compute and of the result"),
      ], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        guard v[0].type.rank > 0 else { throw c.error(.type, "cannot accumulate on a scalar") }
        let k = try c.normalisedAxis(c.int("axis"), rank: v[0].type.rank)
        return [try make(c, try v[0].cast(c.dtype("dtype") ?? v[0].type.dtype), k)]
      },
      doc: OpDoc("\(ufunc) of the elements so far along an axis.", example: "np.\(ufunc).accumulate(mt.tensor([3, 5, 1]))"),
      exposure: Exposure(namespace: nil, accumulateOf: ufunc),
      samples: [Sample([[3, 4]], dtypes), Sample([[3, 4]], dtypes, attributes: ["axis": .int(-1)]), Sample([[0]], dtypes)])
  }

  private static func scanned(_ ufunc: String, _ kind: String, _ dtypes: DTypeSet, asTruth: Bool = false) -> OpDef {
    running(ufunc, dtypes) { (c: OpContext, x: Value, k: Int) throws(MarsError) -> Value in
      try (asTruth ? x.cast(.bool) : x).op(Scans.scan.def, with: ["axis": .int(k), "kind": .string(kind)])
    }
  }

  /// The running maximum or minimum of what is no NaN: NaN only as long as there was nothing else.
  private static func ignoringNaN(_ ufunc: String, _ kind: String, worst: Double) -> OpDef {
    running(ufunc, .real) { (c: OpContext, x: Value, k: Int) throws(MarsError) -> Value in
      func scan(_ x: Value, _ kind: String) throws(MarsError) -> Value {
        try x.op(Scans.scan.def, with: ["axis": .int(k), "kind": .string(kind)])
      }
      guard !x.type.dtype.isComplex else { throw c.error(.type, "\(ufunc).accumulate takes real numbers") }
      guard x.type.dtype.kind == .floating else { return try scan(x, kind) }
      let isGood = try x.op(FloatingPoint.isnan).op(Comparison.logicalNot)
      let best = try scan(try isGood.op(Selection.where, x, Reductions.constant(Scalar(worst), x.type.dtype)), kind)
      return try scan(isGood, "or").op(Selection.where, best, Reductions.constant(Scalar(Double.nan), x.type.dtype))
    }
  }

  /// Differences from the first element: what is subtracted is added with its sign turned, with the same rounding.
  private static let subtraction = running("subtract", .numeric) { (c: OpContext, x: Value, k: Int) throws(MarsError) -> Value in
    try Arithmetic.refuseBool(c, x.type.dtype)
    let n = x.type.shape[k]
    guard n != unknownExtent else { throw c.unknownExtents("subtract.accumulate needs a known extent") }
    guard n > 1 else { return x }
    let parts = [try x.sliced(axis: k, start: 0, count: 1), try x.sliced(axis: k, start: 1, count: n - 1).op(Arithmetic.negative)]
    let all = Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(k))]))
    return try all.op(Scans.scan.def, with: ["axis": .int(k), "kind": .string("sum")])
  }

  static let family = OpFamily([
    bitwise("bitwise_and", .and), bitwise("bitwise_or", .or), bitwise("bitwise_xor", .xor), bitwise("logical_xor", .xor, isLogical: true),
    halving(Arithmetic.gcd, identity: 0, .integer), halving(Arithmetic.lcm, identity: nil, .integer),
    halving(Exponential.logaddexp, identity: -.infinity, .floating), halving(Exponential.logaddexp2, identity: -.infinity, .floating),
    halving(Trigonometric.hypot, identity: 0, .floating),
    scanned("maximum", "max", .all), scanned("minimum", "min", .all), ignoringNaN("fmax", "max", worst: -.infinity),
    ignoringNaN("fmin", "min", worst: .infinity),
    scanned("bitwise_and", "and", .integer), scanned("bitwise_or", "or", .integer), scanned("bitwise_xor", "xor", .integer),
    scanned("logical_and", "and", .all, asTruth: true), scanned("logical_or", "or", .all, asTruth: true),
    scanned("logical_xor", "xor", .all, asTruth: true), subtraction,
  ])
}
