import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import Testing

/// Operators broken on purpose: the laws notice every one of them.
struct LawMutationTests {
  private let runner: LawRunner
  init() throws { runner = try LawTests.runner.get() }

  /// The registry with one operator exchanged for another of the same name.
  private func registry(with mutant: OpDef) -> OpRegistry {
    let builtIn = Set(OpRegistry([]).all.map(\.name))
    return OpRegistry(marsRegistry.all.filter { !builtIn.contains($0.name) }.map { $0.name == mutant.name ? mutant : $0 })
  }

  private func op(like original: OpDef, typing: Typing? = nil, body: Body? = nil) -> OpDef {
    OpDef(
      original.name, inputs: original.inputs, attributes: original.attributes, outputs: original.outputs, typing: typing ?? original.typing,
      body: body ?? original.body, effects: original.effects, cost: original.cost, doc: original.doc, exposure: original.exposure,
      samples: original.samples, pinsChunks: original.pinsChunks)
  }

  private func original(_ name: String) throws -> OpDef { try #require(marsRegistry[name]) }

  /// Failures of the mutant; of the operator that it was made from there must be none.
  private func failures(_ mutant: OpDef) throws -> [String] {
    #expect(runner.check(LawCases.of(try original(mutant.name))).isEmpty, "the law fails without the mutation too")
    return runner.check(LawCases.of(mutant))
  }

  private func expectNoticed(_ failures: [String], _ words: String) {
    #expect(failures.contains { $0.contains(words) }, "not noticed: \(words); found \(failures.prefix(3))")
  }

  // MARK: Inference

  @Test func wrongDType() throws {
    let sqrt = try original("sqrt")
    let mutant = op(like: sqrt, typing: .ufunc([UfuncLoop([.float64], [.float32])]))
    expectNoticed(try failures(mutant), "is inferred as [\"float32\"] but its body makes [\"float64\"]")
  }

  @Test func wrongShapeOfReduction() throws {
    let mutant = op(
      like: try original("any"),
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.bool, [])] })
    let c = LawCase(op: mutant, operands: [TensorType(.int32, [2, 3])], attributes: [("axis", .ints([1]))], data: .extreme)
    expectNoticed(runner.check([c]), "is inferred with shape ()")
  }

  @Test func wrongShapeOfExpression() throws {
    // A result that is smaller than its operands.
    let mutant = op(
      like: try original("astype"),
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        [TensorType(c.dtype("dtype") ?? .bool, c.inputs[0].shape.map { _ in 1 })]
      })
    let c = LawCase(op: mutant, operands: [TensorType(.int32, [2, 3])], attributes: [("dtype", .dtype(.int8))], data: .extreme)
    expectNoticed(LawRunner.typeFaults(try c.node(.plain, marsRegistry)), "do not broadcast")
  }

  @Test func viewThatReachesTooFar() throws {
    let mutant = op(
      like: try original("transpose"),
      body: .view { c in AxisMap((0..<c.inputs[0].rank).reversed().map { .aligned(axis: $0, start: 1, step: 1) }) })
    let c = LawCase(op: mutant, operands: [TensorType(.int32, [2, 3])], attributes: [], data: .extreme)
    expectNoticed(LawRunner.typeFaults(try c.node(.plain, marsRegistry)), "reads outside of its input")
  }

  // MARK: Tile rules

  /// The native body found by name, with a rule that lets its axis be cut.
  private func aligned(_ name: String) throws -> OpDef {
    op(
      like: try original(name),
      body: .native(NativeRule(.access { c in c.inputs.map { t in (0..<t.rank).map { .aligned($0) } } })))
  }

  /// Without an axis that is carried, tasks would write over what others hand on.
  @Test func scanCutAlongItsAxis() throws { expectNoticed(try failures(try aligned("scan")), "leaves its chunk") }

  @Test func scanThatCarriesOnAlongAnotherAxis() throws {
    let scan = try original("scan")
    let mutant = op(
      like: scan,
      body: .native(
        NativeRule(
          .access { c in
            c.inputs.indices.map { i in (0..<c.inputs[0].rank).map { i > 0 && $0 == c.int("axis") ? .fixed(0) : .aligned($0) } }
          },
          carriedAxis: { c in c.inputs[0].rank - 1 - c.int("axis") })))
    #expect(!(try failures(mutant)).isEmpty)
  }

  @Test func sortCutAlongItsAxis() throws { expectNoticed(try failures(try aligned("sort_axis")), "chunked: output 0 element") }

  @Test func indicesSeenInParts() throws {
    let take = op(
      like: try original("take_axis"),
      body: .native(NativeRule(.access { c in [[.aligned(0), .aligned(1)], [.aligned(1)]] })))
    // A part of the axis has fewer elements than the indices say: an error, or other elements.
    #expect(!(try failures(take)).isEmpty)
  }

  // MARK: Expressions

  @Test func otherArithmetic() throws {
    let mutant = op(like: try original("add"), body: .expr { b, _, x in [b.op(.sub, x[0], x[1])] })
    let lines = try NumPyValues.lines().filter { $0.op == "add" && $0.dtype != .bool }
    #expect(try NumPyValues.faults(lines, marsRegistry, runner.session(.whole)).isEmpty)
    #expect(try NumPyValues.faults(lines, registry(with: mutant), runner.session(.whole)).count == lines.count)
  }

  @Test func missedSpecialValue() throws {
    // The smaller of two values, but by a comparison that loses NaN.
    let mutant = op(like: try original("minimum"), body: .expr { b, _, x in [b.select(b.lt(x[0], x[1]), x[0], x[1])] })
    let lines = try NumPyValues.lines().filter { $0.op == "minimum" && $0.dtype.isFloating }
    #expect(try NumPyValues.faults(lines, marsRegistry, runner.session(.whole)).isEmpty)
    #expect(try NumPyValues.faults(lines, registry(with: mutant), runner.session(.whole)).count == lines.count)
  }

  // MARK: Files

  @Test func fileThatMeansAnotherOperator() throws {
    let mutant = op(like: try original("negative"), body: .expr { _, _, x in [x[0]] })
    let other = try LawRunner(registry: registry(with: mutant), cache: "")
    expectNoticed(other.check(LawCases.of(try original("negative"))), "parsed: output 0 element")
  }

  // MARK: Bounds

  @Test func sumsBeyondTheirBound() throws {
    let (x, y) = (1.0, 1.0 + 0x1p-48)
    let type = TensorType(.float64, [])
    func result(_ v: Double) -> LawResult {
      LawResult(type: type, bytes: (0..<8).map { UInt8(truncatingIfNeeded: v.bitPattern >> UInt64(8 * $0)) })
    }
    let c = LawCase(op: try original("sum"), operands: [TensorType(.float64, [12])], attributes: [], data: .moderate)
    let bound = LawBound(try c.node(.plain, marsRegistry))
    #expect(bound.ulps(.float64) == 12)
    #expect(LawRunner.difference(result(x), result(x + 0x1p-51), bound, exact: false) == nil)
    #expect(LawRunner.difference(result(x), result(y), bound, exact: false) != nil)
    #expect(LawRunner.difference(result(x), result(x + 0x1p-52), bound, exact: true) != nil)
  }
}
