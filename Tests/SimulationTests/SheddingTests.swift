// Shedding by queue delay at the simulated servers.

import MeshCore
import Testing

@testable import Simulation

@Suite("shedding")
struct SheddingTests {
  /// One worker of 10 ms under twice its load.
  private func scene(_ change: (inout ControlledDelayDescription) -> Void = { _ in }) -> Scene {
    var control = ControlledDelayDescription()
    change(&control)
    var scene = Scene(service("web") { $0.codel = control })
    scene.client(.constant(rate: 200))
    scene.run = RunDescription(duration: .seconds(20))
    return scene
  }

  /// Goal: who is shed is answered 503 without a worker and counted; nobody else is lost. Nobody is shed before waits have been above the
  /// target for an interval: 100 ms after the third one, at 30 ms, found that it had waited for 20.
  @Test func controlLaw() throws {
    let result = try scene().result()
    let shed = result.summary.refusals.shed
    #expect(shed > 0 && result.summary.successes + shed == result.summary.requests)
    #expect(result.summary.rejected == shed && result.service("web").failures == shed)
    var short = scene()
    short.run = RunDescription(requests: 20)
    // The twentieth comes at 95 ms, and the one after 100 ms of waiting is shed.
    #expect(try short.result().summary.refusals.shed == 1)
    short.run = RunDescription(requests: 12)
    #expect(try short.result().summary.refusals.shed == 0)
  }

  /// Goal: a server that sheds all who have waited for more than twice the target while its queue stands does what it can, and fast;
  /// without, nobody is answered in time.
  @Test func sloughing() throws {
    let result = try scene { $0.sloughs = true }.result()
    let share = Double(result.summary.successes) / Double(result.summary.requests)
    #expect(abs(share - 0.5) < 0.02 && (result.summary.successLatencyP99 ?? 1e12) < 60e6)
    var bare = scene()
    bare.world.services[0].codel = nil
    bare.world.clients[0].successWithin = .milliseconds(100)
    let late = try bare.result().summary
    #expect(late.successes < 40 && late.refusals.shed == 0)
  }

  /// Goal: with adaptive LIFO the youngest is served while the queue stands.
  @Test func adaptive() throws {
    let fair = try scene { $0.sloughs = true }.result()
    let adaptive = try scene {
      $0.sloughs = true
      $0.isAdaptive = true
    }.result()
    #expect(adaptive.traceDigest != fair.traceDigest)
    #expect(adaptive.summary.successes + adaptive.summary.refusals.shed == adaptive.summary.requests)
  }

  /// Goal: a control that is never past its target changes nothing.
  @Test func idle() throws {
    var calm = scene { $0.target = .seconds(100) }
    let controlled = try calm.result().summary
    calm.world.services[0].codel = nil
    #expect(try calm.result().summary == controlled && controlled.refusals.shed == 0)
  }
}
