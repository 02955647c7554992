// What a policy seldom needs, behind one reference.
//
// A policy lives in an `any LoadBalancer`. Up to 24 bytes live there in place; more goes into a box whose uniqueness is
// checked at every call, three times a request (2 ns each). So a policy keeps at hand what every pick needs and puts the
// rest here. It stays a value: a copy that changes gets contents of its own.

/// A value of 8 bytes that stands for a larger one, copied when changed while shared.
struct Indirect<Value: Sendable>: Sendable {
  /// Always one element: an array already is a reference with value semantics.
  private var storage: ContiguousArray<Value>

  init(_ value: Value) { storage = [value] }

  /// The value, in place.
  var value: Value {
    @inline(__always) _read { yield storage[0] }
    @inline(__always) _modify { yield &storage[0] }
  }
}
