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
  cost: Double = 1, method: Bool = false, operators: [String] = [], answer: Answer = Answer(), _ body: @escaping UnaryBody
) -> OpDef {
  OpDef(
    name, inputs: [InputDef("x")], typing: .ufunc(loops), body: .expr { b, _, x in [body(&b, x[0])] }, cost: Cost(perElement: cost),
    doc: OpDoc(summary, details: details, numpy: numpy ?? "numpy.\(name)", example: example ?? "mt.\(name)([0.25, 0.5, 1.0])"),
    exposure: Exposure(method: method, operators: operators), answer: answer)
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
