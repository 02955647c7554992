// `weir-proxy`, the data plane on real sockets: hands the arguments over and exits with what comes of them.

import ArgumentParser
import Foundation

/// Runs a command that waits.
func run(_ command: any AsyncParsableCommand) async throws {
  var command = command
  try await command.run()
}

do {
  var command = try WeirProxy.parseAsRoot()
  if let command = command as? any AsyncParsableCommand { try await run(command) } else { try command.run() }
} catch {
  WeirProxy.end(error)
}
