import MarsBase
import MarsGraph
import MarsOps
import Testing

@Suite struct RandomTests {
  /// Known answers of the Random123 distribution.
  @Test func philoxKnownAnswers() {
    #expect(Philox.block([0, 0, 0, 0], [0, 0]) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
    let all = UInt32.max
    #expect(Philox.block([all, all, all, all], [all, all]) == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
  }

  private func draw(_ name: String, _ parameters: [Double], _ n: Int, _ dtype: DType = .float64) throws -> [Double] {
    let op = try marsRegistry.require(name)
    let node = try op.apply(
      parameters.map { .weak(Scalar($0)) },
      [("seed", .scalar(Scalar(dtype: .uint64, low: 12345))), ("stream", .int(1)), ("size", .ints([n])), ("dtype", .dtype(dtype))])
    return try Evaluator().node(node)[0].doubles
  }
  private func moments(_ x: [Double]) -> (Double, Double) {
    let m = x.reduce(0, +) / Double(x.count)
    return (m, x.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(x.count))
  }

  /// Mean and variance within five standard errors or so of the distribution's.
  @Test(
    arguments: [
      ("random", [], 0.5, 1.0 / 12), ("uniform", [2.0, 5.0], 3.5, 0.75), ("standard_normal", [], 0, 1), ("normal", [1.0, 3.0], 1, 9),
      ("exponential", [2.0], 2, 4), ("standard_exponential", [], 1, 1), ("rayleigh", [1.0], 1.2533, 0.4292),
      ("gumbel", [0.0, 1.0], 0.57722, 1.6449),
      ("logistic", [0.0, 1.0], 0, 3.2899), ("laplace", [0.0, 1.0], 0, 2), ("triangular", [0.0, 1.0, 2.0], 1, 1.0 / 6),
      ("weibull", [2.0], 0.88623, 0.21460),
    ] as [(String, [Double], Double, Double)])
  func moments(name: String, parameters: [Double], mean: Double, variance: Double) throws {
    for d in [DType.float64, .float32] {
      let (m, v) = moments(try draw(name, parameters, 20000, d))
      #expect(abs(m - mean) < 5 * (variance / 20000).squareRoot(), "\(name) \(d): mean \(m)")
      #expect(abs(v / variance - 1) < 0.12, "\(name) \(d): variance \(v)")
    }
  }

  @Test func normalMatchesItsQuantile() throws {
    // Phi(z) of each number is the uniform that it came from.
    let key: UInt64 = 12345
    let z = try draw("standard_normal", [], 500)
    for (i, v) in z.enumerated() {
      let w = Philox.word(element: UInt64(i), key: key, stream: 1, attempt: 0, width: 64)
      let p = (Double(w) + 0.5) * 0x1p-64
      let q = 0.5 * erfcOf(-v / 2.0.squareRoot())
      #expect(abs(q / p - 1) < 1e-13 * max(1, v * v), "element \(i)")
    }
  }

  @Test func integersStayInRange() throws {
    let op = try marsRegistry.require("integers")
    let node = try op.apply(
      [.weak(Scalar(Int64(-3))), .weak(Scalar(Int64(4)))], [("seed", .scalar(Scalar(dtype: .uint64, low: 7))), ("size", .ints([5000]))])
    let x = try Evaluator().node(node)[0].doubles
    #expect(x.min() == -3 && x.max() == 3)
    for v in -3...3 { #expect(abs(Double(x.count { $0 == Double(v) }) / 5000 - 1.0 / 7) < 0.03) }
  }
}
