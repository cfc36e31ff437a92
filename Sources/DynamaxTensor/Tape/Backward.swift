extension Tensor {
    /// The gradients of this loss with respect to all parameters that it was computed from (reverse-mode differentiation).
    ///
    /// The tape is consumed: the memory of activations is free as soon as their gradients are known.
    ///
    /// - Parameter seed: what the gradients are multiplied by: the share of this loss in a larger batch, say.
    public func backward(seed: Float = 1) -> Gradients {
        precondition(shape.count == 1, "gradients start from a single number")
        return backward(from: Tensor([seed], shape, on: device))
    }

    /// The gradients of sum(self * gradient).
    func backward(from gradient: Tensor) -> Gradients {
        guard let node else { return Gradients() }
        return device.notRecording {
            var sums = GradientSums()
            sums.add(gradient, to: self, isOwned: false)
            var queue = [node.number: (node, self)]
            var order = [node.number]
            // Results have larger numbers than operands, so the largest is always complete.
            while let number = order.popLast() {
                guard let (node, y) = queue.removeValue(forKey: number), let dy = sums.peek(number) else { continue }
                let operation = node.operation
                if case .leaf = operation { continue }
                sums.remove(number)
                node.operation = .leaf
                operation.differentiate(y: y.detached, dy: dy) { operand, contribution in
                    guard let source = operand.node else { return }
                    if queue[source.number] == nil {
                        queue[source.number] = (source, operand)
                        order.insert(source.number, at: order.firstIndex { $0 > source.number } ?? order.count)
                    }
                    switch contribution {
                    case .whole(let gradient, let isOwned): sums.add(gradient, to: operand, isOwned: isOwned)
                    case .part(let gradient, let rows, let columns):
                        sums.add(gradient, to: operand, rows: rows, columns: columns)
                    case .leaves(let gradients): sums.merge(gradients)
                    }
                }
            }
            return Gradients(sums)
        }
    }
}

/// The gradients of a loss, by parameter.
public struct Gradients {
    private var byNumber: [UInt64: Tensor] = [:]

    init() {}

    init(_ sums: GradientSums) {
        byNumber = sums.all
    }

    /// The gradient of a parameter, in its shape; nil where the loss does not depend on it.
    public subscript(parameter: Tensor) -> Tensor? {
        parameter.node.flatMap { byNumber[$0.number] }
    }

    var all: [UInt64: Tensor] { byNumber }

    mutating func remove(_ parameter: Tensor) {
        if let number = parameter.node?.number { byNumber[number] = nil }
    }
}

/// What an operation gives to the gradient of an operand.
enum Contribution {
    /// A gradient of the operand's shape; owned where nobody else refers to its numbers.
    case whole(Tensor, isOwned: Bool)
    /// A gradient of a part of the operand.
    case part(Tensor, rows: Range<Int>, columns: Range<Int>)
    /// Gradients of parameters, from a tape of its own.
    case leaves(Gradients)
}

/// Gradients on their way, added up in place where that is safe.
struct GradientSums {
    private var sums: [UInt64: (gradient: Tensor, isOwned: Bool)] = [:]

    var all: [UInt64: Tensor] { sums.mapValues(\.gradient) }

    func peek(_ number: UInt64) -> Tensor? { sums[number]?.gradient }

    mutating func remove(_ number: UInt64) { sums[number] = nil }

    mutating func add(_ gradient: Tensor, to operand: Tensor, isOwned: Bool) {
        guard let number = operand.node?.number else { return }
        precondition(gradient.shape.count == operand.shape.count)
        add(gradient, number, isOwned: isOwned)
    }

    mutating func merge(_ gradients: Gradients) {
        for (number, gradient) in gradients.all { add(gradient, number, isOwned: true) }
    }

    private mutating func add(_ gradient: Tensor, _ number: UInt64, isOwned: Bool) {
        guard let sum = sums[number] else {
            sums[number] = (gradient, isOwned)
            return
        }
        if sum.isOwned {
            sum.gradient.addInPlace(gradient)
        } else {
            sums[number] = (sum.gradient.detached.adding(gradient.detached), true)
        }
    }

    mutating func add(_ gradient: Tensor, to operand: Tensor, rows: Range<Int>, columns: Range<Int>) {
        guard let number = operand.node?.number else { return }
        let base: Tensor
        switch sums[number] {
        case nil: base = Tensor(zeros: operand.shape, on: operand.device)
        case .some(let (sum, isOwned)): base = isOwned ? sum : sum.copy
        }
        sums[number] = (base, true)
        base.columns(columns).rows(rows).addInPlace(gradient)
    }
}
