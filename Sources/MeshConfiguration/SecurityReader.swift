// A proxy's certificates and policies, from a checked value.

import MeshCore

/// Reads what concerns the security of connections and requests.
struct SecurityReader {
  let log: FaultLog

  /// The certificates in `value`, for a proxy of these clusters.
  func tls(_ value: ResolvedValue, clusters: [ClusterDescription]) -> TLSDescription {
    var tls = TLSDescription()
    tls.certificate = value["certificate"]?.text
    tls.key = value["key"]?.text
    tls.trust = value["trust"]?.text
    if (tls.certificate == nil) != (tls.key == nil) {
      log.add(value.origin, value.path, "a certificate and its key go together; expected both of certificate, key")
    }
    let standard: ClientCertificateRule = tls.trust == nil ? .ignore : .require
    tls.clientCertificate = value["clientCertificate"]?.text.flatMap(ClientCertificateRule.init(rawValue:)) ?? standard
    if tls.clientCertificate != .ignore && tls.trust == nil, let given = value["clientCertificate"] {
      log.add(
        given.origin, given.path,
        "needs authorities that clients' certificates are held against; expected trust beside it")
    }
    tls.oldest = value["minimumVersion"]?.text.flatMap(OldestTLS.init(rawValue:)) ?? .tls12
    for entry in value["clusters"]?.entries ?? [] {
      guard let place = clusters.firstIndex(where: { $0.name == entry.key }) else {
        log.addUnknown(
          entry.keyOrigin, entry.value.path, "unknown cluster", entry.key, among: clusters.map(\.name))
        continue
      }
      if !clusters[place].usesTLS {
        log.add(
          entry.keyOrigin, entry.value.path, "cluster \(quoted(entry.key)) has no tls: true; expected it there")
      }
      var upstream = UpstreamTLSDescription()
      upstream.serverName = entry.value["serverName"]?.text
      upstream.identity = entry.value["identity"]?.text
      upstream.trust = entry.value["trust"]?.text
      tls.clusters[place] = upstream
    }
    return tls
  }

  /// The policies in `value`.
  func authorization(_ value: ResolvedValue) -> AuthorizationDescription {
    var authorization = AuthorizationDescription()
    authorization.deniesByDefault = value["default"]?.text == "deny"
    authorization.onlyAudits = value["audit"]?.flag ?? false
    var names: [String] = []
    for item in value["policies"]?.items ?? [] {
      guard let name = item["name"]?.text else { continue }
      if names.contains(name), let given = item["name"] {
        log.add(given.origin, given.path, "a second policy \(quoted(name)); expected a name of its own")
      }
      names.append(name)
      var policy = AuthorizationPolicy(
        name: name, action: item["action"]?.text.flatMap(AuthorizationAction.init(rawValue:)) ?? .allow)
      policy.identities = patterns(item["identities"])
      policy.paths = patterns(item["paths"])
      policy.methods = (item["methods"]?.items ?? []).compactMap { $0.text?.uppercased() }
      authorization.policies.append(policy)
    }
    return authorization
  }

  private func patterns(_ value: ResolvedValue?) -> [StarPattern] {
    (value?.items ?? []).compactMap { item in
      guard let text = item.text else { return nil }
      if let pattern = StarPattern(text) { return pattern }
      log.add(item.origin, item.path, "\(quoted(text)) has a star amid; expected one at its beginning or end, or none")
      return nil
    }
  }
}
