// How charts look, in both themes and on paper. The colours are Okabe and Ito's (Color Universal Design, 2008), which people with any kind
// of colour vision tell apart; the pale ones are darkened on white, where they would not stand out. Dashes tell lines apart without colour.

/// The style sheet of charts.
enum ChartStyle {
  /// How many lines have a colour and dashes of their own.
  static let distinctLines = 10

  /// The class of line `number`; those beyond the distinct ones are thin and grey.
  static func line(_ number: Int) -> String { number < distinctLines ? "line s\(number)" : "line rest" }

  /// The class of the area around line `number`.
  static func area(_ number: Int) -> String { number < distinctLines ? "area a\(number)" : "area arest" }

  private static let light = """
    --page: #ffffff; --panel: #f4f6f8; --ink: #1b2026; --faint: #59616b; --grid: #dfe3e8; --rest: #9aa3ad; --fault: #d55e00; \
    --c0: #0072b2; --c1: #d55e00; --c2: #00805d; --c3: #b4558b; --c4: #1b2026; --c5: #a86f00; --c6: #2584b8; --c7: #7d7400;
    """

  private static let dark = """
    --page: #15181c; --panel: #1e2329; --ink: #e8eaed; --faint: #a7b0ba; --grid: #363c44; --rest: #7b848e; --fault: #ff8a3d; \
    --c0: #4aa3df; --c1: #ff8a3d; --c2: #1fc796; --c3: #e39cc5; --c4: #e8eaed; --c5: #e69f00; --c6: #7cc7f0; --c7: #f0e442;
    """

  /// Colours, by the reader's theme; paper is white.
  static let colors = """
    :root { color-scheme: light dark; \(light) }
    @media (prefers-color-scheme: dark) { :root { \(dark) } }
    @media print { :root { color-scheme: light; \(light) } }
    """

  /// Colour and dashes of each line.
  private static let lines: String = [
    (0, ""), (1, "8 3"), (2, "3 2"), (3, "9 3 2 3"), (4, "14 4"), (5, "5 5"), (6, "9 3 2 3 2 3"), (7, "2 4"),
    (0, "12 3 3 3"),
    (1, "1.5 2"),
  ].enumerated().map { number, line -> String in
    let dashes = line.1.isEmpty ? "" : " stroke-dasharray: \(line.1);"
    return ".s\(number) { stroke: var(--c\(line.0));\(dashes) } .a\(number) { fill: var(--c\(line.0)); }"
  }.joined(separator: "\n")

  /// Cividis (Nuñez, Anderton and Renslow, PLoS ONE 13:e0199239, 2018) in ten steps: dark for little, bright for much, also in grey.
  private static let heats: String = [
    "00204d", "00336f", "39486b", "575c6d", "707173", "8a8779", "a69d75", "c4b56c", "e4cf5b", "ffea46",
  ].enumerated().map { ".h\($0.offset) { fill: #\($0.element); }" }.joined(separator: "\n")

  /// How many steps the colours of heat maps have.
  static let heatSteps = 10

  /// The class of a text on a cell of step `step`.
  static func text(onHeat step: Int) -> String { step < 5 ? "on-dark" : "on-bright" }

  /// Everything that is drawn.
  static let shapes = """
    svg { font: 15px sans-serif; }
    text { fill: var(--ink); } .head { font-size: 17px; font-weight: 600; } .tick { fill: var(--faint); font-size: 13px; }
    .title { fill: var(--faint); } .on-dark { fill: #ffffff; font-size: 13px; } .on-bright { fill: #000000; font-size: 13px; }
    .page { fill: var(--page); } .grid { stroke: var(--grid); stroke-width: 1; fill: none; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .rest { stroke: var(--rest); stroke-width: 0.7; }
    .area { opacity: 0.16; } .arest { fill: none; } .bar { stroke: var(--c0); fill: none; }
    .even { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 5 4; fill: none; }
    .fault { fill: var(--fault); opacity: 0.17; } .out { stroke: var(--c1); stroke-width: 2; fill: none; }
    .back { stroke: var(--c2); stroke-width: 2; fill: none; } .lane { stroke: var(--grid); stroke-width: 1; fill: none; }
    .simulated { stroke: var(--c0); stroke-width: 4; fill: none; opacity: 0.65; }
    .measured { stroke: var(--c1); stroke-width: 1.8; fill: none; stroke-dasharray: 5 3; }
    \(lines)
    .whisker { stroke-width: 1.4; stroke-dasharray: none; }
    \(heats)
    """

  /// The style sheet of a picture that stands alone.
  static let whole = colors + "\n" + shapes
}
