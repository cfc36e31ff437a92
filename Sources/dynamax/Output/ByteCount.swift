import Foundation

/// A number of bytes as people read it: in kB, MB or GB.
func byteCount(_ bytes: Int) -> String {
    switch bytes {
    case ..<1_000_000: String(format: "%.1f kB", Double(bytes) / 1e3)
    case ..<1_000_000_000: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: String(format: "%.2f GB", Double(bytes) / 1e9)
    }
}
