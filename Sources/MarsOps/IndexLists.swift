import MarsBase
import MarsGraph

/// Positions that a call names one by one, as a tensor whose chunks count against the memory limit and are made when they are needed.
enum IndexLists {
  private static let list = NativeOp(
    OpDef(
      "index_list", inputs: [],
      attributes: [
        AttrDef("values", .ints, default: AttrValue.none, "the positions; None: 0, 1, 2, ..."),
        AttrDef("repeats", .ints, default: AttrValue.none, "how often each of them comes; None: once"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in
        let (values, repeats) = (c.optionalInts("values"), c.optionalInts("repeats"))
        guard let n = values?.count ?? repeats?.count, repeats?.count ?? n == n, repeats?.allSatisfy({ $0 >= 0 }) ?? true else {
          throw c.error(.value, "values and repeats must be of one length, and no repeat negative")
        }
        return [
          TensorType(
            .int64, [try repeats.map { r throws(MarsError) in try c.sum(r, "the repeats add up to more than an integer holds") } ?? n])
        ]
      }, body: .native(NativeRule(.access { _ in [] })),
      doc: OpDoc("Positions one after the other.", example: "mt.repeat([1, 2], [2, 3])"), exposure: .hidden,
      samples: [
        Sample([], attributes: ["values": .ints(Array(0..<40).map { $0 * 7 - 90 })]),
        Sample([], attributes: ["repeats": .ints([3, 0, 40, 1, 0, 17])]),
        Sample([], attributes: ["values": .ints([5, -2, 9]), "repeats": .ints([2, 0, 30])]),
      ])
  ) { (call: inout NativeCall) throws(MarsError) in
    let out = call.outputs[0]
    let (values, repeats) = (call.context.optionalInts("values"), call.context.optionalInts("repeats"))
    func put(_ i: Int, _ x: Int) { unsafe (out.base + i * out.strides[0]).storeBytes(of: Int64(x), as: Int64.self) }
    let (lower, upper) = (call.outputBox.lower[0], call.outputBox.upper(0))
    guard let repeats else {
      for i in lower..<upper { put(i - lower, values?[i] ?? i) }
      return
    }
    var at = 0
    for k in repeats.indices {
      if at >= upper { return }
      let end = at + repeats[k]
      if end > lower {
        let (x, stop) = (values?[k] ?? k, min(end, upper))
        var i = max(at, lower)
        while i < stop {
          put(i - lower, x)
          i += 1
        }
      }
      at = end
    }
  }

  static func values(_ values: [Int]) throws(MarsError) -> Value { Value(try list.def.apply([], [("values", .ints(values))])) }
  /// 0, 1, 2, ..., each as often as `repeats` has it.
  static func repeated(_ repeats: [Int]) throws(MarsError) -> Value { Value(try list.def.apply([], [("repeats", .ints(repeats))])) }

  static let family = OpFamily([], natives: [list])
}
