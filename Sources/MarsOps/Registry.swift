import MarsBase
import MarsGraph

/// An operator with its native body for the CPU, so that both stand in one place.
struct NativeOp: Sendable {
  let op: OpDef
  let body: NativeBody
}

private let nativeOps: [NativeOp] = thinNatives

/// All operators of Mars.
package let marsRegistry = OpRegistry(thinOps + nativeOps.map(\.op))

/// Native bodies of all operators for the CPU.
package let cpuNatives: NativeLibrary = {
  var library = NativeLibrary()
  for n in nativeOps { library.add(.init(n.op.name), n.body) }
  return library
}()
