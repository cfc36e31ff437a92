import Synchronization

/// Aligned memory of a tensor or a weight.
///
/// It is written by the operation that makes it and not after it has been handed out, except by types that own
/// it alone (KV blocks, recurrent states) and say so.
public final class Storage: @unchecked Sendable {
    // Sendable: the address never changes, and the contents follow the rule above.
    package let address: UnsafeMutableRawPointer
    /// Usable bytes.
    public let capacity: Int

    /// The alignment of all storage, in bytes: one cache line, one 512-bit vector.
    public static let alignment = 64

    package init(capacity: Int) {
        self.capacity = capacity
        address = .allocate(byteCount: max(capacity, Storage.alignment), alignment: Storage.alignment)
    }

    deinit {
        address.deallocate()
    }

    package var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
}

/// Recycles the storage of tensors, so that a decoding step, which needs the same sizes each time, allocates nothing.
///
/// A block is free when nobody but the pool refers to it, so tensors need no explicit release.
final class StoragePool: Sendable {
    private struct SizeClass {
        var blocks: [Storage] = []
        var next = 0

        /// A free block among the next few, or nil.
        mutating func takeFree() -> Storage? {
            for _ in 0..<min(blocks.count, 16) {
                next = next + 1 < blocks.count ? next + 1 : 0
                if isKnownUniquelyReferenced(&blocks[next]) { return blocks[next] }
            }
            return nil
        }
    }

    /// Requests above this are not kept: they are rare, and holding them would double the peak.
    private static let largestKept = 1 << 22

    private let classes = Mutex<[SizeClass]>(Array(repeating: SizeClass(), count: 64))

    /// Storage of at least `bytes`, with unspecified contents.
    func take(bytes: Int) -> Storage {
        guard bytes <= StoragePool.largestKept else { return Storage(capacity: bytes) }
        let exponent = Int.bitWidth - max(bytes - 1, 255).leadingZeroBitCount
        return classes.withLock { classes in
            if let free = classes[exponent].takeFree() { return free }
            let made = Storage(capacity: 1 << exponent)
            classes[exponent].blocks.append(made)
            return made
        }
    }
}
