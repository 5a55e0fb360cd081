import MarsBase
import MarsGraph

/// What each value is used for, and which values become tensors in memory.
struct Demand {
  /// Uses of output 0.. of a vertex by other operators, views seen through.
  struct Uses {
    var count = 0
    var isResult = false
    var byNative = false
    /// Some use reads elements more than once (broadcast) outside of a view's identity.
    var isBroadcast = false
    /// The one use, if there is one.
    var user: Int32 = -1
    /// Used as the operand of a contraction: square chunks suit it better than rows.
    var prefersBlocks = false
    /// Axes that some user reads whole, lane by lane, and takes long for: chunks had better lie across few lanes.
    var laneAxes: Set<Int> = []
  }
  /// Per vertex, per output.
  var uses: [[Uses]]
  /// Per vertex: whether outputs are tensors in memory (and not merely expressions inside their users' kernels).
  var isMaterialised: [Bool]
  /// Per vertex: operations that computing an element inside a user's kernel repeats.
  var inlineCost: [Double]
  /// Per vertex: expressions that computing an element inside a user's kernel writes out, the vertex's own included.
  private var nested: [Int]
  /// Per view: the first tensor, or value that is no view, behind it, with the map from the view's index space.
  private var shown: [Vertex.Behind?]
  /// Per vertex: whether an expression inside users' kernels holds a fused reduction, so that it may only be read element by element.
  private var holdsReduction: [Bool]
  /// Per vertex: whether some extent, of it or of what it is made from, or a value that it waits for, is not known in this part.
  var isDeferred: [Bool]

  /// Expressions larger than this are cut: kernels stay small enough to compile quickly.
  static let largestInline = 48.0
  /// Expressions nested deeper are cut, whatever they cost: writing them out recurses, and graphs are deep.
  static let mostNested = 48
  /// A native operator that costs more than this per element is cut by what it reads, not only by what it writes.
  static let costlyLanes = 8.0
  /// A value cheaper than this is computed again by each of several users.
  static let cheap = 4.0

  init(_ index: GraphIndex, recomputes: Bool = true) {
    let n = index.vertices.count
    uses = index.vertices.map { [Uses](repeating: Uses(), count: $0.node.outputs.count) }
    isMaterialised = [Bool](repeating: false, count: n)
    inlineCost = [Double](repeating: 0, count: n)
    nested = [Int](repeating: 0, count: n)
    shown = [Vertex.Behind?](repeating: nil, count: n)
    isDeferred = [Bool](repeating: false, count: n)
    holdsReduction = [Bool](repeating: false, count: n)
    countUses(index)
    decide(index, recomputes)
  }

  private mutating func countUses(_ index: GraphIndex) {
    for (i, v) in index.vertices.enumerated() where v.tensors.isEmpty {
      if case .view = v.node.op.body { continue }
      var accesses: [[AxisAccess]]? = nil
      if case .native(let rule) = v.node.op.body, case .access(let f) = rule.tiling { accesses = f(v.node.context) }
      for (k, input) in v.inputs.enumerated() {
        let (base, map) = index.stripViews(input)
        var u = uses[Int(base.vertex)][Int(base.output)]
        u.count += 1
        u.user = Int32(i)
        switch v.node.op.body {
        case .native, .nest: u.byNative = true
        case .composed: if v.node.decides(by: k) { u.byNative = true }
        default: break
        }
        if let accesses, accesses[k].contains(where: { if case .contracted = $0 { true } else { false } }) { u.prefersBlocks = true }
        if let accesses, v.node.op.cost.perElement > Demand.costlyLanes { u.laneAxes.formUnion(Demand.lanes(accesses[k], map)) }
        let read = index.type(input)
        let out = v.node.outputs.first
        if !map.isIdentity || index.type(base).count < read.count { u.isBroadcast = u.isBroadcast || index.type(base).count < read.count }
        if case .expr = v.node.op.body, let out, out.count > read.count { u.isBroadcast = true }
        uses[Int(base.vertex)][Int(base.output)] = u
      }
    }
    for r in index.results {
      uses[Int(r.vertex)][Int(r.output)].isResult = true
      uses[Int(r.vertex)][Int(r.output)].count += 1
    }
  }

  /// Axes of the base of a view that are read whole where others are walked.
  static func lanes(_ access: [AxisAccess], _ map: AxisMap) -> Set<Int> {
    guard access.contains(where: { if case .aligned = $0 { true } else { false } }) else { return [] }
    return Set(map.axes.indices.filter { b in if case .aligned(let v, _, _) = map.axes[b] { access[v] == .whole } else { false } })
  }

  private mutating func decide(_ index: GraphIndex, _ recomputes: Bool) {
    for (i, v) in index.vertices.enumerated() {
      if !v.tensors.isEmpty {
        isMaterialised[i] = true
        isDeferred[i] = v.node.outputs.contains { !$0.isKnown }
        continue
      }
      let mine = uses[i]
      let isResult = mine.contains(where: \.isResult)
      for x in v.inputs where isDeferred[Int(x.vertex)] || !index.type(x).isKnown { isDeferred[i] = true }
      switch v.node.op.body {
      case .leaf:
        isMaterialised[i] = true
        if v.node.outputs.contains(where: { !$0.isKnown }) { isDeferred[i] = true }
        continue
      case .native, .nest:
        isMaterialised[i] = true
        // Its tasks can run, but nothing that follows can be planned before they have.
        continue
      case .view(let rule):
        inlineCost[i] = cost(v.inputs[0])
        nested[i] = nesting(v.inputs[0])
        isMaterialised[i] = isResult
        let map = rule(v.node.context)
        let below = isMaterialised[Int(v.inputs[0].vertex)] ? nil : shown[Int(v.inputs[0].vertex)]
        shown[i] = Vertex.Behind(base: below?.base ?? v.inputs[0], map: below?.map.after(map) ?? map)
      case .expr:
        var c = v.node.op.cost.perElement
        for x in v.inputs { c += cost(x) }
        inlineCost[i] = c
        // What reads nothing, as a constant, is the end of a nest.
        nested[i] = v.inputs.isEmpty ? 0 : v.inputs.reduce(1) { $0 + nesting($1) }
        let total = mine.reduce(0) { $0 + $1.count }
        let isShared = total > 1 && !(recomputes && (c <= Demand.cheap || v.node.op.cost.isCheapSource))
        let repeats = mine.contains { $0.isBroadcast } && c > 1 && v.node.outputs[0].count > 1
        isMaterialised[i] =
          isResult || isShared || repeats || c > Demand.largestInline || nested[i] > Demand.mostNested || mine.contains(where: \.byNative)
          || (total > 1 && diesWithMe(v, index))
        holdsReduction[i] = v.inputs.contains { !isMaterialised[Int($0.vertex)] && holdsReduction[Int($0.vertex)] }
        if holdsReduction[i] && !isReadDirectly(i, index) { isMaterialised[i] = true }
      case .reduce(let body):
        let c = v.node.context
        // Fused into its user where that reads it element by element; otherwise a tensor.
        var fuses = isReadDirectly(i, index)
        if body.keepsDimensions(c) && v.node.outputs[0].rank > 0 && v.node.outputs[0].shape != c.inputs[0].shape {
          // The user's axes of extent 1 would have no counterpart in the loop nest.
          fuses = fuses && v.node.outputs[0].count == 1
        }
        isMaterialised[i] = !fuses
        holdsReduction[i] = true
        var inner = v.node.op.cost.perElement
        for x in v.inputs { inner += cost(x) }
        inlineCost[i] = fuses ? inner : 0
        nested[i] = v.inputs.reduce(1) { $0 + nesting($1) }
        if inner > Demand.largestInline || nested[i] > Demand.mostNested { isMaterialised[i] = true }
      case .composed:
        // One that waits for extents or values is expanded in a later part.
        if v.inputs.indices.contains(where: { v.node.decides(by: $0) }) { isDeferred[i] = true }
        precondition(isDeferred[i], "composed operators are expanded before planning")
      }
    }
  }

  /// Every operator writes its result to memory: the unfused form that tests compare with.
  mutating func materialiseAll(_ index: GraphIndex) {
    for (i, v) in index.vertices.enumerated() {
      switch v.node.op.body {
      case .expr, .reduce: isMaterialised[i] = true
      default: break
      }
    }
  }

  /// Whether the vertex has one user, which reads it element by element and without a view between them.
  private func isReadDirectly(_ i: Int, _ index: GraphIndex) -> Bool {
    let mine = uses[i]
    guard mine.count == 1, mine[0].count == 1, mine[0].user >= 0, !mine[0].isResult, !mine[0].byNative, !mine[0].isBroadcast else {
      return false
    }
    let u = index.vertices[Int(mine[0].user)]
    let shape = index.vertices[i].node.outputs[0].shape
    guard u.inputs.contains(where: { Int($0.vertex) == i }) else { return false }
    switch u.node.op.body {
    case .expr: return u.node.outputs[0].shape == shape
    case .reduce: return index.type(u.inputs[0]).shape == shape && Int(u.inputs[0].vertex) == i
    default: return false
    }
  }

  private func cost(_ x: Val) -> Double { isMaterialised[Int(x.vertex)] ? 0 : inlineCost[Int(x.vertex)] }
  private func nesting(_ x: Val) -> Int { isMaterialised[Int(x.vertex)] ? 0 : nested[Int(x.vertex)] }

  /// What a kernel reads where it reads a view that is no tensor.
  func behind(view i: Int) -> Vertex.Behind {
    guard let b = shown[i] else { preconditionFailure("only views show something behind them") }
    return b
  }

  /// Whether an input of the expression is an intermediate tensor that only this expression reads: keeping the result then costs no more
  /// memory than keeping the input, and the buffer can be taken over.  As deep as expressions are nested.
  private func diesWithMe(_ v: Vertex, _ index: GraphIndex) -> Bool {
    for x in v.inputs {
      let (base, _) = index.stripViews(x)
      let b = Int(base.vertex)
      if isMaterialised[b] {
        let u = uses[b][Int(base.output)]
        let isLarge = index.type(base).count * 2 >= v.node.outputs[0].count
        if isLarge && !index.isLeaf(base) && u.count == 1 && !u.isResult { return true }
      } else if diesWithMe(index.vertices[b], index) {
        return true
      }
    }
    return false
  }
}
