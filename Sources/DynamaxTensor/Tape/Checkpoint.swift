extension Tensor {
    /// Computes without remembering how, and again when gradients are asked for: memory for time (Chen et al. 2016).
    ///
    /// - Parameter body: must give the same result each time, and read no tracked tensors but parameters and its argument.
    public func checkpointed(_ body: @escaping (Tensor) -> Tensor) -> Tensor {
        guard device.isRecording else { return body(self) }
        var result = device.notRecording { body(detached) }
        let precision = device.precision
        result.node = Node(.checkpoint(self) { x in x.device.multiplying(in: precision) { body(x) } })
        return result
    }
}
