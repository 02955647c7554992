import MeshCore
import Testing
import TrafficSplitting

extension TrafficSlices {
  /// Where a request goes that a slice takes; nil when none does.
  fileprivate func cluster(headers: Int32, key: UInt64?, draw: (Int) -> UInt64) -> Int32? {
    place(headers: headers, key: key, draw: draw).map { cluster(of: $0) }
  }
}

@Suite struct TrafficSlicesTests {
  private func slice(_ cluster: Int, name: String = "s", _ change: (inout SliceDescription) -> Void) -> SliceDescription
  {
    var slice = SliceDescription(name: name, cluster: cluster)
    change(&slice)
    return slice
  }

  private func cookie(_ text: String) -> [HeaderField] { [HeaderField(name: "Cookie", value: text)] }

  // Goal: the first slice whose conditions on headers and cookies all hold takes a request; a cookie is one of a list, by its name.
  @Test func headersAndCookies() {
    var slices = TrafficSlices([
      slice(1) { $0.headers = [FieldMatch(name: "x-group", value: .exact("beta"))] },
      slice(2) {
        $0.cookies = [
          FieldMatch(name: "canary", value: .exact("always")), FieldMatch(name: "id", value: .prefix("7")),
        ]
      },
      slice(3) { $0.cookies = [FieldMatch(name: "old", value: .present, isInverted: true)] },
    ])
    let cases: [([HeaderField], Int32?)] = [
      (cookie("old=1"), nil), ([], 3), ([HeaderField(name: "X-Group", value: "beta")], 1),
      (cookie("id=71; canary=always"), 2), (cookie("canary=always"), 3), (cookie("id=71;canary=always; old=x"), 2),
      (cookie("id=8; canary=always; old=x"), nil), (cookie("xid=71; canary=always; old=x"), nil),
      (cookie("id=71; canary=always") + [HeaderField(name: "x-group", value: "beta")], 1),
    ]
    for (number, (headers, expected)) in cases.enumerated() {
      slices.know(headers)
      #expect(slices.cluster(headers: Int32(number) + 1, key: nil) { _ in 0 } == expected, "\(headers)")
    }
    #expect(slices.cluster(headers: 0, key: nil) { _ in 0 } == 3)
    slices.assume(cookie("old=1"))
    #expect(slices.cluster(headers: 0, key: nil) { _ in 0 } == nil)
  }

  // Goal: ranges of keys that meet take each key once, and all of them; who has no key is in none.
  @Test func rangesOfKeysCoverAll() {
    let slices = TrafficSlices([
      slice(1) { $0.keys = 0..<250_000 }, slice(2) { $0.keys = 250_000..<999_999 },
      slice(3) { $0.keys = 999_999..<1_000_000 },
    ])
    var counts: [Int32?: Int] = [:]
    for number in 0..<40_000 as Range<UInt64> {
      counts[slices.cluster(headers: 0, key: RequestHash.header(number: number)) { _ in 0 }, default: 0] += 1
    }
    // A quarter of 40,000: sd 87.
    #expect(counts[nil] == nil && abs((counts[1] ?? 0) - 10_000) < 400)
    #expect(slices.cluster(headers: 0, key: 0) { _ in 0 } == 1)
    #expect(slices.cluster(headers: 0, key: .max) { _ in 0 } == 3)
    #expect(slices.cluster(headers: 0, key: 1 << 62) { _ in 0 } == 2)
    #expect(slices.cluster(headers: 0, key: (1 << 62) - 1) { _ in 0 } == 1)
    #expect(slices.cluster(headers: 0, key: nil) { _ in 0 } == nil)
  }

  // Goal: a share without stickiness is the request's draw; a sticky one is the key's, whatever is drawn, grows without losing anybody,
  // and shares of another name are other keys.
  @Test func sharesMayStick() {
    func share(_ percent: UInt64, name: String = "a", sticky: Bool) -> TrafficSlices {
      TrafficSlices([
        slice(1, name: name) {
          $0.fraction = RuntimeFraction(percent * 10_000, of: 1_000_000)
          $0.isSticky = sticky
        }
      ])
    }
    let loose = share(5, sticky: false)
    #expect(loose.cluster(headers: 0, key: 1) { _ in 49_999 } == 1)
    #expect(loose.cluster(headers: 0, key: 1) { _ in 50_000 } == nil)
    let keys = (0..<20_000).map { RequestHash.header(number: $0) }
    func members(_ slices: borrowing TrafficSlices, _ draw: UInt64) -> Set<UInt64> {
      var members: Set<UInt64> = []
      for key in keys where slices.cluster(headers: 0, key: key, draw: { _ in draw }) != nil { members.insert(key) }
      return members
    }
    let five = share(5, sticky: true)
    let ten = share(10, sticky: true)
    let other = share(10, name: "b", sticky: true)
    let few = members(five, 0)
    #expect(few == members(five, .max) && few.isSubset(of: members(ten, 3)))
    // 5 % of 20,000: sd 31; of those of 10 % of one name, 10 % are of the other: 200, sd 13.
    #expect(abs(few.count - 1000) < 150)
    #expect(abs(members(ten, 0).intersection(members(other, 0)).count - 200) < 70)
    #expect(five.cluster(headers: 0, key: nil) { _ in 49_999 } == 1)
    #expect(five.cluster(headers: 0, key: nil) { _ in 50_000 } == nil)
  }
}
