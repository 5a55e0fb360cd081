import Foundation

/// The complementary error function.
func erfcOf(_ x: Double) -> Double { erfc(x) }
