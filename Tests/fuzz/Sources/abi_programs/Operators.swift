import CMars
import Foundation

/// An operator as a client of the C interface learns about it.
struct Operator {
  struct Attribute {
    let name: String
    let kind: String
    let isRequired: Bool
  }
  let name: String
  let number: Int32
  let inputs: Int
  let isVariadic: Bool
  let attributes: [Attribute]
  let outputs: Int
  /// Has as many outputs as its arguments say.
  let isOpenEnded: Bool
  let isUfunc: Bool

  /// All operators that touch neither files nor functions of the client.
  static let all: [Operator] = {
    var text: OpaquePointer? = nil
    guard mars_op_describe_all(&text) == MARS_OK, let p = mars_string_data(text) else { fatalError("no operators") }
    defer { mars_string_release(text) }
    let data = Data(bytes: p, count: Int(mars_string_size(text)))
    guard let list = try? JSONSerialization.jsonObject(with: data) as? [[String: Any]] else { fatalError("operators are no JSON") }
    return list.compactMap { o in
      guard let name = o["name"] as? String, o["effects"] as? String == "pure" else { return nil }
      var number: Int32 = -1
      guard mars_op_find(&number, name) == MARS_OK else { fatalError("\(name) is not found") }
      let inputs = o["inputs"] as? [[String: Any]] ?? []
      let attributes = (o["attributes"] as? [[String: Any]] ?? []).map {
        Attribute(name: $0["name"] as? String ?? "", kind: $0["kind"] as? String ?? "", isRequired: $0["required"] as? Bool ?? false)
      }
      return Operator(
        name: name, number: number, inputs: inputs.count,
        isVariadic: inputs.contains { $0["variadic"] as? Bool == true || $0["optional"] as? Bool == true },
        attributes: attributes, outputs: (o["outputs"] as? [String] ?? []).count,
        isOpenEnded: (o["outputs"] as? [String])?.last?.hasSuffix("...") == true, isUfunc: o["ufunc"] as? Bool ?? false)
    }
  }()

  static let byName: [String: Operator] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// Operators that move elements and compute nothing.
  static let moving: Set<String> = [
    "view", "reshape", "transpose", "concatenate", "stack", "broadcast_to", "take", "where", "rechunk", "astype", "boolean_mask", "sort",
    "unique", "nonzero", "full", "zeros", "ones", "empty", "arange", "eye", "diff", "roll", "flip", "squeeze", "expand_dims", "ravel",
  ]
}

/// An attribute with the memory that it points to.
final class AttributeList {
  private(set) var values: [mars_attribute] = []
  private var allocations: [UnsafeMutableRawPointer] = []
  deinit { for a in allocations { a.deallocate() } }

  private func copy(_ s: String) -> UnsafeMutablePointer<CChar> {
    let bytes = Array(s.utf8CString)
    let p = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    p.initialize(from: bytes, count: bytes.count)
    allocations.append(UnsafeMutableRawPointer(p))
    return p
  }

  func add(
    _ name: String, _ kind: Int32, i: Int = 0, re: Double = 0, im: Double = 0, dtype: Int32 = 0, data: UnsafeRawPointer? = nil,
    count: Int = 0
  ) {
    var a = mars_attribute()
    a.struct_size = UInt32(MemoryLayout<mars_attribute>.size)
    a.kind = kind
    a.name = UnsafePointer(copy(name))
    a.dtype = dtype
    a.i = Int64(i)
    a.re = re
    a.im = im
    a.data = data
    a.count = Int64(count)
    values.append(a)
  }
  func add(_ name: String, ints: [Int]) {
    let p = UnsafeMutablePointer<Int64>.allocate(capacity: max(1, ints.count))
    for (k, x) in ints.enumerated() { p[k] = Int64(x) }
    allocations.append(UnsafeMutableRawPointer(p))
    add(name, MARS_ATTR_INTS, data: UnsafeRawPointer(p), count: ints.count)
  }

  static let strings = [
    "", "C", "F", "K", "A", "ij", "xy", "left", "right", "wrap", "clip", "raise", "same_kind", "safe", "unsafe", "quicksort", "stable",
    "linear", "constant", "edge", "no such thing", "\u{e4}",
  ]

  /// Any value of the kind; rarely one of another kind.
  func add(_ a: Operator.Attribute, _ input: inout Input) {
    let kinds = ["bool", "int", "float", "string", "dtype", "scalar", "ints", "strings", "bytes", "none"]
    switch input.rarely(24) ? input.pick(kinds) : a.kind {
    case "bool": add(a.name, MARS_ATTR_BOOL, i: input.below(2))
    case "int": add(a.name, MARS_ATTR_INT, i: input.int())
    case "float": add(a.name, MARS_ATTR_FLOAT, re: input.double())
    case "string": add(a.name, MARS_ATTR_STRING, data: UnsafeRawPointer(copy(input.pick(AttributeList.strings))))
    case "dtype": add(a.name, MARS_ATTR_DTYPE, i: input.rarely(40) ? input.int() : 1 + input.below(15))
    case "scalar":
      add(a.name, MARS_ATTR_SCALAR, i: input.int(), re: input.double(), im: input.double(), dtype: Int32(1 + input.below(15)))
    case "ints":
      let isShape = a.name == "shape" || a.name == "size"
      add(a.name, ints: isShape && !input.rarely(8) ? input.shape() : input.ints(most: 4))
    case "strings":
      let n = input.below(3)
      let p = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: max(1, n))
      for k in 0..<n { p[k] = UnsafePointer(copy(input.pick(AttributeList.strings))) }
      allocations.append(UnsafeMutableRawPointer(p))
      add(a.name, MARS_ATTR_STRINGS, data: UnsafeRawPointer(p), count: n)
    case "bytes":
      let n = input.below(32)
      let p = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, n))
      for k in 0..<n { p[k] = UInt8(input.byte()) }
      allocations.append(UnsafeMutableRawPointer(p))
      add(a.name, MARS_ATTR_BYTES, data: UnsafeRawPointer(p), count: n)
    default: add(a.name, MARS_ATTR_NONE)
    }
  }
}
