import LoadBalancing
import Testing

private func entry(_ key: String, _ value: String) -> MetadataEntry { MetadataEntry(key, .text(value)) }

private let endpoints: [[String: MetadataValue]] = [
  ["version": .text("1"), "stage": .text("prod")],
  ["version": .text("2"), "stage": .text("prod")],
  ["version": .text("2"), "stage": .text("dev")],
  ["stage": .text("dev")],
  [:],
]

private func selection(_ change: (inout SubsetSettings) -> Void) -> SubsetSelection {
  var settings = SubsetSettings()
  change(&settings)
  var selection = SubsetSelection(settings)
  selection.update(endpoints)
  return selection
}

/// The members of the subsets to try, in turn.
private func members(
  _ selection: SubsetSelection, _ criteria: [MetadataEntry]?, alternatives: [[MetadataEntry]] = []
) -> [[Int]] {
  selection.resolve(criteria, alternatives: alternatives).map { selection.subsets[Int($0)].map(Int.init) }
}

@Suite struct SubsetSelectionTests {
  // Goal: criteria that name exactly a selector's keys find the endpoints with those values, in whatever order they
  // stand.
  @Test func findsSubsets() {
    let found = selection {
      $0.selectors = [SubsetSelector(keys: ["version"]), SubsetSelector(keys: ["stage", "version"])]
    }
    #expect(members(found, [entry("version", "2")]) == [[1, 2]])
    #expect(members(found, [entry("version", "2"), entry("stage", "dev")]) == [[2]])
    #expect(members(found, [entry("stage", "dev"), entry("version", "2")]) == [[2]])
    // No selector of the stage alone, no such value, no criteria: all fall back, to nobody.
    #expect(members(found, [entry("stage", "dev")]).isEmpty && members(found, [entry("version", "3")]).isEmpty)
    #expect(members(found, nil).isEmpty && members(found, []).isEmpty)
  }

  // Goal: the cluster's fallbacks are all endpoints or the default subset, and with panic mode then all.
  @Test func fallsBackForTheCluster() {
    #expect(members(selection { $0.fallback = .anyEndpoint }, nil) == [[0, 1, 2, 3, 4]])
    let byDefault = { (panics: Bool) in
      selection {
        $0.fallback = .defaultSubset
        $0.defaultSubset = [entry("stage", "dev")]
        $0.panicModeAny = panics
      }
    }
    #expect(members(byDefault(false), [entry("version", "1")]) == [[2, 3]])
    #expect(members(byDefault(true), nil) == [[2, 3], [0, 1, 2, 3, 4]])
  }

  // Goal: a selector's own fallback overrules the cluster's; fewer keys are looked up again, down to the cluster's.
  @Test func fallsBackForTheSelector() {
    let settings = { (fallback: SubsetFallback) in
      selection {
        $0.fallback = .anyEndpoint
        $0.defaultSubset = [entry("stage", "prod")]
        $0.selectors = [
          SubsetSelector(keys: ["stage"], fallback: .noFallback),
          SubsetSelector(keys: ["version", "stage"], fallback: fallback),
        ]
      }
    }
    let wanted = [entry("version", "9"), entry("stage", "dev")]
    #expect(members(settings(.noFallback), wanted).isEmpty)
    #expect(members(settings(.defaultSubset), wanted) == [[0, 1]])
    #expect(members(settings(.notDefined), wanted) == [[0, 1, 2, 3, 4]])
    #expect(members(settings(.keysSubset(["stage"])), wanted) == [[2, 3]])
    // The stage's own fallback decides when that does not exist either.
    #expect(members(settings(.keysSubset(["stage"])), [entry("version", "9"), entry("stage", "x")]).isEmpty)
    #expect(members(settings(.keysSubset([])), wanted) == [[0, 1, 2, 3, 4]])
    #expect(members(settings(.keysSubset(["version", "stage"])), wanted).isEmpty)
  }

  // Goal: Envoy's tree of keys: a selector whose keys begin an earlier one's has no fallback of its own.
  @Test func earlierSelectorsHideFallbacks() {
    let hidden = selection {
      $0.selectors = [SubsetSelector(keys: ["a", "b"]), SubsetSelector(keys: ["a"], fallback: .anyEndpoint)]
    }
    #expect(members(hidden, [entry("a", "1")]).isEmpty)
    let seen = selection {
      $0.selectors = [SubsetSelector(keys: ["a"], fallback: .anyEndpoint), SubsetSelector(keys: ["a", "b"])]
    }
    #expect(members(seen, [entry("a", "1")]) == [[0, 1, 2, 3, 4]])
  }

  // Goal: a list puts an endpoint into the subset of each value, or is a value of its own.
  @Test func listsCanBeAny() {
    let listed: [[String: MetadataValue]] = [["v": .list([.number(1), .number(2)])], ["v": .number(2)]]
    for isAny in [false, true] {
      var settings = SubsetSettings()
      settings.selectors = [SubsetSelector(keys: ["v"])]
      settings.listAsAny = isAny
      settings.fallback = .defaultSubset
      settings.defaultSubset = [MetadataEntry("v", .number(1))]
      var found = SubsetSelection(settings)
      found.update(listed)
      #expect(members(found, [MetadataEntry("v", .number(2))]) == (isAny ? [[0, 1]] : [[1]]))
      #expect(members(found, nil) == (isAny ? [[0]] : [[]]))
    }
  }

  // Goal: single-host subsets hold the first that fits, and tell how many came too late.
  @Test func singleHosts() {
    let single = selection { $0.selectors = [SubsetSelector(keys: ["version"], isSingleHost: true)] }
    #expect(members(single, [entry("version", "2")]) == [[1]] && single.singleHostDuplicates == 1)
  }

  // Goal: redundant keys are cut to the first selector they satisfy, and alternatives replace what they name and are
  // tried in turn.
  @Test func criteriaCanBend() {
    let wanted = [entry("version", "2"), entry("stage", "dev"), entry("owner", "me")]
    let strict = selection { $0.selectors = [SubsetSelector(keys: ["stage"])] }
    #expect(members(strict, wanted).isEmpty)
    let lenient = selection {
      $0.selectors = [SubsetSelector(keys: ["stage"])]
      $0.allowsRedundantKeys = true
    }
    #expect(members(lenient, wanted) == [[2, 3]])
    let versions = selection { $0.selectors = [SubsetSelector(keys: ["version"])] }
    #expect(
      members(
        versions, [entry("version", "7")],
        alternatives: [[entry("version", "8")], [entry("version", "2")], [entry("version", "1")]]) == [[1, 2], [0]])
  }

  // Goal: an update forgets who was there.
  @Test func updatesAnew() {
    var found = selection { $0.selectors = [SubsetSelector(keys: ["version"])] }
    found.update([["version": .text("1")]])
    #expect(members(found, [entry("version", "1")]) == [[0]] && members(found, [entry("version", "2")]).isEmpty)
    found.update([])
    #expect(found.resolve([entry("version", "1")]).isEmpty)
  }
}
