import MarsBase

/// The names of the inputs that one graph has, which all its placeholders carry.
///
/// A client binds the inputs of a graph and runs one of its outputs: names that this output does not need are none that the graph lacks.
package final class InputScope: Sendable {
  private let names = Locked<Set<String>>([])
  package init() {}
  package func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
  package var isEmpty: Bool { names.withLock { $0.isEmpty } }
  package func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
