import MarsBase

/// JSON of operators, from which bindings make functions, signatures and docstrings (`mars_op_describe`).
package enum OpDescription {
  /// A JSON array of all operators.
  package static func json(_ registry: OpRegistry) -> String {
    "[" + registry.all.map(json).joined(separator: ",\n ") + "]"
  }

  /// A JSON object of one operator.
  package static func json(_ op: OpDef) -> String {
    let inputs = op.inputs.map { object([("name", text($0.name)), ("variadic", bool($0.isVariadic)), ("doc", text($0.doc))]) }
    let attributes = op.attributes.map { a in
      object([
        ("name", text(a.name)), ("kind", text("\(a.kind)")), ("required", bool(a.defaultValue == nil)),
        ("default", a.defaultValue.map(value) ?? "null"), ("allows_none", bool(a.allowsNone)), ("since", "\(a.since)"), ("doc", text(a.doc)),
      ])
    }
    let isView = if case .view = op.body { true } else { false }
    return object([
      ("name", text(op.name)), ("namespace", op.exposure.namespace.map(text) ?? "null"), ("method", bool(op.exposure.isMethod)),
      ("operators", array(op.exposure.operators.map(text))), ("numpy", text(op.doc.numpy)), ("summary", text(op.doc.summary)),
      ("details", text(op.doc.details)), ("example", text(op.doc.example)), ("inputs", array(inputs)), ("attributes", array(attributes)),
      ("outputs", array(op.outputs.map(text))), ("effects", text("\(op.effects)")), ("view", bool(isView)),
    ])
  }

  private static func value(_ v: AttrValue) -> String {
    switch v {
    case .none: return "null"
    case .bool(let b): return bool(b)
    case .int(let i): return "\(i)"
    case .float(let f): return number(f)
    case .string(let s): return text(s)
    case .dtype(let d): return text(d.name)
    case .scalar(let s):
      switch s.wide {
      case .bool(let b): return bool(b)
      case .signed(let i): return "\(i)"
      case .unsigned(let u): return "\(u)"
      case .floating(let f): return number(f)
      case .complex(let re, let im): return array([number(re), number(im)])
      }
    case .ints(let i): return array(i.map(String.init))
    case .strings(let s): return array(s.map(text))
    case .bytes(let b): return array(b.map { "\($0)" })
    }
  }

  private static func number(_ f: Double) -> String { f.isFinite ? "\(f)" : text("\(f)") }
  private static func bool(_ b: Bool) -> String { b ? "true" : "false" }
  private static func array(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }
  private static func object(_ fields: [(String, String)]) -> String {
    "{" + fields.map { "\(text($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
  }

  /// A JSON string literal.
  package static func text(_ s: String) -> String {
    var out = "\""
    for c in s.unicodeScalars {
      switch c {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      default:
        if c.value < 0x20 {
          let hex = String(c.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        } else {
          out.unicodeScalars.append(c)
        }
      }
    }
    return out + "\""
  }
}
