import MarsGraph
import MarsOps
import Testing

/// What documentation says of the dtypes of ufuncs.
@Suite struct UfuncDTypesTests {
  @Test(arguments: [
    ("add", "bool, integers, floats, complex -> the same"),
    ("divide", "integers -> float64; floats, complex -> the same"),
    ("absolute", "bool, integers, floats -> the same; complex -> the dtype of their parts"),
    ("isnan", "bool, integers, floats, complex -> bool"),
    ("bitwise_count", "integers -> uint8"),
    // Conditions may be of any dtype.
    ("logical_and", "any -> bool"),
    ("where", "bool, integers, floats, complex -> the same"),
    ("divmod", "integers, floats -> the same"),
    ("frexp", "floats -> the same and int32"),
    ("ldexp", "(T, int32) -> T for T of floats; (T, int64) -> T for T of floats"),
    ("less", "bool, integers, floats, complex -> bool"),
    // No ufunc.
    ("sum", ""),
  ])
  func dtypesOfLoops(_ name: String, _ text: String) throws {
    #expect(try #require(marsRegistry[name]).dtypesText == text)
  }

  /// bool, which it refuses, is not named.
  @Test func refusalsAreLeftOut() throws {
    #expect(try #require(marsRegistry["negative"]).dtypesText == "integers, floats, complex -> the same")
  }
}
