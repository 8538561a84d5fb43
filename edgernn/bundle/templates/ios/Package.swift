// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "@@swift_name@@",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Streams", targets: ["Streams"])],
    dependencies: [
        // Microsoft's packaging of onnxruntime-objc.
        .package(url: "https://github.com/microsoft/onnxruntime-swift-package-manager", from: "1.20.0"),
    ],
    targets: [
        .target(
            name: "Streams",
            dependencies: [.product(name: "onnxruntime", package: "onnxruntime-swift-package-manager")],
            resources: [.copy("Resources/models")]
        ),
        .executableTarget(name: "App", dependencies: ["Streams"]),
    ]
)
