/// Writes JSON text.
package struct JSONWriter {
  package private(set) var text = ""
  private var needsComma = false

  package init() {}

  package mutating func raw(_ s: String) {
    if needsComma { text += "," }
    text += s
    needsComma = true
  }
  package mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
  package mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }
  package mutating func key(_ k: String) {
    raw(JSONWriter.quote(k) + ":")
    needsComma = false
  }
  package mutating func string(_ s: String) { raw(JSONWriter.quote(s)) }
  package mutating func int(_ n: Int) { raw(String(n)) }
  package mutating func bool(_ b: Bool) { raw(b ? "true" : "false") }
  package mutating func null() { raw("null") }
  package mutating func double(_ d: Double) { raw(d.isFinite ? "\(d)" : "null") }

  private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
    raw(open)
    needsComma = false
    body(&self)
    text += close
    needsComma = true
  }

  package static func quote(_ s: String) -> String {
    var out = "\""
    for u in s.unicodeScalars {
      switch u {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      default:
        if u.value < 0x20 {
          let hex = String(u.value, radix: 16)
          out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        } else {
          out.unicodeScalars.append(u)
        }
      }
    }
    return out + "\""
  }
}
