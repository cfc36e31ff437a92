import DynamaxTensor

/// The parameters that a model has asked for while it was loaded, in that order: what a checkpoint of it must hold.
package final class PackedParameters {
    /// Matrices one below the other, as the model multiplies by them.
    struct Stack {
        let matrix: PackedMatrix
        let parameters: [(name: String, rows: Int)]
    }

    private(set) var stacks: [Stack] = []
    /// Parameters that are not packed.
    private(set) var plain: [String] = []
    private var names: Set<String> = []

    func has(_ name: String) -> Bool { names.contains(name) }

    /// Adds matrices, unless they are known: a token table may serve as the head too.
    func add(_ matrix: PackedMatrix, _ parameters: [(String, Int)]) {
        guard names.insert(parameters[0].0).inserted else { return }
        stacks.append(Stack(matrix: matrix, parameters: parameters.map { (name: $0.0, rows: $0.1) }))
    }

    func add(plain name: String) {
        if names.insert(name).inserted { plain.append(name) }
    }
}
