// Objects by numbers that are not given twice, so that who comes back with a number of something past finds nothing.

/// Keeps objects under way.
struct Registry<Element: AnyObject> {
  private var places: [(element: Element?, generation: UInt32)] = []
  private var free: [Int] = []

  /// How many there are.
  var count: Int { places.count - free.count }

  /// Takes one in, and returns its number.
  mutating func insert(_ element: Element) -> UInt64 {
    if let place = free.popLast() {
      places[place].element = element
      return UInt64(places[place].generation) << 32 | UInt64(place)
    }
    places.append((element, 1))
    return 1 << 32 | UInt64(places.count - 1)
  }

  /// The one with that number, if it is still there.
  subscript(number: UInt64) -> Element? {
    let place = Int(number & 0xffff_ffff)
    guard place < places.count, places[place].generation == UInt32(number >> 32) else { return nil }
    return places[place].element
  }

  /// Lets one go.
  mutating func remove(_ number: UInt64) {
    guard self[number] != nil else { return }
    let place = Int(number & 0xffff_ffff)
    places[place].element = nil
    places[place].generation &+= 1
    free.append(place)
  }
}
