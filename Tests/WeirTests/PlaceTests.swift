// `weir place` as a user runs it: its output held against what a real Envoy did, and its faults.

import Foundation
import Testing

/// Ten hosts with unequal weights.
private let hosts: [(address: String, weight: Int)] = [1, 2, 5, 1, 3, 8, 1, 20, 100, 7].enumerated().map {
  ("127.0.2.\($0.offset + 1):97\($0.offset < 9 ? "0" : "")\($0.offset + 1)", $0.element)
}

/// Where Envoy 1.40.0 sent requests whose hashed header was user-0, user-1, …: the number of the host, from 1.
private let observed: [(balancer: String, hosts: [Int])] = [
  (
    "{ringHash: {minimumRingSize: 1024}}",
    [
      9, 9, 2, 3, 6, 9, 6, 8, 9, 9, 8, 9, 9, 9, 9, 9, 9, 9, 9, 8, 9, 10, 4, 8, 6, 9, 3, 9, 9, 6, 8, 9, 9, 9, 9, 9, 3, 8,
      9, 9, 9, 6, 9, 9, 3, 9, 6, 9, 9, 9, 9, 9, 9, 8, 9, 8, 9, 9, 10, 3,
    ]
  ),
  (
    "{ringHash: {minimumRingSize: 5000, maximumRingSize: 6001, hashFunction: murmurHash2}}",
    [
      9, 9, 10, 6, 9, 9, 8, 9, 9, 8, 10, 9, 8, 9, 10, 9, 9, 4, 9, 8, 3, 9, 6, 9, 8, 9, 9, 9, 9, 9, 9, 10, 8, 9, 9, 9, 9,
      9, 9, 9, 8, 3, 10, 9, 6, 9, 9, 9, 5, 9, 9, 9, 9, 6, 9, 5, 9, 9, 3, 6,
    ]
  ),
  (
    "maglev",
    [
      8, 8, 9, 9, 9, 8, 9, 9, 9, 8, 9, 9, 9, 6, 8, 10, 9, 9, 9, 9, 9, 9, 8, 3, 9, 3, 5, 9, 9, 9, 8, 9, 9, 9, 9, 10, 9,
      9, 6, 8, 9, 9, 8, 9, 9, 9, 9, 9, 8, 8, 8, 9, 9, 5, 9, 9, 9, 9, 5, 6,
    ]
  ),
  (
    "{maglev: {tableSize: 251}}",
    [
      8, 8, 9, 8, 4, 9, 9, 9, 10, 6, 9, 9, 9, 8, 9, 9, 9, 9, 9, 9, 4, 10, 9, 10, 8, 9, 2, 7, 9, 9, 9, 8, 9, 5, 10, 8, 9,
      9, 8, 8, 9, 9, 9, 9, 10, 10, 9, 8, 9, 9, 2, 9, 3, 10, 6, 8, 8, 8, 9, 2,
    ]
  ),
]

/// Goal: keys go where Envoy sends them, and whatever is wrong with the files is told. Method: the built program.
@Suite struct PlaceTests {
  private func place(_ balancer: String, _ hosts: String, _ keys: String) throws -> Outcome {
    let place = try Workplace()
    try place.write("h.csv", hosts)
    try place.write("k.txt", keys)
    return try place.shell("\"$WEIR\" place --balancer '\(balancer)' --hosts h.csv --keys k.txt")
  }

  @Test func goesWhereEnvoyGoes() throws {
    let file = "address,weight\n" + hosts.map { "\($0.address),\($0.weight)\n" }.joined()
    for (balancer, numbers) in observed {
      let keys = numbers.indices.map { "user-\($0)" }
      let outcome = try place(balancer, file, keys.map { $0 + "\n" }.joined())
      let expected = zip(keys, numbers).map { "\($0),\(hosts[$1 - 1].address)\n" }.joined()
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      #expect(outcome.output == "key,host\n" + expected, "\(balancer)")
    }
  }

  /// Every hashing policy places every key, commas and quotes and nothing at all among them; Windows lines are lines.
  @Test func placesEveryKey() throws {
    for balancer in ["ringHash", "maglev", "rendezvous", "jumpHash", "{multiProbeHash: {probes: 5}}", "anchorHash"] {
      let outcome = try place(balancer, "address,weight\r\na:1,1\r\n", "x,y\r\n\n\"z\"")
      #expect(outcome.output == "key,host\n\"x,y\",a:1\n,a:1\n\"\"\"z\"\"\",a:1\n", "\(balancer)")
    }
  }

  /// Blanks around cells say nothing, those of the header row neither: a weight behind one counts.
  @Test func readsPastBlanks() throws {
    let keys = (0..<200).map { "user-\($0)\n" }.joined()
    let plain = try place("maglev", "address,weight\na:1,1\nb:1,9\n", keys)
    #expect(try place("maglev", "address, weight \na:1,\t1\n b:1 , 9\n", keys).output == plain.output)
    #expect(try place("maglev", "address\na:1\nb:1\n", keys).output != plain.output)
  }

  @Test func tellsWhatIsWrong() throws {
    let good = "address,weight\na:1,1\n"
    let faults: [(balancer: String, hosts: String, lines: [String])] = [
      ("random", good, ["--balancer:1:1: error: balancer: random does not choose by key"]),
      ("maglv", good, ["did you mean 'maglev'?"]),
      ("{maglev: {tableSize: 8}}", good, ["--balancer:1:22: error: balancer.maglev.tableSize: a Maglev table's size"]),
      ("{ringHash: {maximumRingSize: 10}}", good, ["the minimum size 1024 is above the maximum size 10"]),
      ("{ringHash: {hashBalanceFactor: 50}}", good, ["balancer.ringHash.hashBalanceFactor"]),
      ("maglev", "a:1,1\n", ["h.csv:1:1: error: file: no column 'address'"]),
      ("maglev", "address,weight\n", ["no host"]),
      ("maglev", "address,Weight\na:1,3\n", ["h.csv:1:1: error: file: unknown column 'Weight'"]),
      ("maglev", "address,weight,weight\na:1,3,4\n", ["column 'weight' stands there twice"]),
      ("maglev", "address\na:1,3\n", ["h.csv:2:1: error: file: 2 cells; expected 1"]),
      ("maglev", "address,weight\na:1,0\na:2,x\nb:1,2\nb:1,3\n", ["h.csv:2:1", "h.csv:3:1", "h.csv:5:1"]),
    ]
    for (balancer, hosts, lines) in faults {
      let outcome = try place(balancer, hosts, "k\n")
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.faults.count == lines.count, "\(outcome.errors)")
      for (fault, line) in zip(outcome.faults, lines) { #expect(fault.contains(line), "\(fault)") }
    }
    let both = try Workplace().shell("\"$WEIR\" place --balancer maglev --hosts none.csv --keys none.txt")
    #expect(both.status == 2 && both.faults.count == 2)
  }
}
