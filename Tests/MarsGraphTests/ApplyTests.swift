import MarsBase
import MarsGraph
import Testing

/// Operators made for these tests.
private enum Made {
  static func doc(_ s: String) -> OpDoc { OpDoc(s, example: "") }
  static let add = OpDef(
    "add", inputs: [InputDef("a"), InputDef("b")],
    typing: .ufunc(
      [UfuncLoop([.bool, .bool], [], refusal: "no sum of truths")]
        + [DType.int8, .int64, .float32, .float64].map { UfuncLoop([$0, $0], [$0]) }),
    body: .expr { b, _, x in [b.add(x[0], x[1])] }, doc: doc("sum"))
  static let less = OpDef(
    "less", inputs: [InputDef("a"), InputDef("b")],
    typing: .ufunc([UfuncLoop([.int64, .uint64], [.bool]), UfuncLoop([.float64, .float64], [.bool])]), comparesIntegers: true,
    body: .expr { b, _, x in [b.op(.lt, x[0], x[1])] }, doc: doc("less"))
  static let shaped = OpDef(
    "shaped", inputs: [InputDef("rest", variadic: true)],
    attributes: [
      AttrDef("shape", .ints, "extents"), AttrDef("scale", .float, default: .float(1), "factor"),
      AttrDef("name", .string, default: AttrValue.none, "a name"),
    ], typing: .rule { c in [TensorType(.float64, c.ints("shape"))] }, body: .native(NativeRule(.access { _ in [] })), doc: doc("native"))
  static let twice = OpDef(
    "twice", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { _, v throws(MarsError) in [try add(v[0], v[0]), try add(v[0], v[0])] }, doc: doc("two sums"))
  /// Waits for extents.
  static let last = OpDef(
    "last", inputs: [InputDef("a")], typing: .rule { c in [TensorType(c.inputs[0].dtype, [])] },
    body: .composed { c, v throws(MarsError) in c.inputs[0].isKnown ? [try add(v[0], v[0])] : [] }, doc: doc("later"))

  static func input(_ dtype: DType, _ shape: [Int]) throws -> Value {
    Value(try Leaves.input.apply([], [("name", .string("x")), ("dtype", .dtype(dtype)), ("shape", .ints(shape))]))
  }
}

@Suite struct ApplyTests {
  func refuses(_ code: MarsError.Code, _ text: String = "", _ body: () throws(MarsError) -> Node) {
    do {
      let n = try body()
      Issue.record("\(n.op.name) was made")
    } catch {
      #expect(error.code == code && error.message.contains(text), "\(error)")
      #expect(error.op != "")
    }
  }

  @Test func ufuncsBroadcastAndPromote() throws {
    let n = try Made.add.apply([.value(Made.input(.int8, [2, 1])), .value(Made.input(.float32, [3]))])
    #expect(n.outputs == [TensorType(.float32, [2, 3])])
    #expect(n.loop?.inputs == [.float32, .float32])
    let open = try Made.add.apply([.value(Made.input(.float64, [unknownExtent, 3])), .value(Made.input(.float64, [3]))])
    #expect(open.outputs[0].shape == [unknownExtent, 3])
    let (two, three) = (try Made.input(.float64, [2]), try Made.input(.float64, [3]))
    refuses(.value, "could not be broadcast together with shapes (2,) (3,)") { () throws(MarsError) in
      try Made.add.apply([.value(two), .value(three)])
    }
  }

  @Test func weakScalarsTakeTheirDTypeFromWhatTheyMeet() throws {
    let x = try Made.input(.int8, [3])
    #expect(try Made.add.apply([.value(x), .weak(Scalar(Int64(5)))]).outputs[0].dtype == .int8)
    #expect(try Made.add.apply([.value(x), .weak(Scalar(0.5))]).outputs[0].dtype == .float64)
    #expect(try Made.add.apply([.value(Made.input(.float32, [3])), .weak(Scalar(0.5))]).outputs[0].dtype == .float32)
    #expect(try Made.add.apply([.weak(Scalar(Int64(1))), .weak(Scalar(Int64(2)))]).outputs[0].dtype == .int64)
    refuses(.overflow, "300") { () throws(MarsError) in try Made.add.apply([.value(x), .weak(Scalar(Int64(300)))]) }
    refuses(.overflow) { () throws(MarsError) in try Made.add.apply([.value(x), .big(1e30)]) }
    #expect(try Made.add.apply([.value(Made.input(.float64, [])), .big(1e30)]).outputs[0].dtype == .float64)
    // Comparisons know integers that the other operand's dtype cannot hold.
    #expect(try Made.less.apply([.value(Made.input(.int64, [2])), .big(1e30)]).outputs[0] == TensorType(.bool, [2]))
  }

  @Test func loopsWithoutOutputsRefuse() throws {
    let t = try Made.input(.bool, [2])
    refuses(.type, "no sum of truths") { () throws(MarsError) in try Made.add.apply([.value(t), .value(t)]) }
    let z = try Made.input(.complex64, [2])
    refuses(.type, "not supported for the input types (complex64, complex64)") { () throws(MarsError) in
      try Made.add.apply([.value(z), .value(z)])
    }
  }

  @Test func argumentsAreChecked() throws {
    let x = try Made.input(.float64, [2])
    refuses(.type, "takes 2 inputs but 1") { () throws(MarsError) in try Made.add.apply([.value(x)]) }
    refuses(.type, "takes 2 inputs but 3") { () throws(MarsError) in try Made.add.apply([.value(x), .value(x), .value(x)]) }
    refuses(.type, "unexpected attribute 'axis'") { () throws(MarsError) in
      try Made.add.apply([.value(x), .value(x)], [("axis", .int(0))])
    }
    refuses(.type, "missing attribute 'shape'") { () throws(MarsError) in try Made.shaped.apply([]) }
    refuses(.type, "twice") { () throws(MarsError) in try Made.shaped.apply([], [("shape", .ints([2])), ("shape", .ints([3]))]) }
    refuses(.type, "'shape' must be ints but is string") { () throws(MarsError) in
      try Made.shaped.apply([], [("shape", .string("2"))])
    }
    refuses(.type, "'scale'") { () throws(MarsError) in try Made.shaped.apply([], [("shape", .ints([2])), ("scale", .none)]) }
    let n = try Made.shaped.apply([.value(x), .value(x)], [("shape", .int(2)), ("scale", .int(3))], origin: "here")
    #expect(n.attributes.values == [.ints([2]), .float(3), .none] && n.inputs.count == 2 && n.origin == "here")
  }

  @Test func resultsThatNothingCanHoldAreErrors() {
    refuses(.value, "maximum supported dimension") { () throws(MarsError) in
      try Made.shaped.apply([], [("shape", .ints([Int](repeating: 1, count: 65)))])
    }
    refuses(.value, "array is too big") { () throws(MarsError) in try Made.shaped.apply([], [("shape", .ints([1 << 40, 1 << 40]))]) }
  }

  @Test func errorsSayWhere() throws {
    let x = try Made.input(.float64, [2])
    do throws(MarsError) {
      _ = try Made.add.apply([.value(x)], origin: "line 3")
      Issue.record("one operand is enough")
    } catch { #expect(error.op == "add" && error.origin == "line 3") }
  }

  @Test func composedOperatorsExpand() throws {
    let x = try Made.input(.float64, [2])
    let n = try Made.twice.apply([.value(x)])
    #expect(n.expansion.count == 2 && n.outputs == n.expansion.map(\.type) && n.expansion[0].node.op === Made.add)
    // What must wait for extents keeps its type and no expansion.
    let waiting = try Made.last.apply([.value(Made.input(.float64, [unknownExtent]))])
    #expect(waiting.expansion.isEmpty && waiting.outputs == [TensorType(.float64, [])])
    #expect(try Made.last.apply([.value(x)]).expansion.count == 1)
  }

  /// Tests run on stacks of 512 KB: teardown that recursed would overflow them.
  @Test func longChainsAreReleasedWithoutRecursion() throws {
    weak var first: Node?
    weak var middle: Node?
    do {
      var v = try Made.input(.float64, [])
      first = v.node
      for i in 0..<300_000 {
        v = i % 3 == 0 ? Value(try Made.twice.apply([.value(v)])) : try Made.add(v, v)
        if i == 150_000 { middle = v.node }
      }
      #expect(middle != nil && first != nil)
      v = try Made.input(.float64, [])
    }
    #expect(first == nil && middle == nil)
  }

  @Test func whatOthersReadSurvives() throws {
    var v = try Made.input(.float64, [])
    for _ in 0..<100 { v = try Made.add(v, v) }
    var user: Value? = try Made.add(v, v)
    weak let gone = user?.node
    user = nil
    #expect(gone == nil)
    // From the value that is left everything below is there.
    var depth = 0
    var at = v.node
    while let below = at.inputs.first {
      at = below.node
      depth += 1
    }
    #expect(depth == 100)
  }
}
