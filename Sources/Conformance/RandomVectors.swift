// Envoy's random choice: random_lb_test.cc.

import TestVectors

struct RandomVectors: VectorFamily {
  func knows(_ file: VectorFile) -> Bool { file.topic == "random" || (file.name == "random" && !file.vectors.isEmpty) }

  func run(_ file: VectorFile, _ report: inout VectorReport) {
    report.skipEach(
      file.vectors,
      "Envoy shares one draw between priority and host, modulo the number of hosts; ours is a draw of its own, scaled")
  }
}
