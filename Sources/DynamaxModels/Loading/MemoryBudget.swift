import DynamaxFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How much memory a model may still take of what the machine has.
///
/// The sizes come from files, and asking the system for more than it has would end the process.
final class MemoryBudget {
    private var left: Double

    /// All memory of the machine, in bytes.
    static var machine: Double { Double(ProcessInfo.processInfo.physicalMemory) }

    init(bytes: Double = MemoryBudget.machine) {
        left = bytes
    }

    /// Counts bytes before they are asked for.
    func take(_ bytes: Double, for location: String) throws(FormatError) {
        left -= bytes
        guard left >= 0 else {
            let gigabytes = (MemoryBudget.machine / 1e8).rounded() / 10
            throw FormatError(
                .mismatch, location, "the model does not fit into the \(gigabytes) GB of memory that this machine has")
        }
    }
}
