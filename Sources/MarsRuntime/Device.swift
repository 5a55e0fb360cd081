import MarsBase
import MarsGraph

/// What a fused kernel receives for one task; kept per worker and stage, so that a task allocates nothing.
package struct KernelCall {
  /// One per axis of the iteration space.
  package var extents: [Int]
  /// Addresses of the elements at the task's first iteration point.
  package var inputs: [UnsafeMutableRawPointer]
  package var outputs: [UnsafeMutableRawPointer]
  /// In bytes, operand after operand, one per axis each.
  package var inputStrides: [Int]
  package var outputStrides: [Int]
  /// Counters at the task's first iteration point.
  package var counterBase: [Int]
  /// Counter after counter, one per axis each.
  package var counterStrides: [Int]
  package var scalars: [Scalar]
  /// Outputs are too large to stay in caches.
  package var streamOutputs: Bool
}

/// A kernel ready to run, any number of times at once.
package protocol PreparedKernel: AnyObject, Sendable {
  func run(_ call: borrowing KernelCall) throws(MarsError)
}

/// Where tasks run: compiles kernels, knows native bodies, and says where their memory comes from.
package protocol Device: AnyObject, Sendable {
  /// As `Stage.device`.
  var name: String { get }
  /// Compiled once per signature; cheap from the second call on.  Called by workers, at the same time too.
  func kernel(for spec: KernelSpec) throws(MarsError) -> any PreparedKernel
  func nativeBody(for op: String, storage: String) -> NativeBody?
}

/// The processor: kernels from a compiler, native bodies from a library.
package final class CPUDevice: Device {
  package let name = "cpu"
  private let library: NativeLibrary
  private let compile: @Sendable (KernelSpec) throws(MarsError) -> any PreparedKernel

  package init(library: NativeLibrary, compile: @escaping @Sendable (KernelSpec) throws(MarsError) -> any PreparedKernel) {
    self.library = library
    self.compile = compile
  }
  package func kernel(for spec: KernelSpec) throws(MarsError) -> any PreparedKernel { try compile(spec) }
  package func nativeBody(for op: String, storage: String) -> NativeBody? {
    library.body(NativeLibrary.Key(op, device: name, storage: storage))
  }
}
