import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import Testing

@Suite struct GeometryTests {
  @Test func kernelsReadStridedLeavesThroughViews() throws {
    let t = TestEngine()
    var m = PlanMaker()
    // b = a[::-1, 1::2].T of a 4 x 7 leaf
    let a = m.leaf(dense((0..<28).map(Double.init), [4, 7]))
    let out = m.tensor([3, 4], chunk: 2)
    let s = m.stage(
      m.mapStage(
        [a], out, maps: [AxisMap([.aligned(axis: 1, start: 3, step: -1), .aligned(axis: 0, start: 1, step: 2)])],
        [Inst(.input, .float64, imm: 0)]))
    m.addTasks(s, 0..<4)
    m.result(out)
    var expected: [Double] = []
    for i in 0..<3 { for j in 0..<4 { expected.append(Double((3 - j) * 7 + 1 + 2 * i)) } }
    #expect(try values(t.engine.run(m.plan).results()[0]) == expected)
  }

  @Test func wholeTensorsAreWrittenInWindows() throws {
    let t = TestEngine()
    var m = PlanMaker()
    let w = m.tensor([5, 7], chunk: 3, whole: true)
    let s = m.stage(m.iotaStage(w))
    m.addTasks(s, 0..<m.plan.tensors[w].grid.chunkCount)
    m.result(w)
    guard case .dense(let d) = try t.engine.run(m.plan).results()[0] else { return }
    #expect(doubles(d) == (0..<35).map(Double.init))
  }

  @Test func gatherRearrangesChunks() throws {
    let t = TestEngine()
    var m = PlanMaker()
    let (a, s) = m.iota([6, 8], chunk: 3)
    m.addTasks(s, 0..<6)
    // out[i, j] = a[5 - j, 2 * i]
    let out = m.tensor([4, 6], chunk: 4)
    var g = Stage(
      kind: .gather, grid: m.plan.tensors[out].grid,
      inputs: [
        StageInput(tensor: a, window: .map(AxisMap([.aligned(axis: 1, start: 5, step: -1), .aligned(axis: 0, start: 0, step: 2)])))
      ],
      outputs: [StageOutput(tensor: out, axes: [.iteration(0), .iteration(1)])], node: PlanMaker.node, labels: ["gather"])
    g.work = 1
    let n = m.stage(g)
    for c in 0..<2 { m.task(n, c, reads: (0..<6).map { m.slot(a, $0) }, writes: [m.slot(out, c)]) }
    m.result(out)
    var expected: [Double] = []
    for i in 0..<4 { for j in 0..<6 { expected.append(Double((5 - j) * 8 + 2 * i)) } }
    #expect(try values(t.engine.run(m.plan).results()[0]) == expected)
  }

  @Test func gatherOfTooFewChunksIsAnError() throws {
    let t = TestEngine()
    var m = PlanMaker()
    let (a, s) = m.iota([6], chunk: 3)
    m.addTasks(s, 0..<2)
    let out = m.tensor([6])
    let n = m.stage(
      Stage(
        kind: .gather, grid: Grid(whole: [6]), inputs: [StageInput(tensor: a, window: .map(.identity(1)))],
        outputs: [StageOutput(tensor: out, axes: [.iteration(0)])], node: PlanMaker.node, labels: []))
    m.task(n, 0, reads: [m.slot(a, 0)], writes: [m.slot(out, 0)])
    m.result(out)
    let e = #expect(throws: MarsError.self) { try t.engine.run(m.plan).wait() }
    #expect(e?.code == .internal)
  }

  @Test func contractionsAccumulate() throws {
    let t = TestEngine()
    t.device.add("dot") { (call: inout NativeCall) throws(MarsError) in
      let (a, b, c) = (call.inputs[0], call.inputs[1], call.outputs[0])
      precondition(call.workspace.bytes.count >= 100)
      for i in 0..<c.shape[0] {
        for j in 0..<c.shape[1] {
          let p = c.base + i * c.strides[0] + j * c.strides[1]
          var v = call.accumulate ? p.load(as: Double.self) : 0
          for k in 0..<a.shape[1] {
            v +=
              (a.base + i * a.strides[0] + k * a.strides[1]).load(as: Double.self)
              * (b.base + k * b.strides[0] + j * b.strides[1]).load(as: Double.self)
          }
          p.storeBytes(of: v, as: Double.self)
        }
      }
    }
    var m = PlanMaker()
    let (a, s) = m.iota([4, 6], chunk: 2)
    m.addTasks(s, 0..<6)
    let b = m.leaf(dense((0..<30).map(Double.init), [6, 5]))
    let out = m.tensor([4, 5], chunk: 2)
    let grid = Grid([AxisSplits(extent: 4, chunk: 2), AxisSplits(extent: 5, chunk: 2), AxisSplits(extent: 6, chunk: 2)])
    var stage = Stage(
      kind: .native, grid: grid,
      inputs: [
        StageInput(tensor: a, window: .access([.aligned(0), .contracted(id: 2)])),
        StageInput(tensor: b, window: .access([.contracted(id: 2), .aligned(1)])),
      ], outputs: [StageOutput(tensor: out, axes: [.iteration(0), .iteration(1)])],
      node: PlanMaker.nativeOp("dot", workspace: 100, shape: [4, 5]), labels: ["dot"])
    stage.accumulatedAxis = 2
    let n = m.stage(stage)
    for i in 0..<2 {
      for j in 0..<3 {
        var last: [Int32] = []
        for k in 0..<3 {
          m.task(n, grid.index([i, j, k]), reads: [m.slot(a, i * 3 + k)], writes: [m.slot(out, i * 3 + j)], after: last)
          last = [Int32(m.plan.taskCount - 1)]
        }
      }
    }
    m.result(out)
    var expected: [Double] = []
    for i in 0..<4 {
      for j in 0..<5 {
        var sum = 0
        for k in 0..<6 { sum += (i * 6 + k) * (k * 5 + j) }
        expected.append(Double(sum))
      }
    }
    #expect(try values(t.engine.run(m.plan).results()[0]) == expected)
  }

  @Test func inPlaceOnlyForTheLastReader() throws {
    let t = TestEngine(workers: 1)
    var m = PlanMaker()
    let (a, s) = m.iota([20], chunk: 10)
    m.addTasks(s, 0..<2)
    let (b, sb) = m.plus(a, 1)
    m.addTasks(sb, 0..<2)
    let (c, sc) = m.plus(a, 2)
    m.addTasks(sc, 0..<2)
    m.result(b)
    m.result(c)
    let r = try t.engine.run(m.plan).results()
    #expect(try values(r[0]) == (0..<20).map { Double($0 + 1) })
    #expect(try values(r[1]) == (0..<20).map { Double($0 + 2) })
    #expect(t.engine.statistics.inPlaceTasks == 2)
  }

  @Test func nativeInPlaceSeesItsInput() throws {
    let t = TestEngine()
    t.device.add("bump") { (call: inout NativeCall) throws(MarsError) in
      if call.isInPlace != (call.inputs[0].base == call.outputs[0].base) { throw MarsError(.internal, "flag and addresses differ") }
      for i in 0..<call.outputs[0].count {
        call.outputs[0].pointer(as: Double.self)[i] = call.inputs[0].pointer(as: Double.self)[i] + 1
      }
    }
    var m = PlanMaker()
    let (a, s) = m.iota([100], chunk: 25)
    m.addTasks(s, 0..<4)
    let out = m.tensor([100], chunk: 25)
    var stage = Stage(
      kind: .native, grid: m.plan.tensors[out].grid, inputs: [StageInput(tensor: a, window: .access([.aligned(0)]))],
      outputs: [StageOutput(tensor: out, axes: [.iteration(0)])], node: PlanMaker.nativeOp("bump", shape: [100]), labels: ["bump"])
    stage.mayReuseInput = true
    let n = m.stage(stage)
    m.addTasks(n, 0..<4)
    m.result(out)
    #expect(try values(t.engine.run(m.plan).results()[0]) == (0..<100).map { Double($0 + 1) })
    #expect(t.engine.statistics.inPlaceTasks == 4)
  }

  @Test func windowsOutsideTheirChunkAreRefused() throws {
    let t = TestEngine()
    var m = PlanMaker()
    let (a, s) = m.iota([20], chunk: 10)
    m.addTasks(s, 0..<2)
    let (b, sb) = m.plus(a, 1)
    m.task(sb, 0, reads: [m.slot(a, 1)], writes: [m.slot(b, 0)])
    m.task(sb, 1, reads: [m.slot(a, 1)], writes: [m.slot(b, 1)])
    m.result(b)
    let e = #expect(throws: MarsError.self) { try t.engine.run(m.plan).wait() }
    #expect(e?.code == .internal)
  }

  @Test func emptyAndScalarTensors() throws {
    let t = TestEngine()
    for shape in [[], [0], [3, 0]] {
      var m = PlanMaker()
      let (a, s) = m.iota(shape)
      m.addTasks(s, 0..<1)
      let (b, sb) = m.plus(a, 1, whole: true)
      m.addTasks(sb, 0..<1)
      m.result(a)
      m.result(b)
      let r = try t.engine.run(m.plan).results()
      #expect(try values(r[0]) == (shape.isEmpty ? [0] : []))
      #expect(try values(r[1]) == (shape.isEmpty ? [1] : []))
    }
  }

  @Test func storedTensorsCopyBoxes() throws {
    let t = TestEngine()
    var m = PlanMaker()
    let (a, s) = m.iota([7, 9], chunk: 4)
    m.addTasks(s, 0..<6)
    m.result(a)
    guard case .chunked(let c) = try t.engine.run(m.plan).results()[0], let stored = c as? StoredTensor else { return }
    let out = dense([Double](repeating: -1, count: 15), [3, 5])
    try stored.copy(Box(lower: [2, 3], extents: [3, 5]), to: out.view)
    var expected: [Double] = []
    for i in 2..<5 { for j in 3..<8 { expected.append(Double(i * 9 + j)) } }
    #expect(doubles(out) == expected)
  }
}
