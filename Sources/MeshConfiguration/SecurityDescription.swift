// What a real proxy is told of certificates, and of who may ask for what.
//
// Peers are known by their certificates, as SPIFFE has it: by a URI among the subject's alternative names, or else by a DNS name. Policies
// are Istio's (AuthorizationPolicy): who is denied by any is denied; where any allows, somebody has to.

import MeshCore

/// Whether connections of a listener are TLS. The modes are those of Istio's PeerAuthentication.
public enum ListenerSecurity: String, Sendable, Hashable, CaseIterable {
  /// None is.
  case off
  /// Those whose first byte says so are.
  case permissive
  /// All have to be.
  case strict
}

/// What a client is asked for while its TLS connection is opened.
public enum ClientCertificateRule: String, Sendable, Hashable, CaseIterable {
  /// Nothing.
  case ignore
  /// A certificate; who has none is let in without a name.
  case request
  /// A certificate that a trusted authority has signed.
  case require
}

/// The oldest version of TLS that is spoken.
public enum OldestTLS: String, Sendable, Hashable, CaseIterable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}

/// How the servers of one cluster are known over TLS.
public struct UpstreamTLSDescription: Sendable, Hashable {
  /// The name that is asked for (SNI) and that a certificate has to carry; nil: the address's host.
  public var serverName: String?
  /// The name among the certificate's alternative names, such as a SPIFFE identity, that stands for the cluster; no host is compared then.
  public var identity: String?
  /// The authorities that may have signed; nil: those of the proxy.
  public var trust: String?

  /// Servers known by their host.
  public init() {}
}

/// The certificates of a proxy. Files are read anew when they change.
public struct TLSDescription: Sendable, Hashable {
  /// Files in PEM: its own chain and key, shown to both sides.
  public var certificate: String?
  public var key: String?
  /// A file of the authorities that it trusts; nil: the system's.
  public var trust: String?
  public var clientCertificate = ClientCertificateRule.ignore
  public var oldest = OldestTLS.tls12
  /// By the cluster's index, where anything is said of it.
  public var clusters: [Int: UpstreamTLSDescription] = [:]

  /// Without certificates.
  public init() {}

  /// Replaces each file's name.
  mutating func resolveFiles(_ resolved: (String) -> String) {
    certificate = certificate.map(resolved)
    key = key.map(resolved)
    trust = trust.map(resolved)
    clusters = clusters.mapValues { cluster in
      var cluster = cluster
      cluster.trust = cluster.trust.map(resolved)
      return cluster
    }
  }
}

/// What a policy does with requests that it matches.
public enum AuthorizationAction: String, Sendable, Hashable, CaseIterable {
  case allow
  case deny
  /// Counts them, and decides nothing.
  case audit
}

/// A text that may begin or end with a star, which stands for anything; `*` alone is anything that is there.
public struct StarPattern: Sendable, Hashable {
  private enum Kind: Hashable { case exact, prefix, suffix }

  private let kind: Kind
  private let text: String

  /// A pattern; nil when a star stands elsewhere.
  public init?(_ pattern: String) {
    if pattern.last == "*" {
      (kind, text) = (.prefix, String(pattern.dropLast()))
    } else if pattern.first == "*" {
      (kind, text) = (.suffix, String(pattern.dropFirst()))
    } else {
      (kind, text) = (.exact, pattern)
    }
    if text.contains("*") { return nil }
  }

  /// Whether it is what the pattern says.
  public func matches(_ other: String) -> Bool {
    switch kind {
    case .exact: other == text
    case .prefix: other.hasPrefix(text)
    case .suffix: other.hasSuffix(text)
    }
  }
}

/// Who may, or may not, ask for what. A part that is empty is met by all.
public struct AuthorizationPolicy: Sendable, Hashable {
  public var name: String
  public var action: AuthorizationAction
  /// Peers, by identity: `*` is met by every peer that has one.
  public var identities: [StarPattern] = []
  /// Paths, without their query.
  public var paths: [StarPattern] = []
  public var methods: [String] = []

  /// A policy that everybody meets.
  public init(name: String, action: AuthorizationAction) {
    self.name = name
    self.action = action
  }

  /// Whether it speaks of a request. A connection that is no request has no path and no method: a policy that names some does not.
  public func matches(identities peer: [String], path: String?, method: String?) -> Bool {
    if !identities.isEmpty && !peer.contains(where: { name in identities.contains { $0.matches(name) } }) {
      return false
    }
    if !paths.isEmpty {
      guard let path, paths.contains(where: { $0.matches(path) }) else { return false }
    }
    return methods.isEmpty || method.map { methods.contains($0) } == true
  }
}

/// All policies of a proxy, in the order in which they stand.
public struct AuthorizationDescription: Sendable, Hashable {
  /// Whether requests that no policy allows are denied though there is none that allows any.
  public var deniesByDefault = false
  /// Whether what would be denied is let through, and told of.
  public var onlyAudits = false
  public var policies: [AuthorizationPolicy] = []

  /// Everybody may.
  public init() {}

  /// What comes of a request, and by which policy; nil for none.
  public struct Verdict: Sendable, Hashable {
    public var isAllowed: Bool
    public var policy: String?
    /// Policies that only count and matched.
    public var audited: [String]
  }

  /// Judges a request, or a connection where `path` and `method` are nil.
  public func verdict(identities: [String], path: String?, method: String?) -> Verdict {
    let bare = path.map { String($0.prefix { $0 != "?" }) }
    let matching = policies.filter { $0.matches(identities: identities, path: bare, method: method) }
    let audited = matching.filter { $0.action == .audit }.map(\.name)
    if let denial = matching.first(where: { $0.action == .deny }) {
      return Verdict(isAllowed: false, policy: denial.name, audited: audited)
    }
    if let allowance = matching.first(where: { $0.action == .allow }) {
      return Verdict(isAllowed: true, policy: allowance.name, audited: audited)
    }
    let needsOne = deniesByDefault || policies.contains { $0.action == .allow }
    return Verdict(isAllowed: !needsOne, policy: nil, audited: audited)
  }
}
