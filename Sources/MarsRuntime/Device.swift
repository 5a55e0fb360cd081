import MarsBase
import MarsGraph

/// What a fused kernel receives for one task; all addresses are scratch of the calling worker and end with the call.
package struct KernelCall {
  /// One per axis of the iteration space.
  package var extents: UnsafeBufferPointer<Int>
  package var inputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
  package var outputs: UnsafeBufferPointer<UnsafeMutableRawPointer>
  /// In bytes, operand after operand (inputs, then outputs), one per axis each.
  package var strides: UnsafeBufferPointer<Int>
  package var counterBase: UnsafeBufferPointer<Int>
  /// Counter after counter, one per axis each.
  package var counterStrides: UnsafeBufferPointer<Int>
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
