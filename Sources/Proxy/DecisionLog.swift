// The decision log of a whole proxy: one file, in which each data plane has a number of its own.

import NIOConcurrencyHelpers
import Recording

/// A decision log that is written.
final class DecisionLog: Sendable {
  private let file: AppendedFile
  private let count = NIOLockedValueBox(0)

  /// A log in the file at `path`, which is replaced.
  ///
  /// - Throws: what the system says when it cannot be opened.
  init(path: String) throws {
    file = try AppendedFile(path: path, replacing: true)
    file.append(DecisionRecorder.mark)
  }

  /// What keeps the decisions of one more data plane.
  func recorder() -> DecisionRecorder {
    let number = count.withLockedValue { count in
      defer { count += 1 }
      return count
    }
    let file = file
    return DecisionRecorder(number: number) { file.append($0) }
  }

  /// Waits until everything is written.
  func flush() { file.flush() }
}
