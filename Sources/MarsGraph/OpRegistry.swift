import MarsBase

/// All operators by name.
package final class OpRegistry: Sendable {
  /// In order of declaration.
  package let all: [OpDef]
  private let byName: [String: OpDef]

  /// `ops` beside the leaves that every graph has.
  package init(_ ops: [OpDef]) {
    all = Leaves.all + [LoopNest.op] + ops
    var m: [String: OpDef] = [:]
    for o in all {
      precondition(m[o.name] == nil, "operator \(o.name) is declared twice")
      m[o.name] = o
    }
    byName = m
  }

  package subscript(_ name: String) -> OpDef? { byName[name] }

  package func require(_ name: String) throws(MarsError) -> OpDef {
    guard let o = byName[name] else { throw MarsError(.value, "unknown operator '\(name)'", op: name) }
    return o
  }
}
