import MarsBase
import MarsNumerics
import TestSupport
import Testing

@Suite struct NpyTests {
  private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let h = Array(header.utf8)
    let length: [UInt8] = version == 1 ? [UInt8(h.count & 255), UInt8(h.count >> 8)] : [UInt8(h.count & 255), UInt8(h.count >> 8), 0, 0]
    return [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + h + data
  }
  private func open(_ bytes: [UInt8]) throws -> (any File, InMemoryFileSystem) {
    let f = InMemoryFileSystem()
    f.state.withLock { $0.files["a.npy"] = bytes }
    return (try f.open("a.npy", .read), f)
  }

  @Test(arguments: [1, 2, 3] as [UInt8]) func readsEveryVersion(version: UInt8) throws {
    let (f, _) = try open(
      file("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", [UInt8](repeating: 1, count: 12), version: version))
    let h = try Npy.readHeader(f)
    #expect(h.dtype == .int16 && h.shape == [2, 3] && !h.isFortran && !h.isSwapped)
  }

  @Test(arguments: [
    "", "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", "{'descr': '<f8', 'fortran_order': False}",
    "{'descr': '<U8', 'fortran_order': False, 'shape': ()}",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': ()}", "{'descr': '<f8', 'fortran_order': 1, 'shape': ()}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "{{{{",
  ])
  func rejectsBadHeaders(header: String) throws {
    let (f, _) = try open(file(header, []))
    #expect(throws: MarsError.self) { try Npy.readHeader(f) }
  }

  @Test func rejectsTruncation() throws {
    let whole = file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", [UInt8](repeating: 0, count: 8))
    for n in 0..<whole.count {
      let (f, _) = try open(Array(whole[0..<n]))
      #expect(throws: MarsError.self) { try Npy.readHeader(f) }
    }
  }

  @Test(arguments: [false, true], [false, true]) func readsAnyBox(fortran: Bool, swapped: Bool) throws {
    let shape = [4, 5, 6]
    var data: [UInt8] = []
    let total = 120
    for position in 0..<total {
      // The value of an element is its C-order index in the logical array.
      var index = [0, 0, 0]
      var rest = position
      for k in fortran ? [0, 1, 2] : [2, 1, 0] {
        index[k] = rest % shape[k]
        rest /= shape[k]
      }
      let v = UInt16(index[0] * 30 + index[1] * 6 + index[2])
      data += swapped ? [UInt8(v >> 8), UInt8(v & 255)] : [UInt8(v & 255), UInt8(v >> 8)]
    }
    let (f, files) = try open(
      file("{'descr': '\(swapped ? ">" : "<")u2', 'fortran_order': \(fortran ? "True" : "False"), 'shape': (4, 5, 6), }\n", data))
    let h = try Npy.readHeader(f)
    for box in [
      Box(whole: shape), Box(lower: [1, 2, 3], extents: [2, 2, 2]), Box(lower: [0, 0, 5], extents: [4, 5, 1]),
      Box(lower: [3, 0, 0], extents: [1, 5, 6]),
      Box(lower: [0, 4, 0], extents: [4, 1, 6]), Box(lower: [2, 2, 2], extents: [0, 1, 1]),
    ] {
      for window in [4, 40, 1 << 20] {
        let m = Memory(box.extents, .uint16)
        files.state.withLock { $0.largestRead = 0 }
        try Npy.read(f, h, box, into: m.view, windowBytes: window)
        var expected: [UInt16] = []
        for i in 0..<box.extents[0] {
          for j in 0..<box.extents[1] {
            for k in 0..<box.extents[2] { expected.append(UInt16((i + box.lower[0]) * 30 + (j + box.lower[1]) * 6 + k + box.lower[2])) }
          }
        }
        #expect(m.values(UInt16.self) == expected, "\(box) window \(window)")
        #expect(files.state.withLock { $0.largestRead } <= window, "\(box) window \(window)")
      }
    }
  }

  /// What a plan reserves for the largest chunk is enough for narrower ones, whose rows are read together.
  @Test(arguments: [[1000, 14000], [40, 30, 9000], [5000], [200, 100_000]]) func windowsOfPartsAreNoLarger(shape: [Int]) throws {
    let h = Npy.Header(dtype: .float64, shape: shape, isFortran: false, isSwapped: false, offset: 128)
    for whole in [shape, shape.dropLast() + [shape[shape.count - 1] * 9 / 14]] {
      let most = Npy.windowBytes(h, whole)
      for part in stride(from: 1, through: whole[whole.count - 1], by: 97) {
        #expect(Npy.windowBytes(h, whole.dropLast() + [part]) <= most)
      }
      #expect(most <= Npy.mostWindowBytes)
    }
  }

  @Test func writesWhatItReads() throws {
    let files = InMemoryFileSystem()
    let shape = [5, 3]
    let values = (0..<15).map { Double($0) }
    let m = Memory(shape, .float64, values)
    let offset = Npy.headerSize(rank: 2)
    #expect(offset % 64 == 0)
    try Npy.begin(files, temporary: "t", byteCount: offset + 120)
    let f = try files.open("t", .readWrite)
    for (row, n) in [(3, 2), (0, 3)] {
      let part = m.view.sliced(axis: 0, start: row, step: 1, count: n)
      #expect(try Npy.writeRows(f, offset: offset, part, row: row, windowBytes: 16) == n * 24)
    }
    try Npy.commit(files, temporary: "t", path: "a.npy", header: try Npy.header(.float64, shape))
    #expect(!files.exists("t"))
    let g = try files.open("a.npy", .read)
    let h = try Npy.readHeader(g)
    #expect(h == Npy.Header(dtype: .float64, shape: shape, isFortran: false, isSwapped: false, offset: offset))
    let back = Memory(shape, .float64)
    try Npy.read(g, h, Box(whole: shape), into: back.view)
    #expect(back.values(Double.self) == values)
  }

  @Test func headersOfAnyRankFit() throws {
    for rank in 0...40 {
      let h = try Npy.header(.complex128, [Int](repeating: 1, count: rank))
      #expect(h.count == Npy.headerSize(rank: rank) && h.last == 0x0A)
    }
    #expect(try Npy.header(.float64, [Int](repeating: Int.max, count: 8)).count == Npy.headerSize(rank: 8))
  }

  @Test func aFullDiskIsAnError() throws {
    let files = InMemoryFileSystem()
    files.state.withLock { $0.goodWrites = 1 }
    try Npy.begin(files, temporary: "t", byteCount: 200)
    let f = try files.open("t", .readWrite)
    let m = Memory([4], .float64, [1, 2, 3, 4] as [Double])
    #expect(throws: MarsError.self) { try Npy.writeRows(f, offset: 64, m.view, row: 0, windowBytes: 8) }
    #expect(!files.exists("a.npy"))
  }
}
