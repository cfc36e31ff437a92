// The layer of Mamba (Gu and Dao 2023, section 3; modeling_mamba.py in transformers), shared with Falcon Mamba.

import CDynamax
import DynamaxLayers
import DynamaxTensor

/// A norm and a selective state-space mixer, added to the residual stream.
struct MambaLayer: DecoderLayer {
    let norm: RMSNorm
    /// The recurrence's input and its gate stacked, [2 * inner, width].
    let input: Linear
    /// Time step, B and C stacked, [rank + 2 * states, inner].
    let selection: Linear
    /// Falcon Mamba: norms without weights on the time step and on B and C.
    let selectionNorms: (timeStep: RMSNorm, state: RMSNorm)?
    /// [inner, rank]; its bias is a parameter of the scan.
    let timeStep: Linear
    let output: Linear
    let recurrence: MambaRecurrence

    func callAsFunction(_ hidden: Tensor, _ context: LayerContext) -> Tensor {
        let scan = recurrence.scan.current
        let (inner, states) = (scan.channels, scan.states)
        let pass = context.batch.recur(context.layer)

        let xz = input(norm(hidden))  // [rows, x | z]
        let raw = xz.columns(0..<inner)
        let z = xz.columns(inner..<2 * inner)
        let x = pass.convolve(raw, recurrence.convolution)  // [rows, inner]

        let tbc = selection(x)  // [rows, time step | B | C]
        let (dt, b) = timeStepsAndB(tbc)
        let c = normed(tbc.columns(tbc.columns - states..<tbc.columns))
        let y = pass.scan(.init(x: x, timeStep: dt, b: b, c: c, gate: z), scan)

        pass.record([raw, dt, b])
        return output(y, adding: hidden)
    }

    func absorb(_ hidden: Tensor, _ context: LayerContext) {
        let pass = context.batch.recur(context.layer)

        let raw = input(norm(hidden), outputs: stateInputs)
        let x = pass.convolve(raw, recurrence.convolution)

        let (dt, b) = timeStepsAndB(selection(x, outputs: stateSelection))
        pass.moveStates(.init(x: x, timeStep: dt, b: b), recurrence.scan)

        pass.record([raw, dt, b])
    }

    /// What moves the state is not the gate ...
    private var stateInputs: Range<Int> { 0..<recurrence.scan.channels }

    /// ... nor C.
    private var stateSelection: Range<Int> { 0..<timeStep.inputs + recurrence.scan.states }

    /// Time steps of all channels, [rows, inner], and B, [rows, states], from what the selection begins with.
    private func timeStepsAndB(_ selected: Tensor) -> (Tensor, Tensor) {
        let rank = timeStep.inputs
        let t = selected.columns(0..<rank)
        let b = selected.columns(rank..<rank + recurrence.scan.states)
        return (timeStep(selectionNorms.map { $0.timeStep(t) } ?? t), normed(b))
    }

    /// B or C.
    private func normed(_ x: Tensor) -> Tensor { selectionNorms.map { $0.state(x) } ?? x }

    func makeState(history: Int, on device: Device) -> LayerState {
        .recurrence(RecurrentState(recurrence, window: history, on: device))
    }

    var weightCost: Cost { input.cost + selection.cost + timeStep.cost + output.cost }

    var kind: LayerKind { .recurrence }

    var absorbCost: AbsorbCost {
        AbsorbCost(
            weights: input.cost(ofOutputs: stateInputs) + selection.cost(ofOutputs: stateSelection) + timeStep.cost,
            state: recurrence.absorbCost)
    }

    func stateCost(atPosition position: Int) -> Cost {
        let state = recurrence.stateFloats + recurrence.windowFloats
        return Cost(bytes: 2 * state * 4, multiplyAdds: 3 * recurrence.stateFloats + 2 * recurrence.windowFloats)
    }
}

/// How recorded inputs, [x before the convolution | time step | B], move the state of a Mamba layer.
final class MambaRecurrence: Recurrence {
    let convolution: ConvolutionParameters
    let scan: ScanParameters

    init(convolution: ConvolutionParameters, scan: ScanParameters) {
        self.convolution = convolution
        self.scan = scan
    }

    var windowFloats: Int { convolution.windowFloats }
    var stateFloats: Int { scan.stateFloats }
    var inputWidth: Int { 2 * scan.channels + scan.states }

    func replay(_ inputs: Tensor, _ sequences: UnsafeBufferPointer<dx_sequence>) {
        let inner = scan.channels
        let x = Tensor(uninitialized: Shape(rows: inputs.rows, columns: inner), on: inputs.device)
        convolution.run(sequences, inputs.columns(0..<inner), into: x)
        let (dt, b) = (
            inputs.columns(inner..<2 * inner), inputs.columns(2 * inner..<2 * inner + scan.states)
        )
        scan.run(sequences, .init(x: x, timeStep: dt, b: b), into: nil)
    }
}
