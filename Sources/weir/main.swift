// `weir`, the lab: hands the arguments over and exits with what comes of them.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

exit(CommandFace.run(Array(CommandLine.arguments.dropFirst())).rawValue)
