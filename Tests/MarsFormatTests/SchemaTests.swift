import Glibc
import MarsBase
import MarsFormat
import MarsGraph
import Testing

/// graph.proto against the vocabulary and against the code made of it.
@Suite struct SchemaTests {
  private static let root = GoldenTests.path("../..")

  private func schema() throws -> String {
    String(decoding: try #require(GoldenTests.read(SchemaTests.root + "/include/mars/graph.proto")), as: UTF8.self)
  }

  @Test func numbersAreThoseOfTheVocabulary() throws {
    let text = try schema()
    for d in DType.allCases { #expect(text.contains("  DTYPE_\(d.name.uppercased()) = \(d.rawValue);"), "\(d)") }
    for kind in (1...9).compactMap(AttrKind.init(rawValue:)) {
      #expect(text.contains(" \(kind)_value = \(kind.rawValue + 2);"), "\(kind)")
    }
  }

  @Test func generatedCodeIsFresh() throws {
    let status = system("'\(SchemaTests.root)/scripts/gen_proto.sh' --check >&2")
    // 2: the generator is not installed here.
    #expect(status == 0 || status >> 8 == 2)
  }
}
