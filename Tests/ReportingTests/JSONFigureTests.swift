import Foundation
import MeshConfiguration
import Testing

@testable import Reporting

/// Goal: documents are JSON with the figures of the CSV files.
@Suite struct JSONFigureTests {
  /// Figures have the files' digits; what is none is null.
  @Test func figures() {
    #expect(JSONValue.list([.number(0.25), .number(.infinity), .figure(nil)]).text(width: 80) == "[0.25, null, null]")
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
