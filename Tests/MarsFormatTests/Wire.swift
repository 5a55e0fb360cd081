/// Writes protobuf's wire format by hand, so that tests can make messages that no library would.
struct Wire {
  var bytes: [UInt8] = []

  static func varint(_ v: UInt64) -> [UInt8] {
    var out: [UInt8] = []
    var v = v
    while v >= 0x80 {
      out.append(UInt8(v & 0x7F) | 0x80)
      v >>= 7
    }
    return out + [UInt8(v)]
  }
  static func zigzag(_ v: Int64) -> UInt64 { UInt64(bitPattern: (v << 1) ^ (v >> 63)) }

  mutating func tag(_ field: Int, _ type: Int) { bytes += Wire.varint(UInt64(field << 3 | type)) }
  mutating func number(_ field: Int, _ v: UInt64) {
    tag(field, 0)
    bytes += Wire.varint(v)
  }
  mutating func block(_ field: Int, _ content: [UInt8]) {
    tag(field, 2)
    bytes += Wire.varint(UInt64(content.count)) + content
  }
  mutating func text(_ field: Int, _ s: String) { block(field, Array(s.utf8)) }
  mutating func message(_ field: Int, _ fill: (inout Wire) -> Void) {
    var m = Wire()
    fill(&m)
    block(field, m.bytes)
  }
  // Parts of a graph.
  mutating func node(_ op: UInt64, _ inputs: [UInt64] = [], types: [UInt64] = []) {
    number(1, op)
    if !inputs.isEmpty { packed(2, inputs) }
    if !types.isEmpty { packed(4, types) }
  }
  mutating func attribute(_ name: String, _ value: (inout Wire) -> Void) {
    message(3) {
      $0.text(1, name)
      value(&$0)
    }
  }
  mutating func scalar(_ dtype: UInt64, _ bytes: [UInt8]) {
    message(8) {
      $0.number(1, dtype)
      $0.block(2, bytes)
    }
  }

  mutating func packed(_ field: Int, _ values: [UInt64]) { block(field, values.flatMap(Wire.varint)) }
}

/// A graph written by hand: tests change one part of a valid one.
struct HandGraph {
  var format: UInt64 = 1
  var requirements: [[UInt8]] = []
  var operators: [(name: [UInt8], version: UInt64)] = []
  var types: [(dtype: UInt64, shape: [Int64])] = []
  var nodes: [(inout Wire) -> Void] = []
  var inputs: [(name: [UInt8], node: UInt64, output: UInt64)] = []
  var outputs: [(name: [UInt8], node: UInt64, output: UInt64)] = []
  var complete = true
  var extra: [UInt8] = []

  /// sum(a + 1, axis=1) of a placeholder a: float64 (3, 4).
  static var valid: HandGraph {
    var g = HandGraph()
    g.operators = ["input", "constant", "add", "sum"].map { (Array($0.utf8), 1) }
    g.types = [(13, [3, 4]), (13, []), (13, [3])]
    g.nodes = [
      { n in
        n.number(1, 0)
        n.attribute("name") { $0.text(6, "a") }
        n.attribute("dtype") { $0.number(7, 13) }
        n.message(3) { a in
          a.text(1, "shape")
          a.message(9) { $0.packed(1, [3, 4].map(Wire.zigzag)) }
        }
        n.packed(4, [0])
      },
      { n in
        n.number(1, 1)
        n.message(3) { a in
          a.text(1, "value")
          a.message(8) { s in
            s.number(1, 13)
            s.block(2, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
          }
        }
      },
      { n in
        n.number(1, 2)
        n.packed(2, [0, 0, 1, 0])
        n.packed(4, [0])
      },
      { n in
        n.number(1, 3)
        n.packed(2, [2, 0])
        n.attribute("axis") { $0.number(4, Wire.zigzag(1)) }
        n.packed(4, [2])
      },
    ]
    g.inputs = [(Array("a".utf8), 0, 0)]
    g.outputs = [(Array("out".utf8), 3, 0)]
    return g
  }

  var bytes: [UInt8] {
    var w = Wire()
    w.number(1, format)
    for r in requirements { w.block(2, r) }
    for o in operators {
      w.message(4) {
        $0.block(1, o.name)
        $0.number(2, o.version)
      }
    }
    for t in types {
      w.message(5) { type in
        type.message(1) {
          $0.number(1, t.dtype)
          $0.packed(2, t.shape.map(Wire.zigzag))
        }
      }
    }
    for n in nodes { w.message(7, n) }
    for p in inputs {
      w.message(8) {
        $0.block(1, p.name)
        $0.number(2, p.node)
        $0.number(3, p.output)
      }
    }
    for p in outputs {
      w.message(9) {
        $0.block(1, p.name)
        $0.number(2, p.node)
        $0.number(3, p.output)
      }
    }
    w.bytes += extra
    if complete { w.number(1000, 1) }
    return w.bytes
  }
}
