// What TLS connections are made with. Certificates, keys and authorities are read from files, and anew when these change: connections that
// stand keep what they were made with.

import Foundation
import MeshConfiguration
import MeshCore
import NIOConcurrencyHelpers
import NIOSSL

/// A file that cannot be what TLS needs.
public struct CertificateFault: Error, CustomStringConvertible {
  /// The key that names the file, such as `mesh.proxy.tls.trust`.
  public var key: String
  public var file: String
  /// What is wrong with it, and what was expected.
  public var fault: String

  public var description: String { "\(key): \(file): \(fault)" }
}

/// How the servers of one cluster are spoken to.
struct UpstreamTLS: Sendable {
  /// By what a connection is for: each offers protocols of its own.
  var contexts: [EndpointConnector.Purpose: NIOSSLContext]
  /// The name to ask for; nil for the address's own host.
  var serverName: String?
  /// The alternative name that a certificate must carry; nil where hosts are compared.
  var identity: String?
}

/// A proxy's TLS contexts. Safe to use from anywhere.
final class Certificates: Sendable {
  private struct Loaded {
    var proxy: ProxyDescription?
    var files: [String: Data] = [:]
    var servers: [ListenerProtocol: NIOSSLContext] = [:]
    /// By cluster: a configuration that is past goes on asking by the same names.
    var clients: [String: UpstreamTLS] = [:]
  }

  private let loaded: NIOLockedValueBox<Loaded>
  /// Held while files are read.
  private let reading = NIOLock()

  /// Reads what a proxy needs.
  ///
  /// - Throws: ``CertificateFault``.
  init(_ proxy: ProxyDescription) throws { loaded = NIOLockedValueBox(try Self.load(proxy)) }

  /// What connections of a listener are accepted with; nil where it has no certificate.
  func server(_ transport: ListenerProtocol) -> NIOSSLContext? { loaded.withLockedValue { $0.servers[transport] } }

  /// What connections to a cluster are opened with; nil for plain ones.
  func client(cluster: String) -> UpstreamTLS? { loaded.withLockedValue { $0.clients[cluster] } }

  /// Reads for another configuration. What was read before stays where something is wrong.
  ///
  /// - Throws: ``CertificateFault``.
  func take(_ proxy: ProxyDescription) throws {
    try reading.withLock {
      let next = try Self.load(proxy)
      loaded.withLockedValue { $0 = next }
    }
  }

  /// Reads all files again where any has changed; returns whether any has.
  ///
  /// - Throws: ``CertificateFault``; what was read before stays.
  func refresh() throws -> Bool {
    try reading.withLock {
      let (known, proxy) = loaded.withLockedValue { ($0.files, $0.proxy) }
      guard let proxy, !known.allSatisfy({ FileManager.default.contents(atPath: $0.key) == $0.value }) else {
        return false
      }
      let next = try Self.load(proxy)
      loaded.withLockedValue { $0 = next }
      return true
    }
  }

  // MARK: - Reading

  private static func load(_ proxy: ProxyDescription) throws -> Loaded {
    var loaded = Loaded()
    loaded.proxy = proxy
    guard let tls = proxy.tls else { return loaded }
    var chain: [NIOSSLCertificateSource] = []
    var key: NIOSSLPrivateKeySource?
    if let file = tls.certificate, let keyFile = tls.key {
      chain = try certificates(file, "mesh.proxy.tls.certificate", &loaded.files).map { .certificate($0) }
      let bytes = try contents(keyFile, "mesh.proxy.tls.key", &loaded.files)
      do {
        key = .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
      } catch {
        throw CertificateFault(key: "mesh.proxy.tls.key", file: keyFile, fault: "no private key; expected one in PEM")
      }
    }
    let roots = try trust(tls.trust, "mesh.proxy.tls.trust", &loaded.files)
    if let key {
      for transport in ListenerProtocol.allCases {
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = tls.oldest.version
        configuration.applicationProtocols = transport.names
        configuration.trustRoots = roots
        configuration.certificateVerification =
          switch tls.clientCertificate {
          case .ignore: .none
          case .request: .optionalVerification
          case .require: .noHostnameVerification
          }
        loaded.servers[transport] = try context(configuration, tls)
      }
    }
    for (place, cluster) in proxy.mesh.clusters.enumerated() where cluster.usesTLS {
      let own = tls.clusters[place] ?? UpstreamTLSDescription()
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.minimumTLSVersion = tls.oldest.version
      configuration.certificateChain = chain
      configuration.privateKey = key
      configuration.trustRoots =
        try own.trust.map { try trust($0, "mesh.proxy.tls.clusters.\(cluster.name).trust", &loaded.files) } ?? roots
      configuration.certificateVerification = own.identity == nil ? .fullVerification : .noHostnameVerification
      var contexts: [EndpointConnector.Purpose: NIOSSLContext] = [:]
      for purpose in EndpointConnector.Purpose.allCases {
        configuration.applicationProtocols = purpose.names(cluster.transport)
        contexts[purpose] = try context(configuration, tls)
      }
      loaded.clients[cluster.name] = UpstreamTLS(contexts: contexts, serverName: own.serverName, identity: own.identity)
    }
    return loaded
  }

  private static func context(_ configuration: TLSConfiguration, _ tls: TLSDescription) throws -> NIOSSLContext {
    var configuration = configuration
    // A peer that does not answer the end of its connection is not waited for long.
    configuration.shutdownTimeout = .seconds(1)
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw CertificateFault(
        key: "mesh.proxy.tls.key", file: tls.key ?? "", fault: "does not go with the certificate; expected its key")
    }
  }

  private static func trust(
    _ file: String?, _ key: String, _ files: inout [String: Data]
  ) throws -> NIOSSLTrustRoots {
    guard let file else { return .default }
    return .certificates(try certificates(file, key, &files))
  }

  private static func certificates(
    _ file: String, _ key: String, _ files: inout [String: Data]
  ) throws -> [NIOSSLCertificate] {
    let bytes = try contents(file, key, &files)
    guard let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty else {
      throw CertificateFault(key: key, file: file, fault: "no certificate; expected at least one in PEM")
    }
    return certificates
  }

  private static func contents(_ file: String, _ key: String, _ files: inout [String: Data]) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw CertificateFault(key: key, file: file, fault: "cannot be read; expected a file in PEM")
    }
    files[file] = data
    return [UInt8](data)
  }
}

extension OldestTLS {
  fileprivate var version: TLSVersion {
    switch self {
    case .tls12: .tlsv12
    case .tls13: .tlsv13
    }
  }
}

extension EndpointConnector.Purpose {
  /// What is offered while a TLS connection is opened (ALPN).
  fileprivate func names(_ transport: ClusterProtocol) -> [String] {
    switch self {
    case .requests: transport == .http2 ? ["h2"] : ["http/1.1"]
    case .http1: ["http/1.1"]
    case .http2: ["h2"]
    case .tunnel: []
    }
  }
}

extension ListenerProtocol {
  /// What is offered while a TLS connection is opened (ALPN).
  fileprivate var names: [String] {
    switch self {
    case .auto: ["h2", "http/1.1"]
    case .http1: ["http/1.1"]
    case .http2: ["h2"]
    case .tcp: []
    }
  }
}
