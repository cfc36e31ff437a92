// Oracle: the rules of the GGUF format, broken by hand.
import DynamaxFormats
import TestSupport
import Testing

@Suite struct GGUFLieTests {
    private func problem(_ make: (inout GGUFBytes) -> Void, tensors: UInt64 = 0, keys: UInt64 = 0) -> String? {
        var file = GGUFBytes(tensors: tensors, keys: keys)
        make(&file)
        let error = #expect(throws: FormatError.self) {
            try GGUFFile(MemoryBytes(file.bytes, location: "lies.gguf"))
        }
        #expect(error?.location == "lies.gguf")
        return error?.problem
    }

    @Test func `opens a file without keys and tensors`() throws {
        let file = try GGUFFile(MemoryBytes(GGUFBytes(tensors: 0, keys: 0).bytes, location: "empty.gguf"))
        #expect(file.tensorNames.isEmpty && file.metadata.keys.isEmpty)
    }

    @Test func `refuses counts that the file cannot hold`() {
        for count in [1, 1 << 32, 1 << 61, 1 << 63, UInt64.max] {
            #expect(
                problem({ _ in }, tensors: count)
                    == "the GGUF file declares \(count) for the number of tensors, more than the file can hold")
            #expect(
                problem({ _ in }, keys: count)
                    == "the GGUF file declares \(count) for the number of metadata keys, more than the file can hold")
        }
        for length in [100, 1 << 40, 1 << 63, UInt64.max] {
            let key = problem(
                {
                    $0.append(length); $0.data(64)
                }, keys: 1)
            #expect(key == "the GGUF file declares \(length) for the length of a key, more than the file can hold")
            let string = problem(
                {
                    $0.key("k", type: 8); $0.append(length)
                }, keys: 1)
            #expect(string == "the GGUF file declares \(length) for the length of k, more than the file can hold")
            for type: UInt32 in 0...12 {
                let array = problem(
                    {
                        $0.key("k", type: 9); $0.append(type); $0.append(length); $0.data(90, alignment: 1)
                    }, keys: 1)
                #expect(array?.hasPrefix("the GGUF file ") == true)
            }
        }
    }

    @Test func `refuses broken metadata`() {
        #expect(
            problem({ $0.key("k", type: 13) }, keys: 1)
                == "the GGUF file gives k the type 13, which GGUF does not define")
        #expect(
            problem(
                {
                    $0.key("key", type: 10); $0.append(UInt32(1))
                }, keys: 1) == "the GGUF file ends within key")
        #expect(
            problem(
                {
                    $0.key("k", type: 0); $0.append(UInt8(1)); $0.key("k", type: 0); $0.append(UInt8(1))
                }, keys: 2)
                == "the GGUF file holds the key k twice")
        let nested = problem(
            {
                $0.key("k", type: 9)
                for _ in 0..<1000 {
                    $0.append(UInt32(9))
                    $0.append(UInt64(1))
                }
            }, keys: 1)
        #expect(nested == "the GGUF file nests arrays in k deeper than 8")
        #expect(
            problem(
                {
                    $0.append(UInt64(2)); $0.append(UInt16(0xFEFF)); $0.append(UInt32(0)); $0.append(UInt8(0))
                }, keys: 1)
                == "the GGUF file holds a key that is not UTF-8")
        for alignment: UInt32 in [0, 3, 48, 1 << 21, .max] {
            #expect(
                problem(
                    {
                        $0.key("general.alignment", type: 4); $0.append(alignment)
                    }, keys: 1)
                    == "the metadata key general.alignment must be a power of two, at most 2^20")
        }
        #expect(
            problem(
                {
                    $0.key("general.alignment", type: 8); $0.append("32")
                }, keys: 1)
                == "the metadata key general.alignment must be an integer")
    }

    @Test(
        arguments: [
            ([8], 0, 0, 31, "puts the 32 bytes of the tensor a at offset 0 of 31: it is cut short or damaged"),
            ([8], 0, 32, 32, "puts the 32 bytes of the tensor a at offset 32 of 32: it is cut short or damaged"),
            (
                [8], 0, 1 << 62, 32,
                "puts the 32 bytes of the tensor a at offset 4611686018427387904 of 32: it is cut short or damaged"
            ),
            ([8], 0, 1 << 63, 32, "puts the tensor a at offset 9223372036854775808, which is too large"),
            ([8], 0, 4, 64, "puts the tensor a at offset 4, which is no multiple of 32"),
            ([1 << 63], 0, 0, 64, "gives the tensor a the extent 9223372036854775808, which is too large"),
            (
                [1 << 62], 0, 0, 64,
                "gives the tensor a the shape [4611686018427387904], which does not fit its type F32"
            ),
            (
                [1 << 31, 1 << 31, 2], 24, 0, 64,
                "gives the tensor a the shape [2, 2147483648, 2147483648], which does not fit its type I8"
            ),
            (
                [0, 1 << 62, 1 << 62], 24, 0, 64,
                "gives the tensor a the shape [4611686018427387904, 4611686018427387904, 0], which does not fit its type I8"
            ),
            ([31], 2, 0, 64, "gives the tensor a the shape [31], which does not fit its type Q4_0"),
            ([128, 2], 12, 0, 64, "gives the tensor a the shape [2, 128], which does not fit its type Q4_K"),
            ([1, 1, 1, 1, 1], 0, 0, 64, "gives the tensor a 5 axes, expected at most 4"),
        ] as [([UInt64], UInt32, UInt64, Int, String)])
    func `refuses tensors that do not fit`(extents: [UInt64], type: UInt32, offset: UInt64, data: Int, message: String)
    {
        let problem = problem(
            {
                $0.tensor("a", extents, type: type, offset: offset); $0.data(data)
            }, tensors: 1)
        #expect(problem == "the GGUF file " + message)
    }

    @Test func `refuses tensors that overlap or share a name`() throws {
        let overlap = problem(
            {
                $0.tensor("a", [16], type: 0, offset: 0); $0.tensor("b", [8], type: 0, offset: 32); $0.data(96)
            }, tensors: 2)
        #expect(overlap == "the GGUF file lets the tensors a and b overlap")
        let twice = problem(
            {
                $0.tensor("a", [8], type: 0, offset: 0); $0.tensor("a", [8], type: 0, offset: 32); $0.data(96)
            }, tensors: 2)
        #expect(twice == "the GGUF file holds the tensor a twice")
        // Empty tensors lie anywhere, in any number.
        var file = GGUFBytes(tensors: 3, keys: 0)
        file.tensor("a", [8], type: 0, offset: 0)
        file.tensor("none", [0, 4], type: 0, offset: 0)
        file.tensor("zero", [0], type: 0, offset: 32)
        file.data(32)
        let opened = try GGUFFile(MemoryBytes(file.bytes, location: "f"))
        #expect(try opened.require("none", shape: [4, 0]).floats().isEmpty && opened.require("a").floats().count == 8)
    }

    @Test func `reads a scalar`() throws {
        var file = GGUFBytes(tensors: 1, keys: 0)
        file.tensor("a", [], type: 0, offset: 0)
        file.data(4)
        #expect(try GGUFFile(MemoryBytes(file.bytes, location: "f")).require("a", shape: []).floats() == [0])
    }

    @Test func `reads models in parts`() throws {
        let folder = try TemporaryFolder()
        func part(_ number: UInt16, of count: UInt16, tensor: String) -> [UInt8] {
            var file = GGUFBytes(tensors: 1, keys: 2)
            file.key("split.no", type: 2)
            file.append(number)
            file.key("split.count", type: 2)
            file.append(count)
            file.tensor(tensor, [2], type: 0, offset: 0)
            file.data(8)
            return file.bytes
        }
        let first = try folder.write("m-00001-of-00002.gguf", part(0, of: 2, tensor: "a"))
        let second = try folder.write("m-00002-of-00002.gguf", part(1, of: 2, tensor: "b"))
        for name in [first, folder.path] {
            let source = try CheckpointFiles(name).tensors()
            #expect(source.tensorNames == ["a", "b"])
            #expect(try source.require("b").floats() == [0, 0] && source.tensor("c") == nil)
        }
        let wrong = #expect(throws: FormatError.self) { try CheckpointFiles(second) }
        #expect(wrong?.description == "\(second): the file is part 2 of a model, expected the first, \(first)")
        try folder.write("m-00002-of-00002.gguf", part(0, of: 2, tensor: "b"))
        let mixed = #expect(throws: FormatError.self) { try CheckpointFiles(first).tensors() }
        #expect(mixed?.description == "\(second): expected part 2 of 2 of a model")
        try folder.write("m-00002-of-00002.gguf", part(1, of: 2, tensor: "a"))
        let twice = #expect(throws: FormatError.self) { try CheckpointFiles(first).tensors() }
        #expect(twice?.description == "\(second): the tensor a is in another part too")
        let alone = try folder.write("alone.gguf", part(0, of: 2, tensor: "a"))
        let name = #expect(throws: FormatError.self) { try CheckpointFiles(alone).tensors() }
        #expect(name?.problem == "the name of the first of 2 parts must end in -00001-of-00002.gguf")
    }
}
