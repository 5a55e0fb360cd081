/// Marks an extent that is not known before the graph runs.
package let unknownExtent = -1

/// Most axes of a tensor, as of NumPy's arrays.
package let maximumRank = 64

/// Rules of shapes: lists of extents.
package enum Shape {
  /// Elements of a shape whose extents are known; nil on overflow, which as in NumPy extents of 0 do not hide.
  package static func count(_ shape: [Int]) -> Int? {
    var n = 1
    for d in shape where d != 0 {
      let (p, o) = n.multipliedReportingOverflow(by: d)
      if o { return nil }
      n = p
    }
    return shape.contains(0) ? 0 : n
  }

  /// Whether elements of a shape, extents of 0 counted as 1, can be addressed as bytes.
  package static func isAddressable(_ shape: [Int], itemSize: Int) -> Bool {
    var bytes = itemSize
    for d in shape where d > 1 {
      let (p, o) = bytes.multipliedReportingOverflow(by: d)
      if o { return false }
      bytes = p
    }
    return true
  }

  package static func isKnown(_ shape: [Int]) -> Bool { !shape.contains(unknownExtent) }

  /// Whether two shapes may turn out to be the same: unknown extents may be any.
  package static func mayEqual(_ a: [Int], _ b: [Int]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || $0 == unknownExtent || $1 == unknownExtent }
  }

  /// Whether elements with these strides (in elements) lie side by side in C order.
  package static func isRowMajor(_ shape: [Int], _ strides: [Int]) -> Bool {
    if shape.contains(0) { return true }
    var step = 1
    for k in shape.indices.reversed() where shape[k] != 1 {
      if strides[k] != step { return false }
      step *= shape[k]
    }
    return true
  }

  /// Strides of a C-order array, in elements.
  package static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    // A constant, which takes no memory.
    if shape.count == 1 { return [1] }
    var s = [Int](repeating: 1, count: shape.count)
    var i = shape.count - 2
    while i >= 0 {
      s[i] = s[i + 1] * max(shape[i + 1], 1)
      i -= 1
    }
    return s
  }

  /// The extents that a reshape to `wanted` means, of which one may be -1: what is left.  As they are while those of `from` are unknown.
  package static func reshaped(_ from: [Int], _ wanted: [Int]) throws(MarsError) -> [Int] {
    guard wanted.allSatisfy({ $0 >= -1 }) else { throw MarsError(.value, "negative dimensions not allowed") }
    guard wanted.count(where: { $0 == -1 }) <= 1 else { throw MarsError(.value, "can only specify one unknown dimension") }
    guard isKnown(from) else { return wanted }
    let total = from.reduce(1, *)
    guard let known = count(wanted.filter { $0 != -1 }),
      wanted.contains(-1) ? known > 0 && total % known == 0 : known == total
    else {
      throw MarsError(.value, "cannot reshape array of size \(total) into shape \(tight(wanted).replacing("?", with: "-1"))")
    }
    return wanted.map { $0 == -1 ? total / known : $0 }
  }

  /// NumPy's broadcast of several shapes; nil where they do not agree.  Unknown against 1 or unknown stays unknown; against n it is n.
  package static func broadcast(_ shapes: [[Int]]) -> [Int]? {
    if let first = shapes.first, shapes.allSatisfy({ $0 == first }) { return first }
    let rank = shapes.map(\.count).max() ?? 0
    var out = [Int](repeating: 1, count: rank)
    for s in shapes {
      let pad = rank - s.count
      for (j, d) in s.enumerated() {
        let i = j + pad
        if out[i] == d || d == 1 { continue }
        if out[i] == 1 || out[i] == unknownExtent {
          out[i] = d
        } else if d != unknownExtent {
          return nil
        }
      }
    }
    return out
  }

  /// "(2, 3)", "(4,)", "()": as Python prints a tuple, `?` for an unknown extent.
  package static func text(_ shape: [Int]) -> String {
    let parts = shape.map { $0 == unknownExtent ? "?" : String($0) }
    return parts.count == 1 ? "(\(parts[0]),)" : "(" + parts.joined(separator: ", ") + ")"
  }

  /// "(2,3)": as NumPy's errors print shapes.
  package static func tight(_ shape: [Int]) -> String { text(shape).replacing(", ", with: ",") }

  /// What NumPy says where an assigned value does not fit its place.
  package static func cannotBroadcast(_ from: [Int], into to: [Int]) -> MarsError {
    MarsError(.value, "could not broadcast input array from shape \(tight(from)) into shape \(tight(to))")
  }
}

extension Int {
  /// Quotient rounded towards plus infinity; the divisor is positive.
  package func dividedRoundingUp(by b: Int) -> Int { self >= 0 ? (self + b - 1) / b : -(-self / b) }
}
