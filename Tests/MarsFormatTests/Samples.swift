import MarsBase
import MarsFormat
import MarsGraph

/// Graphs that several tests use.
enum Samples {
  static func input(_ name: String, _ dtype: DType = .float64, _ shape: [Int] = [3, 4]) throws -> Value {
    Value(try Leaves.input.apply([], [("name", .string(name)), ("dtype", .dtype(dtype)), ("shape", .ints(shape))]))
  }

  static func data(_ dtype: DType, _ shape: [Int], _ bytes: [UInt8]) -> Value {
    let p = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 64)
    p.copyMemory(from: bytes, byteCount: bytes.count)
    let buffer = Buffer(base: p, byteCount: bytes.count) { p, _ in p.deallocate() }
    return Value(Leaves.node(DenseArray(buffer: buffer, type: TensorType(dtype, shape))))
  }

  /// Nodes of every body kind, several outputs, attributes of every kind, data, sharing, and an unknown extent.
  static func rich() throws -> GraphFile {
    let t = TestOperators.self
    let a = try input("a")
    let b = try input("b", .float32, [unknownExtent, 4])
    let one = Value(Leaves.node(Scalar(dtype: .float64, low: (1.0).bitPattern)))
    let x = try t.add(a, one)
    let s = try t.sum(x, attributes: ["axis": .ints([-1]), "keepdims": .bool(true)])
    let initial = try t.sum(x, attributes: ["axis": .ints([0]), "initial": .scalar(Scalar(2.5))])
    let view = try t.transpose(x, attributes: ["axes": .ints([1, 0])])
    let d = data(.int64, [2, 2], (0..<32).map { UInt8($0) })
    let mask = data(.bool, [3], [0, 1, 1])
    let empty = data(.complex128, [0, 5], [])
    let halves = Node.firstTwo(try t.split.apply([.value(view)]))
    let composed = try t.doubleSum(halves.0, attributes: ["keepdims": .bool(true)])
    let kinds = Value(
      try t.kinds.apply(
        [],
        [
          ("b", .bool(false)), ("i", .int(.min)), ("f", .float(-0.0)), ("s", .string("größe")), ("d", .dtype(.bfloat16)),
          ("c", .scalar(Scalar(real: 1, imag: -.infinity))), ("is", .ints([.max, -1, 0])), ("ss", .strings(["", "x"])),
          ("bs", .bytes([0, 255, 0])),
        ]))
    let stack = try t.stack(s, b, d, mask, empty, halves.1, composed, kinds)
    return GraphFile(
      inputs: [("b", b), ("a", a)], outputs: [("stack", stack), ("fraction", halves.0), ("initial", initial), ("again", stack)],
      hints: [("writer", "tests")])
  }

  /// One value per output kind of `rich`, small: what the first golden file holds.
  static func addSum() throws -> GraphFile {
    let a = try input("a")
    let one = Value(Leaves.node(Scalar(dtype: .float64, low: (1.0).bitPattern)))
    return GraphFile(
      inputs: [("a", a)], outputs: [("out", try TestOperators.sum(try TestOperators.add(a, one), attributes: ["axis": .ints([1])]))])
  }

  /// Inputs that are left out in the middle, at the end, and not.
  static func absent() throws -> GraphFile {
    let (a, b) = (try input("a"), try input("b"))
    let t = TestOperators.between
    let outputs: [(String, [Operand])] = [
      ("high", [.value(a), .absent, .value(b)]), ("low", [.value(a), .value(b), .absent]), ("both", [.value(a), .value(b), .value(b)]),
      ("none", [.value(a), .absent, .absent]),
    ]
    return GraphFile(inputs: [("a", a), ("b", b)], outputs: try outputs.map { ($0.0, Value(try t.apply($0.1))) })
  }

  static func encode(_ g: GraphFile, _ options: EncodeOptions = EncodeOptions()) throws -> [UInt8] {
    var options = options
    options.hints = g.hints
    return try GraphCodec.encode(outputs: g.outputs, inputs: g.inputs, options: options)
  }

  static func decode(_ bytes: [UInt8], _ options: DecodeOptions = DecodeOptions()) throws(MarsError) -> GraphFile {
    try GraphCodec.decode(bytes, registry: TestOperators.registry, options: options)
  }

  /// The error of reading bytes; nil where they are read.
  static func failure(_ bytes: [UInt8], _ options: DecodeOptions = DecodeOptions()) -> MarsError? {
    do throws(MarsError) {
      _ = try decode(bytes, options)
      return nil
    } catch { return error }
  }
}

extension Node {
  static func firstTwo(_ n: Node) -> (Value, Value) { (Value(n, 0), Value(n, 1)) }

  /// What a file must preserve of a node, inputs as positions in `order`.
  func summary(_ order: [ObjectIdentifier: Int]) -> String {
    let inputs = absent.filled(inputs.map { "\(order[ObjectIdentifier($0.node)] ?? -1).\($0.output)" }, with: "-")
    var payload = ""
    if case .dense(let d) = self.payload {
      var bytes = [UInt8](repeating: 0, count: d.type.byteCount)
      bytes.withUnsafeMutableBytes { if let p = $0.baseAddress { DataBytesCopy.gather(d, p) } }
      payload = "\(bytes)"
    }
    return "\(op.name)(\(inputs.joined(separator: ",")))\(attributes.values)\(outputs.map(\.text))\(payload)"
  }
}

/// Elements one by one in C order: the slow twin of what the codec does.
enum DataBytesCopy {
  static func gather(_ a: DenseArray, _ to: UnsafeMutableRawPointer) {
    let size = a.type.dtype.itemSize
    let strides = Shape.rowMajorStrides(a.type.shape)
    for e in 0..<a.type.count {
      var at = a.offset
      for (k, s) in strides.enumerated() { at += e / s % a.type.shape[k] * a.strides[k] }
      (to + e * size).copyMemory(from: a.buffer.base + at, byteCount: size)
    }
  }
}

extension GraphFile {
  /// All nodes in order of creation, and the ports, as text.
  var summary: [String] {
    var seen: [ObjectIdentifier: Int] = [:]
    var nodes: [Node] = []
    var pending = (inputs + outputs).map(\.value.node)
    while let n = pending.popLast() {
      if seen.updateValue(0, forKey: ObjectIdentifier(n)) != nil { continue }
      nodes.append(n)
      pending += n.inputs.map(\.node)
    }
    nodes.sort { $0.number < $1.number }
    for (i, n) in nodes.enumerated() { seen[ObjectIdentifier(n)] = i }
    let ports = (inputs + outputs).map { "\($0.name)=\(seen[ObjectIdentifier($0.value.node)] ?? -1).\($0.value.output)" }
    return nodes.map { $0.summary(seen) } + ports + hints.map { "\($0.key):\($0.value)" }
  }
}
