import MarsBase
import MarsGraph
import MarsJIT

/// What a fused kernel receives for one task; kept per worker and stage, so that a task allocates nothing.
package typealias KernelCall = KernelArguments

/// A kernel ready to run, any number of times at once.
package protocol PreparedKernel: AnyObject, Sendable {
  func run(_ call: borrowing KernelCall) throws(MarsError)
}

/// Where tasks run: compiles kernels and knows native bodies.
package protocol Device: AnyObject, Sendable {
  /// As `Stage.device`.
  var name: String { get }
  /// Compiled once per signature; cheap from the second call on.  Called by workers, at the same time too.
  func kernel(for spec: KernelSpec) throws(MarsError) -> any PreparedKernel
  func nativeBody(for op: String, storage: String) -> NativeBody?
}

extension Kernel: PreparedKernel {}

/// The processor: kernels from the compiler, native bodies from a library.
package final class CPUDevice: Device {
  package let name = "cpu"
  private let jit: JIT
  private let natives: NativeLibrary

  package init(jit: JIT, natives: NativeLibrary) {
    self.jit = jit
    self.natives = natives
  }
  package func kernel(for spec: KernelSpec) throws(MarsError) -> any PreparedKernel { jit.kernel(for: spec) }
  package func nativeBody(for op: String, storage: String) -> NativeBody? {
    natives.body(NativeLibrary.Key(op, device: name, storage: storage))
  }
}
