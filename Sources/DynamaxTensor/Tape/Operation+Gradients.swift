extension Operation {
    /// The gradient of each operand, given that of the result: the one place where gradients are written down.
    ///
    /// - Parameters:
    ///   - y: the result.
    ///   - dy: its gradient.
    ///   - give: takes the gradients of operands that are tracked.
    func differentiate(y: Tensor, dy: Tensor, give: (_ to: Tensor, _ contribution: Contribution) -> Void) {
        // Nothing is computed for an operand that no gradient is wanted of.
        func whole(_ operand: Tensor, _ gradient: () -> Tensor) {
            if operand.isTracked { give(operand, .whole(gradient(), isOwned: true)) }
        }
        func shared(_ operand: Tensor, _ gradient: Tensor) {
            if operand.isTracked { give(operand, .whole(gradient, isOwned: false)) }
        }
        switch self {
        case .leaf:
            break
        case .view(let x, let rows, let columns):
            give(x, .part(dy, rows: rows, columns: columns))
        case .reshaped(let x):
            shared(x, dy.contiguous.reshaped(x.shape))
        case .stackedRows(let parts):
            var start = 0
            for part in parts {
                shared(part, dy.rows(start..<start + part.rows))
                start += part.rows
            }
        case .gatheredRows(let table, let rows):
            whole(table) { dy.scattered(to: rows, of: table.shape) }
        case .sum(let a, let b, let factor):
            shared(a, dy)
            if factor == 1 { shared(b, dy) } else { whole(b) { dy.scaled(by: factor) } }
        case .sumOfAll(let x):
            whole(x) { Tensor(repeating: dy.array[0], x.shape, on: x.device) }
        case .negatedExponential(let x):
            whole(x) { dy.multiplied(by: y) }  // d(-exp x) = -exp x
        case .straightThrough(let x, let mask):
            if let mask { whole(x) { dy.multiplied(by: mask) } } else { shared(x, dy) }
        case .product(let operands):
            whole(operands.x) { dy.product(withTransposed: operands.weights, operands.precision) }
            whole(operands.weights) { dy.outerProduct(operands.x, operands.precision) }
            if let bias = operands.bias { whole(bias) { dy.columnSums() } }
            if let residual = operands.residual { shared(residual, dy) }
        case .frozenProduct(let operands):
            whole(operands.x) { dy.product(withTransposed: operands.weights.dense) }
            if let bias = operands.bias { whole(bias) { dy.columnSums() } }
            if let residual = operands.residual { shared(residual, dy) }
        case .rmsNorm(let operands):
            let gradients = operands.gradients(dy)
            whole(operands.x) { gradients.x }
            whole(operands.weight) { operands.weightGradient(dy, scaled: gradients.scaled) }
            if let gate = operands.gate, let gradient = gradients.gate { whole(gate) { gradient } }
        case .rotary(let x, let width, let angles):
            // The inverse of a rotation is its transpose.
            whole(x) { dy.rotated(headWidth: width, by: angles.inverse) }
        case .swiglu(let gate, let up):
            let gradients = Tensor.swigluGradients(gate: gate, up: up, dy)
            whole(gate) { gradients.gate }
            whole(up) { gradients.up }
        case .softmax(let x):
            whole(x) { y.softmaxGradient(dy) }
        case .rowLoss(let x, let gradient):
            whole(x) { gradient.scaled(by: dy.array[0]) }
        case .attention(let operands):
            let gradients = operands.gradients(y, dy)
            whole(operands.queries) { gradients.queries }
            whole(operands.keys) { gradients.keys }
            whole(operands.values) { gradients.values }
        case .convolution(let operands):
            let gradients = operands.gradients(dy)
            whole(operands.x) { gradients.x }
            whole(operands.weights) { gradients.weights }
            if let bias = operands.bias, let gradient = gradients.bias { whole(bias) { gradient } }
        case .scan(let operands):
            let gradients = operands.gradients(dy)
            whole(operands.x) { gradients.x }
            whole(operands.timeStep) { gradients.timeStep }
            whole(operands.b) { gradients.b }
            whole(operands.c) { gradients.c }
            whole(operands.gate) { gradients.gate }
            whole(operands.a) { gradients.a }
            whole(operands.d) { gradients.d }
            whole(operands.timeStepBias) { gradients.timeStep.columnSums() }
        case .ssd(let operands):
            let gradients = operands.gradients(dy)
            whole(operands.x) { gradients.x }
            whole(operands.timeStep) { gradients.timeStep }
            whole(operands.b) { gradients.b }
            whole(operands.c) { gradients.c }
            whole(operands.parameters.a) { gradients.a }
            whole(operands.parameters.d) { gradients.d }
            whole(operands.parameters.timeStepBias) { gradients.timeStep.columnSums() }
        case .imageConvolution(let operands):
            let gradients = operands.gradients(dy)
            if let gradient = gradients.x { whole(operands.x) { gradient } }
            if let gradient = gradients.weights { whole(operands.weights) { gradient } }
            if let bias = operands.bias { whole(bias) { dy.columnSums() } }
        case .pool(let pool):
            whole(pool.x) { pool.gradient(dy) }
        case .checkpoint(let x, let body):
            let leaf = x.detached.parameter
            let result = x.device.recording { body(leaf) }
            let gradients = result.backward(from: dy)
            if let gradient = gradients[leaf] { whole(x) { gradient } }
            give(leaf, .leaves(gradients.without(leaf)))
        }
    }
}

extension Gradients {
    /// These gradients but for that of one parameter.
    func without(_ parameter: Tensor) -> Gradients {
        var rest = self
        rest.remove(parameter)
        return rest
    }
}
