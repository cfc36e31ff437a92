public import DynamaxFormats
import DynamaxModels
import DynamaxTensor

/// What a sweep found.
public struct SweepResult: Sendable {
    /// What exits of one kind could do, teacher-forced.
    public struct Curve: Sendable {
        public let kind: String
        public let study: ExitStudy
        /// nil where scores are no probabilities.
        public let reliability: Reliability?

        var json: JSON {
            func places(_ places: [ExitStudy.Place]) -> JSON {
                .array(places.map { ["depth": .number($0.depth), "consistency": .number($0.consistency)] })
            }
            var json: JSONObject = [
                "kind": .string(kind), "layers": .array(study.layers.map { .integer($0) }),
                "fixed": places(study.fixed), "oracle": places(study.oracle),
            ]
            if let reliability {
                json.set("expected_calibration_error", .number(reliability.expectedCalibrationError))
                json.set(
                    "reliability",
                    .array(
                        reliability.bins.map {
                            [
                                "count": .integer($0.count), "confidence": .number($0.confidence),
                                "agreement": .number($0.agreement),
                            ]
                        }))
            }
            return .object(json)
        }
    }

    public let family: String
    public let layers: Int
    public let weights: String
    public let threads: Int
    public let instructionSet: String
    public let prompts: Int
    /// Tokens of the full model's texts.
    public let positions: Int
    /// What fixed depths, random exits and perfect ones do after all layers that have an exit.
    public let baseline: ExitStudy
    public internal(set) var curves: [Curve] = []
    public internal(set) var points: [SweepPoint] = []

    init(model: LanguageModel, baseline: ExitStudy) {
        family = model.family
        layers = model.stack.layerCount
        weights = model.formats
        threads = model.stack.device.threads
        instructionSet = model.stack.device.instructionSetName
        prompts = baseline.traces.count
        positions = baseline.traces.reduce(0) { $0 + $1.positions.count }
        self.baseline = baseline
    }

    /// All of it, for sweep.json.
    public var json: JSON {
        [
            "format": "dynamax-sweep-1", "family": .string(family), "layers": .integer(layers),
            "weights": .string(weights), "threads": .integer(threads), "instruction_set": .string(instructionSet),
            "prompts": .integer(prompts), "positions": .integer(positions),
            "curves": .array(curves.map(\.json)), "points": .array(points.map { .object($0.fields) }),
        ]
    }
}
