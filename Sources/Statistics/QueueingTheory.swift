// Closed forms that a simulation of queues has to meet.
//
// Kleinrock, Queueing Systems, volume 1 (1975) for the single queues; Mitzenmacher, The power of two choices in randomized load
// balancing (IEEE TPDS 12:1094, 2001) for the supermarket model. Times are in the unit of 1 / rate; first come, first
// served unless a function says otherwise. A queue that is not stable has an infinite mean.

import CGSL

/// Closed forms for queues with Poisson arrivals.
public enum QueueingTheory {
  /// The probability that all of `servers` are held when each request that finds them so is lost; `load` is arrival rate over
  /// service rate.
  public static func erlangB(servers: Int, load: Double) -> Double {
    var loss = 1.0
    for server in stride(from: 1, through: servers, by: 1) { loss = load * loss / (Double(server) + load * loss) }
    return loss
  }

  /// The probability that a request of M/M/c has to wait; `load` is arrival rate over service rate.
  public static func erlangC(servers: Int, load: Double) -> Double {
    let utilization = load / Double(servers)
    if utilization >= 1 { return 1 }
    let loss = erlangB(servers: servers, load: load)
    return loss / (1 - utilization * (1 - loss))
  }

  /// The mean wait of M/M/c.
  public static func meanWait(servers: Int, arrivalRate: Double, serviceRate: Double) -> Double {
    let spare = Double(servers) * serviceRate - arrivalRate
    return spare > 0 ? erlangC(servers: servers, load: arrivalRate / serviceRate) / spare : .infinity
  }

  /// The mean response time of M/M/c: wait and service.
  public static func meanResponse(servers: Int, arrivalRate: Double, serviceRate: Double) -> Double {
    meanWait(servers: servers, arrivalRate: arrivalRate, serviceRate: serviceRate) + 1 / serviceRate
  }

  /// The `probability` quantile of the wait of M/M/c: 0 for those who need not wait.
  public static func waitQuantile(
    _ probability: Double, servers: Int, arrivalRate: Double, serviceRate: Double
  ) -> Double {
    let spare = Double(servers) * serviceRate - arrivalRate
    if spare <= 0 { return .infinity }
    let waiting = erlangC(servers: servers, load: arrivalRate / serviceRate)
    if 1 - probability >= waiting { return 0 }
    return ScientificLibrary.call { gsl_sf_log(waiting / (1 - probability)) } / spare
  }

  /// The `probability` quantile of the response time of M/M/1, which is exponential.
  public static func responseQuantile(_ probability: Double, arrivalRate: Double, serviceRate: Double) -> Double {
    if arrivalRate >= serviceRate { return .infinity }
    return -ScientificLibrary.call { gsl_log1p(-probability) } / (serviceRate - arrivalRate)
  }

  /// The mean response time of M/G/1 (Pollaczek and Khinchine); `variability` is the service time's variance over its squared
  /// mean: 1 is M/M/1, 0 is M/D/1.
  public static func meanResponse(arrivalRate: Double, meanService: Double, variability: Double) -> Double {
    let utilization = arrivalRate * meanService
    if utilization >= 1 { return .infinity }
    return meanService * (1 + utilization * (1 + variability) / (2 * (1 - utilization)))
  }

  /// The mean response time of M/D/1.
  public static func meanResponse(arrivalRate: Double, constantService: Double) -> Double {
    meanResponse(arrivalRate: arrivalRate, meanService: constantService, variability: 0)
  }

  /// The mean response time of M/G/1 with processor sharing, whatever the distribution of the service time.
  public static func meanResponseProcessorSharing(arrivalRate: Double, meanService: Double) -> Double {
    let utilization = arrivalRate * meanService
    return utilization < 1 ? meanService / (1 - utilization) : .infinity
  }

  /// The share of requests that M/M/1/K turns away; `places` counts the one in service too.
  public static func loss(places: Int, arrivalRate: Double, serviceRate: Double) -> Double {
    // P(n) in proportion to ratio^n, the largest term 1, so that nothing overflows.
    let shares = placeShares(places: places, ratio: arrivalRate / serviceRate)
    return shares.last.map { $0 / shares.reduce(0, +) } ?? 1
  }

  /// The mean response time of the requests that M/M/1/K takes in.
  public static func meanResponse(places: Int, arrivalRate: Double, serviceRate: Double) -> Double {
    let shares = placeShares(places: places, ratio: arrivalRate / serviceRate)
    let total = shares.reduce(0, +)
    let inside = shares.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element } / total
    let taken = arrivalRate * (1 - loss(places: places, arrivalRate: arrivalRate, serviceRate: serviceRate))
    return inside / taken
  }

  private static func placeShares(places: Int, ratio: Double) -> [Double] {
    var shares = [1.0]
    for _ in 0..<max(0, places) {
      if let last = shares.last { shares.append(last * min(ratio, 1e300)) }
      if let last = shares.last, last > 1e100 { shares = shares.map { $0 / last } }
    }
    return shares
  }

  /// The share of servers with at least `length` requests when each request joins the shorter of `choices` queues, among very
  /// many servers; `utilization` in 0..<1, `choices` at least 1.
  public static func supermarketTail(length: Int, choices: Int, utilization: Double) -> Double {
    // The exponent 1 + d + d² + … of `length` terms.
    var exponent = 0.0
    for _ in 0..<length { exponent = exponent * Double(choices) + 1 }
    return power(utilization, exponent)
  }

  /// The mean response time of the same, with a mean service time of 1.
  public static func supermarketMeanResponse(choices: Int, utilization: Double) -> Double {
    if utilization >= 1 { return .infinity }
    if choices == 1 { return 1 / (1 - utilization) }
    var sum = 0.0
    var exponent = 0.0
    while true {
      let term = power(utilization, exponent)
      sum += term
      if term < 1e-18 { return sum }
      exponent = exponent * Double(choices) + Double(choices)
    }
  }

  /// The mean response time when a Poisson stream goes to `servers` exponential servers in strict rotation: each is an E_n/M/1
  /// queue. The mean service time is 1.
  public static func roundRobinMeanResponse(servers: Int, utilization: Double) -> Double {
    if utilization >= 1 { return .infinity }
    // sigma = (n·u / (n·u + 1 − sigma))^n has one root below 1; left of it the right side is larger.
    let stages = Double(servers)
    var low = 0.0
    var high = 1 - 1e-12
    var middle = 0.5
    while low < middle && middle < high {
      let image = power(stages * utilization / (stages * utilization + 1 - middle), stages)
      if image > middle { low = middle } else { high = middle }
      middle = (low + high) / 2
    }
    return 1 / (1 - middle)
  }

  private static func power(_ base: Double, _ exponent: Double) -> Double {
    if base <= 0 { return exponent == 0 ? 1 : 0 }
    let logarithm = ScientificLibrary.call { gsl_sf_log(base) } * exponent
    return logarithm < -700 ? 0 : ScientificLibrary.call { gsl_sf_exp(logarithm) }
  }
}
