// YAML (and JSON, which is YAML too) to nodes with places.
//
// It works on the events of libyaml, which Yams carries, and not on Yams' own tree: that one recurses as deep as the file
// does, stops at the first duplicate key and hashes expanded aliases. Here the stack is ours, so depth and expansion have
// limits and every duplicate is told.

internal import CYaml
// Yams is what brings libyaml along.
internal import Yams

/// Reads YAML.
public enum ConfigurationParser {
  /// The largest file, in bytes. Samples and traces belong in CSV files of their own.
  public static let sizeLimit = 1 << 20
  /// How deep values may be nested.
  public static let depthLimit = 100
  /// How many values aliases may stand for altogether.
  public static let expansionLimit = 100_000

  /// The tree in `bytes`, or nil when it cannot be read; faults go to `log`.
  ///
  /// Complexity: linear in the size of `bytes`, plus at most `expansionLimit` for aliases.
  public static func parse(
    _ bytes: [UInt8], source: Origin.Source = .file, line: Int = 1, column: Int = 1, path: String = "",
    log: FaultLog
  ) -> ConfigurationNode? {
    let start = Origin(source, line: line, column: column)
    if let place = firstNonText(bytes) {
      log.add(start, path, "not text (byte \(place)); expected YAML in UTF-8")
      return nil
    }
    let composer = Composer(source: source, firstLine: line, firstColumn: column, path: path, log: log)
    // Windows editors begin a file with a byte order mark, which YAML allows and libyaml, told the encoding, does not skip.
    let mark = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    return bytes.withUnsafeBufferPointer { composer.compose(UnsafeBufferPointer(rebasing: $0[mark...])) }
  }

  /// The tree in `text`, as for `parse(_:source:line:column:path:log:)`.
  public static func parse(
    _ text: String, source: Origin.Source = .file, line: Int = 1, column: Int = 1, path: String = "", log: FaultLog
  ) -> ConfigurationNode? {
    parse(Array(text.utf8), source: source, line: line, column: column, path: path, log: log)
  }

  /// The place of the first byte that no UTF-8 text has.
  private static func firstNonText(_ bytes: [UInt8]) -> Int? {
    for (place, byte) in bytes.enumerated() where byte < 0x20 && byte != 9 && byte != 10 && byte != 13 {
      return place
    }
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var place = 0
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): place += UTF8.width(scalar)
      case .emptyInput, .error: return place
      }
    }
  }
}

/// Turns events into nodes, with a stack of its own.
private final class Composer {
  private struct Tree {
    var node: ConfigurationNode
    var size: Int
    var height: Int
  }

  private struct Frame {
    var origin: Origin
    var anchor: String?
    var isMap: Bool
    var items: [ConfigurationNode] = []
    var entries: [ConfigurationEntry] = []
    var merged: [ConfigurationEntry] = []
    var places: [String: Int] = [:]
    var key: (text: String, origin: Origin)?
    var size = 1
    var height = 1
  }

  private let source: Origin.Source
  private let firstLine: Int
  private let firstColumn: Int
  private let path: String
  private let log: FaultLog
  private var frames: [Frame] = []
  private var anchors: [String: Tree] = [:]
  private var expanded = 0
  private var root: ConfigurationNode?
  private var documents = 0

  init(source: Origin.Source, firstLine: Int, firstColumn: Int, path: String, log: FaultLog) {
    self.source = source
    self.firstLine = firstLine
    self.firstColumn = firstColumn
    self.path = path
    self.log = log
  }

  private func origin(_ mark: yaml_mark_t) -> Origin {
    let line = Int(mark.line)
    return Origin(source, line: firstLine + line, column: Int(mark.column) + (line == 0 ? firstColumn : 1))
  }

  private func fail(_ origin: Origin, _ message: String) -> Bool {
    log.add(origin, path, message)
    return false
  }

  func compose(_ input: UnsafeBufferPointer<UInt8>) -> ConfigurationNode? {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
    defer {
      parser.deallocate()
      event.deallocate()
    }
    if yaml_parser_initialize(parser) != 1 {
      log.add(Origin(source), path, "no memory to read it")
      return nil
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    while true {
      if yaml_parser_parse(parser, event) != 1 {
        tellSyntaxError(parser.pointee)
        return nil
      }
      defer { yaml_event_delete(event) }
      if event.pointee.type == YAML_STREAM_END_EVENT { break }
      if !take(event.pointee) { return nil }
    }
    if root == nil {
      log.add(
        Origin(source, line: firstLine, column: firstColumn), path,
        "empty; expected \(path.isEmpty ? "a scenario" : "a value")")
    }
    return root
  }

  private func tellSyntaxError(_ parser: yaml_parser_t) {
    var problem = parser.problem.map { String(cString: $0) } ?? "not understood"
    if problem.hasPrefix("Maximum nesting level") {
      problem = "nested deeper than \(ConfigurationParser.depthLimit) levels"
    } else {
      problem = "not YAML: \(problem)"
      if let context = parser.context {
        problem += " (\(String(cString: context)), begun on line \(origin(parser.context_mark).line))"
      }
    }
    _ = fail(origin(parser.problem_mark), problem)
  }

  private func take(_ event: yaml_event_t) -> Bool {
    let place = origin(event.start_mark)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      documents += 1
      if documents > 1 { return fail(place, "a second document; expected one") }
      return true
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
      let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
      if takesKey && !isNull {
        frames[frames.count - 1].key = (text, place)
        return true
      }
      let content: ConfigurationNode.Content = isNull ? .null : .scalar(text, isQuoted: !isPlain)
      return put(
        Tree(node: ConfigurationNode(content, origin: place), size: 1, height: 1), anchor: name(scalar.anchor))
    case YAML_SEQUENCE_START_EVENT:
      return open(Frame(origin: place, anchor: name(event.data.sequence_start.anchor), isMap: false))
    case YAML_MAPPING_START_EVENT:
      return open(Frame(origin: place, anchor: name(event.data.mapping_start.anchor), isMap: true))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      return close()
    case YAML_ALIAS_EVENT:
      let alias = name(event.data.alias.anchor) ?? ""
      guard let tree = anchors[alias] else { return fail(place, "alias \(quoted(alias)) has no anchor before it") }
      expanded += tree.size
      if expanded > ConfigurationParser.expansionLimit {
        return fail(place, "aliases stand for more than \(ConfigurationParser.expansionLimit) values")
      }
      if frames.count + tree.height > ConfigurationParser.depthLimit {
        return fail(place, "nested deeper than \(ConfigurationParser.depthLimit) levels")
      }
      if takesKey {
        guard let text = tree.node.text else { return fail(place, "a key that is no scalar") }
        frames[frames.count - 1].key = (text, place)
        return true
      }
      return put(tree, anchor: nil)
    default:
      return true
    }
  }

  private func name(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? { text.map { String(cString: $0) } }

  private var takesKey: Bool { frames.last.map { $0.isMap && $0.key == nil } ?? false }

  private func open(_ frame: Frame) -> Bool {
    if takesKey { return fail(frame.origin, "a key that is no scalar") }
    if frames.count >= ConfigurationParser.depthLimit {
      return fail(frame.origin, "nested deeper than \(ConfigurationParser.depthLimit) levels")
    }
    frames.append(frame)
    return true
  }

  private func close() -> Bool {
    guard let frame = frames.popLast() else { return true }
    var content = ConfigurationNode.Content.list(frame.items)
    if frame.isMap {
      var entries = frame.entries
      for entry in frame.merged where frame.places[entry.key] == nil { entries.append(entry) }
      content = .map(entries)
    }
    let node = ConfigurationNode(content, origin: frame.origin)
    return put(Tree(node: node, size: frame.size, height: frame.height), anchor: frame.anchor)
  }

  private func put(_ tree: Tree, anchor: String?) -> Bool {
    if let anchor { anchors[anchor] = tree }
    guard let last = frames.indices.last else {
      root = tree.node
      return true
    }
    frames[last].size += tree.size
    frames[last].height = max(frames[last].height, tree.height + 1)
    if !frames[last].isMap {
      frames[last].items.append(tree.node)
      return true
    }
    guard let key = frames[last].key else { return fail(tree.node.origin, "an empty key") }
    frames[last].key = nil
    if key.text == "<<" { return merge(tree.node, into: last) }
    if let first = frames[last].places[key.text] {
      let line = frames[last].entries[first].keyOrigin.line
      log.add(
        key.origin, pathHere(key.text), "the same key a second time; the first is on line \(line)")
      return true
    }
    frames[last].places[key.text] = frames[last].entries.count
    frames[last].entries.append(ConfigurationEntry(key: key.text, keyOrigin: key.origin, value: tree.node))
    return true
  }

  /// The dotted path of the entry `key` of the innermost map.
  private func pathHere(_ key: String) -> String {
    var path = self.path
    for frame in frames.dropLast() {
      let part = frame.isMap ? frame.key?.text ?? "" : String(frame.items.count)
      path = ConfigurationPath.joined(path, part)
    }
    return ConfigurationPath.joined(path, key)
  }

  /// YAML 1.1's merge key: the entries of another map, or of several, where there are none of the same name.
  private func merge(_ node: ConfigurationNode, into frame: Int) -> Bool {
    for map in node.items ?? [node] {
      guard let entries = map.entries else { return fail(map.origin, "'<<' merges \(map.kindName); expected a map") }
      var known = Set(frames[frame].merged.map(\.key))
      for entry in entries where known.insert(entry.key).inserted { frames[frame].merged.append(entry) }
    }
    return true
  }
}
