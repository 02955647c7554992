import Foundation
import Testing

/// Goal: a sweep's bytes do not depend on jobs, shards and kills. Method: the built program on a small grid.
@Suite struct SweepTests {
  private func scenario(duration: String = "2s") -> String {
    tinyScenario(duration: duration) + """

      sweep:
        world.clients.users.arrivals.poisson: [100/s, 300/s, 500/s]
        mesh.clusters.web.balancer: [random, {leastRequest: {choices: 3}}]
      """
  }

  @Test func shardsMergeToTheSameBytes() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", scenario())
    let whole = try place.weir("sweep", "tiny.yaml", "--out", "whole", "--jobs", "2")
    #expect(whole.status == 0 && whole.errors.isEmpty, "\(whole.errors)")
    #expect(whole.output.contains("mesh.clusters.web.balancer") && whole.output.contains("500/s"))
    let text = String(decoding: try place.read("whole/tiny/sweep.csv"), as: UTF8.self).split(separator: "\n")
    // Three rates, two balancers, two variants, three replications.
    #expect(text.count == 1 + 3 * 2 * 2 * 3)
    #expect(
      text[0].hasPrefix(
        "world.clients.users.arrivals.poisson,mesh.clusters.web.balancer,scenario,variant,replication,seed,"))
    #expect(text[1].hasPrefix("100/s,random,tiny,random,0,7,"))
    #expect(text[36].hasPrefix("500/s,{leastRequest: {choices: 3}},tiny,leastRequest,2,7,"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/whole/tiny") == ["sweep.csv"])
    for shard in 1...4 {
      let part = try place.weir("sweep", "tiny.yaml", "--out", "parts", "--shard", "\(shard)/4", "--jobs", "1")
      #expect(part.status == 0, "\(part.errors)")
      if shard == 3 {
        let early = try place.weir("sweep", "merge", "parts/tiny")
        #expect(early.status == 2 && early.faults.count == 1 && early.errors.contains("--shard 4/4"), "\(early.errors)")
      }
    }
    let merged = try place.weir("sweep", "merge", "parts/tiny")
    #expect(merged.status == 0 && merged.output.contains("36 rows"))
    #expect(try place.read("parts/tiny/sweep.csv") == place.read("whole/tiny/sweep.csv"))
  }

  /// Killed twice, the second time in the middle of a line, it ends with the bytes of an undisturbed one and runs nothing again.
  @Test func resumes() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", scenario())
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "whole", "--quiet").status == 0)
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "parts", "--shard", "1/1", "--quiet").status == 0)
    // What a kill leaves behind: a journal that ends early.
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "cut", "--shard", "1/2", "--quiet").status == 0)
    let journal = String(decoding: try place.read("cut/tiny/sweep-1-of-2.part"), as: UTF8.self)
    let lines = journal.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 + 18 + 1)
    try place.write("cut/tiny/sweep-1-of-2.part", lines.prefix(9).joined(separator: "\n") + "\n" + lines[9].prefix(20))
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "cut", "--shard", "1/2", "--resume", "--quiet").status == 0)
    let again = String(decoding: try place.read("cut/tiny/sweep-1-of-2.part"), as: UTF8.self)
    #expect(again.split(separator: "\n").sorted() == journal.split(separator: "\n").sorted())
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "cut", "--shard", "2/2", "--quiet").status == 0)
    #expect(try place.weir("sweep", "merge", "cut/tiny").status == 0)
    #expect(try place.read("cut/tiny/sweep.csv") == place.read("whole/tiny/sweep.csv"))
    // Of another seed it is another sweep.
    let other = try place.weir("sweep", "tiny.yaml", "--out", "cut", "--shard", "1/2", "--resume", "--seed", "8")
    #expect(other.status == 2 && other.faults.count == 1, "\(other.errors)")
    #expect(String(decoding: try place.read("cut/tiny/sweep-1-of-2.part"), as: UTF8.self) == again)
  }

  @Test func interruptedItGoesOn() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", scenario(duration: "60s"))
    let first = try place.weir("sweep", "tiny.yaml", "--out", "a", interruptAfter: 1)
    #expect([0, 130].contains(first.status))
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "a", "--resume", "--quiet").status == 0)
    #expect(try place.weir("sweep", "tiny.yaml", "--out", "b", "--quiet").status == 0)
    #expect(try place.read("a/tiny/sweep.csv") == place.read("b/tiny/sweep.csv"))
  }

  @Test(arguments: [
    (["sweep", "plain.yaml"], "sweep: missing"), (["sweep", "auto.yaml"], "run.replications"),
    (["sweep", "tiny.yaml", "--shard", "5/4"], "--shard"), (["sweep", "merge", "nowhere"], "holds no part"),
    (["sweep", "submit", "tiny.yaml", "--engine", "kubernetes"], "--image"),
    (["sweep", "submit", "tiny.yaml", "--engine", "slurm", "--shards", "99"], "--shards"),
  ])
  func refusals(arguments: [String], part: String) throws {
    let place = try Workplace()
    try place.write("plain.yaml", tinyScenario())
    try place.write("tiny.yaml", scenario())
    try place.write("auto.yaml", scenario().replacingOccurrences(of: "replications: 3", with: "replications: auto"))
    let outcome = try place.shell("\"$WEIR\" \(arguments.joined(separator: " "))")
    #expect(outcome.status == 2 && outcome.faults.count == 1 && outcome.errors.contains(part), "\(outcome.errors)")
  }

  /// What engines are told runs the same parts: the array job's own line, and a manifest with as many completions as parts.
  @Test func engines() throws {
    let place = try Workplace()
    try place.write("tiny.yaml", scenario())
    let slurm = try place.weir(
      "sweep", "submit", "tiny.yaml", "--engine", "slurm", "--shards", "3", "--print", "--set", "run.duration=1s")
    #expect(slurm.status == 0 && slurm.output.contains("#SBATCH --array=1-3"), "\(slurm.errors)")
    #expect(slurm.output.contains("--set run.duration=1s") && slurm.output.contains("sweep merge"))
    let line = try #require(slurm.output.split(separator: "\n").first { $0.hasPrefix("exec ") })
    for task in 1...3 {
      #expect(try place.shell("SLURM_ARRAY_TASK_ID=\(task) sh -c '\(line)'").status == 0)
    }
    let merged = try place.weir("sweep", "merge", "Results/tiny")
    #expect(merged.status == 0 && merged.output.contains("36 rows"), "\(merged.errors)")
    let manifest = try place.weir(
      "sweep", "submit", "tiny.yaml", "--engine", "kubernetes", "--shards", "3", "--image", "weir:1")
    #expect(manifest.output.contains("completions: 3") && manifest.output.contains("JOB_COMPLETION_INDEX + 1"))
  }
}
