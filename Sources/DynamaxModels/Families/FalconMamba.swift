// Falcon Mamba (Zuo et al. 2024; modeling_falcon_mamba.py in transformers): Mamba with norms on time step, B and C.

import DynamaxFormats

enum FalconMamba: Family {
    static func load(_ json: JSONNode, _ parameters: Parameters) throws -> DecoderStack {
        let epsilon = try json.epsilon("mixer_rms_eps", default: 1e-6)
        return try Mamba.load(json, parameters, selectionEpsilon: epsilon)
    }
}
