// Goal: the editor schema is JSON, its references lead somewhere, and it knows every policy and its parameters.

import Foundation
import LoadBalancing
import MeshConfiguration
import Testing

@Suite struct JSONSchemaTests {
  private func schema() throws -> (text: String, object: [String: Any]) {
    let text = JSONSchema(title: "t", description: "d").text(of: MeshSchema.mesh)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return (text, try #require(object as? [String: Any]))
  }

  @Test("Every reference has its definition")
  func references() throws {
    let (text, object) = try schema()
    let definitions = try #require(object["$defs"] as? [String: Any])
    let names = text.components(separatedBy: "\"#/$defs/").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    #expect(names.contains("distribution") && names.contains("cluster"))
    for name in names { #expect(definitions[name] != nil, "\(name)") }
  }

  @Test("Every registered policy and parameter can be named")
  func policies() throws {
    let text = try schema().text
    for policy in PolicyRegistry.policies {
      #expect(text.contains("\"\(policy.name)\""))
      for parameter in policy.parameters { #expect(text.contains("\"\(parameter.name)\"")) }
    }
  }
}
