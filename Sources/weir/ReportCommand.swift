// `weir report`: one page for people made of a result folder.

import ArgumentParser
import Reporting

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Makes one self-contained HTML page of a result folder.",
    discussion:
      "Reads whichever result files of run, check, sweep and validate are in DIR; the page fetches nothing and needs no script."
  )

  @Argument(help: ArgumentHelp("A scenario's result folder, such as Results/quickstart.", valueName: "dir"))
  var folder: String

  @Option(help: ArgumentHelp("Writes each chart as a file of its own to this folder too.", valueName: "dir"))
  var svg: String?

  @Option(help: ArgumentHelp("The page (default: DIR/report.html).", valueName: "file"))
  var out: String?

  func run() throws {
    let report = try Report(folder: folder)
    let usual = (folder.hasSuffix("/") ? folder : folder + "/") + "report.html"
    let page = NewFile(out ?? usual)
    try page.check()
    if let svg {
      try Self.resultFolder(svg).add(report.charts.map { (name: "\($0.name).svg", text: $0.file) })
    }
    try page.replace(with: report.html)
    try OutputStream.standardOutput.write("\(page.path)\n")
  }

  /// The folder at `path`, as a name within another.
  private static func resultFolder(_ path: String) -> ResultFolder {
    let parts = path.split(separator: "/")
    let parent = parts.dropLast().joined(separator: "/")
    let beginning = path.hasPrefix("/") ? "/" : parent.isEmpty ? "." : ""
    return ResultFolder(parent: beginning + parent, name: parts.last.map(String.init) ?? ".")
  }
}
