// swift-tools-version: 6.2
// Fuzz targets, in a package of their own so that ordinary builds do not pay for them; run scripts/fuzz.sh.
// Sources are links into the main package: everything is compiled again, with coverage and the address sanitizer.
import PackageDescription

let fuzzed: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"]),
]

let package = Package(
  name: "marsfuzz",
  targets: [
    .target(
      name: "CGraphProto", path: "Sources/CGraphProto", cSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])],
      linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(name: "MarsBase", swiftSettings: fuzzed),
    .target(name: "MarsGraph", dependencies: ["MarsBase"], swiftSettings: fuzzed),
    .target(name: "MarsFormat", dependencies: ["MarsBase", "MarsGraph", "CGraphProto"], swiftSettings: fuzzed),
    .executableTarget(
      name: "graph_decode", dependencies: ["MarsBase", "MarsGraph", "MarsFormat"], swiftSettings: fuzzed,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
  ]
)
