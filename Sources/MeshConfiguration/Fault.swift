// What is wrong with a configuration, one line a fault, all faults at once.

/// One thing that is wrong.
public struct Fault: Sendable, Hashable, CustomStringConvertible {
  /// The file, or the flag, it is in.
  public var document: String
  /// The line, from 1.
  public var line: Int
  /// The column, from 1.
  public var column: Int
  /// The path of the value, dotted; `file` for the file as a whole.
  public var path: String
  /// What is wrong, and what was expected.
  public var message: String
  /// The name that was probably meant.
  public var suggestion: String?

  /// A fault.
  public init(document: String, line: Int, column: Int, path: String, message: String, suggestion: String? = nil) {
    self.document = document
    self.line = line
    self.column = column
    self.path = path
    self.message = message
    self.suggestion = suggestion
  }

  /// `FILE:LINE:COLUMN: error: PATH: what is wrong; what was expected`, with the suggestion when there is one.
  public var description: String {
    let hint = suggestion.map { "; did you mean '\($0)'?" } ?? ""
    return "\(document):\(line):\(column): error: \(path.isEmpty ? "file" : path): \(message)\(hint)"
  }
}

/// All that is wrong with a configuration: at least one fault.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// The faults, in the order of the file.
  public var faults: [Fault]

  /// Faults.
  public init(faults: [Fault]) { self.faults = faults }

  /// One line a fault.
  public var lines: [String] { faults.map(\.description) }

  public var description: String { lines.joined(separator: "\n") }
}

/// Collects the faults of one configuration while it is read.
public final class FaultLog {
  /// How many faults are kept: a file this wrong is not read to the end by anybody.
  public static let capacity = 500

  /// The configuration's file, as the user named it.
  public let file: String
  private var faults: [Fault] = []
  private var impliedFaults: [Fault] = []
  private var known: Set<Fault> = []

  /// An empty log of the configuration in `file`.
  public init(file: String) { self.file = file }

  /// Whether nothing is wrong so far.
  public var isEmpty: Bool { faults.isEmpty && impliedFaults.isEmpty }

  /// How many faults there are so far.
  public var count: Int { faults.count + impliedFaults.count }

  /// Whether no more faults are kept.
  public var isFull: Bool { count >= Self.capacity }

  /// Notes a fault, once: variants share most of a file, so the same fault comes again.
  public func add(_ origin: Origin, _ path: String, _ message: String, suggestion: String? = nil) {
    if isFull { return }
    let fault = Fault(
      document: origin.document(of: file), line: origin.line, column: origin.column, path: path, message: message,
      suggestion: suggestion)
    if !known.insert(fault).inserted { return }
    if origin.isImplied { impliedFaults.append(fault) } else { faults.append(fault) }
  }

  /// Notes that `what` (such as "unknown service") is called `name`, which is none of `names`: with the one that was
  /// probably meant, else with `expected`, which is the names themselves unless given.
  public func addUnknown(
    _ origin: Origin, _ path: String, _ what: String, _ name: String, among names: [String], expected: String? = nil
  ) {
    if isFull { return }
    var message = "\(what) \(quoted(name))"
    let suggestion = Suggestion.closest(to: name, among: names)
    if suggestion == nil {
      let list = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
      message +=
        "; " + (expected.map { "expected \($0)" } ?? (names.isEmpty ? "there is none" : "expected one of \(list)"))
    }
    add(origin, path, message, suggestion: suggestion)
  }

  /// The faults in the order of the file, those of flags first; nil when there are none. What is wrong with a value that
  /// nobody wrote follows from something that somebody wrote, so it is told only when nothing else is.
  public var diagnostics: Diagnostics? {
    let faults = self.faults.isEmpty ? impliedFaults : self.faults
    if faults.isEmpty { return nil }
    let file = self.file
    let sorted = faults.enumerated().sorted { left, right in
      let (a, b) = (left.element, right.element)
      let keyA = (a.document == file ? 1 : 0, a.line, a.column, left.offset)
      let keyB = (b.document == file ? 1 : 0, b.line, b.column, right.offset)
      return keyA < keyB
    }
    return Diagnostics(faults: sorted.map(\.element))
  }
}

/// `text` in quotes, on one line and not too long, for a message.
public func quoted(_ text: String) -> String {
  var shown = ""
  for scalar in text.unicodeScalars.prefix(60) {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029: shown += "\u{fffd}"
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return "'\(shown)\(text.unicodeScalars.count > 60 ? "…" : "")'"
}
