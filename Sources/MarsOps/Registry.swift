import MarsBase
import MarsGraph

/// A native operator: its definition beside its body for the CPU.
struct NativeOp: Sendable {
  let def: OpDef
  let cpu: NativeBody
  init(_ def: OpDef, cpu: @escaping NativeBody) {
    self.def = def
    self.cpu = cpu
  }
}

/// The operators of one file.
struct OpFamily: Sendable {
  let ops: [OpDef]
  let natives: [NativeOp]
  init(_ ops: [OpDef], natives: [NativeOp] = []) {
    self.ops = ops
    self.natives = natives
  }
}

private let families: [OpFamily] = [
  Arithmetic.family, Comparison.family, Bits.family, PackedBits.family, Exponential.family, Trigonometric.family, FloatingPoint.family,
  Selection.family,
  Reductions.family, Scans.family, Folds.family, Creation.family, Random.family, Shapes.family, Joining.family, Repeating.family,
  LinearAlgebra.family, Masks.family, Indexing.family, IndexLists.family, Writing.family, Checks.family, Sorting.family,
  RunSorting.family, RunStatistics.family, DistinctValues.family, SetOperations.family, Partitions.family, TopElements.family,
  Statistics.family, Quantiles.family, Histograms.family, EstimatedBins.family, HistogramsOfSeveral.family,
  Counting.family, IgnoringNaN.family, Interpolation.family, Padding.family, Editing.family, Insertion.family, Patterns.family,
  IndexGrids.family, Einsum.family, Sampling.family, Random.samples, Signals.family, Arrangements.family,
  Files.family, Callbacks.family,
]

/// Every operator of Mars.
package let marsRegistry = OpRegistry(families.flatMap { $0.ops + $0.natives.map(\.def) })

/// The native bodies for the CPU and dense chunks.
package let cpuNatives: NativeLibrary = {
  var library = NativeLibrary()
  for family in families {
    for op in family.natives { library.add(NativeLibrary.Key(op.def.name), op.cpu) }
  }
  return library
}()
