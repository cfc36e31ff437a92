import CDynamax
import DynamaxLayers
import DynamaxTensor

/// How the inputs of a recurrent layer move its state: what a `RecurrentState` needs to know of its layer.
protocol Recurrence: AnyObject, Sendable {
    /// Numbers in the window of the convolution.
    var windowFloats: Int { get }
    /// Numbers in the state of the recurrence.
    var stateFloats: Int { get }
    /// Numbers in one row of recorded inputs.
    var inputWidth: Int { get }

    /// Moves the states of `sequences` over the rows of `inputs`, [rows, inputWidth], without computing outputs.
    func replay(_ inputs: Tensor, _ sequences: UnsafeBufferPointer<dx_sequence>)
}

extension Recurrence {
    /// What moving window and state by one row costs, where nothing is computed from them.
    var absorbCost: Cost {
        Cost(bytes: 2 * (stateFloats + windowFloats) * 4, multiplyAdds: 2 * (stateFloats + windowFloats))
    }
}

/// The convolution window and the state-space state of one recurrent layer.
///
/// To go back, it keeps moments of the past and the inputs that came after them, and replays some of them: the same kernels on
/// the same numbers, so the state is the same to the bit. That is far less than a copy of the state for each token.
/// (ReplaySSM's idea, applied to one sequence on a CPU.)
public final class RecurrentState {
    /// Positions consumed.
    public private(set) var progress = 0
    /// Positions that can at least be taken back; twice as many at most.
    public let window: Int

    private let recurrence: any Recurrence
    private let device: Device
    private var memory: RecurrentMemory
    /// What the kernels read from while they write to `memory`, where that was shared.
    private var moved: RecurrentMemory?
    private var history: ReplayHistory?
    /// The moment within the rows that run now from which on inputs are recorded anew, and the rows before it.
    private var cut: (moment: RecurrentMemory, rows: Int)?

    init(_ recurrence: any Recurrence, window: Int, on device: Device) {
        self.recurrence = recurrence
        self.device = device
        self.window = window
        memory = RecurrentMemory(zerosFor: recurrence, on: device)
        if window > 0 { history = makeHistory() }
    }

    /// A state of the same moment; memory is shared until one of the two moves.
    private init(forking other: RecurrentState) {
        (recurrence, device, window) = (other.recurrence, other.device, other.window)
        (progress, memory, history) = (other.progress, other.memory, other.history?.fork())
    }

    /// The oldest position that `truncate` can reach, other than 0.
    public var oldest: Int { progress - (history?.count ?? 0) }

    /// Bytes of window and state at one moment.
    var bytesOfMoment: Int { memory.count * 4 }

    /// Bytes of state, moments and recorded inputs.
    public var bytes: Int { bytesOfMoment + (history?.bytes ?? 0) }

    /// Whether inputs are recorded; what was recorded is dropped where that ends.
    var records: Bool {
        get { history != nil }
        set {
            guard newValue != records, window > 0 else { return }
            history = newValue ? makeHistory() : nil
        }
    }

    // MARK: Append

    /// Makes the memory this state's own and describes it to the kernels.
    ///
    /// - Parameter rows: how many are to run.
    /// - Returns: how many of them are to run before `checkpointWindow` and `checkpointState` are called; 0 for neither.
    func open(_ sequence: inout dx_sequence, rows: Int) -> Int {
        if history?.isFull == true { history?.turn(at: memory) }
        moved = nil
        if !isKnownUniquelyReferenced(&memory) {
            moved = memory
            memory = memory.successor()
        }
        memory.describe(to: &sequence, from: moved)
        sequence.position = Int64(progress)
        guard let history, history.room < rows else { return 0 }
        let first = max(history.room, rows - window)
        cut = (RecurrentMemory(for: recurrence, on: device), first)
        return first
    }

    /// Keeps the present window as that of the moment between the rows.
    func checkpointWindow() {
        cut?.moment.takeWindow(of: memory)
    }

    /// Keeps the present state as that of the moment between the rows.
    func checkpointState() {
        cut?.moment.takeState(of: memory)
    }

    /// Counts rows that the kernels have consumed.
    func advance(_ rows: Int) {
        moved = nil
        progress += rows
    }

    /// Records the inputs of rows that the kernels have consumed.
    ///
    /// - Parameter inputs: parts of a row of inputs side by side, each [batch rows, part width].
    func record<let count: Int>(_ inputs: InlineArray<count, Tensor>, rows: Range<Int>) {
        guard let cut else {
            history?.record(inputs, rows: rows)
            return
        }
        let middle = rows.lowerBound + cut.rows
        // Where the rows before are too many, what came before them cannot be reached any more.
        if cut.rows <= history?.room ?? 0 { history?.record(inputs, rows: rows.lowerBound..<middle) }
        history?.turn(at: cut.moment)
        history?.record(inputs, rows: middle..<rows.upperBound)
        self.cut = nil
    }

    /// Lets positions pass: they count as consumed, and leave window and state as they are.
    func skip(_ positions: Int) {
        progress += positions
        var left = positions
        while left > 0, let room = history?.room {
            if room == 0 { history?.turn(at: memory) }
            let part = min(left, room == 0 ? window : room)
            history?.skip(part)
            left -= part
        }
    }

    // MARK: Truncate and fork

    /// Whether `truncate` can go back to `position`.
    func canTruncate(to position: Int) -> Bool {
        position >= progress || position == 0 || position >= oldest
    }

    /// Goes back to `position`, for which `canTruncate` holds.
    func truncate(to position: Int) {
        guard position < progress else { return }
        if position >= oldest, var kept = history {
            memory = kept.goBack(progress - position) { inputs, moment in replay(inputs, from: moment) }
            history = kept
        } else {
            memory = RecurrentMemory(zerosFor: recurrence, on: device)
            if records { history = makeHistory() }
        }
        progress = position
    }

    /// A state of the same moment; memory is shared until one of the two moves.
    func fork() -> RecurrentState { RecurrentState(forking: self) }

    // MARK: Numbers, for serialization

    /// Everything there is to know: the moment, the oldest moment kept, the inputs since, and whether each position since has
    /// one or was skipped.
    struct Contents {
        var progress: Int
        var memory: [Float]
        var checkpoint: [Float] = []
        var log: [Float] = []
        var moved: [Bool] = []
    }

    var contents: Contents {
        Contents(
            progress: progress, memory: memory.array, checkpoint: history?.oldest.array ?? [],
            log: history?.inputs ?? [], moved: history?.moved ?? [])
    }

    /// Takes over contents; a log longer than this state may hold is refused, a missing one leaves no history.
    func restore(_ contents: Contents) throws(StateError) {
        let width = recurrence.inputWidth
        guard contents.memory.count == memory.count else {
            throw .malformed(
                "a recurrent state of \(contents.memory.count) numbers where the model has \(memory.count)")
        }
        memory = RecurrentMemory(contents.memory, for: recurrence, on: device)
        progress = contents.progress
        guard records else { return }
        guard !contents.checkpoint.isEmpty else {
            history = makeHistory()
            return
        }
        let rows = contents.moved.count { $0 }
        guard contents.checkpoint.count == memory.count, contents.log.count == rows * width,
            contents.moved.count <= min(2 * window, progress)
        else { throw .malformed("the history of a recurrent layer has the wrong size") }
        let moment = RecurrentMemory(contents.checkpoint, for: recurrence, on: device)
        var restored = ReplayHistory(at: moment, window: window, inputWidth: width, on: device)
        let log = Tensor(contents.log, Shape(rows: rows, columns: width), on: device)
        var row = 0
        for (position, hasMoved) in contents.moved.enumerated() {
            if position == window {
                restored.turn(at: replay(log.rows(0..<row), from: moment))
            }
            if hasMoved {
                restored.record([log], rows: row..<row + 1)
                row += 1
            } else {
                restored.skip(1)
            }
        }
        history = restored
    }

    private func makeHistory() -> ReplayHistory {
        ReplayHistory(at: memory, window: window, inputWidth: recurrence.inputWidth, on: device)
    }

    /// The memory of the moment that inputs lead to; the same one where there are none.
    private func replay(_ inputs: Tensor, from moment: RecurrentMemory) -> RecurrentMemory {
        guard inputs.rows > 0 else { return moment }
        let memory = moment.successor()
        var sequence = dx_sequence()
        sequence.rows = Int64(inputs.rows)
        memory.describe(to: &sequence, from: moment)
        withUnsafePointer(to: &sequence) {
            recurrence.replay(inputs, UnsafeBufferPointer(start: $0, count: 1))
        }
        return withExtendedLifetime(moment) { memory }
    }
}
