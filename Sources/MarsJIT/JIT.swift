import CLLVM
import Glibc
import MarsBase
import MarsGraph

/// How a JIT behaves.
package struct JITOptions: Sendable {
  /// Folder of compiled objects that outlives the process; nil: none.
  package var cacheDirectory: String?
  /// Compiled layouts kept in memory.
  package var memoryLimitKernels: Int
  /// Files kept in the folder.
  package var cacheLimitFiles: Int
  /// Checks emitted code before it is compiled.
  package var verify: Bool
  /// Compiles for any processor with AVX2 and FMA instead of this one; results are the same bits.
  package var baseline: Bool

  /// Work (see `SpecFacts.work`) from which code is compiled again with all optimisations; the results are the same bits.
  /// 0: all code is optimised at once.
  package var optimiseFrom: Int

  package init(
    cacheDirectory: String? = nil, memoryLimitKernels: Int = 4096, cacheLimitFiles: Int = 8192, verify: Bool = false,
    baseline: Bool = false, optimiseFrom: Int = 1 << 25
  ) {
    self.optimiseFrom = optimiseFrom
    self.cacheDirectory = cacheDirectory
    self.memoryLimitKernels = memoryLimitKernels
    self.cacheLimitFiles = cacheLimitFiles
    self.verify = verify
    self.baseline = baseline
  }
}

/// Counts since the JIT was made.
package struct JITStatistics: Sendable, Equatable {
  /// Layouts compiled by LLVM, at first and again with optimisations.
  package var compiles = 0
  package var optimised = 0
  /// Layouts found in memory (calls with the layout of the call before are not counted).
  package var cacheHits = 0
  /// Objects loaded from disk.
  package var diskHits = 0
  /// Time spent in making code.
  package var nanoseconds: UInt64 = 0
}

/// Compiles kernel specs to machine code, each for the layouts it is called with.
package final class JIT: Sendable {
  let options: JITOptions
  private let folder: Locked<String?>
  private struct State {
    var kernels: [KernelSpec: Kernel] = [:]
    var processor: Processor?
    var target: Target?
    /// Idle target machines, one per concurrent compile, of both tiers.
    var machines: [[OpaquePointer]] = [[], []]
    var statistics = JITStatistics()
    /// Compiled layouts in order of making: (kernel, layout).
    var order: [(Kernel, Layout)] = []
    var oldest = 0
  }
  private let state = Locked(State(), heldAtForks: true)
  /// Threads that make code: forks wait for them, because LLVM does not survive one in the middle.
  private static let making = ForkGate()

  package static func lockForFork() { making.closeForFork(waitingSeconds: 1) }
  package static func unlockAfterFork() { making.openAfterFork() }
  package static func reinitialiseInChild() { making.reinitialiseInChild() }

  package init(options: JITOptions = JITOptions()) {
    self.options = options
    folder = Locked(options.cacheDirectory, heldAtForks: true)
  }

  /// Folder of compiled objects that outlives the process; nil: none.
  package var cacheDirectory: String? {
    get { folder.withLock { $0 } }
    set { folder.withLock { $0 = newValue } }
  }

  deinit { state.withLock { s in for m in s.machines.joined() { LLVMDisposeTargetMachine(m) } } }

  /// The kernel of a spec.  Compiles nothing.
  package func kernel(for spec: KernelSpec) -> Kernel {
    state.withLock { s in
      if let k = s.kernels[spec] { return k }
      // Kernels without code are small, but a service that makes specs for ever must not grow.
      if s.kernels.count >= 2 * options.memoryLimitKernels { s.kernels.removeAll() }
      let k = Kernel(spec: spec, jit: self)
      s.kernels[spec] = k
      return k
    }
  }

  /// Whether anything was compiled here; code from disk needs no LLVM.
  var usesLLVM: Bool { state.withLock { $0.target != nil } }

  package var statistics: JITStatistics { state.withLock { $0.statistics } }

  func countHit() { state.withLock { $0.statistics.cacheHits += 1 } }

  /// Bounds the compiled layouts in memory; what runs keeps its code until it returns.
  func noteCompiled(_ k: Kernel, _ layout: Layout) {
    let victims: [(Kernel, Layout)] = state.withLock { s in
      s.order.append((k, layout))
      var out: [(Kernel, Layout)] = []
      while s.order.count - s.oldest > options.memoryLimitKernels {
        out.append(s.order[s.oldest])
        s.oldest += 1
      }
      if s.oldest > 1024 || s.oldest == s.order.count {
        s.order.removeFirst(s.oldest)
        s.oldest = 0
      }
      return out
    }
    for (kernel, layout) in victims { kernel.evict(layout) }
  }

  private func processor() throws(MarsError) -> Processor {
    if let p = state.withLock({ $0.processor }) { return p }
    let p = try Processor(baseline: options.baseline)
    state.withLock { $0.processor = p }
    return p
  }

  func target() throws(MarsError) -> Target {
    if let t = state.withLock({ $0.target }) { return t }
    let t = try Target(processor())
    state.withLock { $0.target = t }
    return t
  }

  /// Code for a layout, from the disk cache or compiled.
  ///
  /// Code of the first tier takes LLVM a third of the time and is what small calls want; optimised code found on disk serves both.
  func make(_ facts: SpecFacts, _ layout: Layout, optimised: Bool) throws(MarsError) -> (code: MachineCode, optimised: Bool) {
    try JIT.making.pass { () throws(MarsError) in try makeUndisturbed(facts, layout, optimised: optimised) }
  }

  private func makeUndisturbed(
    _ facts: SpecFacts, _ layout: Layout, optimised: Bool
  ) throws(MarsError) -> (code: MachineCode, optimised: Bool) {
    let start = JIT.now()
    let processor = try processor()
    if facts.needsSleef, let failure = mars_sleef_load() {
      throw MarsError(.unsupported, String(cString: failure))
    }
    let disk = cacheDirectory.map { ObjectCache(directory: $0, limit: options.cacheLimitFiles) }
    let key = disk == nil ? [] : facts.keyBytes + layout.bytes + processor.key
    if let disk {
      for tier in optimised ? [true] : [true, false] {
        if let object = disk.load(key + [tier ? 1 : 0]), let code = MachineCode(object: object) {
          let spent = JIT.now() - start
          state.withLock { s in
            s.statistics.diskHits += 1
            s.statistics.nanoseconds += spent
          }
          return (code, tier)
        }
      }
    }
    let object = try compile(facts, layout, optimised: optimised)
    guard let code = MachineCode(object: object) else { throw MarsError(.internal, "compiled code cannot be loaded") }
    disk?.save(key + [optimised ? 1 : 0], object)
    let spent = JIT.now() - start
    state.withLock { s in
      s.statistics.compiles += 1
      if optimised { s.statistics.optimised += 1 }
      s.statistics.nanoseconds += spent
    }
    return (code, optimised)
  }

  /// An object file, by LLVM; `mark` is called after each stage (setup, emission, passes, machine code).
  func compile(_ facts: SpecFacts, _ layout: Layout, optimised: Bool, mark: (() -> Void)? = nil) throws(MarsError) -> [UInt8] {
    let target = try target()
    let tier = optimised ? 1 : 0
    let idle: OpaquePointer? = state.withLock { $0.machines[tier].popLast() }
    let machine: OpaquePointer
    if let idle { machine = idle } else { machine = try target.machine(level: optimised ? 2 : 0) }
    defer { state.withLock { $0.machines[tier].append(machine) } }
    return try Compiler.object(facts, layout, target, machine, verify: options.verify, mark: mark)
  }

  static func now() -> UInt64 {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return UInt64(t.tv_sec) * 1_000_000_000 + UInt64(t.tv_nsec)
  }
}

/// A spec with the machine code made for it so far.
package final class Kernel: Sendable {
  package let spec: KernelSpec
  let facts: SpecFacts
  private let jit: JITReference
  private struct State {
    var last: Entry?
    var all: [Layout: Entry] = [:]
  }
  /// Code for one layout.
  private final class Entry: @unchecked Sendable {
    let layout: Layout
    let code: MachineCode
    /// No better code will come.
    let isFinal: Bool
    /// Work until better code pays; under the lock of the state.
    @exclusivity(unchecked) var workLeft: Int
    init(layout: Layout, code: MachineCode, isFinal: Bool, workLeft: Int) {
      self.layout = layout
      self.code = code
      self.isFinal = isFinal
      self.workLeft = workLeft
    }
  }
  private let state = Locked(State())
  /// Held while code is made, so that threads that need the same code wait for one compile.
  private let making = Locked(())

  /// The JIT owns its kernels; a kernel held by somebody else keeps the JIT alive only during calls.
  private final class JITReference: @unchecked Sendable {
    weak var jit: JIT?
    init(_ jit: JIT) { self.jit = jit }
  }

  init(spec: KernelSpec, jit: JIT) {
    self.spec = spec
    facts = SpecFacts(spec)
    self.jit = JITReference(jit)
  }

  /// Computes one call.  Any number of threads at once.
  package func run(_ arguments: borrowing KernelArguments) throws(MarsError) { try normalised(arguments, execute) }

  /// Makes the code for calls like this one.
  package func prepare(_ arguments: borrowing KernelArguments) throws(MarsError) {
    try normalised(arguments) { (words, layout) throws(MarsError) in _ = try self.code(layout, self.work(words, layout)) }
  }

  /// The layout of a call; nil if there is nothing to compute.  For tests and people.
  func layout(_ arguments: borrowing KernelArguments) throws(MarsError) -> Layout? {
    var out: Layout?
    try normalised(arguments) { (words, layout) in out = Layout(bytes: Array(layout), operands: self.facts.operands) }
    return out
  }

  private func execute(_ words: UnsafeMutableBufferPointer<Int>, _ layout: UnsafeRawBufferPointer) throws(MarsError) {
    let code = try code(layout, work(words, layout))
    words[ArgumentWords.mathTable] = mathTableAddress
    mars_kernel_call(code.entry, UnsafeRawPointer(words.baseAddress!).assumingMemoryBound(to: Int64.self))
    // The code must outlive the call even if it is evicted meanwhile.
    withExtendedLifetime(code) {}
  }

  /// Hands the argument words and the layout of a call to `body`, unless there is nothing to compute.
  @inline(__always)
  private func normalised(
    _ arguments: borrowing KernelArguments, _ body: (UnsafeMutableBufferPointer<Int>, UnsafeRawBufferPointer) throws(MarsError) -> Void
  ) throws(MarsError) {
    let normaliser = Normaliser(facts: facts)
    try normaliser.check(arguments)
    let wordCount = Normaliser.words(facts)
    let layoutCount = Normaliser.layoutBytes(facts)
    let scratchCount = Normaliser.scratch(facts)
    let failure: MarsError? = withUnsafeTemporaryAllocation(of: Int.self, capacity: wordCount + scratchCount + layoutCount / 8 + 1) { all in
      let bytes = UnsafeMutableRawPointer(all.baseAddress! + wordCount + scratchCount)
      var n = NormalisedCall(
        words: UnsafeMutableBufferPointer(start: all.baseAddress!, count: wordCount),
        layout: UnsafeMutableBufferPointer(start: bytes.assumingMemoryBound(to: UInt8.self), count: layoutCount))
      let scratch = UnsafeMutableBufferPointer(start: all.baseAddress! + wordCount, count: scratchCount)
      guard normaliser.run(arguments, scratch, &n) else { return nil }
      do throws(MarsError) {
        try body(n.words, UnsafeRawBufferPointer(start: bytes, count: n.layoutCount))
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  /// Rough cost of a call.
  @inline(__always)
  private func work(_ words: UnsafeMutableBufferPointer<Int>, _ layout: UnsafeRawBufferPointer) -> Int {
    var n = 8 + facts.weight
    for l in 0..<Int(layout[0]) { n &*= words[1 + l] }
    return n
  }

  private func code(_ layout: UnsafeRawBufferPointer, _ work: Int) throws(MarsError) -> MachineCode {
    func matches(_ e: Entry) -> Bool {
      e.layout.bytes.count == layout.count
        && e.layout.bytes.withUnsafeBytes { memcmp($0.baseAddress!, layout.baseAddress!, layout.count) == 0 }
    }
    if let last = state.withLock({ $0.last }), matches(last) { return last.isFinal ? last.code : try better(last, work) }
    let key = Layout(bytes: Array(layout), operands: facts.operands)
    if let e = find(key) { return e.isFinal ? e.code : try better(e, work) }
    guard let jit = jit.jit else { throw MarsError(.handle, "the compiler of this kernel is gone") }
    return try making.withLock { _ throws(MarsError) in
      if let e = self.find(key) { return e.code }
      let limit = jit.options.optimiseFrom
      // Transposed reads wait for memory: optimised code is no faster, and takes 40 ms to compile.
      let pays = key.tileLoop < 0 || self.facts.weight > 8 || limit <= 0
      let made = try jit.make(self.facts, key, optimised: pays && work >= limit)
      let e = Entry(layout: key, code: made.code, isFinal: made.optimised || !pays, workLeft: limit - work)
      self.state.withLock { s in
        s.all[key] = e
        s.last = e
      }
      jit.noteCompiled(self, key)
      return e.code
    }
  }

  /// Counts work of code of the first tier; the caller who uses it up compiles again, while others go on with what there is.
  private func better(_ e: Entry, _ work: Int) throws(MarsError) -> MachineCode {
    let mine = state.withLock { _ in
      let before = e.workLeft
      e.workLeft = before &- min(work, 1 << 60)
      return before > 0 && e.workLeft <= 0
    }
    guard mine, let jit = jit.jit else { return e.code }
    let made = try jit.make(facts, e.layout, optimised: true)
    let new = Entry(layout: e.layout, code: made.code, isFinal: true, workLeft: 0)
    state.withLock { s in
      // Evicted meanwhile: stays so.
      guard s.all[e.layout] === e else { return }
      s.all[e.layout] = new
      if s.last === e { s.last = new }
    }
    return made.code
  }

  private func find(_ key: Layout) -> Entry? {
    let e = state.withLock { s -> Entry? in
      guard let e = s.all[key] else { return nil }
      s.last = e
      return e
    }
    if e != nil { jit.jit?.countHit() }
    return e
  }

  func evict(_ layout: Layout) {
    state.withLock { s in
      s.all[layout] = nil
      if s.last?.layout == layout { s.last = nil }
    }
  }
}

private let mathTableAddress = Int(mars_math_table_address())

extension SpecFacts {
  var needsSleef: Bool {
    spec.levels.contains { level in
      level.program.insts.contains { i in
        switch i.op {
        case .tan, .asin, .acos, .atan, .cbrt, .atan2: true
        case .pow: i.type.isFloating
        default: false
        }
      }
    }
  }

  /// The spec as bytes, unambiguously.
  var keyBytes: [UInt8] {
    var out: [UInt8] = []
    func put(_ v: some FixedWidthInteger) { withUnsafeBytes(of: UInt64(truncatingIfNeeded: v)) { out.append(contentsOf: $0) } }
    func put(_ d: [DType]) {
      put(d.count)
      for x in d { put(x.rawValue) }
    }
    put(spec.axisCount)
    put(spec.counterCount)
    put(spec.inputs)
    put(spec.scalars)
    put(spec.outputs.count)
    for o in spec.outputs {
      put(o.level)
      put(o.value)
      put(o.dtype.rawValue)
    }
    put(spec.levels.count)
    for l in spec.levels {
      put(l.reducedAxes.count)
      for a in l.reducedAxes { put(a) }
      put(l.reducers.count)
      for r in l.reducers {
        put(r.kind.rawValue)
        put(r.value)
        put(r.index)
      }
      put(l.program.insts.count)
      for i in l.program.insts {
        put(UInt64(i.op.rawValue) | UInt64(i.type.rawValue) << 8)
        put(UInt64(UInt32(bitPattern: i.a)) | UInt64(UInt32(bitPattern: i.b)) << 32)
        put(UInt64(UInt32(bitPattern: i.c)))
        put(i.imm)
      }
    }
    return out
  }
}
