// `timeline.csv` as read: windows of every replication, put together to no more points than a chart can show.
//
// Of windows put together the success rate is that of all their answers; a 0.99 quantile cannot be added up, so the highest of them stands
// for all: a peak is never smoothed away. Over replications quantiles are averaged, with the lowest and highest beside.

//
// Answers that come when nobody asks any more are a run's last breath: few, late, and no incident. Windows behind the last one in which
// anything was wanted are left out where the file says what was wanted.

/// What happened when, variant by variant.
struct ReportTimeline: Sendable {
  private struct Window: Sendable {
    var replication: Int
    var time: Double
    var successes: Double
    var failures: Double
    /// Milliseconds.
    var p99: Double?
  }

  /// A variant's line through time.
  struct Line: Sendable {
    let variant: String
    /// The share of answers that were successes, by window; nil where nothing was answered.
    let successRate: [Double?]
    /// The 0.99 quantile of latency in milliseconds: mean over replications, the lowest and the highest of them.
    let p99: [Double?]
    let lowest: [Double?]
    let highest: [Double?]
    let replications: Int
  }

  /// Lines over the same windows.
  struct Lines: Sendable {
    /// How long a window is, seconds.
    let width: Double
    /// How many windows of the file one of these stands for, at least 1.
    let merged: Int
    let lines: [Line]
  }

  private(set) var variants: [String] = []
  private(set) var scenario: String?
  /// When the last window ends, seconds.
  private(set) var end = 0.0
  private var windows: [[Window]] = []
  private var windowWidth = 0.0

  /// Reads `timeline.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let columns = ["variant", "replication", "time_s", "successes", "failures", "latency_p99_ms"]
    guard var table = try ReportTable("timeline.csv", in: folder, columns: columns) else { return nil }
    let places = columns.map { table.place($0) }
    let requestsPlace = table.placeIfAny("requests")
    var lastWanted: Double?
    var known = ReportNames()
    var replications: [ReportNames] = []
    var widths: [Double] = []
    while let row = try table.next() {
      let number = known.number(of: row.text(places[0]))
      if number == windows.count {
        windows.append([])
        replications.append(ReportNames())
        widths.append(.infinity)
      }
      let window = Window(
        replication: replications[number].number(of: row.text(places[1])), time: max(0, try row.figure(places[2])),
        successes: try row.figure(places[3]), failures: try row.figure(places[4]), p99: try row.number(places[5]))
      if let last = windows[number].last, last.replication == window.replication, window.time > last.time {
        widths[number] = min(widths[number], window.time - last.time)
      }
      windows[number].append(window)
      end = max(end, window.time)
      if let requestsPlace, try row.figure(requestsPlace) > 0 { lastWanted = max(lastWanted ?? 0, window.time) }
    }
    if let lastWanted, lastWanted < end {
      windows = windows.map { $0.filter { $0.time <= lastWanted } }
      end = lastWanted
    }
    variants = known.names
    scenario = table.scenario
    // Variants may have windows of their own; the widest fits all.
    windowWidth = widths.filter(\.isFinite).max() ?? 1
    end += windowWidth
  }

  /// The lines through at most `most` windows.
  func lines(atMost most: Int) -> Lines {
    let merged = max(1, (end / windowWidth / Double(most) - 1e-6).rounded(.up))
    let width = windowWidth * merged
    let count = min(most, max(1, Int(min(Double(most), (end / width - 1e-6).rounded(.up)))))
    return Lines(
      width: width, merged: Int(min(merged, 1e9)),
      lines: zip(variants, windows).map { Self.line($0, $1, width: width, count: count) })
  }

  private static func line(_ variant: String, _ windows: [Window], width: Double, count: Int) -> Line {
    var successes = Array(repeating: 0.0, count: count)
    var answers = successes
    let replications = (windows.map(\.replication).max() ?? -1) + 1
    var peaks: [Double?] = Array(repeating: nil, count: count * replications)
    for window in windows {
      // A start that should be a whole number of windows may be off by its last bit.
      let place = min(count - 1, Int(min(window.time / width + 1e-6, 1e9)))
      successes[place] += window.successes
      answers[place] += window.successes + window.failures
      if let p99 = window.p99 {
        let peak = window.replication * count + place
        peaks[peak] = max(peaks[peak] ?? p99, p99)
      }
    }
    let own = (0..<count).map { place in (0..<replications).compactMap { peaks[$0 * count + place] } }
    return Line(
      variant: variant, successRate: zip(successes, answers).map { $1 > 0 ? $0 / $1 : nil },
      p99: own.map { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }, lowest: own.map { $0.min() },
      highest: own.map { $0.max() }, replications: replications)
  }
}
