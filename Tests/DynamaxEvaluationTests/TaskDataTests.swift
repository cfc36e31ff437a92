import DynamaxEvaluation
import DynamaxFormats
import Foundation
import TestSupport
import Testing

// Oracle: the sentences and lines that are written out here; for files in other shapes, the same questions in the hub's shape.

@Suite struct TaskDataTests {
    private func items(
        _ task: String, _ text: String, file: String = "data.jsonl", options: TaskOptions = TaskOptions()
    ) throws -> [TaskItem] {
        let folder = try TemporaryFolder()
        let path = try folder.write(file, text)
        return try TaskCatalogue.task(task).items(from: TaskData(contentsOf: path), options: options)
    }

    private func sentence(_ task: String, _ text: String, file: String = "data.jsonl", fewShot: Int? = nil) -> String {
        do {
            _ = try items(task, text, file: file, options: TaskOptions(fewShot: fewShot))
            return "no error"
        } catch {
            let sentence = "\(error)"
            return sentence.range(of: file).map { String(sentence[$0.lowerBound...]) } ?? sentence
        }
    }

    private func context(_ item: TaskItem) -> String {
        switch item.request {
        case .choices(let choices): choices.first?.context ?? ""
        case .generation(let context, _): context
        case .text(let text): text
        }
    }

    @Test("what is wrong with a document is told with its file and line")
    func mistakes() {
        let good = #"{"text": "one two"}"#
        #expect(
            sentence("lambada_openai", "\(good)\n\n{\"txt\": 1}")
                == "data.jsonl, line 3: the field text is missing")
        #expect(
            sentence("lambada_openai", "\(good)\n{\"text\": 1}")
                == "data.jsonl, line 2: the field text must be a string, not 1")
        #expect(
            sentence("lambada_openai", "\(good)\n{\"text\": \"one")
                == "data.jsonl: expected '\"' at the end of a string, at line 2, column 10")
        #expect(
            sentence("lambada_openai", "\(good)\n[1]")
                == "data.jsonl, line 2: the document must be an object, not an array")
        #expect(
            sentence("lambada_openai", "[\(good),\n1]")
                == "data.jsonl, line 2: the document must be an object, not an integer")
        #expect(sentence("lambada_openai", "") == "data.jsonl: the file is empty")
        #expect(sentence("lambada_openai", "\n \n") == "data.jsonl: the file holds no document")
        #expect(sentence("lambada_openai", "[]") == "data.jsonl: the file holds no document")
        #expect(
            sentence("lambada_openai", "[\n {\"text\": \"a b\"},\n\n {\"t\": 1}]")
                == "data.jsonl, line 4: the field text is missing")
        #expect(
            sentence("coqa", #"{"data": [{"story": "s", "questions": [], "answers": []}]}"#)
                == "data.jsonl: the conversation has no question")
        #expect(
            sentence("perplexity", "PAR1", file: "data.parquet")
                == "data.parquet: expected JSON lines, a JSON array, CSV or text; convert the file to one of them")
    }

    @Test("a right answer that is not there is told")
    func noTrueAnswer() {
        let choices = #""query": "Question: q", "choices": ["a", "b"]"#
        #expect(
            sentence("arc_easy", "{\(choices), \"gold\": 2}")
                == "data.jsonl, line 1: the right answer must be one of the 2 choices, not number 2 (from 0)")
        #expect(
            sentence("arc_easy", "{\(choices), \"gold\": 0}\n{\(choices), \"gold\": -1}")
                == "data.jsonl, line 2: the right answer must be one of the 2 choices, not number -1 (from 0)")
        let targets = #""mc2_targets": {"choices": ["a", "b"], "labels": [0, 0]}"#
        #expect(
            sentence("truthfulqa_mc2", "{\"question\": \"q\", \(targets)}\n\n")
                == "data.jsonl, line 1: none of the answers is true")
        let rows = "Question,Best Answer,Correct Answers,Incorrect Answers\nq,a,b,c\nq, ,;,c\n"
        for task in ["truthfulqa_mc1", "truthfulqa_mc2", "truthfulqa_gen"] {
            #expect(sentence(task, rows, file: "data.csv") == "data.csv, line 3: none of the answers is true")
        }
        #expect(
            sentence("triviaqa", #"{"question": "q", "answer": {"aliases": []}}"#)
                == "data.jsonl, line 1: the question has no answer")
        #expect(
            sentence("gsm8k", #"{"question": "q", "answer": "7"}"#, fewShot: 0)
                == "data.jsonl, line 1: the field answer must be a solution with its result after \"#### \", not \"7\"")
        #expect(
            sentence("arc_easy", #"{"question": "q", "answerKey": "E", "choices": {"label": ["A"], "text": ["a"]}}"#)
                == "data.jsonl, line 1: the field answerKey must be one of A, not \"E\"")
    }

    @Test("examples that are too few are told")
    func fewExamples() {
        let document = "{\"question\": \"q\", \"answer\": \"#### 7\"}"
        #expect(
            sentence("gsm8k", "\(document)\n\(document)", fewShot: 2)
                == "data.jsonl, line 1: 2 solved examples are asked for, but the file has only 2 documents to draw from"
        )
    }

    @Test("the limit counts documents")
    func limit() throws {
        let document = #"{"story": "s", "turns": [{"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}]}"#
        let text = [document, document, document].joined(separator: "\n")
        let items = try items("coqa_all_turns", text, options: TaskOptions(limit: 2))
        #expect(items.map(\.id) == ["0/0", "0/1", "1/0", "1/1"])
        #expect(items.map(\.group) == ["0", "0", "1", "1"])
        #expect(context(items[1]) == "s\n\nQ: a\n\nA: b\n\nQ: c\n\nA:")
    }

    @Test("rows of TruthfulQA's CSV become questions")
    func commaSeparated() throws {
        let text = """
            \u{FEFF}Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\r
            x,y,"Is it ""so""?",No,"No; It is not,
            it is; ",Yes;  Of course ,z\r
            """
        let item = try #require(try items("truthfulqa_mc2", text, file: "data.csv").first)
        guard case .choices(let choices) = item.request else { throw TaskError.response(item: item.id) }
        #expect(choices.map(\.text) == [" No", " It is not,\nit is", " Yes", " Of course"])
        #expect(choices[0].context.hasSuffix("Barcelona, Spain.\n\nQ: Is it \"so\"?\nA:"))
        #expect(item.references == ["No", "It is not,\nit is"])
        let one = try #require(try items("truthfulqa_mc1", text, file: "data.csv").first)
        guard case .choices(let single) = one.request else { throw TaskError.response(item: one.id) }
        #expect(single.map(\.text) == [" No", " Yes", " Of course"])
        #expect(
            sentence("truthfulqa_mc1", text + "\na,b\n", file: "data.csv")
                == "data.csv, line 4: expected 7 values, one for each column, found 2")
        #expect(
            sentence("truthfulqa_mc1", text + "\na,b,\"c\n", file: "data.csv")
                == "data.csv, line 4: a quoted value has no end")
    }

    @Test("the shape query, choices, gold asks the same as the hub's")
    func localShapes() throws {
        func same(_ task: String, _ hub: String, _ local: String) throws {
            let (hub, local) = (try #require(try items(task, hub).first), try #require(try items(task, local).first))
            #expect(context(hub) == context(local))
            #expect(hub.references == local.references)
        }
        try same(
            "piqa", #"{"goal": "g", "sol1": "a", "sol2": "b", "label": 1}"#,
            #"{"query": "Question: g\n", "choices": ["a", "b"], "gold": 1}"#)
        try same(
            "boolq", #"{"question": "is it", "passage": "p\nQuestion: no?", "label": 0}"#,
            #"{"query": "Passage: p\nQuestion: no?\nQuestion: is it?", "choices": ["no", "yes"], "gold": 0}"#)
        try same(
            "triviaqa", #"{"question": "q?", "answer": {"aliases": ["a", "b"]}}"#,
            #"{"context": "Question: q?\nAnswer:", "answer": "a", "aliases": ["a", "b"]}"#)
        try same(
            "xsum", #"{"document": "d", "summary": "s", "id": "1"}"#,
            ####"{"article": "###\nArticle: d\n\nSummarize the above article in 1 sentence.\n", "summary_gt": "s"}"####)
        try same(
            "quac",
            #"""
            {"wikipedia_page_title": "t", "background": "b", "section_title": "s", "context": "c", "questions": ["q", "r"],
             "orig_answers": {"texts": ["a", "z"]}, "answers": {"texts": [["a"], ["z", "y"]]}}
            """#,
            #"""
            {"query": "Title: t\n\nBackground: b\n\nSection: s\nContext: c\n\nQuestion: q\nAnswer: a\n\nQuestion: r",
             "answer": "z", "aliases": ["y"]}
            """#)
    }

    @Test("files of the hub's cache are found by split and configuration")
    func cache() throws {
        let folder = try TemporaryFolder()
        let source = DatasetSource("org/set", "main", split: "test", examples: "train")
        let snapshot = "datasets--org--set/snapshots/abc"
        let cache = HubCache(folder: folder.path)
        #expect(throws: FormatError.self) { try TaskData(source, in: cache) }
        func write(_ text: String, _ name: String) throws { try folder.write("\(snapshot)/\(name)", text) }
        try folder.write("datasets--org--set/refs/main", "abc")
        try write("PAR1", "main/test-00000-of-00001.parquet")
        let error = #expect(throws: FormatError.self) { try TaskData(source, in: cache) }
        #expect(
            error?.problem.contains("only parquet, which is not read; name a file of documents with --data") == true)
        try write("{\"n\": 1}\n{\"n\": 2}\n", "main/test.jsonl")
        try write("{\"n\": 3}\n{\"n\": 4}\n", "socratic/test.jsonl")
        try write("[{\"n\": 5}]", "main/train.json")
        let data = try TaskData(source, in: cache)
        #expect(try data.documents.map { try $0.int("n") } == [1, 2])
        #expect(try data.examples?.map { try $0.int("n") } == [5])
    }

    @Test("an unknown task is answered with those that are meant")
    func unknown() {
        #expect(
            "\(TaskError.unknown("x", near: []))"
                == "there is no task x; `dynamax evaluate --list` names those that are")
        let error = #expect(throws: TaskError.self) { try TaskCatalogue.task("arc") }
        #expect(error.map { "\($0)" } == "there is no task arc; did you mean arc_easy or arc_challenge?")
        let typo = #expect(throws: TaskError.self) { try TaskCatalogue.task("arc_esy") }
        #expect(typo.map { "\($0)" } == "there is no task arc_esy; did you mean arc_easy?")
    }

    @Test("an answer of another kind or length is refused")
    func response() throws {
        let item = try #require(try items("lambada_openai", #"{"text": "one two"}"#).first)
        #expect(throws: TaskError.response(item: "0")) { try item.score(.text("two")) }
        #expect(throws: TaskError.response(item: "0")) { try item.score(.logLikelihoods([])) }
    }

    @Test("text ends before the first stop")
    func stops() {
        #expect(WritingLimits(stops: ["\n", ".", ","]).cut("a,b.c\n") == "a")
        #expect(WritingLimits(stops: ["", "é"]).cut("cafe\u{301}") == "cafe\u{301}")
        #expect(WritingLimits(stops: ["x"]).cut("") == "")
    }

    static let local = [
        ("truthfulqa_mc1", "TruthfulQA.csv", 817), ("truthfulqa_mc2", "TruthfulQA.csv", 817),
        ("truthfulqa_gen", "TruthfulQA.csv", 817), ("coqa", "coqa_subset_from_abg.jsonl", 1000),
        ("coqa_all_turns", "coqa_subset_from_abg.jsonl", 3827), ("triviaqa", "triviaqa_sm_sub.jsonl", 3000),
        ("triviaqa", "triviaqa_dev.jsonl", 8825), ("lambada_openai", "lambada_test_openai.jsonl", 5153),
        ("hellaswag", "hellaswag_val_1000.jsonl", 1000), ("piqa", "piqa.jsonl", 1838),
        ("arc_easy", "arc_easy.jsonl", 2376), ("arc_challenge", "arc_challenge.jsonl", 1172),
        ("boolq", "boolq.jsonl", 3270), ("xsum", "xsum_0shot.jsonl", 1000), ("gsm8k", "gsm8k_test.jsonl", 1319),
        ("quac", "quac_rag.jsonl", 1000), ("pandalm", "pandalm_testset-v1.json", 999),
        ("pandalm_likelihood", "pandalm_testset-v1.json", 999),
    ]

    @Test("whole data sets are read", .enabled(if: Shared.has("data/eval")), arguments: local)
    func shared(task: String, file: String, count: Int) throws {
        let data = try TaskData(contentsOf: Shared.url("data/eval/\(file)").path)
        let items = try TaskCatalogue.task(task).items(from: data, options: TaskOptions())
        #expect(items.count == count)
        #expect(Set(items.map(\.id)).count == count)
    }
}
