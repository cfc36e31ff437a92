import CDynamax
public import DynamaxTensor

/// Keys and values of one attention layer for the positions that it has consumed.
///
/// They lie in blocks of 64 positions that several caches may share after a fork; a cache copies a shared block before
/// it writes to it. Layout of a block: CDynamax.h, section "Attention".
public final class KVCache {
    /// Memory of one block, shared by reference.
    private final class Block {
        let storage: Storage
        init(_ storage: Storage) { self.storage = storage }
    }

    /// The extents of the layer's attention.
    public let shape: AttentionShape
    /// Positions consumed.
    public private(set) var progress = 0

    private let device: Device
    private var blocks: [Block] = []
    /// Addresses of the blocks, for the kernels.
    private var addresses: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>

    init(shape: AttentionShape, on device: Device) {
        self.shape = shape
        self.device = device
        addresses = .allocate(capacity: 8)
        addresses.initialize(repeating: nil)
    }

    deinit {
        addresses.deallocate()
    }

    /// Bytes of the blocks held, shared ones included.
    public var bytes: Int { blocks.count * shape.blockBytes }

    /// Bytes of the blocks that so many positions take.
    func bytes(after positions: Int) -> Int {
        (positions + Tensor.blockPositions - 1) / Tensor.blockPositions * shape.blockBytes
    }

    // MARK: Append

    /// Makes room for `rows` more positions and describes this sequence to the kernels.
    func extend(_ sequence: inout dx_sequence, rows: Int) {
        let size = Tensor.blockPositions
        if progress % size != 0, !isKnownUniquelyReferenced(&blocks[progress / size]) {
            replaceBlock(progress / size, with: copy(of: blocks[progress / size]))
        }
        while blocks.count * size < progress + rows {
            blocks.append(makeBlock())
            if blocks.count > addresses.count { growAddresses() }
            addresses[blocks.count - 1] = blocks[blocks.count - 1].storage.address
        }
        sequence.blocks = UnsafePointer(addresses.baseAddress)
        sequence.position = Int64(progress)
    }

    /// Counts positions that the kernels have written.
    func advance(_ rows: Int) {
        progress += rows
    }

    private func makeBlock() -> Block { Block(device.storage(bytes: shape.blockBytes)) }

    private func copy(of block: Block) -> Block {
        let copy = makeBlock()
        copy.storage.address.copyMemory(from: block.storage.address, byteCount: shape.blockBytes)
        return copy
    }

    private func replaceBlock(_ index: Int, with block: Block) {
        blocks[index] = block
        addresses[index] = block.storage.address
    }

    private func growAddresses() {
        let larger = UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>.allocate(capacity: addresses.count * 2)
        larger.initialize(repeating: nil)
        for (index, address) in addresses.enumerated() { larger[index] = address }
        addresses.deallocate()
        addresses = larger
    }

    /// Appends the positions that another cache of equal shape has beyond this one's, with its keys and values.
    func append(newestOf other: KVCache) {
        precondition(
            (shape.kvHeads, shape.headWidth, shape.cacheFormat)
                == (other.shape.kvHeads, other.shape.headWidth, other.shape.cacheFormat))
        let new = progress..<other.progress
        if !new.isEmpty { append(other.rows(new)) }
    }

    // MARK: Truncate and fork

    /// Forgets the positions from `position` on.
    func truncate(to position: Int) {
        guard position < progress else { return }
        progress = position
        blocks.removeLast(blocks.count - (position + Tensor.blockPositions - 1) / Tensor.blockPositions)
    }

    /// A cache of the same positions that shares their blocks.
    func fork() -> KVCache {
        let twin = KVCache(shape: shape, on: device)
        twin.progress = progress
        twin.blocks = blocks
        while twin.addresses.count < blocks.count { twin.growAddresses() }
        for (index, block) in blocks.enumerated() { twin.addresses[index] = block.storage.address }
        return twin
    }

    // MARK: Rows

    /// Keys and values of some positions as they are held, row by row.
    struct Rows {
        let count: Int
        /// Of each position and head, its numbers.
        var keys: [UInt8]
        var values: [UInt8]
        /// Of each position and head, the scale of its keys and that of its values, where the format has scales.
        var scales: [Float]

        /// Rows with room for `count` positions.
        init(count: Int, of shape: AttentionShape) {
            self.count = count
            keys = Array(repeating: 0, count: count * shape.kvWidth * shape.cacheFormat.elementBytes)
            values = keys
            scales = Array(repeating: 0, count: count * shape.kvHeads * shape.cacheFormat.scales)
        }

        /// Hands out each position for the kernels to read or write.
        mutating func forEach(_ shape: AttentionShape, _ body: (_ index: Int, _ position: dx_kv_position) -> Void) {
            let (bytes, scaleCount) = (
                shape.kvWidth * shape.cacheFormat.elementBytes, shape.kvHeads * shape.cacheFormat.scales
            )
            keys.withUnsafeMutableBytes { keys in
                values.withUnsafeMutableBytes { values in
                    scales.withUnsafeMutableBufferPointer { scales in
                        guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                        for index in 0..<count {
                            body(
                                index,
                                dx_kv_position(
                                    keys: keys + index * bytes, values: values + index * bytes,
                                    scales: scales.baseAddress.map { $0 + index * scaleCount }))
                        }
                    }
                }
            }
        }
    }

    /// Keys and values of some positions.
    func rows(_ positions: Range<Int>) -> Rows {
        var rows = Rows(count: positions.count, of: shape)
        rows.forEach(shape) { index, row in
            let (block, slot) = place(positions.lowerBound + index)
            dx_kv_get(
                shape.cacheFormat.kernelFormat, Int64(shape.kvHeads), Int64(shape.headWidth), block, slot, row)
        }
        return rows
    }

    /// Appends positions whose keys and values are given as `rows` gives them.
    func append(_ rows: Rows) {
        var (sequence, rows) = (dx_sequence(), rows)
        extend(&sequence, rows: rows.count)
        rows.forEach(shape) { index, row in
            let (block, slot) = place(progress + index)
            dx_kv_put(
                shape.cacheFormat.kernelFormat, Int64(shape.kvHeads), Int64(shape.headWidth), block, slot, row)
        }
        advance(rows.count)
    }

    private func place(_ position: Int) -> (block: UnsafeMutableRawPointer, slot: Int64) {
        let size = Tensor.blockPositions
        return (blocks[position / size].storage.address, Int64(position % size))
    }
}
