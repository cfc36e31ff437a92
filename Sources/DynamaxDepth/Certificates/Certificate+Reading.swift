public import DynamaxFormats
import Foundation

extension Certificate {
    /// Reads a certificate.
    ///
    /// - Throws: `FormatError` that names the file and the field that is missing or out of range.
    public init(contentsOf path: String) throws(FormatError) {
        let json = try JSONNode(contentsOf: path)
        func choice<Choice: RawRepresentable<String>>(_ key: String) throws(FormatError) -> Choice {
            guard let choice = Choice(rawValue: try json.string(key)) else {
                throw try json.node(key).expected("what this version of Dynamax writes")
            }
            return choice
        }
        func share(_ key: String) throws(FormatError) -> Double {
            let value = try json.double(key)
            guard (0...1).contains(value) else { throw try json.node(key).expected("a number from 0 to 1") }
            return value
        }
        guard try json.string("format") == Certificate.format else {
            throw try json.node("format").expected(Certificate.format)
        }
        model = try json.string("model")
        weights = try json.string("weights")
        exit = try json.string("exit")
        layers = try json.array("layers").map { node throws(FormatError) in try node.int() }
        tokens = try json.int("tokens")
        divergence = try choice("divergence")
        consistency = try choice("consistency")
        if let json = json["decay"] {
            guard let form = ThresholdDecay.Form(rawValue: try json.string("form")) else {
                throw try json.node("form").expected("paper or released")
            }
            let rate = try json.double("rate")
            guard rate >= 0, rate.isFinite, tokens >= 1 else { throw try json.node("rate").expected("0 or more") }
            decay = ThresholdDecay(form, rate: rate, length: tokens)
        }
        pValue = try choice("p_value")
        delta = try share("delta")
        epsilon = try share("epsilon")
        prompts = try json.int("prompts")
        promptsDigest = try json.string("prompts_sha256")
        meanDivergence = try share("mean_divergence")
        probability = try share("probability")
        meanLayers = try json.double("mean_layers")
        guard probability <= epsilon else { throw try json.node("probability").expected("at most epsilon") }
    }

    /// Writes the certificate.
    public func write(to path: String) throws(FormatError) {
        try FileOutput.replace(path, with: Array("\(json)\n".utf8))
    }

    /// Refuses a model that the certificate was not made with.
    ///
    /// - Parameters:
    ///   - fingerprint: of the model (`CheckpointFiles.fingerprint`).
    ///   - weights: how its weights are held.
    ///   - path: of the certificate, for the error.
    public func check(fingerprint: String, weights: String, path: String) throws(FormatError) {
        guard fingerprint == model else {
            throw FormatError(
                .mismatch, path, "the certificate belongs to another model, whose digest begins \(model.prefix(12))")
        }
        guard weights == self.weights else {
            throw FormatError(
                .mismatch, path,
                "the certificate was made with weights held as \(self.weights), and they are held as \(weights)")
        }
    }
}
