import MarsGraph

/// Distinct values in order of first use.
struct Table<Element: Hashable> {
  private(set) var rows: [Element] = []
  private var numbers: [Element: UInt32] = [:]
  private var last: UInt32 = 0

  /// Row of a value, which is added where it is new.
  mutating func row(_ e: Element) -> UInt32 {
    // Neighbours in a graph mostly agree, and a comparison is cheaper than a hash.
    if Int(last) < rows.count && rows[Int(last)] == e { return last }
    if let n = numbers[e] {
      last = n
    } else {
      last = UInt32(rows.count)
      numbers[e] = last
      rows.append(e)
    }
    return last
  }
}

/// The operators of a file, each in the versions that its nodes need.
struct OperatorTable {
  struct Row: Hashable {
    let op: OpDef
    let version: Int
    static func == (a: Row, b: Row) -> Bool { a.op === b.op && a.version == b.version }
    func hash(into h: inout Hasher) {
      h.combine(ObjectIdentifier(op))
      h.combine(version)
    }
  }
  private var table = Table<Row>()
  var rows: [Row] { table.rows }
  mutating func row(_ op: OpDef, _ version: Int) -> UInt32 { table.row(Row(op: op, version: version)) }
}

/// Names of features in `Graph.requirements`.
enum Requirement {
  private static let callbackPrefix = "callback:"
  static func callback(_ language: String) -> String { callbackPrefix + language }
  /// The language of a "callback:language", else nil.
  static func callbackLanguage(_ requirement: String) -> String? {
    requirement.hasPrefix(callbackPrefix) ? String(requirement.dropFirst(callbackPrefix.count)) : nil
  }
}

extension Node {
  /// The name of a placeholder; nil for any other node.
  var inputName: String? {
    guard case .leaf(.input) = op.body else { return nil }
    return context.string("name")
  }
}
