import MarsBase
import MarsGraph
import MarsNumerics

/// Values put through operators: how composed operators and writes to tensors are written.
extension Value {
  func op(_ def: OpDef, _ others: Value..., with attributes: KeyValuePairs<String, AttrValue> = [:]) throws(MarsError) -> Value {
    Value(try def.apply(([self] + others).map { .value($0) }, attributes.map { ($0.key, $0.value) }))
  }
  func op(_ def: OpDef, weak: Scalar) throws(MarsError) -> Value { Value(try def.apply([.value(self), .weak(weak)])) }

  /// The value in dtype `d`.
  package func cast(_ d: DType) throws(MarsError) -> Value {
    type.dtype == d ? self : try op(Selection.astype, with: ["dtype": .dtype(d)])
  }
}

/// The same elements under other indices.
extension Value {
  /// A view; see `Shapes.view` for the encoding.
  package func viewed(_ map: AxisMap, shape: [Int]) throws(MarsError) -> Value {
    map.isIdentity && shape == type.shape ? self : Value(try Shapes.view.apply([.value(self)], map.attributes(shape: shape)))
  }
  /// As NumPy's reshape: one extent may be -1.
  func reshaped(_ shape: [Int]) throws(MarsError) -> Value {
    type.shape == shape ? self : try op(Shapes.reshape, with: ["shape": .ints(shape)])
  }
  /// The same by the operator that reshapes are made of.
  package func reshapedExactly(_ shape: [Int]) throws(MarsError) -> Value { try op(Shapes.reshapeLoop.def, with: ["shape": .ints(shape)]) }

  package func broadcast(to shape: [Int]) throws(MarsError) -> Value {
    guard type.rank <= shape.count, Shape.broadcast([type.shape, shape]) == shape else {
      throw Shape.cannotBroadcast(type.shape, into: shape)
    }
    return try viewed(AxisMap.broadcast(type.shape, to: shape), shape: shape)
  }
  /// Without leading axes of extent 1 beyond `rank` axes: NumPy assigns such a value.
  func droppingLeadingOnes(to rank: Int) throws(MarsError) -> Value {
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

/// What writes store.
extension Value {
  /// The value as it is assigned to a place of `shape`.
  package func fitted(to shape: [Int]) throws(MarsError) -> Value {
    let value = try droppingLeadingOnes(to: shape.count)
    guard Shape.broadcast([value.type.shape, shape]) == shape else { throw Shape.cannotBroadcast(type.shape, into: shape) }
    return try value.broadcast(to: shape)
  }
  /// The value with `value` in the region of `shape` that `map` describes.
  package func assigning(_ value: Value, _ map: AxisMap, shape: [Int]) throws(MarsError) -> Value {
    Value(try Writing.assign.apply([.value(self), .value(value)], map.attributes(shape: shape)))
  }
  /// One part of complex values.
  package func part(_ part: ComplexPart) throws(MarsError) -> Value {
    switch part {
    case .real: try op(FloatingPoint.real)
    case .imaginary: try op(FloatingPoint.imag)
    }
  }
  /// Complex values with one of their parts replaced.
  package func assigning(_ value: Value, _ part: ComplexPart) throws(MarsError) -> Value {
    switch part {
    case .real: try value.op(FloatingPoint.fromParts, self.part(.imaginary))
    case .imaginary: try self.part(.real).op(FloatingPoint.fromParts, value)
    }
  }
}

/// What is known of values when a call is made.
extension Value {
  /// The elements as float64, in C order, of a number and of real data that is at hand in one piece; nil of anything else.
  var numbers: [Double]? {
    if let s = constant { return s.dtype.isComplex ? nil : [s.asDouble] }
    if case .leaf(.data) = node.op.body, case .dense(let array) = node.payload { return array.view.numbers }
    return nil
  }
  /// `numbers` of a few elements: what a call looks through by the way, where running would find the same.
  var fewNumbers: [Double]? { type.isKnown && type.count <= 4096 ? numbers : nil }
}
