import DynamaxDepth
import DynamaxEvaluation
import DynamaxFormats
import TestSupport
import Testing

@Suite struct PolicySpecificationTests {
    @Test("policies are read as they are written")
    func specifications() throws {
        let plain = try PolicySpecification("none:softmax:0.9")
        #expect(plain.name == "softmax:0.9" && plain.guarantee == .none && plain.exit == "softmax:0.9")
        let full = try PolicySpecification("exact:heads:a:b.safetensors@0.5:layers=3,4")
        #expect(full.guarantee == .exact && full.exit == "heads:a:b.safetensors@0.5" && full.layers == [3, 4])
        #expect(try PolicySpecification("margin:0.3:state=copy").state == .copy)
        let bounded = try PolicySpecification("bounded:c:d.json")
        #expect(bounded.guarantee == .bounded && bounded.exit == "c:d.json")
        for text in [
            "", "of", "softmax", "softmax:x", "none:", "exact:softmax:0.5:state=copy", "softmax:0.5:state=x",
            "softmax:0.5:layers=", "softmax:0.5:drafts=2", "exact:softmax:0.5:drafts=0", "softmax:1:layers=2:layers=3",
            "softmax:0.5:layers=1,x", "off:softmax:0.5", "bounded:f:layers=1", "bounded:",
        ] {
            #expect(throws: (any Error).self, "\(text)") { try PolicySpecification(text) }
        }
        let folder = try TemporaryFolder()
        let file = try folder.write("policies.txt", "# a comment\n\nsoftmax:0.5\noff\n  depth:4\n")
        #expect(
            try PolicySpecification.all([file, "depth:4", "depth:2"]).map(\.name) == [
                "off", "softmax:0.5", "depth:4", "depth:2",
            ])
        let broken = try folder.write("broken.txt", "softmax:0.5\nsoft:1\n")
        let error = #expect(throws: FormatError.self) { try PolicySpecification.all([broken]) }
        #expect(error?.description.contains("broken.txt, line 2: ") == true)
    }
}
