import CLLVM
import MarsBase
import MarsGraph

/// Increase with every change of emitted code or argument words: part of the key of cached objects.
let emitterVersion = 35

/// What cached code depends on besides spec and layout; known without LLVM, so that code from disk runs without loading it.
struct Processor: Sendable {
  /// Lanes of a native vector of doubles: 8 or 4.
  let nativeDoubles: Int
  let key: [UInt8]
  let baseline: Bool

  /// Objects are good for any release of LLVM 19.
  private static let llvmVersion = 19

  init(baseline: Bool) throws(MarsError) {
    var words = [UInt32](repeating: 0, count: 12)
    let doubles = Int(mars_processor(&words))
    guard doubles > 0 else { throw MarsError(.unsupported, "compiled kernels need a processor with AVX2, FMA and F16C") }
    self.baseline = baseline
    nativeDoubles = baseline ? 4 : doubles
    if baseline { words = [1] }
    key =
      [UInt8(emitterVersion), UInt8(Processor.llvmVersion)]
      + words.flatMap { w in (0..<4).map { UInt8(truncatingIfNeeded: w >> (8 * $0)) } }
  }
}

/// The processor that code is made for, as LLVM knows it.
struct Target: Sendable {
  let triple: String
  let cpu: String
  let features: String
  let nativeDoubles: Int

  /// Loads LLVM.
  init(_ processor: Processor) throws(MarsError) {
    if let failure = mars_llvm_load() { throw MarsError(.unsupported, String(cString: failure)) }
    func text(_ p: UnsafeMutablePointer<CChar>?) -> String {
      defer { LLVMDisposeMessage(p) }
      return p.map { String(cString: $0) } ?? ""
    }
    triple = text(LLVMGetDefaultTargetTriple())
    cpu = processor.baseline ? "x86-64-v3" : text(LLVMGetHostCPUName())
    features = processor.baseline ? "+avx2,+fma,+f16c,+bmi,+bmi2" : text(LLVMGetHostCPUFeatures())
    nativeDoubles = processor.nativeDoubles
  }

  func machine(level: Int) throws(MarsError) -> OpaquePointer {
    var target: OpaquePointer?
    var message: UnsafeMutablePointer<CChar>?
    guard LLVMGetTargetFromTriple(triple, &target, &message) == 0 else {
      defer { LLVMDisposeMessage(message) }
      throw MarsError(.unsupported, message.map { String(cString: $0) } ?? "LLVM has no code generator for this processor")
    }
    // Position independent, small code model.
    guard let m = LLVMCreateTargetMachine(target, triple, cpu, features, Int32(level), 2, 3) else {
      throw MarsError(.unsupported, "LLVM has no code generator for this processor")
    }
    return m
  }
}

/// Turns a spec in a layout into an object file.
struct Compiler {
  /// Few passes: emitted code has its invariants hoisted and its vectors explicit.
  static let passes = "function(mem2reg,early-cse,loop-mssa(licm),instsimplify)"

  static func object(
    _ facts: SpecFacts, _ layout: Layout, _ target: Target, _ machine: OpaquePointer, verify: Bool, mark: (() -> Void)? = nil
  ) throws(MarsError) -> [UInt8] {
    let builder = Builder(name: "mars", nativeDoubles: target.nativeDoubles)
    LLVMSetTarget(builder.module, target.triple)
    let data = LLVMCreateTargetDataLayout(machine)
    LLVMSetModuleDataLayout(builder.module, data)
    LLVMDisposeTargetData(data)
    mark?()
    try Emitter(facts: facts, layout: layout, builder: builder).emit()
    var message: UnsafeMutablePointer<CChar>?
    if verify {
      let broken = LLVMVerifyModule(builder.module, 2, &message) != 0
      defer { LLVMDisposeMessage(message) }
      if broken { throw MarsError(.internal, "invalid code was emitted: " + (message.map { String(cString: $0) } ?? "")) }
    }
    mark?()
    let options = LLVMCreatePassBuilderOptions()
    defer { LLVMDisposePassBuilderOptions(options) }
    if let error = LLVMRunPasses(builder.module, passes, machine, options) {
      let text = LLVMGetErrorMessage(error)
      defer { LLVMDisposeErrorMessage(text) }
      throw MarsError(.internal, "LLVM: " + (text.map { String(cString: $0) } ?? ""))
    }
    mark?()
    var buffer: OpaquePointer?
    guard LLVMTargetMachineEmitToMemoryBuffer(machine, builder.module, 1, &message, &buffer) == 0, let buffer else {
      defer { LLVMDisposeMessage(message) }
      throw MarsError(.internal, "LLVM: " + (message.map { String(cString: $0) } ?? "no code"))
    }
    defer { LLVMDisposeMemoryBuffer(buffer) }
    mark?()
    return Array(UnsafeRawBufferPointer(start: LLVMGetBufferStart(buffer), count: LLVMGetBufferSize(buffer)))
  }

  /// LLVM's text of the code before optimisation: for tests and people.
  static func text(_ facts: SpecFacts, _ layout: Layout, _ target: Target) throws(MarsError) -> String {
    let builder = Builder(name: "mars", nativeDoubles: target.nativeDoubles)
    try Emitter(facts: facts, layout: layout, builder: builder).emit()
    let p = LLVMPrintModuleToString(builder.module)
    defer { LLVMDisposeMessage(p) }
    return p.map { String(cString: $0) } ?? ""
  }
}
