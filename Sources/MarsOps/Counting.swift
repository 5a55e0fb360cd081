import MarsBase
import MarsGraph
import MarsNumerics

/// Counting non-negative integers: the extent of the result follows from the values.
enum Counting {
  private static let weights = InputDef("weights", optional: true, "what each element counts, as float64")
  private static func dtype(_ c: OpContext, weightsAt k: Int) -> DType { c.inputs.count > k ? .float64 : .int64 }

  /// A tensor without elements whose first extent is the number of bins: what a value says, planning learns by it.
  private static let extent = NativeOp(
    OpDef(
      "bincount_extent",
      inputs: [
        InputDef("base", "(1, 0)"), InputDef("least", "0-d int64: the smallest element"),
        InputDef("most", "0-d int64: the largest element"),
      ],
      attributes: [AttrDef("minlength", .int, "the least number of bins")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].shape == [1, 0], c.inputs.dropFirst().allSatisfy({ $0 == TensorType(.int64, []) }) else {
          throw c.error(.value, "bincount_extent takes a tensor without elements and two int64 numbers")
        }
        return [TensorType(c.inputs[0].dtype, [unknownExtent, 0])]
      },
      body: .native(NativeRule(.selecting(axis: 0), wholeOutputAxes: { _ in [0] })),
      doc: OpDoc("How many bins integers need.", example: "mt.bincount([1, 2])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    let (c, least, most) = (call.context, call.inputs[1].sumOfInt64(), call.inputs[2].sumOfInt64())
    guard least >= 0 else { throw c.error(.value, "'list' argument must have no negative elements") }
    guard most < Int.max else { throw c.error(.value, "array is too big: a bin for \(most)") }
    call.producedShape = [Swift.max(most + 1, c.int("minlength")), 0]
  }

  /// A tensor without elements of as many rows as bins are needed for integers from `least` to `most`, 0-d and int64.
  static func extent(least: Value, most: Value, minimum: Int = 0) throws(MarsError) -> Value {
    let base = Value(try Creation.zeros.apply([], [("shape", .ints([1, 0])), ("dtype", .dtype(.bool))]))
    return try base.op(extent.def, least, most, with: ["minlength": .int(minimum)])
  }

  static let count = NativeOp(
    OpDef(
      "bincount_bins", inputs: [InputDef("x", "int64, 1-d"), weights], attributes: [AttrDef("bins", .int, "how many there are")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].dtype == .int64, c.inputs[0].rank == 1, c.int("bins") >= 0,
          c.inputs.count == 1 || c.inputs[1] == TensorType(.float64, c.inputs[0].shape)
        else { throw c.error(.value, "bincount_bins takes an int64 vector, and a float64 weight for each element") }
        return [TensorType(dtype(c, weightsAt: 1), [c.int("bins")])]
      },
      body: .native(NativeRule(.access { c in c.inputs.map { _ in [.contracted(id: 0)] } }, accumulates: true)),
      cost: Cost(perElement: 4), doc: OpDoc("How often the number of each bin comes.", example: "mt.bincount([1, 2])"), exposure: .hidden,
      samples: [
        Sample([[7]], fixed: [0: .int64], attributes: ["bins": .int(40)]),
        Sample([[7], [7]], fixed: [0: .int64], attributes: ["bins": .int(2)]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    Bins.add(
      call.inputs[0], weights: call.inputs.count > 1 ? call.inputs[1] : nil, first: call.outputBox.lower[0], further: call.accumulate,
      to: call.outputs[0])
  }

  /// Counts once it is known how many bins there are.
  private static let ofExtent = OpDef(
    "bincount_counts", inputs: [InputDef("x", "int64, 1-d"), InputDef("extent", "without elements: its first extent counts"), weights],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[1].rank == 2 else { throw c.error(.value, "the extent must have two axes") }
      return [TensorType(dtype(c, weightsAt: 2), [c.inputs[1].shape[0]])]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let operands = [v[0]] + v.dropFirst(2)
      return [Value(try count.def.apply(operands.map { .value($0) }, [("bins", .int(v[1].type.shape[0]))]))]
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
      let bins = try extent(least: try x.op(Reductions.min), most: try x.op(Reductions.max), minimum: least)
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

  static let family = OpFamily([bincount, ofExtent], natives: [extent, count])
}
