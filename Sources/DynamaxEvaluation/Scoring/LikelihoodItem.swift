import DynamaxDepth
import DynamaxTensor

/// The rows that an item's likelihoods take: what all its texts begin with, and the branches after it.
struct LikelihoodItem: Sendable {
    /// Rows before the first that anything is asked about, which all texts have in common.
    let shared: [Token]
    let branches: [Branch]
    /// Where each text's answers are; nil for a text of which nothing is asked.
    let places: [Place?]
    /// The number of tokens asked about.
    let tokens: Int

    /// Rows after the shared ones.
    struct Branch: Hashable, Sendable {
        let rows: [Token]
        /// For each of the last rows, the tokens that texts go on by.
        var questions: [[Token]]
    }

    /// A text's branch, and its number among those that share it.
    struct Place: Hashable, Sendable {
        let branch: Int
        let number: Int
    }

    /// Lays out texts. Those that differ in their last token alone share a branch.
    init(_ texts: [AskedTokens]) {
        let asking = texts.filter { $0.asked > 0 }
        var common = asking.first.map { $0.tokens[..<($0.tokens.count - $0.asked - 1)] } ?? []
        for text in asking.dropFirst() {
            let context = text.tokens[..<(text.tokens.count - text.asked - 1)]
            common = common[..<zip(common, context).prefix { $0 == $1 }.count]
        }
        var (branches, places, found) = ([Branch](), [Place?](), [Key: Int]())
        for text in texts {
            guard text.asked > 0 else {
                places.append(nil)
                continue
            }
            let rows = Array(text.tokens[common.count..<text.tokens.count - 1])
            let key = Key(rows: rows, asked: text.asked)
            let branch = found[key] ?? branches.count
            if branch == branches.count {
                found[key] = branch
                branches.append(Branch(rows: rows, questions: Array(repeating: [], count: text.asked)))
            }
            places.append(Place(branch: branch, number: branches[branch].questions[0].count))
            for (row, token) in text.tokens.suffix(text.asked).enumerated() {
                branches[branch].questions[row].append(token)
            }
        }
        (shared, self.branches, self.places) = (Array(common), branches, places)
        tokens = texts.reduce(0) { $0 + $1.asked }
    }

    private struct Key: Hashable {
        let rows: [Token]
        let asked: Int
    }
}
