import Glibc
import MarsBase

/// NumPy's `.npy` files, format versions 1 to 3.
package enum Npy {
  /// What the header of a file says.
  package struct Header: Sendable, Equatable {
    package var dtype: DType
    package var shape: [Int]
    /// First axis varies fastest.
    package var isFortran: Bool
    /// Elements are big-endian.
    package var isSwapped: Bool
    /// Byte offset of the first element.
    package var offset: Int
    package init(dtype: DType, shape: [Int], isFortran: Bool, isSwapped: Bool, offset: Int) {
      self.dtype = dtype
      self.shape = shape
      self.isFortran = isFortran
      self.isSwapped = isSwapped
      self.offset = offset
    }
  }

  private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  // MARK: Reading

  /// Reads and checks the header of a file; the error says what is wrong with it.
  package static func readHeader(_ file: any File) throws(MarsError) -> Header {
    let size = try file.size()
    func bad(_ why: String) -> MarsError { MarsError(.value, "\(file.path) is not a readable .npy file: \(why)") }
    guard size >= 10 else { throw bad("it has only \(size) bytes") }
    let start = try bytes(file, 0, min(12, size))
    guard Array(start[0..<6]) == magic else { throw bad("the magic bytes are missing") }
    let major = start[6]
    guard (1...3).contains(major) else { throw bad("format version \(major).\(start[7]) is unknown") }
    let length: Int
    let begin: Int
    if major == 1 {
      length = Int(start[8]) | Int(start[9]) << 8
      begin = 10
    } else {
      guard size >= 12 else { throw bad("the header is truncated") }
      length = Int(start[8]) | Int(start[9]) << 8 | Int(start[10]) << 16 | Int(start[11]) << 24
      begin = 12
    }
    guard length <= 1 << 20 else { throw bad("a header of \(length) bytes is too long") }
    guard begin + length <= size else { throw bad("the header is truncated") }
    let text = String(decoding: try bytes(file, begin, length), as: UTF8.self)
    var parser = LiteralParser(text)
    guard let fields = parser.dictionary() else { throw bad("the header is not a dictionary of literals") }
    guard case .text(let descr)? = fields["descr"] else { throw bad("'descr' is missing or a structured dtype") }
    guard case .flag(let fortran)? = fields["fortran_order"] else { throw bad("'fortran_order' is missing") }
    guard case .tuple(let shape)? = fields["shape"] else { throw bad("'shape' is missing") }
    guard let (dtype, swapped) = parse(descr: descr) else { throw bad("dtype '\(descr)' is not supported") }
    let offset = begin + length
    guard let count = Shape.count(shape), !count.multipliedReportingOverflow(by: dtype.itemSize).overflow else {
      throw bad("shape \(Shape.text(shape)) is too big")
    }
    guard count * dtype.itemSize <= size - offset else {
      throw bad(
        "shape \(Shape.text(shape)) of \(dtype.name) needs \(count * dtype.itemSize) bytes but only \(size - offset) follow the header")
    }
    return Header(dtype: dtype, shape: shape, isFortran: fortran, isSwapped: swapped, offset: offset)
  }

  /// The header of a file of which this was known before: where its data begin and the order of their bytes may have changed, but no more.
  package static func readHeader(_ file: any File, expecting known: Header) throws(MarsError) -> Header {
    let found = try readHeader(file)
    // Of up to one axis longer than 1 both orders are the same, and writers choose either.
    let isSameOrder = found.isFortran == known.isFortran || known.shape.count { $0 != 1 } <= 1
    guard found.dtype == known.dtype && found.shape == known.shape && isSameOrder else {
      func text(_ h: Header) -> String {
        "\(h.dtype.name)\(Shape.text(h.shape))" + (isSameOrder ? "" : h.isFortran ? " in Fortran order" : " in C order")
      }
      throw MarsError(.value, "\(file.path) has changed since it was opened: it holds \(text(found)), not \(text(known))")
    }
    return found
  }

  private static func bytes(_ file: any File, _ offset: Int, _ count: Int) throws(MarsError) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: count)
    var failure: MarsError?
    out.withUnsafeMutableBytes { b in
      do throws(MarsError) { try file.read(at: offset, into: b) } catch { failure = error }
    }
    if let failure { throw failure }
    return out
  }

  private static func parse(descr: String) -> (DType, swapped: Bool)? {
    guard let order = descr.first, "<>|=".contains(order) else { return nil }
    let known: [String: DType] = [
      "b1": .bool, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
      "f2": .float16, "f4": .float32, "f8": .float64, "c8": .complex64, "c16": .complex128,
    ]
    guard let d = known[String(descr.dropFirst())] else { return nil }
    return (d, order == ">" && d.itemSize > 1)
  }

  /// Reads the box of an array into `output` through windows of at most `windowBytes`, and releases pages behind itself.
  package static func read(_ file: any File, _ header: Header, _ box: Box, into output: ArrayView, windowBytes: Int = mostWindowBytes)
    throws(MarsError)
  {
    if output.count == 0 { return }
    let order = order(header)
    let windows = Windows(header, output.shape, windowBytes: windowBytes)
    let (runAxis, runCount, gap) = (windows.runAxis, windows.runCount, windows.gap)
    let (joined, perWindow, capacity) = (windows.joined, windows.perWindow, windows.capacity)
    let target = output.permuted(order)
    let item = header.dtype.itemSize
    let strides = Shape.rowMajorStrides(windows.shape)
    let outer = Array(target.shape[0..<runAxis])
    let first = zip(order, strides).reduce(0) { $0 + box.lower[$1.0] * $1.1 }
    guard let buffer = malloc(max(item, capacity)) else { throw MarsError(.memory, "no memory for a window of \(file.path)") }
    defer { free(buffer) }
    let inner = ArrayView(
      base: target.base, dtype: target.dtype, shape: Array(target.shape[runAxis...]), strides: Array(target.strides[runAxis...]))

    func fetch(_ position: Int, _ count: Int) throws(MarsError) {
      let offset = header.offset + position * item
      try file.read(at: offset, into: UnsafeMutableRawBufferPointer(start: buffer, count: count * item))
      file.releasePages(at: offset, count: count * item)
      if header.isSwapped { swapBytes(buffer, count, header.dtype) }
    }
    if joined {
      let rows = outer[runAxis - 1]
      let rowStride = target.strides[runAxis - 1]
      try Strided.forEach(Array(outer.dropLast()), [Array(target.strides[0..<runAxis - 1]), Array(strides[0..<runAxis - 1])]) {
        o throws(MarsError) in
        var row = 0
        while row < rows {
          let n = min(perWindow, rows - row)
          try fetch(first + o[1] + row * gap, (n - 1) * gap + runCount)
          let source = ArrayView(
            base: buffer, dtype: target.dtype, shape: [n] + inner.shape, strides: [gap * item] + strides[runAxis...].map { $0 * item })
          let into = ArrayView(
            base: target.base + o[0] + row * rowStride, dtype: target.dtype, shape: [n] + inner.shape, strides: [rowStride] + inner.strides)
          StridedCopy.copy(from: source, to: into)
          row += n
        }
      }
    } else {
      try Strided.forEach(outer, [Array(target.strides[0..<runAxis]), Array(strides[0..<runAxis])]) { o throws(MarsError) in
        let into = ArrayView(base: target.base + o[0], dtype: inner.dtype, shape: inner.shape, strides: inner.strides)
        let start = first + o[1]
        if into.isContiguous && !header.isSwapped {
          // Straight into the output, in bounded windows.
          var done = 0
          while done < runCount {
            let n = min(runCount - done, max(1, windowBytes / item))
            let offset = header.offset + (start + done) * item
            try file.read(at: offset, into: UnsafeMutableRawBufferPointer(start: into.base + done * item, count: n * item))
            file.releasePages(at: offset, count: n * item)
            done += n
          }
          return
        }
        var done = 0
        while done < runCount {
          let n = min(runCount - done, max(1, capacity / item))
          try fetch(start + done, n)
          scatter(buffer, done, n, into)
          done += n
        }
      }
    }
  }

  /// Stores `count` packed elements at C-order positions `first...` of `into`.
  private static func scatter(_ from: UnsafeMutableRawPointer, _ first: Int, _ count: Int, _ into: ArrayView) {
    let item = into.dtype.itemSize
    let rows = Shape.rowMajorStrides(into.shape)
    let last = into.shape.last ?? 1
    var done = 0
    while done < count {
      var rest = first + done
      var q = into.base
      var column = 0
      for k in into.shape.indices {
        let c = rest / rows[k]
        rest -= c * rows[k]
        q += c * into.strides[k]
        column = c
      }
      let n = min(count - done, last - column)
      StridedCopy.copy(from + done * item, stride: item, to: q, stride: into.strides.last ?? item, count: n, itemSize: item)
      done += n
    }
  }

  private static func swapBytes(_ p: UnsafeMutableRawPointer, _ count: Int, _ d: DType) {
    let parts = d.isComplex ? 2 : 1
    switch d.itemSize / parts {
    case 2:
      for i in 0..<count {
        p.storeBytes(of: p.load(fromByteOffset: i * 2, as: UInt16.self).byteSwapped, toByteOffset: i * 2, as: UInt16.self)
      }
    case 4:
      for i in 0..<count * parts {
        p.storeBytes(of: p.load(fromByteOffset: i * 4, as: UInt32.self).byteSwapped, toByteOffset: i * 4, as: UInt32.self)
      }
    case 8:
      for i in 0..<count * parts {
        p.storeBytes(of: p.load(fromByteOffset: i * 8, as: UInt64.self).byteSwapped, toByteOffset: i * 8, as: UInt64.self)
      }
    default: break
    }
  }

  // MARK: Writing

  /// Bytes of the header that Mars writes for arrays of a rank: room for any extents, so that it is known before they are.
  package static func headerSize(rank: Int) -> Int { (10 + 64 + 21 * max(rank, 1) + 63) / 64 * 64 }

  /// A C-order header of exactly `headerSize(rank:)` bytes.
  package static func header(_ dtype: DType, _ shape: [Int]) throws(MarsError) -> [UInt8] {
    guard dtype != .bfloat16 else { throw MarsError(.type, "bfloat16 has no .npy representation; cast it to float32 first") }
    let kind: String =
      switch dtype.kind {
      case .bool: "|b"
      case .unsigned: dtype.itemSize == 1 ? "|u" : "<u"
      case .signed: dtype.itemSize == 1 ? "|i" : "<i"
      case .floating: "<f"
      case .complex: "<c"
      }
    let text = "{'descr': '\(kind)\(dtype.itemSize)', 'fortran_order': False, 'shape': \(Shape.text(shape)), }"
    let total = headerSize(rank: shape.count)
    let length = total - 10
    guard length <= 0xFFFF else { throw MarsError(.value, "too many dimensions for a .npy header") }
    var out = magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
    out += [UInt8](repeating: 0x20, count: total - out.count - 1) + [0x0A]
    return out
  }

  /// Writes rows of a C-order array: `view` is the window of whole rows that starts at row `row`; returns the bytes written.
  package static func writeRows(_ file: any File, offset: Int, _ view: ArrayView, row: Int, windowBytes: Int = 4 << 20) throws(MarsError)
    -> Int
  {
    let total = view.count * view.dtype.itemSize
    if total == 0 { return 0 }
    let perRow = total / max(1, view.shape.first ?? 1)
    var at = offset + row * perRow
    if view.isContiguous {
      var done = 0
      while done < total {
        let n = min(total - done, windowBytes)
        try file.write(at: at + done, from: UnsafeRawBufferPointer(start: view.base + done, count: n))
        file.releasePages(at: at + done, count: n)
        done += n
      }
      return total
    }
    let batch = max(1, windowBytes / max(1, perRow))
    guard let buffer = malloc(min(batch, view.shape[0]) * perRow) else {
      throw MarsError(.memory, "no memory for a window of \(file.path)")
    }
    defer { free(buffer) }
    var i = 0
    while i < view.shape[0] {
      let n = min(batch, view.shape[0] - i)
      let part = view.sliced(axis: 0, start: i, step: 1, count: n)
      StridedCopy.copy(from: part, to: ArrayView(base: buffer, dtype: view.dtype, shape: part.shape))
      try file.write(at: at, from: UnsafeRawBufferPointer(start: buffer, count: n * perRow))
      file.releasePages(at: at, count: n * perRow)
      at += n * perRow
      i += n
    }
    return total
  }

  /// Creates the file under a temporary name with room for the data.
  package static func begin(_ files: any FileSystem, temporary: String, byteCount: Int) throws(MarsError) {
    let f = try files.open(temporary, .create(inPlaceOf: path(ofTemporary: temporary) ?? temporary))
    if byteCount > 0 { try f.resize(byteCount) }
  }

  /// Writes the header, forces the data to disk and gives the file its name.
  package static func commit(_ files: any FileSystem, temporary: String, path: String, header: [UInt8]) throws(MarsError) {
    let f = try files.open(temporary, .readWrite)
    var failure: MarsError?
    header.withUnsafeBytes { b in
      do throws(MarsError) { try f.write(at: 0, from: b) } catch { failure = error }
    }
    if let failure { throw failure }
    try f.sync()
    try files.rename(temporary, to: path)
  }

  /// Does something with a temporary file, of which the client has not heard: errors name the file that is saved.
  package static func saving<T>(_ temporary: String, _ body: () throws(MarsError) -> T) throws(MarsError) -> T {
    do throws(MarsError) { return try body() } catch {
      guard error.path == temporary, let path = path(ofTemporary: temporary) else { throw error }
      let why = error.systemError == 0 ? error.message : String(cString: strerror(error.systemError))
      var said = error.saying("cannot save '\(path)': \(why)")
      said.path = path
      throw said
    }
  }

  /// A name beside `path` that no other save of this or another process uses.
  package static func temporaryName(for path: String) -> String {
    let n = counter.withLock { c in
      c += 1
      return c
    }
    return "\(path).part-\(getpid())-\(n)"
  }
  private static func path(ofTemporary temporary: String) -> String? { temporary.lastIndex(of: ".").map { String(temporary[..<$0]) } }
  private static let counter = Locked(0)
}

/// The Python literals that stand in `.npy` headers.
private struct LiteralParser {
  enum Literal {
    case text(String)
    case flag(Bool)
    case tuple([Int])
  }
  private let s: [UInt8]
  private var i = 0
  init(_ text: String) { s = Array(text.utf8) }

  private mutating func skipSpace() { while i < s.count && (s[i] == 0x20 || s[i] == 0x0A || s[i] == 0x09 || s[i] == 0x0D) { i += 1 } }
  private mutating func take(_ c: Character) -> Bool {
    skipSpace()
    guard i < s.count, s[i] == c.asciiValue else { return false }
    i += 1
    return true
  }
  private mutating func string() -> String? {
    skipSpace()
    guard i < s.count, s[i] == 0x27 || s[i] == 0x22 else { return nil }
    let quote = s[i]
    i += 1
    let start = i
    while i < s.count && s[i] != quote { i += 1 }
    guard i < s.count else { return nil }
    defer { i += 1 }
    return String(decoding: s[start..<i], as: UTF8.self)
  }
  private mutating func integer() -> Int? {
    skipSpace()
    var n = 0
    let start = i
    while i < s.count, s[i] >= 0x30, s[i] <= 0x39 {
      let (p, o) = n.multipliedReportingOverflow(by: 10)
      let (q, o2) = p.addingReportingOverflow(Int(s[i] - 0x30))
      if o || o2 { return nil }
      n = q
      i += 1
    }
    guard i > start else { return nil }
    // Python 2 wrote 10L.
    if i < s.count && s[i] == 0x4C { i += 1 }
    return n
  }
  private mutating func word(_ w: String) -> Bool {
    let u = Array(w.utf8)
    guard i + u.count <= s.count, Array(s[i..<i + u.count]) == u else { return false }
    i += u.count
    return true
  }

  mutating func dictionary() -> [String: Literal]? {
    guard take("{") else { return nil }
    var out: [String: Literal] = [:]
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      skipSpace()
      if word("True") {
        out[key] = .flag(true)
      } else if word("False") {
        out[key] = .flag(false)
      } else if take("(") {
        var t: [Int] = []
        while !take(")") {
          guard let n = integer() else { return nil }
          t.append(n)
          if !take(",") {
            guard take(")") else { return nil }
            break
          }
        }
        out[key] = .tuple(t)
      } else if let v = string() {
        out[key] = .text(v)
      } else {
        return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    return out
  }
}
