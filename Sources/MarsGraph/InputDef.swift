/// Declaration of one input of an operator.
package struct InputDef: Sendable {
  package let name: String
  /// The last input only: zero or more tensors.
  package let isVariadic: Bool
  /// It may be left out.  Where a later one may be given all the same, the body finds its inputs by `OpContext.input`.
  package let isOptional: Bool
  /// A scalar that stands for the input where it is left out.
  package let defaultValue: Double?
  /// Of a ufunc: taken for its truth.  Its dtype has no part in promotion, and it is cast to the loop's bool whatever it is.
  package let isCondition: Bool
  /// Its dtype has no part in promotion, and a weak scalar given for it has its own: masks and positions.
  package let standsAlone: Bool
  /// Of a ufunc: a bound of the result.  A weak integer beyond the dtype's own bound on that side is no error and bounds nothing.
  package let limit: Limit?
  /// What is written into the first input: a scalar is stored as in an element of that, and clients make arrays of its dtype of their lists.
  package let isStored: Bool
  /// Of a composed operator: its values, few, decide what the operator expands to.  They are computed before what follows is planned.
  package let decidesExpansion: Bool
  package let doc: String
  package enum Limit: Sendable { case lower, upper }
  /// Whether a call need not give it.
  package var mayBeLeftOut: Bool { isOptional || defaultValue != nil }
  package init(
    _ name: String, variadic: Bool = false, optional: Bool = false, default defaultValue: Double? = nil, condition: Bool = false,
    alone: Bool = false, limit: Limit? = nil, stored: Bool = false, decides: Bool = false, _ doc: String = ""
  ) {
    self.name = name
    self.isVariadic = variadic
    self.isOptional = optional
    self.defaultValue = defaultValue
    isCondition = condition
    standsAlone = alone || condition
    self.limit = limit
    isStored = stored
    decidesExpansion = decides
    self.doc = doc
  }
}

extension OpDef {
  /// What is wrong with the declarations of the inputs, as a sentence; nil: nothing.
  package var inputFault: String? {
    let fixed = inputs.prefix(fixedInputCount)
    if inputs.contains(where: { $0.isVariadic && $0.mayBeLeftOut }) { return "a list of inputs may be empty and is not left out" }
    if fixed.contains(where: \.isVariadic) { return "a list of inputs is the last input" }
    if inputs.contains(where: { $0.isOptional && $0.defaultValue != nil }) { return "an input that is optional has no default" }
    if fixed.prefix(requiredInputCount).contains(where: \.mayBeLeftOut) { return "inputs that must be given come first" }
    guard let optional = fixed.firstIndex(where: \.isOptional), optional < inputs.count - 1 else { return nil }
    if fixed.count > AbsentInputs.mostInputs { return "there are more than \(AbsentInputs.mostInputs) inputs" }
    switch body {
    case .composed, .expr: return nil
    // What reads windows, or an input of its own kind, takes its inputs by their places.
    case .reduce, .view, .native, .nest, .leaf: return "an optional input before others needs a composed body or an expression"
    }
  }
}
