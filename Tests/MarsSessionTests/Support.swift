import Foundation
import MarsBase
import MarsGraph
import MarsOps
import MarsSession

/// Calls of operators as bindings make them.
extension Tensor {
  static func op(_ name: String, _ inputs: [TensorOperand], _ attributes: [(String, AttrValue)] = []) throws -> Tensor {
    try Tensor.apply(try marsRegistry.require(name), inputs, attributes)[0]
  }
  func op(_ name: String, _ others: Tensor..., with attributes: [(String, AttrValue)] = []) throws -> Tensor {
    try Tensor.op(name, [.tensor(self)] + others.map { .tensor($0) }, attributes)
  }
  func op(_ name: String, _ s: Double) throws -> Tensor { try Tensor.op(name, [.tensor(self), .weak(Scalar(s))]) }

  static func of(_ values: [Double], _ shape: [Int]? = nil) throws -> Tensor {
    var copy = values + [0]
    return try copy.withUnsafeMutableBytes { b in
      try Tensor.copy(of: ArrayView(base: b.baseAddress!, dtype: .float64, shape: shape ?? [values.count]))
    }
  }
  /// 0, 1, 2, ...
  static func range(_ shape: Int...) throws -> Tensor { try of((0..<shape.reduce(1, *)).map(Double.init), shape) }
  static func random(_ shape: Int..., stream: Int = 0) throws -> Tensor {
    try op("random", [], [("seed", .scalar(Scalar(dtype: .uint64, low: 42))), ("stream", .int(stream)), ("size", .ints(shape))])
  }

  /// Per axis: first index, step and number of elements.
  func sliced(_ axes: (start: Int, step: Int, count: Int)...) throws -> Tensor {
    try op(
      "view",
      with: [
        ("axes", .ints(Array(axes.indices))), ("starts", .ints(axes.map(\.start))), ("steps", .ints(axes.map(\.step))),
        ("shape", .ints(axes.map(\.count))),
      ])
  }
  func reshaped(_ shape: Int...) throws -> Tensor { try op("reshape", with: [("shape", .ints(shape))]) }
  var transposed: Tensor { get throws { try op("transpose") } }
}

extension Session {
  func doubles(_ t: Tensor) throws -> [Double] { try bytes(t).withUnsafeBytes { Array($0.bindMemory(to: Double.self)) } }

  /// The elements in C order.
  func bytes(_ t: Tensor) throws -> [UInt8] {
    let fetched = try fetch(t)
    let type = TensorType(fetched.view.dtype, fetched.view.shape)
    var out = [UInt8](repeating: 0, count: max(1, type.byteCount))
    out.withUnsafeMutableBytes { b in
      guard let p = b.baseAddress, type.count > 0 else { return }
      StridedCopy.copy(from: fetched.view, to: ArrayView(base: p, dtype: type.dtype, shape: type.shape))
    }
    withExtendedLifetime(fetched) {}
    return Array(out.prefix(type.byteCount))
  }

  func statistic(_ name: String) throws -> Int {
    let all = try JSONSerialization.jsonObject(with: Data(statisticsText().utf8)) as? [String: Any]
    return all?[name] as? Int ?? -1
  }

  /// A session whose engine nobody else uses: tests run at the same time, and a limit would hold for all of them.
  static func alone(_ options: [(String, String)] = []) throws -> Session {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("mars-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return try Session(options: [("spill_dir", directory.path)] + options, host: EngineHost())
  }
}

/// Bytes of the process in memory.
func residentBytes() -> Int {
  guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
  let words = text.split(separator: " ")
  return words.count > 1 ? (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
}
