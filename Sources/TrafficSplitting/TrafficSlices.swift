// Slices: parts of a route's traffic that go their own way before its weights count, as in A/B tests and releases to some tenants first
// (Flagger's and Istio's matches on headers and cookies; shares and ranges of keys as feature flags and cell architectures draw them).
//
// What a request carries is told once (`know`), and which slices it fits is then kept; a key's range and a share are looked at for each
// request. A sticky share is drawn by the key and the slice's name alone: it is the same for every seed, data plane and weight, and who is
// in a share of 5 % is in one of 10 % too.

import MeshCore

/// The slices of one route.
public struct TrafficSlices: Sendable {
  /// Parts that a slice's range of hashes is given in.
  public static let keyParts: UInt32 = 1_000_000

  private let descriptions: [SliceDescription]
  private let salts: [UInt64]
  /// By what requests carry, in the order in which it was told: whether each slice's conditions on that hold.
  private var fits: [[Bool]]

  /// The slices of a route, for requests that carry nothing.
  public init(_ descriptions: [SliceDescription]) {
    self.descriptions = descriptions
    salts = descriptions.map { XXHash64.hash($0.name) }
    fits = [Self.fits(descriptions, [])]
  }

  /// Notes headers that requests carry; they name them by the next number, from 1.
  public mutating func know(_ headers: [HeaderField]) { fits.append(Self.fits(descriptions, headers)) }

  /// Takes requests that name no headers to carry these.
  public mutating func assume(_ headers: [HeaderField]) { fits[0] = Self.fits(descriptions, headers) }

  /// Where a request goes that a slice takes; nil when none does.
  ///
  /// Complexity: O(slices); allocates nothing.
  ///
  /// - Parameters:
  ///   - headers: What it carries, by number.
  ///   - key: The hash of its key, if it has one.
  ///   - draw: Its random number for the slice of a place.
  public func cluster(headers: Int32, key: UInt64?, draw: (Int) -> UInt64) -> Int32? {
    for place in descriptions.indices where fits[Int(headers)][place] {
      let slice = descriptions[place]
      if let range = slice.keys {
        guard let key else { continue }
        let part = key.multipliedFullWidth(by: UInt64(Self.keyParts)).high
        if !range.contains(UInt32(truncatingIfNeeded: part)) { continue }
      }
      if let fraction = slice.fraction {
        let isSticky = slice.isSticky && key != nil
        let number = isSticky ? XXHash64.hash(key ?? 0, seed: salts[place]) : draw(place)
        if !fraction.contains(number) { continue }
      }
      return Int32(truncatingIfNeeded: slice.cluster)
    }
    return nil
  }

  private static func fits(_ descriptions: [SliceDescription], _ headers: [HeaderField]) -> [Bool] {
    descriptions.map { slice in
      slice.headers.allSatisfy { FieldPattern($0).holds(for: headers) }
        && slice.cookies.allSatisfy { FieldPattern($0).holds(forCookiesOf: headers) }
    }
  }
}
