import Testing

@testable import MeshConfiguration

/// Goal: JSON texts, in both layouts, byte for byte.
@Suite struct JSONValueTests {
  /// All kinds of values, byte for byte; keys keep their order.
  @Test func golden() {
    let value = JSONValue.members([
      "zebra": .null, "apple": .list([.integer(-1), .unsigned(.max), .literal("0.25"), .null]),
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

  /// With a width, what fits stands on a line.
  @Test func narrow() {
    let value = JSONValue.members(["a": .list([.integer(1), .integer(2)]), "b": .list([.text("long enough")])])
    #expect(value.text(width: 80) == "{\"a\": [1, 2], \"b\": [\"long enough\"]}")
    #expect(
      value.text(width: 16) == """
        {
          "a": [1, 2],
          "b": [
            "long enough"
          ]
        }
        """)
  }
}
