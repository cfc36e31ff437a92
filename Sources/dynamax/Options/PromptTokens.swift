import ArgumentParser
import DynamaxTensor

/// Token numbers on the command line, separated by commas.
struct TokenList: ExpressibleByArgument {
    let tokens: [Token]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let tokens = parts.compactMap { Token($0.trimmingPrefix { $0 == " " }) }
        guard tokens.count == parts.count else { return nil }
        self.tokens = tokens
    }
}
