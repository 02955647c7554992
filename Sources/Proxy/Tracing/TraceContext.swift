// Which trace a request is part of, in the two forms that headers have: W3C's Trace Context (https://www.w3.org/TR/trace-context/) and
// B3, in one header or several (https://github.com/openzipkin/b3-propagation). Where a request has both, W3C's counts.

import NIOHTTP1

/// A span's name: its trace's, and its own.
struct TraceContext: Sendable, Hashable {
  /// The two halves of the trace's name; not both 0.
  var high: UInt64
  var low: UInt64
  /// Not 0.
  var span: UInt64
  var isSampled: Bool

  /// `00-<trace>-<span>-<flags>`.
  var traceparent: String {
    var text = "00-"
    Hex.append(high, to: &text)
    Hex.append(low, to: &text)
    text += "-"
    Hex.append(span, to: &text)
    return text + (isSampled ? "-01" : "-00")
  }
}

/// What a request's headers say of traces.
struct TraceHeaders: Sendable, Hashable {
  /// In which form a request says it in B3.
  enum B3: Sendable, Hashable {
    case none
    case single
    case multiple
  }

  /// Its caller's span, if it names one.
  var parent: TraceContext?
  /// Whether the caller has decided on sampling: nil when it leaves that to others.
  var isSampled: Bool?
  var b3 = B3.none
  /// Whether `tracestate` belongs to the parent.
  var hasState = false

  /// Looks for a caller's span.
  init(_ headers: HTTPHeaders) {
    var single: String?
    var (trace, span, sampled, debug): (String?, String?, String?, String?)
    var parents: [String] = []
    for (name, value) in headers {
      switch name.utf8.count {
      case 2 where name.lowercased() == "b3": single = value
      case 11 where name.lowercased() == "traceparent": parents.append(value)
      case 11 where name.lowercased() == "x-b3-spanid": span = value
      case 12 where name.lowercased() == "x-b3-traceid": trace = value
      case 12 where name.lowercased() == "x-b3-sampled": sampled = value
      case 10 where name.lowercased() == "x-b3-flags": debug = value
      default: break
      }
    }
    if let single {
      b3 = .single
      takeB3(single)
    } else if trace != nil || sampled != nil || debug != nil {
      b3 = .multiple
      isSampled = debug == "1" ? true : Self.decision(sampled)
      if let trace = trace.flatMap(Hex.trace), let span = span.flatMap({ Hex.number($0, digits: 16) }), span != 0 {
        parent = TraceContext(high: trace.0, low: trace.1, span: span, isSampled: isSampled ?? false)
      }
    }
    if parents.count == 1, let context = Self.traceparent(parents[0]) {
      parent = context
      isSampled = context.isSampled
      hasState = true
    }
  }

  private mutating func takeB3(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 1 {
      isSampled = Self.decision(parts[0])
      return
    }
    guard let trace = Hex.trace(parts[0]), let span = Hex.number(parts[1], digits: 16), span != 0 else { return }
    if parts.count > 2 { isSampled = Self.decision(parts[2]) }
    parent = TraceContext(high: trace.0, low: trace.1, span: span, isSampled: isSampled ?? false)
  }

  private static func decision(_ text: String?) -> Bool? {
    switch text {
    case "1", "d", "true": true
    case "0", "false": false
    default: nil
    }
  }

  /// What a `traceparent` says; nil when it is none. Later versions may say more at its end.
  static func traceparent(_ text: String) -> TraceContext? {
    let bytes = Array(text.utf8)
    if bytes.count < 55 || bytes[2] != 0x2d || bytes[35] != 0x2d || bytes[52] != 0x2d { return nil }
    guard let version = Hex.number(bytes[0..<2]), version != 0xff, let high = Hex.number(bytes[3..<19]),
      let low = Hex.number(bytes[19..<35]), let span = Hex.number(bytes[36..<52]),
      let flags = Hex.number(bytes[53..<55])
    else { return nil }
    if high | low == 0 || span == 0 { return nil }
    if bytes.count > 55 && (version == 0 || bytes[55] != 0x2d) { return nil }
    return TraceContext(high: high, low: low, span: span, isSampled: flags & 1 == 1)
  }

  /// Says in a request's headers that `context` is its caller's span, which `parent` is above.
  func write(_ context: TraceContext, parent: UInt64, to headers: inout HTTPHeaders) {
    headers.replaceOrAdd(name: "traceparent", value: context.traceparent)
    if !hasState { headers.remove(name: "tracestate") }
    if b3 == .none { return }
    var (trace, span) = ("", "")
    Hex.append(context.high, to: &trace)
    Hex.append(context.low, to: &trace)
    Hex.append(context.span, to: &span)
    var above = ""
    Hex.append(parent, to: &above)
    let sampled = context.isSampled ? "1" : "0"
    if b3 == .single {
      headers.replaceOrAdd(name: "b3", value: "\(trace)-\(span)-\(sampled)-\(above)")
    } else {
      headers.replaceOrAdd(name: "x-b3-traceid", value: trace)
      headers.replaceOrAdd(name: "x-b3-spanid", value: span)
      headers.replaceOrAdd(name: "x-b3-parentspanid", value: above)
      headers.replaceOrAdd(name: "x-b3-sampled", value: sampled)
    }
  }
}

/// Numbers as hexadecimal digits, in lower case.
enum Hex {
  static func append(_ number: UInt64, to text: inout String) {
    for shift in stride(from: 60, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 15
      text.unicodeScalars.append(Unicode.Scalar(digit < 10 ? 0x30 + digit : 0x57 + digit))
    }
  }

  /// What lower-case digits say; nil when there are others.
  static func number(_ digits: some Sequence<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      switch digit {
      case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
      case 0x61...0x66: number = number << 4 | UInt64(digit - 0x57)
      default: return nil
      }
    }
    return number
  }

  static func number(_ text: String, digits: Int) -> UInt64? {
    text.utf8.count == digits ? number(text.lowercased().utf8) : nil
  }

  /// A trace's name of 16 or 32 digits; nil when it is none.
  static func trace(_ text: String) -> (UInt64, UInt64)? {
    let digits = Array(text.lowercased().utf8)
    if digits.count == 16, let low = number(digits), low != 0 { return (0, low) }
    guard digits.count == 32, let high = number(digits[..<16]), let low = number(digits[16...]), high | low != 0 else {
      return nil
    }
    return (high, low)
  }
}
