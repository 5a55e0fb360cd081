import MarsGraph

/// NamedAttributes.java: a setter for every optional attribute that operators have.
enum JavaAttributes {
  static func text(_ registry: OpRegistry) -> String {
    var out = Java.head
    out += """
      /**
       * The attributes of operators by their names, for {@link Attributes}: {@code new Attributes().axis(1).keepdims(true)}.
       *
       * <p>The library refuses an attribute that an operator does not have. One that is not given has its default; {@link Attributes#setNone}
       * gives NumPy's None.
       */
      public sealed interface NamedAttributes permits Attributes {
        private Attributes self() {
          return (Attributes) this;
        }

      """
    var takers: [String: [(OpDef, AttrDef)]] = [:]
    for op in registry.offered where op.effects == .pure {
      for a in op.attributes where a.defaultValue != nil { takers[a.name, default: []].append((op, a)) }
    }
    for (name, uses) in takers.sorted(by: { $0.key < $1.key }) { out += setters(name, uses) }
    return out + "}\n"
  }

  private static func setters(_ name: String, _ uses: [(OpDef, AttrDef)]) -> String {
    let kinds = Set(uses.map(\.1.kind))
    // A single integer is taken where a list or a floating-point number is wanted.
    let types: [String]
    if kinds.contains(.ints) {
      types = ["long..."]
    } else if kinds.contains(.scalar) || kinds.isSuperset(of: [.int, .float]) {
      types = ["long", "double"]
    } else {
      types = kinds.map(Java.type).sorted()
    }
    var meanings: [(doc: String, ops: [String])] = []
    for (op, a) in uses {
      if let i = meanings.firstIndex(where: { $0.doc == a.doc }) {
        meanings[i].ops.append(op.name)
      } else {
        meanings.append((a.doc, [op.name]))
      }
    }
    let text = meanings.map { "\($0.doc) (\($0.ops.prefix(4).joined(separator: ", "))\($0.ops.count > 4 ? ", ..." : ""))" }
      .joined(separator: "; ")
    let parameter = Java.identifier(name)
    // NumPy has N beside n: the method keeps what tells them apart.
    let method = name.count == 1 ? name : parameter
    return types.map { type in
      "\n  /**\n" + Java.wrapped("Sets {@code \(name)}: \(Java.html(text)).") + "   *\n"
        + "   * @param \(parameter) the value\n   * @return this\n   */\n"
        + "  default Attributes \(method)(\(type) \(parameter)) {\n"
        + "    return self().\(type == "long..." ? "setList" : "set")(\"\(name)\", \(parameter));\n  }\n"
    }.joined()
  }
}
