import MarsBase
import MarsGraph

/// What the runtime executes: flat arrays over tasks and slots, in execution order.
///
/// A task is one chunk of one stage.  A slot is one buffer: a chunk of a tensor, or a whole tensor.  Task numbers are positions in the
/// order that the planner wants; a task only depends on tasks with smaller numbers.  A plan grows by parts: when extents become known,
/// the planner appends tasks, tensors and slots, and never changes what is there.
package struct Plan: Sendable {
  package var stages: [Stage] = []
  package var tensors: [PlanTensor] = []

  // Per task.
  package var taskStage: [Int32] = []
  /// Number of the task within its stage's grid.
  package var taskChunk: [Int32] = []
  /// count + 1 offsets into `taskSlots`: first the slots read, in the order of the stage's inputs, then the slots written.
  package var taskSlotStart: [Int32] = [0]
  package var taskSlots: [Int32] = []
  /// count + 1 offsets into `dependencies`.
  package var dependencyStart: [Int32] = [0]
  /// Tasks that must have finished first.
  package var dependencies: [Int32] = []

  // Per slot.
  package var slotTensor: [Int32] = []
  /// Bytes to allocate; for chunks of unknown extents the most that can come.
  package var slotBytes: [Int] = []
  /// How many times tasks name the slot (reads and writes); the buffer is freed after the last, unless `slotHeld`.
  package var slotUses: [Int32] = []
  /// Results, and what tasks of a later part may read: kept until released.
  package var slotHeld: [Bool] = []

  /// Tasks whose output is input 0 unchanged: the runtime hands the chunk on instead of copying it.
  package var unchangedTasks: Set<Int32> = []

  /// Tensors that are results, in the order asked for.
  package var results: [Int] = []
  /// What planning waits for, if it is not finished: tensors whose extents or values (from running their tasks) are needed to go on.
  package var needs: [Int] = []
  /// Those of `needs` whose values are needed: known extents, in one piece.
  package var neededValues: [Int] = []
  package var isComplete: Bool { needs.isEmpty && !isAwaited }
  /// Whether nothing is planned yet: `awaited`.
  private var isAwaited = false
  /// Stands for a plan that is being made.
  package static let awaited: Plan = {
    var p = Plan()
    p.isAwaited = true
    return p
  }()
  /// Bytes that chunks, workspaces and results may take.
  package var memoryLimit = Int.max
  /// Peak of chunk, workspace and result bytes when tasks run one after the other in plan order and nothing is moved to disk.
  package var forecastPeak = 0
  /// Lines of remarks for `explain`: what the planner could not do as it was asked, and why.
  package var remarks: [String] = []
  /// Extents of chunks that the client would like data to have, by tensor: `explain` says which are not followed.
  package var preferredChunks: [Int: [Int]] = [:]

  /// Bytes of results that the plan computes; they are kept, in memory or on disk.
  package var resultBytes: Int {
    // A set of one takes longer than what is done with it.
    results.count == 1 ? resultBytes(ofTensor: results[0]) : Set(results).reduce(0) { $0 + resultBytes(ofTensor: $1) }
  }

  private func resultBytes(ofTensor t: Int) -> Int {
    if t < 0 { return 0 }
    switch tensors[t].storage {
    case .whole, .chunks: return tensors[t].hasUnknownExtents ? 0 : tensors[t].type.byteCount
    case .leaf, .keptChunks: return 0
    }
  }

  package var taskCount: Int { taskStage.count }
  package var slotCount: Int { slotTensor.count }
  package init() {}

  package func slots(ofTask t: Int) -> ArraySlice<Int32> { taskSlots[Int(taskSlotStart[t])..<Int(taskSlotStart[t + 1])] }
  package func dependencies(ofTask t: Int) -> ArraySlice<Int32> { dependencies[Int(dependencyStart[t])..<Int(dependencyStart[t + 1])] }
}

/// A tensor that exists in memory while the plan runs.
package struct PlanTensor: Sendable {
  package enum Storage: Sendable {
    /// Memory that is there already; no slot, no dependencies.
    case leaf(DenseArray)
    /// Chunks that the runtime keeps from an earlier run; one slot per chunk, no producing task.
    case keptChunks(any ChunkedData)
    /// One slot for the whole tensor; every task writes its window.  Shape is known.
    case whole
    /// One slot per chunk of `grid`, each C-contiguous.
    case chunks
  }
  package var type: TensorType
  /// Chunks.  Where extents are unknown the grid holds upper bounds until `Plan.needs` is answered.
  package var grid: Grid
  package var storage: Storage
  /// First slot; -1 for `leaf`.
  package var firstSlot: Int32
  /// Whether extents of chunks are only known after their tasks have run.
  package var hasUnknownExtents: Bool
  /// Index among the results, or nil.
  package var resultIndex: Int?
  /// For explain and errors: name of the node's operator.
  package var label: String

  package init(
    type: TensorType, grid: Grid, storage: Storage, firstSlot: Int32 = -1, hasUnknownExtents: Bool = false, resultIndex: Int? = nil,
    label: String = ""
  ) {
    self.type = type
    self.grid = grid
    self.storage = storage
    self.firstSlot = firstSlot
    self.hasUnknownExtents = hasUnknownExtents
    self.resultIndex = resultIndex
    self.label = label
  }
}

/// A fused region: a task for every chunk of `grid`.
package struct Stage: Sendable {
  package enum Kind: Sendable {
    /// A loop nest for the JIT over the axes of `grid`; argument k of the spec is input k of the stage.
    case kernel(KernelSpec)
    /// A native body of `node`.
    case native
    /// Copies boxes of input 0 (any number of slots) into one chunk of output 0.
    case gather
  }
  package var kind: Kind
  /// Task grid over the iteration space: output axes, then reduced or contracted axes where there are any.
  package var grid: Grid
  package var inputs: [StageInput]
  package var outputs: [StageOutput]
  /// For kernels: counters (absolute coordinates of the iteration space) and scalar arguments.
  package var counters: [Counter] = []
  package var scalars: [Scalar] = []
  /// Per scalar, the attribute whose value it is; nil for what operators work out.
  var scalarSources: [ScalarSource?] = []
  /// The operator that runs (native) or that ends the region (kernel).
  package var node: Node
  /// Operators in the region, for explain.
  package var labels: [String]
  /// For native bodies: the axis of `grid` along which tasks run one after the other and write the same chunk: what they add up to, or what
  /// each hands to the next; nil if there is none.
  package var accumulatedAxis: Int? = nil
  /// Whether output 0 may take over the buffer of input 0 (native), or of any input that is read in place (kernel).
  package var mayReuseInput: Bool = false
  /// Whether it cuts chunks into blocks: all of a chunk are made while that is in memory.
  package var cutsChunks: Bool = false
  /// Scratch bytes in which a task puts together windows that lie in several chunks: the most of any task.
  package var gatherBytes: Int = 0
  /// Operator-defined cost of a whole stage, in additions.
  package var work: Double = 0
  /// "cpu" or another device.
  package var device: String = "cpu"

  package init(kind: Kind, grid: Grid, inputs: [StageInput], outputs: [StageOutput], node: Node, labels: [String]) {
    self.kind = kind
    self.grid = grid
    self.inputs = inputs
    self.outputs = outputs
    self.node = node
    self.labels = labels
  }
}

/// An attribute of a node that is passed to a kernel.
struct ScalarSource: Sendable {
  var node: Node
  var attribute: Int
}

/// How a stage reads a tensor.
package struct StageInput: Sendable {
  package enum Window: Sendable {
    /// Affine in the iteration space.
    case map(AxisMap)
    /// As map, but axes may be `.whole` or `.contracted` (resolved: `.contracted(id:)` names the iteration axis).
    case access([AxisAccess])
    /// `NativeRule.Tiling.boxes` of the stage's node says it, of the tensor or of its view that `through` maps to it.
    case rule(input: Int, through: AxisMap? = nil)
  }
  package var tensor: Int
  package var window: Window
  /// For native bodies that read a view of the tensor: how the window becomes what the operator sees; nil: as it is.
  package var orientation: Orientation?
  package init(tensor: Int, window: Window, orientation: Orientation? = nil) {
    self.tensor = tensor
    self.window = window
    self.orientation = orientation
  }

  /// Axis k of the operator's input walks axis `axes[k]` of the window by `steps[k]`, or has extent 1 (-1); window axes not named have extent 1.
  package struct Orientation: Hashable, Sendable {
    package var axes: [Int]
    package var steps: [Int]

    /// The orientation of a view whose map names every view axis once, but for axes of extent 1; nil for others (broadcasts, diagonals).
    ///
    /// - Parameter single: axes of the view whose extent is 1.
    package init?(_ map: AxisMap, rank: Int, single: Set<Int> = []) {
      var axes = [Int](repeating: -1, count: rank)
      var steps = [Int](repeating: 1, count: rank)
      for (k, a) in map.axes.enumerated() {
        guard case .aligned(let v, _, let step) = a else { continue }
        if axes[v] >= 0 { return nil }
        axes[v] = k
        steps[v] = step
      }
      if axes.indices.contains(where: { axes[$0] < 0 && !single.contains($0) }) { return nil }
      self.axes = axes
      self.steps = steps
    }

    /// Whether a box of the view is about as large as what holds it of the tensor, and lies as that does: no steps, no other order of axes.
    var isDense: Bool {
      let named = axes.filter { $0 >= 0 }
      return named == named.sorted() && steps.allSatisfy { abs($0) == 1 }
    }

    /// The operator's view of a window.
    package func view(of window: ArrayView) -> ArrayView {
      var all = window.permuted(axes.filter { $0 >= 0 })
      for k in axes.indices where axes[k] < 0 {
        all.shape.insert(1, at: k)
        all.strides.insert(0, at: k)
      }
      return axes.indices.reduce(all) { v, k in
        let (n, step) = (v.shape[k], steps[k])
        return v.sliced(axis: k, start: step < 0 ? max(n - 1, 0) : 0, step: step, count: n.dividedRoundingUp(by: abs(step)))
      }
    }
  }
}

/// How a stage writes a tensor: tensor axis -> iteration axis (or fixed 0 for a reduced axis that is kept), or for partial results of a
/// cut reduction the number of the chunk along that iteration axis.
package struct StageOutput: Sendable {
  package enum Axis: Hashable, Sendable {
    case iteration(Int)
    case fixed(Int)
    /// Index along this tensor axis = chunk coordinate of the task along iteration axis k.
    case chunkNumber(Int)
  }
  package var tensor: Int
  package var axes: [Axis]
  package init(tensor: Int, axes: [Axis]) {
    self.tensor = tensor
    self.axes = axes
  }
}

extension Plan {
  /// What a window put together in scratch memory takes of it.
  package static func scratchBytes(_ byteCount: Int) -> Int { (byteCount + 63) & ~63 }
}

extension Stage {
  /// Whether a task's output is the chunk that it reads of input 0.
  func leavesInput(_ chunk: Int) -> Bool {
    guard mayReuseInput, case .native = kind, case .native(let rule) = node.op.body else { return false }
    let b = box(chunk)
    let rank = node.outputs[0].rank
    return rule.leavesInput0(node.context, Box(lower: Array(b.lower.prefix(rank)), extents: Array(b.extents.prefix(rank))))
  }

  /// The box of the iteration space that a task covers.
  package func box(_ chunk: Int) -> Box { grid.box(chunk) }

  /// The boxes that the operator's rule gives of all its inputs; nil where it gives none.
  package func ruleBoxes(_ b: Box) -> [Box]? {
    guard case .native(let rule) = node.op.body, case .boxes(let boxes) = rule.tiling else { return nil }
    let rank = node.outputs[0].rank
    return boxes(node.context, Box(lower: Array(b.lower.prefix(rank)), extents: Array(b.extents.prefix(rank))))
  }

  /// The box of input `i`'s tensor that the task with iteration box `b` reads.
  ///
  /// - Parameter boxes: `ruleBoxes(b)`, by who asks for many inputs.
  package func inputBox(_ i: Int, _ b: Box, shape: [Int], boxes: [Box]? = nil) -> Box {
    switch inputs[i].window {
    case .map(let m): return m.box(b)
    case .access(let axes):
      var out = Box(lower: [], extents: [])
      for (k, a) in axes.enumerated() {
        switch a {
        case .whole:
          out.lower.append(0)
          out.extents.append(shape[k])
        case .contracted(let axis):
          out.lower.append(b.lower[axis])
          out.extents.append(b.extents[axis])
        case .fixed, .aligned:
          let one = AxisMap([a]).box(b)
          out.lower.append(one.lower[0])
          out.extents.append(one.extents[0])
        }
      }
      return out
    case .rule(let input, let view):
      guard let box = (boxes ?? ruleBoxes(b))?[input] else { return Box(whole: shape) }
      return view?.box(box) ?? box
    }
  }

  /// The box of output `o`'s tensor that the task writes.
  package func outputBox(_ o: Int, _ b: Box, chunk: Int) -> Box {
    var out = Box(lower: [], extents: [])
    var coordinates: [Int]? = nil
    for a in outputs[o].axes {
      switch a {
      case .iteration(let k):
        out.lower.append(b.lower[k])
        out.extents.append(b.extents[k])
      case .fixed(let i):
        out.lower.append(i)
        out.extents.append(1)
      case .chunkNumber(let k):
        if coordinates == nil { coordinates = grid.coordinates(chunk) }
        out.lower.append(coordinates?[k] ?? 0)
        out.extents.append(1)
      }
    }
    return out
  }
}
