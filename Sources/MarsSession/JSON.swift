/// Writes JSON text.
struct JSONWriter {
  private(set) var text = ""
  private var needsComma = false

  mutating func raw(_ s: String) {
    if needsComma { text += "," }
    text += s
    needsComma = true
  }
  mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }
  mutating func array(_ body: (inout JSONWriter) -> Void) { nest("[", "]", body) }
  mutating func key(_ k: String) {
    raw(JSONWriter.quote(k) + ":")
    needsComma = false
  }
  mutating func string(_ s: String) { raw(JSONWriter.quote(s)) }
  mutating func int(_ n: Int) { raw(String(n)) }
  mutating func bool(_ b: Bool) { raw(b ? "true" : "false") }
  mutating func null() { raw("null") }
  mutating func double(_ d: Double) { raw(d.isFinite ? "\(d)" : "null") }

  private mutating func nest(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
    raw(open)
    needsComma = false
    body(&self)
    text += close
    needsComma = true
  }

  static func quote(_ s: String) -> String {
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
