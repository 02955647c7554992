// Envoy's gradient controller: gradient_controller_test.cc, and what follows from calculateNewLimit.

import MeshCore
import TestVectors
import TrafficSplitting

struct AdaptiveConcurrencyVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool {
    file.topic.hasPrefix("adaptive concurrency") || (file.name == "adaptive_concurrency" && !file.vectors.isEmpty)
  }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.runEach(file.vectors) { vector, check in
      if vector.member("expected_new_limit") != nil || vector.member("expected_gradient") != nil {
        try checkLimit(vector, &check)
      } else if let sequences = vector.member("sequences") {
        for sequence in try sequences.items { try checkSequence(sequence, &check) }
      } else if vector.member("limits") != nil {
        try checkSequence(vector, &check)
      } else if vector.member("expected_timer_ms") != nil {
        try checkTimer(vector, &check)
      } else if case .map? = vector.member("expected") {
        try checkDefaults(vector("expected"), &check)
      } else {
        try checkCourse(vector, &check)
      }
    }
  }

  private func next(_ limit: UInt32, _ gradient: Double, _ vector: VectorValue) throws -> UInt32 {
    let standard = AdaptiveConcurrencyDescription()
    let least = try vector.member("min_concurrency")?.weight ?? standard.minConcurrency
    let most = try vector.member("max_concurrency_limit")?.weight ?? standard.maxConcurrencyLimit
    return max(least, min(most, AdaptiveConcurrency.nextLimit(limit, gradient: gradient)))
  }

  private func gradient(_ vector: VectorValue) throws -> Double {
    let (least, sample) = (Int64(try vector("min_rtt_us").int), Int64(try vector("sample_rtt_us").int))
    if least < 0 || sample <= 0 { throw VectorError(description: "latencies of \(least) and \(sample) us") }
    return AdaptiveConcurrency.gradient(minRTT: least, sampleRTT: sample, buffer: try vector("buffer").double)
  }

  private func checkLimit(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let gradient = try gradient(vector)
    if let expected = try vector.member("expected_gradient")?.double {
      check.close(gradient, expected, relative: 1e-12, "gradient")
    }
    if let expected = try vector.member("expected_new_limit")?.weight {
      check.equal(try next(vector("limit").weight, gradient, vector), expected, "limit")
    }
  }

  private func checkSequence(_ sequence: VectorValue, _ check: inout VectorCheck) throws {
    let gradient = try gradient(sequence)
    var limit = try sequence("start").weight
    var limits: [Int] = []
    for _ in try sequence("limits").items {
      limit = try next(limit, gradient, sequence)
      limits.append(Int(limit))
    }
    check.equal(limits, try sequence("limits").ints)
  }

  private func checkTimer(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    let (interval, jitter) = (try vector("min_rtt_interval_ms").int32, try vector("jitter").double)
    if interval < 0 || !(0...1).contains(jitter) { throw VectorError(description: "\(interval) ms and \(jitter)") }
    let span = AdaptiveConcurrency.jittered(
      .milliseconds(Int64(interval)), jitter: jitter, draw: try vector("random").unsigned)
    check.equal(span.milliseconds, try vector("expected_timer_ms").double)
  }

  private func checkDefaults(_ expected: VectorValue, _ check: inout VectorCheck) throws {
    let standard = AdaptiveConcurrencyDescription()
    for (key, value) in try expected.members {
      switch key {
      case "max_concurrency_limit": check.equal(standard.maxConcurrencyLimit, try value.weight, key)
      case "request_count": check.equal(standard.minRTTRequestCount, try value.weight, key)
      case "percentile": check.equal(standard.sampleAggregatePercentile, try value.double, key)
      case "jitter": check.equal(standard.minRTTJitter, try value.double, key)
      case "min_concurrency": check.equal(standard.minConcurrency, try value.weight, key)
      case "buffer": check.equal(standard.buffer, try value.double, key)
      default: throw VectorError(description: "no default \(key)")
      }
    }
  }

  /// What upstream's tests say in words, driven through the controller.
  private func checkCourse(_ vector: VectorValue, _ check: inout VectorCheck) throws {
    var description = AdaptiveConcurrencyDescription()
    description.minConcurrency = try vector.member("min_concurrency")?.weight ?? 7
    description.minRTTRequestCount = try vector.member("request_count")?.weight ?? 50
    if !(1...10_000).contains(description.minConcurrency) || !(1...10_000).contains(description.minRTTRequestCount) {
      throw VectorError(description: "no such controller")
    }
    description.minRTTJitter = 0
    var course = ConcurrencyCourse(description)
    let least = description.minConcurrency
    switch try vector("id").string {
    case "MinRTTLogicTest":
      check.equal(course.admitted(of: least + 2), least, "while measuring")
      course.finish(description.minRTTRequestCount - 1, after: .milliseconds(13))
      check.equal(course.limit.isMeasuring, true, "one sample short")
      course.finish(1, after: .milliseconds(13))
      check.equal(course.limit.isMeasuring, false, "after the last sample")
    case "ConsecutiveMinConcurrencyReset":
      course.finish(description.minRTTRequestCount, after: .milliseconds(5))
      for window in 1...5 {
        check.equal(course.limit.isMeasuring, false, "before window \(window)")
        course.sampleWindow(of: .seconds(1))
      }
      check.equal(course.limit.isMeasuring, true, "after five windows at the smallest limit")
    case "MinRTTReturnToPreviousLimit":
      course.finish(description.minRTTRequestCount, after: .milliseconds(5))
      for _ in 0..<10 { course.sampleWindow(of: .milliseconds(5)) }
      let former = course.limit.limit
      course.wait(description.minRTTInterval)
      check.equal(course.limit.limit, least, "while measuring again")
      course.finish(description.minRTTRequestCount, after: .milliseconds(13))
      check.equal(course.limit.limit, former, "after that")
    case "NoSamplesTest":
      course.finish(description.minRTTRequestCount, after: .milliseconds(5))
      course.sampleWindow(of: .milliseconds(5))
      let former = course.limit.limit
      for _ in 0..<3 { course.wait(description.concurrencyUpdateInterval) }
      check.equal(course.limit.limit, former)
    case let id: throw VectorError(description: "no course \(id)")
    }
  }
}

/// Requests before a limit, on a clock of their own.
private struct ConcurrencyCourse {
  var limit: AdaptiveConcurrency
  private let description: AdaptiveConcurrencyDescription
  private var now = Timestamp.zero
  private var random = RandomStream(state: 1)

  init(_ description: AdaptiveConcurrencyDescription) {
    self.description = description
    limit = AdaptiveConcurrency(description, at: .zero)
  }

  /// How many of so many at once are let through; they are forgotten then.
  mutating func admitted(of count: UInt32) -> UInt32 {
    var admitted: UInt32 = 0
    for _ in 0..<count where limit.passes(at: now) { admitted += 1 }
    for _ in 0..<admitted { limit.forgotten() }
    return admitted
  }

  /// Ends so many requests, one after the other.
  mutating func finish(_ count: UInt32, after latency: TimeSpan) {
    for _ in 0..<min(count, 100_000) where limit.passes(at: now) {
      let began = now
      now = now + latency
      limit.ended(began: began, &random, at: now)
    }
  }

  /// One window with requests of such a latency in it.
  mutating func sampleWindow(of latency: TimeSpan) {
    finish(1, after: latency)
    wait(description.concurrencyUpdateInterval)
  }

  /// Lets time go by, and looks.
  mutating func wait(_ span: TimeSpan) {
    now = now + span
    _ = admitted(of: 1)
  }
}
