// Oracle: the configuration files of Hugging Face checkpoints, whose spellings of numbers these are.
import DynamaxFormats
import Testing

@Suite struct JSONNodeTests {
    private let config: JSONNode

    init() throws {
        let text = """
            {"width": 64, "eps": 1e-05, "heads": 8.0, "half": 0.5, "huge": 1e300, "name": "llama", "tied": true, "scaling": null,
             "limit": [0.0, {"__float__": "Infinity"}, Infinity, {"__float__": "-Infinity"}, {"__float__": "NaN"}],
             "rope": {"factor": 8, "types": [1, "x"]}, "odd": {"__float__": "x"}, "text": "\(String(repeating: "y", count: 50))"}
            """
        config = JSONNode(try JSON(parsing: text, name: "config.json"), location: "config.json")
    }

    @Test func `reads fields of each type`() throws {
        #expect(try config.int("width") == 64)
        #expect(try config.int("heads") == 8)
        #expect(try config.double("eps") == 1e-05)
        #expect(try config.double("width") == 64)
        #expect(try config.string("name") == "llama")
        #expect(try config.bool("tied"))
        #expect(try config.object("rope").keys == ["factor", "types"])
        #expect(try config.node("rope").int("factor") == 8)
        let limits = try config.array("limit").map { try $0.double() }
        #expect(limits[..<4] == [0, .infinity, .infinity, -.infinity] && limits[4].isNaN)
    }

    @Test func `takes null for absent`() throws {
        #expect(try config.optionalObject("scaling") == nil)
        #expect(try config.optionalInt("scaling") == nil)
        #expect(try config.optionalDouble("absent") == nil)
        #expect(try config.optionalString("absent") == nil)
        #expect(try config.optionalBool("tied") == true)
        #expect(try config.optionalArray("limit")?.count == 5)
        #expect(config["absent"] == nil && config["name"]?["absent"] == nil)
    }

    @Test func `names the file, the path and what was expected`() {
        func message(_ body: () throws -> Void) -> String? {
            #expect(throws: FormatError.self, performing: body)?.description
        }
        #expect(message { _ = try config.int("depth") } == "config.json: the field depth is missing")
        #expect(message { _ = try config.int("scaling") } == "config.json: the field scaling is missing")
        #expect(message { _ = try config.node("rope").int("base") } == "config.json: the field rope.base is missing")
        #expect(
            message { _ = try config.int("name") } == "config.json: the field name must be an integer, not \"llama\"")
        #expect(message { _ = try config.int("half") } == "config.json: the field half must be an integer, not 0.5")
        #expect(message { _ = try config.int("huge") } == "config.json: the field huge must be an integer, not 1e+300")
        #expect(
            message { _ = try config.optionalInt("tied") } == "config.json: the field tied must be an integer, not true"
        )
        #expect(
            message { _ = try config.double("odd") } == "config.json: the field odd must be a number, not an object")
        #expect(
            message { _ = try config.double("text") } == "config.json: the field text must be a number, not a string")
        #expect(
            message { _ = try config.bool("width") } == "config.json: the field width must be true or false, not 64")
        #expect(message { _ = try config.string("width") } == "config.json: the field width must be a string, not 64")
        #expect(
            message { _ = try config.array("rope") } == "config.json: the field rope must be an array, not an object")
        #expect(
            message { _ = try config.object("limit") } == "config.json: the field limit must be an object, not an array"
        )
        #expect(
            message { _ = try config.node("rope").array("types")[1].int() }
                == "config.json: the field rope.types[1] must be an integer, not \"x\"")
        let list = JSONNode(.array([]), location: "list.json")
        #expect(message { _ = try list.int("a") } == "list.json: the file must be an object, not an array")
    }
}
