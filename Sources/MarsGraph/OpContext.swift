import MarsBase

/// What an operator's rules see of one of its nodes.
package struct OpContext: Sendable {
  package let op: OpDef
  /// Types of the inputs that are given.
  package let inputs: [TensorType]
  /// The inputs that are left out although later ones are given.
  private let absent: AbsentInputs
  package let attributes: Attributes
  /// Types of the outputs; empty while they are being inferred.
  package let outputs: [TensorType]
  /// The ufunc loop that was taken, or nil.
  package let loop: UfuncLoop?
  /// The inputs while types are being inferred, for what can be known of their values; empty later.
  private let values: [Value]

  package init(
    op: OpDef, inputs: [TensorType], absent: AbsentInputs = AbsentInputs(), attributes: Attributes, outputs: [TensorType] = [],
    loop: UfuncLoop? = nil, values: [Value] = []
  ) {
    self.op = op
    self.inputs = inputs
    self.absent = absent
    self.attributes = attributes
    self.outputs = outputs
    self.loop = loop
    self.values = values
  }

  /// The entry of input `name` in a list of one per given input (values, types, windows); nil where it is left out.
  package func input<T>(_ name: String, of given: [T]) -> T? {
    guard let i = op.inputs.firstIndex(where: { $0.name == name }) else {
      preconditionFailure("operator '\(op.name)' declares no input '\(name)'")
    }
    guard let k = absent.place(of: i), k < given.count else { return nil }
    return given[k]
  }

  /// The entries of the inputs of the list that an operator takes last.
  package func list<T>(of given: [T]) -> ArraySlice<T> {
    op.fixedInputCount < op.inputs.count ? given.dropFirst(op.fixedInputCount - absent.count) : []
  }

  /// The scalar that given input `i` is, where the graph says so while types are being inferred.
  package func constant(_ i: Int) -> Scalar? { values.indices.contains(i) ? values[i].constant : nil }

  /// The value of an attribute that the operator declares.
  package subscript(_ name: String) -> AttrValue {
    guard let i = op.attributeIndex(name) else { preconditionFailure("operator '\(op.name)' declares no attribute '\(name)'") }
    return attributes.values[i]
  }
  package func bool(_ name: String) -> Bool { if case .bool(let v) = self[name] { v } else { otherKind(name, false) } }
  package func int(_ name: String) -> Int { if case .int(let v) = self[name] { v } else { otherKind(name, 0) } }
  package func optionalInt(_ name: String) -> Int? { if case .int(let v) = self[name] { v } else { nil } }
  package func float(_ name: String) -> Double { if case .float(let v) = self[name] { v } else { otherKind(name, 0) } }
  package func string(_ name: String) -> String { if case .string(let v) = self[name] { v } else { otherKind(name, "") } }
  package func dtype(_ name: String) -> DType? { if case .dtype(let v) = self[name] { v } else { nil } }
  package func scalar(_ name: String) -> Scalar? { if case .scalar(let v) = self[name] { v } else { nil } }
  package func ints(_ name: String) -> [Int] { if case .ints(let v) = self[name] { v } else { otherKind(name, []) } }
  package func optionalInts(_ name: String) -> [Int]? { if case .ints(let v) = self[name] { v } else { nil } }

  /// A rule that asks for another kind than the attribute is declared with, or forgets that it may be None, is wrong.
  private func otherKind<T>(_ name: String, _ nothing: T) -> T {
    assertionFailure("operator '\(op.name)' asks for another kind of attribute '\(name)' than \(self[name])")
    return nothing
  }

  /// The attributes, one of them changed.
  package func attributes(with name: String, _ value: AttrValue) -> [(String, AttrValue)] {
    zip(op.attributes, attributes.values).map { ($0.name, $0.name == name ? value : $1) }
  }

  /// An error that names this operator.
  package func error(_ code: MarsError.Code, _ message: String) -> MarsError { MarsError(code, message, op: op.name) }

  /// The error of an operator that cannot be applied before extents are known that only running finds.  A sentence about what it needs.
  package func unknownExtents(_ need: String) -> MarsError { error(.unknownExtents, "\(need): execute it first") }

  /// NumPy's error for more axes than an array can have.
  package func checkRank(_ rank: Int) throws(MarsError) {
    guard rank <= maximumRank else {
      throw error(.value, "maximum supported dimension for an ndarray is currently \(maximumRank), found \(rank)")
    }
  }

  /// Axis in 0..<rank from one that may be negative; NumPy's AxisError otherwise.
  package func normalisedAxis(_ axis: Int, rank: Int) throws(MarsError) -> Int {
    guard axis >= -rank && axis < rank else {
      throw error(.axis, "axis \(axis) is out of bounds for array of dimension \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Sorted distinct axes; NumPy's errors for those out of bounds or repeated.
  package func normalisedAxes(_ axes: [Int], rank: Int) throws(MarsError) -> [Int] {
    var out: [Int] = []
    for a in axes {
      let n = try normalisedAxis(a, rank: rank)
      if out.contains(n) { throw error(.value, "duplicate value in 'axis'") }
      out.append(n)
    }
    return out.sorted()
  }
}
