// Mamba (Gu and Dao 2023; modeling_mamba.py in transformers).

import DynamaxFormats
import DynamaxLayers
import DynamaxTensor

enum Mamba: Family {
    static func load(_ json: JSONNode, _ parameters: Parameters) throws -> DecoderStack {
        try load(json, parameters, selectionEpsilon: nil)
    }

    /// - Parameter selectionEpsilon: of the norms on time step, B and C; nil where there are none.
    static func load(_ json: JSONNode, _ parameters: Parameters, selectionEpsilon: Float?) throws -> DecoderStack {
        let configuration = try MambaConfiguration(json, tiedByDefault: true)
        let rank = try timeStepRank(json, width: configuration.width)
        return try configuration.load(parameters) {
            try layer($0, configuration, rank: rank, selectionEpsilon: selectionEpsilon)
        }
    }

    /// Numbers that the time steps of all channels are made from: ceil(width / 16) where the file says "auto".
    private static func timeStepRank(_ json: JSONNode, width: Int) throws(FormatError) -> Int {
        guard let field = json["time_step_rank"] else { return (width + 15) / 16 }
        if case .string("auto") = field.value { return (width + 15) / 16 }
        return try json.size("time_step_rank")
    }

    private static func layer(
        _ parameters: Parameters, _ configuration: MambaConfiguration, rank: Int, selectionEpsilon: Float?
    ) throws -> MambaLayer {
        let (width, inner, states) = (configuration.width, configuration.inner, configuration.states)
        let mixer = parameters.scoped("mixer")
        let device = parameters.device
        func norm(_ width: Int, _ epsilon: Float) -> RMSNorm {
            RMSNorm(weight: Tensor([Float](repeating: 1, count: width), [width], on: device), epsilon: epsilon)
        }
        return MambaLayer(
            norm: try parameters.norm("norm", width, epsilon: configuration.epsilon),
            input: try mixer.linear("in_proj", outputs: 2 * inner, inputs: width, bias: configuration.bias),
            selection: try mixer.linear("x_proj", outputs: rank + 2 * states, inputs: inner, bias: false),
            selectionNorms: selectionEpsilon.map { (norm(rank, $0), norm(states, $0)) },
            timeStep: try mixer.linear("dt_proj", outputs: inner, inputs: rank, bias: false),
            output: try mixer.linear("out_proj", outputs: width, inputs: inner, bias: configuration.bias),
            recurrence: MambaRecurrence(
                convolution: try mixer.convolution(
                    channels: inner, taps: configuration.taps, bias: configuration.convolutionBias),
                scan: ScanParameters(
                    decayLogarithms: try mixer.matrix("A_log", inner, states), d: try mixer.vector("D", inner),
                    timeStepBias: try mixer.vector("dt_proj.bias", inner))))
    }
}
