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
    private var addresses: UnsafeMutableBufferPointer<UnsafeMutablePointer<Float>?>

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
    public var bytes: Int { blocks.count * shape.blockFloats * 4 }

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
            addresses[blocks.count - 1] = blocks[blocks.count - 1].storage.floats
        }
        sequence.blocks = UnsafePointer(addresses.baseAddress)
        sequence.position = Int64(progress)
    }

    /// Counts positions that the kernels have written.
    func advance(_ rows: Int) {
        progress += rows
    }

    private func makeBlock() -> Block { Block(device.storage(bytes: shape.blockFloats * 4)) }

    private func copy(of block: Block) -> Block {
        let copy = makeBlock()
        copy.storage.floats.update(from: block.storage.floats, count: shape.blockFloats)
        return copy
    }

    private func replaceBlock(_ index: Int, with block: Block) {
        blocks[index] = block
        addresses[index] = block.storage.floats
    }

    private func growAddresses() {
        let larger = UnsafeMutableBufferPointer<UnsafeMutablePointer<Float>?>.allocate(capacity: addresses.count * 2)
        larger.initialize(repeating: nil)
        for (index, address) in addresses.enumerated() { larger[index] = address }
        addresses.deallocate()
        addresses = larger
    }

    /// Appends the positions that another cache of equal shape has beyond this one's, with its keys and values.
    func append(newestOf other: KVCache) {
        precondition(shape.kvHeads == other.shape.kvHeads && shape.headWidth == other.shape.headWidth)
        let new = progress..<other.progress
        guard !new.isEmpty else { return }
        var sequence = dx_sequence()
        extend(&sequence, rows: new.count)
        for position in new {
            for head in 0..<shape.kvHeads {
                let (source, target) = (other.place(position, head), place(position, head))
                for column in 0..<shape.headWidth {
                    target.keys[column * Tensor.blockPositions] = source.keys[column * Tensor.blockPositions]
                }
                target.values.update(from: source.values, count: shape.headWidth)
            }
        }
        advance(new.count)
    }

    /// Where the numbers of a position lie: keys a block's positions apart, values side by side.
    private func place(
        _ position: Int, _ head: Int
    ) -> (keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>) {
        let (size, width) = (Tensor.blockPositions, shape.headWidth)
        let (block, slot) = (blocks[position / size], position % size)
        let stride = shape.blockFloats / shape.kvHeads
        let keys = block.storage.floats + head * stride
        return (keys + slot, keys + size * width + slot * (stride / size - width))
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
        for (index, block) in blocks.enumerated() { twin.addresses[index] = block.storage.floats }
        return twin
    }

    // MARK: Rows, for serialization

    /// Keys and values of some positions, each [positions, kvWidth] in row-major order.
    func rows(_ positions: Range<Int>) -> (keys: [Float], values: [Float]) {
        var keys = [Float](repeating: 0, count: positions.count * shape.kvWidth)
        var values = keys
        forEachNumber(positions) { index, key, value in
            keys[index] = key.pointee
            values[index] = value.pointee
        }
        return (keys, values)
    }

    /// Appends positions whose keys and values are given as `rows` gives them.
    func append(keys: [Float], values: [Float]) {
        var sequence = dx_sequence()
        let count = keys.count / shape.kvWidth
        extend(&sequence, rows: count)
        forEachNumber(progress..<progress + count) { index, key, value in
            key.pointee = keys[index]
            value.pointee = values[index]
        }
        advance(count)
    }

    private func forEachNumber(
        _ positions: Range<Int>,
        _ body: (_ index: Int, _ key: UnsafeMutablePointer<Float>, _ value: UnsafeMutablePointer<Float>) -> Void
    ) {
        var index = 0
        for position in positions {
            for head in 0..<shape.kvHeads {
                let (keys, values) = place(position, head)
                for column in 0..<shape.headWidth {
                    body(index, keys + column * Tensor.blockPositions, values + column)
                    index += 1
                }
            }
        }
    }
}
