// Who is at the other end: the names in a certificate that an authority has signed. First URIs (SPIFFE's X.509-SVID has one), then hosts
// (Linkerd's identities are host names).

import MeshConfiguration
import MeshCore
import NIOCore
import NIOSSL
import X509

enum PeerIdentity {
  /// The alternative names of a certificate.
  static func names(of certificate: NIOSSLCertificate) -> [String] {
    guard let bytes = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: bytes),
      let alternatives = try? parsed.extensions.subjectAlternativeNames
    else { return [] }
    var (identifiers, hosts) = ([String](), [String]())
    for name in alternatives {
      switch name {
      case .uniformResourceIdentifier(let text): identifiers.append(text)
      case .dnsName(let text): hosts.append(text)
      default: break
      }
    }
    return identifiers + hosts
  }
}

/// What is known of a client's connection. Confined to its event loop.
final class ClientConnection {
  /// The client's address.
  let address: String?
  /// The connection itself, not one of its streams.
  private let channel: any Channel
  private(set) var isTLS: Bool
  private var known: [String]?
  /// What stands before the service that its requests are for now, where the proxy is that one's sidecar.
  private let gate: () -> InboundGate?

  init(_ channel: any Channel, isTLS: Bool = false, gate: @escaping () -> InboundGate?) {
    self.gate = gate
    self.channel = channel
    self.isTLS = isTLS
    address = channel.remoteAddress?.ipAddress
  }

  /// Both ends of the connection with their ports, in one text that no other connection has meanwhile.
  var connectionName: String { [channel.remoteAddress, channel.localAddress].map(Self.text).joined() }

  private static func text(_ address: SocketAddress?) -> String {
    guard let address, let host = address.ipAddress else { return "" }
    return SocketName(host: host, port: address.port ?? 0).description
  }

  /// The connection has turned out to be TLS.
  func becomesTLS() { isTLS = true }

  /// What becomes of one of its requests at the server's side.
  func inboundVerdict(at now: @autoclosure () -> Timestamp) -> InboundVerdict {
    guard let gate = gate() else { return .allowed }
    return gate.verdict(identities: identities, at: now())
  }

  /// The names in the client's certificate, the foremost first; none without one. To be asked for once the connection stands.
  var identities: [String] {
    if !isTLS { return [] }
    if let known { return known }
    let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
    let names = handler?.peerCertificate.map { PeerIdentity.names(of: $0) } ?? []
    known = names
    return names
  }
}
