// How the page looks: one column of text, charts beside one another where there is room, and on paper the same without what only a screen
// can do.

/// The style sheet of a report.
enum ReportStyle {
  static let text = """
    \(ChartStyle.colors)
    \(ChartStyle.shapes)
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: auto; }
    body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
    header, nav, main, footer { max-width: 1280px; margin: 0 auto; padding: 0 16px; }
    h1 { font-size: 1.7rem; margin: 24px 0 4px; } h2 { font-size: 1.3rem; margin: 40px 0 8px; } h3 { font-size: 1rem; margin: 20px 0 4px; }
    .facts, .note, figcaption, footer { color: var(--faint); font-size: 0.9rem; } figcaption b { color: var(--ink); }
    a { color: var(--c0); } a:focus-visible, summary:focus-visible, .scroll:focus-visible, main:focus-visible {
      outline: 3px solid var(--c1); outline-offset: 2px; }
    .skip { position: absolute; left: -9999px; } .skip:focus { left: 8px; top: 8px; padding: 8px 12px; background: var(--page); z-index: 1; }
    nav ol { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 0; padding: 8px 0; border-bottom: 1px solid var(--grid); }
    nav a { display: inline-block; padding: 6px 0; }
    ul { padding-left: 20px; margin: 6px 0; }
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 20px 28px; margin: 12px 0; }
    figure { margin: 0; min-width: 0; } figure svg { display: block; width: 100%; height: auto; max-width: 760px; }
    .scroll { overflow-x: auto; max-width: 100%; margin: 12px 0; }
    table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
    caption { text-align: left; color: var(--faint); padding: 4px 0; position: sticky; left: 0; }
    th, td { padding: 4px 10px; border-bottom: 1px solid var(--grid); text-align: right; white-space: nowrap; }
    th[scope=row], th.t, td.t { text-align: left; } thead th { border-bottom: 2px solid var(--grid); } tbody tr:nth-child(even) { background: var(--panel); }
    thead th:first-child { text-align: left; } th[scope=row] { font-weight: 600; }
    details { margin: 12px 0; } summary { cursor: pointer; padding: 6px 0; color: var(--c0); }
    footer { margin-top: 40px; padding-bottom: 32px; border-top: 1px solid var(--grid); padding-top: 12px; }
    @media (max-width: 600px) { figure svg text, figure svg .head { font-size: 19px; } figure svg .tick, figure svg .on-dark,
      figure svg .on-bright { font-size: 17px; } h1 { font-size: 1.4rem; } }
    @media print { nav, .skip, details:not([open]) { display: none; } body { font-size: 10pt; } a { color: inherit; }
      .scroll { overflow: visible; } table { font-size: 6pt; } th, td { padding: 2px 3px; white-space: normal; overflow-wrap: anywhere; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
      .charts { grid-template-columns: 1fr 1fr; } }
    """
}
