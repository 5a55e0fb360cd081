import Glibc
import MarsBase
import MarsGraph
import MarsJIT
import MarsRuntime

/// A device that interprets kernels over doubles, counts calls and fails on demand.
final class FakeDevice: Device {
  struct Script {
    var calls = 0
    /// Number of the kernel call that fails, counted from 1; 0: none.
    var failAt = 0
    var sleepMicroseconds: UInt32 = 0
    var bodies: [String: NativeBody] = [:]
    /// First element of every output, in the order of calls.
    var written: [Double] = []
    var records = false
    /// Kernels that run now, and most that ever did at the same time.
    var running = 0
    var mostRunning = 0
    /// Kernels do nothing: for measuring what surrounds them.
    var isHollow = false
  }
  let name: String
  let script: Locked<Script>

  init(name: String = "cpu", _ script: Script = Script()) {
    self.name = name
    self.script = Locked(script)
  }

  func add(_ op: String, _ body: @escaping NativeBody) { script.withLock { $0.bodies[op] = body } }

  var calls: Int { script.withLock { $0.calls } }

  func kernel(for spec: KernelSpec) throws(MarsError) -> any PreparedKernel { FakeKernel(spec, self) }
  func nativeBody(for op: String, storage: String) -> NativeBody? { script.withLock { $0.bodies[op] } }
}

final class FakeKernel: PreparedKernel {
  let spec: KernelSpec
  let device: FakeDevice
  let isHollow: Bool
  init(_ spec: KernelSpec, _ device: FakeDevice) {
    self.spec = spec
    self.device = device
    isHollow = device.script.withLock { $0.isHollow }
  }

  func run(_ call: borrowing KernelCall) throws(MarsError) {
    if isHollow { return }
    let (fails, sleep, records) = device.script.withLock { s in
      s.calls += 1
      s.running += 1
      s.mostRunning = max(s.mostRunning, s.running)
      return (s.calls == s.failAt, s.sleepMicroseconds, s.records)
    }
    defer { device.script.withLock { $0.running -= 1 } }
    if sleep > 0 { usleep(sleep) }
    if fails { throw MarsError(.value, "the script says so") }
    interpret(call)
    if records {
      let v = call.outputs[0].load(as: Double.self)
      device.script.withLock { $0.written.append(v) }
    }
  }

  private func interpret(_ call: borrowing KernelCall) {
    let rank = spec.axisCount
    if call.extents.contains(0) { return }
    var index = [Int](repeating: 0, count: rank)
    let reduced = Set(spec.levels[0].reducedAxes)
    // A reduction starts anew where all reduced indices are 0.
    while true {
      let values = evaluate(spec.levels[0].program, call, index)
      let starts = reduced.allSatisfy { index[$0] == 0 }
      for (o, out) in spec.outputs.enumerated() {
        var p = call.outputs[o]
        for i in 0..<rank { p += index[i] * call.outputStrides[o * rank + i] }
        var v = values[Int(out.value)]
        if spec.levels.count > 1 {
          let part = values[Int(spec.levels[0].reducers[0].value)]
          v = starts ? part : p.load(as: Double.self) + part
        }
        p.storeBytes(of: v, as: Double.self)
      }
      var i = rank - 1
      while i >= 0 {
        index[i] += 1
        if index[i] < call.extents[i] { break }
        index[i] = 0
        i -= 1
      }
      if i < 0 { return }
    }
  }

  private func evaluate(_ e: Expr, _ call: borrowing KernelCall, _ index: [Int]) -> [Double] {
    var v: [Double] = []
    for i in e.insts {
      switch i.op {
      case .input:
        let k = Int(i.imm)
        var p = call.inputs[k]
        for a in index.indices { p += index[a] * call.inputStrides[k * spec.axisCount + a] }
        v.append(p.loadUnaligned(as: Double.self))
      case .scalar: v.append(call.scalars[Int(i.imm)].asDouble)
      case .constant: v.append(Double(bitPattern: i.imm))
      case .element:
        let k = Int(i.imm)
        var n = call.counterBase[k]
        for a in index.indices { n += index[a] * call.counterStrides[k * spec.axisCount + a] }
        v.append(Double(n))
      case .cast: v.append(v[Int(i.a)])
      case .add: v.append(v[Int(i.a)] + v[Int(i.b)])
      case .sub: v.append(v[Int(i.a)] - v[Int(i.b)])
      case .mul: v.append(v[Int(i.a)] * v[Int(i.b)])
      default: v.append(.nan)
      }
    }
    return v
  }
}
