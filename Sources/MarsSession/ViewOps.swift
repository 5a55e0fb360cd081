import MarsBase
import MarsGraph
import MarsOps

/// The few operators that aliasing is made of.
enum ViewOps {
  private static let viewOp = marsRegistry["view"]
  private static let reshapeOp = marsRegistry["reshape_c"]
  private static let assignOp = marsRegistry["assign"]
  private static let castOp = marsRegistry["astype"]
  private static let realOp = marsRegistry["real"]
  private static let imagOp = marsRegistry["imag"]
  private static let fromPartsOp = marsRegistry["from_parts"]

  static func isReshape(_ op: OpDef) -> Bool { op === reshapeOp }

  private static func apply(_ op: OpDef?, _ name: String, _ values: [Value], _ attributes: [(String, AttrValue)]) throws(MarsError) -> Value
  {
    guard let op else { throw MarsError(.internal, "operator '\(name)' is missing", op: name) }
    return Value(try op.apply(values.map { .value($0) }, attributes))
  }

  static func view(_ v: Value, _ map: AxisMap, _ shape: [Int]) throws(MarsError) -> Value {
    if map.isIdentity && shape == v.type.shape { return v }
    return try apply(viewOp, "view", [v], map.attributes(shape: shape))
  }
  static func reshape(_ v: Value, _ shape: [Int]) throws(MarsError) -> Value {
    try apply(reshapeOp, "reshape_c", [v], [("shape", .ints(shape))])
  }
  /// `base` with `value` in the region of `shape` that `map` describes.
  static func assign(_ base: Value, _ value: Value, _ map: AxisMap, _ shape: [Int]) throws(MarsError) -> Value {
    try apply(assignOp, "assign", [base, value], map.attributes(shape: shape))
  }
  static func cast(_ v: Value, _ d: DType) throws(MarsError) -> Value {
    v.type.dtype == d ? v : try apply(castOp, "astype", [v], [("dtype", .dtype(d))])
  }
  static func part(_ v: Value, _ part: ComplexPart) throws(MarsError) -> Value {
    switch part {
    case .real: try apply(realOp, "real", [v], [])
    case .imaginary: try apply(imagOp, "imag", [v], [])
    }
  }
  /// `base` with one of its parts replaced.
  static func assign(_ base: Value, _ value: Value, _ part: ComplexPart) throws(MarsError) -> Value {
    switch part {
    case .real: try apply(fromPartsOp, "from_parts", [value, ViewOps.part(base, .imaginary)], [])
    case .imaginary: try apply(fromPartsOp, "from_parts", [ViewOps.part(base, .real), value], [])
    }
  }
  /// NumPy's broadcast of an assigned value to the target's shape.
  static func broadcast(_ v: Value, to shape: [Int]) throws(MarsError) -> Value {
    if v.type.shape == shape { return v }
    let value = try v.droppingLeadingOnes(to: shape.count)
    guard Shape.broadcast([value.type.shape, shape]) == shape else {
      throw MarsError(
        .value, "could not broadcast input array from shape \(Shape.text(v.type.shape)) into shape \(Shape.text(shape))", op: "assign")
    }
    return try view(value, .broadcast(value.type.shape, to: shape), shape)
  }
}
