import MarsBase
import MarsGraph

/// What the readers of values ask of the chunks of these: found from the results down, before chunks are decided from the sources up.
///
/// Wishes bind nobody.  Who can cut a value in several ways follows them, so that it need not be brought into other chunks afterwards.
struct ChunkWishes {
  struct Wish {
    /// By axis.
    var splits: [Int: AxisSplits] = [:]
    /// Axes that are read whole, lane by lane.
    var lanes: Set<Int> = []
    /// Square chunks suit who reads it better than rows.
    var prefersBlocks = false
  }
  private var wishes: [Val: Wish] = [:]
  private let demand: Demand

  /// - Parameter regions: readers after what they read.
  init(_ regions: [Region], _ index: GraphIndex, _ demand: Demand) {
    self.demand = demand
    for region in regions.reversed() where !region.inputs.isEmpty { pass(region, index) }
  }

  /// What is asked of a value, by those who read it and by those who read what is made of it element by element.
  subscript(_ v: Val) -> Wish {
    var wish = wishes[v] ?? Wish()
    let uses = demand.uses[Int(v.vertex)][Int(v.output)]
    wish.lanes.formUnion(uses.laneAxes)
    if uses.prefersBlocks { wish.prefersBlocks = true }
    return wish
  }

  /// Hands what is asked of a region's results, and what it asks itself, on to what it reads.
  private mutating func pass(_ region: Region, _ index: GraphIndex) {
    var splits: [Int: AxisSplits] = [:]
    var lanes: Set<Int> = []
    var prefersBlocks = false
    var isElementwise = false
    var handsOn = false
    switch region.kind {
    case .kernel(let spec):
      isElementwise = spec.levels.count == 1
      splits = region.pins
      handsOn = true
    case .native(let rule):
      let node = index.node(region.roots[0])
      splits = rule.splits(node.context)
      // A client's function sees the chunks that what it is given has, whoever reads its results.
      if case .access = rule.tiling, node.op.effects != .callback { handsOn = true }
    }
    if handsOn {
      for (o, root) in region.roots.enumerated() {
        let wish = self[root]
        for (k, s) in wish.splits {
          if let axis = region.outputAxes[o][k], s.extent == region.shape[axis], splits[axis] == nil { splits[axis] = s }
        }
        lanes.formUnion(wish.lanes.compactMap { $0 < region.outputAxes[o].count ? region.outputAxes[o][$0] : nil })
        if wish.prefersBlocks { prefersBlocks = true }
      }
    }
    if splits.isEmpty && !(isElementwise && (prefersBlocks || !lanes.isEmpty)) { return }
    for i in region.inputs {
      let shape = index.type(i.value).shape
      guard i.orientation == nil, Shape.isKnown(shape) else { continue }
      var wish = wishes[i.value] ?? Wish()
      for (a, access) in StageBuilder.accesses(i.window).enumerated() {
        guard case .aligned(let axis, 0, 1) = access, region.shape[axis] == shape[a] else { continue }
        // Of several readers the last one in the graph decides.
        if let s = splits[axis], s.count > 1, wish.splits[a] == nil { wish.splits[a] = s }
        if isElementwise && lanes.contains(axis) { wish.lanes.insert(a) }
      }
      if isElementwise && prefersBlocks && shape.count == region.shape.count { wish.prefersBlocks = true }
      wishes[i.value] = wish
    }
  }
}
