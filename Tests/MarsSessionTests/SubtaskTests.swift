import Foundation
import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import Testing

/// Plans cut into graphs that run by themselves give what running them at once gives.
struct SubtaskTests {
  private struct Cut: Decodable {
    struct Piece: Decodable {
      let graph: Data
      let inputs: [String]
      let outputs: [String]
      let after: [Int]
    }
    struct Result: Decodable {
      struct Chunk: Decodable {
        let name: String
        let lower: [Int]
        let shape: [Int]
      }
      let shape: [Int]
      let dtype: String
      let chunks: [Chunk]
    }
    let subtasks: [Piece]
    let results: [Result]
  }

  /// Runs the pieces in order, handing chunks on by name, and puts the results together.
  private func run(_ session: Session, _ tensors: [Tensor], pieces: Int) throws -> (bytes: [[UInt8]], pieces: Int) {
    let cut = try JSONDecoder().decode(Cut.self, from: Data(session.cut(tensors, pieces: pieces).utf8))
    var chunks: [String: Tensor] = [:]
    for (n, p) in cut.subtasks.enumerated() {
      #expect(p.after.allSatisfy { $0 < n })
      let graph = try p.graph.withUnsafeBytes { bytes in try Graph.parse(ByteView(bytes), allowsFiles: false) }
      #expect(graph.inputs.map(\.name) == p.inputs)
      #expect(graph.outputs.map(\.name) == p.outputs)
      let bindings = try p.inputs.map { ($0, try #require(chunks[$0], "a chunk is read before it is made")) }
      for (name, t) in zip(p.outputs, try session.execute(graph.outputs.map(\.tensor), bindings: bindings)) { chunks[name] = t }
    }
    let bytes = try cut.results.map { r -> [UInt8] in
      let d = try #require(DType(name: r.dtype))
      var whole = [UInt8](repeating: 0xEE, count: r.shape.reduce(d.itemSize, *))
      try whole.withUnsafeMutableBytes { b in
        guard let base = b.baseAddress else { return }
        let view = ArrayView(base: base, dtype: d, shape: r.shape)
        for c in r.chunks {
          let part = try session.fetch(try #require(chunks[c.name]))
          #expect(part.view.shape == c.shape)
          #expect(part.view.dtype == d)
          var window = view
          for k in c.lower.indices { window.base += c.lower[k] * view.strides[k] }
          window.shape = c.shape
          StridedCopy.copy(from: part.view, to: window)
          withExtendedLifetime(part) {}
        }
      }
      return whole
    }
    return (bytes, cut.subtasks.count)
  }

  /// What is cut: name, tensors, and ULPs of float64 by which results may differ (0: all bits are equal).
  private static let jobs: [(name: String, ulps: Double, make: @Sendable () throws -> [Tensor])] = [
    (
      "element-wise", 0,
      {
        let x = try Tensor.range(40, 30).op("sqrt")
        let y = try x.sliced((38, -1, 30), (0, 1, 30)).op("multiply", try x.sliced((0, 1, 30), (29, -1, 30))).op("add", 1)
        return [y, try y.transposed.op("sin")]
      }
    ),
    ("random", 0, { [try Tensor.random(50, 41).op("log"), try Tensor.random(33, 7, stream: 1).op("greater", 0.5)] }),
    (
      "reductions", 64,
      {
        let x = try Tensor.random(60, 50)
        return [
          try x.op("sum"), try x.op("sum", with: [("axis", .ints([0]))]), try x.op("mean", with: [("axis", .ints([1]))]),
          try x.op("max", with: [("axis", .ints([1]))]), try x.op("argmin", with: [("axis", .ints([0]))]), try x.op("std"),
        ]
      }
    ),
    ("matrix product", 64, { [try Tensor.random(48, 40).op("matmul", try Tensor.random(36, 40, stream: 2).transposed)] }),
    ("product of a sum", 128, { [try Tensor.random(40, 40).op("add", 1).op("matmul", try Tensor.random(40, 8, stream: 3)).op("sum")] }),
    (
      "joined and cut", 0,
      {
        let (x, y) = (try Tensor.random(20, 15), try Tensor.random(13, 15, stream: 4))
        let joined = try x.op("concatenate", y, with: [("axis", .int(0))])
        return [joined, try joined.sliced((32, -3, 11), (1, 2, 7)).op("add", 1), try joined.reshaped(15, 33).op("negative")]
      }
    ),
    (
      "joined views", 0,
      {
        let x = try Tensor.range(20, 15)
        let turned = try x.sliced((19, -2, 10), (0, 1, 15)).op(
          "concatenate", try x.sliced((3, 1, 9), (14, -1, 15)), with: [("axis", .int(0))])
        return [turned, try x.transposed.op("concatenate", x.sliced((0, 1, 15), (0, 1, 15)), with: [("axis", .int(1))]).reshaped(-1)]
      }
    ),
    (
      "sorted and scanned", 64,
      {
        let x = try Tensor.random(30, 24)
        return [
          try x.op("sort", with: [("axis", .int(0))]), try x.op("cumsum", with: [("axis", .int(1))]),
          try x.op("sort", with: [("axis", .int(1))]).op("mean"),
        ]
      }
    ),
    (
      "written in part", 0,
      {
        let x = try Tensor.random(30, 20)
        let y = try x.op("add", 1)
        try y.sliced((1, 2, 14), (19, -1, 20)).assign(.weak(Scalar(7.0)))
        return [y, try y.op("multiply", 2)]
      }
    ),
  ]

  @Test(arguments: jobs.map(\.name), [1, 3, 7])
  func piecesMakeTheWhole(_ name: String, _ pieces: Int) throws {
    let job = try #require(SubtaskTests.jobs.first { $0.name == name })
    let session = try Session(options: [("chunk_bytes", "2000")])
    let (cut, count) = try run(session, try job.make(), pieces: pieces)
    #expect(count <= pieces)
    if pieces == 3 { #expect(count > 1) }
    let direct = try session.execute(try job.make()).map { try session.bytes($0) }
    for (i, (a, b)) in zip(cut, direct).enumerated() where a != b {
      guard job.ulps > 0, a.count == b.count else {
        Issue.record("result \(i) differs")
        continue
      }
      let (x, y) = (
        a.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }, b.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
      )
      for (p, q) in zip(x, y) { #expect(abs(p - q) <= job.ulps * 0x1p-52 * max(abs(p), abs(q))) }
    }
  }

  @Test func whatDependsOnDataIsRefused() throws {
    let session = try Session(options: [])
    let x = try Tensor.range(10)
    let selected = try x.op("boolean_mask", x.op("greater", 3)).op("add", 1)
    #expect(throws: MarsError.self) { try session.cut([selected], pieces: 2) }
    #expect(throws: MarsError.self) { try session.cut([x], pieces: 0) }
  }

  @Test func executedTensorsAndLeaves() throws {
    let session = try Session(options: [("chunk_bytes", "100")])
    let x = try Tensor.range(30)
    let y = try session.execute([try x.op("add", 1)])[0]
    #expect(try run(session, [try y.op("multiply", x)], pieces: 3).bytes[0] == session.bytes(try y.op("multiply", x)))
  }
}
