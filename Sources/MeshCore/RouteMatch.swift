// Which requests a route takes: conditions on what a request shows, each as Envoy, Istio and the Gateway API know it.

/// How a text is compared.
public enum TextMatch: Sendable, Hashable {
  /// It is this very text.
  case exact(String)
  /// It begins with this.
  case prefix(String)
  /// It ends with this.
  case suffix(String)
  /// It has this somewhere.
  case contains(String)
  /// All of it fits this regular expression.
  case regex(String)
  /// It is there, whatever it is.
  case present
}

/// A condition on a header, a cookie or a parameter of the query.
public struct FieldMatch: Sendable, Hashable {
  /// The field's name; that of a header in lower case.
  public var name: String
  /// How its value is compared.
  public var value: TextMatch
  /// Whether the condition holds when this does not (Envoy's `invert_match`).
  public var isInverted: Bool

  /// A condition.
  public init(name: String, value: TextMatch, isInverted: Bool = false) {
    self.name = name
    self.value = value
    self.isInverted = isInverted
  }

  /// This very header.
  public init(_ header: HeaderField) { self.init(name: header.name, value: .exact(header.value)) }
}

/// How a route's path condition compares. None looks at the query.
public enum PathMatch: Sendable, Hashable {
  /// Every path.
  case any
  /// This very path.
  case exact(String)
  /// Paths that begin with these whole segments (the Gateway API's `PathPrefix`, Envoy's `path_separated_prefix`).
  case prefix(String)
  /// Paths that begin with this text, wherever a segment ends (Envoy's `prefix`).
  case textPrefix(String)
  /// Paths that fit this regular expression as a whole.
  case regex(String)
}

/// Which requests a route takes. All conditions must hold.
public struct RouteMatch: Sendable, Hashable {
  /// The host a request names: exact, `*.example.com`, `example.*`, or `*` for any.
  public var host: String
  /// Its path.
  public var path: PathMatch
  /// Its method, or any.
  public var method: String?
  /// Headers it must carry, sorted by name.
  public var headers: [FieldMatch]
  /// What its query must say, sorted by name.
  public var query: [FieldMatch]
  /// The share of what fits all of that; nil for all of it (Envoy's `runtime_fraction`).
  public var fraction: RuntimeFraction?

  /// A match.
  public init(
    host: String, path: PathMatch = .any, method: String? = nil, headers: [FieldMatch] = [], query: [FieldMatch] = []
  ) {
    self.host = host
    self.path = path
    self.method = method
    self.headers = headers
    self.query = query
  }
}

/// A header's name (lower case) and value.
public struct HeaderField: Sendable, Hashable {
  /// The name, in lower case.
  public var name: String
  /// The value.
  public var value: String

  /// A header.
  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// What a request shows to routing.
public struct RequestAttributes: Sendable, Hashable {
  /// The host it names.
  public var host: String
  /// Its path.
  public var path: String
  /// Its method.
  public var method: String
  /// Its headers, names in lower case.
  public var headers: [HeaderField]

  /// A request.
  public init(host: String, path: String = "/", method: String = "GET", headers: [HeaderField] = []) {
    self.host = host
    self.path = path
    self.method = method
    self.headers = headers
  }
}
