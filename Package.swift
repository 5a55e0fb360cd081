// swift-tools-version: 6.2
// The house: one target per floor (see ARCHITECTURE.md). scripts/check_layers.py compares every target's imports with its table.
import PackageDescription

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility")]
/// Floors on which raw pointers must not appear.
let memorySafe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// MARS_SHARED=1 (set by CMake) builds the product: libmars.so with Swift's runtime inside, exporting mars.h's functions only.
/// Debug, test and sanitizer builds leave it unset: they need the dynamic runtime, and may not be linked with `-z defs`.
let shared = Context.environment["MARS_SHARED"] == "1"
let abiSwift: [SwiftSetting] = shared ? [.unsafeFlags(["-static-stdlib"])] : []
let abiLinker: [LinkerSetting] =
  shared
  ? [
    .unsafeFlags([
      "-static-stdlib", "-use-ld=lld",
      "-Xlinker", "-z", "-Xlinker", "defs",
      // The library cannot be unloaded: closing it while its runtime has registered metadata crashes.
      "-Xlinker", "-z", "-Xlinker", "nodelete",
      "-Xlinker", "-soname=libmars.so.0",
      "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/MarsABI/exports.map",
    ])
  ] : []

func test(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)Tests",
    exclude: ["MarsOps": ["Fixtures"], "MarsFormat": ["golden"]][name] ?? [],
    swiftSettings: strict)
}

let package = Package(
  name: "mars",
  products: [
    .library(name: "mars", type: .dynamic, targets: ["MarsABI"]),
    .executable(name: "marsgen", targets: ["marsgen"]),
  ],
  targets: [
    // Floor 0: C.
    .target(name: "CMars", path: "Sources/CMars"),
    .target(name: "CLLVM", path: "Sources/CLLVM", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CBLAS", path: "Sources/CBLAS", linkerSettings: [.linkedLibrary("openblas")]),
    .target(name: "CVectorSort", path: "Sources/CVectorSort"),
    .target(name: "CGraphProto", path: "Sources/CGraphProto", linkerSettings: [.linkedLibrary("protobuf-c")]),
    // Floor 1.
    .target(name: "MarsBase", swiftSettings: strict),
    // Floor 2.
    .target(name: "MarsNumerics", dependencies: ["MarsBase", "CBLAS", "CVectorSort"], swiftSettings: strict),
    .target(name: "MarsGraph", dependencies: ["MarsBase"], swiftSettings: strict),
    // Floor 3.
    .target(name: "MarsOps", dependencies: ["MarsBase", "MarsGraph", "MarsNumerics"], swiftSettings: memorySafe),
    .target(name: "MarsFormat", dependencies: ["MarsBase", "MarsGraph", "CGraphProto"], swiftSettings: strict),
    .target(name: "MarsPlan", dependencies: ["MarsBase", "MarsGraph"], swiftSettings: memorySafe),
    .target(name: "MarsJIT", dependencies: ["MarsBase", "MarsGraph", "CLLVM"], swiftSettings: strict),
    // Floor 4.
    .target(
      name: "MarsRuntime", dependencies: ["MarsBase", "MarsGraph", "MarsNumerics", "MarsPlan", "MarsJIT"], swiftSettings: strict),
    // Floor 5.
    .target(
      name: "MarsSession",
      dependencies: ["MarsBase", "MarsGraph", "MarsNumerics", "MarsOps", "MarsFormat", "MarsPlan", "MarsJIT", "MarsRuntime"],
      swiftSettings: strict),
    // Floor 6.
    .target(
      name: "MarsABI", dependencies: ["MarsBase", "MarsSession", "CMars"], exclude: ["exports.map"],
      // Members of types that MarsSession re-exports are visible here without importing lower floors.
      swiftSettings: [.enableUpcomingFeature("ExistentialAny")] + abiSwift, linkerSettings: abiLinker),
    .executableTarget(name: "marsgen", dependencies: ["MarsBase", "MarsGraph", "MarsOps"], swiftSettings: strict),

    // What several of the test targets need: files in memory, numbers.
    .target(name: "TestSupport", dependencies: ["MarsBase"], path: "Tests/TestSupport", swiftSettings: strict),
    test("MarsBase", ["MarsBase"]),
    test("MarsNumerics", ["CBLAS", "CVectorSort", "MarsBase", "MarsNumerics"]),
    test("MarsGraph", ["MarsBase", "MarsGraph", "MarsOps"]),
    test(
      "MarsOps", ["MarsBase", "MarsGraph", "MarsNumerics", "MarsOps", "MarsFormat", "MarsPlan", "MarsJIT", "MarsRuntime", "MarsSession"]),
    test("MarsFormat", ["MarsBase", "MarsGraph", "MarsFormat", "MarsOps"]),
    test("MarsPlan", ["MarsBase", "MarsGraph", "MarsOps", "MarsPlan"]),
    test("MarsJIT", ["MarsBase", "MarsGraph", "MarsJIT"]),
    test("MarsRuntime", ["MarsBase", "MarsGraph", "MarsNumerics", "MarsPlan", "MarsJIT", "MarsRuntime"]),
    test("MarsSession", ["MarsBase", "MarsGraph", "MarsOps", "MarsPlan", "MarsRuntime", "MarsSession"]),
  ]
)
