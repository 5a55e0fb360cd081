import Foundation
import MarsBase
import MarsGraph
import MarsOps
import MarsSession
import Testing

/// Values against NumPy's where every bit is determined; scripts/gen_numpy_values.py writes the fixture.
enum NumPyValues {
  struct Line {
    let op: String
    let dtype: DType
    let result: DType
    let operands: [[UInt8]]
    let expected: [UInt8]
  }

  static func lines() throws -> [Line] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/numpy_values.txt")
    return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      return Line(
        op: words[0], dtype: try #require(DType(name: words[1])), result: try #require(DType(name: words[2])),
        operands: words[3..<(words.count - 2)].map(bytes), expected: bytes(words[words.count - 1]))
    }
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    var out: [UInt8] = []
    var high: UInt8? = nil
    for c in hex.utf8 {
      let digit = c < 58 ? c - 48 : c - 87
      if let h = high {
        out.append(h << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return out
  }

  /// Sentences about operators of a registry that give other values than NumPy; NaNs are equal.
  static func faults(_ lines: [Line], _ registry: OpRegistry, _ session: Session) throws -> [String] {
    var values: [Value] = []
    for l in lines {
      let shape = [l.operands[0].count / l.dtype.itemSize]
      let operands = try l.operands.map { Operand.value(try LawLayout.plain.value(TensorType(l.dtype, shape), $0, registry)) }
      values.append(Value(try registry.require(l.op).apply(operands)))
    }
    var out: [String] = []
    for (l, r) in zip(lines, try LawRunner.fetch(values, session)) {
      guard r.type.dtype == l.result else {
        out.append("\(l.op) of \(l.dtype.name) gives \(r.type.dtype.name) instead of \(l.result.name)")
        continue
      }
      let size = l.result.itemSize
      for i in 0..<r.type.count {
        let (x, y) = (LawRunner.scalar(l.expected, i * size, l.result), LawRunner.scalar(r.bytes, i * size, l.result))
        if x == y || (l.result.isFloating && x.asDouble.isNaN && y.asDouble.isNaN) { continue }
        // Extremes of zeros of both signs may be either, as in C.
        if l.op.hasSuffix("imum") || l.op.hasPrefix("fm"), x.asDouble == 0, y.asDouble == 0, l.op != "fmod" { continue }
        let operands = l.operands.map { "\(LawRunner.scalar($0, i * l.dtype.itemSize, l.dtype).wide)" }.joined(separator: ", ")
        out.append("\(l.op)(\(operands)) of \(l.dtype.name) is \(y.wide) instead of \(x.wide)")
        break
      }
    }
    return out
  }
}

struct LawValueTests {
  @Test func valuesEqualNumPys() throws {
    let lines = try NumPyValues.lines()
    #expect(lines.count > 150)
    let faults = try NumPyValues.faults(lines, marsRegistry, try LawTests.runner.get().session(.whole))
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }
}
