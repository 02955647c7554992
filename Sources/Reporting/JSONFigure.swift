// Figures in JSON: the same digits as in the CSV files.

import Experiments
import MeshConfiguration

extension JSONValue {
  /// A number; `null` when it is not finite.
  static func number(_ value: Double) -> JSONValue {
    value.isFinite ? .literal(DecimalNumber(value).text) : .null
  }

  /// A number, or `null` for none.
  static func figure(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

  /// A p-value, or `null` for none.
  static func probability(_ value: Double?) -> JSONValue {
    .figure(value.map { DecimalNumber.rounded($0, significantDigits: DecimalNumber.probabilityDigits) })
  }
}
