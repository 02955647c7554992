// The parts that a page is made of, and how they become HTML: nothing but text, tables that scroll in boxes of their own, and charts.

/// A table of a page.
struct ReportGrid: Sendable {
  /// A column's heading, and whether it holds words rather than figures.
  struct Column: Sendable {
    var title: String
    var isText: Bool
  }

  var caption: String
  var columns: [Column]
  /// The cells; the first of a row is its name.
  var rows: [[String]]

  /// More rows than this are left to the file.
  private static let rowLimit = 2000

  /// The table in a box that scrolls, which the keyboard reaches.
  var html: String {
    let heading = columns.map { column in
      "<th scope=\"col\"\(column.isText ? " class=\"t\"" : "")>\(Markup.escaped(column.title))</th>"
    }
    var lines = [
      "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\(Markup.escaped(caption))\">",
      "<table><caption>\(Markup.escaped(caption))</caption>", "<thead><tr>\(heading.joined())</tr></thead>", "<tbody>",
    ]
    for row in rows.prefix(Self.rowLimit) {
      var line = "<tr>"
      for (place, cell) in row.enumerated() {
        let isText = place < columns.count && columns[place].isText
        if place == 0 {
          line += "<th scope=\"row\">\(Markup.escaped(cell))</th>"
        } else {
          line += "<td\(isText ? " class=\"t\"" : "")>\(Markup.escaped(cell))</td>"
        }
      }
      lines.append(line + "</tr>")
    }
    lines.append("</tbody></table></div>")
    if rows.count > Self.rowLimit {
      lines.append("<p class=\"note\">The other \(rows.count - Self.rowLimit) rows are in the file.</p>")
    }
    return lines.joined(separator: "\n")
  }
}

/// A piece of a section.
enum ReportPart: Sendable {
  /// A paragraph.
  case words(String)
  /// A heading within the section.
  case heading(String)
  /// Sentences below one another.
  case list([String])
  /// Charts beside one another where there is room, each with what is to be said of it.
  case charts([(chart: Chart, caption: String)])
  /// A table.
  case grid(ReportGrid)
  /// A table that is folded away behind its title.
  case folded(ReportGrid)

  /// The piece as HTML.
  var html: String {
    switch self {
    case .words(let text): "<p>\(Markup.escaped(text))</p>"
    case .heading(let text): "<h3>\(Markup.escaped(text))</h3>"
    case .list(let items): "<ul>\n\(items.map { "<li>\(Markup.escaped($0))</li>" }.joined(separator: "\n"))\n</ul>"
    case .charts(let charts):
      "<div class=\"charts\">\n\(charts.map { Self.figure($0.chart, $0.caption) }.joined(separator: "\n"))\n</div>"
    case .grid(let grid): grid.html
    case .folded(let grid):
      "<details><summary>\(Markup.escaped(grid.caption))</summary>\n\(grid.html)\n</details>"
    }
  }

  private static func figure(_ chart: Chart, _ caption: String) -> String {
    let words = caption.isEmpty ? "" : ". " + caption
    return
      "<figure>\n\(chart.inline)\n<figcaption><b>\(Markup.escaped(chart.title))</b>\(Markup.escaped(words))</figcaption>\n</figure>"
  }
}

/// A section of a page, to which the table of contents leads.
struct ReportSection: Sendable {
  /// Its anchor: lower-case letters and hyphens.
  let name: String
  let title: String
  var parts: [ReportPart]

  /// Its charts, in order.
  var charts: [Chart] {
    parts.flatMap { part -> [Chart] in
      if case .charts(let charts) = part { return charts.map(\.chart) }
      return []
    }
  }

  /// The section as HTML.
  var html: String {
    ([
      "<section id=\"\(name)\" aria-labelledby=\"\(name)-heading\">",
      "<h2 id=\"\(name)-heading\">\(Markup.escaped(title))</h2>",
    ]
      + parts.map(\.html) + ["</section>"]).joined(separator: "\n")
  }
}
