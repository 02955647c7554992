// swift-tools-version: 6.2
import PackageDescription

/// WEIR_STRICT=1: a warning in our own targets is an error, as CI has it. Dependencies' warnings stay theirs.
let isStrict = Context.environment["WEIR_STRICT"] == "1"

/// WEIR_CORE=1: the package without whatever links GSL or comes from elsewhere. See NOTICE.
let isCoreAlone = Context.environment["WEIR_CORE"] == "1"

/// Flags every target of ours is built with.
let settings: [SwiftSetting] =
  [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
  + (isStrict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "weir",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "weir", targets: ["weir"]),
    .executable(name: "weir-proxy", targets: ["weir-proxy"]),
    .library(name: "DataPlane", targets: ["DataPlane"]),
    .library(name: "Simulation", targets: ["Simulation"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    // Talks to API servers and to trace receivers.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    // Tests' own client and server.
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    // Writes the load generator's histograms as other tools read them; the oracle of our own in tests.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // The decision core: Swift alone, no Foundation, no input or output.
    .target(name: "MeshCore", swiftSettings: settings),
    .target(name: "LoadBalancing", dependencies: ["MeshCore"], swiftSettings: settings),
    .target(name: "TrafficSplitting", dependencies: ["MeshCore"], swiftSettings: settings),
    .target(name: "FaultDetection", dependencies: ["MeshCore"], swiftSettings: settings),
    .target(
      name: "DataPlane", dependencies: ["MeshCore", "LoadBalancing", "TrafficSplitting", "FaultDetection"],
      swiftSettings: settings),

    // Reading what people write.
    .target(
      name: "MeshConfiguration", dependencies: ["MeshCore", "LoadBalancing", "TrafficSplitting", "Yams"],
      swiftSettings: settings),

    // Logs of decisions, and their replay.
    .target(
      name: "Recording", dependencies: ["DataPlane", "LoadBalancing", "MeshConfiguration", "MeshCore"],
      swiftSettings: settings),

    // The data plane on real sockets.
    .target(
      name: "Proxy",
      dependencies: [
        "DataPlane", "MeshConfiguration", "MeshCore", "LoadBalancing", "TrafficSplitting", "Recording",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"), .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "X509", package: "swift-certificates"),
        .product(name: "SwiftASN1", package: "swift-asn1"), .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOFoundationCompat", package: "swift-nio"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "weir-proxy",
      dependencies: [
        "Proxy", "MeshConfiguration", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ], swiftSettings: settings),

    // The lab.
    .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"]), .brew(["gsl"])]),
    .target(name: "Statistics", dependencies: ["CGSL"], swiftSettings: settings),
    .target(
      name: "Simulation", dependencies: ["DataPlane", "LoadBalancing", "TrafficSplitting", "MeshCore"],
      swiftSettings: settings),
    .target(
      name: "Experiments",
      dependencies: [
        "Simulation", "MeshConfiguration", "Statistics", "TrafficSplitting", "MeshCore", "LoadBalancing",
      ],
      swiftSettings: settings),
    .target(
      name: "Reporting", dependencies: ["Experiments", "Simulation", "Statistics", "LoadBalancing", "MeshCore"],
      swiftSettings: settings),

    // The bridge: real servers, real load, and both worlds side by side.
    .target(
      name: "Testbed",
      dependencies: [
        "Proxy", "Experiments", "Simulation", "MeshConfiguration", "DataPlane", "MeshCore", "Statistics",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "weir",
      dependencies: [
        "Experiments", "Reporting", "MeshConfiguration", "LoadBalancing", "Conformance", "Simulation", "Recording",
        "Testbed",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),

    // Times policies and their tables.
    .executableTarget(
      name: "bench-policies", dependencies: ["LoadBalancing", "MeshCore"], path: "Benchmarks/policies",
      swiftSettings: settings),

    // Reads other systems' test vectors, and runs them.
    .target(name: "TestVectors", swiftSettings: settings),
    .target(
      name: "Conformance",
      dependencies: [
        "TestVectors", "MeshCore", "LoadBalancing", "TrafficSplitting", "FaultDetection", "DataPlane", "Simulation",
        "Statistics",
      ], swiftSettings: settings),

    // Scenarios and results made by hand.
    .target(
      name: "SyntheticResults", dependencies: ["Experiments", "Simulation", "MeshCore"], path: "Tests/SyntheticResults",
      swiftSettings: settings),

    // Tests mirror the sources.
    .testTarget(
      name: "MeshCoreTests", dependencies: ["MeshCore"], resources: [.copy("Fixtures")], swiftSettings: settings),
    .testTarget(
      name: "LoadBalancingTests", dependencies: ["LoadBalancing", "MeshCore"], swiftSettings: settings),
    .testTarget(
      name: "TrafficSplittingTests", dependencies: ["TrafficSplitting", "MeshCore"], swiftSettings: settings),
    .testTarget(
      name: "FaultDetectionTests", dependencies: ["FaultDetection", "MeshCore"], swiftSettings: settings),
    .testTarget(
      name: "DataPlaneTests", dependencies: ["DataPlane", "LoadBalancing", "TrafficSplitting", "MeshCore"],
      swiftSettings: settings),
    .testTarget(
      name: "MeshConfigurationTests", dependencies: ["MeshConfiguration", "MeshCore", "LoadBalancing"],
      swiftSettings: settings),
    .testTarget(
      name: "ProxyTests",
      dependencies: [
        "Proxy", "Recording", "MeshConfiguration", "DataPlane", "MeshCore",
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
      ], exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "StatisticsTests", dependencies: ["Statistics", "CGSL"], swiftSettings: settings),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Simulation", "LoadBalancing", "Statistics", "CGSL", "MeshCore",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], swiftSettings: settings),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: ["Experiments", "MeshConfiguration", "Simulation", "Statistics", "MeshCore", "SyntheticResults"],
      resources: [.copy("Fixtures")],
      swiftSettings: settings),
    .testTarget(
      name: "ReportingTests", dependencies: ["Reporting", "Experiments", "Simulation", "MeshCore", "SyntheticResults"],
      swiftSettings: settings),
    .testTarget(
      name: "ConformanceTests", dependencies: ["Conformance", "TestVectors"], resources: [.copy("Fixtures")],
      swiftSettings: settings),
    .testTarget(
      name: "TestbedTests",
      dependencies: [
        "Testbed", "Experiments", "Simulation", "MeshConfiguration", "MeshCore", "DataPlane", "LoadBalancing", "Proxy",
        "Recording",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ], swiftSettings: settings),
    .testTarget(name: "WeirTests", dependencies: ["weir", "Reporting", "LoadBalancing"], swiftSettings: settings),
    // Runs the project's scenarios through the program, optimised and not.
    .testTarget(
      name: "ScenarioTests", dependencies: ["weir"], exclude: ["Reference"], swiftSettings: settings),
    // Holds the tree itself against the rules of the house.
    .testTarget(name: "TidyTests", swiftSettings: settings),
  ]
)

if isCoreAlone {
  let core = ["MeshCore", "LoadBalancing", "TrafficSplitting", "FaultDetection", "DataPlane"]
  let kept = core + core.map { $0 + "Tests" } + ["Simulation", "TestVectors", "TidyTests"]
  package.targets.removeAll { !kept.contains($0.name) }
  package.products.removeAll { ["weir", "weir-proxy"].contains($0.name) }
  package.dependencies = []
}
