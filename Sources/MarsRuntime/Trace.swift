import MarsBase
import MarsGraph
import MarsPlan

/// Events of traced runs, for Chrome's trace viewer.
package final class Trace: Sendable {
  enum Kind: UInt8, BitwiseCopyable { case task, spill, unspill }
  struct Event: BitwiseCopyable {
    var kind: Kind
    var label: Int32
    var worker: Int32
    var task: Int32
    /// Nanoseconds on the monotonic clock.
    var begin: Int
    var end: Int
    var bytes: Int
  }
  private struct Record {
    var labels: [String] = []
    var events: [Event] = []
    var isOn = false
  }
  private let record = Locked(Record())

  /// Enters the labels of a plan's stages and returns the number of the first.
  func register(_ plan: Plan) -> Int32 {
    record.withLock { r in
      r.isOn = true
      let base = Int32(r.labels.count)
      for s in plan.stages { r.labels.append(s.labels.isEmpty ? s.node.op.name : s.labels.joined(separator: "+")) }
      return base
    }
  }

  func add(_ events: inout Column<Event>) {
    var fresh: [Event] = []
    for i in 0..<events.count { fresh.append(events[i]) }
    events.removeAll()
    record.withLock { r in r.events += fresh }
  }

  func addIO(_ kind: Kind, begin: Int, bytes: Int) {
    let end = EngineLock.nanoseconds()
    record.withLock { r in
      if r.isOn { r.events.append(Event(kind: kind, label: -1, worker: 1000, task: -1, begin: begin, end: end, bytes: bytes)) }
    }
  }

  func lockForFork() { record.lockForFork() }
  func unlockAfterFork() { record.unlockAfterFork() }
  func reinitialiseInChild() { record.reinitialiseInChild() }

  /// Number of events recorded.
  package var count: Int { record.withLock { $0.events.count } }

  /// The events since the last call in Chrome's JSON format; times in microseconds.
  package func json() -> String {
    let r = record.withLock { r in
      let taken = r
      r.events = []
      return taken
    }
    var out = "{\"traceEvents\":["
    for (i, e) in r.events.enumerated() {
      if i > 0 { out += "," }
      let name: String
      switch e.kind {
      case .task: name = e.label >= 0 && Int(e.label) < r.labels.count ? r.labels[Int(e.label)] : "task"
      case .spill: name = "spill"
      case .unspill: name = "unspill"
      }
      out += "\n{\"name\":\(JSONWriter.quote(name)),\"ph\":\"X\",\"pid\":1,\"tid\":\(e.worker),\"ts\":\(Trace.micro(e.begin)),"
      out += "\"dur\":\(Trace.micro(e.end - e.begin)),\"args\":{\"task\":\(e.task),\"bytes\":\(e.bytes)}}"
    }
    return out + "\n]}\n"
  }

  private static func micro(_ ns: Int) -> String {
    let rest = String(ns % 1000)
    return "\(ns / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }
}
