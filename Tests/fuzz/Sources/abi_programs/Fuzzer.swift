import CMars
import Foundation
import MarsABI
import Synchronization

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<Int32>, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Reads any bytes as a program of calls, and makes them.
@main enum ABIProgramsFuzzer {
  static func main() {
    var argc = CommandLine.argc
    var argv = CommandLine.unsafeArgv
    _ = withUnsafeMutablePointer(to: &argv) { p in
      p.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1) {
        runDriver(&argc, $0, testOneInput)
      }
    }
  }
}

/// One input.  libFuzzer's own main, which the linker takes in beside ours, wants this name.
@_cdecl("LLVMFuzzerTestOneInput") func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  var program = Program(Input(UnsafeBufferPointer(start: data, count: count)))
  program.run()
  return 0
}

/// What a program has handed over and must get back.
struct Counter: ~Copyable, Sendable {
  private let value = Atomic<Int>(0)
  func add(_ n: Int) { value.add(n, ordering: .sequentiallyConsistent) }
  var now: Int { value.load(ordering: .sequentiallyConsistent) }
}

enum Counters {
  static let arrays = Counter()
  static let functions = Counter()

  /// After everything was released, the library gives everything back, as soon as its threads have ended what they were doing.
  static func expectQuiet() {
    for _ in 0..<2000 {
      if arrays.now == 0 && functions.now == 0 { return }
      usleep(1000)
    }
    Program.fail("\(arrays.now) arrays and \(functions.now) functions are not given back")
  }
}

/// Side tables of weakly referenced Swift objects are found through disguised pointers, which the leak checker cannot follow.
@_cdecl("__lsan_default_suppressions") func suppressions() -> UnsafePointer<CChar>? {
  let text: StaticString = "leak:formWeakReference\n"
  return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
