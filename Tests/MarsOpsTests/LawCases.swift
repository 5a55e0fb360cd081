import MarsBase
import MarsGraph
import MarsOps

/// The calls on which the laws run operators, from what operators declare.
enum LawCases {
  /// Operators that the laws do not run, each with its reason.
  static let exceptions: [String: String] = [
    "data": "holds memory: every case has data leaves",
    "input": "has no value of its own; bindings are tested with sessions",
    "loop_nest": "is written by plans that are cut: the tests of subtasks run it",
    "index_arrays": "reads positions in another input, which sample values are not; tested against NumPy",
    "take_along_axis": "reads positions in another input; tested against NumPy",
    "assign_arrays": "writes to positions in another input; tested against NumPy",
    "put_rows": "writes to positions in another input; tested against NumPy",
    "is_in_sorted": "looks for elements in a sorted vector, which sample values are not; isin runs it",
    "distinct_places": "looks for elements among values that hold them all; unique runs it",
    "distinct_occurrences": "looks for elements among values that hold them all; unique runs it",
    "bincount_extent": "tells extents by what has no elements, which nobody fetches; bincount runs it",
    "bincount_counts": "takes an extent of what has no elements; bincount runs it",
    "histogram_extent": "tells extents by what has no elements, which nobody fetches; histogram_estimated runs it",
    "histogram_edges": "takes an extent of what has no elements; histogram_estimated runs it",
    "histogram_counts_found": "takes edges that are found by running; histogram_estimated runs it",
    "merge_runs": "merges runs that are sorted, by windows that belong to them; sort and argsort run it in chunks",
    "sort_pieces": "waits for the windows of runs that are sorted; sort and argsort run it in chunks",
    "narrow_places": "waits for counts of its elements; median and percentile run it in chunks",
    "refuse_where": "refuses what sample values mark; unravel_index and nanargmax run it",
  ]

  /// Operands that may not hold just any values.  Positions outside of an axis are errors when they run.
  static let special: [String: [Int: LawData]] = [
    "take": [1: .indices], "take_axis": [1: .indices], "take_along_axis": [1: .indices], "index_arrays": [1: .indices, 2: .indices],
    "assign_arrays": [2: .indices, 3: .indices], "put_rows": [1: .indices], "put": [1: .indices], "delete": [1: .indices],
    "insert": [2: .indices], "insert_at": [2: .indices], "put_along_axis": [1: .indices],
    "unravel_index": [0: .indices],
    "bincount": [0: .indices], "bincount_bins": [0: .indices],
    "quantile": [1: .fractions, 2: .shares], "nanquantile": [1: .fractions, 2: .shares], "nanpercentile": [1: .fractions],
    "percentile": [1: .fractions], "histogram_counts": [1: .ascending], "histogramdd_counts": [1: .ascending, 2: .ascending],
    "histogram_estimated": [0: .fractions], "histogram_bin_edges_estimated": [0: .fractions],
    "multinomial": [0: .shares, 1: .shares], "draw_multinomial": [0: .shares, 1: .shares], "zipf": [0: .large], "dirichlet": [0: .shares],
  ].merging(
    [
      "draw_samples", "standard_gamma", "gamma", "beta", "chisquare", "f", "standard_t", "noncentral_chisquare", "noncentral_f",
      "power_distribution",
      "vonmises", "wald", "poisson", "negative_binomial", "binomial", "geometric", "hypergeometric", "logseries",
    ].map { ($0, [0: .shares, 1: .shares, 2: .shares]) }
  ) { $1 }

  /// Samples of operators that declare none, or whose operands differ in dtype.
  static let more: [String: [Sample]] = [
    "take": [
      Sample([[3, 4], [5]], .all, fixed: [1: .int64]), Sample([[3, 4], [2, 2]], fixed: [1: .int32], attributes: ["axis": .int(1)]),
      Sample([[4], []], fixed: [1: .uint8]),
    ],
    "take_axis": [Sample([[3, 4], [5]], .all, fixed: [1: .int64], attributes: ["axis": .int(1)])],
    "index_arrays": [
      Sample([[3, 4], [5], [2, 1]], .all, fixed: [1: .int64, 2: .int32], attributes: ["axes": .ints([0, 1])]),
      Sample([[3, 4, 2], [2, 2]], fixed: [1: .int64], attributes: ["axes": .ints([1])]),
      Sample([[3, 4, 2], [5], [5]], fixed: [1: .int64, 2: .int64], attributes: ["axes": .ints([0, 2]), "position": .int(1)]),
    ],
    "take_along_axis": [Sample([[3, 4], [3, 2]], .all, fixed: [1: .int64], attributes: ["axis": .int(1)])],
    "assign_arrays": [
      Sample([[3, 4, 2], [5, 2], [5], [1]], .all, fixed: [2: .int64, 3: .int64], attributes: ["axes": .ints([0, 1])]),
      Sample([[3, 4], [], [5]], fixed: [2: .int64], attributes: ["axes": .ints([1]), "position": .int(1)]),
    ],
    "put_along_axis": [
      Sample([[3, 4], [3, 2], []], .all, fixed: [1: .int64], attributes: ["axis": .int(1)]),
      Sample([[3, 4], [1, 4], [1, 4]], fixed: [1: .int32], attributes: ["axis": .int(0)]),
      Sample([[3, 4], [3], [3]], fixed: [1: .int64], attributes: ["axis": .none]),
    ],
    "bincount": [Sample([[7]], .integer)], "delete": [Sample([[4], [3]], fixed: [1: .int32])],
    "insert_at": [
      Sample([[3, 4], [], [5]], .all, fixed: [2: .int64], attributes: ["axis": .int(0)]),
      Sample([[3, 4], [2], [2]], fixed: [2: .int64], attributes: ["axis": .int(1)]),
      Sample([[4], [3], [1]], fixed: [2: .int64], attributes: ["axis": .int(0), "single": .bool(true)]),
    ],
    "put_rows": [Sample([[4, 3], [5], [5, 3]], .all, fixed: [1: .int64])],
    "unravel_index": [Sample([[5]], .integer, attributes: ["shape": .ints([3, 4, 2])])],
    "searchsorted": [Sample([[6], [3, 4]], .all), Sample([[6], [5]], attributes: ["side": .string("right")])],
  ]

  static func of(_ op: OpDef) -> [LawCase] {
    var out: [LawCase] = []
    if op.samples.isEmpty, case .ufunc(let loops) = op.typing {
      for l in loops where !l.outputs.isEmpty { out += ufunc(op, l) }
    }
    for s in op.samples + (more[op.name] ?? []) { out += sampled(op, s) }
    return out
  }

  /// A vector with all extremes, matrices that broadcast, a 0-d value, and nothing.
  private static func ufunc(_ op: OpDef, _ l: UfuncLoop) -> [LawCase] {
    let shapes: [[[Int]]] = [
      l.inputs.map { _ in [83] }, l.inputs.indices.map { [[5, 7], [7], [5, 1]][$0 % 3] }, l.inputs.map { _ in [] },
      l.inputs.map { _ in [0, 3] },
    ]
    // All that may be left out: one alone in front of what is given, and those at the end.
    let optional = op.inputs.indices.filter { op.inputs[$0].isOptional }
    let lacking = [[]] + optional.map { [$0] } + optional.dropLast().map { i in optional.filter { $0 >= i } }
    return lacking.flatMap { absent in
      shapes.map { s in
        let given = l.inputs.indices.filter { !absent.contains($0) }
        return LawCase(
          op: op, operands: given.map { TensorType(l.inputs[$0], s[$0]) }, attributes: [], data: .extreme,
          absent: absent.filter { $0 < given.last ?? 0 })
      }
    }
  }

  private static let few: DTypeSet = DTypeSet([.bool, .int32, .float32, .float64, .complex128])

  private static func sampled(_ op: OpDef, _ s: Sample) -> [LawCase] {
    var out: [LawCase] = []
    let special = special[op.name] ?? [:]
    let positions = Set(special.keys.filter { special[$0] == .indices })
    let attributes = s.attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    func operands(_ d: DType, _ shapes: [[Int]]) -> [TensorType] { shapes.enumerated().map { TensorType(s.fixed[$0] ?? d, $1) } }
    let isFixed = s.shapes.indices.allSatisfy { s.fixed[$0] != nil }
    for d in isFixed ? [.float64] : s.dtypes.members {
      func add(_ shapes: [[Int]], _ attributes: [(String, AttrValue)], derived: Bool = true) {
        // No position lies in an empty axis: reading one is an error.
        if !positions.isEmpty, shapes.indices.contains(where: { !positions.contains($0) && shapes[$0].contains(0) }),
          positions.contains(where: { !shapes[$0].contains(0) })
        {
          return
        }
        let one = LawCase(
          op: op, operands: operands(d, shapes), attributes: attributes, data: .extreme, special: special, absent: s.absent,
          mayRefuse: derived)
        // Rounded sums are compared on values that they are conditioned for.
        if let n = try? one.node(.plain, marsRegistry), !LawBound(n).isExact {
          for data in [LawData.moderate, .rough] {
            if data == .rough && d.kind < .floating { continue }
            out.append(
              LawCase(
                op: op, operands: one.operands, attributes: attributes, data: data, special: special, absent: s.absent,
                mayRefuse: derived))
          }
        } else {
          out.append(one)
        }
      }
      add(s.shapes, attributes, derived: false)
      guard few.contains(d) else { continue }
      if s.shapes.isEmpty {
        let grown = attributes.map { key, value -> (String, AttrValue) in
          if case .ints(let n) = value, ["size", "shape", "dimensions"].contains(key) { return (key, .ints(n.map { $0 * 9 })) }
          if case .int(let n) = value, ["N", "M", "n", "num"].contains(key) { return (key, .int(n * 9)) }
          return (key, value)
        }
        add([], grown)
        continue
      }
      add(s.shapes.map { $0.map { $0 > 1 ? $0 * 6 : $0 } }, attributes)
      // Without elements there is nothing that an index could name.
      if !positions.isEmpty { continue }
      add(s.shapes.map { $0.isEmpty ? [] : [0] + $0.dropFirst() }, attributes)
      add(s.shapes.map { _ in [] }, attributes)
    }
    return out
  }
}
