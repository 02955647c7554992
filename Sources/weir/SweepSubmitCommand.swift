// `weir sweep submit`: hands a sweep to an engine that others keep.

import ArgumentParser
import Experiments
import Foundation
import Reporting

struct SweepSubmitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Hands a sweep to Slurm, or prints it as a Kubernetes Job.",
    discussion:
      "slurm: an array job, one task a part, and a job that merges the parts after it, through sbatch. kubernetes: prints an Indexed Job for kubectl apply -f -; its image has weir on the path, its claim is a volume that all parts can write."
  )

  /// Who runs it.
  enum Engine: String, ExpressibleByArgument, CaseIterable {
    case slurm
    case kubernetes
  }

  @Argument(help: ArgumentHelp("The scenario.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("Who runs it.", valueName: "slurm|kubernetes"))
  var engine: Engine

  @Option(help: ArgumentHelp("How many parts.", valueName: "n"))
  var shards = 4

  @Option(help: ArgumentHelp("Where results go: DIR/<scenario name>/.", valueName: "dir"))
  var out = "Results"

  @Option(help: ArgumentHelp("Of kubernetes: an image with weir in it.", valueName: "image"))
  var image: String?

  @Option(help: ArgumentHelp("Of kubernetes: the volume claim for the results.", valueName: "claim"))
  var claim = "weir-results"

  @Flag(name: .customLong("print"), help: "Prints what slurm would be told, and submits nothing.")
  var printsOnly = false

  @OptionGroup var options: ExperimentOptions

  func validate() throws {
    if !(1...10_000).contains(shards) {
      throw ValidationError("--shards \(shards) is out of range; expected 1 to 10000")
    }
    if engine == .kubernetes && image == nil {
      throw ValidationError("--image: missing; expected an image that has weir on its path")
    }
  }

  func run() throws {
    let sweep = try SweepFile(path: file, options: options).read()
    if shards > sweep.units.count {
      throw CommandFailure(
        status: .badInput,
        lines: ["\(file): error: --shards: \(shards) for \(sweep.units.count) replications; expected at most one each"])
    }
    let job = SweepJob(name: sweep.name, shards: shards, flags: flags)
    switch engine {
    case .kubernetes:
      let text = try String(contentsOfFile: file, encoding: .utf8)
      try OutputStream.standardOutput.write(job.kubernetesManifest(image: image ?? "", claim: claim, scenario: text))
    case .slurm: try submit(job, sweep)
    }
  }

  /// The flags that parts are run with.
  private var flags: [String] {
    options.overrides.flatMap { ["--set", $0] } + (options.seed.map { ["--seed", String($0)] } ?? [])
      + (options.replications.map { ["--replications", String($0)] } ?? [])
  }

  private func submit(_ job: SweepJob, _ sweep: Sweep) throws {
    let folder = ResultFolder(parent: absolute(out), name: sweep.name)
    let program = Bundle.main.executablePath ?? absolute(CommandLine.arguments[0])
    let script = job.slurmScript(program: program, file: absolute(file), out: absolute(out))
    let merge = job.slurmMerge(program: program, out: absolute(out))
    let output = OutputStream.standardOutput
    if printsOnly {
      try output.write("\(script)# then, after all tasks: \(merge)\n")
      return
    }
    try folder.make()
    let path = "\(folder.path)/sweep.sbatch"
    try folder.add([("sweep.sbatch", script)])
    let array = try sbatch(["--parsable", path])
    let last = try sbatch([
      "--parsable", "--dependency=afterok:\(array)", "--job-name=weir-\(sweep.name)-merge",
      "--output=\(folder.path)/sweep-merge.log", "--wrap=\(merge)",
    ])
    try output.write(
      "submitted: array job \(array), \(shards) parts; job \(last) merges them into \(folder.path)/sweep.csv\n")
  }

  /// What sbatch answers: a job's number.
  private func sbatch(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sbatch"] + arguments
    let (answers, faults) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (answers, faults)
    try process.run()
    let answer = String(decoding: answers.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let fault = String(decoding: faults.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      let reason = fault.split(separator: "\n").first.map(String.init) ?? "sbatch failed without a word"
      throw CommandFailure(
        status: .badInput, lines: ["\(file): error: --engine slurm: \(reason); expected sbatch of a running Slurm"])
    }
    // In a federation the cluster's name follows behind a semicolon.
    return answer.split(whereSeparator: { $0.isWhitespace || $0 == ";" }).first.map(String.init) ?? ""
  }

  private func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}
