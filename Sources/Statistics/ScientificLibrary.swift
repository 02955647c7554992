// The door to the GNU Scientific Library.
//
// GSL's own answer to an argument outside a function's domain is to abort the process. It is told once, before the first call,
// to return what is not a number instead; every wrapper in this module goes through here.

import CGSL

enum ScientificLibrary {
  /// Runs `body` with GSL's error handler off.
  @inline(__always)
  static func call<Result>(_ body: () -> Result) -> Result {
    _ = handlerIsOff
    return body()
  }

  private static let handlerIsOff: Bool = {
    _ = gsl_set_error_handler_off()
    return true
  }()
}
