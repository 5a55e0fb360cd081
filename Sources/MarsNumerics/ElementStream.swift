/// The random words of one element: those of attempt 0, 1, 2, ... of its own, as many as it takes.
///
/// Philox4x32-10 (Salmon et al. 2011) under a counter of the element's C-order position, the stream of the call and the attempt: what an
/// element draws depends on nothing but these, however often its neighbours are rejected.
package struct ElementStream {
  private let key: UInt64
  private let element: UInt64
  private let stream: UInt32
  private var attempt: UInt32 = 0
  private var left: UInt64? = nil

  package init(key: UInt64, stream: UInt32, element: UInt64) {
    self.key = key
    self.stream = stream
    self.element = element
  }

  package mutating func next() -> UInt64 {
    if let w = left {
      left = nil
      return w
    }
    var c = (UInt32(truncatingIfNeeded: element), UInt32(truncatingIfNeeded: element >> 32), stream, attempt)
    var k = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    for _ in 0..<10 {
      let a = c.0.multipliedFullWidth(by: 0xD251_1F53)
      let b = c.2.multipliedFullWidth(by: 0xCD9E_8D57)
      c = (b.high ^ c.1 ^ k.0, b.low, a.high ^ c.3 ^ k.1, a.low)
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    attempt &+= 1
    left = UInt64(c.2) | UInt64(c.3) << 32
    return UInt64(c.0) | UInt64(c.1) << 32
  }

  /// Uniform in (0, 1): multiples of 2**-53 and a half of one.
  package mutating func unit() -> Double { (Double(next() >> 11) + 0.5) * 0x1p-53 }
}
