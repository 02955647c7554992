import DataPlane
import MeshCore
import NIOHTTP1
import Simulation
import Testing

@testable import Testbed

@Suite struct RequestNameTests {
  /// Goal: a name goes through headers and back whole, of open and closed loops, and headers without one say none.
  @Test func headers() throws {
    for user in [nil, UInt64(3)] {
      let name = RequestName(
        client: "users", user: user, number: 17, wanted: Timestamp(nanoseconds: 5_000_000_123), replication: 2)
      var headers = HTTPHeaders()
      name.write(to: &headers)
      #expect(RequestName(headers) == name)
    }
    #expect(RequestName(["x-weir-client": "users"]) == nil && RequestName(["x-weir-request": "1"]) == nil)
  }

  /// Goal: attempts draw by kind and number: the first one what its request draws, each retry something of its own, and a user's
  /// requests nothing of another's.
  @Test func keys() {
    let name = RequestName(client: "users", number: 4, wanted: .zero)
    let streams = TrafficStreams(seed: 9, replication: 0)
    #expect(name.key(seed: 9, attempt: AttemptName(place: 1)) == streams.request(client: "users", number: 4))
    let retry = TrafficStreams.attempt(of: streams.request(client: "users", number: 4), kind: .retry, number: 1)
    #expect(name.key(seed: 9, attempt: AttemptName(place: 2)) == retry)
    let hedge = name.key(seed: 9, attempt: AttemptName(.hedge))
    #expect(
      hedge == TrafficStreams.attempt(of: streams.request(client: "users", number: 4), kind: .hedge, number: 1))
    let names = [0, 1].map { RequestName(client: "users", user: $0, number: 4, wanted: .zero) }
    let keys =
      [name.key(seed: 9), retry, hedge, name.key(seed: 9, attempt: AttemptName(place: 3))]
      + names.map { $0.key(seed: 9) }
    #expect(Set(keys).count == keys.count)
  }

  /// Goal: what headers say of an attempt is understood: Weir's kind and number before Envoy's count, nothing where there is neither.
  @Test func attempts() {
    #expect(AttemptName(["x-envoy-attempt-count": "1"]) == AttemptName(.first))
    #expect(AttemptName(["x-envoy-attempt-count": "3"]) == AttemptName(.retry, number: 2))
    #expect(
      AttemptName(["x-envoy-attempt-count": "3", "x-weir-attempt": "hedge 1"]) == AttemptName(.hedge, number: 1))
    #expect(AttemptName(["x-weir-attempt": "nonsense"]) == nil && AttemptName([:]) == nil)
  }
}
