// The cookie by which a client names the endpoint of its session, in the form of Envoy's stateful sessions (extensions/http/stateful_session/cookie):
// Base64 of a message of protocol buffers with the endpoint's address (field 1) and, where it does not hold for ever, when it expires in
// seconds since 1970 (field 2). Envoy's older form, Base64 of the address alone, is read too.

import Foundation
import MeshCore
import TrafficSplitting

enum SessionCookie {
  /// What is put into a cookie that names `address` from `now` on, seconds since 1970; for ever with a `ttl` of 0.
  static func value(naming address: String, ttl: TimeSpan, now: Int64) -> String {
    var bytes = Data([0x0a])
    append(UInt64(address.utf8.count), to: &bytes)
    bytes.append(contentsOf: address.utf8)
    if ttl > .zero {
      bytes.append(0x10)
      append(UInt64(clamping: now + (ttl.nanoseconds - 1) / 1_000_000_000 + 1), to: &bytes)
    }
    return bytes.base64EncodedString()
  }

  /// The address that a cookie names at `now`; nil where it names none, or has expired.
  static func address(in value: String, now: Int64) -> String? {
    guard let bytes = Data(base64Encoded: value), !bytes.isEmpty else { return nil }
    guard let message = message([UInt8](bytes)) else { return String(bytes: bytes, encoding: .utf8) }
    if message.expires > 0 && UInt64(clamping: now) > message.expires { return nil }
    return message.address
  }

  private static func append(_ number: UInt64, to bytes: inout Data) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// The message in `bytes`, nil where they are none of this form.
  private static func message(_ bytes: [UInt8]) -> (address: String, expires: UInt64)? {
    var (place, address, expires) = (0, String?.none, UInt64(0))
    func number() -> UInt64? {
      var (result, shift) = (UInt64(0), UInt64(0))
      while place < bytes.count && shift < 64 {
        let byte = bytes[place]
        place += 1
        result |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return result }
        shift += 7
      }
      return nil
    }
    while place < bytes.count {
      guard let tag = number(), let value = number() else { return nil }
      switch tag {
      case 0x0a:
        guard let size = Int(exactly: value), size <= bytes.count - place else { return nil }
        address = String(bytes: bytes[place..<place + size], encoding: .utf8)
        place += size
      case 0x10: expires = value
      default: return nil
      }
    }
    return address.map { ($0, expires) }
  }
}
