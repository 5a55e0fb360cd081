import Glibc
import MarsBase
import MarsFormat
import Testing

/// Files of every released version load for ever and mean what they meant.
///
/// `MARS_WRITE_GOLDEN=1` writes those that do not exist yet; an existing file is never rewritten.
@Suite struct GoldenTests {
  static let graphs: [(name: String, make: @Sendable () throws -> GraphFile)] = [
    ("add_sum", { try Samples.addSum() }), ("rich", { try Samples.rich() }), ("absent", { try Samples.absent() }),
    // What the clients of Tests/clients write with a protobuf library alone, without types.
    ("client", { try Samples.addSum() }),
  ]

  @Test(arguments: graphs.indices) func loads(index: Int) throws {
    let (name, make) = GoldenTests.graphs[index]
    let path = GoldenTests.path("v1/\(name).mars", ofTestOperators: ["rich", "absent"].contains(name))
    let graph = try make()
    if getenv("MARS_WRITE_GOLDEN") != nil && access(path, F_OK) != 0 { try GoldenTests.write(Samples.encode(graph), path) }
    let bytes = try #require(GoldenTests.read(path), "missing \(path)")
    let back = try Samples.decode(bytes)
    #expect(back.summary == graph.summary)
    #expect(back.hints.map(\.key) == graph.hints.map(\.key))
  }

  /// Files of the product's operators lie where all languages test them, those of this target's own operators beside it.
  static func path(_ name: String, ofTestOperators: Bool = false) -> String {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(ofTestOperators ? 1 : 2)
    return parts.joined(separator: "/") + "/golden/" + name
  }

  static func read(_ path: String) -> [UInt8]? {
    guard let f = fopen(path, "rb") else { return nil }
    defer { fclose(f) }
    var out: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while case let n = fread(&piece, 1, piece.count, f), n > 0 { out += piece[..<n] }
    return out
  }

  static func write(_ bytes: [UInt8], _ path: String) throws {
    let f = try #require(fopen(path, "wb"))
    fwrite(bytes, 1, bytes.count, f)
    fclose(f)
  }
}
