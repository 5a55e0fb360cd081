import MarsBase

/// A routine that only moves elements: written once for all element sizes.
protocol CellRoutine {
  associatedtype Result
  func run<C: BitwiseCopyable>(_ type: C.Type) throws(MarsError) -> Result
}

extension DType {
  /// Runs a routine for cells of this dtype's size; each case is specialised by the compiler.
  func dispatchCells<R: CellRoutine>(_ r: R) throws(MarsError) -> R.Result {
    switch itemSize {
    case 1: try r.run(UInt8.self)
    case 2: try r.run(UInt16.self)
    case 4: try r.run(UInt32.self)
    case 8: try r.run(UInt64.self)
    default: try r.run(SIMD2<UInt64>.self)
    }
  }
}
