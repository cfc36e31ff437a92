import Foundation
import TestSupport

/// The 260K story model (karpathy's tinyllamas), where it lies beside the package.
enum StoryModel {
    static let folder = Shared.url("models/stories260K").path
    static let f32 = Shared.url("models/stories260K-f32.gguf").path
    static let q8 = Shared.url("models/stories260K-Q8_0.gguf").path

    static let isThere = Shared.has("models/stories260K")

    /// Its greedy continuation of "Once upon a time" by 200 tokens, on which transformers and llama.cpp agree.
    static let continuation = """
        , there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She \
        wanted to play with it, but it was too high.
        Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. She said, "I want to play \
        with your ball, but I can't find it."
        Lily was sad and didn't know what to do. She said, "I'm sorry, Lily. I didn't know what to do."
        Lily didn't want to help her mom, so she said, "I
        """
}
