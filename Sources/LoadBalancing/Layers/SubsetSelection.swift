// Subsets of a cluster's endpoints by their metadata: Envoy's subset load balancer as an index.
//
// Selectors name sets of metadata keys. For each selector and each combination of values that endpoints have for its
// keys there is a subset of them. A request's criteria (those of its route) name exactly the keys of one selector and a
// value for each; if the subset exists, it is chosen from, even when nobody in it can be picked. Otherwise the
// selector's own fallback applies, or the cluster's: no endpoint, any endpoint, a default subset, or the criteria cut
// down to fewer keys (load_balancing_policies/subset/subset_lb.cc).
//
// Needs per change: each endpoint's metadata. Criteria belong to routes: `resolve` turns them into an order of subsets
// to try, once a change and route; a request then reads a list of numbers. Comes before everything else: priorities,
// localities and the policy work within the subset's members, each subset with state of its own.

/// A value of endpoint or request metadata.
public enum MetadataValue: Hashable, Sendable {
  /// A text.
  case text(String)
  /// A number.
  case number(Double)
  /// True or false.
  case flag(Bool)
  /// Several values; with `listAsAny` an endpoint counts as having each of them.
  case list([MetadataValue])
}

/// A key of metadata with its value.
public struct MetadataEntry: Hashable, Sendable {
  /// The key.
  public var key: String
  /// Its value.
  public var value: MetadataValue

  /// A key with its value.
  public init(_ key: String, _ value: MetadataValue) {
    self.key = key
    self.value = value
  }
}

/// What happens when no subset fits a request's criteria.
public enum SubsetFallback: Hashable, Sendable {
  /// What the cluster says. Only selectors have this.
  case notDefined
  /// The request finds no endpoint.
  case noFallback
  /// Any endpoint of the cluster.
  case anyEndpoint
  /// The endpoints that match the default subset's metadata.
  case defaultSubset
  /// Again, with these of the criteria's keys alone. Only selectors have this; the keys are some of their own.
  case keysSubset([String])
}

/// A set of keys that criteria may name.
public struct SubsetSelector: Hashable, Sendable {
  /// The keys, sorted.
  public let keys: [String]
  /// What happens when no subset fits.
  public var fallback: SubsetFallback
  /// Whether each subset holds the first endpoint alone that fits it.
  public var isSingleHost: Bool

  /// A selector of these keys, in any order, each once.
  public init(keys: [String], fallback: SubsetFallback = .notDefined, isSingleHost: Bool = false) {
    self.keys = keys.sorted()
    self.fallback = fallback
    self.isSingleHost = isSingleHost
  }
}

/// How subsets are made and chosen, with Envoy's names and defaults.
public struct SubsetSettings: Sendable {
  /// What happens when neither a subset nor a selector's fallback applies.
  public var fallback = SubsetFallback.noFallback
  /// What endpoints of the default subset have.
  public var defaultSubset: [MetadataEntry] = []
  /// The selectors.
  public var selectors: [SubsetSelector] = []
  /// Whether an endpoint with a list of values belongs to the subset of each.
  public var listAsAny = false
  /// Whether any endpoint will do when the cluster's fallback finds none.
  public var panicModeAny = false
  /// Whether criteria may have more keys than a selector: then the first selector whose keys they all have is meant.
  public var allowsRedundantKeys = false

  /// Envoy's defaults: no selector, no fallback.
  public init() {}
}

/// A cluster's subsets. Complexity: an update O(endpoints · selectors), without state from one to the next.
public struct SubsetSelection: Sendable {
  private let settings: SubsetSettings
  /// The members of each subset, as places in the list of endpoints, ascending.
  public private(set) var subsets: ContiguousArray<ContiguousArray<Int32>> = []
  /// How many endpoints found their single-host subset taken (Envoy's `lb_subsets_single_host_per_subset_duplicate`).
  public private(set) var singleHostDuplicates = 0
  /// The number of each subset, by keys and values.
  private var numbers: [[MetadataEntry]: Int32] = [:]
  private var fallbacks: [[String]: SubsetFallback] = [:]
  private var isSingleHost: ContiguousArray<Bool> = []

  /// The subset of all endpoints.
  private static var any: Int32 { 0 }
  /// The default subset.
  private static var byDefault: Int32 { 1 }

  /// Subsets of no endpoints.
  public init(_ settings: SubsetSettings) {
    self.settings = settings
    // A selector whose keys begin an earlier one's gets no fallback: Envoy finds its place in the tree of keys taken.
    var known: Set<[String]> = []
    for selector in settings.selectors where !selector.keys.isEmpty {
      if !known.contains(selector.keys) { fallbacks[selector.keys] = selector.fallback }
      for length in 1...selector.keys.count { known.insert(Array(selector.keys.prefix(length))) }
    }
    update([])
  }

  /// Endpoints came or went or changed their metadata.
  public mutating func update(_ endpoints: [[String: MetadataValue]]) {
    numbers.removeAll(keepingCapacity: true)
    singleHostDuplicates = 0
    isSingleHost = [false, false]
    subsets = [ContiguousArray(endpoints.indices.map { Int32(truncatingIfNeeded: $0) }), []]
    for (place, metadata) in endpoints.enumerated() {
      if matchesDefault(metadata) { subsets[Int(Self.byDefault)].append(Int32(truncatingIfNeeded: place)) }
      for selector in settings.selectors {
        for criteria in combinations(of: metadata, by: selector) {
          add(Int32(truncatingIfNeeded: place), to: criteria, selector)
        }
      }
    }
  }

  /// Endpoints came or went or changed their metadata, all of whose values are texts.
  public mutating func update(texts endpoints: [[String: String]]) {
    update(endpoints.map { metadata in metadata.mapValues { .text($0) } })
  }

  private func matchesDefault(_ metadata: [String: MetadataValue]) -> Bool {
    settings.defaultSubset.allSatisfy { wanted in
      guard let value = metadata[wanted.key] else { return false }
      if settings.listAsAny, case .list(let values) = value { return values.contains(wanted.value) }
      return value == wanted.value
    }
  }

  /// The criteria that an endpoint fits by a selector: none unless it has all of its keys, several where it has lists.
  private func combinations(of metadata: [String: MetadataValue], by selector: SubsetSelector) -> [[MetadataEntry]] {
    if selector.keys.isEmpty { return [] }
    var found: [[MetadataEntry]] = [[]]
    for key in selector.keys {
      guard let value = metadata[key] else { return [] }
      var values = [value]
      if settings.listAsAny, case .list(let several) = value { values = several }
      found = found.flatMap { begun in values.map { begun + [MetadataEntry(key, $0)] } }
    }
    return found
  }

  private mutating func add(_ place: Int32, to criteria: [MetadataEntry], _ selector: SubsetSelector) {
    let number = numbers[criteria] ?? Int32(truncatingIfNeeded: subsets.count)
    if numbers[criteria] == nil {
      numbers[criteria] = number
      subsets.append([])
      isSingleHost.append(selector.isSingleHost)
    }
    if isSingleHost[Int(number)] && !subsets[Int(number)].isEmpty {
      singleHostDuplicates += 1
    } else if subsets[Int(number)].last != place {
      subsets[Int(number)].append(place)
    }
  }

  /// The subsets to try for a request with these criteria, as numbers into `subsets`: the next one when nobody in the
  /// one before can be picked. Empty when the request is to find no endpoint.
  /// - Parameters:
  ///   - criteria: what the route demands, in any order, each key once; `nil` when it demands nothing.
  ///   - alternatives: Envoy's `fallback_list`: each replaces those of the criteria that it names, and they are tried in order.
  public func resolve(
    _ criteria: [MetadataEntry]?, alternatives: [[MetadataEntry]] = []
  ) -> ContiguousArray<Int32> {
    if alternatives.isEmpty { return order(criteria) }
    var found: ContiguousArray<Int32> = []
    for alternative in alternatives {
      let kept = (criteria ?? []).filter { entry in !alternative.contains { $0.key == entry.key } }
      found += order(kept + alternative)
    }
    return found
  }

  private func order(_ given: [MetadataEntry]?) -> ContiguousArray<Int32> {
    if let given {
      let criteria = (settings.allowsRedundantKeys ? reduced(given) : given).sorted { $0.key < $1.key }
      if let number = numbers[criteria] { return [number] }
      switch fallbacks[criteria.map(\.key)] ?? .notDefined {
      case .notDefined: break
      case .noFallback: return []
      case .anyEndpoint: return [Self.any]
      case .defaultSubset: return [Self.byDefault]
      case .keysSubset(let kept):
        let fewer = criteria.filter { kept.contains($0.key) }
        // Only fewer keys are looked up again, so this comes to an end.
        return fewer.count < criteria.count ? order(fewer.isEmpty ? nil : fewer) : []
      }
    }
    switch settings.fallback {
    case .anyEndpoint: return [Self.any]
    case .defaultSubset: return settings.panicModeAny ? [Self.byDefault, Self.any] : [Self.byDefault]
    case .notDefined, .noFallback, .keysSubset: return []
    }
  }

  /// The criteria with the keys alone of the first selector that they satisfy.
  private func reduced(_ criteria: [MetadataEntry]) -> [MetadataEntry] {
    for selector in settings.selectors
    where selector.keys.allSatisfy({ key in criteria.contains { $0.key == key } }) {
      return criteria.filter { selector.keys.contains($0.key) }
    }
    return criteria
  }
}
