// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors where the change is checked, and not where it is used: a newer compiler may find more of them.
let isStrict = Context.environment["DYNAMAX_STRICT"] != nil

let swiftSettings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (isStrict ? [.treatAllWarnings(as: .error)] : [])

/// A room of the house: its folder under `Sources` and its tests under `Tests` carry its name.
func room(_ name: String, imports: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: imports, resources: resources, swiftSettings: swiftSettings)
}

func tests(_ name: String, of rooms: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: rooms + ["TestSupport"], swiftSettings: swiftSettings)
}

let package = Package(
    name: "dynamax",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "dynamax", targets: ["dynamax"]),
        .library(name: "DynamaxTensor", targets: ["DynamaxTensor"]),
        .library(name: "DynamaxLayers", targets: ["DynamaxLayers"]),
        .library(name: "DynamaxFormats", targets: ["DynamaxFormats"]),
        .library(name: "DynamaxText", targets: ["DynamaxText"]),
        .library(name: "DynamaxModels", targets: ["DynamaxModels"]),
        .library(name: "DynamaxDepth", targets: ["DynamaxDepth"]),
        .library(name: "DynamaxTraining", targets: ["DynamaxTraining"]),
        .library(name: "DynamaxEvaluation", targets: ["DynamaxEvaluation"]),
        .library(name: "DynamaxBundledModels", targets: ["DynamaxBundledModels"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // Kernels keep their optimisation in debug builds: without it a test run takes minutes instead of seconds.
        .target(
            name: "CDynamax",
            cSettings: [.unsafeFlags(["-O3"], .when(configuration: .debug))]
                + (isStrict ? [.treatAllWarnings(as: .error)] : [])),
        room("DynamaxTensor", imports: ["CDynamax"]),
        room("DynamaxFormats", imports: ["CDynamax", "DynamaxTensor"]),
        room("DynamaxLayers", imports: ["CDynamax", "DynamaxTensor"]),
        room("DynamaxText", imports: ["DynamaxTensor", "DynamaxFormats"]),
        room("DynamaxModels", imports: ["CDynamax", "DynamaxTensor", "DynamaxLayers", "DynamaxFormats"]),
        room(
            "DynamaxDepth",
            imports: ["CDynamax", "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxModels"]),
        room(
            "DynamaxTraining",
            imports: ["DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels"]),
        room(
            "DynamaxEvaluation",
            imports: [
                "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels", "DynamaxDepth",
            ]),
        room("DynamaxBundledModels", imports: ["DynamaxFormats"], resources: [.copy("Models")]),
        .executableTarget(
            name: "dynamax",
            dependencies: [
                "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels", "DynamaxDepth",
                "DynamaxTraining", "DynamaxEvaluation", "DynamaxBundledModels",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "TestSupport", dependencies: ["DynamaxTensor", "DynamaxFormats", "DynamaxModels"],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        tests("DynamaxTensorTests", of: ["CDynamax", "DynamaxTensor", "DynamaxFormats"]),
        tests("DynamaxFormatsTests", of: ["CDynamax", "DynamaxTensor", "DynamaxFormats"]),
        tests("DynamaxModelsTests", of: ["DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxModels"]),
        tests(
            "DynamaxDepthTests",
            of: [
                "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels",
                "DynamaxBundledModels", "DynamaxDepth",
            ]),
        tests(
            "DynamaxEvaluationTests",
            of: [
                "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels", "DynamaxDepth",
                "DynamaxBundledModels", "DynamaxEvaluation",
            ]),
        // A program whose allocations can be counted, for no test runs in it beside what is counted.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .executableTarget(
            name: "AllocationCounter",
            dependencies: [
                "CAllocations", "DynamaxTensor", "DynamaxFormats", "DynamaxModels", "DynamaxDepth",
                "DynamaxBundledModels",
            ],
            path: "Tests/AllocationCounter", swiftSettings: swiftSettings),
        tests("CommandTests", of: ["DynamaxTensor", "DynamaxFormats"]),
        tests("DynamaxTextTests", of: ["DynamaxTensor", "DynamaxFormats", "DynamaxText"]),
        tests(
            "DynamaxTrainingTests",
            of: [
                "DynamaxTensor", "DynamaxLayers", "DynamaxFormats", "DynamaxText", "DynamaxModels", "DynamaxTraining",
            ]),
    ],
    swiftLanguageModes: [.v6]
)
