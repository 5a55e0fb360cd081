import MarsBase
import MarsFormat
import MarsGraph
import MarsOps

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<Int32>, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Reads any bytes as a graph, of the few operators of the format's tests and of all that Mars has; what can be read must be written and read
/// again to the same bytes.  Nothing runs: the rules of types, and the bodies that write operators in others, see hostile attributes here.
@main enum GraphDecodeFuzzer {
  private static func options(files: Bool) -> DecodeOptions {
    var o = DecodeOptions()
    o.capabilities.files = files
    o.limits.parseBytes = 16 << 20
    o.limits.nodes = 10_000
    return o
  }
  static let readers = [
    (registry: TestOperators.registry, options: options(files: true)),
    // Operators of files look at the files that they name, which may be any.
    (registry: marsRegistry, options: options(files: false)),
  ]

  static func main() {
    // The first folder is the one into which what is found goes.
    if let folder = CommandLine.arguments.dropFirst().first(where: { !$0.hasPrefix("-") }) { Seeds.write(into: folder) }
    var argc = CommandLine.argc
    var argv = CommandLine.unsafeArgv
    _ = withUnsafeMutablePointer(to: &argv) { p in
      p.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1) {
        runDriver(&argc, $0, testOneInput)
      }
    }
  }

  static func check(_ bytes: UnsafeRawBufferPointer) {
    for r in readers { check(bytes, r.registry, r.options) }
  }

  private static func check(_ bytes: UnsafeRawBufferPointer, _ registry: OpRegistry, _ options: DecodeOptions) {
    guard let g = try? GraphCodec.decode(bytes, registry: registry, options: options) else { return }
    do throws(MarsError) {
      let once = try write(g)
      let again = try write(try GraphCodec.decode(once, registry: registry, options: options))
      precondition(once == again, "a graph changes as it is written and read")
    } catch { fatalError("a graph that was read cannot be written and read again: \(error.message)") }
  }

  private static func write(_ g: GraphFile) throws(MarsError) -> [UInt8] {
    var o = EncodeOptions()
    o.writesOrigins = true
    o.hints = g.hints
    return try GraphCodec.encode(outputs: g.outputs, inputs: g.inputs, options: o)
  }
}

/// One input.  libFuzzer's own main, which the linker takes in beside ours, wants this name.
@_cdecl("LLVMFuzzerTestOneInput") func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  GraphDecodeFuzzer.check(UnsafeRawBufferPointer(start: data, count: count))
  return 0
}
