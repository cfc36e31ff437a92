/// What a run is about: it says which rows there will be, and two runs compare where their tasks do.
public struct RunManifest: Hashable, Sendable {
    public var model: Model
    public var machine: Machine
    public var tasks: [TaskEntry]
    /// The full model comes first: it is what the others are compared with.
    public var policies: [Policy]

    /// The model that answers.
    public struct Model: Hashable, Sendable {
        /// As the user named it.
        public let name: String
        /// SHA-256 of its weights and configuration, in hexadecimal.
        public let fingerprint: String
        public let family: String
        public let layers: Int
        /// How weights are held, such as int8/256.
        public let weights: String
        public let kvCache: String
        /// Tokens that a prompt and what follows it may have together; what is longer loses its beginning.
        public let context: Int

        /// Takes what is known of a model.
        public init(
            name: String, fingerprint: String, family: String, layers: Int, weights: String, kvCache: String,
            context: Int = 2048
        ) {
            (self.name, self.fingerprint, self.family) = (name, fingerprint, family)
            (self.layers, self.weights, self.kvCache, self.context) = (layers, weights, kvCache, context)
        }
    }

    /// Where it answers; runs of different machines compare all the same, but for their seconds.
    public struct Machine: Hashable, Sendable {
        public let instructionSet: String
        public let threads: Int
        /// Items that ran together at most.
        public let batch: Int
        /// The program's version.
        public let version: String

        /// Takes what is known of a machine.
        public init(instructionSet: String, threads: Int, batch: Int = 1, version: String) {
            (self.instructionSet, self.threads) = (instructionSet, threads)
            (self.batch, self.version) = (batch, version)
        }
    }

    /// A task, with the data that it asks.
    public struct TaskEntry: Hashable, Sendable {
        public let name: String
        public let metrics: [Metric]
        /// SHA-256 of the documents, in hexadecimal, wherever they came from.
        public let dataDigest: String
        public let items: Int
        public let options: TaskOptions

        /// Takes what is known of a task.
        public init(name: String, metrics: [Metric], dataDigest: String, items: Int, options: TaskOptions) {
            (self.name, self.metrics, self.dataDigest) = (name, metrics, dataDigest)
            (self.items, self.options) = (items, options)
        }
    }

    /// When tokens leave, and what is promised about it.
    public struct Policy: Hashable, Sendable {
        /// What rows and charts call it.
        public let name: String
        /// off, exact, bounded or none.
        public let guarantee: String
        /// The exits as `--exit` takes them, such as softmax:0.9; nil for the full model.
        public let exit: String?
        /// Layers after which tokens may leave.
        public let exitLayers: [Int]
        /// The rule for the states of layers above an exit, such as deferred.
        public let state: String
        /// SHA-256 of the heads or the certificate, in hexadecimal, where there are any.
        public let fileDigest: String?

        /// Takes what is known of a policy.
        public init(
            name: String, guarantee: String, exit: String?, exitLayers: [Int], state: String, fileDigest: String? = nil
        ) {
            (self.name, self.guarantee, self.exit) = (name, guarantee, exit)
            (self.exitLayers, self.state, self.fileDigest) = (exitLayers, state, fileDigest)
        }
    }

    /// Takes what a run is about.
    public init(model: Model, machine: Machine, tasks: [TaskEntry], policies: [Policy]) {
        (self.model, self.machine, self.tasks, self.policies) = (model, machine, tasks, policies)
    }
}
