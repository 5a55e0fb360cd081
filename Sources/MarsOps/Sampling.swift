import MarsBase
import MarsGraph
import MarsNumerics

/// Orders and samples drawn at random.
enum Sampling {
  private static let source = [
    AttrDef("seed", .scalar, "the key, a uint64: an integer seed as it is, other entropy as its hash"),
    AttrDef("stream", .int, default: .int(0), "stream number, 0 to 2**32 - 1"),
  ]
  private static let axis = AttrDef("axis", .int, default: .int(0), "the axis")
  private static let sampleAttributes: [String: AttrValue] = ["seed": .scalar(Scalar(dtype: .uint64, low: 0x1234_5678_9ABC_DEF0))]

  /// Numbers of the call's stream.
  private static func draw(_ c: OpContext, _ op: OpDef, _ size: [Int], _ operands: [Operand] = []) throws(MarsError) -> Value {
    Value(try op.apply(operands, [("seed", c["seed"]), ("stream", c["stream"]), ("size", .ints(size))]))
  }

  /// What is drawn from: slices of a tensor along an axis, or, for a number, the integers below it.
  private struct Population {
    /// nil for integers: a position is the element, and they need not be listed.
    let x: Value?
    let axis: Int
    let count: Int

    init(_ c: OpContext, _ v: Value) throws(MarsError) {
      axis = try c.normalisedAxis(c.int("axis"), rank: Swift.max(1, v.type.rank))
      if v.type.rank > 0 {
        guard v.type.shape[axis] != unknownExtent else { throw c.unknownExtents("\(c.op.name) needs a known extent") }
        (x, count) = (v, v.type.shape[axis])
        return
      }
      guard let n = v.constant?.asInt ?? v.numbers?.first.flatMap({ Int(exactly: $0) }) else {
        throw c.error(.value, "\(c.op.inputs[0].name) must be a tensor of one axis or more, or an integer")
      }
      guard n >= 0 else { throw c.error(.value, "\(c.op.inputs[0].name) must be a non-negative integer") }
      (x, count) = (nil, n)
    }

    func taken(_ index: Value) throws(MarsError) -> Value {
      guard let x else { return try index.cast(.int64) }
      return try x.op(Masks.take, index, with: ["axis": .int(axis)])
    }
  }

  static let permutation = OpDef(
    "permutation", inputs: [InputDef("x", "a tensor, or a number: the integers below it")], attributes: [axis] + source,
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let population = try Population(c, v[0])
      // The order of random keys; keys of 64 bits are practically never equal.
      let order = try draw(c, Random.words, [population.count]).op(Sorting.argsort)
      return [try population.taken(order)]
    }, cost: Cost(perElement: 70),
    doc: OpDoc(
      "The slices along an axis in random order.", details: "The order of random keys, so that it does not depend on chunks.",
      numpy: "numpy.random.Generator.permutation", example: "mt.random.permutation([1, 2, 3]).sum()"),
    exposure: Exposure(namespace: "random"),
    samples: [
      Sample([[5]], .all, attributes: sampleAttributes), Sample([[3, 4]], attributes: sampleAttributes.merging(["axis": .int(1)]) { $1 }),
    ])

  /// Refuses what are no probabilities, of which `needed` must not be 0.
  private static func check(_ c: OpContext, _ p: ArrayView, tolerance: Double, needed: Int) throws(MarsError) {
    guard let found = Lanes.summary(p) else { return }
    if found.sum.isNaN { throw c.error(.value, "Probabilities contain NaN") }
    if found.hasNegative { throw c.error(.value, "Probabilities are not non-negative") }
    guard Swift.abs(found.sum - 1) <= tolerance else {
      throw c.error(.value, "Probabilities do not sum to 1. See Notes section of docstring for more information.")
    }
    guard found.nonZero >= needed else { throw c.error(.value, "Fewer non-zero entries in p than size") }
  }

  private static let checkedProbabilities = NativeOp(
    OpDef(
      "check_probabilities", inputs: [InputDef("p", "float64, 1-d")],
      attributes: [
        AttrDef("tolerance", .float, "how far the sum may be from 1"), AttrDef("needed", .int, "how many of them must not be 0"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .float64 && c.inputs[0].rank == 1 else { throw c.error(.value, "p must be 1-dimensional") }
        return [c.inputs[0]]
      }, body: .native(NativeRule(.access { _ in [[.whole]] }, wholeOutputAxes: { _ in [0] })),
      doc: OpDoc("Probabilities that are some.", example: "mt.random.choice(2, size=3, p=[0.5, 0.5]) < 2"), exposure: .hidden,
      samples: [Sample([[4]], attributes: ["tolerance": .float(0), "needed": .int(-1)])])
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    // Fewer than none are needed of any numbers: for the laws.
    if c.int("needed") >= 0 { try check(c, call.inputs[0], tolerance: c.float("tolerance"), needed: c.int("needed")) }
    StridedCopy.copy(from: call.inputs[0], to: call.outputs[0])
  }

  /// Probabilities as float64; checked at once where they are at hand, else when they have been computed.
  private static func probabilities(_ c: OpContext, _ p: Value, needed: Int) throws(MarsError) -> Value {
    // As NumPy: half of the digits of the dtype.
    let epsilon = p.type.dtype == .float32 ? Double(Float.ulpOfOne) : p.type.dtype == .float16 ? 0x1p-10 : Double.ulpOfOne
    let tolerance = epsilon.squareRoot()
    if case .leaf(.data) = p.node.op.body, case .dense(let array) = p.node.payload, Lanes.summary(array.view) != nil {
      try check(c, array.view, tolerance: tolerance, needed: needed)
      return try p.cast(.float64)
    }
    return try p.cast(.float64).op(checkedProbabilities.def, with: ["tolerance": .float(tolerance), "needed": .int(needed)])
  }

  static let choice = OpDef(
    "choice",
    inputs: [
      InputDef("a", "a tensor, or a number: the integers below it"),
      InputDef("p", optional: true, "probabilities of the slices, which sum to 1"),
    ],
    attributes: [
      AttrDef("size", .ints, default: AttrValue.none, "extents; None: one slice"),
      AttrDef("replace", .bool, default: .bool(true), "whether a slice may be drawn more than once"), axis,
    ] + source, typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let population = try Population(c, v[0])
      let n = population.count
      let size = c.optionalInts("size") == nil ? [] : try c.shape("size")
      let count = try c.product(size, "size \(Shape.text(size))")
      guard n > 0 || count == 0 else { throw c.error(.value, "a cannot be empty unless no samples are taken") }
      guard v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("choice needs known extents") }
      guard v.count == 1 || v[1].type.shape == [n] else { throw c.error(.value, "a and p must have same size") }
      let p = try v.count > 1 ? probabilities(c, v[1], needed: c.bool("replace") ? 0 : count) : nil
      var index: Value
      if c.bool("replace") {
        if let p, n > 0 {
          let sums = try p.op(Scans.cumsum)
          let shares = try sums.op(Arithmetic.divide, try sums.sliced(axis: 0, start: n - 1, count: 1))
          index = try shares.op(Sorting.searchsorted, try draw(c, Random.random, size), with: ["side": .string("right")])
          index = try index.op(Comparison.minimum, weak: Scalar(Int64(n - 1)))
        } else {
          let bounds: [Operand] = [.weak(Scalar(Int64(0))), .weak(Scalar(Int64(Swift.max(1, n))))]
          index = try draw(c, Random.integers, size, bounds)
        }
      } else {
        guard count <= n else { throw c.error(.value, "Cannot take a larger sample than population when replace is False") }
        // With probabilities: the smallest of exponential times divided by them (Efraimidis, Spirakis 2006).
        let keys: Value
        if let p {
          keys = try draw(c, Random.standardExponential, [n]).op(Arithmetic.divide, p)
        } else {
          keys = try draw(c, Random.words, [n])
        }
        index = try keys.op(Sorting.argsort).sliced(axis: 0, start: 0, count: count).reshaped(size)
      }
      return [try population.taken(index)]
    }, cost: Cost(perElement: 70),
    doc: OpDoc(
      "Slices along an axis drawn at random.", numpy: "numpy.random.Generator.choice",
      example: "mt.random.choice([1, 2, 3], size=5) < 4"),
    exposure: Exposure(namespace: "random"),
    samples: [
      Sample([[5]], .all, attributes: sampleAttributes.merging(["size": .ints([3, 2])]) { $1 }),
      Sample([[5, 2]], attributes: sampleAttributes.merging(["size": .ints([4]), "replace": .bool(false)]) { $1 }),
    ])

  static let family = OpFamily([permutation, choice], natives: [checkedProbabilities])
}
