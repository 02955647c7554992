// Certificates for trying things out: an authority in a folder, and leaves that it signs. Keys are P-256, made by the crypto library;
// leaves carry a SPIFFE identity, a host name and the loopback addresses.

import Crypto
import Foundation
import SwiftASN1
import X509

/// A folder in which a development authority lives.
public struct DevelopmentAuthority {
  /// What could not be done, in words.
  public struct Fault: Error, CustomStringConvertible {
    public var description: String
  }

  private let folder: URL
  private let certificate: Certificate
  private let key: Certificate.PrivateKey

  /// The file of the authority's certificate: what peers trust.
  public static let trustFile = "ca.pem"
  private static let keyFile = "ca-key.pem"

  /// The authority in `folder`: the one that is there, or a new one that holds for `lifetime` seconds.
  ///
  /// - Throws: ``Fault``.
  public init(folder: String, lifetime: TimeInterval = 3650 * 86_400) throws {
    self.folder = URL(fileURLWithPath: folder, isDirectory: true)
    do {
      try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    } catch {
      throw Fault(description: "\(folder): cannot be made: \(error.localizedDescription)")
    }
    let (certificateURL, keyURL) = (
      self.folder.appendingPathComponent(Self.trustFile), self.folder.appendingPathComponent(Self.keyFile)
    )
    if FileManager.default.fileExists(atPath: keyURL.path) {
      do {
        key = try Certificate.PrivateKey(pemEncoded: String(contentsOf: keyURL, encoding: .utf8))
        certificate = try Certificate(pemEncoded: String(contentsOf: certificateURL, encoding: .utf8))
      } catch {
        throw Fault(
          description: "\(folder): holds no authority; expected \(Self.trustFile) and \(Self.keyFile) that go together")
      }
      if certificate.publicKey != key.publicKey {
        throw Fault(description: "\(folder): \(Self.keyFile) is not the key of \(Self.trustFile)")
      }
      return
    }
    let made = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let name: DistinguishedName
    do {
      name = try DistinguishedName { CommonName("Weir development authority") }
      certificate = try Self.certificate(
        for: made.publicKey, subject: name, issuer: name, lifetime: lifetime,
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
          Critical(KeyUsage(keyCertSign: true, cRLSign: true))
          SubjectKeyIdentifier(hash: made.publicKey)
        }, signedBy: made)
      key = made
      try Self.write(try key.serializeAsPEM().pemString, to: keyURL, isSecret: true)
      try Self.write(try certificate.serializeAsPEM().pemString, to: certificateURL, isSecret: false)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(description: "\(folder): no authority could be made: \(error)")
    }
  }

  /// Makes a key and a certificate for `name`: `NAME.pem` and `NAME.key`, in the place of what was there.
  ///
  /// - Parameters:
  ///   - trustDomain: The domain of the identity `spiffe://DOMAIN/NAME`.
  ///   - lifetime: Seconds for which it holds.
  /// - Returns: the identity.
  /// - Throws: ``Fault``.
  @discardableResult
  public func issue(_ name: String, trustDomain: String = "cluster.local", lifetime: TimeInterval = 86_400) throws
    -> String
  {
    let identity = "spiffe://\(trustDomain)/\(name)"
    let own = Certificate.PrivateKey(P256.Signing.PrivateKey())
    do {
      let subject = try DistinguishedName { CommonName(name) }
      let leaf = try Self.certificate(
        for: own.publicKey, subject: subject, issuer: certificate.subject, lifetime: lifetime,
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.notCertificateAuthority)
          Critical(KeyUsage(digitalSignature: true))
          try ExtendedKeyUsage([.serverAuth, .clientAuth])
          SubjectAlternativeNames([
            .uniformResourceIdentifier(identity), .dnsName(name), .dnsName("localhost"),
            .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
            .ipAddress(ASN1OctetString(contentBytes: [UInt8](repeating: 0, count: 15) + [1])),
          ])
          AuthorityKeyIdentifier(
            keyIdentifier: try certificate.extensions.subjectKeyIdentifier.map { $0.keyIdentifier })
        }, signedBy: key)
      try Self.write(
        try own.serializeAsPEM().pemString, to: folder.appendingPathComponent("\(name).key"), isSecret: true)
      try Self.write(
        try leaf.serializeAsPEM().pemString, to: folder.appendingPathComponent("\(name).pem"), isSecret: false)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(description: "no certificate for \(name) could be made: \(error)")
    }
    return identity
  }

  private static func certificate(
    for key: Certificate.PublicKey, subject: DistinguishedName, issuer: DistinguishedName, lifetime: TimeInterval,
    extensions: Certificate.Extensions, signedBy authority: Certificate.PrivateKey
  ) throws -> Certificate {
    let now = Date()
    return try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
      // Clocks of two machines differ a little.
      notValidBefore: now.addingTimeInterval(-300), notValidAfter: now.addingTimeInterval(lifetime), issuer: issuer,
      subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: authority)
  }

  /// Writes a file whole or not at all: a proxy that reads it meanwhile sees the former or the new one.
  private static func write(_ text: String, to url: URL, isSecret: Bool) throws {
    do {
      try Data((text + "\n").utf8).write(to: url, options: .atomic)
      if isSecret {
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
      }
    } catch {
      throw Fault(description: "\(url.path): cannot be written: \(error.localizedDescription)")
    }
  }
}
