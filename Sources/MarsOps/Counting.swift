import MarsBase
import MarsGraph
import MarsNumerics

/// Counting non-negative integers: the extent of the result follows from the values.
enum Counting {
  private static let weights = InputDef("weights", optional: true, "what each element counts, as float64 or int64")
  private static func dtype(_ c: OpContext, weightsAt k: Int) -> DType { c.inputs.count > k ? c.inputs[k].dtype : .int64 }

  /// A tensor without elements whose first extent is the number of bins: what a value says, planning learns by it.
  private static let extent = NativeOp(
    OpDef(
      "bincount_extent",
      inputs: [
        InputDef("base", "(1, 0)"),
        InputDef("most", "0-d uint64: the largest element of an int64 tensor whose negative ones count as 2**64 more"),
      ],
      attributes: [AttrDef("minlength", .int, "the least number of bins")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].shape == [1, 0], c.inputs[1] == TensorType(.uint64, []) else {
          throw c.error(.value, "bincount_extent takes a tensor without elements and a uint64 number")
        }
        return [TensorType(c.inputs[0].dtype, [unknownExtent, 0])]
      },
      body: .native(NativeRule(.selecting(axis: 0), wholeOutputAxes: { _ in [0] })),
      doc: OpDoc("How many bins integers need.", example: "mt.bincount([1, 2])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    let (c, most) = (call.context, call.inputs[1].sumOfInt64())
    guard most >= 0 else { throw c.error(.value, "'list' argument must have no negative elements") }
    guard most < Int.max else { throw c.error(.value, "array is too big: a bin for \(most)") }
    call.producedShape = [Swift.max(most + 1, c.int("minlength")), 0]
  }

  /// A tensor without elements of as many rows as bins are needed for integers up to `most`, 0-d and uint64, or for a number of `minimum`.
  static func extent(most: Value, minimum: Int = 0) throws(MarsError) -> Value {
    let base = Value(try Creation.zeros.apply([], [("shape", .ints([1, 0])), ("dtype", .dtype(.bool))]))
    return try base.op(extent.def, most, with: ["minlength": .int(minimum)])
  }

  private static let loop = NativeOp(
    OpDef(
      "bincount_bins", inputs: [InputDef("x", "int64, 1-d"), weights],
      attributes: [AttrDef("bins", .int, "how many there are"), AttrDef("first", .int, default: .int(0), "the number of the first")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .int64, c.inputs[0].rank == 1, c.int("bins") >= 0,
          c.inputs.count == 1 || c.inputs[1].shape == c.inputs[0].shape && [.float64, .int64].contains(c.inputs[1].dtype)
        else { throw c.error(.value, "bincount_bins takes an int64 vector, and a weight of float64 or int64 for each element") }
        return [TensorType(dtype(c, weightsAt: 1), [c.int("bins")])]
      },
      body: .native(
        NativeRule(
          .access { c in c.inputs.map { _ in [.contracted(id: 0)] } }, wholeOutputAxes: { _ in [0] }, accumulates: true,
          division: { (c: OpContext, v: [Value], limits: TaskLimits) throws(MarsError) -> [Value] in
            let (n, most) = (c.int("bins"), Swift.max(1, limits.memory / 64))
            // An eighth of the memory may go to two tasks; a thousand times as much is nowhere.
            guard n / 2 > most && n / most < 1000 else { return [] }
            let parts = try stride(from: 0, to: n, by: most).map { (i) throws(MarsError) -> Operand in
              .value(try bins(v[0], v.dropFirst().first, Swift.min(most, n - i), first: c.int("first") + i))
            }
            return [Value(try Joining.concatenate.apply(parts))]
          })), cost: Cost(perElement: 4),
      doc: OpDoc("How often the number of each bin comes.", example: "mt.bincount([1, 2])"), exposure: .hidden,
      samples: [
        Sample([[7]], fixed: [0: .int64], attributes: ["bins": .int(40)]),
        Sample([[7], [7]], fixed: [0: .int64], attributes: ["bins": .int(2), "first": .int(1)]),
        Sample([[7], [7]], fixed: [0: .int64, 1: .int64], attributes: ["bins": .int(40)]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    Bins.add(
      call.inputs[0], weights: call.inputs.count > 1 ? call.inputs[1] : nil, first: call.context.int("first"), further: call.accumulate,
      to: call.outputs[0])
  }

  private static func bins(_ x: Value, _ weights: Value?, _ count: Int, first: Int = 0) throws(MarsError) -> Value {
    let operands = [x] + (weights.map { [$0] } ?? [])
    return Value(try loop.def.apply(operands.map { .value($0) }, [("bins", .int(count)), ("first", .int(first))]))
  }

  /// Elements that one after the other are counted in at least; parts that go on beside one another have bins of their own.
  private static let shortestPart = 1 << 17
  private static let mostParts = 32

  /// How often 0, 1, ... come in x (int64, 1-d); or the sums of their weights (float64 or int64), in the order of the elements.
  static func counts(_ x: Value, weights: Value?, bins n: Int) throws(MarsError) -> Value {
    let length = x.type.shape[0]
    // Of no more memory together than a quarter of x.
    let parts = x.type.isKnown && weights == nil ? Swift.min(mostParts, length / shortestPart, length / 4 / Swift.max(n, 1)) : 1
    guard parts > 1 else { return try bins(x, weights, n) }
    let size = (length - 1) / parts + 1
    let found = try stride(from: 0, to: length, by: size).map { (i) throws(MarsError) -> Operand in
      .value(try bins(try x.sliced(axis: 0, start: i, count: Swift.min(size, length - i)), nil, n).expanded(at: [0]))
    }
    return try Value(try Joining.concatenate.apply(found)).op(Reductions.sum, with: ["axis": .ints([0]), "dtype": .dtype(.int64)])
  }

  /// Counts once it is known how many bins there are.
  private static let ofExtent = OpDef(
    "bincount_counts", inputs: [InputDef("x", "int64, 1-d"), InputDef("extent", "without elements: its first extent counts"), weights],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[0].dtype == .int64, c.inputs[0].rank == 1 else { throw c.error(.value, "bincount_counts takes an int64 vector") }
      guard c.inputs[1].rank == 2 else { throw c.error(.value, "the extent must have two axes") }
      return [TensorType(dtype(c, weightsAt: 2), [c.inputs[1].shape[0]])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      return [try counts(v[0], weights: v.count > 2 ? v[2] : nil, bins: v[1].type.shape[0])]
    }, cost: Cost(perElement: 4), doc: OpDoc("How often numbers come.", example: "mt.bincount([1, 2])"), exposure: .hidden)

  static let bincount = OpDef(
    "bincount", inputs: [InputDef("x", "integers, none of them negative"), weights],
    attributes: [AttrDef("minlength", .int, default: .int(0), role: .extent, "the least extent of the result")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let x = c.inputs[0]
      guard x.rank == 1 else {
        throw c.error(.value, x.rank == 0 ? "object of too small depth for desired array" : "object too deep for desired array")
      }
      guard c.int("minlength") >= 0 else { throw c.error(.value, "'minlength' must not be negative") }
      // A list without elements has no dtype of its own.
      guard x.dtype.kind < .floating || x.shape[0] == 0 else { throw c.cannotCast(x.dtype, .int64) }
      guard c.inputs.count > 1 else { return [TensorType(.int64, [unknownExtent])] }
      let w = c.inputs[1]
      guard w.rank == 1 else {
        throw c.error(.value, w.rank == 0 ? "object of too small depth for desired array" : "object too deep for desired array")
      }
      guard Casting.safe.allows(w.dtype, .float64) else { throw c.cannotCast(w.dtype, .float64) }
      guard Set([x.shape[0], w.shape[0], unknownExtent]).count < 3 else {
        throw c.error(.value, "The weights and list don't have the same length.")
      }
      return [TensorType(.float64, [unknownExtent])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let x = try v[0].cast(.int64)
      let least = c.int("minlength")
      if x.type.count == 0 {
        return [Value(try Creation.zeros.apply([], [("shape", .ints([least])), ("dtype", .dtype(v.count > 1 ? .float64 : .int64))]))]
      }
      // One pass for both ends: as unsigned numbers negative ones are the largest.
      let bins = try extent(most: try x.cast(.uint64).op(Reductions.max), minimum: least)
      let operands = try [x, bins] + v.dropFirst().map { w throws(MarsError) in try w.cast(.float64) }
      return [Value(try ofExtent.apply(operands.map { .value($0) }))]
    }, cost: Cost(perElement: 6),
    doc: OpDoc(
      "How often each of 0, 1, 2, ... comes, or the sum of the weights where it comes.",
      details: "The extent is one more than the largest element, or minlength; it is known when it has run.", numpy: "numpy.bincount",
      example: "mt.bincount([1, 3, 1])"), exposure: Exposure(signature: "x / weights minlength"),
    samples: [
      Sample([[7]], [.unsigned], attributes: ["minlength": .int(4)]), Sample([[7], [7]], fixed: [0: .uint8]),
      Sample([[5]], fixed: [0: .bool]), Sample([[0]], .all, attributes: ["minlength": .int(3)]),
    ])

  static let family = OpFamily([bincount, ofExtent], natives: [extent, loop])
}
