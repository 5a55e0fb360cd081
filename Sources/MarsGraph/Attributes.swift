import MarsBase

/// The kind of an attribute's value; raw values are part of `graph.proto` and of `mars_op_describe`.
package enum AttrKind: UInt8, Sendable {
  case bool = 1
  case int = 2
  case float = 3
  case string = 4
  case dtype = 5
  case scalar = 6
  case ints = 7
  case strings = 8
  case bytes = 9
}

/// A typed attribute value.  `.none` stands for NumPy's `None` and is accepted where the attribute's default is `.none`.
package enum AttrValue: Hashable, Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case dtype(DType)
  case scalar(Scalar)
  case ints([Int])
  case strings([String])
  case bytes([UInt8])

  package var kind: AttrKind? {
    switch self {
    case .none: nil
    case .bool: .bool
    case .int: .int
    case .float: .float
    case .string: .string
    case .dtype: .dtype
    case .scalar: .scalar
    case .ints: .ints
    case .strings: .strings
    case .bytes: .bytes
    }
  }

  /// Floats are equal if their bits are: 0.0 and -0.0 give other results, and a NaN gives the same.
  package static func == (a: AttrValue, b: AttrValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.float(let x), .float(let y)): x.bitPattern == y.bitPattern
    case (.string(let x), .string(let y)): x == y
    case (.dtype(let x), .dtype(let y)): x == y
    case (.scalar(let x), .scalar(let y)): x == y
    case (.ints(let x), .ints(let y)): x == y
    case (.strings(let x), .strings(let y)): x == y
    case (.bytes(let x), .bytes(let y)): x == y
    case (.none, _), (.bool, _), (.int, _), (.float, _), (.string, _), (.dtype, _), (.scalar, _), (.ints, _), (.strings, _), (.bytes, _):
      false
    }
  }

  package func hash(into h: inout Hasher) {
    switch self {
    case .none: break
    case .bool(let x): h.combine(x)
    case .int(let x): h.combine(x)
    case .float(let x): h.combine(x.bitPattern)
    case .string(let x): h.combine(x)
    case .dtype(let x): h.combine(x)
    case .scalar(let x): h.combine(x)
    case .ints(let x):
      h.combine(x.count)
      for i in AttrValue.ends(of: x) { h.combine(i) }
    case .strings(let x): h.combine(x)
    case .bytes(let x): h.combine(x)
    }
  }

  /// What tells lists apart, as a rule: to look at all of a list of millions, for each hash of its node, would take longer than its work.
  package static func ends(of list: [Int]) -> ArraySlice<Int> {
    list.count <= 64 ? list[...] : list[..<32] + list[(list.count - 32)...]
  }
}

extension AttrValue {
  /// The number that a kernel is passed for it; nil for what is no number.
  package func scalar(as dtype: DType?) -> Scalar? {
    let number: Scalar
    switch self {
    case .scalar(let s): number = s
    case .int(let i): number = Scalar(Int64(i))
    case .float(let d): number = Scalar(d)
    case .bool(let b): number = Scalar(b)
    case .none, .string, .dtype, .ints, .strings, .bytes: return nil
    }
    return dtype.map { number.cast(to: $0) } ?? number
  }
}

/// What the integers of an attribute stand for: how clients turn what their language takes for an integer into 64 bits, as NumPy does.
package enum IntegerRole: String, Sendable, CaseIterable {
  /// Any number: a truth value counts as 0 or 1, and what 64 bits do not hold is an error.
  case number
  /// Extents: a truth value is none, and what 64 bits do not hold is more than any tensor has.
  case extent
  /// An axis that a truth value does not name.
  case axis
  /// A diagonal that may lie outside of every matrix: one that 64 bits do not number is as good as the last that they do.
  case diagonal
}

/// Declaration of one attribute of an operator.
package struct AttrDef: Sendable {
  package let name: String
  package let kind: AttrKind
  /// nil: must be given.
  package let defaultValue: AttrValue?
  /// Version of the operator since which it exists.
  package let since: Int
  /// Whether None is a value of its own beside the default (sort's axis).
  package let allowsNone: Bool
  /// Whether clients give it before the inputs, as NumPy has it: full(shape, fill_value).
  package let precedesInputs: Bool
  /// Whether a method takes its integers as arguments of their own: a.reshape(2, 3).
  package let takesSeparateArguments: Bool
  /// What its integers stand for, if it has any.
  package let role: IntegerRole
  /// Whether its value is an argument of kernels and nothing else (`ExprBuilder.argument`): no type, no plan and no kernel depends on it.
  package let isArgument: Bool
  package let doc: String
  package init(
    _ name: String, _ kind: AttrKind, default defaultValue: AttrValue? = nil, allowsNone: Bool = false, since: Int = 1,
    precedesInputs: Bool = false, separateArguments: Bool = false, role: IntegerRole = .number, isArgument: Bool = false, _ doc: String
  ) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.since = since
    self.allowsNone = allowsNone || defaultValue == AttrValue.none
    self.precedesInputs = precedesInputs
    takesSeparateArguments = separateArguments
    self.role = role
    self.isArgument = isArgument
    self.doc = doc
  }
}

/// Complete attribute values of a node, in the order of its operator's declarations.
package struct Attributes: Hashable, Sendable {
  package let values: [AttrValue]
  package init(_ values: [AttrValue] = []) { self.values = values }
}
