import MeshCore
import Testing
import TrafficSplitting

@Suite struct RetryAfterTests {
  // Goal: seconds are seconds, the largest is for ever, and what is no number says nothing.
  @Test func seconds() {
    #expect(RetryAfter.span("120", now: 0) == .seconds(120) && RetryAfter.span(" 0 ", now: 0) == .zero)
    for longest in ["9223372036854775807", "99999999999999999999999"] {
      #expect(RetryAfter.span(longest, now: 0) == TimeSpan(nanoseconds: .max))
    }
    for nothing in ["", " ", "-1", "1.5", "12s", "1 2", "+3", "soon"] {
      #expect(RetryAfter.span(nothing, now: 0) == nil, "\(nothing)")
    }
  }

  // Goal: the three forms of RFC 9110's own example are one instant, 784111777 s after 1970; what has passed is at once.
  @Test func dates() {
    let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    for form in forms {
      #expect(RetryAfter.span(form, now: 784_111_777 - 30) == .seconds(30), "\(form)")
      #expect(RetryAfter.span(form, now: 784_111_777 + 30) == .zero)
    }
    for (date, expected) in [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
      ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200), ("Sat, 31 Dec 2072 00:00:00 GMT", 3_250_368_000),
    ] as [(String, Int64)] {
      #expect(RetryAfter.span(date, now: -1) == .seconds(expected + 1), "\(date)")
    }
    for nothing in [
      "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2023 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
      "Son, 06 Nov 1994 08:49:37 GMT",
    ] {
      #expect(RetryAfter.span(nothing, now: 0) == nil, "\(nothing)")
    }
  }

  // Goal: it is heeded of 429 and 503 alone.
  @Test func statuses() {
    let heeded = (100...599).filter { RetryAfter.span("7", status: $0, now: 0) != nil }
    #expect(heeded == [429, 503])
  }
}
