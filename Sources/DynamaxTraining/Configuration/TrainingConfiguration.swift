public import DynamaxFormats
public import DynamaxModels
public import DynamaxTensor

/// All that a training run is made of, as one JSON file says it; `Recipes/` holds examples.
///
/// Paths in the file are relative to its folder.
public struct TrainingConfiguration: Sendable {
    /// The file's contents, which the run folder keeps.
    public let json: JSONNode
    /// Where the run is kept.
    public var output: String
    /// Everything random follows from it.
    public var seed: UInt64
    /// Optimizer steps.
    public var steps: Int
    /// How products with parameters, and their gradients, are computed; parameters and their moments are f32.
    public var precision: Precision
    public var model: Model
    /// A folder with a tokenizer, or its file.
    public var tokenizer: String
    public var data: Data
    public var batch: Batch
    public var optimizer: Optimizer
    public var schedule: Schedule
    public var exits: Exits
    public var layerDropout: LayerDropout?
    public var evaluation: Evaluation
    public var samples: Samples
    public var checkpoints: Checkpoints

    /// What learns.
    public struct Model: Sendable {
        /// config.json of a model to train from the beginning; nil where `checkpoint` is given.
        public var configuration: JSONNode?
        /// A model to train on.
        public var checkpoint: String?
    }

    /// What it learns from.
    public struct Data: Sendable {
        /// Where corpora of tokens are kept.
        public var folder: String
        public var train: [Source]
        /// Held out for evaluation.
        public var validation: [Source]
    }

    /// One text of the data.
    public struct Source: Sendable {
        public var documents: Documents
        /// How many times a pass goes through it.
        public var weight: Double
    }

    /// What one step looks at.
    public struct Batch: Hashable, Sendable {
        /// Rows that run together.
        public var rows: Int
        /// Rows of the longest piece of a document.
        public var context: Int
        /// How many times so many rows make a step.
        public var accumulation: Int
    }

    /// How parameters move.
    public struct Optimizer: Sendable {
        public enum Kind: String, CaseIterable, Sendable { case adamw, adam, sgd }
        public var kind: Kind
        /// The learning rate at its peak.
        public var rate: Double
        public var decay: Double
        public var beta1: Double
        public var beta2: Double
        public var epsilon: Double
        public var momentum: Double
        /// The largest norm of all gradients together; larger ones are scaled down. Infinite for none.
        public var clip: Double
        /// Settings of some parameters.
        public var groups: [ParameterGroup]
    }

    /// At which depths the loss is taken.
    public struct Exits: Hashable, Sendable {
        public var rule: ExitWeights.Rule
        /// nil for all layers.
        public var depths: [Int]?
        public var scale: Double
        /// nil for the number of exits.
        public var period: Int?
    }

    /// What is measured on held-out data.
    public struct Evaluation: Hashable, Sendable {
        /// Steps between two evaluations.
        public var every: Int
        /// Rows of each held-out corpus at most.
        public var rows: Int
        /// Depths to measure beside the last layer; nil for the exits.
        public var depths: [Int]?
    }

    /// What the model writes meanwhile.
    public struct Samples: Sendable {
        /// Steps between two samples; 0 for none.
        public var every: Int
        public var prompt: String
        /// Tokens of a sample.
        public var tokens: Int
        public var sampling: Sampling
    }

    /// What is kept of the run.
    public struct Checkpoints: Hashable, Sendable {
        /// Steps between two checkpoints.
        public var every: Int
        /// How many of the last are kept, beside the best.
        public var keep: Int
    }
}
