import MarsBase
import MarsGraph

/// Einstein's summation: products of tensors summed over labelled axes.
enum Einsum {
  /// A tensor with a label for each axis; labels of "..." are negative.
  private struct Term {
    var value: Value
    var labels: [Int]
  }

  /// Labels of every operand and of the result.
  private static func parse(_ c: OpContext, _ text: String, _ ranks: [Int]) throws(MarsError) -> ([[Int]], [Int]) {
    let plain = text.filter { $0 != " " }
    let halves = plain.split(separator: "-", omittingEmptySubsequences: false)
    guard halves.count <= 2, halves.count == 1 || halves[1].hasPrefix(">") else {
      throw c.error(.value, "einstein sum subscript string does not contain proper '->' output specified")
    }
    let inputs = halves[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard inputs.count == ranks.count else {
      throw c.error(
        .value,
        "\(inputs.count < ranks.count ? "more" : "fewer") operands provided to einstein sum function than specified in the subscripts string"
      )
    }
    func labels(_ s: String, dots: Int?) throws(MarsError) -> [Int] {
      var out: [Int] = []
      var rest = Substring(s)
      var seen = false
      while let ch = rest.first {
        if rest.hasPrefix("...") {
          guard !seen, let dots else { throw c.error(.value, "einstein sum subscripts string contains more than one ellipsis") }
          seen = true
          out += (0..<dots).map { $0 - dots }
          rest = rest.dropFirst(3)
        } else {
          guard ch.isASCII && ch.isLetter, let a = ch.asciiValue else {
            throw c.error(.value, "invalid subscript '\(ch)' in einstein sum subscripts string, subscripts must be letters")
          }
          out.append(Int(a))
          rest = rest.dropFirst()
        }
      }
      return out
    }
    var terms: [[Int]] = []
    var mostDots = 0
    for (s, rank) in zip(inputs, ranks) {
      let letters = s.filter(\.isLetter).count
      let hasDots = s.contains("...")
      guard hasDots ? letters <= rank : letters == rank else {
        throw c.error(
          .value,
          letters > rank
            ? "einstein sum subscripts string contains too many subscripts for operand \(terms.count)"
            : "operand has more dimensions than subscripts given in einstein sum, but no '...' ellipsis provided to broadcast the extra dimensions."
        )
      }
      if hasDots { mostDots = Swift.max(mostDots, rank - letters) }
      terms.append(try labels(s, dots: hasDots ? rank - letters : nil))
    }
    let all = terms.flatMap { $0 }
    let dots = (0..<mostDots).map { $0 - mostDots }
    guard halves.count == 2 else {
      return (terms, dots + Set(all.filter { $0 > 0 }).filter { l in all.filter { $0 == l }.count == 1 }.sorted())
    }
    let output = try labels(String(halves[1].dropFirst()), dots: mostDots)
    for l in output where !all.contains(l) {
      throw c.error(.value, "einstein sum subscripts string included output subscript '\(name(l))' which never appeared in an input")
    }
    guard Set(output).count == output.count else {
      throw c.error(.value, "einstein sum subscripts string includes output subscript multiple times")
    }
    return (terms, output)
  }

  /// Diagonals of labels that come twice, sums of labels that nobody else has, extents of 1 dropped where others are not 1.
  private static func simplified(_ t: Term, _ extents: [Int: Int], needed: Set<Int>) throws(MarsError) -> Term {
    var (x, labels) = (t.value, t.labels)
    for k in labels.indices.reversed() where x.type.shape[k] == 1 && (extents[labels[k]] ?? 1) != 1 {
      x = try x.op(Shapes.squeeze, with: ["axis": .ints([k])])
      labels.remove(at: k)
    }
    while let (i, j) = twice(labels) {
      x = try x.op(Shapes.diagonal, with: ["axis1": .int(i), "axis2": .int(j)])
      let l = labels[i]
      labels.remove(at: j)
      labels.remove(at: i)
      labels.append(l)
    }
    let summed = labels.indices.filter { !needed.contains(labels[$0]) }
    if !summed.isEmpty {
      x = try x.op(Reductions.sum, with: ["axis": .ints(summed), "dtype": .dtype(x.type.dtype)])
      labels = labels.filter { needed.contains($0) }
    }
    return Term(value: x, labels: labels)
  }

  /// Places of a label that comes twice; of different extents, where they are given.
  private static func twice(_ labels: [Int], differing shape: [Int]? = nil) -> (Int, Int)? {
    for i in labels.indices {
      for j in labels.indices where j > i && labels[i] == labels[j] && shape.map({ $0[i] != $0[j] }) ?? true { return (i, j) }
    }
    return nil
  }

  /// A label as it is written.
  private static func name(_ label: Int) -> String { label < 0 ? "..." : String(UnicodeScalar(UInt8(label))) }

  /// Two terms multiplied and summed over what neither the others nor the result need: a stack of matrix products, or a plain product.
  private static func contracted(_ a: Term, _ b: Term, needed: Set<Int>) throws(MarsError) -> Term {
    let shared = a.labels.filter { b.labels.contains($0) }
    let summed = shared.filter { !needed.contains($0) }
    let stack = shared.filter { needed.contains($0) }
    let (freeA, freeB) = (a.labels.filter { !shared.contains($0) }, b.labels.filter { !shared.contains($0) })
    func extent(_ l: Int, _ t: Term) -> Int { t.value.type.shape[t.labels.firstIndex(of: l) ?? 0] }
    func arranged(_ t: Term, _ order: [Int]) throws(MarsError) -> Value {
      try t.value.permuted(order.map { t.labels.firstIndex(of: $0) ?? 0 })
    }
    let labels = stack + freeA + freeB
    if summed.isEmpty {
      let x = try arranged(a, stack + freeA)
      let y = try arranged(b, stack + freeB)
      let wide = try x.reshaped(x.type.shape + [Int](repeating: 1, count: freeB.count))
      let other = try y.reshaped(stack.map { extent($0, b) } + [Int](repeating: 1, count: freeA.count) + freeB.map { extent($0, b) })
      return Term(value: try wide.op(Arithmetic.multiply, other), labels: labels)
    }
    if freeA.isEmpty && freeB.isEmpty {
      // A sum of products for each element of the stack is no work for a matrix product.
      let product = try arranged(a, stack + summed).op(Arithmetic.multiply, try arranged(b, stack + summed))
      let axes = Array(stack.count..<stack.count + summed.count)
      let x = try product.op(Reductions.sum, with: ["axis": .ints(axes), "dtype": .dtype(product.type.dtype)])
      return Term(value: x, labels: stack)
    }
    let s = stack.map { extent($0, a) }
    let (m, n, k) = (freeA.map { extent($0, a) }, freeB.map { extent($0, b) }, summed.map { extent($0, a) })
    let depth = s.isEmpty ? [] : [s.reduce(1, *)]
    let x = try arranged(a, stack + freeA + summed).reshaped(depth + [m.reduce(1, *), k.reduce(1, *)])
    let y = try arranged(b, stack + summed + freeB).reshaped(depth + [k.reduce(1, *), n.reduce(1, *)])
    return Term(value: try x.op(LinearAlgebra.matmul, y).reshaped(s + m + n), labels: labels)
  }

  /// As NumPy.
  private static let mostOperands = 64

  static let einsum = OpDef(
    "einsum", inputs: [InputDef("operands", variadic: true)],
    attributes: [
      AttrDef("subscripts", .string, "labels of the operands' axes, and after '->' of the result's"),
      AttrDef("dtype", .dtype, default: AttrValue.none, "dtype in which to compute and of the result"),
      AttrDef("casting", .string, default: .string(Casting.safe.rawValue), since: 2, "what may be cast to dtype, as of astype"),
    ], typing: .fromExpansion, takesArrays: true,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      guard !v.isEmpty else { throw c.error(.value, "No input operands") }
      // Every pair is looked at in every step.
      guard v.count <= mostOperands else { throw c.error(.value, "too many operands provided to einstein sum function") }
      guard v.allSatisfy(\.type.isKnown) else { throw c.unknownExtents("einsum needs known extents") }
      let (labels, output) = try parse(c, c.string("subscripts"), v.map(\.type.rank))
      let casting = try Casting(named: c.string("casting"))
      // As NumPy: axes of one operand that are only arranged anew are a view of it, whatever the dtype.
      let isView = v.count == 1 && Set(labels[0]) == Set(output)
      let asked = isView ? nil : c.dtype("dtype")
      let d = asked ?? c.commonDType()
      var extents: [Int: Int] = [:]
      for (i, (ls, x)) in zip(labels, v).enumerated() {
        guard asked == nil || casting.allows(x.type.dtype, d) else {
          throw c.error(
            .type,
            "Iterator operand \(i) dtype could not be cast from dtype('\(x.type.dtype.name)') to dtype('\(d.name)') according to the rule '\(casting.rawValue)'"
          )
        }
        if let (p, q) = twice(ls, differing: x.type.shape) {
          throw c.error(
            .value,
            "dimensions in operand \(i) for collapsing index '\(name(ls[p]))' don't match (\(x.type.shape[p]) != \(x.type.shape[q]))")
        }
        for (l, n) in zip(ls, x.type.shape) {
          let have = extents[l] ?? 1
          guard have == n || have == 1 || n == 1 else {
            throw c.error(
              .value,
              "operands could not be broadcast together with remapped shapes: a label stands for extents \(have) and \(n)")
          }
          extents[l] = have == 1 ? n : have
        }
      }
      // As NumPy: half types are rounded once, at the end.
      let computed = d.isHalf && !isView ? .float32 : d
      var terms: [Term] = []
      for (i, x) in v.enumerated() {
        var needed = Set(output)
        for (j, ls) in labels.enumerated() where j != i { needed.formUnion(ls) }
        terms.append(try simplified(Term(value: try x.cast(computed), labels: labels[i]), extents, needed: needed))
      }
      while terms.count > 1 {
        // The pair with the smallest product first.
        var best = (size: Double.infinity, i: 0, j: 1)
        for i in terms.indices {
          for j in terms.indices where j > i {
            var needed = Set(output)
            for (k, t) in terms.enumerated() where k != i && k != j { needed.formUnion(t.labels) }
            let size = Set(terms[i].labels + terms[j].labels).intersection(needed).reduce(1.0) { $0 * Double(extents[$1] ?? 1) }
            if size < best.size { best = (size, i, j) }
          }
        }
        var needed = Set(output)
        for (k, t) in terms.enumerated() where k != best.i && k != best.j { needed.formUnion(t.labels) }
        var made = try contracted(terms[best.i], terms[best.j], needed: needed)
        made = try simplified(made, extents, needed: needed)
        terms.remove(at: best.j)
        terms[best.i] = made
      }
      let last = terms[0]
      // A label of extent 1 that was dropped stands for all of its extents.
      let present = output.filter { last.labels.contains($0) }
      let x = try last.value.cast(d).permuted(present.map { last.labels.firstIndex(of: $0) ?? 0 })
      let shape = output.map { extents[$0] ?? 1 }
      return [try x.reshaped(output.map { present.contains($0) ? (extents[$0] ?? 1) : 1 }).broadcast(to: shape)]
    }, cost: Cost(perElement: 2),
    doc: OpDoc(
      "Products of tensors summed over labelled axes.",
      details: "Pairs are contracted one after the other, the smallest result first, by matrix products where a label is summed.",
      numpy: "numpy.einsum", example: "mt.einsum('ij,jk->ik', [[1, 2], [3, 4]], [[1, 0], [0, 1]])"),
    samples: [
      Sample([[3, 4], [4, 5]], .numeric, attributes: ["subscripts": .string("ij,jk->ki")]),
      Sample([[3, 3]], .all, attributes: ["subscripts": .string("ii")]),
      Sample([[2, 3, 4], [2, 4, 5]], attributes: ["subscripts": .string("...ij,...jk")]),
      Sample([[3], [4], [3, 4]], attributes: ["subscripts": .string("i,j,ij->j")]),
      Sample([[3, 0], [0, 2]], attributes: ["subscripts": .string("ij,jk")]),
    ], answer: Answer(.never))

  static let family = OpFamily([einsum])
}
