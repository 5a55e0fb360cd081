import MarsBase
import MarsGraph
import MarsNumerics

/// Sorting an axis that is too long for one task: run by run, and then stretch by stretch of the whole.
///
/// A run is sorted by one task, and lies in pieces.  From the first elements of all pieces follows which pieces hold the elements of each
/// stretch of the result (`RunWindows`); a task reads them, and merges as many elements as the stretch has.  So everything is read and
/// written twice, whatever the values, and every task takes a small part of the limit.  Which pieces a task reads is known once the samples
/// are: planning waits for them.
enum RunSorting {
  private static let run = AttrDef("run", .int, "elements that are sorted together")
  private static let piece = AttrDef("piece", .int, "elements of a piece, a part of a run")
  private static let stretch = AttrDef("stretch", .int, "elements of the whole that are merged together")

  private static func vector(_ c: OpContext, _ i: Int = 0) throws(MarsError) -> Int {
    guard c.inputs[i].rank == 1, c.inputs[i].isKnown, c.inputs[i].shape[0] <= most else {
      throw c.error(.value, "\(c.op.name) takes vectors of known extents, no longer than memory")
    }
    return c.inputs[i].shape[0]
  }
  /// More elements than any memory holds: products of two sizes may not overflow.
  private static let most = 1 << 48
  private static func checkSizes(_ c: OpContext, _ names: [String]) throws(MarsError) {
    for name in names where !(1...most).contains(c.int(name)) {
      throw c.error(.value, "\(name) must be positive, and no more than memory holds, but is \(c.int(name))")
    }
  }

  private static func runs(labelled: Bool) -> NativeOp {
    NativeOp(
      OpDef(
        labelled ? "sort_runs_labelled" : "sort_runs", inputs: [InputDef("a")], attributes: [run],
        outputs: labelled ? ["out", "labels"] : ["out"],
        typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
          let n = try vector(c)
          try checkSizes(c, ["run"])
          return labelled ? [c.inputs[0], TensorType(.int64, [n])] : [c.inputs[0]]
        },
        body: .native(
          NativeRule(
            .access { _ in [[.aligned(0)]] },
            splits: { c in [0: AxisSplits(extent: c.inputs[0].shape[0], chunk: c.int("run"))] },
            workspace: { c, box in Ordering.workspace(box.extents[0], rank: 1, c.inputs[0].dtype, indices: labelled) })),
        cost: Cost(perElement: 60),
        doc: OpDoc("Every run of a vector in order\(labelled ? ", and where its elements stood" : "").", example: "mt.sort([3, 1, 2])"),
        exposure: .hidden, samples: [Sample([[40]], .all, attributes: ["run": .int(6)]), Sample([[0]], attributes: ["run": .int(6)])])
    ) { (call: inout NativeCall) throws(MarsError) in
      if labelled {
        try Ordering.sortLabelled(
          call.inputs[0], into: call.outputs[0], labels: call.outputs[1], first: call.outputBox.lower[0], workspace: call.workspace)
      } else {
        try Ordering.sort(call.inputs[0], into: call.outputs[0], axis: 0, workspace: call.workspace)
      }
    }
  }
  private static let sortRuns = runs(labelled: false)
  private static let sortRunsLabelled = runs(labelled: true)

  /// Labels are cut beside their elements, while both are in memory: a run that was moved to disk is read as a whole for every piece.
  private static func pieces(labelled: Bool) -> NativeOp {
    NativeOp(
      OpDef(
        labelled ? "run_pieces_labelled" : "run_pieces", inputs: [InputDef("a")] + (labelled ? [InputDef("labels")] : []),
        attributes: [piece], outputs: labelled ? ["out", "labels"] : ["out"],
        typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
          let n = try vector(c)
          try checkSizes(c, ["piece"])
          guard !labelled || c.inputs[1] == TensorType(.int64, [n]) else { throw c.error(.value, "labels must be int64, one per element") }
          return c.inputs
        },
        body: .native(
          NativeRule(
            .access { c in c.inputs.map { _ in [.aligned(0)] } },
            splits: { c in [0: AxisSplits(extent: c.inputs[0].shape[0], chunk: c.int("piece"))] })),
        doc: OpDoc(
          "A vector\(labelled ? " and its labels" : "") in pieces, each of which can be read alone.", example: "mt.sort([3, 1, 2])"),
        exposure: .hidden,
        samples: labelled
          ? [Sample([[40], [40]], .all, fixed: [1: .int64], attributes: ["piece": .int(6)])]
          : [Sample([[40]], .all, attributes: ["piece": .int(6)])])
    ) { (call: inout NativeCall) throws(MarsError) in
      for (x, y) in zip(call.inputs, call.outputs) { StridedCopy.copy(from: x, to: y) }
    }
  }
  private static let cutRuns = pieces(labelled: false)
  private static let cutRunsLabelled = pieces(labelled: true)

  private static func windows(_ c: OpContext, count: Int) -> RunWindows {
    RunWindows(count: count, run: c.int("run"), piece: c.int("piece"), stretch: c.int("stretch"))
  }

  private static let findWindows = NativeOp(
    OpDef(
      "run_windows", inputs: [InputDef("samples", "the first element of every piece")],
      attributes: [AttrDef("count", .int, "elements of the vector"), run, piece, stretch],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let n = try vector(c)
        try checkSizes(c, ["run", "piece", "stretch", "count"])
        let w = windows(c, count: c.int("count"))
        guard c.int("run") % c.int("piece") == 0 && w.pieces == n else {
          throw c.error(.value, "a run must consist of pieces, and every piece have a sample")
        }
        return [TensorType(.int64, [w.stretches, 2, w.runs])]
      },
      body: .native(
        NativeRule(
          .access { _ in [[.whole]] }, wholeOutputAxes: { _ in [0, 1, 2] },
          workspace: { c, _ in
            let w = windows(c, count: c.int("count"))
            return RunWindows.workspace(samples: w.pieces, runs: w.runs, c.inputs[0].dtype)
          })),
      cost: Cost(perElement: 60), doc: OpDoc("The pieces of sorted runs that stretches of the whole need.", example: "mt.sort([3, 1, 2])"),
      exposure: .hidden,
      samples: [
        Sample([[20]], .all, attributes: ["count": .int(39), "run": .int(8), "piece": .int(2), "stretch": .int(10)])
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    try windows(call.context, count: call.context.int("count")).find(
      call.inputs[0], into: call.outputs[0], workspace: call.workspace)
  }

  private static let merge = NativeOp(
    OpDef(
      "merge_runs", inputs: [InputDef("runs", variadic: true, "the vector of runs once for every run; then its labels as often, or not")],
      attributes: [
        AttrDef("labelled", .bool, "whether labels are merged in place of elements"), run, piece, stretch,
        AttrDef("windows", .ints, "what run_windows found"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        guard let first = c.inputs.first else { throw c.error(.value, "there are no runs to be merged") }
        let n = try vector(c)
        try checkSizes(c, ["run", "piece", "stretch"])
        let w = windows(c, count: n)
        guard c.inputs.count == w.runs * (c.bool("labelled") ? 2 : 1), c.ints("windows").count == 2 * w.stretches * w.runs,
          c.inputs[..<w.runs].allSatisfy({ $0 == first }), c.inputs[w.runs...].allSatisfy({ $0 == TensorType(.int64, [n]) })
        else { throw c.error(.value, "runs, labels and windows do not belong together") }
        let perRun = Int64(c.int("run").dividedRoundingUp(by: c.int("piece")))
        guard c.ints("windows").allSatisfy({ $0 >= 0 && $0 <= perRun }) else { throw c.error(.value, "windows must lie in their runs") }
        return [c.bool("labelled") ? TensorType(.int64, [n]) : first]
      },
      body: .native(
        NativeRule(
          .boxes { c, box in
            let w = windows(c, count: c.inputs[0].shape[0])
            let bounds = pieces(c, w, at: box.lower[0])
            return c.inputs.indices.map { i in
              let r = i % w.runs
              let end = min((r + 1) * w.run, w.count)
              let lower = min(r * w.run + bounds.first[r] * w.piece, end)
              let upper = box.count == 0 ? lower : min(r * w.run + bounds.end[r] * w.piece, end)
              return upper <= lower ? Box(lower: [0], extents: [0]) : Box(lower: [lower], extents: [upper - lower])
            }
          }, splits: { c in [0: AxisSplits(extent: c.inputs[0].shape[0], chunk: c.int("stretch"))] },
          workspace: { c, box in RunMerge.workspace(box.extents[0], c.inputs[0].dtype, labelled: c.bool("labelled")) })),
      cost: Cost(perElement: 30), doc: OpDoc("Sorted runs of a vector as one.", example: "mt.sort([3, 1, 2])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    let w = windows(c, count: c.inputs[0].shape[0])
    // Elements before the windows come before the stretch.
    let skipped = pieces(c, w, at: call.outputBox.lower[0]).first.enumerated().reduce(0) { sum, x in
      sum + min(x.element * w.piece, min((x.offset + 1) * w.run, w.count) - x.offset * w.run)
    }
    try RunMerge.merge(
      Array(call.inputs[..<w.runs]), labels: Array(call.inputs[w.runs...]), first: call.outputBox.lower[0] - skipped,
      into: call.outputs[0], workspace: call.workspace)
  }

  /// For the stretch that holds `position`: of every run the first piece that is read, and the one behind the last.
  private static func pieces(_ c: OpContext, _ w: RunWindows, at position: Int) -> (first: [Int], end: [Int]) {
    let all = c.ints("windows")
    let k = min(position / w.stretch, w.stretches - 1) * 2 * w.runs
    return (Array(all[k..<k + w.runs]), Array(all[k + w.runs..<k + 2 * w.runs]))
  }

  private static let settle = OpDef(
    "sort_pieces",
    inputs: [
      InputDef("windows", decides: true, "what run_windows found"), InputDef("pieces"),
      InputDef("labels", optional: true, "merged in place of elements"),
    ], attributes: [run, piece, stretch],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let n = try vector(c, 1)
      try checkSizes(c, ["run", "piece", "stretch"])
      let w = windows(c, count: n)
      guard c.inputs[0] == TensorType(.int64, [w.stretches, 2, w.runs]) else { throw c.error(.value, "windows do not fit the runs") }
      guard c.inputs.count == 2 || c.inputs[2] == TensorType(.int64, c.inputs[1].shape) else {
        throw c.error(.value, "labels must be int64, one per element")
      }
      return [c.inputs[c.inputs.count - 1]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard let found = v[0].numbers else { return [] }
      let runs = windows(c, count: c.inputs[1].shape[0]).runs
      let all = v.dropFirst().flatMap { [Value](repeating: $0, count: runs) }
      return [
        Value(
          try merge.def.apply(
            all.map { .value($0) },
            [
              ("labelled", .bool(v.count > 2)), ("run", c["run"]), ("piece", c["piece"]), ("stretch", c["stretch"]),
              ("windows", .ints(found.map { Int(max(-1, min(0x1p53, $0))) })),
            ]))
      ]
    }, cost: Cost(perElement: 30), doc: OpDoc("Sorted runs in pieces as one.", example: "mt.sort([3, 1, 2])"), exposure: .hidden)

  // MARK: Sizes

  /// How a vector is cut.
  private struct Sizes {
    var run, piece, stretch: Int
    /// Whether tasks read runs as they are: all of them are in memory at the same time.
    var keepsRuns = false

    /// nil where one task may sort the whole axis: `lanes` of `n` elements of `bytes`, with labels of 8 bytes or without.
    init?(_ n: Int, lanes: Int, bytes: Int, labelled: Bool, _ limits: TaskLimits) {
      let each = bytes + (labelled ? 8 : 0)
      if let chunk = limits.chunk {
        run = max(1, chunk / each)
        guard n > run && lanes <= 64 else { return nil }
        stretch = run
        piece = max(1, run / max(16, n.dividedRoundingUp(by: run)))
      } else {
        // Input, output and scratch of a lane.
        let fits = n <= limits.memory / 2 / (2 * bytes + (labelled ? 16 : bytes))
        guard lanes > 0 && n > 1 && (!fits || (n >= RunSorting.long && lanes < RunSorting.fewLanes)) else { return nil }
        // Of very many runs pieces would be very short.
        // What fits is divided to keep workers busy.
        let even = fits ? min(RunSorting.longestRun, n.dividedRoundingUp(by: RunSorting.fewLanes)) : RunSorting.longestRun
        run = max(1024, min(max(even, n / 512), limits.memory / 16 / each))
        keepsRuns = n <= limits.memory / 8 / each
        stretch = min(run, max(1024, limits.memory / 48 / each))
        // A stretch is merged from pieces of about twice as many elements again, whatever the values; shorter ones are slow to move to disk.
        let runs = max(16, n.dividedRoundingUp(by: run))
        piece = max(1, min(run, RunSorting.leastPieceBytes / bytes, limits.memory / each / (10 * runs)), stretch / runs)
      }
      run = run.dividedRoundingUp(by: piece) * piece
    }
  }
  private static let longestRun = 1 << 20
  private static let leastPieceBytes = 4096
  /// From here on a single lane is sorted by many tasks, although it fits one.
  private static let long = 1 << 19
  /// Fewer lanes do not keep all workers busy.
  private static let fewLanes = 4

  /// Whether sorting an axis is divided.
  static func isDivided(_ x: Value, axis: Int, labelled: Bool, _ limits: TaskLimits) -> Bool {
    let n = x.type.shape[axis]
    return x.type.count > 0 && Sizes(n, lanes: x.type.count / n, bytes: x.type.dtype.itemSize, labelled: labelled, limits) != nil
  }

  /// The lanes of `x` along `axis` in order, or the indices that sort them; nothing where a task may hold a lane.
  static func divided(_ c: OpContext, _ x: Value, axis: Int, labelled: Bool, _ limits: TaskLimits) throws(MarsError) -> [Value] {
    let n = x.type.shape[axis]
    if x.type.count == 0 || n > most { return [] }
    let lanes = x.type.count / n
    guard let sizes = Sizes(n, lanes: lanes, bytes: x.type.dtype.itemSize, labelled: labelled, limits) else { return [] }
    return [try LaneParts.each(x, axis: axis) { (lane: Value) throws(MarsError) -> Value in try sorted(lane, sizes, labelled) }]
  }

  private static func sorted(_ x: Value, _ sizes: Sizes, _ labelled: Bool) throws(MarsError) -> Value {
    let n = x.type.shape[0]
    let given: [(String, AttrValue)] = [("run", .int(sizes.run)), ("piece", .int(sizes.piece)), ("stretch", .int(sizes.stretch))]
    let runs = try (labelled ? sortRunsLabelled : sortRuns).def.apply([.value(x)], [given[0]])
    let whole = runs.outputs.indices.map { Value(runs, $0) }
    let cut = try sizes.keepsRuns ? nil : (labelled ? cutRunsLabelled : cutRuns).def.apply(whole.map { .value($0) }, [given[1]])
    let parts = cut.map { node in whole.indices.map { Value(node, $0) } } ?? whole
    let samples = try parts[0].sliced(axis: 0, start: 0, step: sizes.piece, count: n.dividedRoundingUp(by: sizes.piece))
    let windows = Value(try findWindows.def.apply([.value(samples)], [("count", .int(n))] + given))
    return Value(try settle.apply(([windows] + parts).map { .value($0) }, given))
  }

  static let family = OpFamily([settle], natives: [sortRuns, sortRunsLabelled, cutRuns, cutRunsLabelled, findWindows, merge])
}
