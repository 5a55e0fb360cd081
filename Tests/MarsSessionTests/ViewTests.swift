import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import Testing

/// Tensors that are views of each other behave as NumPy's arrays do.
struct ViewTests {
  private let session: Session
  init() throws { session = try Session(options: []) }

  private func values(_ t: Tensor) throws -> [Double] { try session.doubles(t) }

  @Test func writesToTheBaseShowInViews() throws {
    let a = try Tensor.range(5)
    let b = try a.sliced((1, 1, 4))
    try a.assign(.tensor(a.op("add", 1)))
    #expect(try values(b) == [2, 3, 4, 5])
    #expect(try values(a) == [1, 2, 3, 4, 5])
    #expect(a.sharesStorage(with: b))
    try b.assign(.weak(Scalar(9.0)))
    #expect(try values(a) == [1, 9, 9, 9, 9])
  }

  @Test func writesAfterExecution() throws {
    let a = try session.execute([try Tensor.range(4).op("multiply", 2)])[0]
    let b = try a.sliced((3, -1, 4))
    #expect(try values(b) == [6, 4, 2, 0])
    try b.sliced((0, 2, 2)).assign(.tensor(try Tensor.of([-1, -2])))
    #expect(try values(a) == [0, -2, 4, -1])
    #expect(try values(b) == [-1, 4, -2, 0])
  }

  @Test func whatDoesNotFitIsRefusedInNumPysWords() throws {
    let a = try Tensor.range(6).op("reshape", with: [("shape", .ints([2, 3]))])
    let error = #expect(throws: MarsError.self) { try a.assign(.tensor(try Tensor.range(2))) }
    #expect(error?.message == "could not broadcast input array from shape (2,) into shape (2,3)")
    #expect(error?.op == "assign")
  }

  @Test func aWriteBetweenStartAndResultIsNotLost() throws {
    let a = try Tensor.range(6)
    let sum = try a.op("add", 0)
    let run = try session.start([sum])
    try sum.assign(.weak(Scalar(5.0)))
    #expect(try run.wait(seconds: 10))
    #expect(try values(sum) == [5, 5, 5, 5, 5, 5])
  }

  @Test func snapshotsAndResultsOfOperatorsAreIndependent() throws {
    let a = try Tensor.range(3)
    let (copy, sum) = (try a.snapshot(), try a.op("add", 1))
    try a.assign(.weak(Scalar(7.0)))
    #expect(try values(copy) == [0, 1, 2])
    #expect(try values(sum) == [1, 2, 3])
    #expect(!a.sharesStorage(with: copy))
    #expect(!a.sharesStorage(with: sum))
  }

  @Test func reshapeIsAViewWhereStridesAllow() throws {
    let a = try Tensor.range(4, 6)
    #expect(try a.reshaped(2, 12).sharesStorage(with: a))
    #expect(try a.sliced((1, 2, 2), (0, 1, 6)).reshaped(2, 3, 2).sharesStorage(with: a))
    #expect(try !a.transposed.reshaped(24).sharesStorage(with: a))
    #expect(try !a.sliced((0, 1, 4), (0, 1, 5)).reshaped(20).sharesStorage(with: a))
    let w = try a.reshaped(2, 12)
    try w.sliced((1, 1, 1), (0, 1, 12)).assign(.weak(Scalar(-1.0)))
    #expect(try values(a) == (0..<12).map(Double.init) + [Double](repeating: -1, count: 12))
  }

  @Test func assignmentBroadcastsAndCasts() throws {
    let a = try Tensor.range(2, 3).op("astype", with: [("dtype", .dtype(.int32))])
    try a.sliced((0, 1, 2), (1, 1, 2)).assign(.tensor(try Tensor.of([7.9, -8.9])))
    #expect(a.type.dtype == .int32)
    #expect(try values(try a.op("astype", with: [("dtype", .dtype(.float64))])) == [0, 7, -8, 3, 7, -8])
    #expect(throws: MarsError.self) { try a.assign(.tensor(try Tensor.range(4))) }
    // A failed write changes nothing.
    #expect(try values(try a.op("astype", with: [("dtype", .dtype(.float64))])) == [0, 7, -8, 3, 7, -8])
  }

  @Test func overlappingWritesReadTheOldValues() throws {
    let a = try Tensor.range(6)
    try a.sliced((1, 1, 5)).assign(.tensor(try a.sliced((0, 1, 5))))
    #expect(try values(a) == [0, 0, 1, 2, 3, 4])
    try a.assign(.tensor(try a.sliced((5, -1, 6))))
    #expect(try values(a) == [4, 3, 2, 1, 0, 0])
  }

  /// Elements of a storage that a handle shows, in C order, as NumPy's rules say.
  private struct Model {
    var indices: [Int]
    var shape: [Int]
  }

  private struct Dice {
    var state: UInt64
    mutating func roll(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(1, n)))
    }
  }

  @Test(arguments: 0..<24)
  func randomChainsOfViewsAndWrites(_ seed: Int) throws {
    var dice = Dice(state: UInt64(seed) &* 77 &+ 5)
    let session = try Session(options: [("chunk_bytes", seed % 2 == 0 ? "0" : "64")])
    var memory = (0..<24).map(Double.init)
    let base = try Tensor.range(4, 6)
    var handles: [(tensor: Tensor, model: Model)] = [(base, Model(indices: Array(0..<24), shape: [4, 6]))]
    for step in 0..<24 {
      let (t, m) = handles[dice.roll(handles.count)]
      switch dice.roll(6) {
      case 0, 1:
        // A slice with any steps.
        var starts: [Int] = []
        var steps: [Int] = []
        var shape: [Int] = []
        for n in m.shape {
          let step = [1, 1, 2, -1, -2][dice.roll(5)]
          let start = n == 0 ? 0 : dice.roll(n)
          let most = n == 0 ? 0 : step > 0 ? (n - start + step - 1) / step : start / -step + 1
          starts.append(start)
          steps.append(step)
          shape.append(max(0, most - dice.roll(2)))
        }
        let axes = Array(shape.indices)
        let v = try t.op(
          "view", with: [("axes", .ints(axes)), ("starts", .ints(starts)), ("steps", .ints(steps)), ("shape", .ints(shape))])
        var picked: [Int] = []
        forEach(shape) { i in picked.append(m.indices[flat(i.indices.map { starts[$0] + steps[$0] * i[$0] }, m.shape)]) }
        #expect(v.sharesStorage(with: base))
        handles.append((v, Model(indices: picked, shape: shape)))
      case 2:
        var picked: [Int] = []
        let shape: [Int] = m.shape.reversed()
        forEach(shape) { i in picked.append(m.indices[flat(i.reversed(), m.shape)]) }
        handles.append((try t.transposed, Model(indices: picked, shape: shape)))
      case 3:
        let count = m.indices.count
        let rows = [1, 2, 3, 4].filter { count % $0 == 0 }
        let k = rows[dice.roll(rows.count)]
        let r = try t.op("reshape", with: [("shape", .ints([k, count / k]))])
        // A copy has values of its own: it leaves the game.
        if r.sharesStorage(with: base) {
          handles.append((r, Model(indices: m.indices, shape: [k, count / k])))
        } else {
          #expect(try session.doubles(r) == m.indices.map { memory[$0] })
        }
      case 4:
        try t.assign(.weak(Scalar(Double(100 + step))))
        for i in m.indices { memory[i] = Double(100 + step) }
      default:
        try t.assign(.tensor(try t.op("add", 1)))
        for i in m.indices { memory[i] += 1 }
      }
      if dice.roll(5) == 0 { _ = try session.execute([handles[dice.roll(handles.count)].tensor]) }
    }
    for (n, h) in handles.enumerated() {
      #expect(h.tensor.type.shape == h.model.shape)
      #expect(try session.doubles(h.tensor) == h.model.indices.map { memory[$0] }, "handle \(n) of \(handles.count)")
    }
  }

  private func flat(_ index: [Int], _ shape: [Int]) -> Int {
    var n = 0
    for (i, d) in zip(index, shape) { n = n * d + i }
    return n
  }

  private func forEach(_ shape: [Int], _ body: ([Int]) -> Void) {
    for n in 0..<shape.reduce(1, *) {
      var (rest, i) = (n, [Int](repeating: 0, count: shape.count))
      for k in shape.indices.reversed() { (rest, i[k]) = rest.quotientAndRemainder(dividingBy: shape[k]) }
      body(i)
    }
  }
}
