import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Aligned memory of a tensor or a weight: its own, or a part of a mapped file or of other storage.
///
/// It is written by the operation that makes it and not after it has been handed out, except by types that own
/// it alone (KV blocks, recurrent states) and say so. What is borrowed of a file is never written: the system may forbid it.
public final class Storage: @unchecked Sendable {
    // Sendable: the address never changes, and the contents follow the rule above.
    package let address: UnsafeMutableRawPointer
    /// Usable bytes.
    public let capacity: Int
    /// What keeps borrowed memory alive; nil where it is this object's own.
    private let owner: (any Sendable)?

    /// The alignment of all storage, in bytes: one cache line, one 512-bit vector.
    public static let alignment = 64

    package convenience init(capacity: Int) {
        self.init(capacity: capacity, alignment: Storage.alignment)
    }

    private init(capacity: Int, alignment: Int) {
        self.capacity = capacity
        owner = nil
        address = .allocate(byteCount: max(capacity, alignment), alignment: alignment)
    }

    /// One large page of the system's, where it has them, cut into pieces of equal size.
    ///
    /// - Parameter size: of a piece, a multiple of `alignment`.
    static func largePage(ofPieces size: Int) -> [Storage] {
        let page = Storage(capacity: largePageBytes, alignment: largePageBytes)
        #if canImport(Glibc)
            madvise(page.address, page.capacity, MADV_HUGEPAGE)  // a wish: where it is not granted, nothing is lost
        #endif
        return (0..<page.capacity / size).map { index in
            Storage(borrowing: UnsafeRawBufferPointer(start: page.address + index * size, count: size), of: page)
        }
    }

    static let largePageBytes = 2 << 20

    /// Takes memory that is aligned, and keeps what it belongs to.
    init(borrowing bytes: UnsafeRawBufferPointer, of owner: any Sendable) {
        precondition(Storage.isAligned(bytes))
        address = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
        capacity = bytes.count
        self.owner = owner
    }

    /// Whether memory is there and aligned as storage is.
    static func isAligned(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.baseAddress.map { Int(bitPattern: $0) % Storage.alignment == 0 } ?? false
    }

    deinit {
        if owner == nil { address.deallocate() }
    }

    package var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
}

/// Recycles the storage of tensors, so that a decoding step, which needs the same sizes each time, allocates nothing.
///
/// A block is free when nobody but the pool refers to it, so tensors need no explicit release. Where there are many blocks of a size,
/// as of a long past, they lie in large pages: looking up thousands of small ones takes a tenth of the time in which they are read.
final class StoragePool: Sendable {
    private struct SizeClass {
        /// Those that have been handed out.
        var blocks: [Storage] = []
        /// Parts of a page that have not.
        var unused: [Storage] = []
        private var next = 0
        /// Blocks that may still be looked at: some for each that is taken, and those that were not needed before.
        private var looks = 0

        /// A free block, or one that is new. The search goes on where it ended, so that blocks that are held for long do not hide
        /// those behind them.
        mutating func take(size: Int) -> Storage {
            looks = min(looks + 64, blocks.count)
            while looks > 0 {
                looks -= 1
                next = next + 1 < blocks.count ? next + 1 : 0
                if isKnownUniquelyReferenced(&blocks[next]) { return blocks[next] }
            }
            if unused.isEmpty { unused = make(size: size) }
            blocks.append(unused.removeLast())
            return blocks[blocks.count - 1]
        }

        private func make(size: Int) -> [Storage] {
            let isPart = size >= 16 << 10 && 2 * size <= Storage.largePageBytes
            let isMany = blocks.count * size >= Storage.largePageBytes
            return isPart && isMany ? Storage.largePage(ofPieces: size).reversed() : [Storage(capacity: size)]
        }
    }

    private let classes = Mutex<[SizeClass]>(Array(repeating: SizeClass(), count: 4 * 64))

    /// Storage of at least `bytes`, with unspecified contents.
    ///
    /// Sizes are rounded up to the next of four steps between powers of two.
    func take(bytes: Int) -> Storage {
        let wanted = max(bytes, 256)
        let exponent = Int.bitWidth - 1 - (wanted - 1).leadingZeroBitCount  // 2^exponent < wanted <= 2^(exponent + 1)
        let step = 1 << (exponent - 2)
        let size = (wanted + step - 1) / step * step
        let index = 4 * exponent + size / step - 5
        return classes.withLock { $0[index].take(size: size) }
    }
}
