// `weir-proxy`, the data plane on real sockets: hands the arguments over and exits with what comes of them.

import ArgumentParser
import Foundation

do {
  let command = try WeirProxy.parse()
  try await command.run()
} catch {
  WeirProxy.end(error)
}
