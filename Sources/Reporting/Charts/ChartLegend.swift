// A chart's legend: a sample of each line and its name, in as many rows as the names need.

/// What the lines of a chart mean.
struct ChartLegend {
  /// One sample and its name.
  struct Entry {
    /// What the sample looks like.
    enum Sample {
      case line
      case block
      case tick
    }

    var sample = Sample.line
    /// The classes of what it stands for.
    var style: String
    var label: String
  }

  let entries: [Entry]
  /// How wide it may be.
  let width: Double

  private static let rowHeight = 22.0
  private static let longest = 34

  /// Where each entry begins, from the legend's own left upper corner. Letters count as wide as they are on a phone, where text is larger.
  private var places: [(x: Double, row: Int)] {
    var places: [(x: Double, row: Int)] = []
    var x = 0.0
    var row = 0
    for entry in entries {
      let length = 52 + 9 * Double(min(entry.label.count, Self.longest))
      if x > 0 && x + length > width {
        x = 0
        row += 1
      }
      places.append((x, row))
      x += length
    }
    return places
  }

  /// How high it is.
  var height: Double { Double((places.last?.row ?? -1) + 1) * Self.rowHeight }

  /// The legend with its left upper corner at the given place.
  func elements(left: Double, top: Double) -> [String] {
    zip(entries, places).flatMap { entry, place -> [String] in
      let x = left + place.x
      let middle = top + Double(place.row) * Self.rowHeight + 11
      let sample =
        switch entry.sample {
        case .line: "<path class=\"\(entry.style)\" d=\"M \(Markup.number(x)) \(Markup.number(middle)) h 34\"/>"
        case .tick:
          "<path class=\"\(entry.style)\" d=\"M \(Markup.number(x + 17)) \(Markup.number(middle - 6)) v 12\"/>"
        case .block:
          "<rect class=\"\(entry.style)\" x=\"\(Markup.number(x))\" y=\"\(Markup.number(middle - 7))\" width=\"34\" height=\"14\"/>"
        }
      return [sample, Markup.text(Markup.shortened(entry.label, to: Self.longest), x: x + 41, y: middle + 5)]
    }
  }
}
