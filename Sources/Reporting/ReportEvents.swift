// `events.csv` as read: how often what happened, and of each variant's first replication when faults lasted and endpoints were taken out.

/// What happened.
struct ReportEvents: Sendable {
  /// A fault from its beginning to its end.
  struct Fault: Sendable, Hashable {
    /// What it is, in the scenario's words.
    var label: String
    var begin: Double
    /// Nil when it lasted to the end of the run.
    var end: Double?
  }

  /// A variant's first replication.
  struct Lane: Sendable {
    let variant: String
    let replication: String
    var faults: [Fault] = []
    /// When endpoints were ejected or found unhealthy, and when they came back, seconds.
    var outs: [Double] = []
    var backs: [Double] = []
  }

  private(set) var lanes: [Lane] = []
  /// The kinds of events in order of appearance.
  private(set) var kinds: [String] = []
  private(set) var scenario: String?
  /// By variant and kind, over all replications.
  private var counts: [[Int]] = []
  /// The replications in which anything happened, by variant.
  private var replications: [Int] = []

  /// Faults of one lane that are kept; the table of the file has the others.
  private static let faultLimit = 500

  /// Reads `events.csv` in `folder`, if there is one.
  /// - Throws: `SystemError`.
  init?(in folder: String) throws {
    let columns = ["variant", "replication", "time_s", "event", "detail"]
    guard var table = try ReportTable("events.csv", in: folder, columns: columns) else { return nil }
    let places = columns.map { table.place($0) }
    var variantNames = ReportNames()
    var kindNames = ReportNames()
    var seen: [ReportNames] = []
    while let row = try table.next() {
      let number = variantNames.number(of: row.text(places[0]))
      let replication = row.text(places[1])
      if number == lanes.count {
        lanes.append(Lane(variant: row.text(places[0]), replication: replication))
        counts.append([])
        seen.append(ReportNames())
      }
      _ = seen[number].number(of: replication)
      let kind = kindNames.number(of: row.text(places[3]))
      while counts[number].count <= kind { counts[number].append(0) }
      counts[number][kind] += 1
      let time = try row.figure(places[2])
      if replication == lanes[number].replication {
        lanes[number].note(row.text(places[3]), row.text(places[4]), at: time, faultLimit: Self.faultLimit)
      }
    }
    kinds = kindNames.names
    scenario = table.scenario
    replications = seen.map(\.names.count)
  }

  /// Different faults of all variants, by their beginnings.
  var faults: [Fault] {
    var faults: [Fault] = []
    for lane in lanes {
      for fault in lane.faults.prefix(Self.faultLimit) where !faults.contains(fault) { faults.append(fault) }
      if faults.count >= Self.faultLimit { break }
    }
    return faults.enumerated().sorted { ($0.element.begin, $0.offset) < ($1.element.begin, $1.offset) }.map(\.element)
  }

  /// How often what happened: events of a replication, on average over the `replications` of the run, or over those in which there was
  /// any when nobody knows how many there were.
  func grid(replications known: Int?) -> ReportGrid {
    ReportGrid(
      caption: "Events of a replication, on average",
      columns: [ReportGrid.Column(title: "variant", isText: true)]
        + kinds.map { ReportGrid.Column(title: $0, isText: false) },
      rows: lanes.indices.map { lane in
        [lanes[lane].variant]
          + kinds.indices.map { kind in
            let count = kind < counts[lane].count ? counts[lane][kind] : 0
            let runs = max(known ?? 0, replications[lane], 1)
            return ReportColumn("events").text(Double(count) / Double(runs))
          }
      })
  }
}

extension ReportEvents.Lane {
  /// Notes one event of this lane.
  fileprivate mutating func note(_ event: String, _ detail: String, at time: Double, faultLimit: Int) {
    switch event {
    case "faultBegan":
      if faults.count < faultLimit { faults.append(ReportEvents.Fault(label: detail, begin: time, end: nil)) }
    case "faultEnded":
      // Of faults with the same words the first to begin is the first to end.
      if let open = faults.firstIndex(where: { $0.label == detail && $0.end == nil }) { faults[open].end = time }
    case "ejected", "unhealthy": outs.append(time)
    case "returned", "healthy": backs.append(time)
    default: break
    }
  }
}
