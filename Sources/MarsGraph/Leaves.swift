import MarsBase

/// The three operators that are vocabulary of every graph: they hold or stand for data.
package enum Leaves {
  private static let preference = AttrDef(
    "chunk_size", .ints, default: .ints([]),
    "extents of chunks that the client would like, one per axis; none: any.  Advice to this process's planner, which no file holds")

  /// Memory or runtime chunks named by the node's payload.
  package static let data = OpDef(
    "data", inputs: [], attributes: [preference],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in throw c.error(.value, "data nodes are made with their type") },
    body: .leaf(.data), doc: OpDoc("Data in memory.", example: "mt.tensor([1, 2])"), exposure: .hidden)

  /// A named placeholder; extents may be unknown (-1).
  package static let input = OpDef(
    "input", inputs: [],
    attributes: [
      AttrDef("name", .string, "name by which data is bound"), AttrDef("dtype", .dtype, "element type"),
      AttrDef("shape", .ints, "extents, -1 where unknown"),
    ],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      let shape = c.ints("shape")
      guard shape.allSatisfy({ $0 >= -1 }) else { throw c.error(.value, "negative dimensions are not allowed") }
      return [TensorType(c.dtype("dtype") ?? .float64, shape)]
    },
    body: .leaf(.input), doc: OpDoc("A named input of a graph.", example: "mt.tensor([1, 2])"), exposure: .hidden)

  /// A 0-d value that is an argument of kernels, not part of them.
  package static let constant = OpDef(
    "constant", inputs: [], attributes: [AttrDef("value", .scalar, isArgument: true, "the value")],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard let s = c.scalar("value") else { throw c.error(.value, "attribute 'value' must be a scalar") }
      return [TensorType(s.dtype, [])]
    },
    body: .expr { b, c, _ in [b.argument("value", c)] },
    cost: Cost(perElement: 0, isCheapSource: true),
    doc: OpDoc("A scalar.", example: "mt.tensor(1)"), exposure: .hidden,
    samples: DType.allCases.map { Sample([], attributes: ["value": .scalar(Scalar(1.5).cast(to: $0))]) })

  package static let all = [data, input, constant]

  /// A data node around memory.
  package static func node(_ array: DenseArray, preferredChunks: [Int] = [], origin: String = "") -> Node {
    Node(
      op: data, inputs: [], attributes: Attributes([.ints(preferredChunks)]), outputs: [array.type], payload: .dense(array), origin: origin)
  }
  package static func node(_ data: any ChunkedData, preferredChunks: [Int] = [], origin: String = "") -> Node {
    Node(
      op: Leaves.data, inputs: [], attributes: Attributes([.ints(preferredChunks)]), outputs: [data.type], payload: .chunked(data),
      origin: origin)
  }
  package static func node(_ value: Scalar) -> Node {
    Node(op: constant, inputs: [], attributes: Attributes([.scalar(value)]), outputs: [TensorType(value.dtype, [])])
  }
}

extension Node {
  /// Of a data node: the extents of chunks that the client would like, or none.
  package var preferredChunks: [Int] {
    guard op === Leaves.data, case .ints(let extents) = attributes.values[0] else { return [] }
    return extents
  }
}

extension Value {
  /// The scalar that this is, or nil where the graph does not say.
  package var constant: Scalar? { node.op === Leaves.constant ? node.context.scalar("value") : nil }
}
