public import DynamaxTensor

/// The gated feed-forward layer of Llama and its kin: y = down(silu(gate(x)) * up(x)) (Shazeer 2020, SwiGLU).
public struct GatedMLP: Sendable {
    /// Gate and up stacked, [2 * inner, width].
    private let gateUp: Linear
    /// [width, inner]
    private let down: Linear

    /// Takes gate and up as one layer of twice the outputs.
    public init(gateUp: Linear, down: Linear) {
        precondition(gateUp.outputs == 2 * down.inputs)
        self.gateUp = gateUp
        self.down = down
    }

    /// Maps the rows of `x`, [rows, width], and adds `residual`.
    public func callAsFunction(_ x: Tensor, adding residual: Tensor) -> Tensor {
        let inner = down.inputs
        let both = gateUp(x)  // [rows, 2 * inner]
        let activated = both.columns(0..<inner).swiglu(up: both.columns(inner..<2 * inner))
        return down(activated, adding: residual)
    }

    /// What one row costs here.
    public var cost: Cost { gateUp.cost + down.cost }
}
