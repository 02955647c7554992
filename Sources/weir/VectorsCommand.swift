// `weir vectors`: runs test vectors of other systems against our modules.

import ArgumentParser
import Conformance
import Reporting

struct VectorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vectors", abstract: "Runs test vectors of other systems (JSON) against our modules.",
    discussion: """
      Reads every *.json below the folder and runs each vector whose kind it knows; the others are skipped, with the reason.
      Exits with 0 when none failed, with 1 when some did, with 2 when a file is no JSON (the others are run all the same) or when there is none.
      """)

  @Argument(help: ArgumentHelp("A folder of vector files.", valueName: "dir"))
  var folder: String

  func run() throws {
    do {
      let run = try VectorRun(folder: folder)
      if let remark = run.remark { throw CommandFailure(status: .badInput, lines: [remark]) }
      try OutputStream.standardOutput.write(run.text)
      if !run.unreadable.isEmpty { throw CommandFailure(status: .badInput, lines: run.unreadable) }
      if run.failed > 0 { throw CommandFailure(status: .unmet) }
    } catch let error as VectorRunError {
      throw CommandFailure(status: .badInput, lines: error.lines)
    }
  }
}
