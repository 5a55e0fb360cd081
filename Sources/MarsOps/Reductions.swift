import MarsBase
import MarsGraph
import MarsNumerics

extension OpContext {
  /// Attribute values handed on to another operator under the same names.
  func passing(_ names: String...) -> [(String, AttrValue)] { names.map { ($0, self[$0]) } }

  /// Shape after reducing `axes`.
  func reducedShape(_ axes: [Int]) -> [Int] {
    let shape = inputs[0].shape
    if bool("keepdims") { return shape.indices.map { axes.contains($0) ? 1 : shape[$0] } }
    return shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
  }

  /// Elements combined into one result; nil while an extent is unknown.
  func reducedCount() -> Int? {
    var n = 1
    for a in reducedAxes() {
      if inputs[0].shape[a] == unknownExtent { return nil }
      n &*= inputs[0].shape[a]
    }
    return n
  }

  /// The checks that all reductions share; returns the reduced axes.
  /// As NumPy: `vectors`: a 0-d array has an axis 0 too, as if it were a vector of one element.
  func checkReduction(vectors: Bool = true) throws(MarsError) -> [Int] {
    if inputs.count == 2 {
      guard inputs[1].dtype == .bool else { throw cannotCast(inputs[1].dtype, .bool) }
      guard let both = Shape.broadcast([inputs[0].shape, inputs[1].shape]), Shape.mayEqual(both, inputs[0].shape) else {
        throw error(.value, "'where' of shape \(Shape.text(inputs[1].shape)) does not broadcast to \(Shape.text(inputs[0].shape))")
      }
    }
    guard let axes = optionalInts("axis") else { return Array(0..<inputs[0].rank) }
    if vectors && inputs[0].rank == 0 && axes.count == 1 && (-1...0).contains(axes[0]) { return [] }
    return try normalisedAxes(axes, rank: inputs[0].rank)
  }

  /// Refuses an 'initial' that the result's dtype does not hold, as NumPy stores it there.
  func checkInitial(_ d: DType) throws(MarsError) {
    if let s = scalar("initial") { _ = try s.stored(as: d) }
  }

  /// For loops over real values, which clients and graph files may name too.
  func checkReal(_ d: DType) throws(MarsError) {
    if d.isComplex { throw error(.type, "\(op.name)() takes real values only") }
  }

  /// For extremes: an empty axis needs an initial value, also where there are no results.
  func checkNotEmpty(_ axes: [Int], _ message: String) throws(MarsError) {
    if axes.contains(where: { inputs[0].shape[$0] == 0 }) { throw error(.value, message) }
  }
}

/// What reductions over axes share; the reductions are in `Sums.swift`, `Extremes.swift` and `Logic.swift`.
enum Reductions {
  static let axis = AttrDef("axis", .ints, default: AttrValue.none, role: .axis, "axes to reduce; None: all of them")
  static let keepdims = AttrDef("keepdims", .bool, default: .bool(false), "whether reduced axes stay with extent 1")
  static let dtype = AttrDef("dtype", .dtype, default: AttrValue.none, "dtype in which to compute and of the result")
  static let initial = AttrDef("initial", .scalar, default: AttrValue.none, "value to start from")
  static let inputs = [InputDef("a"), InputDef("where", optional: true, condition: true, "a bool mask: elements to include")]
  static let keeps: @Sendable (OpContext) -> Bool = { $0.bool("keepdims") }
  static let axes: @Sendable (OpContext) -> [Int] = { $0.reducedAxes() }

  /// NumPy's order of parameters of sums and of extremes.
  static let sumSignature = "a axis dtype out keepdims initial where"
  static let extremeSignature = "a axis out keepdims initial where"

  static func samples(_ set: DTypeSet) -> [Sample] {
    [
      Sample([[3, 4]], set), Sample([[3, 4]], set, attributes: ["axis": .ints([0])]),
      Sample([[2, 3, 4]], set, attributes: ["axis": .ints([0, -1]), "keepdims": .bool(true)]), Sample([[]], set),
    ]
  }

  /// bool and integers narrower than 64 bits add up in 64 bits.
  static func accumulating(_ d: DType) -> DType {
    switch d.kind {
    case .bool, .signed: .int64
    case .unsigned: .uint64
    case .floating, .complex: d
    }
  }

  /// The dtype of an accumulator: never a half type.
  static func wide(_ d: DType) -> DType { d.isHalf ? .float32 : d }

  /// The element, or `otherwise` where the mask leaves it out.
  static func masked(_ b: inout ExprBuilder, _ x: [ExprRef], _ value: ExprRef, otherwise: ExprRef) -> ExprRef {
    x.count > 1 ? b.select(x[1], value, otherwise) : value
  }

  static func constant(_ s: Scalar, _ d: DType) -> Value { Value(Leaves.node(s.cast(to: d))) }

  /// Complex products and extremes need more than one accumulator with a rule of its own: native, reduced axes whole.
  static let complexLoop = NativeOp(
    OpDef(
      "reduce_complex", inputs: [InputDef("a")],
      attributes: [AttrDef("kind", .string, "prod, min, max, argmin or argmax"), axis, keepdims],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let axes = try c.checkReduction()
        let kind = c.string("kind")
        guard ["prod", "min", "max", "argmin", "argmax"].contains(kind) else { throw c.error(.value, "there is no reduction '\(kind)'") }
        guard c.inputs[0].dtype.isComplex else { throw c.error(.type, "reduce_complex() takes complex values only") }
        if kind.hasPrefix("arg"), let a = c.optionalInts("axis"), a.count != 1 { throw c.error(.type, "axis must be an integer or None") }
        if kind != "prod" { try c.checkNotEmpty(axes, "attempt to get \(kind) of an empty sequence") }
        return [TensorType(c.string("kind").hasPrefix("arg") ? .int64 : c.inputs[0].dtype, c.reducedShape(axes))]
      },
      body: .native(
        NativeRule(
          .access { c in
            let axes = c.reducedAxes()
            let keep = c.bool("keepdims")
            var next = 0
            return [
              (0..<c.inputs[0].rank).map { k in
                defer { if keep || !axes.contains(k) { next += 1 } }
                return axes.contains(k) ? .whole : .aligned(next)
              }
            ]
          })), cost: Cost(perElement: 4), doc: OpDoc("A reduction of complex values.", example: "mt.prod([1j, 2.0])"), exposure: .hidden,
      samples: ["prod", "min", "argmax"].map { Sample([[3, 4]], .complex, attributes: ["kind": .string($0), "axis": .ints([1])]) })
  ) { (call: inout NativeCall) throws(MarsError) in
    let axes = call.context.reducedAxes()
    let others = (0..<call.inputs[0].rank).filter { !axes.contains($0) }
    var target = call.outputs[0]
    if call.context.bool("keepdims") {
      for a in axes.reversed() { target = target.dropping(axis: a, at: 0) }
    }
    let kinds: [String: Lanes.ComplexReduction] = ["prod": .product, "min": .min, "max": .max, "argmin": .argmin, "argmax": .argmax]
    guard let kind = kinds[call.context.string("kind")] else { throw call.context.error(.value, "unknown kind of reduction") }
    try Lanes.reduceComplex(kind, call.inputs[0].permuted(others + axes), reduced: axes.count, into: target)
  }

  static func complexReduction(_ kind: String, _ c: OpContext, _ x: Value) throws(MarsError) -> Value {
    Value(try complexLoop.def.apply([.value(x)], [("kind", .string(kind))] + c.passing("axis", "keepdims")))
  }

  static let family = OpFamily(sums + extremes + positions + logic + means, natives: [complexLoop])
}
