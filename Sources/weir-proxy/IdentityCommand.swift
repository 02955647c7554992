// `weir-proxy identity`: certificates for trying things out.

import ArgumentParser
import Foundation
import Proxy

/// Makes a development authority and certificates.
struct IdentityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity", abstract: "Makes a development authority and certificates that it signs.",
    discussion: """
      The authority is made where the folder has none: ca.pem, which peers trust, and ca-key.pem. Each NAME gets NAME.pem and NAME.key, \
      with the identity spiffe://DOMAIN/NAME, the host NAME, localhost and the loopback addresses. What is there for NAME is replaced, \
      and a proxy that runs takes the new one. For development: keys lie in the folder as they are.
      """)

  @Argument(help: ArgumentHelp("Whom to make certificates for.", valueName: "name"))
  var names: [String] = []

  @Option(help: ArgumentHelp("The folder.", valueName: "folder"))
  var out = "certificates"

  @Option(name: .customLong("trust-domain"), help: ArgumentHelp("The domain of identities.", valueName: "domain"))
  var trustDomain = "cluster.local"

  @Option(help: ArgumentHelp("For how many hours the certificates hold.", valueName: "n"))
  var hours = 24

  func validate() throws {
    if !(1...87_600).contains(hours) { throw ValidationError("--hours \(hours) is out of range; expected 1 to 87600") }
    let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    for name in names + [trustDomain] where name.isEmpty || name.hasPrefix(".") || !name.allSatisfy(letters.contains) {
      throw ValidationError("'\(name)' is no name; expected letters, digits, '-', '_' and '.'")
    }
    for name in names where ["ca", "ca-key"].contains(name) {
      throw ValidationError("'\(name)' is the authority's own name; expected another one")
    }
  }

  func run() throws {
    do {
      let authority = try DevelopmentAuthority(folder: out)
      print("\(out)/\(DevelopmentAuthority.trustFile): the authority that peers trust")
      for name in names {
        let identity = try authority.issue(name, trustDomain: trustDomain, lifetime: Double(hours) * 3600)
        print("\(out)/\(name).pem, \(out)/\(name).key: \(identity)")
      }
    } catch let fault as DevelopmentAuthority.Fault {
      throw ProxyFailure(lines: ["weir-proxy identity: error: \(fault)"])
    }
  }
}
