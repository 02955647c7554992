import Experiments
import Testing

/// Goal: tables of results are read as they were written, and what is no such table is told with its line.
@Suite struct ResultRowsTests {
  private func rows(_ lines: String...) throws -> ResultRows {
    try ResultRows(Array(lines.joined(separator: "\n").utf8))
  }

  /// Goal: settings come in the order of the file, replications by number, cells as they are.
  @Test func summary() throws {
    let rows = try rows(
      "scenario,variant,replication,seed,requests,imbalance", "s,\"b, c\",1,42,10,", "s,\"b, c\",0,42,11,1.5",
      "s,a,0,7,12,2")
    #expect(rows.metrics == ["requests", "imbalance"])
    #expect(rows.settings.map(\.name) == ["b, c", "a"])
    #expect(rows.settings[0].rows.map(\.replication) == [0, 1])
    #expect(rows.settings[0].rows.map(\.cells) == [["11", "1.5"], ["10", ""]])
    #expect(rows.settings[1].rows[0].seed == "7")
  }

  /// Goal: in a sweep a setting is a cell and a variant; a swept path may be called as a column is.
  @Test func sweep() throws {
    let rows = try rows(
      "rate,seed,scenario,variant,replication,seed,requests", "100/s,5,s,a,0,42,10", "200/s,5,s,a,0,42,20")
    #expect(rows.metrics == ["requests"])
    #expect(rows.settings.map(\.name) == ["rate=100/s, seed=5, a", "rate=200/s, seed=5, a"])
  }

  /// Goal: each slip is told with its line.
  @Test(arguments: [
    ("a,b\n1,2\n", 1, "no columns"), ("", 1, "no columns"),
    ("scenario,variant,replication,seed,x,x\n", 1, "column x stands there twice"),
    ("scenario,variant,replication,seed,x\ns,a,0,1,5\ns,a,1,1\n", 3, "4 cells; expected 5"),
    ("scenario,variant,replication,seed,x\ns,a,zero,1,5\n", 2, "replication 'zero'"),
    ("scenario,variant,replication,seed,x\ns,a,0,1,nan\n", 2, "x 'nan'; expected a number or nothing"),
    ("scenario,variant,replication,seed,x\ns,a,0,1,5\ns,a,0,1,5\n", 3, "a second row of a, replication 0"),
  ])
  func slips(text: String, line: Int, reason: String) {
    do throws(ResultRowsFault) {
      _ = try ResultRows(Array(text.utf8))
      Issue.record("\(text) was read")
    } catch {
      #expect(error.line == line && error.reason.contains(reason), "\(error)")
    }
  }
}
