// The scenario that `weir init` writes: small, commented, runs as it is, and has each part that most scenarios need.

/// A scenario to start from.
public enum ScenarioTemplate {
  /// The file's text for a scenario called `name` (letters, digits, '-'), with commands that call `program`.
  public static func text(name: String, program: String = "weir") -> String {
    let commands = [
      ("run \(name).yaml", "simulate, compare, write Results/\(name)/"),
      ("check \(name).yaml", "judge the expectations at the end"),
      ("show \(name).yaml", "every value, and where it comes from"), ("policies", "the balancers that can be named"),
    ]
    let width = commands.map(\.0.count).max() ?? 0
    let list = commands.map { command, purpose in
      "#   \(program) \(command)\(String(repeating: " ", count: width - command.count))   \(purpose)"
    }
    return """
      # A scenario for weir. Try:
      \(list.joined(separator: "\n"))
      # Durations are 250us, 5ms, 1.5s, 2m; rates 3000/s, 10/m; shares 0.1% or 0.001.

      scenario: \(name)
      about: One of five replicas becomes ten times slower for 10 seconds.
      seed: 1
      run: {duration: 30s, warmUp: 5s, replications: 5}     # or `requests: N` in place of duration

      # What is out there.
      world:
        services:
          web:
            replicas: 5                   # or a list of {name, count, zone, weight, speed, time}
            workers: 4                    # requests that a replica serves at a time: threads, connections, cores
            queue: 128                    # waiting places; a full queue answers 503
            # What the work takes by itself, as measured where nothing waits; or exponential, quantiles, empirical, …
            time: {lognormal: {median: 5ms, p99: 40ms}}
            # calls: [{to: db, count: 2, parallel: true}]   # what it calls after its own service
        clients:
          users:
            target: web
            arrivals: {poisson: 1000/s}   # or constant, steps, ramp, bursts, closed, trace
            success: {within: 1s}         # later answers count as failures
            proxies: 1                    # data planes that share the load; each sees its own requests only
        links:
          - {from: users, to: web, delay: 300us}
        faults:                           # crash, hang, slow, delay, errors, pause, partition, loss, scale, restart, …
          - {at: 15s, for: 10s, service: web, replicas: [3], slow: 10}     # one line for each time

      # What is deployed.
      mesh:
        profile: weir                     # whose defaults fill the rest: envoy, istio, linkerd, …
        clusters:
          web:
            service: web
            balancer: leastRequest        # each variant below sets its own
            # failureAccrual: {consecutive: {maxFailures: 7}}
        routes:                           # by default one a cluster, with its name as the host
          - {match: {host: web}, split: [{to: web}], timeout: 2s}

      # What is compared. The first is the baseline: the others stand beside it.
      variants:
        - name: leastRequest
          set: {mesh.clusters.web.balancer: {leastRequest: {choices: 2}}}
        - name: peakEwma
          set: {mesh.clusters.web.balancer: peakEwma}
        - name: roundRobin
          set: {mesh.clusters.web.balancer: roundRobin}

      # What has to hold.
      expect:
        - {metric: successRate, variant: peakEwma, min: 99.9%}
        - {metric: latency.p99, variant: peakEwma, ratioTo: leastRequest, max: 1.1}

      """
  }
}
