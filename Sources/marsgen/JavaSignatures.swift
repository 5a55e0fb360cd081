import MarsBase
import MarsGraph

/// One Java method for an operator; an operator has a few, which differ in what they let the caller say.
struct JavaSignature {
  /// What one parameter of the method stands for.
  enum Role {
    /// The tensor whose method it is.
    case this
    /// An input, or all of a variadic one.
    case input(isArray: Bool)
    case attribute(AttrDef)
    /// Attributes by name.
    case options
  }
  struct Parameter {
    let type: String
    let name: String
    let doc: String
    let role: Role
  }
  var parameters: [Parameter]

  /// Types that decide whether Java takes two methods for one.
  var erasure: [String] { parameters.map { $0.type.replacing("...", with: "[]") } }
}

/// Which methods an operator gets.  All follows from its declaration: inputs first, then what must be given and the first one or two optional
/// attributes in declared order, and one method that takes any attributes by name.
struct JavaSignatures {
  /// Attributes that are not the caller's to give.
  let hidden: Set<String>
  /// Whether the last parameter of every method is the optional list `size`, as distributions have it.
  let trailing: String?

  private typealias Parameter = JavaSignature.Parameter

  static let functions = JavaSignatures(hidden: [], trailing: nil)
  static let distributions = JavaSignatures(hidden: ["seed", "stream"], trailing: "size")

  func of(_ op: OpDef, asMethod: Bool = false) -> [JavaSignature] {
    var out: [JavaSignature] = []
    var seen: Set<[String]> = []
    for inputs in inputLists(op, asMethod: asMethod) {
      let isArray = inputs.last?.type == "Operand..."
      for tail in tails(op, isArray: isArray, withOptional: !isArray && inputs.count > given(op).count) {
        var all = inputs
        if !tail.isEmpty, isArray, let last = all.last { all[all.count - 1] = last.typed("Operand[]") }
        all += tail
        if asMethod { all[0] = Parameter(type: "", name: "this", doc: "", role: .this) }
        let s = JavaSignature(parameters: all)
        if seen.insert(s.erasure).inserted { out.append(s) }
      }
    }
    return out
  }

  // MARK: inputs

  /// Whether null leaves an input out.  Distributions always take their parameters: what follows them are numbers too.
  private func isNullable(_ i: InputDef) -> Bool { trailing == nil ? i.mayBeLeftOut : i.isOptional }

  /// Inputs that every method takes.
  private func given(_ op: OpDef) -> [InputDef] { op.inputs.filter { !$0.isVariadic && !isNullable($0) } }

  /// Inputs as operands, and with Java's numbers where the operator takes numbers.
  private func inputLists(_ op: OpDef, asMethod: Bool) -> [[Parameter]] {
    func input(_ i: InputDef, _ type: String) -> Parameter {
      let isArray = i.isVariadic
      return Parameter(
        type: isArray ? "Operand..." : type, name: Java.identifier(i.name),
        doc: (i.doc.isEmpty ? meaning(type, isArray: isArray, isOnly: op.inputs.count == 1) : i.doc) + note(i, type),
        role: .input(isArray: isArray))
    }
    func note(_ i: InputDef, _ type: String) -> String {
      guard isNullable(i), type == "Operand" else { return "" }
      return "; null: " + (i.defaultValue.map { "\($0)" } ?? "none")
    }
    let fixed = given(op)
    // All of those that may be left out: null leaves out a single one.
    let optional = op.inputs.filter(isNullable).map { input($0, "Operand") }
    if op.exposure.writesFirst, let target = fixed.first {
      let others = fixed.dropFirst().map { input($0, "Operand") }
      let all = [Parameter(type: "Tensor", name: Java.identifier(target.name), doc: target.doc, role: .input(isArray: false))] + others
      return optional.isEmpty ? [all] : [all, all + optional]
    }
    if let last = op.inputs.last, last.isVariadic { return [fixed.map { input($0, "Operand") } + optional + [input(last, "Operand...")]] }
    var out = [fixed.map { input($0, "Operand") }]
    for type in ["long", "double", "boolean"] {
      let takes = fixed.indices.map { op.takesNumber($0, type) }
      if fixed.count > 1 && takes.dropFirst().allSatisfy({ $0 }) {
        out.append(fixed.enumerated().map { i, d in input(d, i == 0 ? "Operand" : type) })
      }
      if asMethod || fixed.isEmpty { continue }
      if fixed.count == 2 && op.isUfunc && takes[0] { out.append([input(fixed[0], type), input(fixed[1], "Operand")]) }
      if (op.cost.isCheapSource || fixed.count > 1 && !op.isUfunc) && takes.allSatisfy({ $0 }) { out.append(fixed.map { input($0, type) }) }
    }
    if !optional.isEmpty {
      out.append(fixed.map { input($0, "Operand") } + optional)
      let places = op.inputs.indices.filter { isNullable(op.inputs[$0]) }
      let areNumbers = places.allSatisfy { op.inputs[$0].defaultValue != nil }
      for type in ["long", "double", "boolean"]
      where op.isUfunc ? places.allSatisfy({ op.takesNumber($0, type) }) : areNumbers && type == "double" {
        out.append(fixed.map { input($0, "Operand") } + places.map { input(op.inputs[$0], type) })
      }
    }
    return out
  }

  private func meaning(_ type: String, isArray: Bool, isOnly: Bool) -> String {
    if isArray { return "the tensors" }
    return type != "Operand" ? "a number" : isOnly ? "the tensor" : "a tensor or a number"
  }

  // MARK: attributes

  /// What may follow the inputs.
  private func tails(_ op: OpDef, isArray: Bool, withOptional: Bool) -> [[Parameter]] {
    let offered = op.attributes.filter { !hidden.contains($0.name) }
    let options = Parameter(
      type: "Attributes", name: "options", doc: "attributes that differ from their defaults", role: .options)
    let required = offered.filter { $0.defaultValue == nil }
    if let trailing, let last = offered.first(where: { $0.name == trailing }) {
      return [[attribute(last, "long...")], [options]]
    }
    let optional = withOptional ? [] : shown(offered.filter { $0.defaultValue != nil })
    var out: [[Parameter]] = []
    for count in 0...optional.count {
      // A list that may be left out says what the method without it says.
      if count == 0, !isArray, let a = optional.first, a.kind == .ints, a.allowsNone, required.isEmpty, canEnd(a, optional) { continue }
      let names = Set((required + optional.prefix(count)).map(\.name))
      let list = offered.filter { names.contains($0.name) }
      let next = count < optional.count ? optional[count].kind : nil
      out += typed(list, mayVary: !isArray && next != .int && next != .ints)
    }
    if offered.count > required.count, let arrays = typed(required, mayVary: false).last { out.append(arrays + [options]) }
    if required.contains(where: { $0.kind == .scalar }) { out.append(typed(required, mayVary: false)[0] + [options]) }
    return out
  }

  /// Whether a first optional list may be written out: no integer follows it that it would swallow.
  private func canEnd(_ a: AttrDef, _ optional: [AttrDef]) -> Bool {
    optional.count < 2 || optional[1].kind != .int && optional[1].kind != .ints
  }

  /// The optional attributes that have a place in a parameter list; the others are given by name.
  private func shown(_ optional: [AttrDef]) -> [AttrDef] {
    guard let first = optional.first else { return [] }
    if first.name == "axis", let keepdims = optional.first(where: { $0.name == "keepdims" }) { return [first, keepdims] }
    guard optional.count > 1, [.bool, .int, .float, .scalar].contains(optional[1].kind) else { return [first] }
    return [first, optional[1]]
  }

  /// Lists of integers are arrays, or single integers; the last one may be written out.
  private func typed(_ list: [AttrDef], mayVary: Bool) -> [[Parameter]] {
    if list.contains(where: { $0.kind == .scalar }) {
      return ["long", "double"].map { t in list.map { attribute($0, $0.kind == .scalar ? t : Java.type($0.kind)) } }
    }
    guard list.contains(where: { $0.kind == .ints }) else { return [list.map { attribute($0, Java.type($0.kind)) }] }
    let varies = mayVary && list.last?.kind == .ints
    let arrays = list.enumerated().map { i, a in
      attribute(a, a.kind == .ints ? varies && i == list.count - 1 ? "long..." : "long[]" : Java.type(a.kind))
    }
    if varies && list.filter({ $0.kind == .ints }).count == 1 { return [arrays] }
    return [list.map { attribute($0, $0.kind == .ints ? "long" : Java.type($0.kind)) }, arrays]
  }

  private func attribute(_ a: AttrDef, _ type: String) -> Parameter {
    Parameter(type: type, name: Java.identifier(a.name), doc: a.doc, role: .attribute(a))
  }
}

extension JavaSignature.Parameter {
  fileprivate func typed(_ type: String) -> Self { Self(type: type, name: name, doc: doc, role: role) }
}

extension OpDef {
  var isUfunc: Bool { if case .ufunc = typing { true } else { false } }

  /// Whether an input may be a number of a Java type: what ufuncs have loops for; otherwise, what the samples show as 0-d.
  fileprivate func takesNumber(_ i: Int, _ type: String) -> Bool {
    let fits: (DType) -> Bool =
      switch type {
      case "long": { $0.kind == .signed || $0.kind == .unsigned || $0.kind == .floating && self.isUfunc }
      case "double": { $0.kind == .floating }
      default: { $0 == .bool }
      }
    // Logic takes any number for its truth.
    if inputs.allSatisfy(\.isCondition) { return true }
    if case .ufunc(let loops) = typing {
      return !inputs[i].isCondition && loops.contains { !$0.outputs.isEmpty && fits($0.inputs[i]) }
    }
    return samples.contains { s in
      i < s.shapes.count && s.shapes[i].isEmpty && (s.fixed[i].map { DTypeSet($0) } ?? s.dtypes).members.contains(where: fits)
    }
  }
}
