// Actions to numbers, and numbers to what people read.

import DataPlane
import MeshCore

/// The names of actions and of their fields, by code. Codes are part of every log: append, never change.
private let actionForms: [(name: String, fields: [String])] = [
  (
    "startAttempt",
    ["caller", "request", "generation", "attempt", "generation", "cluster", "endpoint", "kind", "number"]
  ),
  ("cancelAttempt", ["attempt", "generation", "caller"]),
  ("startProbe", ["probe", "generation", "cluster", "endpoint", "kind"]),
  ("cancelProbe", ["probe", "generation"]),
  ("respond", ["caller", "attempt", "generation", "status", "cause"]),
  ("respondSlowly", ["caller", "cluster", "status", "rate"]),
  ("hold", ["caller", "request", "generation", "reason"]),
  ("setTimer", ["timer", "generation", "deadline"]),
  ("setBackgroundTimer", ["timer", "generation", "deadline"]),
  ("cancelTimer", ["timer", "generation"]),
  ("report", ["kind", "cluster", "endpoint", "exclusions"]),
]

extension DecisionBytes {
  mutating func put(_ action: Action) {
    func word(_ number: some BinaryInteger) -> Int64 { Int64(truncatingIfNeeded: number) }
    var words = ""
    let (code, fields): (UInt64, [Int64])
    switch action {
    case .startAttempt(let start):
      (code, fields) = (
        0,
        [
          word(start.caller.value), word(start.request.index), word(start.request.generation),
          word(start.attempt.index),
          word(start.attempt.generation), word(start.cluster), word(start.endpoint.number), word(start.kind.rawValue),
          word(start.number),
        ]
      )
    case .cancelAttempt(let attempt, let caller):
      (code, fields) = (1, [word(attempt.index), word(attempt.generation), word(caller.value)])
    case .startProbe(let start):
      (code, fields) = (
        2,
        [
          word(start.probe.index), word(start.probe.generation), word(start.cluster), word(start.endpoint.number),
          word(start.kind.rawValue),
        ]
      )
    case .cancelProbe(let probe): (code, fields) = (3, [word(probe.index), word(probe.generation)])
    case .respond(let caller, let attempt, let status, let cause):
      (code, fields) = (
        4, [word(caller.value), word(attempt.index), word(attempt.generation), word(status), word(cause.rawValue)]
      )
    case .respondSlowly(let caller, let cluster, let status, let rate):
      (code, fields) = (5, [word(caller.value), word(cluster), word(status), rate])
    case .hold(let caller, let request, let reason):
      (code, fields) = (
        6, [word(caller.value), word(request.index), word(request.generation), word(reason.rawValue)]
      )
    case .setTimer(let timer, let deadline):
      (code, fields) = (7, [word(timer.index), word(timer.generation), deadline.nanoseconds])
    case .setBackgroundTimer(let timer, let deadline):
      (code, fields) = (8, [word(timer.index), word(timer.generation), deadline.nanoseconds])
    case .cancelTimer(let timer): (code, fields) = (9, [word(timer.index), word(timer.generation)])
    case .report(let notice):
      (code, fields) = (
        10,
        [
          word(notice.kind.rawValue), word(notice.cluster), word(notice.endpoint.number),
          word(notice.exclusions.rawValue),
        ]
      )
      words = notice.reason.words
    }
    put(code)
    for field in fields { put(signed: field) }
    if code == 10 { put(words) }
  }

  /// The next action, for people.
  mutating func action() throws(DecisionLogFault) -> DecisionRecord {
    let code = Int(clamping: try number())
    guard code < actionForms.count else {
      throw DecisionLogFault(reason: "has an action that this version does not know")
    }
    let form = actionForms[code]
    var record = DecisionRecord(name: form.name, fields: [])
    for field in form.fields { record.fields.append((field, UInt64(bitPattern: try signed()))) }
    if form.name == "report" { record.words = try text() }
    return record
  }
}
