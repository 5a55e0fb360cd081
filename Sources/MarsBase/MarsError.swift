/// What went wrong, in terms a client can act on.
package struct MarsError: Error, Sendable {
  /// Codes are part of the C ABI (`mars_status`), where they appear negated.
  package enum Code: Int32, Sendable, CaseIterable {
    case value = 1  // ValueError
    case type = 2  // TypeError
    case index = 3  // IndexError
    case axis = 4  // AxisError
    case linalg = 5  // LinAlgError
    case memory = 6  // MemoryError
    case overflow = 7  // OverflowError
    case os = 8  // OSError
    case cancelled = 9  // KeyboardInterrupt
    case format = 10  // a graph file that cannot be read: ValueError
    case unsupported = 11  // NotImplementedError
    case callback = 12  // an error raised by a client's callback
    case handle = 13  // NULL or stale handle: ValueError
    case timeout = 14  // TimeoutError
    case `internal` = 15  // a broken invariant of Mars itself: RuntimeError
    case unknownExtents = 16  // a call that has to know extents which only running finds: NotImplementedError
  }

  package var code: Code
  /// One sentence.
  package var message: String
  /// The operator that the client applied, or "".
  package var op: String
  /// Where the client created the failing node, or "".
  package var origin: String
  /// Of a failed call of the operating system its `errno`, else 0.
  package var systemError: Int32
  /// The file that such a call was for, or "".
  package var path: String

  package init(_ code: Code, _ message: String, op: String = "", origin: String = "", systemError: Int32 = 0, path: String = "") {
    self.code = code
    self.systemError = systemError
    self.path = path
    // What a client's own function says stays as it is.
    self.message = code == .callback ? message : MarsError.oneLine(message)
    self.op = op
    self.origin = origin
  }

  /// A text with names from files or clients in it, whose control characters are written as escapes.
  private static func oneLine(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 32 || $0 == 127 }) else { return text }
    var out = ""
    for c in text.unicodeScalars {
      if c.value < 32 || c.value == 127 { out += c.escaped(asASCII: true) } else { out.unicodeScalars.append(c) }
    }
    return out
  }

  /// The same error naming an operator that contains the one named so far, and the creating call where that is known.
  package func at(op: String, origin: String) -> MarsError {
    MarsError(code, message, op: op, origin: origin.isEmpty ? self.origin : origin, systemError: systemError, path: path)
  }

  /// The same error in other words.
  package func saying(_ message: String) -> MarsError {
    MarsError(code, message, op: op, origin: origin, systemError: systemError, path: path)
  }
}
