import Glibc
import MarsBase
import MarsGraph
import MarsOps
import Testing

/// An error or a node, but never the end of the process, whatever a client or a graph file says.
///
/// Attributes take values at the ends of what can be said, inputs every dtype and shapes at the ends of what can be addressed.  A rule that
/// traps, takes all memory or does not end takes this test with it.
@Suite struct AnswerTests {
  /// Values of every kind at the ends of what can be said.
  private static let extremes: [AttrValue] =
    [
      .none, .bool(false), .bool(true), .string(""), .string("nonsense"), .string("...->\u{e9},"), .strings([]), .strings(["x", ""]),
      .bytes([]), .bytes([0xff, 0]), .scalar(Scalar(true)), .scalar(Scalar(Double.nan)), .scalar(Scalar(-Double.infinity)),
      .scalar(Scalar(real: 1, imag: .nan)), .scalar(Scalar(dtype: .uint64, low: .max)), .scalar(Scalar(Int64.min)),
      .scalar(Scalar(Int64.max)), .scalar(Scalar(Int64(-1))), .scalar(Scalar(1e300)),
    ] + [0, 1, -1, 2, 63, 64, 65, .max, .min, .max / 2, 1 << 62].map { .int($0) }
    + [0, -0.0, -1, 1e300, .nan, .infinity, -.infinity, 9.3e18].map { .float($0) } + DType.allCases.map { .dtype($0) }
    + [
      [], [0], [-1], [1], [3], [.max], [.min], [2, 3], [0, 0], [0, 1], [.max, .max], [.min, .min], [1 << 40, 1 << 40], [-1, -1], [0, .max],
      [.min, 1], [1, 2, 3], [0, .max, 1, .max], [Int](repeating: 1, count: 65), [Int](repeating: 0, count: 1 << 12), Array(0..<128),
    ]
    .map { .ints($0) }

  /// Scalars, nothing, unknown extents, more than any memory, as many axes as there may be.
  private static let shapes: [[Int]] = [
    [], [3], [0, 2], [-1, 2], [3, 3], [1 << 30, 1 << 28], [1 << 58], [0, 1 << 58], [-1, 1 << 58], [1, 3, 1 << 40, 1],
    [Int](repeating: 1, count: maximumRank), [Int](repeating: -1, count: maximumRank),
  ]

  /// With MARS_CALLS=<file> that file holds the call that is being made: where the process ended.
  private let log = getenv("MARS_CALLS").flatMap { fopen($0, "w") }

  private struct Tally {
    var made = 0
    var refused = 0
  }

  private func value(_ d: DType, _ shape: [Int]) throws -> Operand {
    .value(Value(try Leaves.input.apply([], [("name", .string("x")), ("dtype", .dtype(d)), ("shape", .ints(shape))])))
  }

  private func call(_ op: OpDef, _ inputs: [Operand], _ attributes: [(String, AttrValue)], _ tally: inout Tally) {
    func text() -> String {
      let types = inputs.map { if case .value(let v) = $0 { v.type.text } else { "\($0)" } }
      return "\(op.name) \(types) \(attributes)\n"
    }
    if let log {
      rewind(log)
      fputs(text(), log)
      fflush(log)
      _ = ftruncate(fileno(log), ftell(log))
    }
    do throws(MarsError) {
      let node = try op.apply(inputs, attributes)
      tally.made += 1
      #expect(node.outputs.allSatisfy { $0.rank <= maximumRank }, "\(op.name)")
    } catch {
      if error.code == .internal { Issue.record("\(text()): \(error.message)") }
      tally.refused += 1
    }
  }

  /// Whether an attribute takes values of this kind; the others are refused before any rule is asked.
  private func takes(_ a: AttrDef, _ v: AttrValue) -> Bool {
    guard let k = v.kind else { return a.allowsNone }
    if k == a.kind { return true }
    switch a.kind {
    case .float, .ints: return k == .int
    case .scalar: return k == .int || k == .float || k == .bool
    default: return false
    }
  }

  private func attributes(_ op: OpDef) -> [[(String, AttrValue)]] {
    var needed: [(String, AttrValue)] = []
    for a in op.attributes where a.defaultValue == nil {
      if let v = AnswerTests.extremes.first(where: { $0 != .none && takes(a, $0) }) { needed.append((a.name, v)) }
    }
    return [needed] + op.samples.prefix(2).map { s in s.attributes.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 } }
  }

  @Test func anyCallIsAnswered() throws {
    var tally = Tally()
    var random = Draws(state: 1)
    var values: [[Operand]] = []
    for d in DType.allCases { values.append(try (AnswerTests.shapes + [[.max / d.itemSize]]).map { try value(d, $0) }) }
    // The largest number of elements that there can be is one of bytes.
    let wide = try AnswerTests.shapes.map { try value(.float64, $0) } + [try value(.bool, [.max])]
    // Python's numbers.
    let weak: [Operand] =
      [Scalar(true), Scalar(Int64.min), Scalar(dtype: .uint64, low: .max), Scalar(1e300), Scalar(.nan), Scalar(real: 0, imag: .infinity)]
      .map { .weak($0) } + [.big(1e30), .big(.infinity)]
    for op in marsRegistry.all {
      let isVariadic = op.inputs.last?.isVariadic ?? false
      let counts = isVariadic ? [0, 1, 2, 3].map { op.inputs.count - 1 + $0 } : [op.inputs.count]
      for given in attributes(op) {
        for n in counts + [op.inputs.count + 1] {
          // One type for all inputs, and all pairs of shapes.
          for row in values { call(op, (0..<n).map { _ in row[1] }, given, &tally) }
          for w in weak {
            for row in values {
              call(op, (0..<n).map { $0 % 2 == 0 ? w : row[1] }, given, &tally)
              if n > 1 { call(op, (0..<n).map { $0 % 2 == 1 ? w : row[0] }, given, &tally) }
            }
          }
          for x in wide {
            for y in n < 2 ? [x] : wide { call(op, (0..<n).map { $0 % 2 == 0 ? x : y }, given, &tally) }
          }
        }
        // One input left out at a time, and all from one on.
        for i in op.inputs.indices {
          for x in wide {
            for m in [op.inputs.count, op.inputs.count + 1] where i < m {
              call(op, (0..<m).map { $0 == i ? .absent : x }, given, &tally)
              call(op, (0..<m).map { $0 >= i ? .absent : x }, given, &tally)
            }
          }
        }
        // One attribute at a time.
        for a in op.attributes {
          let others = given.filter { $0.0 != a.name }
          for v in AnswerTests.extremes where takes(a, v) {
            for n in counts.prefix(2) {
              for x in wide { call(op, (0..<n).map { _ in x }, others + [(a.name, v)], &tally) }
            }
          }
        }
      }
      // All at once.
      for _ in 0..<100 {
        let given = op.attributes.compactMap { a -> (String, AttrValue)? in
          let fitting = AnswerTests.extremes.filter { takes(a, $0) }
          return fitting.isEmpty ? nil : (a.name, fitting[random.next(fitting.count)])
        }
        let n = counts[random.next(counts.count)]
        let inputs = (0..<n).map { _ in
          let row = values[random.next(values.count)]
          return row[random.next(row.count)]
        }
        call(op, inputs, given, &tally)
      }
    }
    #expect(tally.made > 10_000 && tally.refused > 10_000, "\(tally.made) made, \(tally.refused) refused")
  }

  /// Numbers that look random and are the same in every run (Knuth's MMIX generator).
  private struct Draws {
    var state: UInt64
    mutating func next(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(count))
    }
  }
}
