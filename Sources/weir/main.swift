// `weir`, the lab.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

exit(CommandFace.run(Array(CommandLine.arguments.dropFirst())).rawValue)
