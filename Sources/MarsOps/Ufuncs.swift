import MarsBase
import MarsGraph

/// Loop tables of ufuncs, in NumPy's order: the first loop to which all operands can be cast safely is taken.
enum Loops {
  /// NumPy's order, with bfloat16 after float16.
  static let order: [DType] = [
    .bool, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float16, .bfloat16, .float32, .float64, .complex64,
    .complex128,
  ]

  static func members(_ set: DTypeSet) -> [DType] { order.filter { set.contains($0) } }

  /// T, T, ... -> T
  static func same(_ set: DTypeSet, _ arity: Int) -> [UfuncLoop] {
    members(set).map { UfuncLoop([DType](repeating: $0, count: arity), [$0]) }
  }
  /// T, T, ... -> bool
  static func predicate(_ set: DTypeSet, _ arity: Int) -> [UfuncLoop] {
    members(set).map { UfuncLoop([DType](repeating: $0, count: arity), [.bool]) }
  }
  /// T -> its real part's dtype.
  static func toReal(_ set: DTypeSet) -> [UfuncLoop] { members(set).map { UfuncLoop([$0], [$0.realPart]) } }
  /// Operands of these dtypes, exactly or by a safe cast, are an error with this text ("": the usual one).
  static func refused(_ inputs: DType..., saying text: String = "") -> UfuncLoop { UfuncLoop(inputs, [], refusal: text) }
}

typealias UnaryBody = @Sendable (inout ExprBuilder, ExprRef) -> ExprRef
typealias BinaryBody = @Sendable (inout ExprBuilder, ExprRef, ExprRef) -> ExprRef

/// A ufunc of one argument.
func unary(
  _ name: String, _ loops: [UfuncLoop], _ summary: String, details: String = "", example: String? = nil, numpy: String? = nil,
  cost: Double = 1, method: Bool = false, operators: [String] = [], part: ComplexPart? = nil, _ body: @escaping UnaryBody
) -> OpDef {
  OpDef(
    name, inputs: [InputDef("x")], typing: .ufunc(loops), body: .expr { b, _, x in [body(&b, x[0])] }, cost: Cost(perElement: cost),
    doc: OpDoc(summary, details: details, numpy: numpy ?? "numpy.\(name)", example: example ?? "mt.\(name)([0.25, 0.5, 1.0])"),
    exposure: Exposure(method: method, operators: operators), answersPart: part)
}

/// A ufunc of two arguments.
func binary(
  _ name: String, _ loops: [UfuncLoop], _ summary: String, details: String = "", example: String? = nil, numpy: String? = nil,
  cost: Double = 1, operators: [String] = [], comparesIntegers: Bool = false, _ body: @escaping BinaryBody
) -> OpDef {
  OpDef(
    name, inputs: [InputDef("x1"), InputDef("x2")], typing: .ufunc(loops), comparesIntegers: comparesIntegers,
    body: .expr { b, _, x in [body(&b, x[0], x[1])] }, cost: Cost(perElement: cost),
    doc: OpDoc(summary, details: details, numpy: numpy ?? "numpy.\(name)", example: example ?? "mt.\(name)([3, 1], [2, 5])"),
    exposure: Exposure(operators: operators))
}

extension Value {
  /// Shorthands by which composed operators are written.
  func op(_ def: OpDef, _ others: Value..., with attributes: KeyValuePairs<String, AttrValue> = [:]) throws(MarsError) -> Value {
    Value(try def.apply(([self] + others).map { .value($0) }, attributes.map { ($0.key, $0.value) }))
  }
  func op(_ def: OpDef, weak: Scalar) throws(MarsError) -> Value { Value(try def.apply([.value(self), .weak(weak)])) }

  /// The value in dtype `d`.
  func cast(_ d: DType) throws(MarsError) -> Value {
    type.dtype == d ? self : try op(Selection.astype, with: ["dtype": .dtype(d)])
  }

  /// A view of the value; see `Shapes.view` for the encoding.
  func viewed(_ map: AxisMap, shape: [Int]) throws(MarsError) -> Value {
    map.isIdentity && shape == type.shape ? self : Value(try Shapes.view.apply([.value(self)], map.attributes(shape: shape)))
  }
  func reshaped(_ shape: [Int]) throws(MarsError) -> Value {
    type.shape == shape ? self : try op(Shapes.reshape, with: ["shape": .ints(shape)])
  }
  func broadcast(to shape: [Int]) throws(MarsError) -> Value {
    guard type.rank <= shape.count, Shape.broadcast([type.shape, shape]) == shape else {
      throw MarsError(.value, "could not broadcast input array from shape \(Shape.text(type.shape)) into shape \(Shape.text(shape))")
    }
    return try viewed(AxisMap.broadcast(type.shape, to: shape), shape: shape)
  }
  /// Without leading axes of extent 1 beyond `rank` axes: NumPy assigns such a value.
  package func droppingLeadingOnes(to rank: Int) throws(MarsError) -> Value {
    let drop = type.shape.prefix(Swift.max(0, type.rank - rank)).prefix { $0 == 1 }.count
    return drop == 0 ? self : try op(Shapes.squeeze, with: ["axis": .ints(Array(0..<drop))])
  }
  func permuted(_ axes: [Int]) throws(MarsError) -> Value { try op(Shapes.transpose, with: ["axes": .ints(axes)]) }

  /// Elements start, start + step, ... (`count` of them) along one axis.
  func sliced(axis: Int, start: Int, step: Int = 1, count: Int) throws(MarsError) -> Value {
    var map = AxisMap.identity(type.rank)
    map.axes[axis] = .aligned(axis: axis, start: start, step: step)
    var shape = type.shape
    shape[axis] = count
    return try viewed(map, shape: shape)
  }
  /// With new axes of extent 1 at `positions` of the result.
  func expanded(at positions: [Int]) throws(MarsError) -> Value {
    try op(Shapes.expandDims, with: ["axis": .ints(positions)])
  }
}

extension OpContext {
  /// Axes named by an attribute that is None, an integer or a tuple.
  func reducedAxes(_ name: String = "axis") -> [Int] {
    let rank = inputs[0].rank
    guard let axes = optionalInts(name), rank > 0 else { return Array(0..<rank) }
    return axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
  }

  /// The attribute 'axis' of an internal operator: not negative.  Graph files may hold anything.
  func plainAxis(rank: Int) throws(MarsError) -> Int {
    let k = int("axis")
    guard k >= 0 && k < rank else { throw error(.axis, "axis \(k) is out of bounds for array of dimension \(rank)") }
    return k
  }

  /// NumPy's result_type of the inputs.
  func commonDType() -> DType { inputs.dropFirst().reduce(inputs[0].dtype) { Promotion.common($0, $1.dtype) } }
}
