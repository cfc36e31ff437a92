import Foundation

/// A number of bytes as people read it: in MB, or GB from one on.
func byteCount(_ bytes: Int) -> String {
    bytes < 1_000_000_000
        ? String(format: "%.1f MB", Double(bytes) / 1e6) : String(format: "%.2f GB", Double(bytes) / 1e9)
}
