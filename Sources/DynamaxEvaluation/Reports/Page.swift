import DynamaxFormats
import Foundation

/// A page that stands alone: XHTML with its style inside, readable on a phone, in the dark and on paper.
///
/// It loads nothing, and runs nothing but its own program, if it has one: the policy that it gives to browsers names the
/// program's digest, so that no text on the page can become one.
public struct Page {
    public var title: String
    public var sections: [Section] = []
    /// Rules of style that only this page needs.
    public var style: Markup = ""
    /// A program in JavaScript without `<`, `&` and `]]>`, which HTML and XML read differently; nil for none.
    public var program: String?

    /// A titled part of a page.
    public struct Section {
        public var title: String
        public var body: Markup
        /// What links call it; nil where none leads to it.
        public var id: String?

        /// Takes a title and what is below it.
        public init(_ title: String, id: String? = nil, _ body: Markup) {
            (self.title, self.body, self.id) = (title, body, id)
        }
    }

    /// Makes an empty page.
    public init(_ title: String) {
        self.title = title
    }

    /// Appends a section.
    public mutating func add(_ title: String, id: String? = nil, _ body: Markup) {
        sections.append(Section(title, id: id, body))
    }

    /// Links to the sections that have names.
    private var contents: Markup {
        let links = sections.compactMap { section in
            section.id.map { "<li><a href=\"#\($0)\">\(section.title)</a></li>" as Markup }
        }
        return links.isEmpty ? "" : "<nav aria-label=\"sections\"><ul>\(links)</ul></nav>\n"
    }

    /// What browsers may do with the page.
    private var policy: String {
        guard let program else { return "default-src 'none'; style-src 'unsafe-inline'" }
        var digest = SHA256()
        Array(program.utf8).withUnsafeBytes { digest.update($0) }
        let digits = Array(digest.digest())
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-\(Data(bytes).base64EncodedString())'"
    }

    /// The characters of the file.
    public var text: String {
        let parts = sections.map { section -> Markup in
            let id: Markup = section.id.map { " id=\"\($0)\"" } ?? ""
            return "<section\(id)>\n<h2>\(section.title)</h2>\n\(section.body)</section>\n"
        }
        let script: Markup = program.map { "<script>\(Markup(stringLiteral: $0))</script>\n" } ?? ""
        let page: Markup = """
            <!DOCTYPE html>
            <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <meta http-equiv="Content-Security-Policy" content="\(policy)"/>
            <title>\(title)</title>
            <style>
            \(PageStyle.rules)\(style)</style>
            </head>
            <body>
            <main>
            <h1>\(title)</h1>
            \(contents)\(parts)</main>
            \(script)</body>
            </html>

            """
        return page.text
    }
}

/// Parts that pages are made of.
extension Markup {
    /// A table that scrolls by itself where the screen is narrow.
    ///
    /// - Parameters:
    ///   - header: one title a column.
    ///   - rows: of cells, as many as there are titles.
    ///   - texts: columns of text, which begin at the left; others are figures.
    static func table(_ header: [String], _ rows: [Markup], texts: Set<Int> = [0]) -> Markup {
        let titles = header.enumerated().map { column, title -> Markup in
            "<th scope=\"col\"\(texts.contains(column) ? " class=\"t\"" as Markup : "")>\(title)</th>"
        }
        return
            "<div class=\"scroll\"><table>\n<thead><tr>\(titles)</tr></thead>\n<tbody>\n\(rows)</tbody></table></div>\n"
    }

    /// A row of a table, its first cell the title.
    static func row(_ title: String, _ cells: [String]) -> Markup {
        "<tr><th scope=\"row\" class=\"t\">\(title)</th>\(cells.map { "<td>\($0)</td>" as Markup })</tr>\n"
    }

    /// Facts with their names.
    static func facts(_ facts: [(name: String, value: String)]) -> Markup {
        let items = facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>\n" as Markup }
        return "<dl>\n\(items)</dl>\n"
    }

    static func paragraph(_ text: String) -> Markup { "<p>\(text)</p>\n" }

    /// What the reader should not miss.
    static func warning(_ text: String) -> Markup { "<p class=\"warning\"><strong>Warning:</strong> \(text)</p>\n" }
}
