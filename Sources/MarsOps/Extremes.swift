import MarsBase
import MarsGraph

/// The smallest and the largest over axes, and where they are.
extension Reductions {
  private static func extremeLoop(_ name: String, _ kind: ReduceKind, numpyName: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try c.checkReal(c.inputs[0].dtype)
        try c.checkInitial(c.inputs[0].dtype)
        let axes = try c.checkReduction()
        if c.scalar("initial") == nil {
          if c.inputs.count > 1 {
            throw c.error(
              .value, "reduction operation '\(numpyName)' does not have an identity, so to use a where mask one has to specify 'initial'")
          }
          try c.checkNotEmpty(axes, "zero-size array to reduction operation \(numpyName) which has no identity")
        }
        return [TensorType(c.inputs[0].dtype, c.reducedShape(axes))]
      },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, c, x in
            let t = wide(c.inputs[0].dtype)
            var v = b.cast(x[0], t)
            if x.count > 1, let i = c.scalar("initial") {
              let start = b.scalar(i.cast(to: t))
              v = masked(&b, x, v, otherwise: start)
            }
            let smaller = kind == .min || kind == .fmin
            if t == .bool { return [.init(smaller ? .and : .or, v)] }
            return [.init(t.isFloating ? kind : (smaller ? .min : .max), v)]
          },
          finish: { b, c, s in
            let t = c.inputs[0].dtype
            var r = s[0]
            if let i = c.scalar("initial") {
              let start = b.scalar(i.cast(to: wide(t)))
              r = Comparison.extreme(
                &b, kind == .min || kind == .fmin ? .min : .max, r, start, ignoring: kind == .fmin || kind == .fmax)
            }
            return [b.cast(r, t)]
          })),
      doc: OpDoc("A reduction of real values to their extreme.", example: "mt.max([1, 2])"), exposure: .hidden, samples: samples(.real))
  }
  private static let minLoop = extremeLoop("min_real", .min, numpyName: "minimum")
  private static let maxLoop = extremeLoop("max_real", .max, numpyName: "maximum")
  private static let fminLoop = extremeLoop("fmin_real", .fmin, numpyName: "fmin")
  private static let fmaxLoop = extremeLoop("fmax_real", .fmax, numpyName: "fmax")

  private static func extreme(
    _ name: String, _ loop: OpDef, _ complexKind: String, _ pairwise: OpDef, _ summary: String, method: Bool = true
  ) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        guard v[0].type.dtype.isComplex else {
          return [Value(try loop.apply(v.map { .value($0) }, c.passing("axis", "keepdims", "initial")))]
        }
        let t = v[0].type.dtype
        let axes = try c.checkReduction()
        var x = v[0]
        if v.count > 1 {
          guard let i = c.scalar("initial") else {
            throw c.error(
              .value,
              "reduction operation '\(pairwise.name)' does not have an identity, so to use a where mask one has to specify 'initial'")
          }
          x = try v[1].op(Selection.`where`, x, constant(i, t))
        }
        guard let i = c.scalar("initial") else {
          try c.checkNotEmpty(axes, "zero-size array to reduction operation \(pairwise.name) which has no identity")
          return [try complexReduction(complexKind, c, x)]
        }
        if c.reducedCount() == 0 {
          return [try constant(i, t).op(Creation.full, with: ["shape": .ints(c.reducedShape(axes)), "dtype": .dtype(t)])]
        }
        return [try constant(i, t).op(pairwise, try complexReduction(complexKind, c, x))]
      },
      doc: OpDoc(
        summary,
        details: "Without elements it is an error unless 'initial' is given.  Complex values are ordered by real, then imaginary part.",
        numpy: "numpy.\(name)", example: "mt.\(name)([[1, 5], [7, 3]], axis=1)"),
      exposure: Exposure(method: method, reduceOf: method ? [pairwise.name] : [], signature: extremeSignature), samples: samples(.all)
    )
  }
  static let min = extreme("min", minLoop, "min", Comparison.minimum, "The smallest element over axes; NaN wins.")
  static let max = extreme("max", maxLoop, "max", Comparison.maximum, "The largest element over axes; NaN wins.")
  static let amin = extreme("amin", minLoop, "min", Comparison.minimum, "The smallest element over axes; NaN wins.", method: false)
  static let amax = extreme("amax", maxLoop, "max", Comparison.maximum, "The largest element over axes; NaN wins.", method: false)

  private static func nanExtreme(_ name: String, _ loop: OpDef, _ summary: String) -> OpDef {
    OpDef(
      name, inputs: inputs, attributes: [axis, keepdims, initial], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        if v[0].type.dtype.isComplex {
          // NaNs give way to the element that any other wins over; where there is no other the result is NaN.
          let t = v[0].type.dtype
          let sign = name == "nanmax" ? -Double.infinity : Double.infinity
          let worst = constant(Scalar(real: sign, imag: sign), t)
          let isNaN = try v[0].op(FloatingPoint.isnan)
          let x = try isNaN.op(Selection.`where`, worst, v[0])
          let of = name == "nanmax" ? max : min
          let r = Value(
            try of.apply([.value(x)] + v.dropFirst().map { .value($0) }, c.passing("axis", "keepdims", "initial")))
          if c.scalar("initial") != nil { return [r] }
          let allNaN = Value(try all.apply([.value(isNaN)], c.passing("axis", "keepdims")))
          return [try allNaN.op(Selection.`where`, constant(Scalar(real: .nan, imag: 0), t), r)]
        }
        return [Value(try loop.apply(v.map { .value($0) }, c.passing("axis", "keepdims", "initial")))]
      }, doc: OpDoc(summary, numpy: "numpy.\(name)", example: "mt.\(name)([1.0, float('nan'), 3.0])"),
      exposure: Exposure(reduceOf: [name == "nanmax" ? "fmax" : "fmin"], signature: extremeSignature), samples: samples(.all))
  }
  static let nanmin = nanExtreme("nanmin", fminLoop, "The smallest element over axes, ignoring NaN.")
  static let nanmax = nanExtreme("nanmax", fmaxLoop, "The largest element over axes, ignoring NaN.")

  static let ptp = OpDef(
    "ptp", inputs: [InputDef("a")], attributes: [axis, keepdims], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let most = Value(try max.apply([.value(v[0])], c.passing("axis", "keepdims")))
      let least = Value(try min.apply([.value(v[0])], c.passing("axis", "keepdims")))
      return [try most.op(Arithmetic.subtract, least)]
    },
    doc: OpDoc(
      "The largest minus the smallest element over axes.", details: "Of the dtype of a.", numpy: "numpy.ptp",
      example: "mt.ptp([[1, 5], [7, 3]], axis=1)"),
    exposure: Exposure(signature: "a axis out keepdims"), samples: samples(.numeric))

  // MARK: Positions of extremes

  private static let singleAxis = AttrDef("axis", .ints, default: AttrValue.none, role: .axis, "the axis; None: the flattened array")

  private static func positionLoop(_ name: String, _ kind: ReduceKind) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: [singleAxis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try c.checkReal(c.inputs[0].dtype)
        if let a = c.optionalInts("axis"), a.count != 1 { throw c.error(.type, "axis must be an integer or None") }
        let axes = try c.checkReduction()
        try c.checkNotEmpty(axes, "attempt to get \(name.prefix(6)) of an empty sequence")
        return [TensorType(.int64, c.reducedShape(axes))]
      },
      body: .reduce(
        ReduceBody(
          axes: axes, keepsDimensions: keeps,
          map: { b, c, x in
            let t = c.inputs[0].dtype
            let value = b.cast(x[0], t == .bool ? .uint8 : wide(t))
            let index = c.optionalInts("axis") == nil || c.inputs[0].rank == 0 ? b.elementIndex() : b.coordinate(c.reducedAxes()[0])
            return [.init(kind, value, index: index)]
          }, finish: { _, _, s in [s[1]] })),
      cost: Cost(perElement: 2), doc: OpDoc("The position of an extreme of real values.", example: "mt.argmax([1, 2])"), exposure: .hidden,
      samples: [Sample([[3, 4]], .real), Sample([[3, 4]], .real, attributes: ["axis": .ints([0])])])
  }
  private static let argminLoop = positionLoop("argmin_real", .argmin)
  private static let argmaxLoop = positionLoop("argmax_real", .argmax)

  private static func position(_ name: String, _ loop: OpDef, _ summary: String, ignoringNaN: Bool = false) -> OpDef {
    OpDef(
      name, inputs: [InputDef("a")], attributes: [singleAxis, keepdims], typing: .fromExpansion,
      body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
        var x = v[0]
        let t = x.type.dtype
        let isIgnoring = ignoringNaN && t.kind >= .floating
        if isIgnoring {
          let sign = name == "nanargmin" ? Double.infinity : -Double.infinity
          let worst = constant(t.isComplex ? Scalar(real: sign, imag: sign) : Scalar(sign), t)
          x = try x.op(FloatingPoint.isnan).op(Selection.`where`, worst, x)
        }
        var r: Value
        if t.isComplex {
          try c.checkNotEmpty(try c.checkReduction(), "attempt to get \(loop.name.prefix(6)) of an empty sequence")
          r = try complexReduction(loop === argminLoop ? "argmin" : "argmax", c, x)
        } else {
          r = Value(try loop.apply([.value(x)], c.passing("axis", "keepdims")))
        }
        if isIgnoring {
          let allNaN = Value(try all.apply([.value(try v[0].op(FloatingPoint.isnan))], c.passing("axis", "keepdims")))
          r = try r.op(Checks.refuse.def, allNaN, with: ["message": .string("All-NaN slice encountered")])
        }
        return [r]
      },
      doc: OpDoc(
        summary, details: "The first of several; int64.", numpy: "numpy.\(name)", example: "mt.\(name)([[1, 5], [7, 3]], axis=1)"),
      exposure: Exposure(method: !ignoringNaN, out: .fitsResult, signature: "a axis out * keepdims"),
      samples: [
        Sample([[3, 4]], ignoringNaN ? .real : .all), Sample([[3, 4]], ignoringNaN ? .real : .all, attributes: ["axis": .ints([0])]),
        Sample([[2, 3, 4]], .real, attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
      ])
  }
  static let argmin = position("argmin", argminLoop, "The position of the smallest element.")
  static let argmax = position("argmax", argmaxLoop, "The position of the largest element.")
  static let nanargmin = position("nanargmin", argminLoop, "The position of the smallest element that is not NaN.", ignoringNaN: true)
  static let nanargmax = position("nanargmax", argmaxLoop, "The position of the largest element that is not NaN.", ignoringNaN: true)

  static let extremes = [minLoop, maxLoop, fminLoop, fmaxLoop, min, max, amin, amax, nanmin, nanmax, ptp]
  static let positions = [argminLoop, argmaxLoop, argmin, argmax, nanargmin, nanargmax]
}
