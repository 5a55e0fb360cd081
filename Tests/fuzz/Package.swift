// swift-tools-version: 6.2
// Fuzz targets, in a package of their own so that ordinary builds do not pay for them; run scripts/fuzz.sh.
// Sources are links into the main package: everything is compiled again, with coverage and the address sanitizer.
import PackageDescription

let fuzzed: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"]),
]
let fuzzedC: [CSetting] = [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]
let fuzzer: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]

let package = Package(
  name: "marsfuzz",
  targets: [
    .target(name: "CMars", cSettings: fuzzedC),
    .target(name: "CLLVM", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CBLAS", linkerSettings: [.linkedLibrary("openblas")]),
    .target(name: "CVectorSort", cSettings: fuzzedC),
    .target(name: "CGraphProto", cSettings: fuzzedC, linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(name: "MarsBase", swiftSettings: fuzzed),
    .target(name: "MarsNumerics", dependencies: ["MarsBase", "CBLAS", "CVectorSort"], swiftSettings: fuzzed),
    .target(name: "MarsGraph", dependencies: ["MarsBase"], swiftSettings: fuzzed),
    .target(name: "MarsOps", dependencies: ["MarsBase", "MarsGraph", "MarsNumerics"], swiftSettings: fuzzed),
    .target(name: "MarsFormat", dependencies: ["MarsBase", "MarsGraph", "CGraphProto"], swiftSettings: fuzzed),
    .target(name: "MarsPlan", dependencies: ["MarsBase", "MarsGraph"], swiftSettings: fuzzed),
    .target(name: "MarsJIT", dependencies: ["MarsBase", "MarsGraph", "CLLVM"], swiftSettings: fuzzed),
    .target(
      name: "MarsRuntime", dependencies: ["MarsBase", "MarsGraph", "MarsNumerics", "MarsPlan", "MarsJIT"], swiftSettings: fuzzed),
    .target(
      name: "MarsSession",
      dependencies: ["MarsBase", "MarsGraph", "MarsNumerics", "MarsOps", "MarsFormat", "MarsPlan", "MarsJIT", "MarsRuntime"],
      swiftSettings: fuzzed),
    .target(
      name: "MarsABI", dependencies: ["MarsBase", "MarsSession", "CMars"], exclude: ["exports.map"],
      swiftSettings: [.enableUpcomingFeature("ExistentialAny"), .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])]),
    .executableTarget(
      name: "graph_decode", dependencies: ["MarsBase", "MarsGraph", "MarsFormat", "MarsOps"], swiftSettings: fuzzed, linkerSettings: fuzzer),
    .executableTarget(name: "abi_programs", dependencies: ["CMars", "MarsABI"], swiftSettings: fuzzed, linkerSettings: fuzzer),
  ]
)
