import MarsBase
import MarsGraph

/// Functions that are known at points: values between them, integrals, derivatives, and intervals.
enum Interpolation {
  static let interp = OpDef(
    "interp", inputs: [InputDef("x"), InputDef("xp", "points that ascend"), InputDef("fp", "values at the points")],
    attributes: [
      AttrDef("left", .scalar, default: AttrValue.none, "value before the first point; None: that of the first"),
      AttrDef("right", .scalar, default: AttrValue.none, "value behind the last point; None: that of the last"),
      AttrDef("period", .float, default: AttrValue.none, since: 2, "of points on a circle: its length; they need not ascend"),
    ], typing: .fromExpansion, roundsIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d: DType = v[2].type.dtype.isComplex ? .complex128 : .float64
      guard !v[0].type.dtype.isComplex && !v[1].type.dtype.isComplex else {
        throw c.error(.type, "Cannot cast array data from dtype('complex128') to dtype('float64') according to the rule 'safe'")
      }
      var (x, points, values) = (try v[0].cast(.float64), try v[1].cast(.float64), try v[2].cast(d))
      guard points.type.rank == 1 && values.type.rank == 1 else { throw c.error(.value, "object too deep for desired array") }
      var n = points.type.shape[0]
      guard n >= 0 && values.type.isKnown else { throw c.unknownExtents("interp needs a known number of points") }
      guard n > 0 else { throw c.error(.value, "array of sample points is empty") }
      guard values.type.shape[0] == n else { throw c.error(.value, "fp and xp are not of the same length.") }
      let isCircle: Bool
      if case .float(let given) = c["period"] {
        guard given != 0 else { throw c.error(.value, "period must be a non-zero value") }
        let period = Scalar(Swift.abs(given))
        x = try x.op(Arithmetic.remainder, weak: period)
        points = try points.op(Arithmetic.remainder, weak: period)
        let order = try points.op(Sorting.argsort)
        (points, values) = (try points.op(Masks.take, order), try values.op(Masks.take, order))
        // The last point before the first one, and the first one behind the last.
        func joined(_ parts: Value...) throws(MarsError) -> Value { Value(try Joining.concatenate.apply(parts.map { .value($0) })) }
        let (first, last) = (try points.sliced(axis: 0, start: 0, count: 1), try points.sliced(axis: 0, start: n - 1, count: 1))
        points = try joined(try last.op(Arithmetic.subtract, weak: period), points, try first.op(Arithmetic.add, weak: period))
        values = try joined(
          try values.sliced(axis: 0, start: n - 1, count: 1), values, try values.sliced(axis: 0, start: 0, count: 1))
        n += 2
        isCircle = true
      } else {
        isCircle = false
      }
      func end(_ at: Int, _ name: String) throws(MarsError) -> Value {
        if let s = c.scalar(name), !isCircle {
          guard d.isComplex || !s.dtype.isComplex else { throw c.error(.type, "must be real number, not complex") }
          return Reductions.constant(s, d)
        }
        return try values.sliced(axis: 0, start: at, count: 1).reshaped([])
      }
      func point(_ at: Int) throws(MarsError) -> Value { try points.sliced(axis: 0, start: at, count: 1).reshaped([]) }
      // The interval of x; what lies outside is put right below.
      let last = Scalar(Int64(Swift.max(0, n - 2)))
      let j = try points.op(Sorting.searchsorted, x, with: ["side": .string("right")]).op(Arithmetic.subtract, weak: Scalar(Int64(1)))
        .op(Comparison.maximum, weak: Scalar(Int64(0))).op(Comparison.minimum, weak: last)
      let k = try j.op(Arithmetic.add, weak: Scalar(Int64(1))).op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
      let (x0, x1) = (try points.op(Masks.take, j), try points.op(Masks.take, k))
      let (f0, f1) = (try values.op(Masks.take, j), try values.op(Masks.take, k))
      let (fromLeft, fromRight) = (try x.op(Arithmetic.subtract, x0), try x.op(Arithmetic.subtract, x1))
      let width = try x1.op(Arithmetic.subtract, x0)
      /// On the line from f0 to f1, both real, that rises by `slope`.
      func between(_ f0: Value, _ f1: Value, _ slope: Value) throws(MarsError) -> Value {
        let r = try slope.op(Arithmetic.multiply, fromLeft).op(Arithmetic.add, f0)
        // As NumPy: where infinities meet, from the other side, and then the value that both sides share.
        let other = try slope.op(Arithmetic.multiply, fromRight).op(Arithmetic.add, f1)
        let isConstant = try f0.op(Comparison.equal, f1).op(Comparison.logicalAnd, try other.op(FloatingPoint.isnan))
        return try r.op(FloatingPoint.isnan).op(Selection.`where`, try isConstant.op(Selection.`where`, f0, other), r)
      }
      var r: Value
      if d.isComplex {
        // Each part is a line of its own; NumPy multiplies by the inverse here.
        let inverse = try Reductions.constant(Scalar(1.0), .float64).op(Arithmetic.divide, width)
        let parts = try [FloatingPoint.real, FloatingPoint.imag].map { part throws(MarsError) -> Value in
          let (a, b) = (try f0.op(part), try f1.op(part))
          return try between(a, b, try b.op(Arithmetic.subtract, a).op(Arithmetic.multiply, inverse))
        }
        r = try parts[0].op(FloatingPoint.fromParts, parts[1])
      } else {
        r = try between(f0, f1, try f1.op(Arithmetic.subtract, f0).op(Arithmetic.divide, width))
      }
      r = n == 1 ? f0 : try x.op(Comparison.equal, x0).op(Selection.`where`, f0, r)
      r = try x.op(Comparison.equal, x1).op(Selection.`where`, f1, r)
      r = try x.op(Comparison.less, try point(0)).op(Selection.`where`, try end(0, "left"), r)
      r = try x.op(Comparison.greater, try point(n - 1)).op(Selection.`where`, try end(n - 1, "right"), r)
      // As NumPy: with one point NaN is neither before nor behind it.
      if n == 1 { return [r] }
      return [try x.op(FloatingPoint.isnan).op(Selection.`where`, Reductions.constant(Scalar(.nan), d), r)]
    }, cost: Cost(perElement: 80),
    doc: OpDoc(
      "Values between points, on straight lines.",
      details: "float64 or complex128, of the shape of x.  xp ascends; beyond it lie left and right (None: the ends of fp).",
      numpy: "numpy.interp", example: "mt.interp([0.5, 3.0], [0, 1, 2], [0, 10, 20])"),
    exposure: Exposure(signature: "x xp fp left right period"),
    samples: [
      Sample([[5], [4], [4]]), Sample([[2, 3], [1], [1]]), Sample([[5], [4], [4]], attributes: ["period": .float(7)]),
      Sample([[5], [4], [4]], attributes: ["left": .scalar(Scalar(-1.0))]),
    ])

  static let digitize = OpDef(
    "digitize", inputs: [InputDef("x"), InputDef("bins", "edges that ascend or descend")],
    attributes: [AttrDef("right", .bool, default: .bool(false), "whether an interval holds its right edge instead of its left one")],
    typing: .fromExpansion, comparesIntegers: true, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let edges = v[1]
      guard !v[0].type.dtype.isComplex && !edges.type.dtype.isComplex else { throw c.error(.type, "x may not be complex") }
      guard edges.type.rank == 1 else { throw c.error(.value, "object of too small depth for desired array") }
      let n = edges.type.shape[0]
      guard n >= 0 else { throw c.unknownExtents("digitize needs a known number of edges") }
      let side: KeyValuePairs<String, AttrValue> = ["side": .string(c.bool("right") ? "left" : "right")]
      let up = try edges.op(Sorting.searchsorted, v[0], with: side)
      guard n > 1 else { return [up] }
      let (later, earlier) = (try edges.sliced(axis: 0, start: 1, count: n - 1), try edges.sliced(axis: 0, start: 0, count: n - 1))
      let (rises, falls) = (
        Value(try Reductions.any.apply([.value(try later.op(Comparison.greater, earlier))])),
        Value(try Reductions.any.apply([.value(try later.op(Comparison.less, earlier))]))
      )
      let down = Value(
        try Arithmetic.subtract.apply([
          .weak(Scalar(Int64(n))), .value(try edges.op(Shapes.flip).op(Sorting.searchsorted, v[0], with: side)),
        ]))
      let r = try falls.op(Selection.`where`, down, up)
      guard r.type.isKnown else { throw c.unknownExtents("digitize needs known extents") }
      let isWrong = try rises.op(Comparison.logicalAnd, falls).broadcast(to: r.type.shape)
      return [try r.op(Checks.refuse.def, isWrong, with: ["message": .string("bins must be monotonically increasing or decreasing")])]
    }, cost: Cost(perElement: 120),
    doc: OpDoc(
      "The intervals in which values lie.",
      details:
        "int64, of the shape of x: i where bins[i - 1] <= x < bins[i], or with right where bins[i - 1] < x <= bins[i].  Bins ascend or descend.",
      numpy: "numpy.digitize", example: "mt.digitize([0.2, 6.4], [0, 1, 2.5, 4])"),
    exposure: Exposure(signature: "x bins right"),
    // Of more edges values of any order are refused.
    samples: [Sample([[3, 4], [1]], [.integer, .floating]), Sample([[5], [0]], attributes: ["right": .bool(true)])])

  static let trapezoid = OpDef(
    "trapezoid", inputs: [InputDef("y"), InputDef("x", optional: true, "the points; None: dx apart")],
    attributes: [
      AttrDef("dx", .float, default: .float(1), "the distance of points"),
      AttrDef("axis", .int, default: .int(-1), role: .axis, "the axis"),
    ],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let y = v[0]
      let k = try c.normalisedAxis(c.int("axis"), rank: y.type.rank)
      let n = y.type.shape[k]
      guard n != unknownExtent else { throw c.unknownExtents("trapezoid needs a known extent") }
      let m = Swift.max(0, n - 1)
      let heights = try y.sliced(axis: k, start: m == 0 ? 0 : 1, count: m).op(Arithmetic.add, try y.sliced(axis: k, start: 0, count: m))
      var areas: Value
      if v.count > 1 {
        var widths = try v[1].op(Scans.diff, with: ["axis": .int(v[1].type.rank == 1 ? 0 : c.int("axis"))])
        if v[1].type.rank == 1 { widths = try widths.reshaped(y.type.shape.indices.map { $0 == k ? -1 : 1 }) }
        areas = try widths.op(Arithmetic.multiply, heights)
      } else {
        areas = try heights.op(Arithmetic.multiply, weak: Scalar(c.float("dx")))
      }
      return [try areas.op(Arithmetic.divide, weak: Scalar(2.0)).op(Reductions.sum, with: ["axis": .ints([c.int("axis")])])]
    },
    doc: OpDoc(
      "The integral by the trapezoidal rule.", details: "Without the axis.  x are positions along it; without them elements lie dx apart.",
      numpy: "numpy.trapezoid", example: "mt.trapezoid([1.0, 2.0, 4.0])"),
    exposure: Exposure(signature: "y x dx axis"),
    samples: [Sample([[3, 4]], [.integer, .floating]), Sample([[3, 4], [4]]), Sample([[1]])])

  // MARK: Derivatives

  /// Differences along one axis, divided by the distances `h`: 0-d, or one per interval in an array that broadcasts to `f`.
  private static func slopes(_ f: Value, _ h: Value, _ k: Int, second: Bool) throws(MarsError) -> Value {
    let n = f.type.shape[k]
    let isEven = h.type.rank == 0
    func part(_ start: Int, _ count: Int) throws(MarsError) -> Value { try f.sliced(axis: k, start: start, count: count) }
    func width(_ start: Int, _ count: Int) throws(MarsError) -> Value {
      isEven ? h : try h.sliced(axis: k, start: start, count: count)
    }
    func times(_ a: Double, _ x: Value) throws(MarsError) -> Value { try x.op(Arithmetic.multiply, weak: Scalar(a)) }
    /// a * x + b * y + c * z
    func sum(_ terms: [(Value, Value)]) throws(MarsError) -> Value {
      var out: Value?
      for (a, x) in terms {
        let term = try a.op(Arithmetic.multiply, x)
        out = if let out { try out.op(Arithmetic.add, term) } else { term }
      }
      return out ?? f
    }
    func edge(atEnd: Bool) throws(MarsError) -> Value {
      if !second {
        let at = atEnd ? n - 2 : 0
        return try part(at + 1, 1).op(Arithmetic.subtract, try part(at, 1)).op(Arithmetic.divide, try width(at, 1))
      }
      // The parabola through three points: from the end inwards, with the sign that this turns.
      let (near, far) = (try width(atEnd ? n - 2 : 0, 1), try width(atEnd ? n - 3 : 1, 1))
      let both = try near.op(Arithmetic.add, far)
      let sign = atEnd ? -1.0 : 1.0
      let a = try times(-sign, try near.op(Arithmetic.add, both)).op(Arithmetic.divide, try near.op(Arithmetic.multiply, both))
      let b = try times(sign, both).op(Arithmetic.divide, try near.op(Arithmetic.multiply, far))
      let e = try times(-sign, near).op(Arithmetic.divide, try far.op(Arithmetic.multiply, both))
      let places = atEnd ? [n - 1, n - 2, n - 3] : [0, 1, 2]
      return try sum([(a, try part(places[0], 1)), (b, try part(places[1], 1)), (e, try part(places[2], 1))])
    }
    var parts = [try edge(atEnd: false)]
    if n > 2 {
      let (before, after) = (try part(0, n - 2), try part(2, n - 2))
      if isEven {
        parts.append(try after.op(Arithmetic.subtract, before).op(Arithmetic.divide, try times(2, h)))
      } else {
        let (left, right) = (try width(0, n - 2), try width(1, n - 2))
        let both = try left.op(Arithmetic.add, right)
        let a = try times(-1, right).op(Arithmetic.divide, try left.op(Arithmetic.multiply, both))
        let b = try right.op(Arithmetic.subtract, left).op(Arithmetic.divide, try left.op(Arithmetic.multiply, right))
        let e = try left.op(Arithmetic.divide, try right.op(Arithmetic.multiply, both))
        parts.append(try sum([(a, before), (b, try part(1, n - 2)), (e, after)]))
      }
    }
    parts.append(try edge(atEnd: true))
    return Value(try Joining.concatenate.apply(parts.map { .value($0) }, [("axis", .int(k))]))
  }

  static let gradient = OpDef(
    "gradient",
    inputs: [InputDef("f"), InputDef("varargs", variadic: true, "distances or points: none, one for all axes, or one per axis")],
    attributes: [
      AttrDef("axis", .ints, default: AttrValue.none, "the axes; None: all"),
      AttrDef("edge_order", .int, default: .int(1), "1 or 2: the order of differences at the ends"),
    ], outputs: ["gradients..."], typing: .fromExpansion, roundsIntegers: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      try Arithmetic.refuseBool(c, v[0].type.dtype)
      let d = v[0].type.dtype.kind < .floating ? DType.float64 : v[0].type.dtype
      let f = try v[0].cast(d)
      // In the order in which they are given.
      var axes: [Int] = []
      for k in c.optionalInts("axis") ?? Array(f.type.shape.indices) {
        axes.append(try c.normalisedAxis(k, rank: f.type.rank))
        guard !axes.dropLast().contains(axes[axes.count - 1]) else { throw c.error(.value, "repeated axis") }
      }
      guard v.count == 1 || v.count == axes.count + 1 || v.count == 2 && v[1].type.rank == 0 else {
        throw c.error(.type, "invalid number of arguments")
      }
      guard (1...2).contains(c.int("edge_order")) else { throw c.error(.value, "'edge_order' greater than 2 not supported") }
      guard f.type.isKnown else { throw c.unknownExtents("gradient needs known extents") }
      var out: [Value] = []
      for (i, k) in axes.enumerated() {
        let n = f.type.shape[k]
        guard n > c.int("edge_order") else {
          throw c.error(
            .value, "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required.")
        }
        var h = Reductions.constant(Scalar(1.0), d.realPart)
        if v.count > 1 {
          let given = v[v.count == 2 ? 1 : i + 1]
          h = try given.cast(given.type.dtype.kind < .floating ? d.realPart : given.type.dtype)
          guard h.type.rank <= 1 else { throw c.error(.value, "distances must be either scalars or 1d") }
          if h.type.rank == 1 {
            guard h.type.isKnown else { throw c.unknownExtents("gradient needs a known number of distances") }
            guard h.type.shape[0] == n else {
              throw c.error(.value, "when 1d, distances must match the length of the corresponding dimension")
            }
            h = try h.op(Scans.diff).reshaped(f.type.shape.indices.map { $0 == k ? n - 1 : 1 })
          }
        }
        out.append(try slopes(f, h, k, second: c.int("edge_order") == 2).cast(d))
      }
      return out
    }, cost: Cost(perElement: 10),
    doc: OpDoc(
      "Derivatives by central differences inside and one-sided ones at the ends.",
      details: "One of the shape of f for each axis.  varargs are distances, or positions along an axis: one for all axes or one for each.",
      numpy: "numpy.gradient",
      example: "mt.gradient([1.0, 4.0, 9.0, 16.0])[0]"),
    samples: [Sample([[3, 4]], [.integer, .floating]), Sample([[4], [4]]), Sample([[3, 4]], attributes: ["edge_order": .int(2)])])

  static let family = OpFamily([interp, digitize, trapezoid, gradient])
}
