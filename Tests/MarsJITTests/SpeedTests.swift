import Glibc
import MarsBase
import MarsGraph
import Testing

@testable import MarsJIT

/// Prints speeds in processor time, which other processes disturb least; asserts nothing about time, because machines differ.  Runs only where MARS_JIT_SPEED is set.
@Suite(.enabled(if: getenv("MARS_JIT_SPEED") != nil), .serialized) struct SpeedTests {
  func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9
  }

  /// Best of several runs, seconds; the first makes the code.
  func best(_ k: Kernel, _ a: KernelArguments, times: Int = 7) throws -> Double {
    try k.prepare(a)
    var b = Double.infinity
    // Reading the clock takes as long as a short call.
    let calls = a.extents.reduce(1, *) <= 1 << 16 ? 64 : 1
    for _ in 0..<times {
      let t = now()
      for _ in 0..<calls { try k.run(a) }
      b = min(b, (now() - t) / Double(calls))
    }
    return b
  }

  func report(_ name: String, _ seconds: Double, _ elements: Int, _ bytes: Int) {
    func f(_ x: Double) -> String { String(Double(Int(x * 1000)) / 1000) }
    print(
      "\(name): \(f(seconds * 1e9 / Double(elements))) ns/element, \(f(Double(elements) / seconds * 1e-9)) G/s, \(f(Double(bytes) / seconds * 1e-9)) GB/s"
    )
  }

  func buffer(_ n: Int) -> UnsafeMutableRawPointer {
    let p = UnsafeMutableRawPointer.allocate(byteCount: n * 8, alignment: 1 << 21)
    madvise(p, n * 8, 14)
    let d = p.assumingMemoryBound(to: Double.self)
    for i in 0..<n { d[i] = Double(i % 1000) * 0.001 + 0.01 }
    return p
  }

  @Test func figures() throws {
    let jit = JIT(options: JITOptions(optimiseFrom: 0))
    let n = 1 << 24
    let x = buffer(n)
    let y = buffer(n)
    let z = buffer(1 << 14)
    for i in 0..<1 << 14 { (z + 4 * i).storeBytes(of: Float(i % 1000) * 0.001 + 0.01, as: Float.self) }
    let d = DType.float64
    let two = Inst(.constant, d, imm: (2.0).bitPattern)
    let one = Inst(.constant, d, imm: (1.0).bitPattern)

    let plus = jit.kernel(for: map([d], out: d, [Inst(.input, d), one, Inst(.add, d, 0, 1), two, Inst(.mul, d, 2, 3)]))
    for (m, stream) in [(1 << 12, false), (n, false), (n, true)] {
      let a = KernelArguments(extents: [m], inputs: [x], outputs: [y], inputStrides: [8], outputStrides: [8], streamOutputs: stream)
      report("(a+1)*2 n=\(m) stream=\(stream)", try best(plus, a), m, 16 * m)
    }
    let tiny = KernelArguments(extents: [16], inputs: [x], outputs: [y], inputStrides: [8], outputStrides: [8])
    let t0 = now()
    for _ in 0..<100_000 { try plus.run(tiny) }
    print("call overhead: \(Int((now() - t0) * 1e4)) ns")

    for op in [ExprOp.exp, .exp2, .expm1, .log, .log2, .log10, .log1p, .sin, .cos, .tanh, .sinh, .cbrt, .atan, .pow] {
      for t in [DType.float64, .float32] {
        let k = jit.kernel(
          for: op == .pow ? map([t], out: t, [Inst(.input, t), Inst(op, t, 0, 0)]) : map([t], out: t, [Inst(.input, t), Inst(op, t, 0)]))
        let m = 1 << 12
        report(
          "\(op) \(t)",
          try best(
            k,
            KernelArguments(extents: [m], inputs: [t == d ? x : z], outputs: [y], inputStrides: [t.itemSize], outputStrides: [t.itemSize]),
            times: 50),
          m, 16 * m)
      }
    }

    let sum = jit.kernel(for: reduction(.sum, d, axes: 1, over: [0]))
    for m in [1 << 12, n] {
      report(
        "sum n=\(m)", try best(sum, KernelArguments(extents: [m], inputs: [x], outputs: [y], inputStrides: [8], outputStrides: [0])), m,
        8 * m)
    }
    let maximum = jit.kernel(for: reduction(.max, d, axes: 1, over: [0]))
    report(
      "max", try best(maximum, KernelArguments(extents: [n], inputs: [x], outputs: [y], inputStrides: [8], outputStrides: [0])), n, 8 * n)
    let argmax = jit.kernel(for: reduction(.argmax, d, axes: 1, over: [0]))
    report(
      "argmax",
      try best(
        argmax,
        KernelArguments(
          extents: [n], inputs: [x], outputs: [y, y + 8], inputStrides: [8], outputStrides: [0, 0], counterBase: [0], counterStrides: [1])),
      n, 8 * n)
    for (rows, columns) in [
      (4096, 4096), (1 << 18, 64), (1 << 20, 16), (1 << 21, 8), (1 << 22, 4), (1 << 23, 2), (1_398_101, 12), (800_000, 20), (500_000, 33),
      (16, 1 << 20),
    ] {
      let m = rows * columns
      let over1 = jit.kernel(for: reduction(.sum, d, axes: 2, over: [1]))
      report(
        "row sums \(rows)x\(columns)",
        try best(
          over1,
          KernelArguments(extents: [rows, columns], inputs: [x], outputs: [y], inputStrides: [8 * columns, 8], outputStrides: [8, 0])), m,
        8 * m)
      let over0 = jit.kernel(for: reduction(.sum, d, axes: 2, over: [0]))
      report(
        "column sums \(rows)x\(columns)",
        try best(
          over0,
          KernelArguments(extents: [rows, columns], inputs: [x], outputs: [y], inputStrides: [8 * columns, 8], outputStrides: [0, 8])), m,
        8 * m)
    }
    for (rows, columns) in [(4096, 4096), (1 << 20, 16), (1_398_101, 12)] {
      for over in [0, 1] {
        let k = jit.kernel(for: reduction(.argmax, d, axes: 2, over: [over]))
        let o = over == 1 ? [8, 0] : [0, 8]
        report(
          "argmax over axis \(over) of \(rows)x\(columns)",
          try best(
            k,
            KernelArguments(
              extents: [rows, columns], inputs: [x], outputs: [y, y + (1 << 26)], inputStrides: [8 * columns, 8], outputStrides: o + o,
              counterBase: [0], counterStrides: [columns, 1])), rows * columns, 8 * rows * columns)
      }
    }
    let copy = jit.kernel(for: map([d], axes: 2, out: d, [Inst(.input, d), one, Inst(.add, d, 0, 1)]))
    report(
      "transpose + 1, 4096^2",
      try best(
        copy,
        KernelArguments(extents: [4096, 4096], inputs: [x], outputs: [y], inputStrides: [8, 4096 * 8], outputStrides: [4096 * 8, 8])), n,
      16 * n)

    let points = 1 << 23
    let pi = jit.kernel(for: piSpec())
    report(
      "pi",
      try best(
        pi,
        KernelArguments(
          extents: [points, 2], outputs: [y], outputStrides: [0, 0], counterBase: [0], counterStrides: [2, 1],
          scalars: [Scalar(dtype: .uint64, low: 12345), Scalar(dtype: .uint32, low: 1)])), points, 0)
    print("pi = \(4 * Double(y.load(as: Int64.self)) / Double(points))")
    let uniform = jit.kernel(
      for: map(
        [], scalars: [.uint64, .uint32], counters: 1, out: d,
        [
          Inst(.element, .int64), Inst(.scalar, .uint64), Inst(.scalar, .uint32, imm: 1), Inst(.philox, .uint64, 0, 1, 2),
          Inst(.constant, .uint64, imm: 11), Inst(.shr, .uint64, 3, 4), Inst(.cast, d, 5), Inst(.constant, d, imm: (0x1p-53).bitPattern),
          Inst(.mul, d, 6, 7),
        ]))
    report(
      "uniform",
      try best(
        uniform,
        KernelArguments(
          extents: [n], outputs: [y], outputStrides: [8], counterBase: [0], counterStrides: [1],
          scalars: [Scalar(dtype: .uint64, low: 12345), Scalar(dtype: .uint32, low: 1)], streamOutputs: true)), n, 8 * n)
    let s = jit.statistics
    print("compiles \(s.compiles), mean \(s.nanoseconds / UInt64(max(1, s.compiles)) / 1000) us")
  }
}
