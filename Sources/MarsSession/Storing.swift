import MarsBase
import MarsGraph
import MarsOps

/// What functions store where `out=` and `a += b` say.
extension Tensor {
  /// self[...] = result, as NumPy's `out=` and `a += b` store what a function (an operator's name) gave: of one shape, but ufuncs broadcast.
  ///
  /// `casting`: what may be cast; nil: what the function allows, and a cast within the kind where there is none.
  package func store(_ result: Tensor, function: String?, casting: Casting? = nil, origin: String) throws(MarsError) {
    let op = function.flatMap { marsRegistry[$0] }
    do throws(MarsError) {
      if let casting {
        try allow(casting, result.dtype, of: op, function)
      } else {
        try allow(op?.exposure.out ?? .sameKind, result.dtype, of: op, function)
      }
      try checkShape(of: result, from: op, function)
    } catch { throw error.at(op: "assign", origin: origin) }
    try assign(.tensor(result), origin: origin)
  }

  private func allow(_ rule: OutRule, _ from: DType, of op: OpDef?, _ function: String?) throws(MarsError) {
    switch rule {
    case .sameKind: try allow(Casting.sameKind, from, of: op, function)
    case .any: break
    case .inexact:
      guard dtype.kind >= .floating else {
        throw MarsError(.type, "out of \(function ?? "the function")() must be inexact, not \(dtype.name)")
      }
    case .fitsResult:
      guard Casting.safe.allows(dtype, from) else {
        throw MarsError(.type, "Cannot cast array data from dtype('\(dtype.name)') to dtype('\(from.name)') according to the rule 'safe'")
      }
    case .equal:
      guard dtype == from else {
        throw MarsError(.value, "output array is not acceptable (must have the right datatype, \(from.name), not \(dtype.name))")
      }
    }
  }

  private func allow(_ casting: Casting, _ from: DType, of op: OpDef?, _ function: String?) throws(MarsError) {
    guard casting.allows(from, dtype) else {
      let what = Tensor.ufunc(op).map { "ufunc '\($0)' output" } ?? function.map { "output of '\($0)'" } ?? "array data"
      throw MarsError(
        .type, "Cannot cast \(what) from dtype('\(from.name)') to dtype('\(dtype.name)') with casting rule '\(casting.rawValue)'")
    }
  }

  private func checkShape(of result: Tensor, from op: OpDef?, _ function: String?) throws(MarsError) {
    let (have, want) = (result.type.shape, type.shape)
    // Operands of a ufunc broadcast to `out` too.
    let spreads = Tensor.ufunc(op) != nil
    guard Shape.mayEqual(have, want) || (spreads && Shape.mayEqual(Shape.broadcast([have, want]) ?? [], want)) else {
      let whose = function.map { " of '\($0)'" } ?? ""
      throw MarsError(
        .value,
        "non-broadcastable output operand with shape \(Shape.tight(want)) doesn't match the broadcast shape \(Shape.tight(have))\(whose)")
    }
    // An assignment would broadcast a result that turns out to be smaller.
    guard spreads || Shape.isKnown(have) && Shape.isKnown(want) else {
      throw MarsError(
        .unknownExtents, "a result goes into a tensor of its own shape, of which extents are not known yet: execute it first")
    }
  }

  /// NumPy's name of an operator that is a ufunc.
  private static func ufunc(_ op: OpDef?) -> String? {
    guard let op, case .ufunc = op.typing else { return nil }
    return op.doc.numpy.split(separator: ".").last.map { String($0) } ?? op.name
  }
}
