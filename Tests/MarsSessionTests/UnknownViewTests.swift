import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import Testing

/// Views of tensors whose extents are known only when they have run.
struct UnknownViewTests {
  private let session: Session
  init() throws { session = try Session(options: []) }

  private func values(_ t: Tensor) throws -> [Double] { try session.doubles(t) }

  /// 0, 1, 2, ... of a shape whose first extent is found by running.
  private func selected(_ rows: Int, _ columns: Int...) throws -> Tensor {
    let all = try Tensor.of((0..<columns.reduce(rows, *)).map(Double.init), [rows] + columns)
    let mask = try Tensor.of([Double](repeating: 1, count: rows)).op("astype", with: [("dtype", .dtype(.bool))])
    return try mask.op("compress", all, with: [("axis", .int(0))])
  }

  /// The code of the error that a call ends in; nil: there is none.
  private func refusal(_ call: () throws -> Tensor) -> MarsError.Code? {
    do { _ = try call() } catch { return (error as? MarsError)?.code }
    return nil
  }

  @Test func reshapesAreViews() throws {
    let shapes: [[Int]] = [[-1], [-1, 1], [1, -1, 1], [3, -1]]
    for shape in shapes {
      for columns in [[], [2]] {
        let base = try columns.isEmpty ? selected(6) : selected(6, 2)
        let view = try base.op("reshape", with: [("shape", .ints(shape))])
        #expect(view.sharesStorage(with: base))
        try view.assign(.weak(Scalar(9.0)))
        try base.assign(.tensor(try base.op("add", 1)))
        let count = columns.reduce(6, *)
        #expect(try values(base) == [Double](repeating: 10, count: count))
        #expect(try values(view) == [Double](repeating: 10, count: count))
        #expect(view.type.shape == shape.map { $0 == -1 ? count / shape.filter { $0 > 0 }.reduce(1, *) : $0 })
      }
    }
  }

  @Test func rowsOfAReshapeAreWritten() throws {
    let base = try selected(4)
    let rows = try base.op("reshape", with: [("shape", .ints([2, -1]))])
    let row = try rows.op(
      "view", with: [("axes", .ints([-1, 0])), ("starts", .ints([1, 0])), ("steps", .ints([1, 1])), ("shape", .ints([-1]))])
    try row.assign(.weak(Scalar(7.0)))
    #expect(try values(base) == [0, 1, 7, 7])
  }

  @Test func whereExtentsDecideItTheCallSaysSo() throws {
    let base = try selected(3, 2)
    let turned = try base.transposed
    #expect(refusal { try turned.op("reshape", with: [("shape", .ints([-1]))]) } == .unknownExtents)
    #expect(refusal { try turned.op("ravel") } == .unknownExtents)
    #expect(refusal { try turned.op("ravel", with: [("order", .string("K"))]) } == .unknownExtents)
    // A copy is one whatever the extents.
    #expect(try values(try turned.op("flatten")) == [0, 2, 4, 1, 3, 5])
    #expect(refusal { try base.op("squeeze") } == .unknownExtents)
    #expect(refusal { try base.op("squeeze", with: [("axis", .ints([0]))]) } == .unknownExtents)
    #expect(refusal { try base.op("squeeze", with: [("axis", .ints([1]))]) } == .value)
    #expect(refusal { try base.op("broadcast_to", with: [("shape", .ints([3, 2]))]) } == .unknownExtents)
    #expect(
      refusal { try Tensor.apply(try marsRegistry.require("broadcast_arrays"), [.tensor(base), .tensor(try selected(4, 2))], [])[0] }
        == .unknownExtents)
    _ = try session.execute([base])
    #expect(try values(try turned.op("ravel")) == [0, 2, 4, 1, 3, 5])
    #expect(try turned.op("ravel", with: [("order", .string("K"))]).sharesStorage(with: base))
    #expect(try base.op("squeeze").type.shape == [3, 2])
  }

  @Test func aReshapeThatDoesNotFitFailsAndChangesNothing() throws {
    let base = try selected(3)
    let view = try base.op("reshape", with: [("shape", .ints([2, -1]))])
    #expect(throws: MarsError.self) { try values(view) }
    #expect(try values(base) == [0, 1, 2])
    #expect(throws: MarsError.self) { try view.assign(.weak(Scalar(9.0))) }
    #expect(try values(base) == [0, 1, 2])
  }

  @Test func resultsAreStoredInTheirOwnShape() throws {
    let (one, three) = (try selected(1), try selected(3))
    let sums = try one.op("cumsum")
    #expect(
      refusal {
        try three.store(sums, function: "cumsum", origin: "")
        return three
      } == .unknownExtents)
    _ = try session.execute([three, sums])
    #expect(
      refusal {
        try three.store(sums, function: "cumsum", origin: "")
        return three
      } == .value)
    #expect(try values(three) == [0, 1, 2])
  }

  /// What a graph writes through a view of its input's rows is in what it gives.
  @Test func writesInGraphs() throws {
    let graph = Graph()
    let y = try graph.addInput("x", .float64, [-1, 2]).op("multiply", 1)
    try y.op("ravel").assign(.weak(Scalar(5.0)))
    let r = try session.execute([y], bindings: [("x", try Tensor.range(3, 2))])
    #expect(try values(r[0]) == [5, 5, 5, 5, 5, 5])
    #expect(r[0].type.shape == [3, 2])
  }
}
