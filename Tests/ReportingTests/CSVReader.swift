// An independent reader of RFC 4180, for tests: a state machine over bytes that shares nothing with the writer.

/// The records of `text`.
func readCSV(_ text: String) -> [[String]] {
  var records: [[String]] = []
  var record: [String] = []
  var field: [UInt8] = []
  var isQuoted = false
  var bytes = Array(text.utf8)[...]
  while let byte = bytes.popFirst() {
    if isQuoted {
      if byte != 0x22 {
        field.append(byte)
      } else if bytes.first == 0x22 {
        bytes.removeFirst()
        field.append(0x22)
      } else {
        isQuoted = false
      }
      continue
    }
    switch byte {
    case 0x22: isQuoted = true
    case 0x2C:
      record.append(String(decoding: field, as: UTF8.self))
      field = []
    case 0x0A:
      record.append(String(decoding: field, as: UTF8.self))
      records.append(record)
      record = []
      field = []
    case 0x0D where bytes.first == 0x0A: break
    default: field.append(byte)
    }
  }
  return records
}
