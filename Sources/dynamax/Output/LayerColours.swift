import Foundation

/// Colours text by the layer that decided it, from blue (early) to red (the last).
struct LayerColours {
    private let layers: Int
    private static let ramp = [27, 33, 39, 44, 48, 82, 118, 154, 190, 220, 214, 208, 202, 196]

    /// - Parameter layers: of the model.
    /// - Returns: nil where colours are not wanted: standard output is no terminal, or NO_COLOR is set.
    init?(layers: Int) {
        guard isatty(STDOUT_FILENO) == 1, (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty else {
            return nil
        }
        self.layers = layers
    }

    func paint(_ text: String, layer: Int) -> String {
        let last = LayerColours.ramp.count - 1
        let shade = LayerColours.ramp[layers > 1 ? (layer - 1) * last / (layers - 1) : last]
        return "\u{1B}[38;5;\(shade)m\(text)\u{1B}[0m"
    }
}
