import Foundation
import MarsBase
import MarsGraph
import MarsOps
import Testing

/// Result dtypes against those that NumPy gives; scripts/gen_numpy_fixture.py writes the fixture.
struct UfuncTypeTests {
  private func leaf(_ d: DType, _ shape: [Int] = [3]) throws -> Value {
    Value(try Leaves.input.apply([], [("name", .string("x")), ("dtype", .dtype(d)), ("shape", .ints(shape))]))
  }
  private func types(_ op: OpDef, _ operands: [Operand]) -> String {
    do throws(MarsError) {
      return try op.apply(operands).outputs.map(\.dtype.name).joined(separator: " ")
    } catch { return error.code == .type ? "TypeError" : "\(error)" }
  }
  private func operators() -> [String: OpDef] {
    var byName: [String: OpDef] = [:]
    for op in marsRegistry.all { byName[op.name] = op }
    return byName
  }

  @Test func resultTypesEqualNumPys() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let url = tests.appendingPathComponent("golden/ufunc_types.txt")
    let text = try String(contentsOf: url, encoding: .utf8)
    let byName = operators()
    var leaves: [String: Value] = [:]
    for d in DType.allCases { leaves[d.name] = try leaf(d) }
    var wrong: [String] = []
    var count = 0
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard let arrow = words.firstIndex(of: "->") else { continue }
      count += 1
      guard let op = byName[words[0]] else {
        wrong.append("\(words[0]) is missing")
        continue
      }
      let found = types(op, words[1..<arrow].compactMap { leaves[$0] }.map { .value($0) })
      if found != words[(arrow + 1)...].joined(separator: " ") { wrong.append("\(line), but \(found)") }
    }
    #expect(count > 10_000)
    #expect(Set(wrong).sorted().prefix(50) == [])
  }

  @Test func bfloat16FollowsPromotion() throws {
    let byName = operators()
    let b = Operand.value(try leaf(.bfloat16))
    let f = Operand.value(try leaf(.float16))
    let i = Operand.value(try leaf(.int8))
    let j = Operand.value(try leaf(.int32))
    for (name, operands, expected) in [
      ("add", [b, b], "bfloat16"), ("add", [b, f], "float32"), ("add", [b, i], "bfloat16"), ("add", [b, j], "float64"),
      ("sin", [b], "bfloat16"),
      ("isnan", [b], "bool"), ("divmod", [b, b], "bfloat16 bfloat16"), ("frexp", [b], "bfloat16 int32"), ("ldexp", [b, i], "bfloat16"),
      ("float_power", [b, b], "float64"),
    ] {
      #expect(types(try #require(byName[name]), operands) == expected, "\(name)")
    }
  }

  @Test func weakScalars() throws {
    let byName = operators()
    let i8 = Operand.value(try leaf(.int8))
    let f4 = Operand.value(try leaf(.float32))
    let mask = Operand.value(try leaf(.float64))
    let (one, half, unit) = (Operand.weak(Scalar(Int64(1))), Operand.weak(Scalar(0.5)), Operand.weak(Scalar(real: 0, imag: 1)))
    for (name, operands, expected) in [
      ("add", [i8, one], "int8"), ("add", [i8, half], "float64"), ("add", [f4, half], "float32"), ("add", [f4, unit], "complex64"),
      ("divide", [i8, one], "float64"), ("clip", [i8, one, half], "float64"), ("power", [f4, one], "float32"),
      ("where", [mask, f4, one], "float32"),
      ("where", [mask, i8, one], "int8"), ("where", [one, one, half], "float64"), ("left_shift", [i8, one], "int8"),
    ] {
      #expect(types(try #require(byName[name]), operands) == expected, "\(name)")
    }
  }

  @Test func refusalsUseNumPysWords() throws {
    let x = Operand.value(try leaf(.bool))
    for (name, operands, words) in [
      ("subtract", [x, x], "boolean subtract"), ("negative", [x], "boolean negative"), ("sin", [], "takes 1 inputs"),
    ] {
      do throws(MarsError) {
        _ = try marsRegistry.require(name).apply(operands)
        Issue.record("\(name) accepts")
      } catch {
        #expect(error.code == .type)
        #expect("\(error)".contains(words))
      }
    }
  }

  @Test func namesAreUnique() {
    var seen: Set<String> = []
    for op in marsRegistry.all {
      #expect(seen.insert(op.name).inserted, "\(op.name) twice")
    }
  }
}
