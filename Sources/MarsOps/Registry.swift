import MarsBase
import MarsGraph

/// An operator with its native body for the CPU, so that both stand in one place.
struct NativeOp: Sendable {
  let op: OpDef
  let body: NativeBody
}

/// Operators of a family file.
struct Family: Sendable {
  var ops: [OpDef] = []
  var natives: [NativeOp] = []
}

/// The families, in the order of the manual.
private let families: [Family] = [thinFamily]

/// All operators of Mars.
package let marsRegistry = OpRegistry(families.flatMap { $0.ops + $0.natives.map(\.op) })

/// Native bodies of all operators for the CPU.
package let cpuNatives: NativeLibrary = {
  var library = NativeLibrary()
  for f in families { for n in f.natives { library.add(.init(n.op.name), n.body) } }
  return library
}()
