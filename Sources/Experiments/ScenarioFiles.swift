// Which files `weir check` means when it is given a folder.

import MeshConfiguration

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Finds scenario files.
public enum ScenarioFiles {
  /// The scenarios at `path`: the path itself when it is no folder, else all `.yaml` and `.yml` files below it, sorted by their
  /// paths' bytes. Hidden files and folders and links to folders are left out.
  public static func find(at path: String) -> [String] {
    guard kind(of: path, followsLinks: true) == S_IFDIR else { return [path] }
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    var found: [String] = []
    collect(folder, into: &found)
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func collect(_ folder: String, into found: inout [String]) {
    for name in Folder.names(in: folder) where !name.hasPrefix(".") {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      if kind(of: path, followsLinks: false) == S_IFDIR {
        collect(path, into: &found)
      } else if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
        found.append(path)
      }
    }
  }

  private static func kind(of path: String, followsLinks: Bool) -> mode_t? {
    var status = stat()
    let result = followsLinks ? stat(path, &status) : lstat(path, &status)
    return result == 0 ? status.st_mode & S_IFMT : nil
  }
}
