// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "TokenizerBenchmark",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "dynamax", path: "../..")],
    targets: [
        .executableTarget(name: "TokenizerBenchmark", dependencies: [.product(name: "DynamaxText", package: "dynamax")])
    ]
)
