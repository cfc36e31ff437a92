import DynamaxTensor

/// What a recurrent layer keeps in order to go back: up to two moments, and the inputs that came after each.
///
/// After a window of inputs the present becomes a moment too, and the older one is let go. So a window of positions at
/// least can be taken back, and the state is copied once in so many positions.
struct ReplayHistory {
    /// A moment and the inputs since, row by row.
    private struct Stretch {
        let moment: RecurrentMemory
        let log: Tensor
        /// Whether each position since has inputs; the others were skipped.
        var moved: [Bool] = []
        /// Rows of inputs.
        var rows = 0

        var count: Int { moved.count }
        var inputs: Tensor { log.rows(0..<rows) }

        mutating func removeLast(_ positions: Int) {
            moved.removeLast(positions)
            rows = moved.count { $0 }
        }

        func fork() -> Stretch {
            let twin = Tensor(uninitialized: log.shape, on: log.device)
            twin.mutablePointer.update(from: log.pointer, count: rows * log.columns)
            return Stretch(moment: moment, log: twin, moved: moved, rows: rows)
        }
    }

    private let window: Int
    private var older: Stretch?
    private var newer: Stretch

    init(at moment: RecurrentMemory, window: Int, inputWidth: Int, on device: Device) {
        self.window = window
        newer = Stretch(
            moment: moment, log: Tensor(uninitialized: Shape(rows: window, columns: inputWidth), on: device))
    }

    /// Positions that can be taken back.
    var count: Int { (older?.count ?? 0) + newer.count }

    /// Positions that can be recorded before the next turn.
    var room: Int { window - newer.count }

    var isFull: Bool { room == 0 }

    /// Bytes of moments and inputs.
    var bytes: Int {
        [older, newer].compactMap { $0 }.reduce(0) { $0 + ($1.moment.count + $1.log.shape.count) * 4 }
    }

    /// Records inputs, at most as many as there is room for.
    ///
    /// - Parameter inputs: parts of a row side by side, each [rows, part width].
    mutating func record<let count: Int>(_ inputs: InlineArray<count, Tensor>, rows: Range<Int>) {
        precondition(rows.count <= room)
        let width = newer.log.columns
        for row in rows {
            var target = newer.log.mutablePointer + newer.rows * width
            for index in inputs.indices {
                let part = inputs[index]
                target.update(from: part.pointer + row * part.rowStride, count: part.columns)
                target += part.columns
            }
            newer.moved.append(true)
            newer.rows += 1
        }
        extendLifetime(inputs)
    }

    /// Records positions that have no inputs, at most as many as there is room for.
    mutating func skip(_ positions: Int) {
        precondition(positions <= room)
        newer.moved += repeatElement(false, count: positions)
    }

    /// Lets the inputs that follow come after a new moment, which is the present; those before can still be taken back if they fill
    /// the window, else the present is the oldest position.
    mutating func turn(at moment: RecurrentMemory) {
        let log = older?.log ?? Tensor(uninitialized: newer.log.shape, on: newer.log.device)
        older = isFull ? newer : nil
        newer = Stretch(moment: moment, log: older == nil ? newer.log : log)
    }

    /// Forgets the last positions.
    ///
    /// - Parameters:
    ///   - positions: how many, at most `count`.
    ///   - replay: the memory of the moment that inputs lead to.
    /// - Returns: the memory of the moment before them, which may be shared.
    mutating func goBack(
        _ positions: Int, replay: (_ inputs: Tensor, _ moment: RecurrentMemory) -> RecurrentMemory
    ) -> RecurrentMemory {
        if positions <= newer.count {
            newer.removeLast(positions)
        } else if var stretch = older {
            stretch.removeLast(positions - newer.count)
            (older, newer) = (nil, stretch)
        }
        return replay(newer.inputs, newer.moment)
    }

    /// The oldest moment kept.
    var oldest: RecurrentMemory { (older ?? newer).moment }

    /// All inputs since that moment, row by row.
    var inputs: [Float] { (older?.inputs.array ?? []) + newer.inputs.array }

    /// Whether each position since that moment has inputs.
    var moved: [Bool] { (older?.moved ?? []) + newer.moved }

    /// A history of its own; moments are shared, for they do not change.
    func fork() -> ReplayHistory {
        var twin = self
        twin.older = older?.fork()
        twin.newer = newer.fork()
        return twin
    }
}
