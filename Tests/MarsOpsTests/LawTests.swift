import Foundation
import MarsBase
import MarsGraph
import MarsOps
import Testing

/// The laws of every operator: see Laws.swift for what they say.
struct LawTests {
  static let runner = Result {
    try LawRunner(cache: FileManager.default.temporaryDirectory.appendingPathComponent("mars-laws-\(getpid())").path)
  }
  /// All pure operators, or those that MARS_LAWS names ("add sum").
  static let operators: [String] = {
    let chosen = ProcessInfo.processInfo.environment["MARS_LAWS"].map { $0.split(separator: " ").map(String.init) }
    return marsRegistry.all.filter { $0.effects == .pure && LawCases.exceptions[$0.name] == nil }.map(\.name).filter {
      chosen?.contains($0) ?? true
    }
  }()

  @Test(arguments: operators)
  func lawsHold(_ name: String) throws {
    let op = try #require(marsRegistry[name])
    let cases = LawCases.of(op)
    #expect(!cases.isEmpty, "\(name) declares nothing that the laws could run: give it samples")
    // Every case runs whole and in chunks; every other way runs a quarter of the cases, another one for every way.
    let ways = LawRunner.Way.allCases
    let failures = try LawTests.runner.get().check(cases) { i, way in
      cases.count < 9 || (i + (ways.firstIndex(of: way) ?? 0)) % 4 == 0
    }
    #expect(failures.count == 0, "\(failures.count) failures:\n\(failures.prefix(6).joined(separator: "\n"))")
  }

  @Test func exceptionsAreOperators() {
    for name in LawCases.exceptions.keys { #expect(marsRegistry[name] != nil, "\(name) is gone") }
    for name in Array(LawCases.special.keys) + LawCases.more.keys { #expect(marsRegistry[name] != nil, "\(name) is gone") }
  }
}
