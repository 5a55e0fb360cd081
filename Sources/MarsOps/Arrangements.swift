import MarsBase
import MarsGraph

/// Functions of vectors and axes that are compositions of others.
enum Arrangements {
  static let rollaxis = OpDef(
    "rollaxis", inputs: [InputDef("a")],
    attributes: [AttrDef("axis", .int, "the axis to move"), AttrDef("start", .int, default: .int(0), "before which axis it goes")],
    typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let rank = v[0].type.rank
      let from = try c.normalisedAxis(c.int("axis"), rank: rank)
      var to = c.int("start")
      guard to >= -rank && to <= rank else {
        throw c.error(.axis, "'start' arg requires \(-rank) <= start < \(rank + 1), but \(to) was passed in")
      }
      to = to < 0 ? to + rank : to
      if from < to { to -= 1 }
      return [try v[0].op(Shapes.moveaxis, with: ["source": .ints([from]), "destination": .ints([to])])]
    },
    doc: OpDoc("Moves one axis before another.", details: "A view.", numpy: "numpy.rollaxis", example: "mt.rollaxis([[[1, 2]]], 2).shape"),
    samples: [Sample([[2, 3, 4]], attributes: ["axis": .int(2)]), Sample([[2, 3, 4]], attributes: ["axis": .int(0), "start": .int(-1)])])

  static let cross = OpDef(
    "cross", inputs: [InputDef("a"), InputDef("b")],
    attributes: [
      AttrDef("axisa", .int, default: .int(-1), "the axis of a's vectors"),
      AttrDef("axisb", .int, default: .int(-1), "the axis of b's vectors"),
      AttrDef("axisc", .int, default: .int(-1), "the axis of the result's vectors"),
      AttrDef("axis", .int, default: AttrValue.none, "the axis of all vectors"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank > 0 && v[1].type.rank > 0 else { throw c.error(.value, "At least one array has zero dimension") }
      func parts(_ x: Value, _ name: String) throws(MarsError) -> [Value] {
        let k = try c.normalisedAxis(c.optionalInt("axis") ?? c.int(name), rank: x.type.rank)
        let n = x.type.shape[k]
        guard n == 2 || n == 3 else {
          throw c.error(.value, "incompatible dimensions for cross product\n(dimension must be 2 or 3)")
        }
        var out: [Value] = []
        for i in 0..<n {
          let shape = x.type.shape.indices.filter { $0 != k }.map { x.type.shape[$0] }
          out.append(try x.sliced(axis: k, start: i, count: 1).reshaped(shape))
        }
        return out
      }
      guard v[0].type.isKnown && v[1].type.isKnown else { throw c.unknownExtents("cross needs known extents") }
      let (a, b) = (try parts(v[0], "axisa"), try parts(v[1], "axisb"))
      func times(_ x: Value, _ y: Value) throws(MarsError) -> Value { try x.op(Arithmetic.multiply, y) }
      func minus(_ x: Value, _ y: Value) throws(MarsError) -> Value { try x.op(Arithmetic.subtract, y) }
      let third = try minus(try times(a[0], b[1]), try times(a[1], b[0]))
      if a.count == 2 && b.count == 2 { return [third] }
      // A vector of two components lies in the plane of the first two axes.
      let first: Value
      let second: Value
      if a.count == 2 {
        (first, second) = (try times(a[1], b[2]), try times(a[0], b[2]).op(Arithmetic.negative))
      } else if b.count == 2 {
        (first, second) = (try times(a[2], b[1]).op(Arithmetic.negative), try times(a[2], b[0]))
      } else {
        first = try minus(try times(a[1], b[2]), try times(a[2], b[1]))
        second = try minus(try times(a[2], b[0]), try times(a[0], b[2]))
      }
      let k = try c.normalisedAxis(c.optionalInt("axis") ?? c.int("axisc"), rank: third.type.rank + 1)
      return [Value(try Joining.stack.apply([first, second, third].map { .value($0) }, [("axis", .int(k))]))]
    },
    doc: OpDoc(
      "The cross product of vectors.",
      details: "Vectors of 3 components, or 2, which lie along axes that are named; the other axes broadcast.", numpy: "numpy.cross",
      example: "mt.cross([1, 2, 3], [4, 5, 6])"),
    samples: [
      Sample([[4, 3], [3]], [.integer, .floating]), Sample([[2, 4], [4, 3]], attributes: ["axisa": .int(0)]), Sample([[5, 2], [5, 2]]),
    ])

  static let vander = OpDef(
    "vander", inputs: [InputDef("x")],
    attributes: [
      AttrDef("N", .int, default: AttrValue.none, role: .extent, "the number of columns; None: as many as rows"),
      AttrDef("increasing", .bool, default: .bool(false), "whether powers grow from column to column"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "x must be a one-dimensional array or sequence.") }
      guard v[0].type.isKnown else { throw c.unknownExtents("vander needs known extents") }
      let n = c.optionalInt("N") ?? v[0].type.shape[0]
      guard n >= 0 else { throw c.error(.value, "negative dimensions are not allowed") }
      let given = v[0].type.dtype
      // As NumPy: integers at least as wide as its own.
      let d = Promotion.common(given, .int64)
      let x = try v[0].cast(d).expanded(at: [1])
      let ones = Value(try Creation.ones.apply([], [("shape", .ints([v[0].type.shape[0], Swift.min(n, 1)])), ("dtype", .dtype(d))]))
      var r = ones
      if n > 1 {
        let powers = try x.broadcast(to: [v[0].type.shape[0], n - 1]).op(Scans.cumprod, with: ["axis": .int(1), "dtype": .dtype(d)])
        r = Value(try Joining.concatenate.apply([.value(ones), .value(powers)], [("axis", .int(1))]))
      }
      return [c.bool("increasing") ? r : try r.op(Shapes.flip, with: ["axis": .ints([1])])]
    }, cost: Cost(perElement: 4),
    doc: OpDoc(
      "A matrix of powers.", details: "As many rows as x has elements, N columns (None: as many); powers descend unless increasing is set.",
      numpy: "numpy.vander", example: "mt.vander([1, 2, 3])"),
    samples: [
      Sample([[4]], [.integer, .floating]), Sample([[4]], attributes: ["N": .int(3), "increasing": .bool(true)]),
      Sample([[4]], attributes: ["N": .int(0)]),
    ])

  static let polyval = OpDef(
    "polyval", inputs: [InputDef("p", "coefficients, that of the highest power first"), InputDef("x")], typing: .fromExpansion,
    takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v[0].type.rank == 1 else { throw c.error(.value, "p must be a vector") }
      guard v[0].type.isKnown else { throw c.unknownExtents("polyval needs a known number of coefficients") }
      // Each is a step of the graph.
      guard v[0].type.shape[0] <= 1 << 16 else { throw c.error(.unsupported, "polyval takes at most 65536 coefficients") }
      var r = try v[1].op(Creation.zerosLike)
      for i in 0..<v[0].type.shape[0] {
        r = try r.op(Arithmetic.multiply, v[1]).op(Arithmetic.add, try v[0].sliced(axis: 0, start: i, count: 1).reshaped([]))
      }
      return [r]
    }, cost: Cost(perElement: 8),
    doc: OpDoc(
      "The values of a polynomial.", details: "Of the shape of x.  p are the coefficients, that of the highest power first.",
      numpy: "numpy.polyval", example: "mt.polyval([3, 0, 1], 5)"),
    samples: [Sample([[3], [2, 4]], [.integer, .floating]), Sample([[0], [3]])])

  static let sortComplex = OpDef(
    "sort_complex", inputs: [InputDef("a")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let d = v[0].type.dtype
      let isSmall = [.int8, .uint8, .int16, .uint16].contains(d)
      return [try v[0].op(Sorting.sort).cast(d.isComplex ? d : isSmall ? .complex64 : .complex128)]
    }, cost: Cost(perElement: 60),
    doc: OpDoc(
      "A sorted copy as complex values.",
      details:
        "Integers of 8 and 16 bits give complex64, other real dtypes complex128.  By real part, then imaginary part.",
      numpy: "numpy.sort_complex", example: "mt.sort_complex([3, 1, 2])"),
    samples: [Sample([[3, 4]], .numeric)])

  /// A mask that leaves out what comes before the first, and after the last, that is set.
  private static func trimmed(_ isSet: Value, _ ends: String) throws(MarsError) -> Value {
    let marks = try isSet.cast(.uint8)
    var kept: Value?
    if ends.contains("f") { kept = try Scans.runningMax(marks) }
    if ends.contains("b") {
      let back = try Scans.runningMax(try marks.op(Shapes.flip)).op(Shapes.flip)
      kept = if let kept { try kept.op(Arithmetic.multiply, back) } else { back }
    }
    return try (kept ?? marks).cast(.bool)
  }

  static let trimZeros = OpDef(
    "trim_zeros", inputs: [InputDef("filt")],
    attributes: [
      AttrDef("trim", .string, default: .string("fb"), "where to trim: 'f' in front, 'b' at the back"),
      AttrDef("axis", .ints, default: AttrValue.none, since: 2, "the axes to trim; None: all"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let ends = c.string("trim").lowercased()
      guard ["f", "b", "fb", "bf"].contains(ends) else {
        throw c.error(.value, "unexpected character(s) in `trim`: '\(c.string("trim"))'")
      }
      var x = v[0]
      let rank = x.type.rank
      let isSet = try x.cast(.bool)
      for k in try c.normalisedAxes(c.optionalInts("axis") ?? Array(0..<rank), rank: rank) {
        let others = (0..<rank).filter { $0 != k }
        let line = others.isEmpty ? isSet : try isSet.op(Reductions.any, with: ["axis": .ints(others)])
        x = try x.op(Masks.booleanMask, try trimmed(line, ends), with: ["axis": .int(k)])
      }
      return [x]
    },
    doc: OpDoc(
      "A tensor without the slices of zeros at its ends.", details: "How many elements are left is known when it has run.",
      numpy: "numpy.trim_zeros", example: "mt.trim_zeros([0, 1, 0, 2, 0])"),
    samples: [
      Sample([[7]], .all), Sample([[0]]), Sample([[7]], attributes: ["trim": .string("b")]), Sample([[3, 4]], .all),
      Sample([[3, 4]], attributes: ["axis": .ints([1])]),
    ])

  static let slidingWindows = OpDef(
    "sliding_window_view", inputs: [InputDef("x")],
    attributes: [
      AttrDef("window_shape", .ints, "extents of the windows"), AttrDef("axis", .ints, default: AttrValue.none, "their axes; None: all"),
    ], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      var x = v[0]
      guard x.type.isKnown else { throw c.unknownExtents("sliding_window_view needs known extents") }
      let window = c.ints("window_shape")
      guard window.allSatisfy({ $0 >= 0 }) else { throw c.error(.value, "`window_shape` cannot contain negative values") }
      var axes = Array(0..<x.type.rank)
      if let given = c.optionalInts("axis") {
        axes = []
        for a in given { axes.append(try c.normalisedAxis(a, rank: x.type.rank)) }
        guard axes.count == window.count else {
          throw c.error(
            .value,
            "Must provide matching length window_shape and axis; got \(window.count) window_shape elements and \(axes.count) axes elements."
          )
        }
      } else if axes.count != window.count {
        throw c.error(
          .value,
          "Since axis is None, must provide window_shape for all dimensions of `x`; got \(window.count) window_shape elements and `x.ndim` is \(x.type.rank)."
        )
      }
      for (k, w) in zip(axes, window) {
        let n = x.type.shape[k]
        guard w <= n else { throw c.error(.value, "window shape cannot be larger than input array shape") }
        let first = Value(
          try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(try c.sum([n - w, 1], "the number of windows")))))]))
        let within = Value(try Creation.arange.apply([], [("stop", .scalar(Scalar(Int64(w))))]))
        let places = try first.expanded(at: [1]).op(Arithmetic.add, within)
        // An empty window has places beyond the end, and none of them is read.
        x = try x.op(Masks.take, places, with: ["axis": .int(k)])
        x = try x.op(Shapes.moveaxis, with: ["source": .ints([k + 1]), "destination": .ints([-1])])
      }
      return [x]
    }, cost: Cost(perElement: 4),
    doc: OpDoc(
      "Windows that slide along axes, as further axes.", details: "A copy, not a view.",
      numpy: "numpy.lib.stride_tricks.sliding_window_view",
      example: "mt.sliding_window_view([1, 2, 3, 4], [2])"),
    exposure: Exposure(signature: "x window_shape axis * subok=False writeable=False"),
    samples: [
      Sample([[6]], .all, attributes: ["window_shape": .ints([3])]), Sample([[4, 5]], attributes: ["window_shape": .ints([2, 3])]),
      Sample([[4, 5]], attributes: ["window_shape": .ints([2, 2]), "axis": .ints([1, 1])]),
    ])

  static let family = OpFamily([rollaxis, cross, vander, polyval, sortComplex, trimZeros, slidingWindows])
}
