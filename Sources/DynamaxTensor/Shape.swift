/// The extents of a tensor, outermost first: one to four of them, held inline.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    private var extents: InlineArray<4, Int> = InlineArray(repeating: 1)
    /// The number of extents.
    public let rank: Int

    /// Takes one to four extents, none of them negative.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// Takes one to four extents, none of them negative.
    public init(_ elements: [Int]) {
        precondition((1...4).contains(elements.count), "a shape has one to four extents, not \(elements.count)")
        rank = elements.count
        for (axis, extent) in elements.enumerated() {
            precondition(extent >= 0, "an extent cannot be negative")
            extents[axis] = extent
        }
    }

    /// The shape of a matrix.
    public init(rows: Int, columns: Int) {
        rank = 2
        extents[0] = rows
        extents[1] = columns
    }

    /// The extent of an axis.
    public subscript(axis: Int) -> Int {
        precondition(axis < rank)
        return extents[axis]
    }

    /// The number of elements.
    public var count: Int { extents[0] * extents[1] * extents[2] * extents[3] }

    /// The extents as an array.
    public var array: [Int] { (0..<rank).map { extents[$0] } }

    public var description: String { "[" + array.map(String.init).joined(separator: ", ") + "]" }

    public static func == (a: Shape, b: Shape) -> Bool {
        a.rank == b.rank && a.extents[0] == b.extents[0] && a.extents[1] == b.extents[1]
            && a.extents[2] == b.extents[2] && a.extents[3] == b.extents[3]
    }

    public func hash(into hasher: inout Hasher) {
        for axis in 0..<rank { hasher.combine(extents[axis]) }
    }
}
