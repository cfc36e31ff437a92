import CDynamax
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

/// The convolution window and the state-space state of one recurrent layer.
///
/// To go back, it keeps a checkpoint and the inputs that came after it, and replays some of them: the same kernels on
/// the same numbers, so the state is the same to the bit. That is far less than a copy of the state for each token.
/// (ReplaySSM's idea, applied to one sequence on a CPU.)
public final class RecurrentState {
    /// Window and state of one moment, shared by reference after a fork.
    private final class Memory {
        let storage: Storage
        init(_ storage: Storage) { self.storage = storage }
    }

    /// A checkpoint and the inputs since, in row-major order.
    private struct History {
        var checkpoint: Memory
        var log: Tensor
        var count = 0
    }

    /// Positions consumed.
    public private(set) var progress = 0
    /// Positions that can at least be taken back; twice as many at most.
    public let window: Int

    private let recurrence: any Recurrence
    private let device: Device
    private var memory: Memory
    private var history: History?

    init(_ recurrence: any Recurrence, window: Int, on device: Device) {
        self.recurrence = recurrence
        self.device = device
        self.window = window
        memory = RecurrentState.makeMemory(recurrence, device)
        memory.storage.floats.update(repeating: 0, count: RecurrentState.floats(recurrence))
        if window > 0 { history = makeHistory() }
    }

    /// The oldest position that `truncate` can reach, other than 0.
    public var oldest: Int { progress - (history?.count ?? 0) }

    /// Bytes of state, checkpoint and recorded inputs.
    public var bytes: Int {
        let state = RecurrentState.floats(recurrence) * 4
        return history == nil ? state : 2 * state + 2 * window * recurrence.inputWidth * 4
    }

    // MARK: Append

    /// How many of `rows` new rows are to run before a new checkpoint is taken; 0 where all of them can be recorded.
    func rowsBeforeCheckpoint(of rows: Int) -> Int {
        guard let history, history.count + rows > 2 * window else { return 0 }
        return max(rows - window, 0)
    }

    /// Makes the memory this state's own and describes it to the kernels.
    func open(_ sequence: inout dx_sequence) {
        if !isKnownUniquelyReferenced(&memory) { memory = copy(of: memory) }
        describe(memory, &sequence)
        sequence.position = Int64(progress)
    }

    /// Takes the present window as the checkpoint's.
    func checkpointWindow() {
        checkpoint(0, count: RecurrentState.windowStride(recurrence))
    }

    /// Takes the present state as the checkpoint's. After both halves, what was recorded before is forgotten.
    func checkpointState() {
        checkpoint(RecurrentState.windowStride(recurrence), count: recurrence.stateFloats)
        history?.count = 0
    }

    private func checkpoint(_ start: Int, count: Int) {
        guard var history else { return }
        self.history = nil  // so that the checkpoint below is referred to once, unless it is shared
        if !isKnownUniquelyReferenced(&history.checkpoint) { history.checkpoint = copy(of: history.checkpoint) }
        (history.checkpoint.storage.floats + start).update(from: memory.storage.floats + start, count: count)
        self.history = history
    }

    /// Counts rows that the kernels have consumed.
    func advance(_ rows: Int) {
        progress += rows
    }

    /// Records the inputs of rows that the kernels have consumed.
    ///
    /// - Parameter inputs: parts of a row of inputs side by side, each [batch rows, part width].
    func record(_ inputs: [Tensor], rows: Range<Int>) {
        guard var history, !rows.isEmpty else { return }
        self.history = nil  // so that the log below is this state's alone
        let overflow = history.count + rows.count - 2 * window
        if overflow > 0 { forget(history.count + rows.count - window, of: &history) }
        for row in rows {
            var target = history.log.mutablePointer + history.count * recurrence.inputWidth
            for part in inputs {
                target.update(from: part.pointer + row * part.rowStride, count: part.columns)
                target += part.columns
            }
            history.count += 1
        }
        withExtendedLifetime(inputs) {}
        self.history = history
    }

    /// Moves the checkpoint over the oldest `count` recorded rows.
    private func forget(_ count: Int, of history: inout History) {
        if !isKnownUniquelyReferenced(&history.checkpoint) { history.checkpoint = copy(of: history.checkpoint) }
        replay(history.log.rows(0..<count), on: history.checkpoint)
        let log = history.log.mutablePointer
        let width = recurrence.inputWidth
        log.update(from: log + count * width, count: (history.count - count) * width)
        history.count -= count
    }

    // MARK: Truncate and fork

    /// Whether `truncate` can go back to `position`.
    func canTruncate(to position: Int) -> Bool {
        position >= progress || position == 0 || position >= oldest
    }

    /// Goes back to `position`, for which `canTruncate` holds.
    func truncate(to position: Int) {
        guard position < progress else { return }
        let base = oldest
        if position >= base, let kept = history {
            memory = copy(of: kept.checkpoint)
            replay(kept.log.rows(0..<position - base), on: memory)
            history?.count = position - base
        } else {
            memory = RecurrentState.makeMemory(recurrence, device)
            memory.storage.floats.update(repeating: 0, count: RecurrentState.floats(recurrence))
            if window > 0 { history = makeHistory() }
        }
        progress = position
    }

    /// A state of the same moment; memory is shared until one of the two moves.
    func fork() -> RecurrentState {
        let twin = RecurrentState(recurrence, window: window, on: device)
        twin.progress = progress
        twin.memory = memory
        if let history {
            let log = Tensor(uninitialized: history.log.shape, on: device)
            log.mutablePointer.update(from: history.log.pointer, count: history.count * recurrence.inputWidth)
            twin.history = History(checkpoint: history.checkpoint, log: log, count: history.count)
        }
        return twin
    }

    // MARK: Numbers, for serialization

    /// Everything there is to know: the moment, the checkpoint and the recorded inputs.
    struct Contents {
        var progress: Int
        var memory: [Float]
        var checkpoint: [Float] = []
        var log: [Float] = []
    }

    var contents: Contents {
        let count = RecurrentState.floats(recurrence)
        func numbers(_ memory: Memory) -> [Float] {
            withExtendedLifetime(memory) {
                Array(UnsafeBufferPointer(start: memory.storage.floats, count: count))
            }
        }
        var contents = Contents(progress: progress, memory: numbers(memory))
        if let history {
            contents.checkpoint = numbers(history.checkpoint)
            contents.log = history.log.rows(0..<history.count).array
        }
        return contents
    }

    /// Takes over contents; a log longer than this state may hold is refused, a missing one leaves no history.
    func restore(_ contents: Contents) throws(StateError) {
        let count = RecurrentState.floats(recurrence)
        let width = recurrence.inputWidth
        guard contents.memory.count == count else {
            throw .malformed("a recurrent state of \(contents.memory.count) numbers where the model has \(count)")
        }
        memory = RecurrentState.makeMemory(recurrence, device)
        memory.storage.floats.update(from: contents.memory, count: count)
        progress = contents.progress
        guard window > 0 else { return }
        var restored = makeHistory()
        if contents.checkpoint.isEmpty {
            restored.checkpoint = copy(of: memory)
        } else {
            guard contents.checkpoint.count == count, contents.log.count % width == 0,
                contents.log.count / width <= min(2 * window, progress)
            else { throw .malformed("the history of a recurrent layer has the wrong size") }
            restored.checkpoint.storage.floats.update(from: contents.checkpoint, count: count)
            restored.log.mutablePointer.update(from: contents.log, count: contents.log.count)
            restored.count = contents.log.count / width
        }
        history = restored
    }

    // MARK: Memory

    private static func windowStride(_ recurrence: any Recurrence) -> Int {
        (recurrence.windowFloats + 15) / 16 * 16  // the state starts on a cache line
    }

    private static func floats(_ recurrence: any Recurrence) -> Int {
        windowStride(recurrence) + recurrence.stateFloats
    }

    private static func makeMemory(_ recurrence: any Recurrence, _ device: Device) -> Memory {
        Memory(device.storage(bytes: floats(recurrence) * 4))
    }

    private func copy(of memory: Memory) -> Memory {
        let copy = RecurrentState.makeMemory(recurrence, device)
        copy.storage.floats.update(from: memory.storage.floats, count: RecurrentState.floats(recurrence))
        return copy
    }

    private func makeHistory() -> History {
        History(
            checkpoint: copy(of: memory),
            log: Tensor(uninitialized: Shape(rows: 2 * window, columns: recurrence.inputWidth), on: device))
    }

    private func describe(_ memory: Memory, _ sequence: inout dx_sequence) {
        sequence.window = memory.storage.floats
        sequence.state = memory.storage.floats + RecurrentState.windowStride(recurrence)
    }

    private func replay(_ inputs: Tensor, on memory: Memory) {
        guard inputs.rows > 0 else { return }
        var sequence = dx_sequence()
        sequence.rows = Int64(inputs.rows)
        describe(memory, &sequence)
        withUnsafePointer(to: &sequence) {
            recurrence.replay(inputs, UnsafeBufferPointer(start: $0, count: 1))
        }
        withExtendedLifetime(memory) {}
    }
}
