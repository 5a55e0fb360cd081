import MarsBase
import MarsGraph
import MarsOps

/// One step from the storage of a tensor towards the tensor.
enum ViewStep: Sendable {
  /// An affine index map to a view of `shape`.
  case map(AxisMap, shape: [Int])
  /// The same elements in C order under another shape, of which one extent may be unknown: what is left.
  case reshape(from: [Int], to: [Int])
}

/// The view that a tensor is of its storage: steps from the storage outwards, and logical strides.
struct ViewChain: Sendable {
  private(set) var steps: [ViewStep] = []
  /// What is seen of complex elements, after all steps: these commute with it.
  private(set) var part: ComplexPart?
  /// Strides in elements of a C-order storage, nil where unknown extents decide them; they decide whether a reshape is a view.
  private(set) var strides: [Int]?
  private(set) var shape: [Int]
  /// Whether extents of the storage were unknown when the chain was made.
  let isOpen: Bool
  /// Whether, whatever unknown extents turn out to be, the view is all of the storage in its order.
  private var keepsOrder = true

  init(storage shape: [Int]) {
    self.shape = shape
    isOpen = !Shape.isKnown(shape)
    strides = isOpen ? nil : Shape.rowMajorStrides(shape)
  }

  var isWhole: Bool { steps.isEmpty && part == nil }

  /// Whether the elements lie side by side in C order, so far as is known.
  var isContiguous: Bool { part == nil && (strides.map { Shape.isRowMajor(shape, $0) } ?? keepsOrder) }

  /// Whether the elements follow each other as in a storage of this shape; throws where unknown extents decide it.
  func isInOrder() throws(MarsError) -> Bool {
    if let strides { return Shape.isRowMajor(shape, strides) }
    guard keepsOrder else { throw ViewChain.undecided }
    return true
  }

  /// Where NumPy would look at strides that follow from extents which are not known yet.
  private static let undecided = MarsError(
    .unknownExtents, "how the elements lie in memory depends on extents that are not known yet: execute it first")

  func mapped(_ map: AxisMap, shape new: [Int]) -> ViewChain {
    var c = self
    if case .map(let inner, _) = steps.last {
      c.steps[steps.count - 1] = .map(inner.after(map), shape: new)
    } else if !(map.isIdentity && shape == new) {
      c.steps.append(.map(map, shape: new))
    }
    if let s = strides {
      var out = [Int](repeating: 0, count: new.count)
      for (k, a) in map.axes.enumerated() { if case .aligned(let axis, _, let step) = a { out[axis] += s[k] * step } }
      c.strides = out
    }
    c.keepsOrder = keepsOrder && ViewChain.onlyAddsOnes(map, from: shape, to: new)
    c.shape = new
    return c
  }

  /// Whether a view has all axes of its base, whole and in their order, and beside them none but of extent 1.
  private static func onlyAddsOnes(_ map: AxisMap, from base: [Int], to new: [Int]) -> Bool {
    var next = 0
    for (k, a) in map.axes.enumerated() {
      switch a {
      case .fixed: if base[k] != 1 { return false }
      case .aligned(let j, 0, 1) where j >= next && new[j] == base[k]:
        guard new[next..<j].allSatisfy({ $0 == 1 }) else { return false }
        next = j + 1
      case .aligned, .contracted, .whole: return false
      }
    }
    return new[next...].allSatisfy { $0 == 1 }
  }

  /// The chain of a part of the elements, which are complex.
  func taking(_ part: ComplexPart) -> ViewChain {
    var c = self
    c.part = part
    return c
  }

  /// The reshaped chain, or nil where NumPy would have to copy; throws where unknown extents decide between the two.
  func reshaped(_ new: [Int]) throws(MarsError) -> ViewChain? {
    // With at most one unknown extent, which is what is left, the same shape means the same elements.
    if new == shape { return self }
    var c = self
    if let strides, Shape.isKnown(shape) && Shape.isKnown(new) {
      guard let s = ViewChain.reshape(shape, strides, new) else { return nil }
      c.strides = s
    } else {
      guard keepsOrder else { throw ViewChain.undecided }
      c.strides = Shape.isKnown(new) ? Shape.rowMajorStrides(new) : nil
    }
    c.steps.append(.reshape(from: shape, to: new))
    c.shape = new
    return c
  }

  /// Strides under which memory laid out with `strides` reads as `new`; nil if there are none.  NumPy's _attempt_nocopy_reshape.
  static func reshape(_ old: [Int], _ strides: [Int], _ new: [Int]) -> [Int]? {
    if old.contains(0) || new.contains(0) { return Shape.rowMajorStrides(new) }
    let pairs = zip(old, strides).filter { $0.0 != 1 }
    let dims = pairs.map(\.0)
    let steps = pairs.map(\.1)
    var out = [Int](repeating: 1, count: new.count)
    var (i, j) = (0, 0)
    while i < dims.count && j < new.count {
      var (a, b) = (dims[i], new[j])
      var (iEnd, jEnd) = (i + 1, j + 1)
      while a != b {
        if a < b {
          guard iEnd < dims.count else { return nil }
          a *= dims[iEnd]
          iEnd += 1
        } else {
          guard jEnd < new.count else { return nil }
          b *= new[jEnd]
          jEnd += 1
        }
      }
      for k in i..<(iEnd - 1) where steps[k] != dims[k + 1] * steps[k + 1] { return nil }
      out[jEnd - 1] = steps[iEnd - 1]
      var k = jEnd - 1
      while k > j {
        out[k - 1] = out[k] * new[k]
        k -= 1
      }
      (i, j) = (iEnd, jEnd)
    }
    // What is left are axes of extent 1.
    for k in stride(from: j, to: new.count, by: 1) { out[k] = k > 0 ? out[k - 1] : 1 }
    return out
  }

  /// The chain over a storage whose extents have become known since it was made.
  ///
  /// Throws where the view does not lie within the storage.
  func settled(on storage: [Int]) throws(MarsError) -> ViewChain {
    guard isOpen, Shape.isKnown(storage) else { return self }
    var c = ViewChain(storage: storage)
    for s in steps {
      switch s {
      case .map(let m, let shape): c = c.mapped(m, shape: try m.extents(shape, over: c.shape))
      case .reshape(_, let to):
        let exact: [Int]
        do throws(MarsError) { exact = try Shape.reshaped(c.shape, to) } catch { throw error.at(op: "reshape", origin: "") }
        guard let r = try c.reshaped(exact) else { throw MarsError(.internal, "a reshape of unknown extents is a view") }
        c = r
      }
    }
    c.part = part
    return c
  }

  /// Whether a write needs extents that are not known yet.
  ///
  /// What is written goes back under the shape before the reshape: one unknown extent there is what is left.  Into a known shape goes
  /// nothing before it is known that the elements are that many.
  var writesUnknown: Bool {
    isOpen
      && steps.contains {
        guard case .reshape(let from, let to) = $0, !Shape.isKnown(from) else { return false }
        return Shape.isKnown(to) || from.contains(0) || from.count(where: { $0 == unknownExtent }) > 1
      }
  }

  // MARK: Reading and writing

  /// The value of the view, given the value of the storage.
  func read(_ base: Value) throws(MarsError) -> Value {
    var v = base
    for s in steps {
      switch s {
      case .map(let m, let shape): v = try v.viewed(m, shape: shape)
      case .reshape(_, let to): v = try v.reshapedExactly(to)
      }
    }
    return if let part { try v.part(part) } else { v }
  }

  /// The value of the storage after `value` (of the view's shape) was written through the view.
  func write(_ base: Value, _ value: Value) throws(MarsError) -> Value {
    // Values on the way outwards, then written back on the way in.
    var values = [base]
    for s in part == nil ? steps.dropLast() : steps[...] {
      switch s {
      case .map(let m, let shape): values.append(try values[values.count - 1].viewed(m, shape: shape))
      case .reshape(_, let to): values.append(try values[values.count - 1].reshapedExactly(to))
      }
    }
    var v = value
    if let part, let whole = values.popLast() {
      v = try whole.assigning(v, part)
      if steps.isEmpty { return v }
    }
    for (s, outer) in zip(steps.reversed(), values.reversed()) {
      switch s {
      case .map(let m, let shape): v = try outer.assigning(v, m, shape: shape)
      case .reshape(let from, _): v = try v.reshapedExactly(from)
      }
    }
    return v
  }

  /// The window of a dense storage of known extents; nil where a reshape needs a copy.
  func window(_ array: DenseArray) -> DenseArray? {
    var out = array
    for s in steps {
      switch s {
      case .map(let m, let shape):
        var strides = [Int](repeating: 0, count: shape.count)
        for (k, a) in m.axes.enumerated() {
          switch a {
          case .aligned(let axis, let start, let step):
            strides[axis] += out.strides[k] * step
            out.offset += shape.contains(0) ? 0 : out.strides[k] * start
          case .fixed(let i): out.offset += out.strides[k] * i
          case .contracted, .whole: return nil
          }
        }
        out.strides = strides
        out.type.shape = shape
      case .reshape(_, let to):
        let item = out.type.dtype.itemSize
        guard out.strides.allSatisfy({ $0 % item == 0 }), let s = ViewChain.reshape(out.type.shape, out.strides.map { $0 / item }, to)
        else { return nil }
        out.strides = s.map { $0 * item }
        out.type.shape = to
      }
    }
    if let part {
      let d = out.type.dtype.realPart
      if part == .imaginary { out.offset += d.itemSize }
      out.type.dtype = d
    }
    return out
  }
}
