// Where a value of a configuration comes from: a place in a file, a flag, a variant, a profile, or nobody.

/// Who gave a value, and where to point when something is wrong with it.
public struct Origin: Sendable, Hashable {
  /// Who gave it.
  public enum Source: Sendable, Hashable {
    /// The file, at `line` and `column`.
    case file
    /// A flag of the command line, such as `--set`: `line` counts the flags of this name, `column` the characters in it.
    case flag(String)
    /// The `set` of this variant, in the file.
    case variant(String)
    /// A cell of the sweep, in the file.
    case sweep
    /// The defaults of this profile.
    case profile(String)
    /// The defaults of the file format.
    case standard
  }

  /// Who gave it.
  public var source: Source
  /// The line, from 1. For what nobody wrote, the line of what it belongs to.
  public var line: Int
  /// The column, from 1, in characters.
  public var column: Int

  /// A place.
  public init(_ source: Source, line: Int = 1, column: Int = 1) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// Whether nobody wrote it.
  public var isImplied: Bool {
    switch source {
    case .profile, .standard: return true
    case .file, .flag, .variant, .sweep: return false
    }
  }

  /// The same place, given by `source`.
  public func given(by source: Source) -> Origin { Origin(source, line: line, column: column) }

  /// The name to print before line and column, for a scenario in `file`.
  public func document(of file: String) -> String {
    if case .flag(let name) = source { return name }
    return file
  }
}
