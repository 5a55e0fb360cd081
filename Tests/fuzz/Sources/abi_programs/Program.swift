import CMars
import Glibc

/// A program of calls of the C interface, made of an input's bytes: small tensors, all lifetimes at random.
///
/// What may not happen, whatever the calls: a crash, a read or write out of bounds, an error without a message, an internal error, a run that
/// does not end when it is cancelled, results that depend on chunks where bits are promised, memory that is not given back.
struct Program {
  private struct Held {
    let tensor: OpaquePointer
    /// Depends on much data: is never waited for.
    let isBig: Bool
    /// Computed without float sums: has the same bits for any chunks.
    let isExact: Bool
    /// Calls functions of this program: has no graph file.
    let isCallback: Bool
  }
  private var input: Input
  private var tensors: [Held] = []
  private var graphs: [OpaquePointer] = []
  private var runs: [OpaquePointer] = []
  private var sessions: [OpaquePointer] = []

  /// Chunks as the planner likes them; chunks of eight elements, every operator by itself.
  nonisolated(unsafe) private static let whole = session([("memory_limit", "64MiB"), ("workers", "2")])
  nonisolated(unsafe) private static let chunked = session([
    ("memory_limit", "64MiB"), ("workers", "2"), ("chunk_bytes", "64"), ("fuse", "0"),
  ])
  /// Elements beyond which a tensor is not waited for.
  private static let bigFrom = 4096

  init(_ input: Input) { self.input = input }

  // MARK: Checks

  static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  }

  static func fail(_ what: String) -> Never {
    say("abi_programs: \(what)")
    abort()
  }

  /// Whether a call went well; what it says otherwise must make sense.
  @discardableResult
  private static func check(_ status: mars_status, _ call: String) -> Bool {
    if status == MARS_OK { return true }
    var e = mars_error()
    e.struct_size = UInt32(MemoryLayout<mars_error>.size)
    guard mars_error_last(&e) == MARS_OK else { fail("\(call): no error record") }
    let message = String(cString: e.message)
    if e.code != status { fail("\(call) returned \(status), the record says \(e.code): \(message)") }
    if message.isEmpty || message.contains("\n") { fail("\(call): message '\(message)'") }
    if status == MARS_ERROR_INTERNAL || status < MARS_ERROR_UNKNOWN_EXTENTS || status > 0 { fail("\(call): status \(status): \(message)") }
    if trace { say("  \(call): \(message)") }
    return false
  }
  static let trace = getenv("MARS_FUZZ_TRACE") != nil

  private static func session(_ options: [(String, String)]) -> OpaquePointer {
    guard let s = open(options) else { fail("no session") }
    return s
  }

  private static func open(_ options: [(String, String)]) -> OpaquePointer? {
    let keys = options.map { strdup($0.0) }
    let values = options.map { strdup($0.1) }
    defer { for p in keys + values { free(p) } }
    var s: OpaquePointer? = nil
    let k = keys.map { UnsafePointer($0) } + [nil]
    let v = values.map { UnsafePointer($0) } + [nil]
    return check(mars_session_open(&s, k, v, options.count), "session_open") ? s : nil
  }

  // MARK: The program

  mutating func run() {
    var steps = 0
    while !input.isEmpty && steps < 64 {
      step()
      steps += 1
    }
    while !tensors.isEmpty || !graphs.isEmpty || !runs.isEmpty || !sessions.isEmpty { release() }
    Counters.expectQuiet()
  }

  private mutating func step() {
    switch input.below(28) {
    case 0...8: apply()
    case 9: array()
    case 10: slice()
    case 11: assign()
    case 12: execute()
    case 13, 14: fetch()
    case 15: compare()
    case 16: serialise()
    case 17: graphPorts()
    case 18: bound()
    case 19, 20: release()
    case 21: start()
    case 22: control()
    case 23: look()
    case 24: callback()
    case 25: exchange()
    case 26: options()
    default: chunk()
    }
  }

  private mutating func session() -> OpaquePointer {
    let all = [Program.whole, Program.chunked] + sessions
    return input.pick(all)
  }
  private mutating func tensor() -> Held? { tensors.isEmpty ? nil : tensors[max(0, tensors.count - 1 - input.below(tensors.count))] }

  private static func described(_ t: OpaquePointer) -> mars_tensor_info {
    var info = mars_tensor_info()
    info.struct_size = UInt32(MemoryLayout<mars_tensor_info>.size)
    guard check(mars_tensor_describe(&info, t), "describe") else { fail("a tensor has no type") }
    return info
  }

  private static func isScalar(_ t: OpaquePointer) -> Bool { described(t).is_scalar != 0 }

  private static func type(_ t: OpaquePointer) -> (dtype: Int32, shape: [Int]) {
    var info = described(t)
    let shape = withUnsafeBytes(of: &info.shape) { raw in (0..<Int(info.ndim)).map { Int(raw.bindMemory(to: Int64.self)[$0]) } }
    return (info.dtype, shape)
  }

  /// Elements; nil if that is not known, or too many.
  private static func count(_ shape: [Int]) -> Int? {
    var n = 1
    for d in shape {
      if d < 0 { return nil }
      let (p, o) = n.multipliedReportingOverflow(by: d)
      if o { return nil }
      n = p
    }
    return n
  }

  private mutating func keep(_ t: OpaquePointer?, big: Bool = false, exact: Bool = true, callback: Bool = false) {
    guard let t else { Program.fail("a call that went well gave nothing") }
    let type = Program.type(t)
    let n = Program.count(type.shape)
    let isBig = big || (n.map { $0 > Program.bigFrom } ?? type.shape.contains { $0 > Program.bigFrom })
    tensors.append(Held(tensor: t, isBig: isBig, isExact: exact, isCallback: callback))
  }

  private mutating func array() {
    let shape = input.shape()
    let dtype = Int32(1 + input.below(15))
    let size = [0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16][Int(dtype)]
    let n = shape.reduce(1, *)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, n * size), alignment: 16)
    let pattern = input.below(4)
    for k in 0..<n * size {
      memory.storeBytes(of: pattern == 0 ? 0 : UInt8(truncatingIfNeeded: input.byte()), toByteOffset: k, as: UInt8.self)
    }
    // A bool is 0 or 1.
    if dtype == MARS_BOOL {
      for k in 0..<n { memory.storeBytes(of: memory.load(fromByteOffset: k, as: UInt8.self) & 1, toByteOffset: k, as: UInt8.self) }
    }
    Counters.arrays.add(1)
    var a = mars_array()
    a.struct_size = UInt32(MemoryLayout<mars_array>.size)
    a.dtype = dtype
    a.ndim = Int32(shape.count)
    a.data = memory
    a.owner = memory
    a.release = { p in
      p?.deallocate()
      Counters.arrays.add(-1)
    }
    var extents = shape.map(Int64.init) + [0]
    // Rows backwards, or one row again and again.
    var strides = [Int64](repeating: 0, count: shape.count + 1)
    var s = size
    for k in shape.indices.reversed() {
      strides[k] = Int64(s)
      s *= shape[k]
    }
    if let d = shape.first, d > 0, n > 0 {
      switch input.below(6) {
      case 0:
        a.data = memory + (d - 1) * Int(strides[0])
        strides[0] = -strides[0]
      case 1: strides[0] = 0
      default: break
      }
    }
    let chunks = shape.map { _ in Int64(1 + input.below(4)) } + [1]
    let hasChunks = input.rarely(3)
    let mode = input.rarely(3) ? MARS_ALIAS : MARS_COPY
    var t: OpaquePointer? = nil
    let ok = extents.withUnsafeMutableBufferPointer { e in
      strides.withUnsafeMutableBufferPointer { s in
        a.shape = UnsafePointer(e.baseAddress)
        a.strides = UnsafePointer(s.baseAddress)
        return chunks.withUnsafeBufferPointer {
          Program.check(mars_tensor_from_array(&t, &a, mode, hasChunks ? $0.baseAddress : nil), "from_array")
        }
      }
    }
    if ok {
      keep(t)
    } else {
      memory.deallocate()
      Counters.arrays.add(-1)
    }
  }

  private mutating func operand() -> (mars_operand, Held?) {
    var o = mars_operand()
    o.struct_size = UInt32(MemoryLayout<mars_operand>.size)
    if !input.rarely(5), let t = tensor() {
      o.kind = MARS_OPERAND_TENSOR
      o.tensor = t.tensor
      return (o, t)
    }
    o.kind = Int32(1 + input.below(7))
    o.i = Int64(input.int())
    o.re = input.double()
    o.im = input.double()
    return (o, nil)
  }

  private mutating func apply() { apply(input.pick(Operator.all), AttributeList(), isFree: true) }

  private mutating func apply(_ op: Operator, _ attributes: AttributeList, isFree: Bool) {
    let n = op.isVariadic ? input.below(max(4, op.inputs + 1)) : input.rarely(30) ? input.below(4) : op.inputs
    var operands: [mars_operand] = []
    var isBig = false
    var isExact = true
    var isCallback = false
    var isInteger = true
    for _ in 0..<n {
      let (o, t) = operand()
      operands.append(o)
      if let t {
        isBig = isBig || t.isBig
        isExact = isExact && t.isExact
        isCallback = isCallback || t.isCallback
        isInteger = isInteger && Program.type(t.tensor).dtype < MARS_FLOAT16
      }
    }
    if isFree { for a in op.attributes where a.isRequired ? !input.rarely(30) : input.rarely(3) { attributes.add(a, &input) } }
    let room = max(1, op.outputs + (op.isOpenEnded ? 4 : input.rarely(40) ? 1 : 0))
    var out = [OpaquePointer?](repeating: nil, count: room)
    let origin = input.rarely(2) ? "program:\(tensors.count)" : nil
    if Program.trace { Program.say("apply \(op.name)") }
    guard
      Program.check(
        mars_graph_apply(
          &out, input.rarely(60) ? 0 : room, graphs.last, op.number, operands, n, attributes.values, attributes.values.count, origin),
        "apply \(op.name)")
    else {
      if out.contains(where: { $0 != nil }) { Program.fail("apply \(op.name): a failing call gave something") }
      return
    }
    for case let t? in out {
      let integer = isInteger && Program.type(t).dtype < MARS_FLOAT16
      keep(t, big: isBig, exact: isExact && (op.isUfunc || integer || Operator.moving.contains(op.name)), callback: isCallback)
    }
  }

  /// A basic slice that fits.
  private mutating func slice() {
    guard let t = tensor(), let op = Operator.byName["view"] else { return }
    var shape: [Int] = []
    var starts: [Int] = []
    var steps: [Int] = []
    for n in Program.type(t.tensor).shape {
      let step = input.pick([1, 1, 2, -1, -2, 3])
      let start = n <= 0 ? 0 : input.below(n)
      let most = n <= 0 ? 0 : step > 0 ? (n - start + step - 1) / step : start / -step + 1
      starts.append(start)
      steps.append(step)
      shape.append(max(0, min(most, most - input.below(2))))
    }
    let a = AttributeList()
    a.add("axes", ints: Array(shape.indices))
    a.add("starts", ints: starts)
    a.add("steps", ints: steps)
    a.add("shape", ints: shape)
    var o = mars_operand()
    o.struct_size = UInt32(MemoryLayout<mars_operand>.size)
    o.tensor = t.tensor
    var v: OpaquePointer? = nil
    guard Program.check(mars_graph_apply(&v, 1, nil, op.number, &o, 1, a.values, a.values.count, nil), "slice") else { return }
    guard let v else { Program.fail("slice gave nothing") }
    if Program.type(v).shape != shape { Program.fail("a slice of shape \(shape) has shape \(Program.type(v).shape)") }
    var shares: Int32 = 0
    let wanted: Int32 = Program.isScalar(t.tensor) ? 0 : 1
    if Program.check(mars_tensor_shares_storage(&shares, v, t.tensor), "shares_storage"), shares != wanted {
      Program.fail(wanted == 1 ? "a slice is no view" : "a scalar has a view")
    }
    keep(v, big: t.isBig, exact: t.isExact, callback: t.isCallback)
  }

  private mutating func assign() {
    guard let t = tensor() else { return }
    var (o, source) = operand()
    // What others see through the same storage changes with it.
    if let source, source.isBig || !source.isExact || source.isCallback { return }
    if t.isBig { return }
    let isWritten = Program.check(mars_tensor_assign(t.tensor, &o, input.rarely(2) ? "assign" : nil), "assign")
    if isWritten && Program.isScalar(t.tensor) { Program.fail("a scalar was written to") }
  }

  // MARK: Running

  private mutating func several() -> [Held] {
    var out: [Held] = []
    for _ in 0...input.below(3) { if let t = tensor() { out.append(t) } }
    return out
  }

  private mutating func execute() {
    let list = several()
    if list.contains(where: \.isBig) { return startAndCancel(list) }
    Program.check(mars_execute(nil, session(), list.map { $0.tensor }, list.count, nil, 0), "execute")
  }

  private mutating func startAndCancel(_ list: [Held]) {
    var run: OpaquePointer? = nil
    guard Program.check(mars_execute_async(&run, session(), list.map { $0.tensor }, list.count, nil, 0), "execute_async") else { return }
    _ = mars_run_wait(run, Double(input.below(20)) * 1e-3)
    Program.check(mars_run_cancel(run), "cancel")
    if mars_run_wait(run, 5) == MARS_ERROR_TIMEOUT { Program.fail("a cancelled run does not end") }
    mars_run_release(run)
  }

  private struct Fetched: Equatable {
    let dtype: Int32
    let shape: [Int]
    /// In C order.
    let bytes: [UInt8]
  }

  private static func fetched(_ session: OpaquePointer, _ t: OpaquePointer, _ what: String) -> Fetched? {
    var a = mars_array()
    a.struct_size = UInt32(MemoryLayout<mars_array>.size)
    guard check(mars_fetch(&a, session, t), what) else { return nil }
    defer { mars_array_release(&a) }
    let shape = (0..<Int(a.ndim)).map { Int(a.shape[$0]) }
    let strides = (0..<Int(a.ndim)).map { Int(a.strides[$0]) }
    let size = [0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16][Int(a.dtype)]
    let n = shape.reduce(1, *)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(n * size)
    for e in 0..<n {
      var (rest, offset) = (e, 0)
      for k in shape.indices.reversed() {
        offset += rest % shape[k] * strides[k]
        rest /= shape[k]
      }
      for b in 0..<size { bytes.append(a.data.load(fromByteOffset: offset + b, as: UInt8.self)) }
    }
    return Fetched(dtype: a.dtype, shape: shape, bytes: bytes)
  }

  private mutating func fetch() {
    guard let t = tensor(), !t.isBig else { return }
    let s = session()
    let promised = Program.type(t.tensor)
    guard let a = Program.fetched(s, t.tensor, "fetch") else { return }
    if a.dtype != promised.dtype || a.shape.count != promised.shape.count
      || zip(a.shape, promised.shape).contains(where: { $1 >= 0 && $0 != $1 })
    {
      Program.fail("a tensor said to be \(promised) is \(a.dtype) \(a.shape)")
    }
    if let b = Program.fetched(s, t.tensor, "fetch again"), a != b { Program.fail("fetched twice, a tensor has other values") }
    if input.rarely(3) {
      var into = mars_array()
      into.struct_size = UInt32(MemoryLayout<mars_array>.size)
      into.dtype = a.dtype
      into.ndim = Int32(a.shape.count)
      var memory = [UInt8](repeating: 0xEE, count: a.bytes.count + 1)
      var shape = a.shape.map(Int64.init) + [0]
      let ok = memory.withUnsafeMutableBytes { m in
        shape.withUnsafeMutableBufferPointer { e in
          into.data = m.baseAddress
          into.shape = UnsafePointer(e.baseAddress)
          return Program.check(mars_fetch_into(s, t.tensor, &into), "fetch_into")
        }
      }
      if ok && Array(memory.dropLast()) != a.bytes { Program.fail("fetch_into gives other values than fetch") }
    }
  }

  /// The tensor's graph file, run in small chunks without fusing, gives what the tensor itself gives.
  private mutating func compare() {
    guard let t = tensor(), !t.isBig, !t.isCallback, let bytes = Program.file([("y", t.tensor)]) else { return }
    guard let g = Program.parse(bytes) else { Program.fail("a graph file of ours cannot be read") }
    defer { mars_graph_release(g) }
    var again: OpaquePointer? = nil
    guard Program.check(mars_graph_get_output(&again, nil, g, 0), "get_output"), let again else { Program.fail("an output is lost") }
    defer { mars_tensor_release(again) }
    let a = Program.fetched(Program.whole, t.tensor, "fetch to compare")
    let b = Program.fetched(Program.chunked, again, "fetch in chunks")
    guard let a, let b else {
      if t.isExact && (a == nil) != (b == nil) { Program.fail("an error depends on chunks") }
      return
    }
    if a.dtype != b.dtype || a.shape != b.shape && t.isExact {
      Program.fail("chunks change a type: \(a.dtype) \(a.shape), \(b.dtype) \(b.shape)")
    }
    if t.isExact && a != b {
      Program.fail("chunks change values of dtype \(a.dtype), shape \(a.shape): \(a.bytes.prefix(64)) and \(b.bytes.prefix(64))")
    }
  }

  private mutating func start() {
    let list = several()
    if runs.count > 3 { return }
    var run: OpaquePointer? = nil
    guard Program.check(mars_execute_async(&run, session(), list.map { $0.tensor }, list.count, nil, 0), "execute_async") else { return }
    guard let run else { Program.fail("no run") }
    if list.contains(where: \.isBig) { Program.check(mars_run_cancel(run), "cancel") }
    runs.append(run)
  }

  private mutating func control() {
    guard !runs.isEmpty else { return }
    let r = runs[input.below(runs.count)]
    switch input.below(5) {
    case 0: Program.check(mars_run_cancel(r), "cancel")
    case 1: Program.check(mars_run_wait(r, Double(input.below(10)) * 1e-3), "wait")
    case 2:
      var p = mars_progress()
      p.struct_size = UInt32(MemoryLayout<mars_progress>.size)
      if Program.check(mars_run_progress(&p, r), "progress"), p.tasks_done > p.tasks_total || p.tasks_done < 0 {
        Program.fail("\(p.tasks_done) of \(p.tasks_total) tasks")
      }
    case 3:
      var out = [OpaquePointer?](repeating: nil, count: 4)
      let n = 1 + input.below(3)
      if Program.check(mars_run_results(&out, n, r), "results") {
        for case let t? in out { keep(t, big: true, exact: false, callback: true) }
      }
    default:
      runs.removeAll { $0 == r }
      mars_run_release(r)
    }
  }

  // MARK: Graphs

  /// A graph file of named outputs.
  private static func file(_ outputs: [(String, OpaquePointer)]) -> [UInt8]? {
    var g: OpaquePointer? = nil
    guard check(mars_graph_new(&g), "graph_new") else { return nil }
    defer { mars_graph_release(g) }
    for (name, t) in outputs where !check(mars_graph_output(g, name, t), "graph_output") { return nil }
    return bytes(g)
  }

  private static func bytes(_ g: OpaquePointer?) -> [UInt8]? {
    var s: OpaquePointer? = nil
    guard check(mars_graph_serialize(&s, g), "serialize"), let p = mars_string_data(s) else { return nil }
    defer { mars_string_release(s) }
    return Array(UnsafeRawBufferPointer(start: p, count: Int(mars_string_size(s))))
  }

  private static func parse(_ bytes: [UInt8]) -> OpaquePointer? {
    var g: OpaquePointer? = nil
    return check(mars_graph_parse(&g, bytes, bytes.count, 0), "parse") ? g : nil
  }

  private mutating func serialise() {
    var bytes: [UInt8]
    if let g = graphs.last, input.rarely(2) {
      guard let b = Program.bytes(g) else { return }
      bytes = b
    } else {
      guard let t = tensor(), !t.isCallback, let b = Program.file([("y", t.tensor)]) else { return }
      bytes = b
    }
    if input.rarely(2) {
      // Any other bytes: an error, or a graph like any other.
      for _ in 0...input.below(4) where !bytes.isEmpty { bytes[(input.byte() << 8 | input.byte()) % bytes.count] = UInt8(input.byte()) }
      if input.rarely(4) { bytes.removeLast(min(bytes.count, input.byte())) }
      guard let g = Program.parse(bytes) else { return }
      var n: Int64 = 0
      if Program.check(mars_graph_output_count(&n, g), "output_count"), n > 0 {
        var t: OpaquePointer? = nil
        if Program.check(mars_graph_get_output(&t, nil, g, Int64(input.below(Int(n)))), "get_output") {
          keep(t, big: true, exact: false, callback: true)
        }
      }
      if graphs.count < 4 { graphs.append(g) } else { mars_graph_release(g) }
      return
    }
    guard let g = Program.parse(bytes) else { return }
    guard let again = Program.bytes(g) else { Program.fail("a graph that was read cannot be written") }
    if again != bytes { Program.fail("a graph file changes as it is read and written") }
    mars_graph_release(g)
  }

  private mutating func graphPorts() {
    if graphs.isEmpty || input.rarely(4) {
      var g: OpaquePointer? = nil
      if graphs.count < 4, Program.check(mars_graph_new(&g), "graph_new"), let g { graphs.append(g) }
    }
    guard let g = graphs.last else { return }
    let name = input.pick(["x", "y", "z", ""])
    if input.rarely(2) {
      if let t = tensor() { Program.check(mars_graph_output(g, name, t.tensor), "graph_output") }
    } else {
      let shape = (input.shape().map { input.rarely(4) ? -1 : $0 } + [0]).map(Int64.init)
      var t: OpaquePointer? = nil
      if Program.check(mars_graph_input(&t, g, name, Int32(1 + input.below(15)), shape, Int32(shape.count - 1)), "graph_input") { keep(t) }
    }
  }

  private mutating func bound() {
    let list = several()
    var names: [UnsafeMutablePointer<CChar>?] = []
    defer { for p in names { free(p) } }
    var bindings: [mars_binding] = []
    var isBig = list.contains(where: \.isBig)
    for _ in 0...input.below(2) {
      guard let t = tensor() else { return }
      isBig = isBig || t.isBig
      names.append(strdup(input.pick(["x", "y", "z"])))
      var b = mars_binding()
      b.struct_size = UInt32(MemoryLayout<mars_binding>.size)
      b.name = UnsafePointer(names[names.count - 1])
      b.tensor = t.tensor
      bindings.append(b)
    }
    if isBig { return }
    var out = [OpaquePointer?](repeating: nil, count: max(1, list.count))
    if Program.check(mars_execute(&out, session(), list.map { $0.tensor }, list.count, bindings, bindings.count), "execute with inputs") {
      for case let t? in out { keep(t) }
    }
  }

  // MARK: Everything else

  private mutating func release() {
    let n = tensors.count + graphs.count + runs.count + sessions.count
    if n == 0 { return }
    var i = input.byte() % n
    if i < tensors.count { return mars_tensor_release(tensors.remove(at: i).tensor) }
    i -= tensors.count
    if i < graphs.count { return mars_graph_release(graphs.remove(at: i)) }
    i -= graphs.count
    if i < runs.count { return mars_run_release(runs.remove(at: i)) }
    mars_session_release(sessions.remove(at: i - runs.count))
  }

  private mutating func look() {
    guard let t = tensor() else { return }
    var text: OpaquePointer? = nil
    switch input.below(6) {
    case 0: Program.check(mars_explain(&text, session(), [t.tensor], 1), "explain")
    case 1: Program.check(mars_tensor_chunks(&text, session(), t.tensor), "chunks")
    case 2 where !t.isBig: Program.check(mars_plan_cut(&text, session(), [t.tensor], 1, Int64(input.below(5))), "cut")
    case 3:
      var s: OpaquePointer? = nil
      if Program.check(mars_tensor_snapshot(&s, t.tensor), "snapshot") { keep(s, big: t.isBig, exact: t.isExact, callback: t.isCallback) }
    case 4:
      if let r = mars_tensor_retain(t.tensor) {
        tensors.append(Held(tensor: r, isBig: t.isBig, isExact: t.isExact, isCallback: t.isCallback))
      }
    default: Program.check(mars_session_statistics(&text, session()), "statistics")
    }
    if let text, mars_string_size(text) < 2 { Program.fail("a text is empty") }
    mars_string_release(text)
  }

  private mutating func callback() {
    guard let t = tensor() else { return }
    let user = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
    user.storeBytes(of: UInt8(input.byte()), as: UInt8.self)
    Counters.functions.add(1)
    var out: OpaquePointer? = nil
    let dtype = input.rarely(2) ? Program.type(t.tensor).dtype : Int32(1 + input.below(15))
    let status = mars_tensor_map_chunk(
      &out, t.tensor, dtype,
      { user, _, output, _, message, size in
        guard let user, let output else { return 1 }
        let how = user.load(as: UInt8.self)
        if how % 16 == 3 {
          Program.put("no", message, size)
          return 7
        }
        Program.fill(output.pointee, how)
        return 0
      }, user,
      { user in
        user?.deallocate()
        Counters.functions.add(-1)
      }, nil)
    if Program.check(status, "map_chunk") {
      keep(out, big: t.isBig, exact: t.isExact, callback: true)
    } else {
      user.deallocate()
      Counters.functions.add(-1)
    }
  }

  private static func put(_ text: String, _ at: UnsafeMutablePointer<CChar>?, _ size: Int) {
    guard let at, size > text.utf8.count else { return }
    for (k, c) in text.utf8CString.enumerated() { at[k] = c }
  }

  /// Writes every byte of a chunk; all are 0 or 1, which is a value of any dtype.
  private static func fill(_ a: mars_array, _ how: UInt8) {
    let shape = (0..<Int(a.ndim)).map { Int(a.shape[$0]) }
    let size = [0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16][Int(a.dtype)]
    for e in 0..<shape.reduce(1, *) {
      var (rest, offset) = (e, 0)
      for k in shape.indices.reversed() {
        offset += rest % shape[k] * Int(a.strides[k])
        rest /= shape[k]
      }
      for b in 0..<size { a.data.storeBytes(of: how & 1, toByteOffset: offset + b, as: UInt8.self) }
    }
  }

  private mutating func exchange() {
    guard let t = tensor(), !t.isBig else { return }
    var managed: UnsafeMutableRawPointer? = nil
    guard Program.check(mars_tensor_to_dlpack(&managed, session(), t.tensor), "to_dlpack") else { return }
    var out: OpaquePointer? = nil
    if Program.check(mars_tensor_from_dlpack(&out, managed), "from_dlpack") {
      keep(out)
    } else if let managed {
      let m = managed.assumingMemoryBound(to: cmars_dl_managed.self)
      m.pointee.deleter?(m)
    }
  }

  private mutating func options() {
    if sessions.count < 2, input.rarely(2) {
      let all = [
        ("workers", "1"), ("workers", "2"), ("chunk_bytes", "64"), ("fuse", "0"), ("trace", "1"), ("memory_limit", "many"), ("x", "y"),
      ]
      var given: [(String, String)] = []
      for _ in 0..<input.below(3) { given.append(input.pick(all)) }
      if let s = Program.open(given) { sessions.append(s) }
    } else if let s = sessions.last {
      let (key, value) = input.pick([("chunk_bytes", "128"), ("fuse", "1"), ("workers", "2"), ("workers", "-1"), ("trace", "0"), ("", "")])
      Program.check(mars_session_set_option(s, key, value), "set_option")
    }
  }

  /// Pins chunks of any size.
  private mutating func chunk() {
    guard let op = Operator.byName["rechunk"] else { return }
    let a = AttributeList()
    a.add("chunk_size", ints: (0...input.below(3)).map { _ in input.rarely(10) ? input.int() : 1 + input.below(6) })
    apply(op, a, isFree: false)
  }
}
