// How windows are put together, and what of the event list goes into the time line.

import Testing

@testable import Reporting

@Suite struct ReportTimelineTests {
  /// Goal: merged windows have the success rate of all their answers and the highest of their quantiles, averaged over replications.
  @Test func merging() throws {
    let text =
      "scenario,variant,replication,time_s,successes,failures,latency_p99_ms\n"
      + "s,a,0,0,10,0,1\ns,a,0,1,10,0,5\ns,a,0,2,0,10,3\ns,a,0,3,0,0,\n"
      + "s,a,1,0,10,0,7\ns,a,1,1,10,0,2\ns,a,1,2,0,0,\ns,a,1,3,0,0,\n"
    try withReportFolder([("timeline.csv", text)]) { folder in
      let timeline = try #require(try ReportTimeline(in: folder))
      #expect(timeline.end == 4)
      let merged = timeline.lines(atMost: 2)
      #expect(merged.width == 2 && merged.merged == 2)
      let line = try #require(merged.lines.first)
      #expect(line.successRate == [1, 0] && line.p99 == [6, 3] && line.lowest == [5, 3] && line.highest == [7, 3])
      let whole = try #require(timeline.lines(atMost: 300).lines.first)
      #expect(whole.successRate == [1, 1, 0, nil] && whole.p99 == [4, 3.5, 3, nil])
    }
  }

  /// Goal: answers to nobody any more, when the run is over, are no part of the picture; those in a pause are.
  @Test func lastBreath() throws {
    let text =
      "scenario,variant,replication,time_s,requests,successes,failures,latency_p99_ms\n"
      + "s,a,0,0,10,8,0,1\ns,a,0,1,0,1,0,9\ns,a,0,2,10,10,0,2\ns,a,0,3,0,1,0,280\ns,a,0,4,0,1,0,900\n"
      + "s,b,0,0,10,10,0,1\ns,b,0,1,10,10,0,1\ns,b,0,2,9,9,0,1\ns,b,0,3,1,1,0,1\ns,b,0,4,0,1,0,7\n"
    try withReportFolder([("timeline.csv", text)]) { folder in
      let timeline = try #require(try ReportTimeline(in: folder))
      #expect(timeline.end == 4)
      let lines = timeline.lines(atMost: 300).lines
      #expect(lines.map(\.p99) == [[1, 9, 2, 280], [1, 1, 1, 1]])
    }
  }

  /// Goal: no run has more points than asked for, and none of them is lost at the ends.
  @Test(arguments: [(1, 1.0), (7, 0.1), (300, 1), (301, 0.5), (5000, 0.25)])
  func bounds(_ windows: Int, _ width: Double) throws {
    var text = "scenario,variant,replication,time_s,successes,failures,latency_p99_ms\n"
    for window in 0..<windows { text += "s,a,0,\(Double(window) * width),1,1,\(window)\n" }
    try withReportFolder([("timeline.csv", text)]) { folder in
      let lines = try #require(try ReportTimeline(in: folder)).lines(atMost: 300)
      let line = try #require(lines.lines.first)
      #expect(line.p99.count <= 300 && line.p99.count >= min(windows, 150))
      #expect(line.p99.last == Double(windows - 1))
      #expect(line.successRate.allSatisfy { $0 == 0.5 })
    }
  }

  /// Goal: faults last from their beginning to their end, the first of a kind ending first; moments are those of the first replication,
  /// counts those of all.
  @Test func events() throws {
    let text =
      "scenario,variant,replication,time_s,event,cluster,endpoint,detail,proxy\n"
      + "s,a,0,10,faultBegan,,,slow,\ns,a,0,12,ejected,web,web-3,5xx,users/0\ns,a,0,20,faultBegan,,,slow,\n"
      + "s,a,0,30,faultEnded,,,slow,\ns,a,0,31,returned,web,web-3,,users/0\ns,a,0,32,unhealthy,web,web-1,,users/0\n"
      + "s,a,1,11,ejected,web,web-3,5xx,users/0\ns,b,0,10,faultBegan,,,slow,\n"
    try withReportFolder([("events.csv", text)]) { folder in
      let events = try #require(try ReportEvents(in: folder))
      let lane = try #require(events.lanes.first)
      #expect(lane.outs == [12, 32] && lane.backs == [31] && lane.replication == "0")
      #expect(
        events.faults == [
          ReportEvents.Fault(label: "slow", begin: 10, end: 30), ReportEvents.Fault(label: "slow", begin: 10, end: nil),
          ReportEvents.Fault(label: "slow", begin: 20, end: nil),
        ])
      let grid = events.grid(replications: 2)
      #expect(grid.columns.map(\.title) == ["variant", "faultBegan", "ejected", "faultEnded", "returned", "unhealthy"])
      #expect(grid.rows == [["a", "1", "1", "0.500", "0.500", "0.500"], ["b", "0.500", "0", "0", "0", "0"]])
    }
  }
}
