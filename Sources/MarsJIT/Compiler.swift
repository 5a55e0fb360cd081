import CLLVM
import MarsBase
import MarsGraph

/// Increase with every change of emitted code or argument words: part of the key of cached objects.
let emitterVersion = 4

/// The processor that code is made for.
struct Target: Sendable {
  let triple: String
  let cpu: String
  let features: String
  let llvm: String
  /// Lanes of a native vector of doubles.
  let nativeDoubles: Int

  /// Loads LLVM and asks it for the processor of this machine.
  init(baseline: Bool = false) throws(MarsError) {
    if let failure = mars_llvm_load() { throw MarsError(.unsupported, String(cString: failure)) }
    func text(_ p: UnsafeMutablePointer<CChar>?) -> String {
      defer { LLVMDisposeMessage(p) }
      return p.map { String(cString: $0) } ?? ""
    }
    triple = text(LLVMGetDefaultTargetTriple())
    let host = text(LLVMGetHostCPUFeatures())
    cpu = baseline ? "x86-64-v3" : text(LLVMGetHostCPUName())
    features = baseline ? "+avx2,+fma,+f16c,+bmi,+bmi2" : host
    var v: (UInt32, UInt32, UInt32) = (0, 0, 0)
    LLVMGetVersion(&v.0, &v.1, &v.2)
    llvm = "\(v.0).\(v.1).\(v.2)"
    let all = host.split(separator: ",")
    for need in ["+avx2", "+fma", "+f16c"] where !all.contains(Substring(need)) {
      throw MarsError(.unsupported, "compiled kernels need a processor with AVX2, FMA and F16C")
    }
    nativeDoubles =
      !baseline && ["+avx512f", "+avx512dq", "+avx512bw", "+avx512vl"].allSatisfy { all.contains(Substring($0)) } ? 8 : 4
  }

  /// Everything that cached code depends on besides spec and layout.
  var key: String { "\(emitterVersion);\(llvm);\(triple);\(cpu);\(features)" }

  func machine() throws(MarsError) -> OpaquePointer {
    var target: OpaquePointer?
    var message: UnsafeMutablePointer<CChar>?
    guard LLVMGetTargetFromTriple(triple, &target, &message) == 0 else {
      defer { LLVMDisposeMessage(message) }
      throw MarsError(.unsupported, message.map { String(cString: $0) } ?? "LLVM has no code generator for this processor")
    }
    // Level 2, position independent, small code model.
    guard let m = LLVMCreateTargetMachine(target, triple, cpu, features, 2, 2, 3) else {
      throw MarsError(.unsupported, "LLVM has no code generator for this processor")
    }
    return m
  }
}

/// Turns a spec in a layout into an object file.
struct Compiler {
  /// Few passes: emitted code has its invariants hoisted and its vectors explicit.
  static let passes = "function(mem2reg,early-cse,loop-mssa(licm),instsimplify)"

  static func object(_ facts: SpecFacts, _ layout: Layout, _ target: Target, _ machine: OpaquePointer, verify: Bool) throws(MarsError)
    -> [UInt8]
  {
    let builder = Builder(name: "mars", nativeDoubles: target.nativeDoubles)
    LLVMSetTarget(builder.module, target.triple)
    let data = LLVMCreateTargetDataLayout(machine)
    LLVMSetModuleDataLayout(builder.module, data)
    LLVMDisposeTargetData(data)
    try Emitter(facts: facts, layout: layout, builder: builder).emit()
    var message: UnsafeMutablePointer<CChar>?
    if verify {
      let broken = LLVMVerifyModule(builder.module, 2, &message) != 0
      defer { LLVMDisposeMessage(message) }
      if broken { throw MarsError(.internal, "invalid code was emitted: " + (message.map { String(cString: $0) } ?? "")) }
    }
    let options = LLVMCreatePassBuilderOptions()
    defer { LLVMDisposePassBuilderOptions(options) }
    if let error = LLVMRunPasses(builder.module, passes, machine, options) {
      let text = LLVMGetErrorMessage(error)
      defer { LLVMDisposeErrorMessage(text) }
      throw MarsError(.internal, "LLVM: " + (text.map { String(cString: $0) } ?? ""))
    }
    var buffer: OpaquePointer?
    guard LLVMTargetMachineEmitToMemoryBuffer(machine, builder.module, 1, &message, &buffer) == 0, let buffer else {
      defer { LLVMDisposeMessage(message) }
      throw MarsError(.internal, "LLVM: " + (message.map { String(cString: $0) } ?? "no code"))
    }
    defer { LLVMDisposeMemoryBuffer(buffer) }
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
