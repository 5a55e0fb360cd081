import Glibc
import MarsBase
import MarsFormat
import MarsGraph
import MarsOps

/// Graphs to start from beside the golden ones: each operator of Mars applied to inputs, so that its name and its attributes are there to be
/// changed.
enum Seeds {
  /// Writes them into a folder; anything else is left alone, as a file with an input that is to be run again.
  static func write(into folder: String) {
    guard let d = opendir(folder) else { return }
    closedir(d)
    for op in marsRegistry.all {
      for (k, bytes) in graphs(of: op).enumerated() {
        guard let file = fopen("\(folder)/seed-\(op.name)-\(k)", "w") else { continue }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
      }
    }
  }

  /// A graph per sample, and one that asks for a loop of a ufunc.
  private static func graphs(of op: OpDef) -> [[UInt8]] {
    var samples = op.samples.prefix(4).map { s in (s, s.shapes.map { _ in s.dtypes.members.last ?? .float64 }) }
    if samples.isEmpty, case .ufunc(let loops) = op.typing, let last = loops.last {
      samples = [(Sample(last.inputs.map { _ in [3, 4] }), last.inputs)]
    }
    if samples.isEmpty { samples = [(Sample(op.inputs.map { _ in [3, 4] }), op.inputs.map { _ in DType.float64 })] }
    return samples.compactMap { sample, dtypes in try? graph(op, sample, dtypes) }
  }

  private static func graph(_ op: OpDef, _ sample: Sample, _ dtypes: [DType]) throws(MarsError) -> [UInt8] {
    var inputs: [GraphFile.Port] = []
    for (i, shape) in sample.shapes.enumerated() {
      let dtype = sample.fixed[i] ?? dtypes[i]
      let node = try Leaves.input.apply([], [("name", .string("x\(i)")), ("dtype", .dtype(dtype)), ("shape", .ints(shape))])
      inputs.append(("x\(i)", Value(node)))
    }
    let attributes = sample.attributes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    let node = try op.apply(sample.operands(inputs.map(\.value)), attributes)
    return try GraphCodec.encode(outputs: node.outputs.indices.map { ("o\($0)", Value(node, $0)) }, inputs: inputs)
  }
}
