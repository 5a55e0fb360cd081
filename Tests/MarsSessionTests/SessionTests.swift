import Foundation
import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import TestSupport
import Testing

/// Calls of a chunk function, in the order in which they happened.
private final class CallLog: Sendable {
  private let calls = Locked<[String]>([])
  func add(_ s: String) { calls.withLock { $0.append(s) } }
  var all: [String] { calls.withLock { $0 } }
}

/// A function on chunks that copies them, and says when; for one of them it waits until another call is done, 20 s at most.
private final class Copying: ChunkCallback {
  private let log: CallLog
  private let name: String
  private let milliseconds: UInt32
  private let waiting: (chunk: Int, call: String)?
  init(_ log: CallLog, _ name: String, milliseconds: UInt32 = 0, waiting: (chunk: Int, call: String)? = nil) {
    self.log = log
    self.name = name
    self.milliseconds = milliseconds
    self.waiting = waiting
  }
  func call(input: ArrayView, output: ArrayView, lower: [Int]) throws(MarsError) {
    if milliseconds > 0 { usleep(milliseconds * 1000) }
    if let waiting, waiting.chunk == lower[0] {
      for _ in 0..<2000 where !log.all.contains(waiting.call) { usleep(10_000) }
    }
    StridedCopy.copy(from: input, to: output)
    log.add("\(name)\(lower[0])")
  }
}

struct SessionTests {
  /// Operators inside of others are nothing that a client knows: errors of rules, plans and runs name the call that was made.
  @Test func errorsNameTheOperatorThatWasApplied() throws {
    let session = try Session(options: [])
    let x = try Tensor.of([1, 2, 3])
    func error(_ name: String, _ inputs: [TensorOperand], _ attributes: [(String, AttrValue)] = []) throws -> MarsError? {
      do {
        _ = try session.fetch(try Tensor.apply(try marsRegistry.require(name), inputs, attributes, origin: "here:1")[0])
        return nil
      } catch { return error }
    }
    func check(_ e: MarsError?, _ code: MarsError.Code, _ op: String, line: Int = #line) {
      #expect(e?.code == code && e?.op == op && e?.origin == "here:1", "line \(line): \(String(describing: e))")
    }
    // At the call: sum inside of nansum.
    check(try error("nansum", [.tensor(x)], [("axis", .int(3))]), .axis, "nansum")
    let seven = TensorOperand.tensor(try Tensor.op("astype", [.weak(Scalar(Int64(7)))], [("dtype", .dtype(.int64))]))
    // When it runs: take_axis inside of take, and of take inside of index_arrays.
    check(try error("take", [.tensor(x), seven]), .index, "take")
    check(try error("index_arrays", [.tensor(x), seven], [("axes", .ints([0]))]), .index, "index_arrays")
    // When extents are known: the product inside of vdot.
    let two = try x.op("boolean_mask", try x.op("greater", 1.5))
    check(try error("vdot", [.tensor(two), .tensor(x)]), .value, "vdot")
  }

  @Test func dtypeOfAUfuncSelectsTheLoop() throws {
    let session = try Session(options: [])
    let x = try Tensor.of([1.5, 2.5, 0.5], [3])
    func apply(_ name: String, _ s: Double, _ attributes: [(String, AttrValue)]) throws -> Tensor {
      try Tensor.op(name, [.tensor(x), .weak(Scalar(s))], attributes)
    }
    let less = try apply("less", 2, [("dtype", .dtype(.bool))])
    #expect(less.type.dtype == .bool)
    #expect(try session.doubles(try less.op("astype", with: [("dtype", .dtype(.float64))])) == [1, 0, 1])
    #expect(try apply("add", 1, [("dtype", .dtype(.float32))]).type.dtype == .float32)
    #expect(try apply("add", 1, [("dtype", .dtype(.int32)), ("casting", .string("unsafe"))]).type.dtype == .int32)
    let bad: [(String, AttrValue)] = [("dtype", .dtype(.int64)), ("casting", .string("never")), ("dtype", .string("f8"))]
    for attribute in bad { #expect(throws: MarsError.self) { try apply("add", 1, [attribute]) } }
  }

  // MARK: Unknown extents

  @Test func namedInputsOfUnknownExtents() throws {
    let session = try Session(options: [])
    let graph = Graph()
    let x = try graph.addInput("x", .float64, [-1, 3])
    #expect(x.type.shape == [-1, 3])
    let y = try x.op("multiply", 2).op("sum", with: [("axis", .ints([0]))])
    let z = try x.op("add", 1)
    for rows in [1, 4, 0] {
      let data = try Tensor.of((0..<3 * rows).map(Double.init), [rows, 3])
      let r = try session.execute([y, z], bindings: [("x", data)])
      #expect(try session.doubles(r[1]) == (0..<3 * rows).map { Double($0) + 1 })
      #expect(r[1].type.shape == [rows, 3])
      var sums: [Double] = [0, 0, 0]
      for i in 0..<3 * rows { sums[i % 3] += 2 * Double(i) }
      #expect(try session.doubles(r[0]) == sums)
    }
    // The placeholder stays one: nothing is kept of an execution.
    #expect(!y.isExecuted)
    #expect(throws: MarsError.self) { try session.execute([y]) }
    let (narrow, good) = (try Tensor.range(4, 2), try Tensor.range(4, 3))
    #expect(throws: MarsError.self) { try session.execute([y], bindings: [("x", narrow)]) }
    #expect(throws: MarsError.self) { try session.execute([y], bindings: [("x", good), ("w", good)]) }
    // An input that stands for itself.
    #expect(throws: MarsError.self) { try session.execute([y], bindings: [("x", x)]) }
    #expect(throws: MarsError.self) { try session.execute([y], bindings: [("x", z)]) }
  }

  @Test func masksRunInStages() throws {
    let session = try Session.alone([("workers", "2")])
    let log = CallLog()
    let x = try Tensor.range(160)
    let slow = try x.op("rechunk", with: [("chunk_size", .ints([10]))]).mapChunk(
      Copying(log, "slow", milliseconds: 10, waiting: (150, "after0")), dtype: .float64, origin: "")
    // The mask depends on one chunk of the slow tensor.
    let first = try slow.sliced((0, 1, 10))
    let chosen = try first.op("boolean_mask", first.op("greater", 4))
    let after = try chosen.mapChunk(Copying(log, "after"), dtype: .float64, origin: "")
    let r = try session.execute([after.op("add", 1), slow.op("sum")])
    #expect(try session.doubles(r[0]) == [6, 7, 8, 9, 10])
    #expect(try session.doubles(r[1]) == [(0..<160).reduce(0.0) { $0 + Double($1) }])
    let calls = log.all
    // Every chunk is computed once, and what follows the mask does not wait for the chunks that it does not depend on.
    #expect(calls.filter { $0.hasPrefix("slow") }.count == 16)
    #expect(Set(calls).count == calls.count)
    let at = try #require(calls.firstIndex(of: "after0"))
    #expect(at < 16, "what follows the mask waited for all chunks")
  }

  // MARK: Random numbers

  @Test(arguments: [[3, 7], [5, 16], [17, 33], [203, 421], [31, 5, 13]])
  func randomNumbersInsideReductions(_ shape: [Int]) throws {
    // Reductions that draw numbers themselves, in whatever order, draw those of the array.
    let session = try Session(options: [])
    func random() throws -> Tensor {
      try Tensor.op("random", [], [("seed", .scalar(Scalar(dtype: .uint64, low: 42))), ("stream", .int(0)), ("size", .ints(shape))])
    }
    let stored = try session.execute([try random()])[0]
    for axis in shape.indices {
      for name in ["max", "argmin"] {
        let axes: (String, AttrValue) = ("axis", .ints([axis]))
        let (mine, theirs) = (try session.bytes(try random().op(name, with: [axes])), try session.bytes(try stored.op(name, with: [axes])))
        #expect(mine == theirs, "\(name) \(axis)")
      }
    }
  }

  // MARK: Plans that once went wrong

  @Test func leavesAsResults() throws {
    let session = try Session(options: [])
    let x = try Tensor.range(4)
    let r = try session.execute([x, try x.sliced((0, 1, 4)), try x.sliced((1, 2, 2))])
    #expect(try r.map { try session.doubles($0) } == [[0, 1, 2, 3], [0, 1, 2, 3], [1, 3]])
  }

  @Test func deepChainsRunOnASmallStack() throws {
    let faults = Locked<[String]>([])
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      do {
        let session = try Session(options: [])
        let n = scaled(50_000)
        var rechunked = try Tensor.range(4).op("add", 0)
        for _ in 0..<n { rechunked = try rechunked.op("rechunk", with: [("chunk_size", .ints([2]))]) }
        var copied = try Tensor.range(4)
        for _ in 0..<n { copied = try copied.sliced((3, -1, 4)).snapshot() }
        // As a file says it, and not as handles put views together.
        var node = try copied.value().value
        let axes: [(String, AttrValue)] = [
          ("axes", .ints([0])), ("starts", .ints([3])), ("steps", .ints([-1])), ("shape", .ints([4])),
        ]
        for _ in 0..<2 * n { node = Value(try marsRegistry.require("view").apply([.value(node)], axes)) }
        let file = Graph()
        try file.addOutput("x", Tensor(node))
        let bytes = try file.serialise()
        let read = try bytes.withUnsafeBytes { try Graph.parse(ByteView($0), allowsFiles: false) }
        let out = try #require(read.outputs.first?.tensor)
        for t in [rechunked, copied, out] {
          let values = try session.doubles(t)
          if values != [0, 1, 2, 3] { faults.withLock { $0.append("\(values)") } }
        }
      } catch { faults.withLock { $0.append("\(error)") } }
      done.signal()
    }
    // Frames are several times as large under the address sanitizer; recursion over the chains would need a hundred times this.
    thread.stackSize = SessionTests.isAddressSanitized ? 4 << 20 : 512 << 10
    thread.start()
    done.wait()
    #expect(faults.withLock { $0 } == [])
  }

  @Test func partsOfReductionsShrink() throws {
    // Rows that are longer than a chunk: cut to single rows, partial sums would be as large as the operand, for ever.
    let session = try Session(options: [("chunk_bytes", "64")])
    let x = try Tensor.range(40, 30)
    let sums = (0..<30).map { k in (0..<40).reduce(0.0) { $0 + Double(30 * $1 + k) } }
    #expect(try session.doubles(try x.op("sum", with: [("axis", .ints([0]))])) == sums)
    #expect(try session.doubles(try Tensor.range(0, 30).op("sum", with: [("axis", .ints([0]))])) == [Double](repeating: 0, count: 30))
  }

  @Test func pinsThroughSlices() throws {
    let session = try Session(options: [])
    let x = try Tensor.range(7).op("rechunk", with: [("splits", .ints([3, 1, 3, 3]))])
    #expect(try session.doubles(try x.op("diff")) == [1, 1, 1, 1, 1, 1])
  }

  /// A run that fails between two parts of its plan: what was to go on goes with it, leaves and all.
  @Test func failedPlansKeepNothing() async {
    // Alone, as nodes are counted for the process.
    await #expect(processExitsWith: .success) {
      let session = try Session(options: [])
      func fails() throws {
        let places = try Tensor.range(2).op("multiply", 1000).op("astype", with: [("dtype", .dtype(.int64))])
        let known = try places.op("boolean_mask", try places.op("equal", places))
        let left = try Tensor.range(100).op("delete", known, with: [("axis", .int(0))])
        do { _ = try session.doubles(left) } catch let error as MarsError where error.code == .index { return }
        Issue.record("place 1000 of 100 was deleted")
      }
      try fails()
      let before = Node.liveCount
      for _ in 0..<10 { try fails() }
      // A worker may still be on its way out of the last run.
      for _ in 0..<1000 where Node.liveCount > before { usleep(5000) }
      #expect(Node.liveCount <= before)
    }
  }

  // MARK: Size

  @Test func longChains() throws {
    let session = try Session(options: [])
    let clock = ContinuousClock()
    let n = scaled(50_000)
    let time = try clock.measure {
      var t = try Tensor.range(8)
      for _ in 0..<n { t = try t.op("add", 1) }
      #expect(try session.doubles(t) == (0..<8).map { Double($0 + n) })
      // Never executed: only taken apart.
      var u = try Tensor.range(8)
      for _ in 0..<n { u = try u.op("negative").op("sqrt") }
      withExtendedLifetime(u) {}
    }
    #expect(time < .seconds(60))
  }

  /// The address sanitizer keeps what is freed back for a while: the process grows all the same.
  static let isAddressSanitized = dlsym(nil, "__asan_init") != nil

  @Test(.disabled(if: SessionTests.isAddressSanitized)) func graphsAreReleased() async {
    await #expect(processExitsWith: .success) {
      func round(_ n: Int) throws {
        for _ in 0..<n {
          let g = Graph()
          let x = try g.addInput("x", .float64, [3])
          try g.addOutput("y", try x.op("add", 1))
        }
      }
      // Tests of the C interface do it a million times, in a release build.
      try round(10_000)
      let before = residentBytes()
      try round(100_000)
      let growth = residentBytes() - before
      // The smallest object for each graph would be 3 MB.
      precondition(growth < 2 << 20, "a hundred thousand graphs grew the process by \(growth) bytes")
    }
  }

  @Test(.disabled(if: SessionTests.isAddressSanitized)) func sessionsAreReleased() async {
    await #expect(processExitsWith: .success) {
      func round(_ n: Int) throws {
        for i in 0..<n {
          let s = try Session(options: [("workers", "2"), ("cache_dir", "")])
          guard i % 100 == 0 else { continue }
          let r = try s.doubles(try Tensor.range(3).op("add", 1))
          precondition(r == [1, 2, 3])
        }
      }
      try round(500)
      let before = residentBytes()
      try round(10_000)
      let growth = residentBytes() - before
      let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
      precondition(growth < 32 << 20, "ten thousand sessions grew the process by \(growth) bytes")
      precondition(threads < 64, "\(threads) threads are left")
    }
  }

  // MARK: Threads

  @Test func eightThreadsOnOneSession() throws {
    let session = try Session(options: [("chunk_bytes", "4000")])
    let shared = try Tensor.random(50, 40)
    let expected = try session.bytes(try shared.op("add", 1).op("sqrt"))
    let faults = Locked<[String]>([])
    let threads = (0..<8).map { n in
      Thread {
        for i in 0..<40 {
          do {
            let t = try shared.op("add", 1).op("sqrt")
            if try session.bytes(t) != expected { faults.withLock { $0.append("other bits") } }
            let mine = try Tensor.range(10).op("multiply", Double(n * 100 + i))
            if try session.doubles(mine) != (0..<10).map({ Double($0) * Double(n * 100 + i) }) {
              faults.withLock { $0.append("another thread's values") }
            }
            _ = try session.execute([shared])
          } catch { faults.withLock { $0.append("\(error)") } }
        }
        finished.signal()
      }
    }
    for t in threads { t.start() }
    for _ in threads { finished.wait() }
    #expect(faults.withLock { $0 } == [])
  }
  private let finished = DispatchSemaphore(value: 0)

  /// What a fetch returns is what the tensor held at one moment, though others write all the time, in the same memory where they can.
  @Test func fetchesWhileOthersWrite() throws {
    let session = try Session(options: [])
    let chunked = try Session(options: [("chunk_bytes", "512")])
    let end = ContinuousClock.now + .seconds(1)
    for (s, shared) in [(session, try Tensor.range(1000).op("multiply", 0)), (chunked, try Tensor.range(1000).op("multiply", 0))] {
      let faults = Locked<[String]>([])
      let rounds = Locked<Int>(0)
      let threads = (0..<4).map { n in
        Thread {
          var k = 0
          while ContinuousClock.now < end + (s === session ? .zero : .seconds(1)), faults.withLock({ $0.isEmpty }) {
            do {
              k += 1
              switch n {
              case 0:
                // All elements but the first are equal at every moment: a mixture would be seen.
                if k % 8 == 0 { try shared.assign(.tensor(try Tensor.range(1000).op("multiply", 0).op("add", Double(k)))) }
              case 1:
                try shared.sliced((0, 1, 1)).assign(.weak(Scalar(Double(k))))
                _ = try s.execute([shared])
              default:
                let held = try s.fetch(shared)
                let values = (0..<1000).map { held.view.base.load(fromByteOffset: 8 * $0, as: Double.self) }
                if values.dropFirst().contains(where: { $0 != values[1] }) { faults.withLock { $0.append("a mixture") } }
                usleep(50)
                let again = held.view.base.load(as: Double.self)
                if again != values[0] { faults.withLock { $0.append("fetched \(values[0]) became \(again)") } }
                rounds.withLock { $0 += 1 }
              }
            } catch { faults.withLock { $0.append("\(error)") } }
          }
          finished.signal()
        }
      }
      for t in threads { t.start() }
      for _ in threads { finished.wait() }
      #expect(faults.withLock { $0 } == [])
      #expect(rounds.withLock { $0 } > 0)
    }
  }

  // MARK: Memory

  @Test func limitHoldsAndChunksSpill() throws {
    let limit = 24 << 20
    let session = try Session.alone([("memory_limit", String(limit)), ("workers", "2")])
    #expect(try session.statistic("memory_limit") == limit)
    // 48 MB that are needed twice: for the mean, and less the mean.
    let x = try Tensor.random(3000, 2000).op("sort", with: [("axis", .int(1))])
    let mean = try x.op("mean")
    let spread = try x.op("subtract", mean).op("absolute").op("sum")
    let r = try session.execute([mean, spread])
    let m = try session.doubles(r[0])[0]
    #expect(abs(m - 0.5) < 1e-3)
    let deviation = try session.doubles(r[1])[0] / 6e6
    #expect(abs(deviation - 0.25) < 1e-3)
    #expect(try session.statistic("spilled_bytes") > 0)
    #expect(try session.statistic("peak_bytes") <= limit)
    // With room nothing spills, and the bits are those of the plan's chunks.
    let roomy = try Session.alone([("workers", "2")])
    let again = try roomy.execute([try Tensor.random(3000, 2000).op("sort", with: [("axis", .int(1))]).op("mean")])
    let same = try roomy.doubles(again[0])[0]
    #expect(abs(same - m) <= 1e-12)
    #expect(try roomy.statistic("spilled_bytes") == 0)
  }

  /// Copies of a client's arrays count against the limit, and go to disk where all of them do not fit.
  @Test(.disabled(if: SessionTests.isAddressSanitized)) func snapshotsSpill() async {
    await #expect(processExitsWith: .success) {
      let limit = 48 << 20
      let session = try Session.alone([("memory_limit", String(limit)), ("workers", "2")])
      func snapshot(_ n: Int, _ value: Double) throws -> Tensor {
        var data = [Double](repeating: value, count: n)
        return try data.withUnsafeMutableBytes {
          try Tensor.copy(of: ArrayView(base: $0.baseAddress!, dtype: .float64, shape: [n]), host: session.host)
        }
      }
      // Loads the compiler.
      _ = try session.doubles(try snapshot(1000, 1).op("add", 1).op("sum"))
      let before = residentBytes()
      let n = 650_000
      var all: [Tensor] = []
      for k in 0..<24 { all.append(try snapshot(n, Double(k))) }
      // One that is cut, as it takes much of the limit.
      let large = try snapshot(3_000_000, 0.5)
      let spilled = try session.statistic("spilled_bytes")
      precondition(spilled > 60 << 20, "\(spilled) bytes were spilled")
      var sum = all[0]
      for t in all.dropFirst() { sum = try sum.op("add", t) }
      let total = try session.doubles(try sum.op("sum"))
      precondition(total == [276 * Double(n)], "\(total)")
      let half = try session.doubles(try large.op("sum"))
      precondition(half == [1_500_000], "\(half)")
      for k in [0, 12, 23] {
        let values = try session.doubles(all[k])
        precondition(values.count == n && values.allSatisfy { $0 == Double(k) })
        let part = try session.doubles(try all[k].sliced((5, 2, 10)))
        precondition(part == [Double](repeating: Double(k), count: 10))
      }
      let peak = try session.statistic("peak_bytes")
      precondition(peak <= limit, "\(peak) bytes at the peak")
      let growth = residentBytes() - before
      precondition(growth <= limit + (150 << 20), "the process grew by \(growth) bytes")
      all = []
    }
  }

  @Test func smallSnapshotsCount() throws {
    let session = try Session.alone()
    let before = try session.statistic("used_bytes")
    var data = [Double](repeating: 1, count: 1000)
    let t = try data.withUnsafeMutableBytes {
      try Tensor.copy(of: ArrayView(base: $0.baseAddress!, dtype: .float64, shape: [1000]), host: session.host)
    }
    #expect(try session.statistic("used_bytes") - before == 8000)
    #expect(try session.doubles(t) == data)
  }

  /// Chunks that a fetch brings together count while the client holds them, up to half of the limit.
  @Test func fetchedChunksCount() throws {
    let session = try Session.alone([("memory_limit", String(16 << 20))])
    var data = (0..<750_000).map(Double.init)
    let t = try data.withUnsafeMutableBytes {
      try Tensor.copy(of: ArrayView(base: $0.baseAddress!, dtype: .float64, shape: [750_000]), host: session.host)
    }
    let size = 8 * 750_000
    let before = try session.statistic("used_bytes")
    #expect(before >= size)
    do {
      let first = try session.fetch(t)
      #expect(try session.statistic("used_bytes") >= before + size)
      // Another would leave less than half of the limit: it is the client's own memory.
      let second = try session.fetch(t)
      #expect(try session.statistic("used_bytes") < before + 2 * size)
      for view in [first.view, second.view] { #expect((view.base + size - 8).load(as: Double.self) == 749_999) }
      withExtendedLifetime((first, second)) {}
    }
    #expect(try session.statistic("used_bytes") == before)
  }

  /// Data of a graph file count as copies of a client's arrays do.
  @Test func dataOfGraphFilesCount() throws {
    let session = try Session.alone([("memory_limit", String(64 << 20))])
    var data = [Double](repeating: 2, count: 500_000)
    let graph = Graph()
    for (name, n) in [("small", 1000), ("large", 500_000)] {
      let t = try data.withUnsafeMutableBytes {
        try Tensor.copy(of: ArrayView(base: $0.baseAddress!, dtype: .float64, shape: [n]), host: session.host)
      }
      try graph.addOutput(name, try t.op("add", 1))
    }
    let bytes = try graph.serialise()
    let before = try session.statistic("used_bytes")
    let read = try bytes.withUnsafeBytes { try Graph.parse(ByteView($0), allowsFiles: false, host: session.host) }
    let more = try session.statistic("used_bytes") - before
    #expect(more >= 8 * 501_000 && more < 8 * 501_000 + 16384)
    for o in read.outputs { #expect(try session.doubles(o.tensor).allSatisfy { $0 == 3 }) }
  }

  @Test func resultsThatAreDroppedGiveTheirMemoryBack() throws {
    let session = try Session.alone([("memory_limit", String(64 << 20))])
    for _ in 0..<8 {
      let t = try session.execute([try Tensor.random(1000, 2000)])[0]
      #expect(t.isExecuted)
    }
    // Workers let go of a finished plan when they look for the next task.
    var used = try session.statistic("used_bytes")
    for _ in 0..<100 where used >= 1 << 20 {
      usleep(10_000)
      used = try session.statistic("used_bytes")
    }
    #expect(used < 1 << 20, "\(used) bytes are still in use")
    #expect(try session.statistic("peak_bytes") <= 64 << 20)
  }

  @Test func oneEngineServesAllSessions() throws {
    let host = EngineHost()
    let first = try Session(options: [("memory_limit", "1GiB")], host: host)
    let x = try Tensor.range(10)
    let kept = try first.execute([x.op("add", 1).op("rechunk", with: [("chunk_size", .ints([5]))])])[0]
    do {
      let second = try Session(options: [("memory_limit", "256MiB"), ("workers", "3")], host: host)
      #expect(try first.statistic("memory_limit") == 256 << 20)
      #expect(try second.doubles(kept.op("multiply", 2)) == (1...10).map { Double(2 * $0) })
    }
    #expect(try first.statistic("memory_limit") == 1 << 30)
    try first.setOption("memory_limit", "0")
    #expect(try first.statistic("memory_limit") > 1 << 30)
    #expect(try first.doubles(kept) == (1...10).map(Double.init))
  }

  @Test func claimsEndBeforeSessions() throws {
    let host = EngineHost()
    let kept = try Session(options: [("memory_limit", "64MiB"), ("workers", "1")], host: host)
    let session = try Session(options: [("memory_limit", "1G")], host: host)
    #expect(try session.statistic("memory_limit") == 64 << 20)
    kept.claim(false)
    #expect(try kept.statistic("memory_limit") == 1 << 30)
    #expect(!session.optionsText().contains("\"workers\",\"value\":\"1\""))
    kept.claim(true)
    #expect(try session.statistic("memory_limit") == 64 << 20)
  }

  @Test func memoryErrorsSayWhoseLimitItIs() throws {
    let host = EngineHost()
    let small = try Session(options: [("memory_limit", "1M")], host: host)
    let large = try Session(options: [("memory_limit", "1G")], host: host)
    func sentence(_ s: Session) throws -> String {
      do {
        _ = try s.execute([Tensor.random(1_000_000).op("searchsorted", 0.5)])
        return ""
      } catch let e as MarsError { return e.message }
    }
    #expect(try sentence(large).hasSuffix("the memory limit is that of another open session: the smallest holds for all"))
    #expect(try sentence(small).hasSuffix("raise memory_limit, or chunk axes that the operator does not need whole"))
  }

  @Test func whatCannotFitIsAnError() throws {
    let session = try Session.alone([("memory_limit", String(1 << 20))])
    // What is searched in is read whole: 8 MB.
    let x = try Tensor.random(1_000_000).op("searchsorted", 0.5)
    do {
      _ = try session.execute([x])
      Issue.record("8 MB fit into 1 MB")
    } catch let e as MarsError { #expect(e.code == .memory) }
    #expect(try session.doubles(try Tensor.range(3).op("add", 1)) == [1, 2, 3])
  }

  // MARK: Cancelling

  @Test func cancellingWhilePlanningIsQuick() throws {
    let session = try Session(options: [])
    let clock = ContinuousClock()
    func large(_ n: Int) throws -> Tensor {
      try Tensor.random(n).op("rechunk", with: [("chunk_size", .ints([1]))]).op("sum")
    }
    let job = try large(1_000_000)
    let run = try session.start([job])
    // Nothing is planned yet: that takes seconds.
    #expect(run.progress.total == 0)
    #expect(try run.wait(seconds: 0.05) == false)
    let time = clock.measure {
      run.cancel()
      do {
        _ = try run.wait(seconds: 10)
        Issue.record("a cancelled run ends well")
      } catch { #expect((error as? MarsError)?.code == .cancelled) }
    }
    #expect(time < .milliseconds(100), "\(time)")
    // What is planned in the background gives the result all the same, and its errors.
    let planned = try session.start([try large(50_000), try Tensor.range(3).op("add", 1)])
    #expect(try planned.wait(seconds: 60))
    #expect(try session.doubles(try planned.finishedResults()[1]) == [1, 2, 3])
    let graph = Graph()
    let x = try graph.addInput("x", .float64, [1])
    #expect(throws: MarsError.self) { try session.start([try large(50_000), try x.op("add", 1)]).wait(seconds: 60) }
  }

  @Test func cancellingIsQuick() throws {
    let session = try Session(options: [])
    let clock = ContinuousClock()
    for job in [
      try Tensor.random(60_000, 20_000).op("sin").op("sum"),
      try Tensor.random(3000, 3000).op("matmul", try Tensor.random(3000, 3000, stream: 1)).op("sum"),
    ] {
      let run = try session.start([job])
      usleep(60_000)
      #expect(!run.progress.isDone)
      let time = clock.measure {
        run.cancel()
        do {
          _ = try run.wait(seconds: 10)
          Issue.record("a cancelled run ends well")
        } catch { #expect((error as? MarsError)?.code == .cancelled) }
      }
      #expect(time < .milliseconds(100), "\(time)")
      #expect(!job.isExecuted)
    }
    #expect(try session.doubles(try Tensor.range(3).op("add", 1)) == [1, 2, 3])
  }
}
