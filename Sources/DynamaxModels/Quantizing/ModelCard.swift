import DynamaxFormats
import DynamaxTensor

/// The README.md of a packed copy whose source has none.
struct ModelCard {
    let name: String
    let summary: ModelSummary
    let quantization: Quantization
    let parameters: Int
    let bytes: Int

    var text: String {
        let sizes: [(String, Int?)] = [
            ("layers", summary.layers), ("width", summary.width), ("vocabulary", summary.vocabulary),
            ("context", summary.context), ("parameters", parameters), ("bytes of tensors", bytes),
        ]
        let rows = sizes.compactMap { name, value in value.map { "| \(name) | \($0) |\n" } }.joined()
        let bits = quantization.format == .q4 ? "4 bits (token table: 8)" : "8 bits"
        return """
            # \(name)

            A copy of a model of the family \(summary.family), whose matrices were rounded to \(bits), to the nearest value, by
            `dynamax quantize`.

            | | |
            |---|---|
            \(rows)
            ```
            dynamax generate -m FOLDER "..."
            ```

            ## Layout

            `model.safetensors` says in its metadata what each matrix holds: `int8/128 4096x256` are 4096 outputs of 256 inputs in 8
            bits, 128 of which share a scale. Outputs are padded to blocks of 16, inputs to whole groups. `NAME_packed` holds the
            numbers:

            - int8, [blocks, inputs / 4, 16, 4]: a byte is a number + 128;
            - int4, [blocks, inputs / 8, 16, 4]: the low half of a byte is the number of input 8 i + j, the high half that of input
              8 i + 4 + j, each + 8;

            and `NAME_scale`, [blocks, groups, 16], the f32 that the numbers of a group are multiplied by.

            """
    }
}
