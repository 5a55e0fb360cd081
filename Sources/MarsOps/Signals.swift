import MarsBase
import MarsGraph
import MarsNumerics

/// Functions of sequences: products of shifted vectors, windows, differences, angles without jumps.
enum Signals {
  // MARK: Products of shifted vectors

  private static let shifted = NativeOp(
    OpDef(
      "shifted_products", inputs: [InputDef("a"), InputDef("v", "not longer than a")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let (a, v) = (c.inputs[0], c.inputs[1])
        guard a.rank == 1, v.rank == 1, a.dtype == v.dtype, a.isKnown, v.isKnown, v.shape[0] > 0, a.shape[0] >= v.shape[0] else {
          throw c.error(.value, "a and v must be vectors of one dtype, and v not longer than a")
        }
        return [TensorType(a.dtype, [a.shape[0] - v.shape[0] + 1])]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let m = c.inputs[1].shape[0]
            if box.extents[0] == 0 { return [box, Box(lower: [0], extents: [0])] }
            return [Box(lower: box.lower, extents: [box.extents[0] + m - 1]), Box(lower: [0], extents: [m])]
          })), cost: Cost(perElement: 50), doc: OpDoc("Sums of products of shifted vectors.", example: "mt.correlate([1, 2, 3], [1, 2])"),
      exposure: .hidden, samples: [Sample([[9], [4]], .all), Sample([[5], [5]], .all)])
  ) { (call: inout NativeCall) throws(MarsError) in
    if call.outputBox.extents[0] > 0 { try Correlation.valid(call.inputs[0], call.inputs[1], into: call.outputs[0]) }
  }

  /// sum over j of a[k + j] * v[j] for the k that `mode` has; the second vector is the shorter one.
  private static func products(_ c: OpContext, _ a: Value, _ v: Value, mode: String) throws(MarsError) -> Value {
    let (n, m) = (a.type.shape[0], v.type.shape[0])
    let (before, behind): (Int, Int)
    switch mode {
    case "valid": (before, behind) = (0, 0)
    case "same": (before, behind) = (m / 2, m - 1 - m / 2)
    case "full": (before, behind) = (m - 1, m - 1)
    default: throw c.error(.value, "mode must be one of 'valid', 'same', or 'full' (got '\(mode)')")
    }
    let count = try c.sum([n - m, before, behind], "the result") + 1
    let x = before + behind > 0 ? try a.op(Padding.pad, with: ["pad_width": .ints([before, behind])]) : a
    if m == 1 { return try x.sliced(axis: 0, start: 0, count: count).op(Arithmetic.multiply, v) }
    return try x.op(shifted.def, v)
  }

  private static func product(_ name: String, _ summary: String, mode: String, turns: Bool, _ names: (String, String)) -> OpDef {
    OpDef(
      name, inputs: [InputDef(names.0), InputDef(names.1)],
      attributes: [AttrDef("mode", .string, default: .string(mode), "'full', 'same' or 'valid': where the vectors must overlap")],
      typing: .fromExpansion, takesArrays: true,
      body: .composed { (c: OpContext, given: [Value]) throws(MarsError) -> [Value] in
        let d = c.commonDType()
        var v: [Value] = []
        for (i, x) in given.enumerated() {
          guard x.type.rank <= 1 else { throw c.error(.value, "object too deep for desired array") }
          guard x.type.isKnown else { throw c.unknownExtents("\(name) needs known extents") }
          let one = try x.cast(d).reshaped([-1])
          guard one.type.shape[0] > 0 else {
            let (first, second) = turns ? names : ("first array argument", "second array argument")
            throw c.error(.value, "\(i == 0 ? first : second) cannot be empty")
          }
          v.append(one)
        }
        if !turns && d.isComplex { v[1] = try v[1].op(FloatingPoint.conj) }
        let swaps = v[1].type.shape[0] > v[0].type.shape[0]
        let (long, short) = swaps ? (v[1], v[0]) : (v[0], v[1])
        if turns { return [try products(c, long, try short.op(Shapes.flip), mode: c.string("mode"))] }
        // The other way round the shifts come in the opposite order.
        let r = try products(c, long, short, mode: c.string("mode"))
        return [swaps ? try r.op(Shapes.flip) : r]
      }, cost: Cost(perElement: 20),
      doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])"),
      samples: ["full", "same", "valid"].map { Sample([[7], [3]], [.integer, .floating], attributes: ["mode": .string($0)]) }
        + [Sample([[2], [5]], .complex), Sample([[4], [1]])])
  }
  static let convolve = product("convolve", "The convolution of two vectors.", mode: "full", turns: true, ("a", "v"))
  static let correlate = product("correlate", "The cross-correlation of two vectors.", mode: "valid", turns: false, ("a", "v"))

  // MARK: Windows

  private static func window(
    _ name: String, _ summary: String, attributes: [AttrDef] = [], example: String, shape: [String: AttrValue] = [:],
    countsFromZero: Bool = false, _ of: @escaping @Sendable (OpContext, Value, Double) throws(MarsError) -> Value
  ) -> OpDef {
    OpDef(
      name, inputs: [], attributes: [AttrDef("M", .float, "the number of points; none where it is not positive")] + attributes,
      typing: .fromExpansion,
      body: .composed { (c: OpContext, _: [Value]) throws(MarsError) -> [Value] in
        let n = c.float("M")
        let isEmpty = countsFromZero ? n <= 0 : n < 1
        if isEmpty || n == 1 { return [Value(try Creation.ones.apply([], [("shape", .ints([isEmpty ? 0 : 1]))]))] }
        // Twice the distance from the middle.  Of a number that is not whole NumPy's kaiser has the points from 0 on that are below it, the
        // others have those that lie within.
        let stop = countsFromZero ? 1 - n + 2 * n.rounded(.up) : n
        let steps = Value(
          try Creation.arange.apply(
            [],
            [
              ("start", .scalar(Scalar(1 - n))), ("stop", .scalar(Scalar(stop))), ("step", .scalar(Scalar(2.0))),
              ("dtype", .dtype(.float64)),
            ]))
        return [try of(c, steps, n - 1)]
      }, cost: Cost(perElement: 20), doc: OpDoc(summary, numpy: "numpy.\(name)", example: example),
      samples: [Sample([], attributes: shape.merging(["M": .int(7)]) { $1 }), Sample([], attributes: shape.merging(["M": .int(1)]) { $1 })])
  }

  /// a + b * cos(pi x / (M - 1)) + d * cos(2 pi x / (M - 1))
  private static func cosines(_ x: Value, _ m: Double, _ a: Double, _ b: Double, _ d: Double = 0) throws(MarsError) -> Value {
    let angle = try x.op(Arithmetic.multiply, weak: Scalar(Double.pi)).op(Arithmetic.divide, weak: Scalar(m))
    let sum = Value(
      try Arithmetic.add.apply([
        .weak(Scalar(a)), .value(try angle.op(Trigonometric.cos).op(Arithmetic.multiply, weak: Scalar(b))),
      ]))
    if d == 0 { return sum }
    let second = try angle.op(Arithmetic.multiply, weak: Scalar(2.0)).op(Trigonometric.cos)
    return try sum.op(Arithmetic.add, try second.op(Arithmetic.multiply, weak: Scalar(d)))
  }

  static let hanning = window("hanning", "A raised cosine.", example: "mt.hanning(5)") { _, x, m throws(MarsError) in
    try cosines(x, m, 0.5, 0.5)
  }
  static let hamming = window("hamming", "A raised cosine that does not reach 0.", example: "mt.hamming(5)") { _, x, m throws(MarsError) in
    try cosines(x, m, 0.54, 0.46)
  }
  static let blackman = window("blackman", "A sum of two cosines.", example: "mt.blackman(5)") { _, x, m throws(MarsError) in
    try cosines(x, m, 0.42, 0.5, 0.08)
  }
  static let bartlett = window("bartlett", "A triangle.", example: "mt.bartlett(5)") { _, x, m throws(MarsError) in
    let share = try x.op(Arithmetic.divide, weak: Scalar(m)).op(Arithmetic.absolute)
    return Value(try Arithmetic.subtract.apply([.weak(Scalar(1.0)), .value(share)]))
  }
  static let kaiser = window(
    "kaiser", "A quotient of Bessel functions.", attributes: [AttrDef("beta", .float, "the shape")], example: "mt.kaiser(5, 14)",
    shape: ["beta": .float(3)], countsFromZero: true
  ) { c, x, m throws(MarsError) in
    let beta = c.float("beta")
    let share = try x.op(Arithmetic.divide, weak: Scalar(m))
    let square = Value(try Arithmetic.subtract.apply([.weak(Scalar(1.0)), .value(try share.op(Arithmetic.multiply, share))]))
    let top = try square.op(Exponential.sqrt).op(Arithmetic.multiply, weak: Scalar(beta)).op(Exponential.i0)
    return try top.op(Arithmetic.divide, try Reductions.constant(Scalar(beta), .float64).op(Exponential.i0))
  }

  // MARK: Differences and angles

  static let ediff1d = OpDef(
    "ediff1d",
    inputs: [
      InputDef("ary"), InputDef("to_end", optional: true, "what is put behind the differences"),
      InputDef("to_begin", optional: true, "what is put before them"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let x = v[0]
      // As NumPy, which subtracts here and compares in diff.
      try Arithmetic.refuseBool(c, x.type.dtype)
      func end(_ name: String) throws(MarsError) -> Value? {
        guard let given = c.input(name, of: v) else { return nil }
        guard Promotion.canCastSameKind(given.type.dtype, x.type.dtype) else {
          throw c.error(.type, "dtype of `\(name)` must be compatible with input `ary` under the `same_kind` rule.")
        }
        return try given.cast(x.type.dtype).reshaped([-1])
      }
      let (first, last) = (try end("to_begin"), try end("to_end"))
      let parts = [first, try x.reshaped([-1]).op(Scans.diff), last].compactMap { $0 }
      return [parts.count == 1 ? parts[0] : Value(try Joining.concatenate.apply(parts.map { .value($0) }))]
    },
    doc: OpDoc(
      "Differences of neighbours in the flattened array.", details: "A vector.", numpy: "numpy.ediff1d", example: "mt.ediff1d([1, 2, 4, 7])"
    ),
    exposure: Exposure(signature: "ary to_end to_begin"),
    samples: [
      Sample([[3, 4]], [.integer, .floating]), Sample([[5], [2], []]), Sample([[5], [2]], [.integer, .floating], absent: [1]),
    ])

  static let unwrap = OpDef(
    "unwrap", inputs: [InputDef("p")],
    attributes: [
      AttrDef("discont", .float, default: AttrValue.none, "jumps up to this are left; None: half of the period"),
      AttrDef("axis", .int, default: .int(-1), role: .axis, "the axis"),
      AttrDef("period", .scalar, default: .scalar(Scalar(2 * Double.pi)), "the period"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard !v[0].type.dtype.isComplex else { throw c.error(.type, "ufunc 'remainder' not supported for the input types (complex)") }
      guard let period = c.scalar("period"), !period.dtype.isComplex else { throw c.error(.type, "period must be a real number") }
      let staysInteger = v[0].type.dtype.isInteger && period.asInt128 != nil
      let x = try v[0].cast(v[0].type.dtype.kind >= .floating || staysInteger ? v[0].type.dtype : .float64)
      let d = x.type.dtype
      let k = try c.normalisedAxis(c.int("axis"), rank: x.type.rank)
      guard x.type.isKnown else { throw c.unknownExtents("unwrap needs known extents") }
      let n = x.type.shape[k]
      if n < 2 { return [x] }
      // Half of an odd integer is none, and no jump is just as long.
      let whole = period.asInt128.map { staysInteger ? $0 : 0 } ?? 0
      let half = staysInteger ? Scalar(whole / 2, as: .int64) : Scalar(period.asDouble / 2)
      let (high, zero) = (Reductions.constant(half, d), Reductions.constant(Scalar(Int64(0)), d))
      let jumps = try x.op(Scans.diff, with: ["axis": .int(k)])
      // The difference from -period / 2 on; at the lower end with the sign of the jump.
      var small = try jumps.op(Arithmetic.add, high).op(Arithmetic.remainder, Reductions.constant(period, d)).op(Arithmetic.subtract, high)
      if whole % 2 == 0 {
        let isEdge = try small.op(Arithmetic.add, high).op(Comparison.equal, zero).op(
          Comparison.logicalAnd, try jumps.op(Comparison.greater, zero))
        small = try isEdge.op(Selection.where, high, small)
      }
      let least: Double = if case .float(let given) = c["discont"] { given } else { period.asDouble / 2 }
      let stays = try jumps.op(Arithmetic.absolute).op(Comparison.less, weak: Scalar(least))
      let shift = try stays.op(Selection.where, zero, try small.op(Arithmetic.subtract, jumps)).op(
        Scans.cumsum, with: ["axis": .int(k), "dtype": .dtype(d)])
      let rest = try x.sliced(axis: k, start: 1, count: n - 1).op(Arithmetic.add, shift)
      return [
        Value(
          try Joining.concatenate.apply([.value(try x.sliced(axis: k, start: 0, count: 1)), .value(rest)], [("axis", .int(k))]))
      ]
    }, cost: Cost(perElement: 12),
    doc: OpDoc(
      "Angles without jumps of a period.", details: "Integers give float64.", numpy: "numpy.unwrap", example: "mt.unwrap([0.0, 6.0, 12.0])"),
    exposure: Exposure(signature: "p discont axis * period"),
    samples: [Sample([[3, 4]], [.integer, .floating]), Sample([[5]], attributes: ["period": .scalar(Scalar(1.0))])],
    answer: Answer(.never))

  static let family = OpFamily([convolve, correlate, hanning, hamming, blackman, bartlett, kaiser, ediff1d, unwrap], natives: [shifted])
}
