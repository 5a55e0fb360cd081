import MarsBase
import MarsFormat
import TestSupport
import Testing

/// Valid files with random damage: reading ends, with a graph or an error.
@Suite struct MutationTests {
  @Test(arguments: 1...8) func mutations(seed: UInt64) throws {
    let sources = [try Samples.encode(Samples.rich()), HandGraph.valid.bytes]
    var random = SplitMix(seed)
    var options = DecodeOptions()
    options.capabilities.files = seed % 2 == 0
    options.limits.parseBytes = 1 << 20
    var refused = 0
    for _ in 0..<2_000 {
      var b = sources[random.below(2)]
      for _ in 0...random.below(3) {
        let i = random.below(b.count)
        switch random.below(6) {
        case 0: b[i] = UInt8(truncatingIfNeeded: random.next())
        case 1: b[i] ^= 1 << UInt8(random.below(8))
        case 2: b.remove(at: i)
        case 3: b.insert([0, 0xFF, 0x80, 1][random.below(4)], at: i)
        case 4:
          let j = random.below(b.count)
          let n = min(random.below(24), b.count - max(i, j))
          for k in 0..<n { b[i + k] = b[j + k] }
        default:
          let n = min(1 + random.below(40), b.count - i)
          b.insert(contentsOf: b[i..<i + n], at: random.below(b.count))
        }
      }
      guard let g = try? Samples.decode(b, options) else {
        refused += 1
        continue
      }
      // What was read can be written and read again.
      let again = try Samples.encode(g)
      #expect(try Samples.encode(Samples.decode(again, options)) == again)
    }
    #expect(refused > 200 && refused < 2_000)
  }
}
