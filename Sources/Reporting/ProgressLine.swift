// The line on standard error that shows how far a run is. It is written over again and again, and only on a terminal.

import Experiments
import MeshCore

/// Makes progress lines.
public struct ProgressLine: Sendable {
  /// What is run.
  public var title: String
  /// How many columns there are.
  public var width: Int

  /// A line about `title`, at most `width` columns wide.
  public init(title: String, width: Int = 80) {
    self.title = title
    self.width = width
  }

  /// Takes the line away.
  public static let clearing = "\r\u{1B}[K"

  /// The line after `elapsed` seconds, to be written over the one before.
  public func text(_ progress: ExperimentProgress, elapsed: Double) -> String {
    let filled = Int(progress.fraction * 20)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    let rate = elapsed > 0 ? Double(progress.requests) / elapsed : 0
    var line = "\(title) \(bar) \(Int(progress.fraction * 100)) %"
    line +=
      ", \(FigureFormat.span(TimeSpan(nanoseconds: progress.simulated.nanoseconds / 1_000_000_000 * 1_000_000_000))) simulated"
    line += ", \(Self.rate(rate)) requests/s"
    if progress.fraction > 0.01 && progress.fraction < 1 {
      line += ", \(Self.remaining(elapsed * (1 - progress.fraction) / progress.fraction)) left"
    }
    return Self.clearing + String(line.prefix(max(1, width - 1)))
  }

  private static func rate(_ rate: Double) -> String {
    if rate >= 1e6 { return DecimalNumber.fixed(rate / 1e6, places: 1) + " M" }
    if rate >= 1e3 { return DecimalNumber.fixed(rate / 1e3, places: 0) + " k" }
    return DecimalNumber.fixed(rate, places: 0)
  }

  private static func remaining(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    if whole < 60 { return "\(whole) s" }
    return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }
}
