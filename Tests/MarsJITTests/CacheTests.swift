import Glibc
import MarsBase
import MarsGraph
import Synchronization
import Testing

@testable import MarsJIT

@Suite struct CacheTests {
  let spec = map(
    [.float64], scalars: [.float64], out: .float64, [Inst(.input, .float64), Inst(.scalar, .float64), Inst(.mul, .float64, 0, 1)])

  /// 3 * x for a few x, with the given JIT.
  func run(_ jit: JIT, _ spec: KernelSpec, count: Int = 5) throws -> [Double] {
    var x = (0..<count).map(Double.init)
    var y = [Double](repeating: -1, count: count)
    try x.withUnsafeMutableBytes { px in
      try y.withUnsafeMutableBytes { py in
        try jit.kernel(for: spec).run(
          KernelArguments(
            extents: [count], inputs: [px.baseAddress!], outputs: [py.baseAddress!], inputStrides: [8], outputStrides: [8],
            scalars: [Scalar(3.0)]))
      }
    }
    return y
  }

  func directory() -> String {
    var template = Array("/tmp/mars-jit-test-XXXXXX".utf8CString)
    return String(cString: mkdtemp(&template))
  }

  func files(_ d: String) -> [String] {
    var out: [String] = []
    guard let handle = opendir(d) else { return [] }
    defer { closedir(handle) }
    while let e = readdir(handle) {
      let name = withUnsafePointer(to: &e.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if name.hasSuffix(".mko") { out.append(d + "/" + name) }
    }
    return out
  }

  func remove(_ d: String) {
    for f in files(d) { unlink(f) }
    rmdir(d)
  }

  func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) {
    let f = fopen(path, "r+")!
    fseek(f, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(f))
    rewind(f)
    fread(&bytes, 1, bytes.count, f)
    fclose(f)
    change(&bytes)
    let g = fopen(path, "w")!
    fwrite(bytes, 1, bytes.count, g)
    fclose(g)
  }

  @Test func objectsOutliveTheProcessAndDamageIsRepaired() throws {
    let d = directory()
    defer { remove(d) }
    let expected = [0.0, 3, 6, 9, 12]
    let first = JIT(options: JITOptions(cacheDirectory: d))
    #expect(try run(first, spec) == expected)
    #expect(first.statistics.compiles == 1 && files(d).count == 1)
    let second = JIT(options: JITOptions(cacheDirectory: d))
    #expect(try run(second, spec) == expected)
    #expect(second.statistics.compiles == 0 && second.statistics.diskHits == 1)
    #expect(first.usesLLVM && !second.usesLLVM)

    let damages: [(inout [UInt8]) -> Void] = [
      { $0[$0.count - 40] ^= 1 }, { $0[20] ^= 1 }, { $0[0] = 0 }, { $0.removeLast(100) }, { $0 = [] }, { $0[10] = 0xff }, { $0.append(0) },
    ]
    for damage in damages {
      rewrite(files(d)[0], damage)
      let again = JIT(options: JITOptions(cacheDirectory: d))
      #expect(try run(again, spec) == expected)
      #expect(again.statistics.compiles == 1 && again.statistics.diskHits == 0)
      let repaired = JIT(options: JITOptions(cacheDirectory: d))
      #expect(try run(repaired, spec) == expected)
      #expect(repaired.statistics.diskHits == 1)
    }
  }

  @Test func anUnwritableFolderOnlyCostsTheCache() throws {
    let jit = JIT(options: JITOptions(cacheDirectory: "/proc/none"))
    #expect(try run(jit, spec) == [0, 3, 6, 9, 12])
  }

  @Test func boundsHold() throws {
    let d = directory()
    defer { remove(d) }
    let jit = JIT(options: JITOptions(cacheDirectory: d, memoryLimitKernels: 3, cacheLimitFiles: 6))
    for round in 0..<2 {
      for k in 0..<8 {
        let s = map(
          [.float64], scalars: [.float64], out: .float64,
          [
            Inst(.input, .float64), Inst(.scalar, .float64), Inst(.mul, .float64, 0, 1),
            Inst(.constant, .float64, imm: Double(k).bitPattern),
            Inst(.add, .float64, 2, 3),
          ])
        #expect(try run(jit, s)[1] == 3 + Double(k), "round \(round)")
        #expect(files(d).count <= 6)
      }
    }
    // Evicted kernels were made again.
    #expect(jit.statistics.compiles + jit.statistics.diskHits == 16)
  }

  @Test func whatIsOfUseStays() {
    let d = directory()
    defer { remove(d) }
    let cache = ObjectCache(directory: d, limit: 4)
    func pause() { usleep(5000) }
    for k in 0..<4 as Range<UInt8> {
      cache.save([k], [k, k])
      pause()
    }
    #expect(cache.load([0]) == [0, 0])
    pause()
    cache.save([9], [9])
    // The older half went, by the time of their last use.
    #expect(cache.load([0]) == [0, 0] && cache.load([9]) == [9] && cache.load([1]) == nil && files(d).count == 3)
  }

  @Test func muchWorkIsOptimisedOnceAndForAllProcesses() throws {
    let d = directory()
    defer { remove(d) }
    let options = JITOptions(cacheDirectory: d, optimiseFrom: 20_000)
    let first = JIT(options: options)
    let expected = try run(first, spec, count: 500)
    #expect(first.statistics.compiles == 1 && first.statistics.optimised == 0)
    for _ in 0..<20 { #expect(try run(first, spec, count: 500) == expected) }
    #expect(first.statistics.compiles == 2 && first.statistics.optimised == 1)
    // A small call takes the optimised code that it finds.
    let second = JIT(options: options)
    for _ in 0..<20 { #expect(try run(second, spec, count: 500) == expected) }
    #expect(second.statistics.compiles == 0 && second.statistics.diskHits == 1)
    // A large first call is optimised at once.
    let third = JIT(options: JITOptions(optimiseFrom: 20_000))
    _ = try run(third, spec, count: 5000)
    #expect(third.statistics.compiles == 1 && third.statistics.optimised == 1)
  }

  @Test func sizesAndScalarsAreNotPartOfTheKernel() throws {
    let jit = JIT()
    for n in [2, 3, 50, 1000] { #expect(try run(jit, spec, count: n).last == Double(3 * (n - 1))) }
    #expect(jit.statistics.compiles == 1)
  }

  @Test func wrongArgumentsAreRefused() {
    let jit = JIT()
    #expect(throws: MarsError.self) { try jit.kernel(for: self.spec).run(KernelArguments(extents: [1, 2])) }
  }

  @Test func manyThreadsShareOneCompile() throws {
    final class Work: @unchecked Sendable {
      let jit = JIT(options: JITOptions(memoryLimitKernels: 2))
      let failures = Locked(0)
      let tests: CacheTests
      init(_ t: CacheTests) { tests = t }
    }
    let work = Work(self)
    var threads = [pthread_t](repeating: 0, count: 8)
    for i in threads.indices {
      pthread_create(
        &threads[i], nil,
        { raw in
          let work = Unmanaged<Work>.fromOpaque(raw!).takeRetainedValue()
          for _ in 0..<200 {
            if (try? work.tests.run(work.jit, work.tests.spec)) != [0, 3, 6, 9, 12] { work.failures.withLock { $0 += 1 } }
          }
          return nil
        }, Unmanaged.passRetained(work).toOpaque())
    }
    for t in threads { pthread_join(t, nil) }
    #expect(work.failures.withLock { $0 } == 0)
    #expect(work.jit.statistics.compiles == 1)
  }

  /// The thread sanitizer cannot start threads in the child of a process with threads.
  static let isThreadSanitized = dlsym(nil, "__tsan_init") != nil

  /// What of LLVM is half done stays so: asking it anything would crash.
  @Test(.disabled(if: CacheTests.isThreadSanitized)) func aProcessForkedWhileCodeWasCompiledRunsWhatThereIs() throws {
    let jit = JIT()
    let expected = try run(jit, spec)
    var other = spec
    other.axisCount = 2
    let child = fork()
    if child == 0 {
      // The handlers of the runtime may be there, and have done so already.
      JIT.lockForFork(waitingSeconds: 0.001)
      JIT.reinitialiseInChild()
      let isInside = Signal()
      guard BackgroundThread.start("compiles", { JIT.making.pass { isInside.stay() } }) else { _exit(4) }
      isInside.wait()
      JIT.lockForFork(waitingSeconds: 0.001)
      JIT.reinitialiseInChild()
      guard let again = try? run(jit, spec), again == expected else { _exit(1) }
      do throws(MarsError) { _ = try code(jit, other) } catch { _exit(error.code == .os ? 0 : 3) }
      _exit(2)
    }
    var status: Int32 = -1
    for _ in 0..<3000 where waitpid(child, &status, WNOHANG) == 0 { usleep(10_000) }
    if status == -1 { kill(child, SIGKILL) }
    #expect(status == 0)
  }

  /// A thread that has come somewhere, and stays.
  private final class Signal: Sendable {
    private let isThere = Atomic(false)
    func stay() {
      isThere.store(true, ordering: .sequentiallyConsistent)
      while true { sleep(1) }
    }
    func wait() { while !isThere.load(ordering: .sequentiallyConsistent) { usleep(100) } }
  }

  /// Makes code of a spec with two axes.
  private func code(_ jit: JIT, _ spec: KernelSpec) throws(MarsError) {
    let (x, y) = (UnsafeMutablePointer<Double>.allocate(capacity: 4), UnsafeMutablePointer<Double>.allocate(capacity: 4))
    try jit.kernel(for: spec).prepare(
      KernelArguments(
        extents: [2, 2], inputs: [x], outputs: [y], inputStrides: [24, 8], outputStrides: [24, 8],
        scalars: [Scalar(3.0)]))
  }
}
