import Foundation
import Testing

/// Goal: `capacity` and `tune` find what theory says. Method: the built program on queues with closed forms.
@Suite struct SearchTests {
  private func queue(_ service: String = "time: {exponential: {mean: 5ms}}") -> String {
    """
    scenario: queue
    run: {duration: 60s, replications: 4}
    world:
      services: {web: {\(service)}}
      clients: {users: {arrivals: {poisson: 40/s}}}
    """
  }

  /// M/M/1's mean sojourn is 1/(μ − λ): with μ = 200/s, 20 ms are reached at 150/s.
  @Test func capacityOfASingleServer() throws {
    let place = try Workplace()
    try place.write("queue.yaml", queue())
    let outcome = try place.weir("capacity", "queue.yaml", "--slo", "latency.mean<20ms", "--precision", "2%")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let row = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("base") })
    let words = row.split(separator: " ")
    let rate = try #require(words.count > 1 ? Double(words[1]) : nil)
    #expect(abs(rate - 150) < 9, "\(row)")
  }

  @Test func capacityOfVariants() throws {
    let place = try Workplace()
    try place.write(
      "queue.yaml",
      queue() + "\nvariants:\n  - name: one\n  - {name: two, set: {world.services.web.workers: 2}}\n")
    let outcome = try place.weir("capacity", "queue.yaml", "--slo", "latency.p99<60ms", "--precision", "5%")
    #expect(outcome.status == 0 && outcome.output.contains("× one ("), "\(outcome.output)")
    let refused = try place.weir("capacity", "queue.yaml", "--slo", "latency.p98<60ms")
    #expect(refused.status == 2 && refused.errors.contains("did you mean"), "\(refused.errors)")
    let unit = try place.weir("capacity", "queue.yaml", "--slo", "latency.p99<60")
    #expect(unit.status == 2 && unit.errors.contains("has no unit"), "\(unit.errors)")
  }

  /// More workers never slow a queue down, and of six the fourth hardly ever works: the best is among the last.
  @Test func tunesWorkers() throws {
    let place = try Workplace()
    try place.write("queue.yaml", queue("workers: 1, time: {exponential: {mean: 20ms}}"))
    let outcome = try place.weir(
      "tune", "queue.yaml", "--metric", "latency.mean", "--over", "world.services.web.workers=1..6", "--budget", "70",
      "--set", "run.duration=20s")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let found = try #require(outcome.output.split(separator: "\n").first { $0.hasPrefix("--set ") })
    let workers = try #require(found.split(separator: "=").last.flatMap { Int($0) })
    #expect(workers >= 3, "\(outcome.output)")
    #expect(outcome.output.contains("difference: -"), "\(outcome.output)")
    #expect(
      try place.weir(
        "tune", "queue.yaml", "--metric", "latency.mean", "--over", "world.services.web.workers=1..6",
        "--budget", "70", "--set", "run.duration=20s", "--jobs", "1"
      ).output == outcome.output)
  }

  @Test(arguments: [
    ("latency.mean", "world.services.web.workers=6..1", "no room"),
    ("latency.mean", "world.services.web.workers", "no range"),
    ("latency.mean", "world.services.web.wokers=1..6", "did you mean"),
    ("latency.maen", "world.services.web.workers=1..6", "did you mean"),
  ])
  func refusals(metric: String, over: String, part: String) throws {
    let place = try Workplace()
    try place.write("queue.yaml", queue())
    let outcome = try place.weir("tune", "queue.yaml", "--metric", metric, "--over", over)
    #expect(outcome.status == 2 && outcome.errors.contains(part), "\(outcome.errors)")
  }
}
