/// The fuzzer's bytes, read as choices; zeros when they are used up.
struct Input {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var isEmpty: Bool { position >= bytes.count }

  mutating func byte() -> Int {
    guard position < bytes.count else { return 0 }
    position += 1
    return Int(bytes[position - 1])
  }
  mutating func below(_ n: Int) -> Int { n <= 0 ? 0 : byte() % n }
  mutating func pick<T>(_ table: [T]) -> T { table[below(table.count)] }
  /// True once in about `n` times.
  mutating func rarely(_ n: Int) -> Bool { byte() % n == n - 1 }

  mutating func int() -> Int {
    let b = byte()
    if b < 230 { return b % 8 - 2 }
    return [8, 16, 100, -3, -100, 1 << 20, 1 << 31, 1 << 40, -(1 << 40), .max, .min, .max / 2][b % 12]
  }
  mutating func double() -> Double { pick([0, 1, -1, 0.5, 2, 3.7, -0.0, 1e-310, 1e300, .infinity, -.infinity, .nan]) }
  mutating func ints(most: Int) -> [Int] { (0..<below(most + 1)).map { _ in int() } }
  /// Small extents.
  mutating func shape() -> [Int] { (0..<below(4)).map { _ in pick([1, 2, 3, 4, 5, 7, 0, 17]) } }
}
