import MarsBase

extension OpDef {
  /// What a ufunc gives for which dtypes, in words for documentation: "integers -> float64; floats, complex -> the same".
  ///
  /// "" of an operator that is no ufunc.  Loops that refuse their operands are not named.
  package var dtypesText: String {
    guard case .ufunc(let loops) = typing else { return "" }
    let answered = loops.filter { !$0.outputs.isEmpty }
    // What a predicate gives for bool is bool, not "the same".
    let isFixed = Set(answered.map(\.outputs)).count == 1
    var found: [(pattern: String, isOfOne: Bool, dtypes: DTypeSet)] = []
    for loop in answered {
      let (pattern, isOfOne, dtype) = pattern(loop, isFixed: isFixed)
      // Comparisons of signed with unsigned integers give what others give.
      if isFixed && !isOfOne && !found.isEmpty { continue }
      if let k = found.firstIndex(where: { $0.pattern == pattern && $0.isOfOne == isOfOne }) {
        if let dtype { found[k].dtypes.insert(DTypeSet(dtype)) }
      } else {
        found.append((pattern, isOfOne, dtype.map { DTypeSet($0) } ?? []))
      }
    }
    return found.map { f in
      if f.isOfOne { return "\(f.dtypes.text) -> \(f.pattern)" }
      return f.dtypes.isEmpty ? f.pattern : "\(f.pattern) for T of \(f.dtypes.text)"
    }.joined(separator: "; ")
  }

  /// What loops that differ in one dtype have in common, and that dtype.
  ///
  /// Where all inputs have one dtype these are the outputs, else inputs and outputs, with T for the dtype of output 0 if an input has it.
  private func pattern(_ loop: UfuncLoop, isFixed: Bool) -> (text: String, isOfOne: Bool, dtype: DType?) {
    // Conditions may be of any dtype.
    let promoted = zip(inputs, loop.inputs).filter { !$0.0.isCondition }.map { $0.1 }
    let result = loop.outputs[0]
    guard let first = promoted.first else { return ("any -> " + loop.outputs.map(\.name).joined(separator: ", "), false, nil) }
    if promoted.allSatisfy({ $0 == first }) {
      let given = loop.outputs.map { o in
        isFixed ? o.name : o == first ? "the same" : first.isComplex && o == first.realPart ? "the dtype of their parts" : o.name
      }
      return (Set(given).count == 1 ? given[0] : given.joined(separator: " and "), true, first)
    }
    let shared = promoted.contains(result) && result != .bool ? result : nil
    func name(_ d: DType) -> String { d == shared ? "T" : d.name }
    func list(_ ds: [DType]) -> String { ds.map(name).joined(separator: ", ") }
    return ("(\(list(promoted))) -> \(list(loop.outputs))", false, shared)
  }
}

extension DTypeSet {
  /// Kinds that are there as a whole by their names, what is left one by one.
  fileprivate var text: String {
    var names: [String] = []
    var rest = self
    let kinds: [(DTypeSet, String)] = [
      (.bool, "bool"), (.integer, "integers"), (.signed, "signed integers"), (.unsigned, "unsigned integers"), (.floating, "floats"),
      (.complex, "complex"),
    ]
    for (kind, name) in kinds where rest.isSuperset(of: kind) {
      names.append(name)
      rest.subtract(kind)
    }
    return (names + rest.members.map(\.name)).joined(separator: ", ")
  }
}
