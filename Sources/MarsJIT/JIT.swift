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
    /// What was asked for last, and by which spec.
    var latest: (spec: KernelSpec, kernel: Kernel)?
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
  static let making = ForkGate()

  /// Loading LLVM from a slow disk takes seconds.  A fork while it is being loaded (by a constructor of a library, say) must not hang for
  /// ever: its child compiles nothing.
  package static func lockForFork(waitingSeconds seconds: Double = 30) { making.closeForFork(waitingSeconds: seconds) }
  /// Whether libraries may be loaded and LLVM asked in this process.
  static var mayCompile: Bool { !making.wasCutThrough }
  private static func refuseIfCut() throws(MarsError) {
    if mayCompile { return }
    throw MarsError(.os, "no code can be compiled in this process: it was forked while another thread was loading LLVM or compiling")
  }
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
      // A loop over one graph brings the spec of one kept plan: compared with itself it is equal by the memory of its arrays, without a hash.
      if let (last, k) = s.latest, last == spec { return k }
      if let k = s.kernels[spec] {
        s.latest = (spec, k)
        return k
      }
      // Kernels without code are small, but a service that makes specs for ever must not grow.
      if s.kernels.count >= 2 * options.memoryLimitKernels { s.kernels.removeAll() }
      let k = Kernel(spec: spec, jit: self)
      s.kernels[spec] = k
      s.latest = (spec, k)
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
  /// `keep` gets it, and notes it where no fork cuts through that either: a child goes on with the tables of its parent.
  func make<R>(
    _ facts: SpecFacts, _ layout: Layout, optimised: Bool, keep: (_ code: MachineCode, _ optimised: Bool) -> R
  ) throws(MarsError) -> R {
    try JIT.making.pass { () throws(MarsError) in
      let made = try makeUndisturbed(facts, layout, optimised: optimised)
      return keep(made.code, made.optimised)
    }
  }

  private func makeUndisturbed(
    _ facts: SpecFacts, _ layout: Layout, optimised: Bool
  ) throws(MarsError) -> (code: MachineCode, optimised: Bool) {
    let start = JIT.now()
    let processor = try processor()
    if facts.needsSleef {
      try JIT.refuseIfCut()
      if let failure = mars_sleef_load() { throw MarsError(.unsupported, String(cString: failure)) }
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
    try JIT.refuseIfCut()
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
