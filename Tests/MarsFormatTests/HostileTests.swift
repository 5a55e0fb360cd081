import MarsBase
import MarsFormat
import MarsGraph
import Testing

/// Files that somebody made to break the reader: each is refused with an error that says why.
@Suite struct HostileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let message: String
    var op = ""
    let change: @Sendable (inout HandGraph) -> Void
    var testDescription: String { name }
  }

  private static func utf8(_ s: String) -> [UInt8] { Array(s.utf8) }

  static let cases: [Case] = [
    Case(name: "no format", message: "it has no format version") { $0.format = 0 },
    Case(name: "format of the future", message: "format version 2") { $0.format = 2 },
    Case(name: "cut off", message: "the field 'complete' is missing") { $0.complete = false },
    Case(name: "unknown requirement", message: "requires 'gpu'") { $0.requirements = [utf8("gpu")] },
    Case(name: "callback requirement", message: "requires 'callback:python'") { $0.requirements = [utf8("callback:python")] },
    Case(name: "requirement with invalid UTF-8", message: "a requirement is not UTF-8") { $0.requirements = [[0xC0, 0x80]] },
    Case(name: "unknown operator", message: "unknown operator 'frobnicate'", op: "frobnicate") {
      $0.operators[2].name = utf8("frobnicate")
    },
    Case(name: "unknown operator, unused", message: "unknown operator 'x'", op: "x") { $0.operators.append((utf8("x"), 1)) },
    Case(name: "operator name with NUL", message: "the name of an operator contains NUL") { $0.operators[2].name = utf8("add\0x") },
    Case(name: "operator name with a surrogate", message: "is not UTF-8") { $0.operators[2].name = [0xED, 0xA0, 0x80] },
    Case(name: "operator of the future", message: "version 2 of operator 'add', but this library has version 1", op: "add") {
      $0.operators[2].version = 2
    },
    Case(name: "operator twice", message: "operator 'add' version 1 is listed twice") { $0.operators.append((utf8("add"), 1)) },
    Case(name: "operator row", message: "node 2 names operator row 9 of 4") { $0.nodes[2] = { $0.number(1, 9) } },
    Case(name: "huge operator row", message: "names operator row 4294967295 of 4") { $0.nodes[2] = { $0.number(1, 0xFFFF_FFFF) } },
    Case(name: "cycle", message: "node 2 ('add'): input 1 is node 2, which does not come before it", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 2, 0]) }
    },
    Case(name: "input of the future", message: "input 0 is node 3", op: "add") {
      $0.nodes[2] = { n in n.node(2, [3, 0, 0, 0]) }
    },
    Case(name: "output out of range", message: "input 1 is output 1 of node 1, which has 1", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 1, 1]) }
    },
    Case(name: "odd inputs", message: "inputs are not pairs", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 1]) }
    },
    Case(name: "too few inputs", message: "node 2 ('add'): add() takes 2 inputs but 1 were given", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0]) }
    },
    Case(name: "needed input left out", message: "node 2 ('add'): add(): input 'x1' may not be left out", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0xFFFF_FFFF, 0, 1, 0]) }
    },
    Case(name: "needed input left out at the end", message: "node 2 ('add'): add(): input 'x2' may not be left out", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 0xFFFF_FFFF, 0]) }
    },
    Case(name: "output of what is left out", message: "input 0 is left out and has an output", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0xFFFF_FFFF, 1, 1, 0]) }
    },
    Case(name: "more inputs than there are, left out", message: "add() takes 2 inputs but 3 were given", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 1, 0, 0xFFFF_FFFF, 0]) }
    },
    Case(name: "leaf with what is left out", message: "takes 0 inputs but 1 were given", op: "input") {
      let first = $0.nodes[0]
      $0.nodes[0] = { n in
        n.packed(2, [0xFFFF_FFFF, 0])
        first(&n)
      }
    },
    Case(name: "wrong type", message: "node 3 ('sum'): output 0 is written as float64(3, 4) but is float64(3,)", op: "sum") {
      $0.types[2].shape = [3, 4]
      $0.types[2].dtype = 13
    },
    Case(name: "wrong dtype", message: "is written as float32(3,) but is float64(3,)", op: "sum") { $0.types[2].dtype = 12 },
    Case(name: "type row", message: "node 2 ('add'): type 7 of 3", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 1, 0], types: [7]) }
    },
    Case(name: "too many types", message: "2 output types are written, but it has 1 outputs", op: "add") {
      $0.nodes[2] = { n in n.node(2, [0, 0, 1, 0], types: [0, 0]) }
    },
    Case(name: "unknown dtype", message: "type 0 has the unknown dtype 99") { $0.types[0].dtype = 99 },
    Case(name: "negative dtype", message: "type 0 has the unknown dtype -1") { $0.types[0].dtype = .max },
    Case(name: "negative extent", message: "type 0 has a negative extent") { $0.types[0].shape = [-2] },
    Case(name: "rank", message: "type 0 has 65 axes") { $0.types[0].shape = [Int64](repeating: 1, count: 65) },
    Case(name: "rank of an input", message: "maximum supported dimension for an ndarray is currently 64, found 65", op: "input") {
      $0.nodes[0] = { n in
        n.attribute("name") { $0.text(6, "a") }
        n.attribute("dtype") { $0.number(7, 13) }
        n.attribute("shape") { $0.message(9) { $0.packed(1, [UInt64](repeating: 2, count: 65)) } }
      }
    },
    Case(name: "too big", message: "array is too big", op: "input") {
      $0.nodes[0] = { n in
        n.attribute("name") { $0.text(6, "a") }
        n.attribute("dtype") { $0.number(7, 13) }
        n.attribute("shape") { $0.message(9) { $0.packed(1, [1 << 40, 1 << 40]) } }
      }
    },
    Case(name: "type of a later kind", message: "type 3 of the graph is of a kind that this library does not know") {
      var w = Wire()
      w.message(5) { $0.message(2) { _ in } }
      $0.extra = w.bytes
    },
    Case(name: "unknown attribute", message: "node 3 ('sum'): the operator has no attribute 'speed'", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("speed") { $0.number(4, 2) }
      }
    },
    Case(
      name: "attribute newer than the version", message: "attribute 'initial' exists since version 2, but the node is of version 1",
      op: "sum"
    ) {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("initial") { $0.number(4, 2) }
      }
    },
    Case(name: "attribute twice", message: "got attribute 'axis' twice", op: "sum") {
      $0.nodes[3] = { n in
        n.number(1, 3)
        n.packed(2, [2, 0])
        for _ in 0..<2 { n.attribute("axis") { $0.number(4, 2) } }
      }
    },
    Case(name: "attribute without a value", message: "attribute 'axis' has no value of a kind that this version knows", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("axis") { $0.number(77, 2) }
      }
    },
    Case(name: "attribute of another kind", message: "attribute 'axis' must be ints but is string", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("axis") { $0.text(6, "0") }
      }
    },
    Case(name: "axis out of range", message: "axis 5 is out of bounds", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("axis") { $0.number(4, 10) }
      }
    },
    Case(name: "none that is false", message: "none_value that is not true", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("axis") { $0.number(2, 0) }
      }
    },
    Case(name: "missing attribute", message: "missing attribute 'value'", op: "constant") { $0.nodes[1] = { $0.number(1, 1) } },
    Case(name: "scalar of wrong size", message: "attribute 'value' has 3 bytes for a scalar of float64", op: "constant") {
      $0.nodes[1] = { n in
        n.number(1, 1)
        n.attribute("value") { $0.scalar(13, [1, 2, 3]) }
      }
    },
    Case(name: "scalar bool of 2", message: "is a bool other than 0 and 1", op: "constant") {
      $0.nodes[1] = { n in
        n.number(1, 1)
        n.attribute("value") { $0.scalar(1, [2]) }
      }
    },
    Case(name: "string attribute with invalid UTF-8", message: "attribute 'name' is not UTF-8", op: "input") {
      $0.nodes[0] = { n in n.attribute("name") { $0.block(6, [0xFF]) } }
    },
    Case(name: "string attribute with NUL", message: "attribute 'name' contains NUL", op: "input") {
      $0.nodes[0] = { n in n.attribute("name") { $0.text(6, "a\0b") } }
    },
    Case(name: "attribute name with NUL", message: "the name of an attribute contains NUL", op: "sum") {
      $0.nodes[3] = { n in
        n.node(3, [2, 0])
        n.attribute("axis\0") { $0.number(4, 2) }
      }
    },
    Case(name: "origin out of range", message: "origin 5 of 0", op: "add") {
      $0.nodes[2] = { n in
        n.number(1, 2)
        n.number(7, 5)
      }
    },
    Case(name: "data on an operator", message: "only 'data' nodes carry data", op: "add") {
      $0.nodes[2] = { n in
        n.node(2, [0, 0, 1, 0])
        n.block(5, [1])
      }
    },
    Case(name: "data without type", message: "a 'data' node must state its type", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.nodes.append { n in
        n.number(1, 4)
        n.block(5, [1])
      }
    },
    Case(name: "data without data", message: "a 'data' node must carry data", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.nodes.append { n in n.node(4, types: [0]) }
    },
    Case(name: "data too short", message: "data of type float64(3, 4) has 1 bytes", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.nodes.append { n in
        n.node(4, types: [0])
        n.block(5, [1])
      }
    },
    Case(name: "data of overflowing size", message: "has no size", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.types.append((13, [1 << 62, 4, 2]))
      $0.nodes.append { n in
        n.node(4, types: [3])
        n.block(5, [UInt8](repeating: 0, count: 8))
      }
    },
    Case(name: "data of unknown extent", message: "has no size", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.types.append((13, [-1]))
      $0.nodes.append { n in
        n.node(4, types: [3])
        n.block(5, [])
      }
    },
    Case(name: "bool data", message: "holds a byte other than 0 and 1", op: "data") {
      $0.operators.append((utf8("data"), 1))
      $0.types.append((1, [3]))
      $0.nodes.append { n in
        n.node(4, types: [3])
        n.block(5, [0, 1, 2])
      }
    },
    Case(name: "callback", message: "graphs may not call back functions of 'python' here", op: "add") {
      $0.nodes[2] = { n in
        n.node(2, [0, 0, 1, 0])
        n.message(6) {
          $0.text(1, "python")
          $0.text(2, "f")
        }
      }
    },
    Case(name: "operator that calls back", message: "operator 'call' calls the client back, which graphs may not do here", op: "call") {
      $0.operators.append((utf8("call"), 1))
      $0.nodes.append { n in n.node(4, [0, 0]) }
    },
    Case(name: "output node out of range", message: "output 'out' is node 4 of 4") { $0.outputs[0].node = 4 },
    Case(name: "output number out of range", message: "output 'out' is output 1 of node 3, which has 1") { $0.outputs[0].output = 1 },
    Case(name: "two outputs of one name", message: "two outputs are named 'out'") { $0.outputs.append($0.outputs[0]) },
    Case(name: "output without a name", message: "an output has no name") { $0.outputs[0].name = [] },
    Case(name: "output name with NUL", message: "the name of an output contains NUL") { $0.outputs[0].name = [65, 0] },
    Case(name: "two inputs of one name", message: "two inputs are named 'a'") { $0.inputs.append($0.inputs[0]) },
    Case(name: "input of another name", message: "input 'b' is not a node of operator 'input' of that name") {
      $0.inputs[0].name = utf8("b")
    },
    Case(name: "input that is no placeholder", message: "input 'a' is not a node of operator 'input'") { $0.inputs[0].node = 2 },
    Case(name: "placeholder that is not listed", message: "node 0 is the placeholder 'a'") { $0.inputs = [] },
    Case(name: "groups", message: "not a protobuf message") { $0.extra = [UInt8](repeating: 0x1B, count: 1000) },
    Case(name: "length beyond the end", message: "not a protobuf message") { $0.extra = [0x3A, 0xFF, 0xFF, 0xFF, 0x07] },
    Case(name: "negative length", message: "not a protobuf message") { $0.extra = [0x3A] + [UInt8](repeating: 0xFF, count: 9) + [1] },
    Case(name: "endless varint", message: "not a protobuf message") { $0.extra = [0x08] + [UInt8](repeating: 0xFF, count: 40) },
  ]

  @Test func theUnchangedGraphIsValid() throws {
    let g = try Samples.decode(HandGraph.valid.bytes)
    #expect(g.summary == (try Samples.addSum()).summary)
  }

  @Test(arguments: cases) func refused(_ c: Case) {
    var g = HandGraph.valid
    c.change(&g)
    let e = Samples.failure(g.bytes)
    #expect(e != nil)
    #expect(e?.message.contains(c.message) == true, "\(e?.message ?? "was read")")
    #expect(e?.op == c.op)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try Samples.encode(Samples.rich())
    for n in 0..<bytes.count { #expect(Samples.failure(Array(bytes[..<n])) != nil, "cut at \(n)") }
  }

  @Test func unknownFieldsAreIgnored() throws {
    var g = HandGraph.valid
    var w = Wire()
    w.text(500, "later")
    w.number(501, 1)
    g.extra = w.bytes
    #expect(Samples.failure(g.bytes) == nil)
  }

  @Test func limits() throws {
    let bytes = try Samples.encode(Samples.rich())
    func message(_ change: (inout DecodeLimits) -> Void) -> String {
      var o = DecodeOptions()
      change(&o.limits)
      return Samples.failure(bytes, o)?.message ?? "was read"
    }
    #expect(message { $0.bytes = bytes.count - 1 }.contains("bytes are more than the limit"))
    #expect(message { $0.bytes = bytes.count } == "was read")
    #expect(message { $0.nodes = 5 }.contains("nodes are more than the limit of 5"))
    // 13 nodes are written; the composed ones expand beyond 16.
    #expect(message { $0.nodes = 16 }.contains("expand to more nodes than the limit of 16"))
    #expect(message { $0.attributeBytes = 7 }.contains("is larger than the limit of 7 bytes"))
    #expect(message { $0.parseBytes = 4096 - 2 * bytes.count }.contains("more memory than the limit"))
  }

  /// 2 bytes per empty node become 150 in memory: the allocator's bound stops that.
  @Test func memoryOfHostileSizesIsBounded() {
    let bytes = [UInt8](repeating: 0, count: 4 << 20).indices.map { $0 % 2 == 0 ? UInt8(0x3A) : 0 }
    var o = DecodeOptions()
    o.limits.parseBytes = 16 << 20
    #expect(Samples.failure(bytes, o)?.message.contains("more memory than the limit") == true)
    o.limits.parseBytes = 2 << 30
    o.limits.nodes = 1000
    #expect(Samples.failure(bytes, o) != nil)
  }

  /// Of a field that stands for one message the last one counts, and many cost no more than their own memory.
  @Test func repeatedSingleFields() {
    var g = HandGraph.valid
    g.nodes[3] = { n in
      n.number(1, 3)
      n.packed(2, [2, 0])
      n.message(3) { a in
        a.text(1, "axis")
        for _ in 0..<100_000 { a.message(9) { $0.packed(1, [0, 0, 0, 0]) } }
        a.message(9) { $0.packed(1, [2]) }
      }
    }
    var o = DecodeOptions()
    o.limits.parseBytes = 64 << 20
    #expect(Samples.failure(g.bytes, o) == nil)
  }

  /// Every allocation that protobuf-c makes is refused once.
  @Test func refusedAllocationsLeaveNoTrace() throws {
    let bytes = try Samples.encode(Samples.rich())
    var read = 0
    for extra in stride(from: -2 * bytes.count, to: 96 << 10, by: 48) {
      var o = DecodeOptions()
      o.limits.parseBytes = extra
      if Samples.failure(bytes, o) == nil { read += 1 }
    }
    #expect(read > 0)
  }
}
