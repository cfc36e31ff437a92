extension CheckpointFiles {
    /// A digest that tells this model from others: of its configuration, of each tensor's name, type and shape, and of
    /// 4 KiB of its numbers, in pieces spread over the tensor.
    ///
    /// It is quick for any size, and sees training steps, which move all numbers; it is no protection from forgery.
    public func fingerprint() throws(FormatError) -> String {
        var hash = SHA256()
        func add(_ text: String) {
            Array(text.utf8).withUnsafeBytes { hash.update($0) }
        }
        if let config { add("\(config.value)") }
        let tensors = try tensors()
        for name in tensors.tensorNames.sorted() {
            let tensor = try tensors.require(name)
            add("\n\(name) \(tensor.type.rawValue) \(tensor.shape)\n")
            let (pieces, size, bytes) = (16, 256, tensor.bytes)
            if bytes.count <= pieces * size {
                hash.update(bytes)
            } else {
                for piece in 0..<pieces {
                    let start = (bytes.count - size) / (pieces - 1) * piece
                    hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]))
                }
            }
            withExtendedLifetime(tensor) {}
        }
        return hash.digest()
    }
}
