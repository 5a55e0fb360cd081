import MarsBase
import MarsGraph
import Testing

/// Operators made for these tests.
private enum Made {
  static func doc(_ s: String) -> OpDoc { OpDoc(s, example: "") }
  static let add = OpDef(
    "add", inputs: [InputDef("a"), InputDef("b")], typing: .ufunc([DType.float32, .float64].map { UfuncLoop([$0, $0], [$0]) }),
    body: .expr { b, _, x in [b.add(x[0], x[1])] }, doc: doc("sum"))
  /// The sum of the inputs that are there, in declared order; what it was given of each is noted in the rank of the second output.
  static let ends = OpDef(
    "ends", inputs: [InputDef("a"), InputDef("low", optional: true, alone: true), InputDef("high", optional: true)],
    outputs: ["sum", "low"], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (low, high) = (c.input("low", of: v), c.input("high", of: v))
      return [try add(v[0], high ?? v[0]), low ?? v[0]]
    }, doc: doc("ends"))
  static let scaled = OpDef(
    "scaled", inputs: [InputDef("a"), InputDef("scale", default: 2), InputDef("shift", optional: true)], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in [try add(v[1], c.input("shift", of: v) ?? v[0])] },
    doc: doc("scaled"))
  static let listed = OpDef(
    "listed", inputs: [InputDef("a"), InputDef("weights", optional: true), InputDef("rest", variadic: true)],
    typing: .rule { c in [TensorType(.float64, [c.input("weights", of: c.inputs) == nil ? 0 : 1, c.list(of: c.inputs).count])] },
    body: .composed { _, _ throws(MarsError) in [] }, doc: doc("listed"))
  static let masked = OpDef(
    "masked", inputs: [InputDef("a"), InputDef("where", optional: true, condition: true)], typing: .rule { c in [c.inputs[0]] },
    body: .native(NativeRule(.access { _ in [] })), doc: doc("masked"))
  /// Waits for extents.
  static let later = OpDef(
    "later", inputs: ends.inputs, typing: .rule { c in [c.inputs[0]] },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      c.inputs[0].isKnown ? [try add(v[0], c.input("high", of: v) ?? v[0])] : []
    }, doc: doc("later"))

  static func input(_ shape: [Int], _ dtype: DType = .float64) throws -> Value {
    Value(try Leaves.input.apply([], [("name", .string("x")), ("dtype", .dtype(dtype)), ("shape", .ints(shape))]))
  }
}

@Suite struct OptionalInputTests {
  private func refuses(_ text: String, _ body: () throws(MarsError) -> Node) {
    do {
      let n = try body()
      Issue.record("\(n.op.name) was made")
    } catch { #expect(error.code == .type && error.message == text && error.op != "", "\(error)") }
  }

  @Test func bodiesFindTheirInputsByName() throws {
    let (a, low, high) = (try Made.input([3]), try Made.input([1]), try Made.input([2, 3]))
    let all = try Made.ends.apply([.value(a), .value(low), .value(high)])
    #expect(all.absent.isEmpty && all.outputs.map(\.shape) == [[2, 3], [1]])
    let withoutLow = try Made.ends.apply([.value(a), .absent, .value(high)])
    #expect(withoutLow.inputs == [a, high] && withoutLow.outputs.map(\.shape) == [[2, 3], [3]])
    #expect(withoutLow.context.input("high", of: withoutLow.inputs) == high)
    #expect(withoutLow.context.input("low", of: withoutLow.inputs) == nil)
    let withoutHigh = try Made.ends.apply([.value(a), .value(low), .absent])
    #expect(withoutHigh.inputs == [a, low] && withoutHigh.outputs.map(\.shape) == [[3], [1]])
  }

  /// Equal calls are equal nodes, however they say what they leave out.
  @Test func nothingIsKeptOfWhatIsLeftOutAtTheEnd() throws {
    let a = try Made.input([3])
    for operands in [[Operand.value(a)], [.value(a), .absent], [.value(a), .absent, .absent]] {
      let n = try Made.ends.apply(operands)
      #expect(n.inputs == [a] && n.absent.isEmpty)
    }
  }

  @Test func weakScalarsMeetWhatIsGiven() throws {
    let a = try Made.input([3], .float32)
    // The second operand is `high`, which has a part in promotion; `low` stands alone.
    let n = try Made.ends.apply([.value(a), .absent, .weak(Scalar(2.0))])
    #expect(n.inputs.map(\.type.dtype) == [.float32, .float32])
    #expect(try Made.ends.apply([.value(a), .weak(Scalar(2.0))]).inputs.map(\.type.dtype) == [.float32, .float64])
  }

  /// A ufunc declares its loops for all inputs; a call takes those of what is given.
  @Test func loopsAreThoseOfTheInputsThatAreGiven() throws {
    let mixed = OpDef(
      "mixed", inputs: [InputDef("a"), InputDef("places", optional: true), InputDef("b", optional: true, limit: .upper)],
      typing: .ufunc([UfuncLoop([.int8, .bool, .int8], [.int8]), UfuncLoop([.float64, .int64, .float64], [.float64])]),
      body: .expr { b, c, x in [c.input("b", of: x).map { b.add(x[0], $0) } ?? x[0]] }, doc: Made.doc("mixed"))
    let (a, f) = (try Made.input([3], .int8), try Made.input([3], .float64))
    let n = try mixed.apply([.value(a), .absent, .weak(Scalar(Int64(300)))])
    #expect(n.loop?.inputs == [.int8, .int8] && n.outputs[0] == TensorType(.int8, [3]))
    // 300 bounds nothing in int8: it is the end of the dtype.
    #expect(n.inputs[1].constant == Scalar(Int64(127)).cast(to: .int8))
    #expect(try mixed.apply([.value(a), .absent, .value(f)]).loop?.inputs == [.float64, .float64])
    #expect(try mixed.apply([.value(a), .value(try Made.input([3], .int64))]).outputs[0].dtype == .float64)
    refuses(
      "ufunc 'mixed' not supported for the input types (float64, float64), and the inputs could not be safely coerced to any supported types"
    ) { () throws(MarsError) in try mixed.apply([.value(f), .value(f)]) }
  }

  @Test func defaultsStandForWhatIsLeftOut() throws {
    let (a, shift) = (try Made.input([3], .float32), try Made.input([2, 3], .float32))
    for operands in [[Operand.value(a)], [.value(a), .absent], [.value(a), .absent, .absent]] {
      let n = try Made.scaled.apply(operands)
      #expect(n.inputs.count == 2 && n.inputs[1].constant == Scalar(2.0).cast(to: .float32) && n.absent.isEmpty)
    }
    let n = try Made.scaled.apply([.value(a), .absent, .value(shift)])
    #expect(n.inputs.count == 3 && n.inputs[2] == shift && n.outputs[0].shape == [2, 3])
  }

  @Test func aListFollowsWhatIsLeftOut() throws {
    let a = try Made.input([3])
    func shape(_ operands: Operand...) throws -> [Int] { try Made.listed.apply([.value(a)] + operands).outputs[0].shape }
    #expect(try shape() == [0, 0])
    #expect(try shape(.absent) == [0, 0])
    #expect(try shape(.value(a)) == [1, 0])
    #expect(try shape(.absent, .value(a), .value(a)) == [0, 2])
    #expect(try shape(.value(a), .value(a)) == [1, 1])
    refuses("listed(): none of the inputs 'rest' may be left out") { () throws(MarsError) in
      try Made.listed.apply([.value(a), .value(a), .value(a), .absent])
    }
  }

  @Test func aMaskOfNothingIsNone() throws {
    let a = try Made.input([3])
    #expect(try Made.masked.apply([.value(a), .weak(Scalar(true))]).inputs == [a])
    #expect(try Made.masked.apply([.value(a), .weak(Scalar(false))]).inputs.count == 2)
    #expect(try Made.masked.apply([.value(a), .weak(Scalar(1.0))]).inputs.count == 2)
  }

  @Test func inputsThatMustBeGivenAreNamed() throws {
    let a = try Made.input([3])
    refuses("add(): input 'a' may not be left out") { () throws(MarsError) in try Made.add.apply([.absent, .value(a)]) }
    refuses("add(): input 'b' may not be left out") { () throws(MarsError) in try Made.add.apply([.value(a), .absent]) }
    refuses("ends(): input 'a' may not be left out") { () throws(MarsError) in try Made.ends.apply([.absent, .value(a)]) }
    refuses("ends() takes 1 to 3 inputs but 4 were given") { () throws(MarsError) in
      try Made.ends.apply([.value(a), .absent, .absent, .absent])
    }
  }

  @Test func aCallMadeAgainLeavesOutTheSame() throws {
    let (open, high) = (try Made.input([unknownExtent]), try Made.input([2, 3]))
    let waiting = try Made.later.apply([.value(open), .absent, .value(high)])
    #expect(waiting.expansion.isEmpty)
    let again = try waiting.again([.value(try Made.input([3])), .value(high)])
    #expect(again.absent == waiting.absent && again.expansion[0].type.shape == [2, 3])
  }

  @Test func declarationsAreChecked() {
    let last = InputDef("z", optional: true)
    func fault(_ inputs: [InputDef], _ body: Body = .composed { _, _ throws(MarsError) in [] }) -> String? {
      OpDef("made", inputs: inputs, typing: .fromExpansion, body: body, doc: Made.doc("made")).inputFault
    }
    let native = Body.native(NativeRule(.access { _ in [] }))
    let a = InputDef("a")
    let (b, list) = (InputDef("b", optional: true), InputDef("list", variadic: true))
    #expect(fault([a, b, last]) == nil && fault([a, b, list]) == nil && fault([a, last], native) == nil)
    #expect(fault([a, InputDef("d", default: 1), last], native) == nil)
    for body in [native, Body.view { _ in AxisMap([]) }] {
      #expect(fault([a, b, last], body) == "an optional input before others needs a composed body or an expression")
    }
    #expect(fault([a, b, list], native) == "an optional input before others needs a composed body or an expression")
    #expect(fault([a, b, last], .expr { _, _, x in x }) == nil)
    #expect(fault([b, a]) == "inputs that must be given come first")
    #expect(fault([list, a]) == "a list of inputs is the last input")
    #expect(fault([a, InputDef("l", variadic: true, optional: true)]) == "a list of inputs may be empty and is not left out")
    #expect(fault([a, InputDef("d", optional: true, default: 1)]) == "an input that is optional has no default")
    #expect(fault([a] + (0..<40).map { InputDef("i\($0)", optional: true) }) == "there are more than 32 inputs")
  }

  /// Against lists: for all ways to leave out some of seven inputs.
  @Test func placesOfInputs() throws {
    let wide = OpDef(
      "wide", inputs: [InputDef("a")] + (1..<7).map { InputDef("i\($0)", optional: true) }, typing: .rule { c in [c.inputs[0]] },
      body: .composed { _, _ throws(MarsError) in [] }, doc: Made.doc("wide"))
    let a = try Made.input([3])
    for bits in 0..<64 {
      let present = [0] + (1..<7).filter { bits >> ($0 - 1) & 1 == 0 }
      let n = try wide.apply((0..<7).map { present.contains($0) ? .value(a) : .absent })
      #expect(n.inputs.count == present.count)
      #expect(n.inputs.indices.map { n.absent.declared($0) } == present)
      for i in 0..<7 {
        let place = n.absent.place(of: i).flatMap { $0 < present.count ? $0 : nil }
        #expect(place == present.firstIndex(of: i), "input \(i) of \(present)")
      }
      let full: [Int?] = (0...(present.last ?? 0)).map { present.contains($0) ? $0 : nil }
      #expect(n.absent.filled(present.map { $0 as Int? }, with: nil) == full)
    }
  }
}
