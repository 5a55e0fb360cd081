import Glibc
import MarsBase
import MarsGraph
import Testing

@testable import MarsJIT

/// Prints what compiling costs; asserts nothing about time.  Runs only where MARS_JIT_SPEED is set.
///
/// With MARS_JIT_DUMP=folder the unoptimised code is written there, for llc and opt.
@Suite(.enabled(if: getenv("MARS_JIT_SPEED") != nil), .serialized) struct CompileTimeTests {
  static let d = DType.float64

  /// Kernels of everyday use with the shapes and strides that programs call them with.
  static var cases: [(String, KernelSpec, KernelArguments)] {
    let p = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
    let two = Inst(.constant, d, imm: (2.0).bitPattern)
    let one = Inst(.constant, d, imm: (1.0).bitPattern)
    func flat(_ t: DType, _ o: DType, _ inputs: Int, scalars: [Scalar] = []) -> KernelArguments {
      KernelArguments(
        extents: [1000], inputs: Array(repeating: p, count: inputs), outputs: [p + (1 << 19)],
        inputStrides: Array(repeating: t.itemSize, count: inputs), outputStrides: [o.itemSize], scalars: scalars)
    }
    let f = DType.float32
    let i = DType.int32
    let plane = KernelArguments(
      extents: [100, 50], inputs: [p, p], outputs: [p + (1 << 19)], inputStrides: [400, 8, 0, 8], outputStrides: [400, 8])
    let turned = KernelArguments(
      extents: [100, 100], inputs: [p, p], outputs: [p + (1 << 19)], inputStrides: [800, 8, 8, 800], outputStrides: [800, 8])
    func reduce(_ extents: [Int], _ inputs: [Int], _ outputs: [Int], arg: Bool = false) -> KernelArguments {
      KernelArguments(
        extents: extents, inputs: [p], outputs: arg ? [p + (1 << 19), p + (3 << 18)] : [p + (1 << 19)], inputStrides: inputs,
        outputStrides: arg ? outputs + outputs : outputs, counterBase: arg ? [0] : [],
        counterStrides: arg ? inputs.map { $0 / 8 } : [])
    }
    var chain = [Inst(.input, d)]
    for k in 0..<10 {
      chain += [Inst(.constant, d, imm: Double(k).bitPattern), Inst(k % 2 == 0 ? .mul : .add, d, Int32(2 * k), Int32(2 * k + 1))]
    }
    let add2 = map([d, d], axes: 2, out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(.add, d, 0, 1)])
    let random: [Scalar] = [Scalar(dtype: .uint64, low: 12345), Scalar(dtype: .uint32, low: 1)]
    return [
      ("a+b", map([d, d], out: d, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(.add, d, 0, 1)]), flat(d, d, 2)),
      ("(a+1)*2", map([d], out: d, [Inst(.input, d), one, Inst(.add, d, 0, 1), two, Inst(.mul, d, 2, 3)]), flat(d, d, 1)),
      (
        "a*c", map([d], scalars: [d], out: d, [Inst(.input, d), Inst(.scalar, d), Inst(.mul, d, 0, 1)]),
        flat(d, d, 1, scalars: [Scalar(3.0)])
      ),
      ("a+b float32", map([f, f], out: f, [Inst(.input, f), Inst(.input, f, imm: 1), Inst(.add, f, 0, 1)]), flat(f, f, 2)),
      ("a<b", map([d, d], out: .bool, [Inst(.input, d), Inst(.input, d, imm: 1), Inst(.lt, .bool, 0, 1)]), flat(d, .bool, 2)),
      ("int32 to float64", map([i], out: d, [Inst(.input, i), Inst(.cast, d, 0)]), flat(i, d, 1)),
      ("chain of 10", map([d], out: d, chain), flat(d, d, 1)),
      ("exp", map([d], out: d, [Inst(.input, d), Inst(.exp, d, 0)]), flat(d, d, 1)),
      ("exp float32", map([f], out: f, [Inst(.input, f), Inst(.exp, f, 0)]), flat(f, f, 1)),
      ("sin", map([d], out: d, [Inst(.input, d), Inst(.sin, d, 0)]), flat(d, d, 1)),
      ("matrix + row", add2, plane),
      ("matrix + transposed", add2, turned),
      ("sum", reduction(.sum, d, axes: 1, over: [0]), reduce([1000], [8], [0])),
      ("sum int32", reduction(.sum, .int32, axes: 1, over: [0]), reduce([1000], [4], [0])),
      ("row sums", reduction(.sum, d, axes: 2, over: [1]), reduce([100, 100], [800, 8], [8, 0])),
      ("column sums", reduction(.sum, d, axes: 2, over: [0]), reduce([100, 100], [800, 8], [0, 8])),
      ("max", reduction(.max, d, axes: 1, over: [0]), reduce([1000], [8], [0])),
      ("argmax", reduction(.argmax, d, axes: 1, over: [0]), reduce([1000], [8], [0], arg: true)),
      ("argmax of rows", reduction(.argmax, d, axes: 2, over: [1]), reduce([100, 100], [800, 8], [8, 0], arg: true)),
      (
        "uniform",
        map([], scalars: [.uint64, .uint32], counters: 1, out: d, uniformProgram),
        KernelArguments(extents: [1000], outputs: [p], outputStrides: [8], counterBase: [0], counterStrides: [1], scalars: random)
      ),
      (
        "pi", piSpec(),
        KernelArguments(
          extents: [1000, 2], outputs: [p], outputStrides: [0, 0], counterBase: [0], counterStrides: [2, 1], scalars: random)
      ),
    ]
  }

  static let uniformProgram = [
    Inst(.element, .int64), Inst(.scalar, .uint64), Inst(.scalar, .uint32, imm: 1), Inst(.philox, .uint64, 0, 1, 2),
    Inst(.constant, .uint64, imm: 11), Inst(.shr, .uint64, 3, 4), Inst(.cast, d, 5), Inst(.constant, d, imm: (0x1p-53).bitPattern),
    Inst(.mul, d, 6, 7),
  ]

  @Test func compileTimes() throws {
    let dump = getenv("MARS_JIT_DUMP").map { String(cString: $0) }
    var total = 0.0
    var count = 0.0
    let t0 = JIT.now()
    let first = JIT()
    try first.kernel(for: Self.cases[0].1).run(Self.cases[0].2)
    print("first kernel with the loading of LLVM: \((JIT.now() - t0) / 1000) us")
    var template = Array("/tmp/mars-jit-speed-XXXXXX".utf8CString)
    let folder = String(cString: mkdtemp(&template))
    let writer = JIT(options: JITOptions(cacheDirectory: folder))
    try writer.kernel(for: Self.cases[0].1).run(Self.cases[0].2)
    var fromDisk = UInt64.max
    for _ in 0..<20 {
      let t = JIT.now()
      let reader = JIT(options: JITOptions(cacheDirectory: folder))
      try reader.kernel(for: Self.cases[0].1).run(Self.cases[0].2)
      fromDisk = min(fromDisk, JIT.now() - t)
    }
    print("first kernel from disk: \(fromDisk / 1000) us; the folder is \(folder)")
    let jit = JIT(options: JITOptions(memoryLimitKernels: 1 << 20))
    for optimised in [false, true] {
      (total, count) = (0, 0)
      for (name, spec, arguments) in Self.cases {
        var stages: [[UInt64]] = []
        var bytes = 0
        for _ in 0..<9 {
          let k = Kernel(spec: spec, jit: jit)
          let layout = try k.layout(arguments)!
          var marks = [JIT.now()]
          let object = try jit.compile(k.facts, layout, optimised: optimised) { marks.append(JIT.now()) }
          stages.append(zip(marks.dropFirst(), marks).map { $0 - $1 })
          bytes = object.count
          if let dump {
            let file = fopen(dump + "/" + String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" }) + ".ll", "w")
            fputs(try Compiler.text(k.facts, layout, try jit.target()), file)
            fclose(file)
          }
        }
        let best = (0..<4).map { s in stages.map { $0[s] }.min()! / 1000 }
        let sum = stages.map { $0.reduce(0, +) }.min()! / 1000
        total += Double(sum)
        count += 1
        print("\(name): \(sum) us = setup \(best[0]) + emit \(best[1]) + passes \(best[2]) + codegen \(best[3]); object \(bytes) bytes")
      }
      print(optimised ? "optimised:" : "first tier:", "mean \(Int(total / count)) us")
    }
  }
}
