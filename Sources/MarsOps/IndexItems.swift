import MarsBase
import MarsGraph

/// What stands between brackets, x[1:3, None, mask, ..., [2, 0]], as the integers of an attribute.
///
/// Each item is its kind and what that needs: 0, the index; 1: all of an axis; 2, which bounds are given (1 start, 2 stop, 4 step), start,
/// stop, step; 3: a new axis; 4: the ellipsis; 5: the next of the operator's index arrays.
struct IndexItems {
  enum Item {
    case integer(Int)
    case all
    case slice(start: Int?, stop: Int?, step: Int)
    case newAxis
    case ellipsis
    case array(TensorType)
  }

  static let attribute = AttrDef("items", .ints, "kinds of the items and their numbers, in order")

  /// A view, and what masks and integer arrays select from it afterwards.
  struct Meaning {
    var map: AxisMap
    var shape: [Int]
    /// Per array: the axis of the view where it begins, and how many axes it covers.
    var selections: [(axis: Int, count: Int)]
    /// Where the axes that selections give stand among the axes of the view that are left.
    var position: Int
  }

  private let items: [Item]
  private let c: OpContext

  /// The items of an operator's attribute; `arrays` are the types of its index arrays.
  init(_ c: OpContext, arrays: [TensorType]) throws(MarsError) {
    let numbers = c.ints("items")
    var items: [Item] = []
    var (at, used) = (0, 0)
    func malformed() -> MarsError { c.error(.value, "the items of the index are malformed") }
    func number(_ k: Int) throws(MarsError) -> Int {
      guard at + k < numbers.count else { throw malformed() }
      return numbers[at + k]
    }
    while at < numbers.count {
      switch numbers[at] {
      case 0:
        items.append(.integer(try number(1)))
        at += 2
      case 1:
        items.append(.all)
        at += 1
      case 2:
        let given = try number(1)
        guard (0...7).contains(given) else { throw malformed() }
        let step = given & 4 == 0 ? 1 : try number(4)
        guard step != 0 else { throw c.error(.value, "slice step cannot be zero") }
        // The smallest integer has no opposite; no tensor is that long.
        items.append(
          .slice(
            start: given & 1 == 0 ? nil : try number(2), stop: given & 2 == 0 ? nil : try number(3), step: Swift.max(step, -Int.max)))
        at += 5
      case 3, 4:
        items.append(numbers[at] == 3 ? .newAxis : .ellipsis)
        at += 1
      case 5:
        guard used < arrays.count else { throw malformed() }
        let d = arrays[used].dtype
        guard d == .bool || d.isInteger else { throw c.error(.index, "arrays used as indices must be of integer (or boolean) type") }
        items.append(.array(arrays[used]))
        used += 1
        at += 1
      default: throw malformed()
      }
    }
    guard at == numbers.count && used == arrays.count else { throw malformed() }
    self.items = items
    self.c = c
  }

  var hasEllipsis: Bool { items.contains { if case .ellipsis = $0 { true } else { false } } }

  /// Axes of the tensor that an item takes.
  private static func width(_ item: Item) -> Int {
    switch item {
    case .integer, .all, .slice: 1
    case .newAxis, .ellipsis: 0
    case .array(let t): t.dtype == .bool ? t.rank : 1
    }
  }

  /// What the items mean for a tensor of a shape.
  func meaning(_ shape: [Int]) throws(MarsError) -> Meaning {
    var used = 0
    var ellipses = 0
    for i in items {
      used += IndexItems.width(i)
      if case .ellipsis = i { ellipses += 1 }
    }
    guard ellipses <= 1 else { throw c.error(.index, "an index can only have a single ellipsis ('...')") }
    guard used <= shape.count else {
      throw c.error(.index, "too many indices for array: array is \(shape.count)-dimensional, but \(used) were indexed")
    }
    var axes: [AxisAccess] = []
    axes.reserveCapacity(shape.count)
    var out: [Int] = []
    out.reserveCapacity(shape.count)
    var selections: [(axis: Int, count: Int)] = []
    // NumPy puts the axes of arrays where these stand, or first if anything but an integer stands between them.
    var position = -1
    var (isApart, wasAdvanced) = (false, false)
    func whole(_ count: Int) {
      for _ in 0..<count {
        out.append(shape[axes.count])
        axes.append(.aligned(out.count - 1))
      }
    }
    for i in items {
      var isAdvanced = false
      switch i {
      case .integer, .array: isAdvanced = true
      case .all, .slice, .newAxis, .ellipsis: break
      }
      if isAdvanced && position < 0 {
        position = out.count
      } else if isAdvanced && !wasAdvanced {
        isApart = true
      }
      wasAdvanced = isAdvanced
      switch i {
      case .integer(let index):
        let (k, n) = (axes.count, try extent(shape, axes.count))
        guard index >= -n && index < n else { throw c.error(.index, "index \(index) is out of bounds for axis \(k) with size \(n)") }
        axes.append(.fixed(index < 0 ? index + n : index))
      case .all: whole(1)
      case .slice(let start, let stop, let step):
        let n = try extent(shape, axes.count)
        let (first, count) = IndexItems.walk(start, stop, step, n)
        out.append(count)
        // Where there are no two elements a step means nothing and may be of any size.
        axes.append(count == 0 ? .aligned(out.count - 1) : .aligned(axis: out.count - 1, start: first, step: count == 1 ? 1 : step))
      case .newAxis: out.append(1)
      case .ellipsis: whole(shape.count - used)
      case .array(let t):
        let k = IndexItems.width(i)
        if t.dtype == .bool { try Masks.check(c, t, over: shape, axis: axes.count) }
        selections.append((out.count, k))
        // A mask without axes chooses whether there is an axis of one.
        if t.dtype == .bool && k == 0 { out.append(1) }
        whole(k)
      }
    }
    whole(shape.count - axes.count)
    guard out.count <= maximumRank else {
      throw c.error(.index, "number of dimensions must be within [0, \(maximumRank)], indexing result would have \(out.count)")
    }
    return Meaning(map: AxisMap(axes), shape: out, selections: selections, position: isApart ? 0 : Swift.max(position, 0))
  }

  private func extent(_ shape: [Int], _ k: Int) throws(MarsError) -> Int {
    guard shape[k] != unknownExtent else { throw c.unknownExtents("the index needs the extent of axis \(k), which is not known yet") }
    return shape[k]
  }

  /// First index and number of a slice's elements of an axis: Python's slice.indices.
  static func walk(_ start: Int?, _ stop: Int?, _ step: Int, _ n: Int) -> (first: Int, count: Int) {
    let (low, high) = step > 0 ? (0, n) : (-1, n - 1)
    func bound(_ given: Int?, _ otherwise: Int) -> Int {
      guard let given else { return otherwise }
      return Swift.min(high, Swift.max(low, given < 0 ? given + n : given))
    }
    let from = bound(start, step > 0 ? low : high)
    let to = bound(stop, step > 0 ? high : low)
    let distance = step > 0 ? to - from : from - to
    return (from, distance > 0 ? (distance - 1) / Swift.abs(step) + 1 : 0)
  }
}

extension Indexing {
  static let indexView = basic(
    "index_view", "Basic indexing: what integers, slices, None and ... pick, to be read and written.", as: .place)
  static let basicIndex = basic(
    "basic_index", "Basic indexing as NumPy reads it: integers for all axes pick an element, a value of its own, all else a view.",
    as: .scalar)

  /// Where the ellipsis is, NumPy gives an array without axes.
  private static let picksElement: @Sendable (OpContext) -> Bool = { c in
    c.outputs[0].rank == 0 && (try? IndexItems(c, arrays: []).hasEllipsis) == false
  }

  private static func basic(_ name: String, _ summary: String, as kind: Answer.Element) -> OpDef {
    Shapes.viewing(
      name, [IndexItems.attribute], summary, example: "mt.tensor([1, 2, 3, 4])[::2]", numpy: "", exposure: .hidden,
      element: picksElement, as: kind,
      samples: [
        Sample([[4, 6]], .all, attributes: ["items": .ints([2, 4, 0, 0, -2, 3, 0, -1])]),
        Sample([[4, 6]], attributes: ["items": .ints([4, 2, 3, 1, -1, 1])]), Sample([[]], attributes: ["items": .ints([3])]),
        Sample([[4, 6]], attributes: ["items": .ints([0, 1, 0, -1])]),
      ]
    ) { c throws(MarsError) in
      let m = try IndexItems(c, arrays: []).meaning(c.inputs[0].shape)
      return (m.map, m.shape)
    }
  }

  private static let arrays = InputDef("arrays", variadic: true, alone: true, "masks and integer arrays, in the order of the items")

  static let index = OpDef(
    "index", inputs: [InputDef("x"), arrays], attributes: [IndexItems.attribute], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let selectors = Array(v.dropFirst())
      let m = try IndexItems(c, arrays: selectors.map(\.type)).meaning(v[0].type.shape)
      let view = try v[0].viewed(m.map, shape: m.shape)
      guard !selectors.isEmpty else { return [view] }
      if selectors.count == 1, selectors[0].type.dtype == .bool {
        let axis = m.selections[0].axis
        let picked = try view.op(Masks.booleanMask, try ofOneAxis(selectors[0]), with: ["axis": .int(axis)])
        if m.position == axis { return [picked] }
        return [try picked.op(Shapes.moveaxis, with: ["source": .ints([axis]), "destination": .ints([m.position])])]
      }
      let (axes, arrays) = try positions(m, selectors)
      let given: [(String, AttrValue)] = [("axes", .ints(axes)), ("position", .int(m.position))]
      return [Value(try indexArrays.apply(([view] + arrays).map { .value($0) }, given))]
    },
    doc: OpDoc(
      "Advanced indexing: what masks and integer arrays pick, beside integers, slices, None and ....",
      example: "mt.tensor([[1, 2], [3, 4]])[[0, 1], [1, 0]]"), exposure: .hidden,
    samples: [
      Sample([[4, 6], [4]], .all, fixed: [1: .bool], attributes: ["items": .ints([5, 2, 4, 0, 0, -2])]),
      Sample([[4, 6], [6]], fixed: [1: .bool], attributes: ["items": .ints([0, 1, 3, 5])]),
    ])

  static let assignIndex = OpDef(
    "assign_index", inputs: [InputDef("base"), InputDef("value", stored: true), arrays], attributes: [IndexItems.attribute],
    typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
      _ = try IndexItems(c, arrays: Array(c.inputs.dropFirst(2)))
      return [c.inputs[0]]
    },
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let (base, selectors) = (v[0], Array(v.dropFirst(2)))
      let m = try IndexItems(c, arrays: selectors.map(\.type)).meaning(base.type.shape)
      // How the value broadcasts is known with the extents.
      guard base.type.isKnown else { return [] }
      let view = try base.viewed(m.map, shape: m.shape)
      let written: Value
      if selectors.isEmpty {
        written = v[1]
      } else if selectors.count == 1, selectors[0].type.dtype == .bool, m.position == m.selections[0].axis {
        written = try view.op(Writing.assignMasked, try ofOneAxis(selectors[0]), v[1], with: ["axis": .int(m.position)])
      } else {
        let (axes, arrays) = try positions(m, selectors)
        let given: [(String, AttrValue)] = [("axes", .ints(axes)), ("position", .int(m.position))]
        written = Value(try Writing.assignArrays.apply(([view, v[1]] + arrays).map { .value($0) }, given))
      }
      if m.map.isIdentity && m.shape == base.type.shape && !selectors.isEmpty { return [written] }
      return [Value(try Writing.assign.apply([.value(base), .value(written)], m.map.attributes(shape: m.shape)))]
    },
    doc: OpDoc(
      "A tensor with the elements that an index picks replaced: what x[i, mask] = value stores.",
      details: "The value broadcasts to the selection and is cast.", example: "mt.zeros(3)"), exposure: .hidden,
    samples: [
      Sample([[4, 6], [], [6]], .all, fixed: [2: .bool], attributes: ["items": .ints([0, 1, 5])]),
      Sample([[4, 6], [1, 1], [4]], fixed: [2: .bool], attributes: ["items": .ints([5, 2, 6, 0, 1, 1])]),
    ])

  /// A mask of at least one axis: the view has an axis of extent 1 for one that has none.
  private static func ofOneAxis(_ mask: Value) throws(MarsError) -> Value { mask.type.rank == 0 ? try mask.expanded(at: [0]) : mask }

  /// Axes of a view and the integer arrays that walk them; masks become the indices where they hold.
  private static func positions(
    _ m: IndexItems.Meaning, _ selectors: [Value]
  ) throws(MarsError) -> (axes: [Int], arrays: [Value]) {
    var (axes, arrays): ([Int], [Value]) = ([], [])
    for (s, selected) in zip(selectors, m.selections) {
      guard s.type.dtype == .bool else {
        axes.append(selected.axis)
        arrays.append(s)
        continue
      }
      let found = try Masks.nonzero.apply([.value(try ofOneAxis(s))])
      for i in found.outputs.indices {
        axes.append(selected.axis + i)
        arrays.append(Value(found, i))
      }
    }
    return (axes, arrays)
  }
}
