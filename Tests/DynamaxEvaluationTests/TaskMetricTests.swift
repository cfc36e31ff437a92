import DynamaxEvaluation
import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracles: sacrebleu, rouge_score, nltk's stemmer, transformers' SQuAD metrics as the harness's CoQA averages them, and its
// clean_up_tokenization, scikit-learn's F1 and Python's random.sample (Tests/Fixtures/Scripts/make_task_references.py).

@Suite struct TaskMetricTests {
    private func fixture(_ part: String) throws -> JSONNode {
        try JSONNode(contentsOf: Fixtures.url("tasks/metrics.json").path).node(part)
    }

    @Test("BLEU is sacrebleu's with international words")
    func bleu() throws {
        for row in try fixture("bleu").array() {
            let parts = try row.array()
            let (text, reference) = (try parts[0].string(), try parts[1].string())
            let score = BLEU.score(text, reference: reference)
            #expect(abs(score - (try parts[2].double())) < 1e-9, "\(text) | \(reference)")
        }
    }

    @Test("ROUGE is rouge_score's, with stems and without", arguments: [(2, false), (3, true)])
    func rouge(column: Int, stems: Bool) throws {
        let rouge = ROUGE(stems: stems)
        for row in try fixture("rouge").array() {
            let parts = try row.array()
            let (text, reference) = (try parts[0].string(), try parts[1].string())
            let scores = [
                rouge.nGrams(1, text, reference: reference), rouge.nGrams(2, text, reference: reference),
                rouge.longest(text, reference: reference), rouge.summary(text, reference: reference),
            ]
            for (score, expected) in zip(scores, try parts[column].array()) {
                #expect(abs(score - (try expected.double())) < 1e-9, "\(text) | \(reference)")
            }
        }
    }

    @Test("stems are nltk's")
    func stems() throws {
        for (word, stem) in try fixture("stems").object() {
            #expect(PorterStemmer.stem(word) == (try JSONNode(stem, location: word).string()), "\(word)")
        }
    }

    @Test("answers match as in the data sets' own scripts")
    func answers() throws {
        for row in try fixture("answers").array() {
            let parts = try row.array()
            let answer = try parts[0].string()
            let references = try parts[1].array().map { try $0.string() }
            func best(_ match: (String, String, AnswerMatch.Normalization) -> Double) -> Double {
                references.map { match(answer, $0, .triviaQA) }.max() ?? 0
            }
            let scores = [
                AnswerMatch.leaveOneOut(references) { AnswerMatch.exact(answer, $0) },
                AnswerMatch.leaveOneOut(references) { AnswerMatch.f1(answer, $0) },
                best(AnswerMatch.exact), best(AnswerMatch.f1),
            ]
            for (score, expected) in zip(scores, parts[2...]) {
                #expect(abs(score - (try expected.double())) < 1e-9, "\(answer) | \(references)")
            }
        }
    }

    @Test("spaces are taken out where transformers takes them out")
    func tidied() throws {
        for row in try fixture("tidied").array() {
            let parts = try row.array()
            #expect(HarnessTokens.tidied(try parts[0].string()) == (try parts[1].string()))
        }
    }

    @Test("macro F1 is scikit-learn's")
    func macroF1() throws {
        for row in try fixture("macro_f1").array() {
            let parts = try row.array()
            let scores = try zip(parts[0].array(), parts[1].array()).map { told, gold in
                Score("f1", try told.double(), weight: try gold.double())
            }
            #expect(abs(Aggregation.macroF1(scores) - (try parts[2].double())) < 1e-9)
        }
    }

    @Test("draws are Python's")
    func draws() throws {
        for draw in try fixture("draws").array() {
            var random = PythonRandom(seed: UInt32(try draw.int("seed")))
            for drawn in try draw.array("drawn") {
                let expected = try drawn.array().map { try $0.int() }
                #expect(random.sample(try draw.int("count"), try draw.int("chosen")) == expected)
            }
        }
    }

    @Test("figures of no scores are not numbers, and one score has no standard error")
    func empty() {
        #expect(Aggregation.mean([]).isNaN)
        #expect(Aggregation.mean.standardError([Score("acc", 1)]) == nil)
    }
}
