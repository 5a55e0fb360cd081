import MarsBase
import MarsGraph
import MarsPlan
import Testing

/// Copies that plans do without.
@Suite struct SavedCopiesTests {
  private func plan(_ v: Value, limit: Int = 1 << 30) throws -> Plan { try Planner([v], options: PlanOptions(memoryLimit: limit)).plan }

  /// What says which boxes it reads says it of a view; the boxes of the tensor behind it follow.
  @Test func boxesAreReadThroughViews() throws {
    let p = try plan(TestOps.flat(TestOps.transpose(TestOps.data([500, 1000]))))
    #expect(p.stages.count == 1)
    let stage = p.stages[0]
    // Row 2 of the view, elements 0...9, is column 2 of the tensor.
    let box = stage.inputBox(0, Box(lower: [1000], extents: [10]), shape: [500, 1000])
    #expect(box == Box(lower: [0, 2], extents: [10, 1]))
    #expect(stage.inputs[0].orientation?.axes == [1, 0])
  }

  /// A row of a turned tensor would meet all its chunks.
  @Test func chunksAreNotReadTurned() throws {
    let step = try TestOps.matmul(TestOps.data([500, 700]), TestOps.data([700, 1000]))
    #expect(try plan(TestOps.flat(TestOps.transpose(step))).stages.count == 3)
    #expect(try plan(TestOps.flat(TestOps.rows(step))).stages.count == 2)
    #expect(try plan(TestOps.flat(TestOps.rows(TestOps.sqrt(TestOps.data([500, 1000]))))).stages.count == 2)
  }

  /// A box through steps spans many times what it holds.
  @Test func chunksAreNotReadInSteps() throws {
    let product = try TestOps.matmul(TestOps.data([500, 700]), TestOps.data([700, 1000]))
    let sparse = try Value(TestOps.everyTenth.apply([.value(product)]))
    #expect(try plan(TestOps.flat(sparse)).stages.count == 3)
    // Of data in one piece nothing has to be put together.
    #expect(try plan(TestOps.flat(Value(TestOps.everyTenth.apply([.value(TestOps.data([500, 1000]))])))).stages.count == 1)
  }

  @Test func aReshapeStaysWhereItsInputIs() throws {
    let bytes = 4000 * 1000 * 8
    let sum = try TestOps.add(TestOps.data([4000, 1000]), TestOps.data([4000, 1000]))
    let p = try plan(TestOps.reshaped(sum))
    let (from, to) = (p.tensors[p.stages[1].inputs[0].tensor], p.tensors[p.results[0]])
    #expect(from.firstSlot == to.firstSlot)
    #expect(p.forecastPeak == bytes)
    // Under a limit that does not hold it in one piece it comes in chunks.
    let small = try plan(TestOps.reshaped(sum), limit: bytes)
    #expect(small.forecastPeak < bytes + bytes / 4)
    #expect(small.tensors[small.stages[1].inputs[0].tensor].firstSlot != small.tensors[small.results[0]].firstSlot)
    // Two readers: neither may have its memory.
    let both = try Planner([TestOps.reshaped(sum), sum], options: PlanOptions(memoryLimit: 1 << 30)).plan
    #expect(both.tensors[both.results[0]].firstSlot != both.tensors[both.results[1]].firstSlot)
  }
}
