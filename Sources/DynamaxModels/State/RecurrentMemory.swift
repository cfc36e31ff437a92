import CDynamax
import DynamaxTensor

/// Window and state of one moment of a recurrent layer, side by side, shared by reference.
final class RecurrentMemory {
    private let storage: Storage
    private let device: Device
    /// Where the state begins: on a cache line.
    private let stateStart: Int
    /// Numbers of both.
    let count: Int

    /// Memory that is still to be written.
    convenience init(for recurrence: any Recurrence, on device: Device) {
        let stateStart = (recurrence.windowFloats + 15) / 16 * 16
        self.init(stateStart: stateStart, count: stateStart + recurrence.stateFloats, on: device)
    }

    /// The memory of an empty sequence.
    convenience init(zerosFor recurrence: any Recurrence, on device: Device) {
        self.init(for: recurrence, on: device)
        storage.floats.update(repeating: 0, count: count)
    }

    /// Takes as many numbers as it needs, as `array` gives them.
    convenience init(_ numbers: [Float], for recurrence: any Recurrence, on device: Device) {
        self.init(for: recurrence, on: device)
        precondition(numbers.count == count)
        storage.floats.update(from: numbers, count: count)
    }

    private init(stateStart: Int, count: Int, on device: Device) {
        (self.stateStart, self.count, self.device) = (stateStart, count, device)
        storage = device.storage(bytes: count * 4)
        // Kernels write windows and states whole, and nothing between the two.
        (storage.floats + stateStart - min(stateStart, 16)).update(repeating: 0, count: min(stateStart, 16))
    }

    /// All numbers.
    var array: [Float] {
        withExtendedLifetime(self) { Array(UnsafeBufferPointer(start: storage.floats, count: count)) }
    }

    func takeWindow(of other: RecurrentMemory) {
        storage.floats.update(from: other.storage.floats, count: stateStart)
    }

    func takeState(of other: RecurrentMemory) {
        (storage.floats + stateStart).update(from: other.storage.floats + stateStart, count: count - stateStart)
    }

    /// Memory of the same size that is still to be written, all but what lies between window and state.
    func successor() -> RecurrentMemory { RecurrentMemory(stateStart: stateStart, count: count, on: device) }

    /// Tells the kernels where window and state lie.
    ///
    /// - Parameter old: from where they move there; nil where they move in place.
    func describe(to sequence: inout dx_sequence, from old: RecurrentMemory? = nil) {
        sequence.window = storage.floats
        sequence.state = storage.floats + stateStart
        sequence.old_window = old.map { UnsafePointer($0.storage.floats) }
        sequence.old_state = old.map { UnsafePointer($0.storage.floats + $0.stateStart) }
    }
}
