import Foundation
import TestSupport
import Testing

// Oracle: the same model with a cache of f32.

@Suite(.mayNotHang) struct CacheFormatTests {
    private static let story = """
        One sunny day, a little girl named Mia went to the park with her dad. She had a red ball and a small dog named Max. \
        Mia threw the ball very far, and Max ran to get it. But the ball rolled under a big bush, and Max could not reach it. \
        He barked and barked. Mia looked under the bush and saw two tiny eyes. It was a little cat! The cat was scared and did \
        not want to come out. Mia sat down on the grass and spoke in a soft voice. "Do not be afraid," she said. "We only want \
        our ball." She put some of her bread on the ground and waited. After a while the cat came out and ate the bread. Then it \
        pushed the ball to Mia with its nose. Mia laughed and clapped her hands. Max wagged his tail. Dad said, "You were kind, \
        and now you have a new friend." From that day on, Mia and Max went to the park every day to play with the little cat.
        """

    @Test("narrow caches hardly change what the model expects", arguments: ["bf16", "int8"])
    func loss(_ format: String) async throws {
        let folder = try TemporaryFolder()
        let text = try folder.write("story.txt", Self.story)
        func natsPerToken(_ format: String) async throws -> Double {
            let run = try await Command.run(
                ["train", "measure", text, "-m", "stories-llama", "--kv-cache", format, "--depths", "8", "--json"])
            #expect(run.status == 0, "\(run.errors)")
            let texts = try #require(run.object()["texts"] as? [[String: Any]])
            let depths = try #require(texts[0]["depths"] as? [[String: Any]])
            return try #require(depths[0]["nats_per_token"] as? Double)
        }
        let (narrow, wide) = (try await natsPerToken(format), try await natsPerToken("f32"))
        #expect(narrow != wide)
        #expect(abs(exp(narrow - wide) - 1) < 0.005, "perplexity \(exp(narrow)) for \(exp(wide))")
    }

    @Test("an unknown format is refused")
    func unknown() async throws {
        let run = try await Command.run(["generate", "Once", "--kv-cache", "q5"])
        #expect(run.status == 64)
        #expect(run.complaint.contains("--kv-cache"))
    }
}
