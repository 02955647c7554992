// Where a real proxy learns who serves a cluster, when its file does not list them: another file, a name server, or Kubernetes.

import MeshCore

/// Who tells a proxy of a cluster's servers.
public enum ServerDiscovery: Sendable, Hashable {
  /// A file with a list of endpoints, looked at this often.
  case file(path: String, refresh: TimeSpan)
  /// All addresses of a name, asked for this often.
  case dns(SocketName, refresh: TimeSpan)
  /// The EndpointSlices of a Kubernetes service.
  case kubernetes(KubernetesSource)
}

/// A service of a Kubernetes cluster, and how its API server is reached. What is nil is found as in any pod, below
/// `/var/run/secrets/kubernetes.io/serviceaccount`.
public struct KubernetesSource: Sendable, Hashable {
  /// The service's name.
  public var service: String
  /// Its namespace; nil for the proxy's own.
  public var namespace: String?
  /// The port's name or number in the slices; nil for the first.
  public var port: String?
  /// The API server, such as `https://10.0.0.1:6443`; nil for `https://kubernetes.default.svc`.
  public var server: String?
  /// A bearer token, as it is.
  public var token: String?
  /// The file with a bearer token, read anew for each request; nil for the pod's own.
  public var tokenFile: String?
  /// The file with the authorities that the API server's certificate is checked against, in PEM; nil for the pod's own.
  public var authorityFile: String?

  /// A service, reached as from a pod.
  public init(service: String) { self.service = service }
}

/// Whether and where a proxy tells what its requests did.
public struct TracingDescription: Sendable, Hashable {
  /// An OTLP/HTTP receiver's address of traces, such as `http://127.0.0.1:4318/v1/traces`.
  public var endpoint: String
  /// The share of requests without a parent that are traced, 0 … 1.
  public var sampling: Double
  /// What the proxy is called in its spans.
  public var service: String
  /// Spans that wait for being sent, at most; what comes on top is dropped and counted.
  public var queue: Int

  /// A receiver at `endpoint`; an address without a path is that of `/v1/traces`.
  public init(endpoint: String, sampling: Double = 1, service: String = "weir-proxy", queue: Int = 8192) {
    self.endpoint = endpoint
    self.sampling = sampling
    self.service = service
    self.queue = queue
  }
}
