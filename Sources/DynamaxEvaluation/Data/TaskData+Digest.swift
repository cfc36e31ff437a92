import DynamaxFormats

extension TaskData {
    /// SHA-256 of the documents and examples, in hexadecimal: the same for the same documents, whatever file they came from.
    public var digest: String {
        var hash = SHA256()
        for (index, documents) in [documents, examples ?? []].enumerated() {
            for document in documents {
                Array("\(index) \(document.value)\n".utf8).withUnsafeBytes { hash.update($0) }
            }
        }
        return hash.digest()
    }
}
