import MarsBase
import MarsFormat
import MarsGraph
import MarsOps
import MarsPlan

/// Writes pieces of a plan as graphs that any process with this library can run.
struct SubtaskWriter {
  let plan: Plan
  /// Chunks at hand in the graph being written.
  private var values: [Subtask.Chunk: Value] = [:]

  init(_ plan: Plan) { self.plan = plan }

  static func name(_ c: Subtask.Chunk) -> String { "t\(c.tensor).\(c.number)" }

  private func type(_ c: Subtask.Chunk) -> TensorType {
    let t = plan.tensors[c.tensor]
    return TensorType(t.type.dtype, t.grid.box(c.number).extents)
  }

  /// The graph file of one subtask.
  mutating func graph(_ s: Subtask) throws(MarsError) -> [UInt8] {
    values = [:]
    var inputs: [GraphFile.Port] = []
    for c in s.inputs {
      let t = type(c)
      let node = try Leaves.input.apply(
        [], [("name", .string(SubtaskWriter.name(c))), ("dtype", .dtype(t.dtype)), ("shape", .ints(t.shape))])
      values[c] = Value(node)
      inputs.append((SubtaskWriter.name(c), Value(node)))
    }
    for t in s.tasks { try add(task: t) }
    var outputs: [GraphFile.Port] = []
    for c in s.outputs {
      guard let v = values[c] else { throw MarsError(.internal, "a subtask does not make its output") }
      outputs.append((SubtaskWriter.name(c), v))
    }
    var options = EncodeOptions()
    options.readChunked = { (data: any ChunkedData) throws(MarsError) -> DenseArray in try Fetch.array(data) }
    options.writesCallers = true
    return try GraphCodec.encode(outputs: outputs, inputs: inputs, options: options)
  }

  private mutating func add(task t: Int) throws(MarsError) {
    let stage = plan.stages[Int(plan.taskStage[t])]
    let chunk = Int(plan.taskChunk[t])
    let box = stage.box(chunk)
    let written = plan.written(byTask: t)
    switch stage.kind {
    case .gather:
      let (b, _) = plan.read(byTask: t, input: 0)
      values[written[0]] = try window(stage.inputs[0].tensor, b)
    case .kernel(let spec):
      var windows: [Value] = []
      var maps: [AxisMap] = []
      for (i, input) in stage.inputs.enumerated() {
        guard case .map(let m) = input.window else { throw MarsError(.internal, "kernels read through maps") }
        let (b, _) = plan.read(byTask: t, input: i)
        windows.append(try window(input.tensor, b))
        maps.append(
          AxisMap(
            m.axes.enumerated().map { k, a in
              switch a {
              case .aligned(let axis, let s, let step): .aligned(axis: axis, start: s + step * box.lower[axis] - b.lower[k], step: step)
              case .fixed(let j): .fixed(j - b.lower[k])
              case .contracted, .whole: a
              }
            }))
      }
      let counters = stage.counters.map { c in
        Counter(base: c.base + zip(c.strides, box.lower).reduce(0) { $0 + $1.0 * $1.1 }, strides: c.strides)
      }
      let nest = LoopNest(
        spec: spec, shape: box.extents, maps: maps, counters: counters, scalars: stage.scalars,
        outputAxes: stage.outputs.map { o in
          o.axes.map { a in
            switch a {
            case .iteration(let k): k
            case .fixed, .chunkNumber: -1
            }
          }
        })
      let node = try LoopNest.op.apply(windows.map { .value($0) }, [("nest", .bytes(nest.bytes))])
      node.belong(to: stage.node.called)
      for (o, c) in written.enumerated() { values[c] = Value(node, o) }
    case .native:
      try addNative(stage, t, box, written)
    }
  }

  private mutating func addNative(_ stage: Stage, _ t: Int, _ box: Box, _ written: [Subtask.Chunk]) throws(MarsError) {
    let node = stage.node
    guard case .native(let rule) = node.op.body else { throw MarsError(.internal, "a native stage has a native body") }
    guard node.op.effects != .callback else {
      throw MarsError(.unsupported, "a client's function cannot be sent to another process", op: node.op.name, origin: node.origin)
    }
    let attributes = zip(node.op.attributes, node.attributes.values).map { ($0.name, $1) }
    var inputs: [Operand] = []
    var isWhole = stage.inputs.isEmpty
    if case .boxes = rule.tiling { isWhole = true }
    for (i, input) in stage.inputs.enumerated() {
      let (b, needed) = plan.read(byTask: t, input: i)
      if isWhole {
        // The operator's boxes are those of whole tensors: what this task does not read of them may be anything.
        for c in needed where values[c] == nil { throw MarsError(.internal, "a chunk is read before it is made") }
        var whole = try window(input.tensor, Box(whole: plan.tensors[input.tensor].type.shape), fillsGaps: true)
        if case .rule(let k, let view?) = input.window { whole = try whole.viewed(view, shape: node.context.inputs[k].shape) }
        inputs.append(.value(whole))
        continue
      }
      inputs.append(.value(try oriented(try window(input.tensor, b), input.orientation)))
    }
    let isCarried = stage.accumulatedAxis != nil && rule.carriedAxis(node.context) != nil
    if isCarried {
      // What the task before left stands for what the operator goes on from.
      let before = written.dropFirst().compactMap { values[$0] }
      if !before.isEmpty { inputs = inputs.prefix(node.op.inputs.count - before.count) + before.map { .value($0) } }
    }
    let made = try node.op.apply(inputs, attributes, payload: node.payload, origin: node.origin)
    made.belong(to: node.called)
    for (o, c) in written.enumerated() {
      var v = Value(made, o)
      if isWhole { v = try cut(v, stage.outputBox(o, box, chunk: Int(plan.taskChunk[t]))) }
      if let before = values[c], stage.accumulatedAxis != nil, !isCarried {
        let add = try marsRegistry.require("add")
        v = try add(before, v)
      }
      values[c] = v
    }
  }

  /// The window as the operator sees it, where it reads a view of the tensor.
  private func oriented(_ v: Value, _ orientation: StageInput.Orientation?) throws(MarsError) -> Value {
    guard let o = orientation else { return v }
    let window = v.type.shape
    var axes = window.map { _ in AxisAccess.fixed(0) }
    var shape: [Int] = []
    for (k, a) in o.axes.enumerated() {
      shape.append(window[a].dividedRoundingUp(by: abs(o.steps[k])))
      axes[a] = .aligned(axis: k, start: o.steps[k] < 0 ? max(window[a] - 1, 0) : 0, step: o.steps[k])
    }
    return try v.viewed(AxisMap(axes), shape: shape)
  }

  /// A box of a tensor of the plan: a window of a leaf, or chunks put together; zeros for chunks that are not there if gaps are filled.
  private func window(_ tensor: Int, _ box: Box, fillsGaps: Bool = false) throws(MarsError) -> Value {
    let t = plan.tensors[tensor]
    func part(_ array: DenseArray) -> Value {
      var a = array
      for k in box.lower.indices { a.offset += box.lower[k] * a.strides[k] }
      a.type.shape = box.extents
      return Value(Leaves.node(a))
    }
    switch t.storage {
    case .leaf(let array): return part(array)
    case .keptChunks(let data):
      if data.type == t.type { return Value(Leaves.node(try Fetch.gather(data, box))) }
      // One piece, read under other extents.
      let piece = try Fetch.array(data)
      return part(DenseArray(buffer: piece.buffer, offset: piece.offset, type: t.type))
    case .whole, .chunks: break
    }
    let first = box.lower.indices.map { t.grid.axes[$0].chunk(at: box.lower[$0]) }
    let last = box.lower.indices.map { t.grid.axes[$0].chunk(at: max(box.upper($0) - 1, box.lower[$0])) }
    return try assemble(tensor, t, box, first, last, axis: 0, fillsGaps: fillsGaps)
  }

  /// Chunks between two corners, joined along `axis` and the ones after it.
  private func assemble(
    _ tensor: Int, _ t: PlanTensor, _ box: Box, _ first: [Int], _ last: [Int], axis: Int, fillsGaps: Bool
  ) throws(MarsError) -> Value {
    if axis == first.count {
      let c = Subtask.Chunk(tensor: tensor, number: t.grid.index(first))
      let v: Value
      if let made = values[c] {
        v = made
      } else {
        guard fillsGaps else { throw MarsError(.internal, "a chunk is read before it is made") }
        v = try zeros(type(c))
      }
      let held = t.grid.box(c.number)
      var inside = Box(lower: [], extents: [])
      for k in 0..<box.rank {
        let low = max(held.lower[k], box.lower[k])
        inside.lower.append(low - held.lower[k])
        inside.extents.append(max(0, min(held.upper(k), box.upper(k)) - low))
      }
      return try cut(v, inside)
    }
    var parts: [Operand] = []
    for n in first[axis]...last[axis] {
      var (f, l) = (first, last)
      f[axis] = n
      l[axis] = n
      parts.append(.value(try assemble(tensor, t, box, f, l, axis: axis + 1, fillsGaps: fillsGaps)))
    }
    if parts.count == 1, case .value(let v) = parts[0] { return v }
    let concatenate = try marsRegistry.require("concatenate")
    return Value(try concatenate.apply(parts, [("axis", .int(axis))]))
  }

  private func zeros(_ t: TensorType) throws(MarsError) -> Value {
    Value(try marsRegistry.require("zeros").apply([], [("shape", .ints(t.shape)), ("dtype", .dtype(t.dtype))]))
  }

  private func cut(_ v: Value, _ box: Box) throws(MarsError) -> Value {
    let map = AxisMap(box.lower.indices.map { .aligned(axis: $0, start: box.lower[$0], step: 1) })
    return try v.viewed(map, shape: box.extents)
  }
}

extension Session {
  /// JSON of self-contained subtasks; see mars_plan_cut.
  package func cut(_ tensors: [Tensor], pieces: Int) throws(MarsError) -> String {
    guard pieces > 0 else { throw MarsError(.value, "pieces must be positive but is \(pieces)") }
    var values: [Value] = []
    for t in tensors { values.append(try t.value().value) }
    var options = planOptions
    options.divides = false
    let plan = try Planner(values, options: options).plan
    guard plan.isComplete else {
      throw MarsError(
        .unknownExtents, "a graph whose extents depend on data cannot be cut before they are known: execute what they depend on first")
    }
    var writer = SubtaskWriter(plan)
    var w = JSONWriter()
    var failure: MarsError? = nil
    w.object { w in
      w.key("subtasks")
      w.array { w in
        for (n, s) in plan.cut(pieces: pieces).enumerated() {
          let bytes: [UInt8]
          do throws(MarsError) { bytes = try writer.graph(s) } catch {
            failure = error
            return
          }
          w.object { w in
            w.key("graph")
            w.string(Base64.encode(bytes))
            w.key("inputs")
            w.array { w in for c in s.inputs { w.string(SubtaskWriter.name(c)) } }
            w.key("outputs")
            w.array { w in for c in s.outputs { w.string(SubtaskWriter.name(c)) } }
            w.key("after")
            w.array { w in for a in s.after { w.int(a) } }
            w.key("priority")
            w.int(-n)
          }
        }
      }
      w.key("results")
      w.array { w in
        for r in plan.results {
          let t = plan.tensors[r]
          w.object { w in
            w.key("shape")
            w.array { w in for d in t.type.shape { w.int(d) } }
            w.key("dtype")
            w.string(t.type.dtype.name)
            w.key("chunks")
            w.array { w in
              for c in 0..<t.grid.chunkCount {
                let box = t.grid.box(c)
                w.object { w in
                  w.key("name")
                  w.string(SubtaskWriter.name(Subtask.Chunk(tensor: r, number: c)))
                  w.key("lower")
                  w.array { w in for d in box.lower { w.int(d) } }
                  w.key("shape")
                  w.array { w in for d in box.extents { w.int(d) } }
                }
              }
            }
          }
        }
      }
    }
    if let failure { throw failure }
    return w.text
  }
}
