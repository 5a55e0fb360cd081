import MarsBase
import MarsFormat
import MarsGraph
import Testing

@Suite struct RoundTripTests {
  @Test func richGraph() throws {
    let g = try Samples.rich()
    let bytes = try Samples.encode(g)
    let back = try Samples.decode(bytes)
    #expect(back.summary == g.summary)
    #expect(back.inputs.map(\.name) == ["b", "a"])
    #expect(try Samples.encode(back) == bytes, "writing is deterministic")
  }

  @Test func composedNodesStayThemselves() throws {
    let a = try Samples.input("a")
    let bytes = try GraphCodec.encode(outputs: [("o", try TestOperators.doubleSum(a))])
    let node = try Samples.decode(bytes).outputs[0].value.node
    #expect(node.op === TestOperators.doubleSum)
    #expect(node.inputs[0].node.op === Leaves.input)
    #expect(node.expansion.count == 1)
    #expect(node.outputs == [TensorType(.float64, [])])
  }

  @Test func inputsThatAreLeftOutStayOut() throws {
    let g = try Samples.absent()
    let bytes = try Samples.encode(g)
    let back = try Samples.decode(bytes)
    #expect(back.summary == g.summary)
    let inputs = back.outputs.map { p in p.value.node.absent.filled(p.value.node.inputs.map { $0.node.context.string("name") }, with: "-") }
    #expect(inputs == [["a", "-", "b"], ["a", "b"], ["a", "b", "b"], ["a"]])
    // What is left out at the end is not written.
    #expect(try bytes == Samples.encode(back) && bytes.count { $0 == 0xFF } == 4, "one pair of 4294967295 and 0")
  }

  @Test func unlistedPlaceholdersFollow() throws {
    let (a, b) = (try Samples.input("a"), try Samples.input("b"))
    let bytes = try GraphCodec.encode(outputs: [("o", try TestOperators.add(a, b))], inputs: [("b", b)])
    #expect(try Samples.decode(bytes).inputs.map(\.name) == ["b", "a"])
  }

  @Test func versionIsThatOfTheAttributesInUse() throws {
    // A registry whose `sum` lacks what version 3 brought reads files that do not use it.
    let old = OpRegistry([
      OpDef(
        "sum", inputs: TestOperators.sum.inputs, attributes: Array(TestOperators.sum.attributes.prefix(4)),
        typing: TestOperators.sum.typing,
        body: TestOperators.sum.body, doc: TestOperators.sum.doc)
    ])
    let a = try Samples.input("a")
    for (attributes, fits) in [([:], true), (["initial": .scalar(Scalar(1.0))], true), (["compensate": .bool(true)], false)]
      as [([String: AttrValue], Bool)]
    {
      let node = try TestOperators.sum.apply([.value(a)], attributes.map { ($0.key, $0.value) })
      let bytes = try GraphCodec.encode(outputs: [("o", Value(node))])
      if fits {
        _ = try GraphCodec.decode(bytes, registry: old)
      } else {
        let e = #expect(throws: MarsError.self) { try GraphCodec.decode(bytes, registry: old) }
        #expect(e?.code == .unsupported)
        #expect(e?.message == "the graph uses version 3 of operator 'sum', but this library has version 2")
      }
    }
  }

  @Test func stridedDataIsWrittenInCOrder() throws {
    let bytes = (0..<48).map { UInt8($0) }
    guard case .dense(let whole) = Samples.data(.int16, [4, 6], bytes).node.payload else { return }
    for (offset, shape, strides) in [
      (0, [6, 4], [2, 12]), (46, [4, 6], [-12, -2]), (2, [2, 3], [24, 4]), (0, [3, 4, 2], [0, 12, 2]), (4, [], []), (0, [4, 1], [12, 7]),
    ] {
      let view = DenseArray(buffer: whole.buffer, offset: offset, type: TensorType(.int16, shape), strides: strides)
      let file = try GraphCodec.encode(outputs: [("o", Value(Leaves.node(view)))])
      guard case .dense(let back) = try Samples.decode(file).outputs[0].value.node.payload else {
        Issue.record("no data")
        continue
      }
      var want = [UInt8](repeating: 0, count: view.type.byteCount)
      want.withUnsafeMutableBytes { DataBytesCopy.gather(view, $0.baseAddress ?? whole.buffer.base) }
      #expect([UInt8](UnsafeRawBufferPointer(start: back.buffer.base, count: back.buffer.byteCount)) == want)
      #expect(back.view.isContiguous)
      #expect(UInt(bitPattern: back.buffer.base) % 64 == 0)
    }
  }

  @Test func dataLimit() throws {
    let d = Samples.data(.int64, [2], [UInt8](repeating: 1, count: 16))
    let both = try TestOperators.add(d, Samples.data(.int64, [2], [UInt8](repeating: 2, count: 16)))
    var options = EncodeOptions()
    for (limit, fits) in [(32, true), (31, false), (0, false), (nil, false)] as [(Int?, Bool)] {
      options.dataLimit = limit
      if fits {
        _ = try GraphCodec.encode(outputs: [("o", both)], options: options)
      } else {
        #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", both)], options: options) }
      }
    }
  }

  @Test func originsAreOptional() throws {
    let node = try TestOperators.kinds.apply([], [], origin: "job.py:7")
    var options = EncodeOptions()
    #expect(try Samples.decode(GraphCodec.encode(outputs: [("o", Value(node))], options: options)).outputs[0].value.node.origin == "")
    options.writesOrigins = true
    #expect(
      try Samples.decode(GraphCodec.encode(outputs: [("o", Value(node))], options: options)).outputs[0].value.node.origin == "job.py:7")
  }

  @Test func namesAreChecked() throws {
    let (a, a2) = (try Samples.input("a"), try Samples.input("a"))
    let sum = try TestOperators.add(a, a2)
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", sum)]) }
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", a), ("o", a)]) }
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("", a)]) }
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", a)], inputs: [("b", a)]) }
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("a\0b", a)]) }
    let nul = Value(try TestOperators.kinds.apply([], [("s", .string("x\0y"))]))
    #expect(throws: MarsError.self) { try GraphCodec.encode(outputs: [("o", nul)]) }
  }
}
