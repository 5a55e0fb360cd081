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

  package init(
    cacheDirectory: String? = nil, memoryLimitKernels: Int = 4096, cacheLimitFiles: Int = 8192, verify: Bool = false, baseline: Bool = false
  ) {
    self.cacheDirectory = cacheDirectory
    self.memoryLimitKernels = memoryLimitKernels
    self.cacheLimitFiles = cacheLimitFiles
    self.verify = verify
    self.baseline = baseline
  }
}

/// Counts since the JIT was made.
package struct JITStatistics: Sendable, Equatable {
  /// Kernels compiled by LLVM.
  package var compiles = 0
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
  private struct State {
    var kernels: [KernelSpec: Kernel] = [:]
    var target: Target?
    /// Idle target machines, one per concurrent compile.
    var machines: [OpaquePointer] = []
    var statistics = JITStatistics()
    /// Compiled layouts in order of making: (kernel, layout).
    var order: [(Kernel, Layout)] = []
    var oldest = 0
  }
  private let state = Locked(State())

  package init(options: JITOptions = JITOptions()) { self.options = options }

  deinit { state.withLock { s in for m in s.machines { LLVMDisposeTargetMachine(m) } } }

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

  func target() throws(MarsError) -> Target {
    if let t = state.withLock({ $0.target }) { return t }
    let t = try Target(baseline: options.baseline)
    state.withLock { $0.target = t }
    return t
  }

  /// Code for a layout, from the disk cache or compiled.
  func make(_ facts: SpecFacts, _ layout: Layout) throws(MarsError) -> MachineCode {
    let start = JIT.now()
    let target = try target()
    if facts.needsSleef, let failure = mars_sleef_load() {
      throw MarsError(.unsupported, String(cString: failure))
    }
    var key: [UInt8] = []
    let disk = options.cacheDirectory.map { ObjectCache(directory: $0, limit: options.cacheLimitFiles) }
    if let disk {
      key = facts.keyBytes + layout.bytes + Array(target.key.utf8)
      if let object = disk.load(key), let code = MachineCode(object: object) {
        let spent = JIT.now() - start
        state.withLock { s in
          s.statistics.diskHits += 1
          s.statistics.nanoseconds += spent
        }
        return code
      }
    }
    let idle: OpaquePointer? = state.withLock { $0.machines.popLast() }
    let machine: OpaquePointer
    if let idle { machine = idle } else { machine = try target.machine() }
    defer { state.withLock { $0.machines.append(machine) } }
    let object = try Compiler.object(facts, layout, target, machine, verify: options.verify)
    guard let code = MachineCode(object: object) else { throw MarsError(.internal, "compiled code cannot be loaded") }
    disk?.save(key, object)
    let spent = JIT.now() - start
    state.withLock { s in
      s.statistics.compiles += 1
      s.statistics.nanoseconds += spent
    }
    return code
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
  private final class Entry: Sendable {
    let layout: Layout
    let code: MachineCode
    init(layout: Layout, code: MachineCode) {
      self.layout = layout
      self.code = code
    }
  }
  private let state = Locked(State())
  /// Held while making code, so that threads that need the same code wait for one compile.
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
  package func run(_ arguments: borrowing KernelArguments) throws(MarsError) { try call(arguments, execute: true) }

  /// Makes the code for calls like this one.
  package func prepare(_ arguments: borrowing KernelArguments) throws(MarsError) { try call(arguments, execute: false) }

  private func call(_ arguments: borrowing KernelArguments, execute: Bool) throws(MarsError) {
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
        let code = try self.code(UnsafeRawBufferPointer(start: bytes, count: n.layoutCount))
        if execute {
          n.words[ArgumentWords.mathTable] = mathTableAddress
          mars_kernel_call(code.entry, UnsafeRawPointer(all.baseAddress!).assumingMemoryBound(to: Int64.self))
          // The code must outlive the call even if it is evicted meanwhile.
          withExtendedLifetime(code) {}
        }
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  private func code(_ layout: UnsafeRawBufferPointer) throws(MarsError) -> MachineCode {
    func matches(_ e: Entry) -> Bool {
      e.layout.bytes.count == layout.count
        && e.layout.bytes.withUnsafeBytes { memcmp($0.baseAddress!, layout.baseAddress!, layout.count) == 0 }
    }
    let last = state.withLock { $0.last }
    if let last, matches(last) { return last.code }
    let key = Layout(bytes: Array(layout), operands: facts.operands)
    if let e = find(key) { return e.code }
    guard let jit = jit.jit else { throw MarsError(.handle, "the compiler of this kernel is gone") }
    return try making.withLock { (_) throws(MarsError) in
      if let e = self.find(key) { return e.code }
      let e = Entry(layout: key, code: try jit.make(self.facts, key))
      self.state.withLock { s in
        s.all[key] = e
        s.last = e
      }
      jit.noteCompiled(self, key)
      return e.code
    }
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
