import MarsBase
import MarsGraph
import MarsOps
import Testing

/// What must hold for every operator.
@Suite struct RegistryTests {
  @Test func documentationIsComplete() {
    for op in marsRegistry.all {
      #expect(op.doc.summary.hasSuffix("."), "\(op.name): the summary is a sentence")
      #expect(!op.doc.summary.contains("\n"), "\(op.name)")
      #expect(op.doc.example.contains("mt."), "\(op.name): the example runs through mt")
      #expect(!op.outputs.isEmpty, "\(op.name)")
      for a in op.attributes { #expect(!a.doc.isEmpty, "\(op.name).\(a.name)") }
      #expect(Set(op.attributes.map(\.name)).count == op.attributes.count, "\(op.name)")
      #expect(op.inputFault == nil, "\(op.name)")
    }
  }

  /// What may be left out in front of other inputs is: laws and comparisons then see bodies look for the wrong ones.
  @Test func samplesLeaveOutWhatMayBe() {
    for op in marsRegistry.all {
      // Of ufuncs the laws make their own cases.
      if op.samples.isEmpty, case .ufunc = op.typing { continue }
      let optional = op.inputs.indices.filter { op.inputs[$0].isOptional && $0 < op.inputs.count - 1 }
      for i in optional {
        #expect(op.samples.contains { $0.absent.contains(i) }, "\(op.name) has no sample without '\(op.inputs[i].name)'")
      }
    }
  }

  @Test func defaultsHaveTheirKind() {
    for op in marsRegistry.all {
      for a in op.attributes {
        guard let d = a.defaultValue, let kind = d.kind else { continue }
        #expect(kind == a.kind, "\(op.name).\(a.name)")
      }
    }
  }

  @Test func nativeOperatorsHaveABodyAndNoOthers() {
    var names: Set<String> = []
    for op in marsRegistry.all {
      guard case .native = op.body else { continue }
      names.insert(op.name)
      #expect(cpuNatives.body(.init(op.name)) != nil, "\(op.name)")
    }
    #expect(Set(cpuNatives.keys.map(\.op)) == names)
  }

  @Test func loopsAreWellFormed() {
    for op in marsRegistry.all {
      guard case .ufunc(let loops) = op.typing else { continue }
      #expect(!loops.isEmpty)
      #expect(Set(loops.map(\.inputs)).count == loops.count, "\(op.name): a loop is declared twice")
      for l in loops {
        #expect(l.inputs.count == op.inputs.count, "\(op.name)")
        #expect(l.outputs.isEmpty || l.outputs.count == op.outputs.count, "\(op.name)")
      }
    }
  }

  @Test func whatIsNotAPlainUfuncHasSamples() {
    let exempt: Set<String> = [
      "data", "input", "constant", "load_npy", "npy_begin", "npy_write", "npy_commit", "save_npy", "map_chunk", "take", "take_axis",
      "searchsorted", "unravel_index", "loop_nest",
      // Their inputs must be positions in another input, which sample values are not; tests against NumPy cover them.
      "index_arrays", "take_along_axis", "assign_arrays", "put_rows", "put_along_axis", "insert_at",
      // Take or give an extent of what has no elements; bincount covers them.
      "bincount_extent", "bincount_counts",
      // The same; histogram_estimated covers them.
      "histogram_extent", "histogram_edges", "histogram_counts_found",
      // They wait for values of other operators, or need them: sort, argsort and median cover them.
      "merge_runs", "sort_pieces", "narrow_places",
      // One input must hold the elements of the other.
      "distinct_places", "distinct_occurrences",
      // One input must be sorted: isin has samples.
      "is_in_sorted",
      // Refuses what sample values mark.
      "refuse_where",
    ]
    for op in marsRegistry.all where !exempt.contains(op.name) {
      if case .ufunc = op.typing { continue }
      #expect(!op.samples.isEmpty, "\(op.name)")
    }
  }

  @Test func samplesTypeCheckAndRun() throws {
    for op in marsRegistry.all {
      for (number, s) in op.samples.enumerated() {
        for d in s.shapes.isEmpty ? [.float64] : s.dtypes.members {
          let inputs = s.shapes.enumerated().map { i, shape in
            sampleArray(shape, s.fixed[i] ?? d, seed: i, special: LawCases.special[op.name]?[i])
          }
          do {
            let node = try op.apply(s.operands(inputs.map { $0.node() }), s.attributes.map { ($0.key, $0.value) })
            let whole = try Evaluator().node(node)
            let chunked = try Evaluator(chunked: true).node(node)
            for (o, r) in whole.enumerated() {
              let t = node.outputs[o]
              #expect(r.type.dtype == t.dtype, "\(op.name) sample \(number) \(d)")
              #expect(
                r.type.rank == t.rank && zip(r.type.shape, t.shape).allSatisfy { $0 == $1 || $1 == unknownExtent },
                "\(op.name) sample \(number)")
              // Contractions of floats round by their parts; everything else is the same bits.
              let close = zip(r.scalars, chunked[o].scalars).allSatisfy { a, b in
                a == b || abs(a.asDouble - b.asDouble) <= 1e-2 * max(1, abs(a.asDouble)) && a.dtype.kind >= .floating
                  || a.asDouble.isNaN && b.asDouble.isNaN
              }
              #expect(r.type == chunked[o].type && close, "\(op.name) sample \(number) \(d): chunked differs from whole")
            }
          } catch {
            Issue.record("\(op.name) sample \(number) \(d): \(error)")
          }
        }
      }
    }
  }

  @Test func ufuncsRunOnAllTheirLoops() throws {
    for op in marsRegistry.all {
      guard case .ufunc(let loops) = op.typing, op.attributes.allSatisfy({ $0.defaultValue != nil }) else { continue }
      for l in loops where !l.outputs.isEmpty {
        // Integers to negative integer powers are errors.
        let isPower = ["power", "pow", "power_operator"].contains(op.name) && l.inputs[1].isInteger
        let inputs = l.inputs.enumerated().map { sampleArray([7], $1, seed: $0, allowsNegative: !isPower) }
        let node = try op.apply(inputs.map { .value($0.node()) }, [])
        let r = try Evaluator().node(node)
        #expect(r.map(\.type.dtype) == l.outputs, "\(op.name)")
      }
    }
  }
}

/// Small values of every kind: zeros, signs, and NaN and infinities in floats.
func sampleArray(_ shape: [Int], _ d: DType, seed: Int, allowsNegative: Bool = true, special: LawData? = nil) -> RefArray {
  let a = RefArray(TensorType(d, shape))
  for i in 0..<a.type.count {
    let k = (i &* 7 &+ seed &* 3 &+ 2) % 11
    var v = Double(k - (d.kind == .unsigned || d == .bool || !allowsNegative ? 0 : 4))
    if d == .bool { v = k % 2 == 0 ? 1 : 0 }
    if d.kind >= .floating { v = v / 2 }
    if special == .fractions { v = Double(k % 2) }
    if special == .ascending { v = Double(i) }
    if special == .large { v = 2 }
    if special == .shares { v = d.kind >= .floating ? 0.5 : 1 }
    a.store(d.isComplex ? Scalar(real: v, imag: Double(k % 3) - 1) : Scalar(v), i)
  }
  return a
}
