// The folder of a scenario's result files, replaced as a whole.
//
// New files are written into a hidden folder beside it. When all of them are complete the two folders change places in one
// step, and the old one is taken away: whoever looks sees all old files or all new ones, and an interrupt leaves the old ones.
// Files in the folder that are none of ours are carried over.

import Experiments
import MeshConfiguration

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a scenario's result files go.
public struct ResultFolder: Sendable, Hashable {
  /// The folder of all results.
  public let parent: String
  /// The scenario's name.
  public let name: String

  /// `<parent>/<name>/`.
  public init(parent: String, name: String) {
    self.parent = parent
    self.name = name
  }

  /// The folder's path.
  public var path: String { (parent.hasSuffix("/") ? parent : parent + "/") + name }

  /// Finds out whether results can be written, and leaves everything as it was.
  /// - Throws: `SystemError`.
  public func check() throws {
    let made = try makeFolders(parent)
    defer { for folder in made.reversed() { rmdir(folder) } }
    try checkKind()
    let probe = try makeTemporary(beside: path)
    rmdir(probe)
  }

  /// Writes the files of `result`, all of them or none.
  /// - Throws: `SystemError`; `ExperimentError.interrupted` when `isInterrupted` says so before the new files are in place.
  public func write(_ result: ExperimentResult, isInterrupted: () -> Bool = { false }) throws {
    let made = try makeFolders(parent)
    do {
      try checkKind()
      let target = resolved(path)
      let temporary = try makeTemporary(beside: target)
      do {
        for file in ResultFile.allCases {
          if isInterrupted() { throw ExperimentError.interrupted }
          try Self.write(file, of: result, to: "\(temporary)/\(file.rawValue)")
        }
        if isInterrupted() { throw ExperimentError.interrupted }
        try Self.put(temporary, inPlaceOf: target)
      } catch {
        Self.removeFiles(in: temporary)
        rmdir(temporary)
        throw error
      }
    } catch {
      for folder in made.reversed() { rmdir(folder) }
      throw error
    }
  }

  /// Writes files beside the result files, each of them whole or not at all; what else is in the folder stays.
  /// - Throws: `SystemError`.
  public func add(_ files: [(name: String, text: String)]) throws {
    try make()
    for file in files { try NewFile("\(path)/\(file.name)").replace(with: file.text) }
  }

  /// Makes the folder where there is none yet.
  /// - Throws: `SystemError`.
  public func make() throws {
    try checkKind()
    _ = try makeFolders(path)
  }

  private func checkKind() throws {
    if let kind = fileKind(path), kind != S_IFDIR {
      throw SystemError(path: path, reason: "is not a folder; expected a folder for the result files")
    }
  }

  private static func write(_ file: ResultFile, of result: ExperimentResult, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw SystemError.last(path) }
    do {
      try file.write(result) { bytes in try writeAll(bytes, to: descriptor, path: path) }
    } catch {
      close(descriptor)
      throw error
    }
    if close(descriptor) != 0 { throw SystemError.last(path) }
  }

  /// Puts the complete folder `new` where `target` is and takes away what was there.
  private static func put(_ new: String, inPlaceOf target: String) throws {
    if fileKind(target) == nil {
      if rename(new, target) != 0 { throw SystemError.last(target) }
      return
    }
    let old = try exchange(new, target)
    for entry in Folder.names(in: old) {
      if ResultFile(rawValue: entry) != nil {
        unlink("\(old)/\(entry)")
      } else {
        rename("\(old)/\(entry)", "\(target)/\(entry)")
      }
    }
    rmdir(old)
  }

  /// Lets two folders change places; where the file system cannot, moves one after the other. Returns where the old one is.
  private static func exchange(_ new: String, _ target: String) throws -> String {
    #if canImport(Darwin)
      if renamex_np(new, target, UInt32(RENAME_SWAP)) == 0 { return new }
    #else
      // Glibc shows this call to GNU sources alone, which Swift's module is not.
      typealias Rename = @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
      let exchanging: UInt32 = 2
      if let symbol = dlsym(nil, "renameat2"),
        unsafeBitCast(symbol, to: Rename.self)(AT_FDCWD, new, AT_FDCWD, target, exchanging) == 0
      {
        return new
      }
    #endif
    let old = new + ".old"
    if rename(target, old) != 0 { throw SystemError.last(target) }
    if rename(new, target) != 0 {
      let refusal = SystemError.last(target)
      rename(old, target)
      throw refusal
    }
    return old
  }

  private static func removeFiles(in folder: String) {
    for file in ResultFile.allCases { unlink("\(folder)/\(file.rawValue)") }
  }
}

/// Makes `path` and the folders above it, and returns those that were not there, outermost first.
private func makeFolders(_ path: String) throws -> [String] {
  var made: [String] = []
  var current = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    current += (current.isEmpty || current.hasSuffix("/") ? "" : "/") + part
    if mkdir(current, 0o777) == 0 {
      made.append(current)
    } else if errno != EEXIST {
      let refusal = SystemError.last(current)
      for folder in made.reversed() { rmdir(folder) }
      throw refusal
    } else if fileKind(current) != S_IFDIR {
      for folder in made.reversed() { rmdir(folder) }
      throw SystemError(path: current, reason: "is not a folder; expected a folder for the results")
    }
  }
  return made
}

/// Makes a hidden folder of a name of its own beside `path`.
private func makeTemporary(beside path: String) throws -> String {
  let parts = path.split(separator: "/")
  let folder = (path.hasPrefix("/") ? "/" : "") + parts.dropLast().joined(separator: "/")
  let beginning = folder.isEmpty || folder == "/" ? folder : folder + "/"
  for attempt in 0..<100 {
    let temporary = "\(beginning).\(parts.last ?? "results").\(getpid()).\(attempt).partial"
    if mkdir(temporary, 0o777) == 0 { return temporary }
    if errno != EEXIST { throw SystemError.last(folder.isEmpty ? "." : folder) }
  }
  throw SystemError(path: folder, reason: "too many unfinished result folders")
}

/// The path behind symbolic links, when there is something at its end.
private func resolved(_ path: String) -> String {
  guard let buffer = realpath(path, nil) else { return path }
  defer { free(buffer) }
  return String(cString: buffer)
}

/// What is at `path`, behind links; nil for nothing.
private func fileKind(_ path: String) -> mode_t? {
  var status = stat()
  return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
}
