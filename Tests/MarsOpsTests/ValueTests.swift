import MarsBase
import MarsGraph
import MarsOps
import Testing

/// Single values of operators whose formula is their own.
@Suite struct ValueTests {
  private func run(_ name: String, _ inputs: [RefArray], _ attributes: [(String, AttrValue)] = []) throws -> [Double] {
    try Evaluator().node(try marsRegistry.require(name).apply(inputs.map { .value($0.node()) }, attributes))[0].doubles
  }
  private func close(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-14) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || abs($0 - $1) <= tolerance * abs($1) || $0.isNaN && $1.isNaN }
  }

  @Test func bessel() throws {
    #expect(close(try run("i0", [RefArray([3], [0, 1, 10])]), [1, 1.2660658777520084, 2815.7166284662544]))
  }

  @Test func varianceIsTwoPass() throws {
    // A large mean would cancel in the one-pass formula.
    let x = RefArray([4], [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
    #expect(try run("var", [x], [("ddof", .float(1))]) == [30])
  }

  @Test func meanIgnoresWhatTheMaskLeavesOut() throws {
    let mask = RefArray(TensorType(.bool, [2]), [Scalar(true), Scalar(false)])
    #expect(try run("mean", [RefArray([2, 2], [1, 100, 3, 100]), mask]) == [2])
  }

  @Test func clippedExtremesOfEmptyAxes() throws {
    #expect(try run("max", [RefArray([0], [])], [("initial", .scalar(Scalar(3.0)))]) == [3])
  }

  @Test func uniqueGivesInverseAndCounts() throws {
    let op = try marsRegistry.require("unique")
    let x = RefArray([5], [3, .nan, 3, 1, .nan])
    let node = try op.apply(
      [.value(x.node())], [("return_index", .bool(true)), ("return_inverse", .bool(true)), ("return_counts", .bool(true))])
    let r = try Evaluator(chunked: true).node(node).map(\.doubles)
    #expect(close(r[0], [1, 3, .nan]) && r[1] == [3, 0, 1] && r[2] == [1, 2, 1, 0, 2] && r[3] == [1, 2, 2])
  }

  @Test func assignWritesItsRegionOnly() throws {
    let base = RefArray([2, 5], [Double](repeating: 0, count: 10))
    let attributes: [(String, AttrValue)] = [
      ("axes", .ints([-1, 0])), ("starts", .ints([1, 4])), ("steps", .ints([1, -2])), ("shape", .ints([3])),
    ]
    let node = try marsRegistry.require("assign").apply(
      [.value(base.node()), .value(RefArray([3], [1, 2, 3], .int32).node())], attributes)
    for chunked in [false, true] {
      #expect(try Evaluator(chunked: chunked).node(node)[0].doubles == [0, 0, 0, 0, 0, 3, 0, 2, 0, 1])
    }
  }

  @Test func exponentsOfLdexpMayBeWeak() throws {
    let node = try marsRegistry.require("ldexp").apply([.value(RefArray([1], [0.75], .float32).node()), .weak(Scalar(Int64(3)))])
    #expect(node.outputs[0].dtype == .float32)
    #expect(try Evaluator().node(node)[0].doubles == [6])
  }

  @Test func knownExponentsChooseTheirFormula() throws {
    // A scalar exponent is an argument of the kernel; only its formula is not.
    for (e, expected) in [(2.0, 9.0), (0.5, 3.0.squareRoot()), (-1, 1.0 / 3), (1, 3), (3, 27)] {
      let node = try marsRegistry.require("power").apply([.value(RefArray([1], [3]).node()), .weak(Scalar(e))])
      #expect(close(try Evaluator().node(node)[0].doubles, [expected]))
    }
  }

  @Test func numbersStandForTheIntegersBelowThem() throws {
    let source: [(String, AttrValue)] = [("seed", .scalar(Scalar(dtype: .uint64, low: 7)))]
    let shuffled = try marsRegistry.require("permutation").apply([.weak(Scalar(Int64(5)))], source)
    let whole = try run("permutation", [RefArray([5], [0, 1, 2, 3, 4], .int64)], source)
    #expect(try Evaluator().node(shuffled)[0].doubles == whole && whole.sorted() == [0, 1, 2, 3, 4])
    #expect(try run("choice", [RefArray([], [3], .int32)], source + [("size", .ints([50]))]).allSatisfy { [0, 1, 2].contains($0) })
    for (x, message) in [(-1.0, "x must be a non-negative integer"), (1.5, "x must be a tensor of one axis or more, or an integer")] {
      let error = #expect(throws: MarsError.self) { try marsRegistry.require("permutation").apply([.weak(Scalar(x))], source) }
      #expect(error?.message == message)
    }
  }

  @Test func eachEndOfARangeCountsByItself() throws {
    func edges(_ x: [Double], _ ends: [(String, Double)]) throws -> [Double] {
      try run("histogram_bin_edges", [RefArray([x.count], x)], [("bins", .int(2))] + ends.map { ($0.0, .scalar(Scalar($0.1))) })
    }
    #expect(try edges([1, 3, 2], []) == [1, 2, 3])
    #expect(try edges([1, 3, 2], [("low", -1)]) == [-1, 1, 3])
    #expect(try edges([1, 3, 2], [("high", 5)]) == [1, 3, 5])
    #expect(try edges([1, 3, 2], [("low", 0), ("high", 4)]) == [0, 2, 4])
    #expect(try edges([1, 3, 2], [("low", 7)]) == [6.5, 7, 7.5])
    #expect(try edges([], [("high", 4)]) == [3, 3.5, 4])
    #expect(try edges([2, 2], []) == [1.5, 2, 2.5])
  }
}
