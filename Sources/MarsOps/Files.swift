import MarsBase
import MarsGraph
import MarsNumerics

/// Sources and sinks in files.
enum Files {
  /// Attributes of a call whose path goes on to name the same file when the process changes its folder before it executes.
  private static func absolute(_ given: [(String, AttrValue)], _ files: any FileSystem) throws(MarsError) -> [(String, AttrValue)] {
    try withPath(given) { path throws(MarsError) in try files.absolute(path) }
  }

  /// The same where a file is written: links stay, and what they name is replaced.
  private static func target(_ given: [(String, AttrValue)], _ files: any FileSystem) throws(MarsError) -> [(String, AttrValue)] {
    try withPath(given) { path throws(MarsError) in try files.target(files.absolute(path)) }
  }

  private static func withPath(
    _ given: [(String, AttrValue)], _ change: (String) throws(MarsError) -> String
  ) throws(MarsError) -> [(String, AttrValue)] {
    var out = given
    for (i, attribute) in given.enumerated() where attribute.0 == "path" {
      if case .string(let path) = attribute.1 { out[i].1 = .string(try change(path)) }
    }
    return out
  }

  /// How the elements are read: under the extents of the result.
  private static func header(_ c: OpContext) -> Npy.Header {
    Npy.Header(
      dtype: c.dtype("dtype") ?? .float64, shape: c.ints("shape"), isFortran: c.bool("fortran"), isSwapped: c.bool("swapped"),
      offset: c.int("offset"))
  }

  private static let load = NativeOp(
    OpDef(
      "load_npy", inputs: [],
      attributes: [
        AttrDef("path", .string, "the file"),
        AttrDef("dtype", .dtype, default: .dtype(.float64), "element type; read from the file when called"),
        AttrDef("shape", .ints, default: .ints([]), "extents; read from the file when called"),
        AttrDef("offset", .int, default: .int(0), "byte offset of the first element"),
        AttrDef("fortran", .bool, default: .bool(false), "whether the first axis varies fastest"),
        AttrDef("swapped", .bool, default: .bool(false), "whether elements are big-endian"),
        AttrDef("stored", .ints, default: AttrValue.none, "extents in the file; None: those of the result"),
      ],
      typing: .rule { (c: OpContext) throws(MarsError) -> [TensorType] in [TensorType(c.dtype("dtype") ?? .float64, try c.shape("shape"))]
      },
      body: .native(NativeRule(.access { _ in [] }, workspace: { c, box in Npy.windowBytes(header(c), box.extents) })),
      effects: .readsExternal, cost: Cost(perElement: 2),
      doc: OpDoc(
        "The array in a .npy file, read chunk by chunk through bounded windows.", numpy: "numpy.load",
        example: "mt.save('/tmp/mars-doc.npy', [1, 2]) is None and mt.load('/tmp/mars-doc.npy')"), exposure: .hidden,
      // The bytes of a file in Fortran order are those of another array.
      reshaped: { c, shape in
        if c.bool("fortran") { return nil }
        let stored = AttrValue.ints(c.optionalInts("stored") ?? c.ints("shape"))
        return (c.op, c.attributes(with: "shape", .ints(shape)).map { $0.0 == "stored" ? ($0.0, stored) : $0 })
      },
      prepare: { (given: [(String, AttrValue)], files: any FileSystem) throws(MarsError) -> [(String, AttrValue)] in
        let given = try absolute(given, files)
        guard given.count == 1, given[0].0 == "path", case .string(let path) = given[0].1 else { return given }
        let h = try Npy.readHeader(try files.open(path, .read))
        return given + [
          ("dtype", .dtype(h.dtype)), ("shape", .ints(h.shape)), ("offset", .int(h.offset)), ("fortran", .bool(h.isFortran)),
          ("swapped", .bool(h.isSwapped)),
        ]
      })
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    var (header, stored) = (header(c), header(c))
    stored.shape = c.optionalInts("stored") ?? header.shape
    let file = try call.files.open(c.string("path"), .read)
    let found = try Npy.readHeader(file, expecting: stored)
    (header.offset, header.isSwapped) = (found.offset, found.isSwapped)
    try Npy.read(file, header, call.outputBox, into: call.outputs[0])
  }

  // MARK: Saving: begin -> write every chunk -> commit

  private static let token = TensorType(.int64, [])

  /// Creates the temporary file; the result is only waited for.
  private static let begin = NativeOp(
    OpDef(
      "npy_begin", inputs: [],
      attributes: [AttrDef("temporary", .string, "the temporary file"), AttrDef("bytes", .int, "its size, or less")],
      typing: .rule { (_: OpContext) throws(MarsError) -> [TensorType] in [token] }, body: .native(NativeRule(.access { _ in [] })),
      effects: .writes,
      doc: OpDoc("Creates the file that an array is saved to.", example: "mt.save('/tmp/mars-doc.npy', [1, 2])"), exposure: .hidden,
      abandon: { c, files in if files.exists(c.string("temporary")) { try? files.remove(c.string("temporary")) } })
  ) { (call: inout NativeCall) throws(MarsError) in
    let (c, files) = (call.context, call.files)
    try Npy.saving(c.string("temporary")) { () throws(MarsError) in
      try Npy.begin(files, temporary: c.string("temporary"), byteCount: c.int("bytes"))
    }
    Strided.zero(call.outputs[0])
  }

  /// Writes chunks of rows; each result is the number of bytes that its chunk took.
  private static let write = NativeOp(
    OpDef(
      "npy_write", inputs: [InputDef("x"), InputDef("begun")],
      attributes: [AttrDef("temporary", .string, "the temporary file"), AttrDef("offset", .int, "of the data")],
      typing: .rule { (_: OpContext) throws(MarsError) -> [TensorType] in [TensorType(.int64, [unknownExtent])] },
      body: .native(NativeRule(.selecting(axis: 0), workspace: { _, _ in 4 << 20 })), effects: .writes, cost: Cost(perElement: 2),
      doc: OpDoc("Writes rows of an array into its file.", example: "mt.save('/tmp/mars-doc.npy', [1, 2])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    let (c, files, rows, first) = (call.context, call.files, call.inputs[0], call.inputBoxes[0].lower[0])
    let n = try Npy.saving(c.string("temporary")) { () throws(MarsError) in
      try Npy.writeRows(try files.open(c.string("temporary"), .readWrite), offset: c.int("offset"), rows, row: first)
    }
    let produced = Swift.min(1, call.outputs[0].shape[0])
    if produced == 1 { call.outputs[0].sliced(axis: 0, start: 0, step: 1, count: 1).store(Int64(n)) }
    call.producedShape = [produced]
  }

  /// Checks that every byte is there, writes the header and gives the file its name; the result is the number of data bytes.
  private static let commit = NativeOp(
    OpDef(
      "npy_commit", inputs: [InputDef("written")],
      attributes: [
        AttrDef("temporary", .string, "the temporary file"), AttrDef("path", .string, "the name that it gets"),
        AttrDef("dtype", .dtype, "element type"),
        AttrDef("shape", .ints, "extents; the first may be -1"),
      ], typing: .rule { (_: OpContext) throws(MarsError) -> [TensorType] in [token] },
      body: .native(NativeRule(.access { _ in [[.whole]] })), effects: .writes,
      doc: OpDoc("Finishes saving an array.", example: "mt.save('/tmp/mars-doc.npy', [1, 2])"), exposure: .hidden)
  ) { (call: inout NativeCall) throws(MarsError) in
    let c = call.context
    let total = call.inputs[0].sumOfInt64()
    let d = c.dtype("dtype") ?? .float64
    var shape = c.ints("shape")
    let row = shape.dropFirst().reduce(d.itemSize, *)
    if shape.first == unknownExtent { shape[0] = row == 0 ? 0 : total / row }
    guard shape.reduce(d.itemSize, *) == total else {
      throw c.error(.os, "\(c.string("path")): \(total) bytes were written instead of \(shape.reduce(d.itemSize, *))")
    }
    let (files, header) = (call.files, try Npy.header(d, shape))
    try Npy.saving(c.string("temporary")) { () throws(MarsError) in
      try Npy.commit(files, temporary: c.string("temporary"), path: c.string("path"), header: header)
    }
    call.outputs[0].store(Int64(total))
  }

  static let save = OpDef(
    "save_npy", inputs: [InputDef("x")], attributes: [AttrDef("path", .string, "the file")], typing: .fromExpansion,
    body: .composed { (c: OpContext, v: [Value]) throws(MarsError) -> [Value] in
      let type = v[0].type
      guard type.dtype != .bfloat16 else { throw c.error(.type, "bfloat16 has no .npy representation; cast it to float32 first") }
      guard type.shape.dropFirst().allSatisfy({ $0 != unknownExtent }) else {
        throw c.unknownExtents("only the first extent may be unknown when an array is saved")
      }
      let temporary = Npy.temporaryName(for: c.string("path"))
      let offset = Npy.headerSize(rank: type.rank)
      let bytes = try c.sum([offset, type.byteCount], "a file of \(type.byteCount) bytes and a header")
      let begun = Value(try begin.def.apply([], [("temporary", .string(temporary)), ("bytes", .int(bytes))]))
      let rows = type.rank == 0 ? try v[0].expanded(at: [0]) : v[0]
      let written = try rows.op(write.def, begun, with: ["temporary": .string(temporary), "offset": .int(offset)])
      return [
        try written.op(
          commit.def,
          with: [
            "temporary": .string(temporary), "path": .string(c.string("path")), "dtype": .dtype(type.dtype), "shape": .ints(type.shape),
          ])
      ]
    }, effects: .writes,
    doc: OpDoc(
      "Saves an array as a .npy file.",
      details:
        "Chunks are written into a temporary file beside it, which takes the name when all are on disk.  The result is the number of data bytes.",
      numpy: "numpy.save", example: "mt.save('/tmp/mars-doc.npy', [1, 2])"), exposure: .hidden, prepare: target)

  static let family = OpFamily([save], natives: [load, begin, write, commit])
}
