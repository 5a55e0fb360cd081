import CLLVM
import Glibc
import MarsBase
import MarsGraph

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
      return try jit.make(self.facts, key, optimised: pays && work >= limit) { code, isOptimised in
        let e = Entry(layout: key, code: code, isFinal: isOptimised || !pays, workLeft: limit - work)
        self.state.withLock { s in
          s.all[key] = e
          s.last = e
        }
        jit.noteCompiled(self, key)
        return code
      }
    }
  }

  /// Counts work of code of the first tier; the caller who uses it up compiles again, while others go on with what there is.
  private func better(_ e: Entry, _ work: Int) throws(MarsError) -> MachineCode {
    let mine = state.withLock { _ in
      let before = e.workLeft
      e.workLeft = before &- min(work, 1 << 60)
      return before > 0 && e.workLeft <= 0
    }
    guard mine, let jit = jit.jit, JIT.mayCompile else { return e.code }
    return try jit.make(facts, e.layout, optimised: true) { code, _ in
      let new = Entry(layout: e.layout, code: code, isFinal: true, workLeft: 0)
      state.withLock { s in
        // Evicted meanwhile: stays so.
        guard s.all[e.layout] === e else { return }
        s.all[e.layout] = new
        if s.last === e { s.last = new }
      }
      return code
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
