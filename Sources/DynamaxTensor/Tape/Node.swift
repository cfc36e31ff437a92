import Synchronization

/// The place of a tensor on the tape: what computed it, and when.
///
/// The tape is nothing else than these references from results to operands; it lives as long as a result does.
final class Node: @unchecked Sendable {
    // Sendable: `number` is constant; `operation` is changed by `backward` alone, which owns the tape that it consumes.
    /// Grows in the order of computation, so that operands have smaller numbers than results.
    let number: UInt64
    var operation: Operation

    private static let count = Atomic<UInt64>(0)

    init(_ operation: Operation) {
        number = Node.count.add(1, ordering: .relaxed).newValue
        self.operation = operation
    }
}

extension Tensor {
    /// A leaf that gradients flow to: a parameter.
    ///
    /// Its numbers may be changed in place by an optimizer between steps, through `update`.
    public var parameter: Tensor {
        var leaf = self
        leaf.node = Node(.leaf)
        return leaf
    }

    /// Whether gradients flow back through this tensor.
    public var isTracked: Bool { node != nil }

    /// This result with its operation on the tape, where an operand is tracked and the device records; only then are the arguments
    /// looked at.
    func recorded(_ operands: @autoclosure () -> [Tensor?], by operation: () -> Operation) -> Tensor {
        guard device.isRecording, operands().contains(where: { $0?.node != nil }) else { return self }
        var result = self
        result.node = Node(operation())
        return result
    }

    /// Changes the numbers of a parameter in place.
    ///
    /// - Parameter body: gets all numbers in row-major order. Tensors that share them change with it.
    public func update(_ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
        precondition(isContiguous)
        withExtendedLifetime(self) { body(UnsafeMutableBufferPointer(start: mutablePointer, count: shape.count)) }
    }
}

extension Device {
    /// Computes with the tape on: operations on tracked tensors remember their operands.
    ///
    /// Calls may be nested. Operations of a device run one at a time, so the switch is the device's.
    public func recording<Result>(_ body: () throws -> Result) rethrows -> Result {
        try withRecording(true, body)
    }

    /// Computes with the tape off, inside `recording`.
    public func notRecording<Result>(_ body: () throws -> Result) rethrows -> Result {
        try withRecording(false, body)
    }

    private func withRecording<Result>(_ isOn: Bool, _ body: () throws -> Result) rethrows -> Result {
        let before = isRecording
        isRecording = isOn
        defer { isRecording = before }
        return try body()
    }
}
