enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var i = 0
    while i < bytes.count {
      let n = min(3, bytes.count - i)
      var word = UInt32(bytes[i]) << 16
      if n > 1 { word |= UInt32(bytes[i + 1]) << 8 }
      if n > 2 { word |= UInt32(bytes[i + 2]) }
      for k in 0..<4 { out.append(k <= n ? alphabet[Int(word >> UInt32(18 - 6 * k)) & 63] : 61) }
      i += 3
    }
    return String(decoding: out, as: UTF8.self)
  }
}
