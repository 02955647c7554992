// The command line's root, and how whatever goes wrong becomes lines on standard error and an exit status.

import ArgumentParser
import MeshConfiguration
import Reporting

/// How the program ends.
enum ExitStatus: Int32 {
  /// All went well.
  case success = 0
  /// Some expectation does not hold.
  case unmet = 1
  /// A file, flag or value was bad, or could not be written.
  case badInput = 2
  /// Somebody pressed Ctrl-C.
  case interrupted = 130
}

/// A command's end other than success.
struct CommandFailure: Error {
  var status: ExitStatus
  /// For standard error.
  var lines: [String] = []
}

struct Weir: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weir",
    abstract: "A wind tunnel for service-mesh load balancing.",
    version: weirVersion,
    subcommands: [
      RunCommand.self, CheckCommand.self, ShowCommand.self, InitCommand.self, PoliciesCommand.self, SchemaCommand.self,
      VectorsCommand.self, PlaceCommand.self, ReplayCommand.self, BackendCommand.self, LoadCommand.self,
      ValidateCommand.self, SweepCommand.self, CapacityCommand.self, TuneCommand.self, ShrinkCommand.self,
      DiffCommand.self, ReportCommand.self,
    ])
}

/// Runs a command line.
enum CommandFace {
  /// Parses `arguments`, runs the command and tells how to exit.
  static func run(_ arguments: [String]) -> ExitStatus {
    OutputStream.ignoreBrokenPipes()
    do {
      if let unknown = unknownCommand(arguments) { throw CommandFailure(status: .badInput, lines: [unknown]) }
      var command = try Weir.parseAsRoot(arguments)
      try command.run()
      return .success
    } catch let failure as CommandFailure {
      // Where even this cannot be written there is nobody left to tell.
      try? OutputStream.standardError.write(failure.lines.map { $0 + "\n" }.joined())
      return failure.status
    } catch let error as SystemError {
      try? OutputStream.standardError.write("\(error)\n")
      return .badInput
    } catch {
      return tell(error)
    }
  }

  /// Help and version go to standard output; a usage fault is one line on standard error.
  private static func tell(_ error: any Error) -> ExitStatus {
    if Weir.exitCode(for: error) == .success {
      do { try OutputStream.standardOutput.write(Weir.fullMessage(for: error) + "\n") } catch { return .badInput }
      return .success
    }
    let message = Weir.message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
    try? OutputStream.standardError.write("weir: error: \(message)\n")
    return .badInput
  }

  private static func unknownCommand(_ arguments: [String]) -> String? {
    let names = Weir.configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let first = arguments.first, !first.hasPrefix("-"), first != "help", !names.contains(first) else {
      return nil
    }
    return "weir: error: '\(first)' is no command; expected \(names.joined(separator: ", "))"
      + (Suggestion.closest(to: first, among: names).map { "; did you mean '\($0)'?" } ?? "")
  }
}
