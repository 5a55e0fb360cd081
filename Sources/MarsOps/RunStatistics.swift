import MarsBase
import MarsGraph
import MarsNumerics

/// Order statistics of an axis that is too long for one task: by counting.
///
/// Every run is counted by leading bits of its elements' order; from the sum follows which values of these bits hold the places looked for.
/// Their elements are counted by the next bits, until there are so few that one task can hold them, or no bits are left.  So elements are
/// read a few times, and nothing of their size is kept beside them.
enum RunStatistics {
  private static let run = AttrDef("run", .int, "elements that are counted together")
  private static let prefixes = AttrDef("prefixes", .ints, "leading bits of the elements that count, ascending, as 64-bit patterns")
  private static let shift = AttrDef("shift", .int, "bits behind those that are counted by")
  private static let digit = AttrDef("digit", .int, "how many bits elements are counted by")

  private static func checkSizes(_ c: OpContext, _ x: TensorType) throws(MarsError) {
    guard x.rank == 1, x.isKnown, !x.dtype.isComplex, x.shape[0] <= 1 << 48 else {
      throw c.error(.value, "\(c.op.name) takes vectors of real numbers of known extents")
    }
    let bits = DigitCounts.bits(x.dtype)
    guard (1...1 << 48).contains(c.int("run")), (0..<bits).contains(c.int("shift")), (1...16).contains(c.int("digit")),
      c.int("shift") + c.int("digit") <= bits,
      !c.ints("prefixes").isEmpty
    else { throw c.error(.value, "run, shift, digit and prefixes do not belong together") }
  }

  private static let count = NativeOp(
    OpDef(
      "digit_counts", inputs: [InputDef("x")], attributes: [run, prefixes, shift, digit],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        try checkSizes(c, c.inputs[0])
        let rows = c.inputs[0].shape[0].dividedRoundingUp(by: c.int("run"))
        return [TensorType(.int64, [rows, try c.product([c.ints("prefixes").count, 1 << c.int("digit")], "the counts") + 1])]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let (n, run) = (c.inputs[0].shape[0], c.int("run"))
            let lower = min(box.lower[0] * run, n)
            return [Box(lower: [lower], extents: [min(box.upper(0) * run, n) - lower])]
          }, wholeOutputAxes: { _ in [1] }, splits: { c in [0: AxisSplits(extent: c.outputs[0].shape[0], chunk: 1)] })),
      cost: Cost(perElement: 8), doc: OpDoc("Elements of every run counted by some bits of their order.", example: "mt.median([3, 1, 2])"),
      exposure: .hidden,
      samples: [
        Sample([[40]], [.integer, .floating], attributes: ["run": .int(7), "prefixes": .ints([0]), "shift": .int(4), "digit": .int(4)])
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    // Without elements there are no runs.
    if call.outputs[0].count == 0 { return }
    let row = call.outputs[0].dropping(axis: 0, at: 0)
    guard row.isContiguous else { throw c.error(.internal, "counts must be contiguous") }
    try DigitCounts.count(
      call.inputs[0], prefixes: c.ints("prefixes").map { UInt64(bitPattern: Int64($0)) }, shift: c.int("shift"), digit: c.int("digit"),
      into: row)
  }

  private static let within = NativeOp(
    OpDef(
      "elements_within", inputs: [InputDef("x")],
      attributes: [
        AttrDef("least", .ints, "where ranges of the order begin, ascending, as 64-bit patterns"), AttrDef("most", .ints, "their ends"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard c.inputs[0].rank == 1, !c.inputs[0].dtype.isComplex, c.ints("least").count == c.ints("most").count,
          zip(c.ints("least"), c.ints("most")).allSatisfy({ UInt(bitPattern: $0) <= UInt(bitPattern: $1) })
        else { throw c.error(.value, "elements_within takes a vector of real numbers, and ranges") }
        return [TensorType(c.inputs[0].dtype, [unknownExtent])]
      }, body: .native(NativeRule(.selecting(axis: 0))), cost: Cost(perElement: 4),
      doc: OpDoc("Elements that lie in ranges of the order.", example: "mt.median([3, 1, 2])"), exposure: .hidden,
      samples: [Sample([[40]], [.integer, .floating], attributes: ["least": .ints([3, 90]), "most": .ints([80, 120])])])
  ) { (call: inout NativeCall) throws(MarsError) in
    let ranges = zip(call.context.ints("least"), call.context.ints("most")).map {
      UInt64(bitPattern: Int64($0))...UInt64(bitPattern: Int64($1))
    }
    call.producedShape = [try DigitCounts.select(call.inputs[0], ranges: ranges, into: call.outputs[0])]
  }

  private static let named = NativeOp(
    OpDef(
      "elements_of_order", inputs: [],
      attributes: [AttrDef("ordinals", .ints, "positions in the order, as 64-bit patterns"), AttrDef("dtype", .dtype, "their dtype")],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard let d = c.dtype("dtype"), !d.isComplex else { throw c.error(.type, "dtype must be one of real numbers") }
        return [TensorType(d, [c.ints("ordinals").count])]
      }, body: .native(NativeRule(.access { _ in [] }, wholeOutputAxes: { _ in [0] })),
      doc: OpDoc("Elements by their place in the order of all that a dtype has.", example: "mt.median([3, 1, 2])"), exposure: .hidden,
      samples: [Sample([], attributes: ["ordinals": .ints([3, 120]), "dtype": .dtype(.float64)])])
  ) { (call: inout NativeCall) throws(MarsError) in
    try DigitCounts.elements(call.context.ints("ordinals").map { UInt64(bitPattern: Int64($0)) }, into: call.outputs[0])
  }

  /// Where the places lie once it is known how often the values of some bits come.
  private static let narrow = OpDef(
    "narrow_places",
    inputs: [InputDef("places", decides: true), InputDef("counts", decides: true, "summed digit_counts"), InputDef("x")],
    attributes: [
      run, prefixes, shift, digit, AttrDef("before", .ints, "elements before each of the prefixes"),
      AttrDef("most", .int, "elements that one task may hold"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      try checkSizes(c, c.inputs[2])
      guard c.inputs[0].rank == 1, c.inputs[0].isKnown, c.inputs[0].dtype == .int64, c.ints("before").count == c.ints("prefixes").count,
        c.ints("before").allSatisfy({ $0 >= 0 }), c.int("most") > 0, c.inputs[2].shape[0] > 0,
        c.inputs[1] == TensorType(.int64, [c.ints("prefixes").count << c.int("digit") + 1])
      else { throw c.error(.value, "places, counts and prefixes do not belong together") }
      return [TensorType(c.inputs[2].dtype, c.inputs[0].shape)]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let places = v[0].numbers, let counts = v[1].numbers else { return [] }
      let n = Double(v[2].type.shape[0])
      return [try found(c, v[0], places.map { Int(max(0, min(n - 1, $0))) }, counts.map { Int(max(0, min(n, $0))) }, v[2])]
    }, cost: Cost(perElement: 8), doc: OpDoc("Elements at places of what a sort would give.", example: "mt.median([3, 1, 2])"),
    exposure: .hidden)

  private static func found(
    _ c: OpContext, _ given: Value, _ wanted: [Int], _ counts: [Int], _ x: Value
  ) throws(MarsError) -> Value {
    let (n, digit, shift, d) = (x.type.shape[0], c.int("digit"), c.int("shift"), x.type.dtype)
    let numbers = n - (counts.last ?? 0)
    // Values of the counted bits in which places lie, and elements before them.
    var bins: [(prefix: UInt64, before: Int, count: Int)] = []
    for (p, prefix) in c.ints("prefixes").enumerated() {
      var before = c.ints("before")[p]
      for b in 0..<1 << digit {
        let count = counts[p << digit + b]
        if wanted.contains(where: { $0 < numbers && $0 >= before && $0 &- before < count }) {
          bins.append((UInt64(bitPattern: Int64(prefix)) << UInt64(digit) | UInt64(b), before, count))
        }
        before &+= count
      }
    }
    /// The bin of a place; none for places of NaNs.
    func bin(_ place: Int) -> Int? { bins.firstIndex { place >= $0.before && place &- $0.before < $0.count } }
    let total = bins.reduce(0) { $0 + $1.count }
    let ordinals = bins.map { Int(Int64(bitPattern: $0.prefix)) }
    if shift > 0 && total > c.int("most") {
      return try level(x, given, ordinals, bins.map(\.before), shift, run: c.int("run"), most: c.int("most"))
    }
    let elements: Value
    var positions: [Int?] = []
    if shift == 0 || bins.isEmpty {
      // Of one value each.
      elements = Value(try named.def.apply([], [("ordinals", .ints(ordinals)), ("dtype", .dtype(d))]))
      positions = wanted.map { bin($0) }
    } else {
      let least = bins.map { Int(Int64(bitPattern: $0.prefix << UInt64(shift))) }
      let most = bins.map { Int(Int64(bitPattern: $0.prefix << UInt64(shift) | (1 << UInt64(shift) - 1))) }
      let kept = Value(try within.def.apply([.value(x)], [("least", .ints(least)), ("most", .ints(most))]))
      var at: [Int] = []
      for place in wanted {
        guard let b = bin(place) else {
          positions.append(nil)
          continue
        }
        positions.append(at.count)
        at.append(bins[..<b].reduce(0) { $0 + $1.count } + place - bins[b].before)
      }
      elements = try kept.op(Quantiles.statistics.def, with: ["axis": .int(0), "at": .ints(at)])
    }
    let isWhole = positions == positions.indices.map { $0 } && elements.type.shape == [positions.count]
    if isWhole { return elements }
    let parts = try positions.map { p throws(MarsError) -> Value in
      guard let p else { return try Reductions.constant(Scalar(Double.nan), d).broadcast(to: [1]) }
      return try elements.sliced(axis: 0, start: p, count: 1)
    }
    return Value(try Joining.join.def.apply(parts.map { .value($0) }, [("axis", .int(0))]))
  }

  /// Counts by the next bits, of which `left` are not looked at yet, and what follows.
  private static func level(
    _ x: Value, _ places: Value, _ prefixes: [Int], _ before: [Int], _ left: Int, run: Int, most: Int
  ) throws(MarsError) -> Value {
    // The counts of all runs are small beside a run.
    let room = Int.bitWidth - 1 - prefixes.count.leadingZeroBitCount
    let digit = min(left, max(4, 12 - room))
    let given: [(String, AttrValue)] = [
      ("run", .int(run)), ("prefixes", .ints(prefixes)), ("shift", .int(left - digit)), ("digit", .int(digit)),
    ]
    let rows = Value(try count.def.apply([.value(x)], given))
    let sums = Value(try Reductions.sum.apply([.value(rows)], [("axis", .ints([0]))]))
    return Value(
      try narrow.apply(
        [.value(places), .value(sums), .value(x)], given + [("before", .ints(before)), ("most", .int(most))]))
  }

  /// The elements at places along `axis`; nothing where a task may hold a lane.
  static func divided(_ c: OpContext, _ v: [Value], axis: Int, _ limits: TaskLimits) throws(MarsError) -> [Value] {
    let (x, n) = (v[0], v[0].type.shape[axis])
    let item = x.type.dtype.itemSize
    guard x.type.count > 0 else { return [] }
    let run: Int
    if let chunk = limits.chunk {
      run = max(1, chunk / item)
      guard n > run && x.type.count / n <= 64 else { return [] }
    } else {
      // A lane and twice its size of scratch.
      guard n > limits.memory / 2 / (3 * item) else { return [] }
      run = max(1024, min(max(1 << 20, n / 512), limits.memory / 16 / item))
    }
    let places: Value
    if v.count > 1 {
      places = v[1]
    } else {
      let at = c.optionalInts("at") ?? []
      if at.isEmpty { return [] }
      places = try IndexLists.values(at)
    }
    guard places.type.shape[0] > 0 else { return [] }
    return [
      try LaneParts.each(x, axis: axis) { (lane: Value) throws(MarsError) -> Value in
        try level(lane, places, [0], [0], DigitCounts.bits(x.type.dtype), run: run, most: run)
      }
    ]
  }

  static let family = OpFamily([narrow], natives: [count, within, named])
}
