import MarsBase
import MarsGraph

/// What executing a tensor needs beside data and processors.
package struct Needs: OptionSet, Sendable {
  package let rawValue: Int32
  package init(rawValue: Int32) { self.rawValue = rawValue }
  /// Data for named inputs of a graph.
  package static let inputs = Needs(rawValue: 1)
  /// Files that are read or written.
  package static let files = Needs(rawValue: 2)
  /// Functions of the client.
  package static let functions = Needs(rawValue: 4)
}

extension Tensor {
  /// Looks at all of the graph that leads to the tensor.
  package func needs() throws(MarsError) -> Needs {
    var found: Needs = []
    var open = [try value().value.node]
    var seen = Set(open.map(ObjectIdentifier.init))
    while let node = open.popLast() {
      if case .leaf(.input) = node.op.body { found.insert(.inputs) }
      switch node.op.effects {
      case .pure: break
      case .readsExternal, .writes: found.insert(.files)
      case .callback: found.insert(.functions)
      }
      for v in node.inputs + node.expansion where seen.insert(ObjectIdentifier(v.node)).inserted { open.append(v.node) }
    }
    return found
  }
}
