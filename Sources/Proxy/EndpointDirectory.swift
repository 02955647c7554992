// Endpoints by number: a data plane knows endpoints and zones by small numbers, sockets by addresses.

import MeshConfiguration
import MeshCore

/// The numbers of addresses and zones. Numbers are never given twice, so that a server which comes back is known again.
struct EndpointDirectory {
  private var numbers: [SocketName: Int32] = [:]
  private var addresses: [SocketName] = []
  private var zones: [String]

  /// No endpoint; `zones` are those that the mesh has numbers for already.
  init(zones: [String] = []) { self.zones = zones }

  /// The identity of the endpoint at an address, the same in all clusters: a session finds it in whichever is drawn.
  mutating func identity(of address: SocketName) -> EndpointIdentity {
    if let number = numbers[address] { return EndpointIdentity(number) }
    let number = Int32(truncatingIfNeeded: addresses.count)
    numbers[address] = number
    addresses.append(address)
    return EndpointIdentity(number)
  }

  /// The identity of the endpoint at an address, if any cluster has ever had one there.
  func known(_ address: SocketName) -> EndpointIdentity? { numbers[address].map { EndpointIdentity($0) } }

  /// Where an endpoint is.
  func address(of endpoint: EndpointIdentity) -> SocketName? {
    let number = Int(endpoint.number)
    return number >= 0 && number < addresses.count ? addresses[number] : nil
  }

  /// A zone's number, or -1 for none.
  mutating func zone(_ name: String?) -> Int32 {
    guard let name else { return -1 }
    if let number = zones.firstIndex(of: name) { return Int32(truncatingIfNeeded: number) }
    zones.append(name)
    return Int32(truncatingIfNeeded: zones.count - 1)
  }
}
