import DynamaxDepth
import DynamaxEvaluation
import DynamaxModels
import DynamaxTensor
import TestSupport
import Testing

// Oracle: Foundation's XML parser.

@Suite struct XRayPageTests {
    private func page(
        _ count: Int, exit: String = "depth:1", guarantee: String = "none", piece: @escaping (Token) -> String
    ) throws -> (page: String, xray: TextXRay) {
        let model = try ReferenceModel.named("llama-gqa").load(on: Device(threads: 2))
        let policy = try ExitPolicy(ExitScore(exit), after: exit.hasPrefix("depth") ? nil : [1, 2], of: 3)
        let decoder: any DynamaxModels.Decoder =
            guarantee == "none"
            ? EarlyExitDecoder(model.stack, policy) : SelfSpeculativeDecoder(model.stack, policy, drafts: .fixed(2))
        let limits = Generation.Limits(tokens: count)
        let text = try WrittenText(model, decoder, prompt: [5, 6], limits: limits)
        let xray = try TextXRay(model, prompt: [5, 6], text: text, way: DecodingWay(decoder), limits: limits)
        let page = XRayPage(
            xray, prompt: "<b>prompt</b> & more", texts: text.tokens.map(piece), facts: [("model", "<a> & b")],
            piece: piece)
        return (page.text, xray)
    }

    @Test(
        "pages are well formed, whatever tokens hold",
        arguments: [("depth:1", "none"), ("softmax:0.03", "none"), ("depth:1", "exact")])
    func wellFormed(_ exit: String, _ guarantee: String) throws {
        let (text, xray) = try page(40, exit: exit, guarantee: guarantee) { token in
            token % 2 == 0 ? "<script>alert(\(token))</script>" : "\u{1}\"'&\n\(token)"
        }
        let xml = try XML(text)
        #expect(xml.elements["script"] == nil && xml.elements["b"] == nil)
        #expect(xml.text.contains("<script>alert(") && xml.text.contains("<b>prompt</b> & more"))
        #expect(xml.references.allSatisfy { $0.hasPrefix("#") })
        #expect(!text.contains("url(") && !text.contains("@import"))
        for index in xray.entries.indices {
            #expect(xml.identifiers.contains("t\(index)") && xml.identifiers.contains("w\(index)"))
        }
        #expect(xml.elements["tr"] ?? 0 > 40)
        #expect(xml.elements["del"] ?? 0 == xray.entries.count { $0.rejected != nil })
    }

    @Test("an empty text and one of one token have pages", arguments: [0, 1, 2])
    func short(_ count: Int) throws {
        let xml = try XML(page(count) { "\($0)" }.page)
        #expect(xml.identifiers.contains("t0") == (count > 0))
    }

    @Test("a text that leaves the full model's says where, and what it cost")
    func warnings() throws {
        let (text, xray) = try page(30, exit: "softmax:0.9") { "\($0) " }
        // A head check after each layer, and no token that leaves: all of it is lost.
        #expect(xray.costRatio > 1.005 && xray.divergence == nil)
        #expect(text.contains("<strong>Warning:</strong> this policy touches"))
        let (other, left) = try page(30) { "\($0) " }
        let place = try #require(left.divergence)
        #expect(other.contains("leaves the full model’s own at token <a href=\"#t\(place)\">"))
    }

    @Test("the page of a thousand tokens of a deep model stays small")
    func size() throws {
        var random = Seeded(1)
        let views = (0..<1000).map { _ in
            (0..<32).map { _ in
                DepthTrace.View(
                    token: .random(in: 0..<3, using: &random), probability: .random(in: 0...1, using: &random))
            }
        }
        let trace = DepthTrace(layerCount: 32, positions: views)
        let grid = HeatMap("g", names: (1...32).map(String.init), columns: 1000) { row, column in
            .init(Double(trace.positions[column][row].probability), isFull: trace.agrees(column, layer: row + 1))
        }
        // Random cells are the worst case: none is like its neighbour.
        #expect(grid.markup.text.utf8.count < 400_000)
        let (text, _) = try page(120) { "token\($0) " }
        #expect(text.utf8.count < 12_000 + 120 * 500)
    }
}
