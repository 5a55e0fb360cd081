import MarsBase
import MarsGraph

/// Counting points in the cells of a grid.
enum HistogramsOfSeveral {
  static let counts = OpDef(
    "histogramdd_counts",
    inputs: [
      InputDef("sample", "(points, axes)"), InputDef("weights", optional: true, "what each point counts"),
      InputDef("bins", variadic: true, "the ascending edges along every axis"),
    ],
    attributes: [Histograms.density],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      guard c.inputs[0].rank == 2 else { throw c.error(.value, "sample must have two axes, points and coordinates") }
      guard c.inputs[0].shape[1] != unknownExtent else { throw c.unknownExtents("\(c.op.name) needs a known number of coordinates") }
      let edges = c.list(of: c.inputs)
      guard edges.count == c.inputs[0].shape[1] else {
        throw c.error(.value, "The dimension of bins must be equal to the dimension of the sample x.")
      }
      for (i, e) in edges.enumerated() {
        guard e.rank != 1 || e.shape[0] != unknownExtent else { throw c.unknownExtents("\(c.op.name) needs known numbers of edges") }
        guard e.rank == 1, e.shape[0] > 1 else {
          throw c.error(.value, "`bins[\(i)]` must be 1d, when an array, of two edges or more")
        }
        guard !e.dtype.isComplex && !c.inputs[0].dtype.isComplex else {
          throw c.error(.type, "histograms of complex values are not defined")
        }
      }
      if let w = c.input("weights", of: c.inputs) {
        guard w.rank == 1, Set([w.shape[0], c.inputs[0].shape[0], unknownExtent]).count < 3 else {
          throw c.error(.value, "The weights and list don't have the same length.")
        }
        guard Casting.safe.allows(w.dtype, .float64) else { throw c.cannotCast(w.dtype, .float64) }
      }
      return [TensorType(.float64, edges.map { $0.shape[0] - 1 })]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard v.allSatisfy(\.type.isKnown) else { return [] }
      let weights = try c.input("weights", of: v)?.cast(.float64)
      let edges = Array(c.list(of: v))
      // With a cell before the first edge and one behind the last along every axis.
      let extents = edges.map { $0.type.shape[0] + 1 }
      let cells = try c.product(extents, "a grid of \(Shape.text(extents)) cells")
      var place: Value?
      for (i, e) in edges.enumerated() {
        try Histograms.checkAscending(c, e, "bins[\(i)]")
        let k = try Histograms.places(try v[0].sliced(axis: 1, start: i, count: 1).reshaped([-1]), e)
        place = try place?.op(Arithmetic.multiply, weak: Scalar(Int64(extents[i]))).op(Arithmetic.add, k) ?? k
      }
      guard let place else { throw c.error(.value, "the sample has no coordinates") }
      var found = try Counting.counts(place, weights: weights, bins: cells).cast(.float64).reshaped(extents)
      for k in extents.indices { found = try found.sliced(axis: k, start: 1, count: extents[k] - 2) }
      guard c.bool("density") else { return [found] }
      let all = try found.op(Reductions.sum)
      for (k, e) in edges.enumerated() {
        let width = try e.cast(.float64).op(Scans.diff).reshaped(extents.indices.map { $0 == k ? -1 : 1 })
        found = try found.op(Arithmetic.divide, width)
      }
      return [try found.op(Arithmetic.divide, all)]
    }, cost: Cost(perElement: 40),
    doc: OpDoc(
      "How many points lie in each cell of a grid.", example: "mt.histogramdd([[0.5, 1.5], [1.5, 2.5]], bins=2)[0]"),
    exposure: Exposure(namespace: nil),
    samples: [
      Sample([[7, 2], [3], [4]], [.integer, .floating], absent: [1]), Sample([[7, 1], [7], [3]]),
      Sample([[7, 2], [3], [4]], absent: [1], attributes: ["density": .bool(true)]),
    ])

  static let family = OpFamily([counts])
}
