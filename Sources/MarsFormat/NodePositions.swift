import MarsGraph

/// Positions of nodes in a file, by their numbers.
///
/// An open-addressing table: with `Dictionary` the hashing of 10^5 nodes takes most of the time of writing a graph.
struct NodePositions {
  /// Number and position; number 0 marks a free slot, nodes count from 1.
  private var slots: [(number: UInt64, position: UInt32)]
  /// Takes a product to the number of a block of 16 slots.
  private var shift: UInt64
  private(set) var count = 0

  init() {
    slots = [(number: UInt64, position: UInt32)](repeating: (0, 0), count: 64)
    shift = 64 - 2
  }

  /// Where a node is or would be.
  private func slot(_ number: UInt64) -> Int {
    // Only blocks of 16 numbers are scattered: nodes that were made one after the other lie side by side.
    var i = Int(((number >> 4) &* 0x9E37_79B9_7F4A_7C15) >> shift) << 4 | Int(number & 15)
    while slots[i].number != number && slots[i].number != 0 { i = (i + 1) & (slots.count - 1) }
    return i
  }

  /// Adds a node at position 0; false where it is there already.
  mutating func insert(_ node: Node) -> Bool {
    let i = slot(node.number)
    if slots[i].number != 0 { return false }
    slots[i].number = node.number
    count += 1
    if count * 2 > slots.count { grow() }
    return true
  }

  /// The position of a node; nil where it was not added.
  subscript(node: Node) -> UInt32? {
    get {
      let s = slots[slot(node.number)]
      return s.number == 0 ? nil : s.position
    }
    set {
      let i = slot(node.number)
      if let newValue, slots[i].number != 0 { slots[i].position = newValue }
    }
  }

  private mutating func grow() {
    let old = slots
    slots = [(number: UInt64, position: UInt32)](repeating: (0, 0), count: old.count * 4)
    shift -= 2
    for s in old where s.number != 0 { slots[slot(s.number)] = s }
  }
}
