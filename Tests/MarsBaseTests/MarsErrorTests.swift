import MarsBase
import Testing

@Suite struct MarsErrorTests {
  @Test func messagesAreOneLine() {
    #expect(MarsError(.format, "unknown operator 'a\n\u{7}b'").message == "unknown operator 'a\\n\\u{07}b'")
    #expect(MarsError(.value, "é '?'").message == "é '?'")
    #expect(MarsError(.callback, "two\nlines").message == "two\nlines")
  }
}
