import Foundation
import Statistics
import Testing

/// Goal: the closed forms that simulations are held against are right themselves. Method: textbook values, and limits in which
/// two forms must meet; an independently computed table is among the test vectors (ConformanceTests).
@Suite struct QueueingTheoryTests {
  @Test func singleServer() {
    // 80 % load, service 10 ms: 50 ms; half of the wait with constant service.
    #expect(abs(QueueingTheory.meanResponse(servers: 1, arrivalRate: 80, serviceRate: 100) - 0.05) < 1e-15)
    #expect(abs(QueueingTheory.meanResponse(arrivalRate: 80, constantService: 0.01) - 0.03) < 1e-15)
    #expect(abs(QueueingTheory.meanResponse(arrivalRate: 80, meanService: 0.01, variability: 1) - 0.05) < 1e-15)
    #expect(abs(QueueingTheory.meanResponseProcessorSharing(arrivalRate: 80, meanService: 0.01) - 0.05) < 1e-15)
    #expect(
      abs(QueueingTheory.responseQuantile(0.99, arrivalRate: 80, serviceRate: 100) - Foundation.log(100) / 20) < 1e-15)
  }

  @Test func manyServers() {
    // Erlang's tables: 2 servers at load 1 lose 1/5 and keep 1/3 waiting.
    #expect(abs(QueueingTheory.erlangB(servers: 2, load: 1) - 0.2) < 1e-15)
    #expect(abs(QueueingTheory.erlangC(servers: 2, load: 1) - 1 / 3.0) < 1e-15)
    let wait = QueueingTheory.waitQuantile(0.9, servers: 2, arrivalRate: 1, serviceRate: 1)
    #expect(abs(wait - Foundation.log(1 / 0.3)) < 1e-14)
    #expect(QueueingTheory.waitQuantile(0.6, servers: 2, arrivalRate: 1, serviceRate: 1) == 0)
  }

  @Test func limitedPlaces() {
    // One place: Erlang's loss with one server. At load 1 all states are equally likely.
    #expect(abs(QueueingTheory.loss(places: 1, arrivalRate: 3, serviceRate: 1) - 0.75) < 1e-15)
    #expect(abs(QueueingTheory.loss(places: 9, arrivalRate: 5, serviceRate: 5) - 0.1) < 1e-15)
    #expect(abs(QueueingTheory.meanResponse(places: 1, arrivalRate: 3, serviceRate: 4) - 0.25) < 1e-15)
    // Many places at a moderate load: M/M/1.
    #expect(QueueingTheory.loss(places: 400, arrivalRate: 0.5, serviceRate: 1) < 1e-100)
    #expect(abs(QueueingTheory.meanResponse(places: 400, arrivalRate: 0.5, serviceRate: 1) - 2) < 1e-12)
    // Far above: all but what is served is lost, without overflow.
    #expect(abs(QueueingTheory.loss(places: 5000, arrivalRate: 1000, serviceRate: 1) - 0.999) < 1e-12)
  }

  /// Goal: an unstable queue has no mean.
  @Test func overloadIsInfinite() {
    #expect(QueueingTheory.meanResponse(servers: 4, arrivalRate: 4, serviceRate: 1) == .infinity)
    #expect(QueueingTheory.meanResponse(arrivalRate: 1, constantService: 1) == .infinity)
    #expect(QueueingTheory.meanResponseProcessorSharing(arrivalRate: 2, meanService: 1) == .infinity)
    #expect(QueueingTheory.supermarketMeanResponse(choices: 2, utilization: 1) == .infinity)
    #expect(QueueingTheory.roundRobinMeanResponse(servers: 3, utilization: 1) == .infinity)
    #expect(QueueingTheory.responseQuantile(0.5, arrivalRate: 1, serviceRate: 1) == .infinity)
    #expect(QueueingTheory.erlangC(servers: 2, load: 2) == 1)
  }

  /// Goal: rotation over one server is M/M/1, over many D/M/1's neighbourhood: better than random, always.
  @Test func rotationLiesBetweenItsLimits() {
    #expect(abs(QueueingTheory.roundRobinMeanResponse(servers: 1, utilization: 0.8) - 5) < 1e-9)
    var previous = 5.0
    for servers in [2, 4, 8, 64, 1024] {
      let value = QueueingTheory.roundRobinMeanResponse(servers: servers, utilization: 0.8)
      #expect(value < previous)
      previous = value
    }
  }
}
