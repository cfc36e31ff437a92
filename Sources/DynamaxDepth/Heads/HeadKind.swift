import DynamaxFormats
import DynamaxLayers
import DynamaxModels
import DynamaxTensor

/// The kinds of heads that learn, with their sizes.
public enum HeadKind: Hashable, Sendable {
    case linear
    /// inner: width between its layers.
    case feedForward(inner: Int)
    /// width: of the block; as wide as the model where they are equal. states: of each channel.
    case mamba(width: Int, states: Int)
    /// translates: whether each exit has an inference module, or reads the shared head as it is.
    case gate(translates: Bool)

    /// Whether a token leaves by the hazard of its gates so far (`ExitHazards`) rather than by each head's word alone.
    public var usesHazards: Bool {
        if case .gate = self { true } else { false }
    }

    private static let hazardRule = "hazard"

    /// The name that users type.
    public var name: String {
        switch self {
        case .linear: "linear"
        case .feedForward: "feed-forward"
        case .mamba: "mamba"
        case .gate: "gates"
        }
    }

    var json: JSON {
        switch self {
        case .linear: ["kind": .string(name)]
        case .feedForward(let inner): ["kind": .string(name), "inner": .integer(inner)]
        case .mamba(let width, let states):
            ["kind": .string(name), "width": .integer(width), "states": .integer(states)]
        case .gate(let translates):
            ["kind": .string(name), "translator": .bool(translates), "rule": .string(HeadKind.hazardRule)]
        }
    }

    init(_ json: JSONNode) throws(FormatError) {
        func size(_ key: String) throws(FormatError) -> Int {
            let value = try json.int(key)
            guard (1...65_536).contains(value) else { throw try json.node(key).expected("1 to 65536") }
            return value
        }
        switch try json.string("kind") {
        case "linear": self = .linear
        case "feed-forward": self = .feedForward(inner: try size("inner"))
        case "mamba": self = .mamba(width: try size("width"), states: try size("states"))
        case "gates":
            guard try json.string("rule") == HeadKind.hazardRule else {
                throw try json.node("rule").expected(HeadKind.hazardRule)
            }
            self = .gate(translates: try json.bool("translator"))
        default: throw try json.node("kind").expected("linear, feed-forward, mamba or gates")
        }
        if let problem { throw json.expected(problem) }
    }

    /// What is wrong with the sizes, as what was expected instead; nil if nothing is.
    public var problem: String? {
        guard case .mamba(let width, let states) = self else { return nil }
        return width % 16 == 0 && states <= 256 ? nil : "a width of a multiple of 16, and at most 256 states"
    }

    /// Makes the head of one exit.
    ///
    /// - Parameters:
    ///   - width: of the model's rows.
    ///   - parameters: those of the exit.
    func load(width: Int, _ parameters: Parameters) throws -> any ExitHead {
        func norm() throws -> RMSNorm { try parameters.norm("norm", width, epsilon: 1e-5) }
        switch self {
        case .linear:
            return LinearHead(
                norm: try norm(), output: try parameters.linear("output", outputs: 1, inputs: width, bias: true))
        case .feedForward(let inner):
            return FeedForwardHead(
                norm: try norm(), gate: try parameters.linear("gate", outputs: inner, inputs: width, bias: false),
                up: try parameters.linear("up", outputs: inner, inputs: width, bias: false),
                down: try parameters.linear("down", outputs: 1, inputs: inner, bias: true))
        case .mamba(let narrow, let states):
            let configuration: JSON = [
                "model_type": "mamba2", "hidden_size": .integer(narrow), "num_hidden_layers": 1, "vocab_size": 1,
                "expand": 2, "head_dim": 16, "num_heads": .integer(narrow / 8), "state_size": .integer(states),
                "conv_kernel": 4, "n_groups": 1, "use_bias": false, "use_conv_bias": true, "hidden_act": "silu",
                "tie_word_embeddings": true, "layer_norm_epsilon": 1e-5,
            ]
            return MambaHead(
                norm: try norm(),
                narrowing: narrow == width
                    ? nil : try parameters.linear("narrowing", outputs: narrow, inputs: width, bias: false),
                block: try loadStack(JSONNode(configuration, location: "exit head"), parameters))
        case .gate(let translates):
            return GateHead(
                translator: translates
                    ? try parameters.linear("translator", outputs: width, inputs: width, bias: true) : nil,
                gate: try parameters.linear("gate", outputs: 1, inputs: GateStatistics.count, bias: true))
        }
    }
}
