import MarsBase
import MarsGraph

/// How the address of an operand moves along a loop.
enum StrideClass: UInt8 {
  /// The same element throughout.
  case zero = 0
  /// Neighbouring elements.  For counters: consecutive indices that may take the fast path of Philox.
  case unit = 1
  case other = 2
  /// Along the lanes: every k-th element, the ones between visited by an unrolled loop of k steps inside.
  case packed = 3
  /// Along the lanes, of inputs: every second element.
  case second = 4
}

/// What machine code is specialised in besides its spec: the loops after normalisation, without sizes.
///
/// A byte string, so that a call is compared with the layout of the last call by `memcmp`.
/// Bytes 0-5: loops, lanes, lane loop (255: none), flags (1: stream outputs; 2 << l: level l is reduced in one short loop), transposed
/// loop (255: none).  Byte 5: 1 << l: the indices of level l's arg reductions grow along its loops.  Byte 6: 1: the lane loop is at least
/// a vector long and may visit elements twice; 2: lanes are columns of a matrix whose rows are reduced; 4: a reduction asks for memory ahead.
/// Then per loop, outermost first: level that reduces it, unrolled extent (0: dynamic), and one `StrideClass` per operand
/// (inputs, outputs, counters).
struct Layout: Hashable, Sendable {
  static let header = 7
  static let none: UInt8 = 255

  let bytes: [UInt8]
  let operands: Int

  var loops: Int { Int(bytes[0]) }
  var lanes: Int { Int(bytes[1]) }
  var laneLoop: Int { bytes[2] == Layout.none ? -1 : Int(bytes[2]) }
  var streams: Bool { bytes[3] & 1 != 0 }
  /// Whether level l is reduced by one loop so short that its sums need no blocks.
  func isShort(_ l: Int) -> Bool { l < 7 && bytes[3] & UInt8(2 << l) != 0 }
  func indexGrows(_ l: Int) -> Bool { l < 8 && bytes[5] & UInt8(1 << l) != 0 }
  /// Whether the last vector of the lane loop may overlap the one before.
  var overlaps: Bool { bytes[6] & 1 != 0 }
  /// Whether the lanes are columns of a matrix whose rows, the one loop inside, are reduced.
  var areColumns: Bool { bytes[6] & 2 != 0 }
  /// Whether such rows are read one after the other: they are short.
  var takesRowsSingly: Bool { bytes[6] & 8 != 0 }
  /// Whether a reduction asks for memory ahead of its loads.
  var readsAhead: Bool { bytes[6] & 4 != 0 }
  /// Loop directly inside the lane loop that runs in tiles around both; -1 if none.
  var tileLoop: Int { bytes[4] == Layout.none ? -1 : Int(bytes[4]) }
  private func at(_ loop: Int) -> Int { Layout.header + loop * (2 + operands) }
  func level(_ loop: Int) -> Int { Int(bytes[at(loop)]) }
  func unrolled(_ loop: Int) -> Int { Int(bytes[at(loop) + 1]) }
  func stride(_ operand: Int, _ loop: Int) -> StrideClass { StrideClass(rawValue: bytes[at(loop) + 2 + operand])! }
}

/// Where things lie in the array of 64-bit words that machine code receives.
///
/// Word 0: address of the table of math functions.  Then extents per loop, operand addresses (inputs, outputs) and counter bases,
/// strides per operand and loop (bytes; elements for counters), scalars (two words each).
struct ArgumentWords {
  let loops: Int
  let operands: Int
  let scalars: Int

  static let mathTable = 0
  func extent(_ loop: Int) -> Int { 1 + loop }
  func base(_ operand: Int) -> Int { 1 + loops + operand }
  func stride(_ operand: Int, _ loop: Int) -> Int { 1 + loops + operands + operand * loops + loop }
  func scalar(_ s: Int) -> Int { 1 + loops + operands + operands * loops + 2 * s }
  var count: Int { scalar(scalars) }
}

/// One call of a kernel: sizes, addresses, strides and scalars.  Reusable, so that a caller need not allocate per call.
package struct KernelArguments {
  /// Per axis of the kernel.
  package var extents: [Int]
  /// Addresses of the elements at index 0.
  package var inputs: [UnsafeMutableRawPointer]
  package var outputs: [UnsafeMutableRawPointer]
  /// In bytes, operand-major, one per axis.
  package var inputStrides: [Int]
  package var outputStrides: [Int]
  /// Element index at index 0 per counter.
  package var counterBase: [Int]
  /// In elements, counter-major, one per axis.
  package var counterStrides: [Int]
  package var scalars: [Scalar]
  /// Stores past the caches: for outputs that will not be read soon.
  package var streamOutputs: Bool
  /// Inputs are larger than caches: reductions ask for memory ahead of their loads.  What is in a cache is read faster without.
  package var readAhead: Bool

  package init(
    extents: [Int] = [], inputs: [UnsafeMutableRawPointer] = [], outputs: [UnsafeMutableRawPointer] = [], inputStrides: [Int] = [],
    outputStrides: [Int] = [], counterBase: [Int] = [], counterStrides: [Int] = [], scalars: [Scalar] = [], streamOutputs: Bool = false,
    readAhead: Bool = true
  ) {
    self.extents = extents
    self.inputs = inputs
    self.outputs = outputs
    self.inputStrides = inputStrides
    self.outputStrides = outputStrides
    self.counterBase = counterBase
    self.counterStrides = counterStrides
    self.scalars = scalars
    self.streamOutputs = streamOutputs
    self.readAhead = readAhead
  }
}

/// Facts of a spec that every call needs.
struct SpecFacts: Sendable {
  let spec: KernelSpec
  /// Per axis: the level that reduces it; the last level for axes that are never reduced.
  let axisLevel: [Int]
  /// Item sizes of inputs and outputs, 1 for counters.
  let itemSizes: [Int]
  /// Outputs: level; inputs and counters: 0.
  let operandLevel: [Int]
  let inputCount: Int
  let outputCount: Int
  let counterCount: Int
  /// Philox words of 32 bits directly of a counter: lanes come in groups of 32 instead of 16.
  let philoxGroup: Int
  /// Rough number of vector instructions per element.
  let weight: Int
  /// 1 << l: combining an element twice changes nothing in level l.
  let idempotent: Int
  /// Per level: the counter whose element is the index of all its arg reductions; -1 if there is no such counter.
  let argCounter: [Int]
  /// Bytes per column that every row changes in a reduction of level 0 over rows.
  let columnBytes: Int

  var operands: Int { inputCount + outputCount + counterCount }
  var lastLevel: Int { spec.levels.count - 1 }

  init(_ spec: KernelSpec) {
    self.spec = spec
    let last = spec.levels.count - 1
    var level = [Int](repeating: last, count: spec.axisCount)
    for (l, k) in spec.levels.enumerated() { for a in k.reducedAxes { level[a] = l } }
    axisLevel = level
    itemSizes = spec.inputs.map(\.itemSize) + spec.outputs.map(\.dtype.itemSize) + [Int](repeating: 1, count: spec.counterCount)
    operandLevel = spec.inputs.map { _ in 0 } + spec.outputs.map(\.level) + [Int](repeating: 0, count: spec.counterCount)
    inputCount = spec.inputs.count
    outputCount = spec.outputs.count
    counterCount = spec.counterCount
    var group = 0
    var weight = 0
    for k in spec.levels {
      for i in k.program.insts {
        switch i.op {
        case .philox:
          weight += 60
          if k.program.insts[Int(i.a)].op == .element { group = Swift.max(group, i.type == .uint32 ? 32 : 16) }
        case .input, .constant, .scalar, .element, .reduced: break
        case .exp, .exp2, .expm1, .log, .log2, .log10, .log1p, .sin, .cos, .tanh, .sinh, .cosh, .asinh, .acosh, .atanh: weight += 25
        case .tan, .asin, .acos, .atan, .cbrt, .pow, .atan2, .hypot: weight += 40
        case .floorDiv, .mod, .fmod: weight += 10
        default: weight += 1
        }
      }
    }
    philoxGroup = group
    var idempotent = 0
    for (l, k) in spec.levels.enumerated() where group == 0 && weight < Emitter.heavy && !k.reducers.isEmpty {
      let all = k.reducers.allSatisfy { r in
        switch r.kind {
        case .min, .max, .fmin, .fmax, .and, .or, .argmin, .argmax: true
        case .sum, .prod, .xor: false
        }
      }
      if all { idempotent |= 1 << l }
    }
    self.idempotent = idempotent
    argCounter = spec.levels.map { level in
      let sources = Set(level.reducers.filter { $0.stateCount == 2 }.map { level.program.insts[Int($0.index)] })
      guard sources.count == 1, let i = sources.first, i.op == .element else { return -1 }
      return Int(i.imm)
    }
    self.weight = weight
    columnBytes =
      spec.levels[0].reducers.map { r in
        let d = spec.levels[0].program.insts[Int(r.value)].type
        switch r.kind {
        case .argmin, .argmax: return d.itemSize + 8
        // A float has a NaN beside it.
        case .min, .max: return d.isFloating ? 2 * d.itemSize : d.itemSize
        case .sum, .prod, .fmin, .fmax, .and, .or, .xor: return d.itemSize
        }
      }.reduce(0, +)
  }
}
