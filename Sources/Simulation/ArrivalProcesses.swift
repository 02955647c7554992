// When clients' requests come. Every draw is numbered by the request it is for, so traffic never depends on what is done
// with it.
//
// Rates that change with time are followed exactly: a unit exponential (or 1, when evenly spaced) is laid off on the
// integral of the rate, which is solved piece by piece (inversion of the integrated rate; Çinlar, Introduction to
// Stochastic Processes, 1975).

import MeshCore

/// One row of a trace, resolved.
struct TraceEntry: BitwiseCopyable {
  var time: Int64
  var route: Int32
  /// What it sticks by is of this kind.
  var kind: Int32
  var hasKey: Bool
  var key: UInt64
  var demand: Int64
  var size: Int64
}

/// A stretch of time with a linear rate, requests per nanosecond.
struct RatePiece: BitwiseCopyable {
  var start: Double
  var rate: Double
  var slope: Double
}

/// The arrival processes of all open-loop clients.
struct ArrivalProcesses: ~Copyable {
  enum Kind: UInt8, BitwiseCopyable {
    case none, poisson, constant, pieces, bursts, trace
  }

  struct Process: BitwiseCopyable {
    var kind: Kind
    var isEven: Bool
    var key: RandomKey
    /// The last arrival, nanoseconds.
    var last: Int64
    var exactLast: Double
    /// Poisson: mean gap. Constant: rate per second.
    var parameter: Double
    /// Poisson: the unit exponential of the next request, drawn ahead.
    var prepared: Double
    var first: Int32
    var count: Int32
    var place: Int32
    /// Bursts: rates (per nanosecond) and mean stays, low and high.
    var lowRate: Double
    var highRate: Double
    var lowMean: Double
    var highMean: Double
    var isHigh: Bool
    var stateEnd: Double
    var stateNumber: UInt64
    var burstKey: RandomKey
    /// Trace: from start to start; 0 for once.
    var period: Int64
    var offset: Int64
  }

  private var processes = Pool<Process>()
  private var pieces = Pool<RatePiece>()
  private(set) var trace = Pool<TraceEntry>()
  private var exponentials = ExponentialZiggurat()

  /// Adds the process of the next client; `entries` are a trace's rows.
  mutating func add(
    _ arrivals: ArrivalDescription, key: RandomKey, burstKey: RandomKey, entries: [TraceEntry]
  ) {
    var process = Process(
      kind: .none, isEven: false, key: key, last: 0, exactLast: 0, parameter: 0, prepared: 0, first: 0, count: 0,
      place: 0,
      lowRate: 0, highRate: 0, lowMean: 0, highMean: 0, isHigh: false, stateEnd: 0, stateNumber: 0,
      burstKey: burstKey, period: 0, offset: 0)
    switch arrivals {
    case .poisson(let rate):
      process.kind = rate > 0 ? .poisson : .none
      process.parameter = 1e9 / rate
      process.prepared = exponentials.draw(key)
    case .constant(let rate):
      process.kind = .constant
      process.parameter = rate
    case .steps(let points, let even):
      process.kind = .pieces
      process.isEven = even
      process.first = Int32(pieces.count)
      if let start = points.first, start.at.nanoseconds > 0 {
        pieces.append(RatePiece(start: 0, rate: 0, slope: 0))
      }
      for point in points {
        pieces.append(RatePiece(start: Double(point.at.nanoseconds), rate: point.rate / 1e9, slope: 0))
      }
    case .ramp(let points, let even):
      process.kind = .pieces
      process.isEven = even
      process.first = Int32(pieces.count)
      if let start = points.first, start.at.nanoseconds > 0 {
        pieces.append(RatePiece(start: 0, rate: start.rate / 1e9, slope: 0))
      }
      for (place, point) in points.enumerated() {
        var slope: Double = 0
        if place + 1 < points.count, points[place + 1].at > point.at {
          let next = points[place + 1]
          slope = (next.rate - point.rate) / 1e9 / Double((next.at - point.at).nanoseconds)
        }
        pieces.append(RatePiece(start: Double(point.at.nanoseconds), rate: point.rate / 1e9, slope: slope))
      }
    case .bursts(let low, let high, let meanLow, let meanHigh, let even):
      process.kind = low > 0 || high > 0 ? .bursts : .none
      process.isEven = even
      process.lowRate = low / 1e9
      process.highRate = high / 1e9
      process.lowMean = Double(meanLow.nanoseconds)
      process.highMean = Double(meanHigh.nanoseconds)
      // It begins as it would be found at any other time.
      let share = process.highMean / (process.lowMean + process.highMean)
      process.isHigh = unitInterval(burstKey.draw(0)) < share
      process.stateNumber = 1
      process.stateEnd = stay(process)
      process.stateNumber = 2
    case .trace(_, let period):
      process.kind = .trace
      process.first = Int32(trace.count)
      process.period = period?.nanoseconds ?? 0
      for entry in entries { trace.append(entry) }
      process.count = Int32(entries.count)
    case .closed:
      break
    }
    if process.kind == .pieces { process.count = Int32(pieces.count) - process.first }
    processes.append(process)
  }

  /// When client `client`'s request `number` comes; `Int64.max` when there is none.
  @inline(__always)
  mutating func next(client: Int32, number: UInt64) -> Int64 {
    if processes[client].kind == .poisson {
      let (at, key) = processes.modify(client) { process in
        let gap = process.prepared * process.parameter
        process.last = gap < 9e18 ? process.last.addingClamped(Int64(gap + 0.5)) : .max
        return (process.last, process.key)
      }
      // The gap of the request after this one: nothing waits for it yet, so it costs next to no time.
      processes[client].prepared = exponentials.drawInPlace(key, number &+ 1)
      return at
    }
    return nextOther(client: client, number: number)
  }

  /// The place in `trace` of the arrival that `next` gave last, or -1 when it comes from no trace.
  @inline(__always)
  func traceRow(client: Int32) -> Int32 {
    processes[client].kind == .trace ? processes[client].first &+ processes[client].place : -1
  }

  @inline(never)
  private mutating func nextOther(client: Int32, number: UInt64) -> Int64 {
    switch processes[client].kind {
    case .none, .poisson:
      return .max
    case .constant:
      // By multiplication from the start: no rounding error adds up.
      let seconds = Double(number) / processes[client].parameter
      return seconds < 9e9 ? Int64((seconds * 1e9).rounded()) : .max
    case .pieces:
      return nextInPieces(client: client, number: number)
    case .bursts:
      return nextInBursts(client: client, number: number)
    case .trace:
      if processes[client].count == 0 { return .max }
      if number > 0 { processes[client].place &+= 1 }
      if processes[client].place == processes[client].count {
        if processes[client].period == 0 { return .max }
        processes[client].place = 0
        processes[client].offset = processes[client].offset.addingClamped(processes[client].period)
      }
      return trace[processes[client].first &+ processes[client].place].time
        .addingClamped(processes[client].offset)
    }
  }

  /// What is to be laid off on the integrated rate before request `number`.
  private func unit(_ process: Process, number: UInt64) -> Double {
    if process.isEven { return number == 0 ? 0 : 1 }
    return exponentials.draw(process.key, number)
  }

  private mutating func nextInPieces(client: Int32, number: UInt64) -> Int64 {
    var process = processes[client]
    var rest = unit(process, number: number)
    var at = process.exactLast
    while process.place < process.count {
      let piece = pieces[process.first &+ process.place]
      let isLast = process.place &+ 1 == process.count
      let end = isLast ? Double.infinity : pieces[process.first &+ process.place &+ 1].start
      let rate = max(0, piece.rate + piece.slope * (at - piece.start))
      if let span = Self.span(rate: rate, slope: piece.slope, rest: rest), at + span < end {
        at += span
        process.exactLast = at
        processes[client] = process
        return at < 9e18 ? Int64(at.rounded()) : .max
      }
      if isLast { break }
      let length = end - at
      rest = max(0, rest - (rate + piece.slope * length / 2) * length)
      at = end
      process.place &+= 1
    }
    processes[client] = process
    return .max
  }

  /// How long a linear rate takes to reach the integral `rest`; nil when it never does.
  private static func span(rate: Double, slope: Double, rest: Double) -> Double? {
    if slope == 0 { return rate > 0 ? rest / rate : nil }
    let square = rate * rate + 2 * slope * rest
    if square < 0 { return nil }
    let divisor = rate + square.squareRoot()
    if divisor <= 0 { return rest == 0 && slope > 0 ? 0 : nil }
    return 2 * rest / divisor
  }

  private mutating func nextInBursts(client: Int32, number: UInt64) -> Int64 {
    var process = processes[client]
    var rest = unit(process, number: number)
    var at = process.exactLast
    while at < 9e18 {
      let rate = process.isHigh ? process.highRate : process.lowRate
      if rate > 0 && at + rest / rate < process.stateEnd {
        at += rest / rate
        process.exactLast = at
        processes[client] = process
        return Int64(at.rounded())
      }
      rest = max(0, rest - rate * (process.stateEnd - at))
      at = process.stateEnd
      process.isHigh.toggle()
      process.stateEnd = at + stay(process)
      process.stateNumber &+= 1
    }
    return .max
  }

  /// How long a burst process stays in its present state.
  private func stay(_ process: Process) -> Double {
    let mean = process.isHigh ? process.highMean : process.lowMean
    return exponentials.draw(process.burstKey, process.stateNumber) * mean
  }
}

/// The key tables of clients whose keys are Zipf-distributed.
struct ZipfTables: ~Copyable {
  private let tables: UnsafeMutablePointer<ZipfTable>
  private let count: Int

  init(_ keys: [KeyDescription]) {
    var laws: [(keys: Int, exponent: Double)] = []
    for case .zipf(let keys, let exponent) in keys { laws.append((keys, exponent)) }
    count = laws.count
    tables = .allocate(capacity: max(1, laws.count))
    for (place, law) in laws.enumerated() {
      (tables + place).initialize(to: ZipfTable(keys: law.keys, exponent: law.exponent))
    }
  }

  deinit {
    tables.deinitialize(count: count)
    tables.deallocate()
  }

  /// The rank of the key that a request carries.
  func rank(_ table: Int32, _ key: RandomKey) -> UInt64 {
    precondition(table >= 0 && Int(table) < count)
    return tables[Int(table)].sample(key)
  }
}
