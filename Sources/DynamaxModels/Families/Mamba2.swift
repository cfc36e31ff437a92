// Mamba-2 (Dao and Gu 2024; modeling_mamba2.py in transformers), as in Codestral Mamba.
//
// The gated norm works on each group of channels by itself. `norm_before_gate` of config.json is ignored, as the reference does:
// it gates first.

import CDynamax
import DynamaxFormats
import DynamaxLayers
import DynamaxTensor

enum Mamba2: Family {
    static func load(_ json: JSONNode, _ parameters: Parameters) throws -> DecoderStack {
        var configuration = try MambaConfiguration(json, tiedByDefault: false)
        let heads = try json.size("num_heads")
        let headWidth = try json.size("head_dim")
        let groups = try json.optionalSize("n_groups") ?? 1
        configuration.inner = heads * headWidth
        guard headWidth <= 1024 else { throw try json.node("head_dim").expected("at most 1024") }
        guard heads % groups == 0 else { throw try json.node("n_groups").expected("a divisor of num_heads") }
        let expand = try json.positive("expand", default: 2)
        guard Int(min(expand, 1024) * Double(configuration.width)) == configuration.inner else {
            throw try json.node("num_heads").expected("expand * hidden_size = num_heads * head_dim")
        }
        let limit = try timeStepLimit(json)
        return try configuration.load(parameters) {
            try layer($0, configuration, heads: heads, groups: groups, limit: limit)
        }
    }

    private static func timeStepLimit(_ json: JSONNode) throws(FormatError) -> ClosedRange<Float> {
        guard let bounds = try json.optionalArray("time_step_limit") else { return 0...Float.infinity }
        guard bounds.count == 2, case let (low, high) = (try bounds[0].double(), try bounds[1].double()), low <= high
        else { throw try json.node("time_step_limit").expected("two numbers, the smaller first") }
        return Float(low)...Float(high)
    }

    private static func layer(
        _ parameters: Parameters, _ configuration: MambaConfiguration, heads: Int, groups: Int,
        limit: ClosedRange<Float>
    ) throws -> Mamba2Layer {
        let (width, inner, states) = (configuration.width, configuration.inner, configuration.states)
        let channels = inner + 2 * groups * states
        let mixer = parameters.scoped("mixer")
        return Mamba2Layer(
            norm: try parameters.norm("norm", width, epsilon: configuration.epsilon),
            input: try mixer.linear(
                "in_proj", outputs: inner + channels + heads, inputs: width, bias: configuration.bias),
            gatedNorm: try mixer.norm("norm", inner, epsilon: configuration.epsilon, group: inner / groups),
            output: try mixer.linear("out_proj", outputs: width, inputs: inner, bias: configuration.bias),
            recurrence: Mamba2Recurrence(
                convolution: try mixer.convolution(
                    channels: channels, taps: configuration.taps, bias: configuration.convolutionBias),
                ssd: SSDParameters(
                    decayLogarithms: try mixer.vector("A_log", heads), d: try mixer.vector("D", heads),
                    timeStepBias: try mixer.vector("dt_bias", heads), timeStepLimit: limit,
                    headWidth: inner / heads, groups: groups, states: states)))
    }
}

/// A norm and a Mamba-2 mixer, added to the residual stream.
struct Mamba2Layer: DecoderLayer {
    let norm: RMSNorm
    /// Gate, convolved channels and time steps stacked, [inner + channels + heads, width].
    let input: Linear
    let gatedNorm: RMSNorm
    let output: Linear
    let recurrence: Mamba2Recurrence

    func callAsFunction(_ hidden: Tensor, _ context: LayerContext) -> Tensor {
        let ssd = recurrence.ssd.current
        let pass = context.batch.recur(context.layer)

        let zxt = input(norm(hidden))  // [rows, z | x B C | time step]
        let z = zxt.columns(0..<recurrence.inner)
        let (raw, dt) = recurrence.inputs(in: zxt, from: recurrence.inner)
        let (x, b, c) = recurrence.split(pass.convolve(raw, recurrence.convolution))
        let y = pass.recur(.init(x: x, timeStep: dt, b: b, c: c), ssd)  // [rows, inner]

        pass.record([raw, dt])
        return output(gatedNorm(y, gate: z), adding: hidden)
    }

    func absorb(_ hidden: Tensor, _ context: LayerContext) {
        let pass = context.batch.recur(context.layer)

        let xt = input(norm(hidden), outputs: stateInputs)  // [rows, x B C | time step]
        let (raw, dt) = recurrence.inputs(in: xt, from: 0)
        let (x, b, _) = recurrence.split(pass.convolve(raw, recurrence.convolution))
        pass.moveStates(.init(x: x, timeStep: dt, b: b), recurrence.ssd)

        pass.record([raw, dt])
    }

    /// What moves the state is not the gate. C is in it, for it takes part in the convolution of later rows.
    private var stateInputs: Range<Int> { recurrence.inner..<recurrence.inner + recurrence.inputWidth }

    func makeState(history: Int, on device: Device) -> LayerState {
        .recurrence(RecurrentState(recurrence, window: history, on: device))
    }

    var weightCost: Cost { input.cost + output.cost }

    var kind: LayerKind { .recurrence }

    var absorbCost: AbsorbCost {
        AbsorbCost(weights: input.cost(ofOutputs: stateInputs), state: recurrence.absorbCost)
    }

    func stateCost(atPosition position: Int) -> Cost {
        let state = recurrence.stateFloats + recurrence.windowFloats
        return Cost(bytes: 2 * state * 4, multiplyAdds: 3 * recurrence.stateFloats + 2 * recurrence.windowFloats)
    }
}

/// How recorded inputs, [channels before the convolution | time steps], move the state of a Mamba-2 layer.
final class Mamba2Recurrence: Recurrence {
    let convolution: ConvolutionParameters
    let ssd: SSDParameters

    init(convolution: ConvolutionParameters, ssd: SSDParameters) {
        self.convolution = convolution
        self.ssd = ssd
    }

    var inner: Int { ssd.heads * ssd.headWidth }
    var channels: Int { inner + 2 * ssd.groups * ssd.states }
    var windowFloats: Int { convolution.windowFloats }
    var stateFloats: Int { ssd.stateFloats }
    var inputWidth: Int { channels + ssd.heads }

    /// Channels before the convolution, and time steps, in the columns from `start` on.
    func inputs(in columns: Tensor, from start: Int) -> (raw: Tensor, timeSteps: Tensor) {
        (columns.columns(start..<start + channels), columns.columns(start + channels..<start + inputWidth))
    }

    /// The recurrence's input, B and C in the convolved channels.
    func split(_ xbc: Tensor) -> (x: Tensor, b: Tensor, c: Tensor) {
        let groupWidth = ssd.groups * ssd.states
        return (
            xbc.columns(0..<inner), xbc.columns(inner..<inner + groupWidth),
            xbc.columns(inner + groupWidth..<inner + 2 * groupWidth)
        )
    }

    func replay(_ inputs: Tensor, _ sequences: UnsafeBufferPointer<dx_sequence>) {
        let xbc = Tensor(uninitialized: Shape(rows: inputs.rows, columns: channels), on: inputs.device)
        let (raw, dt) = self.inputs(in: inputs, from: 0)
        convolution.run(sequences, raw, into: xbc)
        let (x, b, _) = split(xbc)
        ssd.run(sequences, .init(x: x, timeStep: dt, b: b), into: nil)
    }
}
