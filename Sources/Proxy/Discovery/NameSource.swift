// A name whose addresses are a cluster's endpoints: all of the answer, A and AAAA, asked for again and again through the system's
// resolver, which blocks and so has a thread of its own. As Envoy's strict DNS, but that a name that is gone keeps its last addresses.

import Dispatch
import Foundation
import MeshConfiguration
import MeshCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Follows a name.
struct NameSource: ServerSource {
  let name: SocketName
  let refresh: TimeSpan
  /// The addresses of a host, or why there are none.
  let resolve: @Sendable (String) async -> Result<[String], NameFault>

  /// A name, asked for with the system's resolver unless with another one.
  init(
    name: SocketName, refresh: TimeSpan,
    resolve: @escaping @Sendable (String) async -> Result<[String], NameFault> = {
      await SystemResolver.addresses(of: $0)
    }
  ) {
    self.name = name
    self.refresh = refresh
    self.resolve = resolve
  }

  func follow(_ report: @escaping @Sendable (SourceReport) -> Void) async {
    while !Task.isCancelled {
      let answer = await resolve(name.host)
      if Task.isCancelled { return }
      switch answer {
      case .success(let addresses) where !addresses.isEmpty:
        report(
          .servers(
            addresses.sorted().map { ServerDescription(address: SocketName(host: $0, port: name.port), weight: 1) }))
      case .success: report(.fault("\(name.host) has no address"))
      case .failure(let fault): report(.fault("\(name.host): \(fault.reason)"))
      }
      // Proxies that began together do not ask together for long.
      let wait = Double(refresh.nanoseconds) * .random(in: 0.9...1)
      try? await Task.sleep(nanoseconds: UInt64(wait))
    }
  }
}

/// Why a name has no addresses.
struct NameFault: Error {
  var reason: String
}

/// The system's own resolver: hosts files, name servers, whatever it is told to ask.
enum SystemResolver {
  private static let queue = DispatchQueue(label: "resolver", attributes: .concurrent)

  /// Each address of a host once.
  static func addresses(of host: String) async -> Result<[String], NameFault> {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: ask(host)) }
    }
  }

  private static func ask(_ host: String) -> Result<[String], NameFault> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    #if canImport(Darwin)
      hints.ai_socktype = SOCK_STREAM
    #else
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #endif
    var first: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &first)
    if status != 0 {
      return .failure(NameFault(reason: gai_strerror(status).map { String(cString: $0) } ?? "error \(status)"))
    }
    defer { freeaddrinfo(first) }
    var addresses: [String] = []
    var next = first
    while let entry = next {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let length = socklen_t(text.count)
      if getnameinfo(
        entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, length, nil, 0, Int32(NI_NUMERICHOST)) == 0
      {
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if !addresses.contains(address) { addresses.append(address) }
      }
      next = entry.pointee.ai_next
    }
    return .success(addresses)
  }
}
