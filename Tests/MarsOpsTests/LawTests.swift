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
  /// What MARS_LAWS names ("add sum").
  static let chosen = ProcessInfo.processInfo.environment["MARS_LAWS"].map { $0.split(separator: " ").map(String.init) }
  /// All pure operators, or those that were chosen.
  static let operators: [String] = marsRegistry.all.filter { $0.effects == .pure && LawCases.exceptions[$0.name] == nil }.map(\.name)
    .filter { chosen?.contains($0) ?? true }

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

  /// A name that is misspelt, or an operator that is in no family, would be a run of nothing that passes.
  @Test func whatIsChosenIsRun() {
    for name in LawTests.chosen ?? [] {
      #expect(
        LawTests.operators.contains(name),
        "MARS_LAWS: \(marsRegistry[name] == nil ? "no family has an operator" : "the laws leave out") '\(name)'")
    }
  }

  @Test func exceptionsAreOperators() {
    for name in LawCases.exceptions.keys { #expect(marsRegistry[name] != nil, "\(name) is gone") }
    for name in Array(LawCases.special.keys) + LawCases.more.keys { #expect(marsRegistry[name] != nil, "\(name) is gone") }
  }
}
