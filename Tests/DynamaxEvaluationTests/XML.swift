import DynamaxEvaluation
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Reads markup with Foundation's parser (libxml2), which takes nothing that is not well formed.
final class XML: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var identifiers: Set<String> = []
    /// Attributes that could load something from elsewhere.
    private(set) var references: [String] = []
    private(set) var text = ""
    private let parser: XMLParser

    init(_ text: String) throws {
        parser = XMLParser(data: Data(text.utf8))
        super.init()
        parser.delegate = self
        let isSound = parser.parse()
        #expect(isSound, "line \(parser.lineNumber): \(String(describing: parser.parserError))")
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements[name, default: 0] += 1
        if let id = attributes["id"] { #expect(identifiers.insert(id).inserted, "two elements are called \(id)") }
        references += ["href", "src", "srcset", "data", "action"].compactMap { attributes[$0] }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    /// A piece of a page by itself.
    static func piece(_ markup: Markup) throws -> XML { try XML("<main>\(markup.text)</main>") }
}
