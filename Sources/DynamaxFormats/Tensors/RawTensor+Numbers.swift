import CDynamax

extension RawTensor {
    /// Expands rows to f32.
    ///
    /// - Parameters:
    ///   - rows: within 0 ..< `rowCount`.
    ///   - numbers: room for `rows.count * columns` numbers.
    /// - Throws: `FormatError` when the tensor does not hold floating-point numbers.
    public func copyRows(_ rows: Range<Int>, to numbers: UnsafeMutablePointer<Float>) throws(FormatError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(rowCount)")
        let stride = columns / type.blockElements * type.blockBytes
        let source = UnsafeRawBufferPointer(rebasing: bytes[rows.lowerBound * stride..<rows.upperBound * stride])
        try withExtendedLifetime(self) { () throws(FormatError) in
            try expand(source, to: UnsafeMutableBufferPointer(start: numbers, count: rows.count * columns))
        }
    }

    /// All numbers as f32, row by row.
    ///
    /// - Throws: `FormatError` when the tensor does not hold floating-point numbers.
    public func floats() throws(FormatError) -> [Float] {
        var numbers = [Float](repeating: 0, count: count)
        try numbers.withUnsafeMutableBufferPointer { buffer throws(FormatError) in
            guard let base = buffer.baseAddress else { return }
            try copyRows(0..<rowCount, to: base)
        }
        return numbers
    }

    /// All numbers of an integer tensor, row by row.
    ///
    /// - Throws: `FormatError` when the tensor holds no integers, or one that does not fit.
    public func integers() throws(FormatError) -> [Int] {
        switch type {
        case .i64: try integers(Int64.self)
        case .i32: try integers(Int32.self)
        case .i16: try integers(Int16.self)
        case .i8: try integers(Int8.self)
        case .u64: try integers(UInt64.self)
        case .u32: try integers(UInt32.self)
        case .u16: try integers(UInt16.self)
        case .u8, .bool: try integers(UInt8.self)
        default: throw error(.mismatch, "holds \(type.rawValue), expected integers")
        }
    }

    private func integers<Stored: FixedWidthInteger & BitwiseCopyable>(
        _: Stored.Type
    ) throws(FormatError) -> [Int] {
        let bytes = bytes
        var numbers: [Int] = []
        numbers.reserveCapacity(count)
        for offset in stride(from: 0, to: bytes.count, by: MemoryLayout<Stored>.size) {
            let stored = Stored(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self))
            guard let number = Int(exactly: stored) else {
                throw error(.mismatch, "holds \(stored), which is too large")
            }
            numbers.append(number)
        }
        withExtendedLifetime(self) {}
        return numbers
    }

    private func expand(
        _ source: UnsafeRawBufferPointer, to numbers: UnsafeMutableBufferPointer<Float>
    ) throws(FormatError) {
        guard let base = source.baseAddress, let target = numbers.baseAddress, !numbers.isEmpty else { return }
        switch type {
        case .f32:
            UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: source.count)
        case .f64:
            for index in 0..<numbers.count {
                numbers[index] = Float(base.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
            }
        case .f16:
            expandHalves(base, to: numbers, by: dx_f16_to_f32)
        case .bf16:
            expandHalves(base, to: numbers, by: dx_bf16_to_f32)
        default:
            guard let block = type.ggufNumber, type.blockElements > 1,
                dx_gguf_expand(Int32(block), base, target, Int64(numbers.count))
            else {
                throw type.isInteger
                    ? error(.mismatch, "holds integers (\(type.rawValue)), expected floating-point numbers")
                    : error(.unsupported, "is stored as \(type.rawValue), which Dynamax cannot read")
            }
        }
    }

    /// Converts 16-bit floats, by way of aligned memory where the file does not align them.
    private func expandHalves(
        _ base: UnsafeRawPointer, to numbers: UnsafeMutableBufferPointer<Float>,
        by convert: (UnsafePointer<UInt16>, UnsafeMutablePointer<Float>, Int64) -> Void
    ) {
        if Int(bitPattern: base) % MemoryLayout<UInt16>.alignment == 0 {
            convert(base.assumingMemoryBound(to: UInt16.self), numbers.baseAddress!, Int64(numbers.count))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 4096) { aligned in
            for start in stride(from: 0, to: numbers.count, by: aligned.count) {
                let count = min(aligned.count, numbers.count - start)
                UnsafeMutableRawPointer(aligned.baseAddress!).copyMemory(from: base + start * 2, byteCount: count * 2)
                convert(aligned.baseAddress!, numbers.baseAddress! + start, Int64(count))
            }
        }
    }
}
