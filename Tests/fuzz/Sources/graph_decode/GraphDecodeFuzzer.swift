import MarsBase
import MarsFormat
import MarsGraph

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<Int32>, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Reads any bytes as a graph; what can be read must be written and read again to the same bytes.
@main enum GraphDecodeFuzzer {
  static let options: DecodeOptions = {
    var o = DecodeOptions()
    o.capabilities.files = true
    o.limits.parseBytes = 16 << 20
    o.limits.nodes = 10_000
    return o
  }()

  static func main() {
    var argc = CommandLine.argc
    var argv = CommandLine.unsafeArgv
    _ = withUnsafeMutablePointer(to: &argv) { p in
      p.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1) {
        runDriver(&argc, $0, testOneInput)
      }
    }
  }

  static func check(_ bytes: UnsafeRawBufferPointer) {
    guard let g = try? GraphCodec.decode(bytes, registry: TestOperators.registry, options: options) else { return }
    do throws(MarsError) {
      let once = try write(g)
      let again = try write(try GraphCodec.decode(once, registry: TestOperators.registry, options: options))
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
