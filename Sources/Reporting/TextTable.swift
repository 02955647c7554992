// Aligned columns for a terminal. Colour is on top of what the text says, never the only sign of anything.

/// How a piece of text looks where colours are shown.
public enum TextStyle: Sendable, Hashable {
  case plain
  case strong
  case faint
  case good
  case bad
  case doubtful

  fileprivate var code: String {
    switch self {
    case .plain: ""
    case .strong: "1"
    case .faint: "2"
    case .good: "1;32"
    case .bad: "1;31"
    case .doubtful: "33"
    }
  }
}

/// Whether and how wide people see things.
public struct Canvas: Sendable, Hashable {
  /// Whether colours are shown.
  public var showsColor: Bool
  /// How many columns there are; nil for as many as are needed.
  public var width: Int?

  /// A canvas.
  public init(showsColor: Bool = false, width: Int? = nil) {
    self.showsColor = showsColor
    self.width = width
  }

  /// The canvas of `stream`: coloured on a terminal unless the environment has a `NO_COLOR` that is not empty
  /// (no-color.org) or the terminal is a dumb one.
  public init(_ stream: OutputStream, environment: (String) -> String? = environmentVariable) {
    let refusesColor = environment("NO_COLOR").map { !$0.isEmpty } ?? false
    self.init(
      showsColor: stream.isTerminal && !refusesColor && environment("TERM") != "dumb", width: stream.terminalWidth)
  }

  /// `text` in `style`.
  func styled(_ text: String, _ style: TextStyle) -> String {
    showsColor && style != .plain && !text.isEmpty ? "\u{1B}[\(style.code)m\(text)\u{1B}[0m" : text
  }
}

/// A cell of a table.
struct TextCell {
  var text: String
  var style: TextStyle = .plain
}

/// Rows of cells, aligned by column.
struct TextTable {
  enum Alignment {
    case left
    case right
  }

  var alignments: [Alignment]
  var rows: [[TextCell]] = []
  /// What stands between columns.
  var gap = "  "

  /// The rows as lines without blanks at their ends.
  func lines(on canvas: Canvas) -> [String] {
    let widths = alignments.indices.map { column in
      rows.map { column < $0.count ? $0[column].text.count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      var blanks = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.text.count)
        let isLeft = alignments[column] == .left
        let end = cell.text.lastIndex { $0 != " " }.map { cell.text.index(after: $0) } ?? cell.text.startIndex
        if end > cell.text.startIndex {
          line += blanks + (isLeft ? "" : padding) + canvas.styled(String(cell.text[..<end]), cell.style)
          blanks = cell.text[end...] + (isLeft ? padding : "")
        } else {
          blanks += padding
        }
        blanks += gap
      }
      return line
    }
  }
}
