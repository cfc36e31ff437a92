public import ArgumentParser
import DynamaxBundledModels
import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor
import Foundation

extension Quantization: ExpressibleByArgument {
    public init?(argument: String) {
        guard let format = Format(rawValue: argument) else { return nil }
        self.init(format)
    }

    public static var allValueStrings: [String] { Format.allCases.map(\.rawValue) }

    public var defaultValueDescription: String { format.rawValue }
}

extension KVCacheFormat: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// Which model, and how it is held and run.
struct ModelOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            A folder in Hugging Face layout, a .gguf file, a model that comes with Dynamax \
            (\(BundledModel.names)), or a name found in the Hugging Face cache.
            """, valueName: "model"))
    var model = BundledModel.standard.rawValue

    @OptionGroup var compute: ComputeOptions

    /// A model that is ready to run.
    struct Loaded {
        let files: CheckpointFiles
        let model: LanguageModel
        let loadMilliseconds: Double

        /// The model, as heads and certificates are bound to it.
        func bound() throws(FormatError) -> BoundModel {
            BoundModel(model: model, fingerprint: files.fingerprint, exits: try GenerationConfig(files).exits)
        }
    }

    func load() throws -> Loaded {
        let start = ContinuousClock.now
        let files = try CheckpointFiles(named: model)
        let loaded = try LanguageModel(
            files, quantization: compute.quantize, cacheFormat: compute.kvCache, on: compute.device())
        return Loaded(files: files, model: loaded, loadMilliseconds: start.duration(to: .now).milliseconds)
    }
}

/// A model and how to tell it from others.
struct BoundModel {
    let model: LanguageModel
    /// The digest of its files; found out only when it is needed.
    let fingerprint: () throws(FormatError) -> String
    /// Exits that suit it, as its files say.
    let exits: GenerationConfig.Exits?
}

/// What the model runs on.
struct ComputeOptions: ParsableArguments {
    @Option(name: .shortAndLong, parsing: .unconditional, help: "Threads to run on; by default one for each processor.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Hold weights in this format instead of the stored one: f32, f16, bf16, q8 or q4.", valueName: "format"))
    var quantize: Quantization?

    @Option(
        name: .customLong("kv-cache"),
        help: ArgumentHelp(
            "Hold keys and values of attention in this format: f32, bf16 or int8.", valueName: "format"))
    var kvCache = KVCacheFormat.f32

    @Option(
        help: ArgumentHelp(
            "Multiply weights held in bf16 with rows as they are (f32), or rounded to bf16 as well.",
            discussion:
                "bf16 is as precise as PyTorch in bf16, and many times as fast where the processor has matrix instructions.",
            valueName: "format"))
    var precision = Precision.f32

    func validate() throws {
        if let threads, !Device.threadLimits.contains(threads) {
            throw ValidationError("\(DeviceError.threads(threads))")
        }
    }

    func device() throws -> Device {
        try Device(threads: threads ?? Device.processorCount, precision: precision)
    }
}

extension Duration {
    /// The duration in milliseconds.
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) * 1e-15
    }

    /// The duration in seconds.
    var seconds: Double { milliseconds / 1e3 }
}
