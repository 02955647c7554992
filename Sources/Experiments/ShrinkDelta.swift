// Delta debugging: which few of many things are needed for something to happen.
//
// Zeller and Hildebrandt, Simplifying and isolating failure-inducing input (IEEE TSE 28:183, 2002), the algorithm ddmin: halves
// first, then finer parts and what they leave, until taking any single thing away ends it. Deterministic: the order is that
// of the list.

/// Delta debugging.
enum DeltaDebugging {
  /// The elements that have to stay for `happens` to hold, in their order: without any single one of them it no longer does.
  ///
  /// `happens` holds for all of `elements`, and is asked about parts of them alone. It need not be monotone.
  ///
  /// Complexity: at most n² + 3n questions, of the order of log n where one element alone is needed.
  static func minimal<Element>(
    _ elements: [Element], _ happens: ([Element]) throws -> Bool
  ) rethrows -> [Element] {
    var kept = elements
    if kept.isEmpty { return kept }
    if try happens([]) { return [] }
    var parts = 2
    while kept.count > 1 {
      parts = min(parts, kept.count)
      if let part = try firstPart(of: kept, parts, happens) {
        kept = part
        parts = 2
      } else if parts > 2, let rest = try firstRest(of: kept, parts, happens) {
        kept = rest
        parts = max(2, parts - 1)
      } else if parts < kept.count {
        parts *= 2
      } else {
        return kept
      }
    }
    return kept
  }

  /// The first of so many parts that is enough by itself.
  private static func firstPart<Element>(
    of elements: [Element], _ parts: Int, _ happens: ([Element]) throws -> Bool
  ) rethrows -> [Element]? {
    for number in 0..<parts {
      let part = Array(elements[range(number, of: parts, elements.count)])
      if try happens(part) { return part }
    }
    return nil
  }

  /// What is left without the first part that is not needed. Of two parts the rest of one is the other.
  private static func firstRest<Element>(
    of elements: [Element], _ parts: Int, _ happens: ([Element]) throws -> Bool
  ) rethrows -> [Element]? {
    for number in 0..<parts {
      let part = range(number, of: parts, elements.count)
      let rest = Array(elements[..<part.lowerBound] + elements[part.upperBound...])
      if try happens(rest) { return rest }
    }
    return nil
  }

  /// Part `number` of so many of `count` elements, as even as can be.
  private static func range(_ number: Int, of parts: Int, _ count: Int) -> Range<Int> {
    number * count / parts..<(number + 1) * count / parts
  }
}
