// Retry-After: a server says when to come again, in seconds or as a date.
//
//   Retry-After: 120
//   Retry-After: Fri, 07 Nov 2014 23:59:59 GMT
//
// It is heeded of 429 and 503 alone (linkerd2-proxy, load-biaser); Envoy's retries heed it of whatever they retry, where a route names it
// as a reset header (`RetryBackoff.afterReset`). Dates are those of RFC 9110, section 5.6.7: the preferred form, and the two obsolete ones that a
// recipient has to know. What has passed means at once; what is neither means nothing.

import MeshCore

/// What answers say of when to come again.
public enum RetryAfter {
  /// How it may be said.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// Whole seconds.
    case delaySeconds = "delay-seconds"
    /// A date.
    case httpDate = "HTTP-date"
  }

  /// Whether it is heeded of an answer with this status.
  public static func isHeeded(status: Int16) -> Bool { status == 429 || status == 503 }

  /// How long `value` asks to wait, at `now` seconds since 1970; nil where it says nothing. Complexity: O(length).
  public static func span(_ value: String, now: Int64) -> TimeSpan? {
    let text = value.utf8.drop { $0 == 0x20 || $0 == 0x09 }
    guard let first = text.first else { return nil }
    if (0x30...0x39).contains(first) {
      let trimmed = value.split { $0 == " " || $0 == "\t" }
      guard trimmed.count == 1, trimmed[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      // What no number holds is for ever.
      return Int64(trimmed[0]).map { seconds($0) } ?? TimeSpan(nanoseconds: .max)
    }
    guard let date = secondsSince1970(value) else { return nil }
    return seconds(max(0, date - now))
  }

  /// How long an answer of this status asks to wait.
  public static func span(_ value: String, status: Int16, now: Int64) -> TimeSpan? {
    isHeeded(status: status) ? span(value, now: now) : nil
  }

  private static func seconds(_ count: Int64) -> TimeSpan {
    let (nanoseconds, isBeyond) = count.multipliedReportingOverflow(by: 1_000_000_000)
    return TimeSpan(nanoseconds: isBeyond ? .max : nanoseconds)
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  private static let shortDays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
  private static let longDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

  /// A date in one of the three forms: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
  private static func secondsSince1970(_ value: String) -> Int64? {
    let words = value.split(separator: " ").map(String.init)
    guard let weekday = words.first else { return nil }
    if words.count == 6, words[5] == "GMT", weekday.last == ",", shortDays.contains(String(weekday.dropLast())) {
      return seconds(year: number(words[3], 4), month: words[2], day: number(words[1], 2), time: words[4])
    }
    if words.count == 4, words[3] == "GMT", weekday.last == ",", longDays.contains(String(weekday.dropLast())) {
      let parts = words[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3, let short = number(parts[2], 2) else { return nil }
      return seconds(
        year: short + (short < 70 ? 2000 : 1900), month: parts[1], day: number(parts[0], 2), time: words[2])
    }
    if words.count == 5, shortDays.contains(weekday) {
      let day = number(words[2], 2) ?? number(words[2], 1)
      return seconds(year: number(words[4], 4), month: words[1], day: day, time: words[3])
    }
    return nil
  }

  private static func seconds(year: Int64?, month name: String, day: Int64?, time: String) -> Int64? {
    guard let year, let place = months.firstIndex(of: name), let day else { return nil }
    let parts = time.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let hour = number(parts[0], 2), let minute = number(parts[1], 2),
      let second = number(parts[2], 2), hour < 24, minute < 60, second <= 60
    else { return nil }
    let month = Int64(place) + 1
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let length = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    guard (1...Int64(length)).contains(day) else { return nil }
    return days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
  }

  /// Days from 1970-01-01 in the Gregorian calendar, its years taken to begin in March so that the leap day is their last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = (month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }

  /// Just so many digits.
  private static func number(_ text: String, _ digits: Int) -> Int64? {
    text.utf8.count == digits && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
  }
}
