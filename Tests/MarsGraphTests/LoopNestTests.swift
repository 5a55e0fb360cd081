import MarsBase
import MarsGraph
import Testing

/// What comes from outside as a loop nest reaches the compiler only if the planner could have made it.
@Suite struct LoopNestTests {
  /// Rows of a window of (4, 6), its columns read backwards, with counted numbers added: summed and scaled.
  static let sums: LoopNest = {
    let spec = KernelSpec(
      axisCount: 2,
      levels: [
        KernelLevel(
          program: Expr([Inst(.input, .float64), Inst(.element, .int64), Inst(.cast, .float64, 1), Inst(.add, .float64, 0, 2)]),
          reducers: [Reducer(.sum, value: 3)], reducedAxes: [1]),
        KernelLevel(program: Expr([Inst(.reduced, .float64), Inst(.scalar, .float64), Inst(.mul, .float64, 0, 1)])),
      ], inputs: [.float64], counterCount: 1, scalars: [.float64], outputs: [KernelOutput(level: 1, value: 2, dtype: .float64)])
    return LoopNest(
      spec: spec, shape: [4, 6], maps: [AxisMap([.aligned(0), .aligned(axis: 1, start: 5, step: -1), .fixed(2)])],
      counters: [Counter(base: 7, strides: [6, 1])], scalars: [Scalar(0.5)], outputAxes: [[0, -1]])
  }()
  let inputs = [TensorType(.float64, [4, 6, 3])]

  @Test func whatThePlannerMakesIsTaken() throws {
    try Self.sums.verify(inputs: inputs)
    #expect(Self.sums.outputs == [TensorType(.float64, [4, 1])])
  }

  @Test func bytesRoundTrip() throws {
    let bytes = Self.sums.bytes
    #expect(try LoopNest(bytes: bytes) == Self.sums)
    for n in stride(from: 0, to: bytes.count, by: 8) { #expect(throws: MarsError.self) { try LoopNest(bytes: Array(bytes.prefix(n))) } }
    #expect(throws: MarsError.self) { try LoopNest(bytes: bytes + [0, 0, 0, 0, 0, 0, 0, 0]) }
    var later = bytes
    later[0] += 1
    #expect(throws: MarsError.self) { try LoopNest(bytes: later) }
  }

  /// Whatever byte is changed: the nest is refused, or is one that stays within its inputs.
  @Test func damagedBytesNeverTrap() {
    var refused = 0
    for i in Self.sums.bytes.indices {
      for value: UInt8 in [0, 1, 127, 255] {
        var bytes = Self.sums.bytes
        bytes[i] = value
        do throws(MarsError) { try LoopNest(bytes: bytes).verify(inputs: inputs) } catch { refused += 1 }
      }
    }
    #expect(refused > Self.sums.bytes.count)
  }

  static let damages: [(name: String, apply: @Sendable (inout LoopNest) -> Void)] = [
    ("negative extent", { $0.shape[0] = -1 }), ("too many elements", { $0.shape = [1 << 40, 1 << 40] }),
    ("missing axis", { $0.shape = [4] }), ("missing map", { $0.maps = [] }), ("map of another rank", { $0.maps[0].axes.removeLast() }),
    ("start beyond the input", { $0.maps[0].axes[1] = .aligned(axis: 1, start: 6, step: -1) }),
    ("end before the input", { $0.maps[0].axes[1] = .aligned(axis: 1, start: 4, step: -1) }),
    ("index beyond the input", { $0.maps[0].axes[2] = .fixed(3) }), ("unknown axis", { $0.maps[0].axes[0] = .aligned(2) }),
    ("step of 0", { $0.maps[0].axes[0] = .aligned(axis: 0, start: 0, step: 0) }),
    ("map that is not affine", { $0.maps[0].axes[0] = .whole }), ("missing counter", { $0.counters = [] }),
    ("counter of another rank", { $0.counters[0].strides = [1] }), ("scalar of another dtype", { $0.scalars = [Scalar(Int64(1))] }),
    ("missing output axes", { $0.outputAxes = [] }), ("output over a reduced axis", { $0.outputAxes = [[0, 1]] }),
    ("output that names an axis twice", { $0.outputAxes = [[0, 0]] }), ("output that lacks an axis", { $0.outputAxes = [[-1]] }),
    ("no levels", { $0.spec.levels = [] }), ("operand that comes later", { $0.spec.levels[0].program.insts[3].a = 3 }),
    ("missing operand", { $0.spec.levels[0].program.insts[3].b = -1 }),
    ("operand of another dtype", { $0.spec.levels[0].program.insts[3].b = 1 }),
    ("unknown input", { $0.spec.levels[0].program.insts[0].imm = 1 }),
    ("unknown counter", { $0.spec.levels[0].program.insts[1].imm = 1 }),
    ("unknown state", { $0.spec.levels[1].program.insts[0].imm = 1 }),
    ("unknown reducer value", { $0.spec.levels[0].reducers[0].value = 4 }),
    ("axis reduced twice", { $0.spec.levels[0].reducedAxes = [1, 1] }), ("unknown reduced axis", { $0.spec.levels[0].reducedAxes = [2] }),
    ("last level that reduces", { $0.spec.levels[1].reducedAxes = [0] }), ("nothing reduced", { $0.spec.levels[0].reducers = [] }),
    ("bits of a float sum", { $0.spec.levels[0].reducers[0].kind = .xor }),
    ("index without its value", { $0.spec.levels[0].reducers[0].kind = .argmax }),
    ("unknown output value", { $0.spec.outputs[0].value = 3 }), ("output of another dtype", { $0.spec.outputs[0].dtype = .float32 }),
    ("output of an inner level", { $0.spec.outputs[0].level = 0 }),
  ]

  @Test(arguments: damages.indices) func damageIsRefused(number: Int) {
    var nest = Self.sums
    Self.damages[number].apply(&nest)
    do throws(MarsError) {
      try nest.verify(inputs: inputs)
      Issue.record("\(Self.damages[number].name) is taken")
    } catch { #expect(error.code == .format, "\(error)") }
  }

  @Test func inputsMustBeThoseOfTheNest() {
    for types in [
      [], [TensorType(.float32, [4, 6, 3])], [TensorType(.float64, [4, 6])], [TensorType(.float64, [3, 6, 3])], inputs + inputs,
    ] {
      #expect(throws: MarsError.self) { try Self.sums.verify(inputs: types) }
    }
    #expect(throws: MarsError.self) { try Self.sums.verify(inputs: [TensorType(.float64, [unknownExtent, 6, 3])]) }
  }
}
