// Slices: parts of a route's traffic that go their own way before its weights count, as in A/B tests and releases to some tenants first
// (Flagger's and Istio's matches on headers and cookies; shares and ranges of keys as feature flags and cell architectures draw them).
//
// What a request carries is told once (`know`), and which slices it fits is then kept; a key's range and a share are looked at for each
// request. A sticky share is drawn by the key and the slice's name alone: it is the same for every seed, data plane and weight, and who is
// in a share of 5 % is in one of 10 % too.

import MeshCore

/// The slices of one route.
public struct TrafficSlices: ~Copyable {
  /// Parts that a slice's range of hashes is given in.
  public static let keyParts: UInt32 = 1_000_000

  /// What is looked at for each request.
  struct Slice: BitwiseCopyable {
    var cluster: Int32
    var from: UInt32 = 0
    var to: UInt32 = 0
    var hasKeys = false
    var hasFraction = false
    var isSticky = false
    var fraction = RuntimeFraction(0)
    var salt: UInt64

    init(_ description: SliceDescription) {
      cluster = Int32(truncatingIfNeeded: description.cluster)
      if let keys = description.keys { (hasKeys, from, to) = (true, keys.lowerBound, keys.upperBound) }
      if let fraction = description.fraction { (hasFraction, self.fraction) = (true, fraction) }
      isSticky = description.isSticky
      salt = XXHash64.hash(description.name)
    }
  }

  private let descriptions: [SliceDescription]
  private var slices: Pool<Slice>
  /// By what requests carry, in the order in which it was told: whether each slice's conditions on that hold.
  private var fits: Pool<Bool>

  /// The slices of a route, for requests that carry nothing.
  public init(_ descriptions: [SliceDescription]) {
    self.descriptions = descriptions
    slices = Pool(capacity: descriptions.count)
    for description in descriptions { slices.append(Slice(description)) }
    fits = Pool(capacity: descriptions.count)
    for fit in Self.fits(descriptions, []) { fits.append(fit) }
  }

  /// Notes headers that requests carry; they name them by the next number, from 1.
  public mutating func know(_ headers: [HeaderField]) {
    for fit in Self.fits(descriptions, headers) { fits.append(fit) }
  }

  /// Takes requests that name no headers to carry these.
  public mutating func assume(_ headers: [HeaderField]) {
    for (place, fit) in Self.fits(descriptions, headers).enumerated() { fits[place] = fit }
  }

  /// Whether there is none.
  public var isEmpty: Bool { slices.count == 0 }

  /// Where the requests of a slice go.
  public func cluster(of place: Int) -> Int32 { slices[place].cluster }

  /// What a slice is called.
  public func name(of place: Int) -> String { descriptions[place].name }

  /// The place of the slice that takes a request; nil when none does.
  ///
  /// Complexity: O(slices); allocates nothing.
  ///
  /// - Parameters:
  ///   - headers: What it carries, by number.
  ///   - key: The hash of its key, if it has one.
  ///   - draw: Its random number for the slice of a place.
  public func place(headers: Int32, key: UInt64?, draw: (Int) -> UInt64) -> Int? {
    for place in 0..<slices.count where fits[Int(headers) * slices.count + place] {
      let slice = slices[place]
      if slice.hasKeys {
        guard let key else { continue }
        let part = UInt32(truncatingIfNeeded: key.multipliedFullWidth(by: UInt64(Self.keyParts)).high)
        if part < slice.from || part >= slice.to { continue }
      }
      if slice.hasFraction {
        let isSticky = slice.isSticky && key != nil
        let number = isSticky ? XXHash64.hash(key ?? 0, seed: slice.salt) : draw(place)
        if !slice.fraction.contains(number) { continue }
      }
      return place
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
