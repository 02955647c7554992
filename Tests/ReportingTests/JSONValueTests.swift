import Foundation
import Testing

@testable import Reporting

@Suite struct JSONValueTests {
  /// All kinds of values, byte for byte; keys keep their order.
  @Test func golden() {
    let value = JSONValue.members([
      "zebra": .null, "apple": .list([.integer(-1), .unsigned(.max), .number(0.25), .number(.infinity)]),
      "empty": .list([]), "none": .object([]), "text": .text("a\"b\\c\n\u{1}é"), "flag": .flag(true),
    ])
    #expect(
      value.text
        == """
        {
          "zebra": null,
          "apple": [
            -1,
            18446744073709551615,
            0.25,
            null
          ],
          "empty": [],
          "none": {},
          "text": "a\\"b\\\\c\\n\\u0001é",
          "flag": true
        }
        """)
  }

  /// What is written is JSON to Foundation's reader as well, numbers and all.
  @Test func foundationReadsIt() throws {
    let document = ComparisonDocument.document(syntheticExperiment(), folder: "Results/synthetic")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(document.text.utf8)) as? [String: Any])
    let variants = try #require(object["variants"] as? [[String: Any]])
    let metrics = try #require(variants[1]["metrics"] as? [String: [String: Any]])
    #expect(metrics["latency_p99_ms"]?["mean"] as? Double == 7.5)
    #expect(metrics["latency_p99_ms"]?["ratio"] as? Double == 0.5)
    #expect(metrics["latency_p50_ms"]?["mean"] is NSNull)
    let list = PolicyList().document
    #expect(try JSONSerialization.jsonObject(with: Data(list.text.utf8)) is [Any])
  }
}
