import MarsBase
import MarsGraph
import MarsNumerics
import MarsOps
import Testing

/// Files in memory, for sources and sinks.
final class MemoryDisk: FileSystem, @unchecked Sendable {
  var contents: [String: [UInt8]] = [:]
  func open(_ path: String, _ mode: FileMode) throws(MarsError) -> any File {
    switch mode {
    case .createOrTruncate, .create: contents[path] = []
    case .read, .readWrite: break
    }
    guard contents[path] != nil else { throw MarsError(.os, "no such file: \(path)") }
    return Handle(self, path)
  }
  func remove(_ path: String) throws(MarsError) { contents[path] = nil }
  func rename(_ from: String, to: String) throws(MarsError) { contents[to] = contents.removeValue(forKey: from) }
  func makeDirectory(_ path: String) throws(MarsError) {}
  func exists(_ path: String) -> Bool { contents[path] != nil }
  func list(_ path: String) throws(MarsError) -> [String] { Array(contents.keys) }

  final class Handle: File, @unchecked Sendable {
    let disk: MemoryDisk
    let path: String
    init(_ disk: MemoryDisk, _ path: String) {
      self.disk = disk
      self.path = path
    }
    func size() throws(MarsError) -> Int { disk.contents[path]?.count ?? 0 }
    func resize(_ n: Int) throws(MarsError) {
      let c = disk.contents[path] ?? []
      disk.contents[path] = Array(c.prefix(n)) + [UInt8](repeating: 0, count: max(0, n - c.count))
    }
    func read(at offset: Int, into: UnsafeMutableRawBufferPointer) throws(MarsError) {
      guard let c = disk.contents[path], offset + into.count <= c.count else { throw MarsError(.os, "end of \(path)") }
      into.copyBytes(from: c[offset..<offset + into.count])
    }
    func write(at offset: Int, from: UnsafeRawBufferPointer) throws(MarsError) {
      if try size() < offset + from.count { try resize(offset + from.count) }
      disk.contents[path]?.replaceSubrange(offset..<offset + from.count, with: from)
    }
    func releasePages(at offset: Int, count: Int) {}
    func sync() throws(MarsError) {}
  }
}

@Suite struct FileOperatorTests {
  private func attributes(_ path: String, _ disk: MemoryDisk) throws -> [(String, AttrValue)] {
    let h = try Npy.readHeader(try disk.open(path, .read))
    return [("path", .string(path)), ("dtype", .dtype(h.dtype)), ("shape", .ints(h.shape)), ("offset", .int(h.offset))]
  }

  @Test(arguments: [[], [5], [4, 3], [0, 3], [3, 0], [2, 3, 4]], [false, true]) func savesAndLoads(shape: [Int], chunked: Bool) throws {
    let disk = MemoryDisk()
    let a = sampleArray(shape, .float32, seed: 1)
    let written = try a.node().op(named: "save_npy", [("path", .string("x.npy"))])
    #expect(try Evaluator(chunked: chunked, files: disk).value(written).doubles == [Double(a.type.byteCount)])
    #expect(disk.contents.keys.sorted() == ["x.npy"])
    let node = try marsRegistry.require("load_npy").apply([], try attributes("x.npy", disk))
    let back = try Evaluator(chunked: chunked, files: disk).node(node)[0]
    #expect(back.type == a.type && back.scalars == a.scalars)
  }

  @Test func savesUnknownExtents() throws {
    let disk = MemoryDisk()
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
