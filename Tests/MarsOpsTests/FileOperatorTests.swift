import MarsBase
import MarsGraph
import MarsNumerics
import MarsOps
import TestSupport
import Testing

@Suite struct FileOperatorTests {
  private func attributes(_ path: String, _ disk: InMemoryFileSystem) throws -> [(String, AttrValue)] {
    let h = try Npy.readHeader(try disk.open(path, .read))
    return [("path", .string(path)), ("dtype", .dtype(h.dtype)), ("shape", .ints(h.shape)), ("offset", .int(h.offset))]
  }

  @Test(arguments: [[], [5], [4, 3], [0, 3], [3, 0], [2, 3, 4]], [false, true]) func savesAndLoads(shape: [Int], chunked: Bool) throws {
    let disk = InMemoryFileSystem()
    let a = sampleArray(shape, .float32, seed: 1)
    let written = try a.node().op(named: "save_npy", [("path", .string("x.npy"))])
    #expect(try Evaluator(chunked: chunked, files: disk).value(written).doubles == [Double(a.type.byteCount)])
    #expect(disk.state.withLock { $0.files.keys.sorted() } == ["x.npy"])
    let node = try marsRegistry.require("load_npy").apply([], try attributes("x.npy", disk))
    let back = try Evaluator(chunked: chunked, files: disk).node(node)[0]
    #expect(back.type == a.type && back.scalars == a.scalars)
  }

  @Test func savesUnknownExtents() throws {
    let disk = InMemoryFileSystem()
    let x = sampleArray([6, 2], .int32, seed: 0)
    let mask = RefArray(TensorType(.bool, [6]), [true, false, true, true, false, false].map { Scalar($0) })
    let some = Value(try marsRegistry.require("boolean_mask").apply([.value(x.node()), .value(mask.node())]))
    _ = try Evaluator(chunked: true, files: disk).value(try some.op(named: "save_npy", [("path", .string("x.npy"))]))
    let h = try Npy.readHeader(try disk.open("x.npy", .read))
    #expect(h.shape == [3, 2] && h.dtype == .int32)
  }

  @Test func filesAndCallsAreNeverMerged() throws {
    for name in ["npy_begin", "npy_write", "npy_commit", "map_chunk"] {
      let op = try marsRegistry.require(name)
      #expect(!op.effects.mayMerge, "\(name)")
    }
    let load = try marsRegistry.require("load_npy")
    #expect(!load.effects.mayMerge)
  }
}

extension Value {
  func op(named name: String, _ attributes: [(String, AttrValue)] = []) throws -> Value {
    Value(try marsRegistry.require(name).apply([.value(self)], attributes))
  }
}
