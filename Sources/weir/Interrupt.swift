// Ctrl-C: the handler only notes the first one, whoever waits for a run looks; the second one ends the process, whatever it does.

import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

private let wasInterrupted = Atomic<Bool>(false)

enum Interrupt {
  /// From now on the first interrupt (or request to terminate) is noted and does not end the process.
  static func catchSignals() {
    // A global is made at its first use, and a signal handler must not be that.
    wasInterrupted.store(false, ordering: .relaxed)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in
        // Whoever asks twice does not want to wait. Result folders stay whole: at the worst a hidden one is left beside them.
        if wasInterrupted.exchange(true, ordering: .relaxed) { _exit(ExitStatus.interrupted.rawValue) }
      }
      sigaddset(&signals, number)
    }
    // Whoever started the program may have blocked them, and a blocked signal is inherited.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Waits until one has come.
  static func wait() {
    while !hasCome { usleep(50_000) }
  }

  /// Whether one has come.
  static var hasCome: Bool { wasInterrupted.load(ordering: .relaxed) }
}
